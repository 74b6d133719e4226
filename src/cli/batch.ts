/**
 * `signet verify --batch`: many messages in one process, one verdict in each line.
 *
 * @module cli/batch (floor 8)
 */
import { availableParallelism } from 'node:os'
import { SignaturePool } from '../crypto/index.js'
import { EncodingError, type ErrorCode } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import {
  type IncomingMessage,
  type MessageFacts,
  type MessagePolicy,
  verifyAll,
  verifyMessage,
  verifyMessageStream,
} from '../message/index.js'
import { type BatchMessage, parseJsonRecord, parsePathRecord, type Source, splitRecords } from './batch-records.js'
import { readShort, verifyContent } from './content.js'
import { type Invocation, ReportedRefusal } from './invocation.js'
import type { ReceiverOptions } from './receiver.js'
import { failureOf } from './report.js'
import { verdictFacts } from './verdict.js'

/** Verdicts are printed in pieces of about this many characters, and when what came has been judged. */
const PIECE_LENGTH = 64 * 1024

/** Messages after which it is worth while to start threads: that takes as long as verifying some hundred. */
const MESSAGES_BEFORE_THREADS = 512

const LINE_FEED = 0x0a
const NUL = 0

/** What all messages of a batch are judged by. */
interface Receiver {
  readonly cli: Invocation
  readonly options: ReceiverOptions
  readonly parse: (record: Uint8Array | 'too long') => BatchMessage
  /** A policy for this moment. */
  readonly policy: () => MessagePolicy
  readonly tally: Tally
}

/** What came of the messages so far. */
interface Tally {
  count: number
  verified: number
  readonly refused: Map<ErrorCode, number>
  /** That of the first that was refused. */
  exitCode: number
}

/** A message whose content is too long for memory. */
interface LongMessage {
  readonly der: Uint8Array
  /** Path of its content. */
  readonly content: string
}

/** A message that has no verdict yet. */
interface Entry {
  readonly line: number
  /** What it is called in its line. */
  readonly named: object
  readonly read: { readonly held: IncomingMessage } | { readonly long: LongMessage } | { readonly error: unknown }
}

/**
 * Verify the messages that standard input names, in order, each by the same policy and at its own time. Where they are
 * many, their signatures are verified on all processor cores.
 *
 * A record that cannot be read, a file that is missing, a message that is refused: each is one line with its error, and
 * the next one follows. What has come is judged and told of before more is waited for.
 *
 * @param policy - All but the time.
 * @throws {@link ReportedRefusal} where any was refused · {@link EncodingError} `ERR_INPUT_EMPTY` where there was none
 */
export async function verifyBatch(
  cli: Invocation,
  options: ReceiverOptions & { readonly null?: boolean },
  policy: Omit<MessagePolicy, 'at'>,
): Promise<undefined> {
  const tally: Tally = { count: 0, verified: 0, refused: new Map(), exitCode: 0 }
  const [separator, parse] =
    options.null === true ? ([NUL, parsePathRecord] as const) : ([LINE_FEED, parseJsonRecord] as const)
  const receiver = { cli, options, parse, policy: () => ({ ...policy, at: cli.now() }), tally }
  let pool: SignaturePool | undefined
  const judged = async function* (records: Records): AsyncGenerator<object> {
    const alone = availableParallelism() > 1 ? Math.max(0, MESSAGES_BEFORE_THREADS - tally.count) : records.length
    yield* oneByOne(records.slice(0, alone), receiver)
    if (records.length <= alone) return
    pool ??= new SignaturePool()
    yield* sideBySide(records.slice(alone), receiver, pool)
  }
  const lines = async function* (): AsyncGenerator<string> {
    for await (const records of splitRecords(octetsOf(cli.environment.stdin), separator)) {
      let piece = ''
      for await (const verdict of judged(records)) {
        piece += `${JSON.stringify(verdict)}\n`
        if (piece.length < PIECE_LENGTH) continue
        yield piece
        piece = ''
      }
      if (piece !== '') yield piece
    }
  }
  try {
    await cli.printPieces(lines())
  } finally {
    await pool?.close()
  }
  if (tally.count === 0) {
    throw new EncodingError('ERR_INPUT_EMPTY', 'standard input names no message', {
      hint: 'one object in each line: {"signature": "a.p7s", "content": "a.json"}',
    })
  }
  const refused = [...tally.refused].map(([code, count]) => `, ${count} ${code}`).join('')
  cli.note(`${tally.verified} of ${tally.count} messages verified${refused}`)
  if (tally.exitCode !== 0) throw new ReportedRefusal(tally.exitCode)
  return undefined
}

type Records = readonly (Uint8Array | 'too long')[]

async function* oneByOne(records: Records, receiver: Receiver): AsyncGenerator<object> {
  for (const record of records) yield await judgedAlone(begin(record, receiver), receiver)
}

/** Whatever cannot be verified beside others ends a row of those that can. */
async function* sideBySide(records: Records, receiver: Receiver, pool: SignaturePool): AsyncGenerator<object> {
  const begun: Entry[] = []
  let next = 0
  const row = function* (): Generator<IncomingMessage> {
    for (let record = records[next++]; record !== undefined; record = records[next++]) {
      const entry = begin(record, receiver)
      begun.push(entry)
      if (!('held' in entry.read)) return
      yield entry.read.held
    }
  }
  while (next < records.length) {
    try {
      for await (const observed of verifyAll(row(), receiver.policy, pool)) {
        const entry = begun.shift()
        if (entry === undefined) break
        yield observed.verdict === 'verified'
          ? accepted(entry, observed.message, observed.message.content.length, receiver)
          : refused(entry, observed.error, receiver)
      }
    } catch {
      // What nobody can go on after is said of the message that it is about, and of no other.
    }
    for (const entry of begun.splice(0)) yield await judgedAlone(entry, receiver)
  }
}

/** Read a record, and what it names. */
function begin(record: Uint8Array | 'too long', { cli, parse, tally }: Receiver): Entry {
  const line = ++tally.count
  let named = {}
  try {
    const message = parse(record)
    const { id, signature, content } = message
    named = {
      ...(id === undefined ? {} : { id }),
      ...(typeof signature === 'string' ? { signature } : {}),
    }
    const der = octetsIn(cli, signature)
    if (typeof content !== 'string')
      return { line, named, read: { held: content === undefined ? { der } : { der, content } } }
    const path = cli.path(content)
    const bytes = readShort(path)
    return {
      line,
      named,
      read: bytes === undefined ? { long: { der, content: path } } : { held: { der, content: bytes } },
    }
  } catch (error) {
    return { line, named, read: { error } }
  }
}

async function judgedAlone(entry: Entry, receiver: Receiver): Promise<object> {
  const { read } = entry
  try {
    if ('error' in read) throw read.error
    if ('long' in read) return await judgedLong(entry, read.long, receiver)
    const message = await verifyMessage(read.held.der, read.held.content, receiver.policy())
    return accepted(entry, message, message.content.length, receiver)
  } catch (error) {
    return refused(entry, error, receiver)
  }
}

async function judgedLong(entry: Entry, { der, content }: LongMessage, receiver: Receiver): Promise<object> {
  const policy = receiver.policy()
  const { value, contentBytes } = await verifyContent<MessageFacts>(
    receiver.cli,
    { content },
    {
      held: async (bytes) => {
        const verified = await verifyMessage(der, bytes, policy)
        return { value: verified, content: verified.content }
      },
      streamed: async (pieces) => (await verifyMessageStream(der, pieces, policy)).facts,
    },
  )
  return accepted(entry, value, contentBytes, receiver)
}

/** The line of a message that verified. */
function accepted(
  { line, named }: Entry,
  message: MessageFacts,
  contentBytes: number,
  { options, tally }: Receiver,
): object {
  tally.verified++
  return { schema: 1, ok: true, line, ...named, ...verdictFacts(message, contentBytes, options) }
}

/** The line of one that did not. */
function refused({ line, named }: Entry, error: unknown, { tally }: Receiver): object {
  const failure = failureOf(error)
  tally.refused.set(failure.code, (tally.refused.get(failure.code) ?? 0) + 1)
  tally.exitCode ||= failure.exitCode
  return { schema: 1, ok: false, line, ...named, error: failure }
}

function octetsIn(cli: Invocation, source: Source): Uint8Array {
  return typeof source === 'string' ? readFileBytes(cli.path(source)) : source
}

async function* octetsOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const piece of stream) yield piece instanceof Uint8Array ? piece : Buffer.from(String(piece))
}
