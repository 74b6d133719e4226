/**
 * `signet verify --batch`: many messages in one process, one verdict in each line.
 *
 * @module cli/batch (floor 8)
 */
import { EncodingError, type ErrorCode } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { type MessageFacts, type MessagePolicy, verifyMessage, verifyMessageStream } from '../message/index.js'
import { type BatchMessage, parseJsonRecord, parsePathRecord, type Source, splitRecords } from './batch-records.js'
import { verifyContent } from './content.js'
import { type Invocation, ReportedRefusal } from './invocation.js'
import type { ReceiverOptions } from './receiver.js'
import { failureOf } from './report.js'
import { verdictFacts } from './verdict.js'

/** Verdicts are printed in pieces of about this many characters, and when what came has been judged. */
const PIECE_LENGTH = 64 * 1024

const LINE_FEED = 0x0a
const NUL = 0

/** What came of the messages so far. */
interface Tally {
  count: number
  verified: number
  readonly refused: Map<ErrorCode, number>
  /** That of the first that was refused. */
  exitCode: number
}

/**
 * Verify the messages that standard input names, in order, each by the same policy and at its own time.
 *
 * A record that cannot be read, a file that is missing, a message that is refused: each is one line with its error, and
 * the next one follows.
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
  const lines = async function* (): AsyncGenerator<string> {
    for await (const records of splitRecords(octetsOf(cli.environment.stdin), separator)) {
      let piece = ''
      for (const record of records) {
        piece += `${JSON.stringify(await judged(cli, () => parse(record), policy, options, tally))}\n`
        if (piece.length < PIECE_LENGTH) continue
        yield piece
        piece = ''
      }
      if (piece !== '') yield piece
    }
  }
  await cli.printPieces(lines())
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

/** One message: its line. */
async function judged(
  cli: Invocation,
  read: () => BatchMessage,
  policy: Omit<MessagePolicy, 'at'>,
  options: ReceiverOptions,
  tally: Tally,
): Promise<object> {
  const line = ++tally.count
  let named = {}
  try {
    const message = read()
    named = {
      ...(message.id === undefined ? {} : { id: message.id }),
      ...(typeof message.signature === 'string' ? { signature: message.signature } : {}),
    }
    const facts = await verdictOf(cli, message, { ...policy, at: cli.now() }, options)
    tally.verified++
    return { schema: 1, ok: true, line, ...named, ...facts }
  } catch (error) {
    const failure = failureOf(error)
    tally.refused.set(failure.code, (tally.refused.get(failure.code) ?? 0) + 1)
    tally.exitCode ||= failure.exitCode
    return { schema: 1, ok: false, line, ...named, error: failure }
  }
}

async function verdictOf(
  cli: Invocation,
  message: BatchMessage,
  policy: MessagePolicy,
  options: ReceiverOptions,
): Promise<object> {
  const { content } = message
  const signature = octetsIn(cli, message.signature)
  if (typeof content !== 'string') {
    const verified = await verifyMessage(signature, content, policy)
    return verdictFacts(verified, verified.content.length, options)
  }
  const { value, contentBytes } = await verifyContent<MessageFacts>(
    cli,
    { content: cli.path(content) },
    {
      held: async (bytes) => {
        const verified = await verifyMessage(signature, bytes, policy)
        return { value: verified, content: verified.content }
      },
      streamed: async (pieces) => (await verifyMessageStream(signature, pieces, policy)).facts,
    },
  )
  return verdictFacts(value, contentBytes, options)
}

function octetsIn(cli: Invocation, source: Source): Uint8Array {
  return typeof source === 'string' ? readFileBytes(cli.path(source)) : source
}

async function* octetsOf(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const piece of stream) yield piece instanceof Uint8Array ? piece : Buffer.from(String(piece))
}
