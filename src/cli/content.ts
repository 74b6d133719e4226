/**
 * Content to sign or to verify: in memory where it fits, else piece by piece.
 *
 * What passes by is written to a hidden file that only its owner reads, and gets its name after the verdict. So what is
 * handed out are the octets that were digested, and nobody can change the file between: it is never opened again.
 *
 * @module cli/content (floor 8)
 */
import type { Readable } from 'node:stream'
import { type ContentDigest, digestStream } from '../cms/index.js'
import type { DigestName } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import {
  DEFAULT_MAX_FILE_BYTES,
  keeping,
  openFileStream,
  PUBLIC_MODE,
  readFileBytes,
  refuseExisting,
  stageFile,
} from '../files/index.js'
import type { Invocation } from './invocation.js'

/** What is too long for memory. */
interface LongContent {
  readonly pieces: AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/**
 * What to sign: the octets, or where they are too many, their digest.
 *
 * @param form - What is put into a document has to fit into memory.
 */
export async function contentToSign(
  cli: Invocation,
  file: string,
  form: 'attached' | 'detached',
  digests: readonly DigestName[],
): Promise<Uint8Array | ContentDigest> {
  if (form === 'attached') return cli.readInput(file)
  const content = await openContent(cli, file, 'signing')
  if (content instanceof Uint8Array) return content
  try {
    return await digestStream(content.pieces, digests)
  } finally {
    await content.close()
  }
}

/** Two ways to verify the same. */
export interface ContentVerifier<T> {
  /** @param content - `undefined` where none was named. */
  readonly held: (content: Uint8Array | undefined) => Promise<{ readonly value: T; readonly content: Uint8Array }>
  readonly streamed: (pieces: AsyncIterable<Uint8Array>) => Promise<T>
}

/** What verified, and where its content was written. */
export interface ContentVerdict<T> {
  readonly value: T
  readonly contentBytes: number
  readonly path: string | undefined
}

/** Verify content, and write it where `--out` says: after the verdict, and not a moment before. */
export async function verifyContent<T>(
  cli: Invocation,
  options: { readonly content?: string; readonly out?: string; readonly force?: boolean },
  verifier: ContentVerifier<T>,
): Promise<ContentVerdict<T>> {
  const given = options.content === undefined ? undefined : await openContent(cli, options.content, 'verifying')
  if (given === undefined || given instanceof Uint8Array) {
    const { value, content } = await verifier.held(given)
    const path = options.out === undefined ? undefined : cli.writeOutput(options.out, content, options.force)
    return { value, contentBytes: content.length, path }
  }
  try {
    return await verifyLong(cli, options, given.pieces, verifier)
  } finally {
    await given.close()
  }
}

async function verifyLong<T>(
  cli: Invocation,
  { out, force }: { readonly out?: string; readonly force?: boolean },
  content: AsyncIterable<Uint8Array>,
  verifier: ContentVerifier<T>,
): Promise<ContentVerdict<T>> {
  let contentBytes = 0
  const pieces = counted(content, (count) => (contentBytes += count))
  if (out === undefined) return { value: await verifier.streamed(pieces), contentBytes, path: undefined }
  const path = cli.outputPath(out)
  // Whoever waited for the whole of a long file should not learn this at its end.
  if (force !== true) refuseExisting(path)
  const stage = stageFile(path)
  try {
    const value = await verifier.streamed(keeping(pieces, stage))
    stage.place(PUBLIC_MODE, force === true ? 'replace' : 'refuse')
    return { value, contentBytes, path }
  } finally {
    stage.discard()
  }
}

async function openContent(cli: Invocation, file: string, label: string): Promise<Uint8Array | LongContent> {
  if (file === '-') return openInput(cli.environment.stdin)
  const path = cli.path(file)
  const whole = readShort(path)
  if (whole !== undefined) return whole
  const stream = await openFileStream(path)
  const progress = cli.progress(label, stream.size, 'bytes')
  return {
    pieces: stream.pieces((done) => {
      progress.advance(done)
    }),
    close: async () => {
      progress.finish()
      await stream.close()
    },
  }
}

/** A file that fits into memory; `undefined` for a longer one. */
export function readShort(path: string): Uint8Array | undefined {
  try {
    return readFileBytes(path, { empty: 'allow' })
  } catch (error) {
    if (isSignetError(error) && error.code === 'ERR_LIMIT_EXCEEDED') return undefined
    throw error
  }
}

/** Standard input says only at its end how long it is. */
async function openInput(stdin: Readable): Promise<Uint8Array | LongContent> {
  const iterator = stdin[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const pieces: Uint8Array[] = []
  let length = 0
  for (;;) {
    const next = await iterator.next()
    if (next.done === true) return new Uint8Array(Buffer.concat(pieces))
    pieces.push(Buffer.from(next.value))
    length += next.value.length
    if (length > DEFAULT_MAX_FILE_BYTES) break
  }
  return {
    pieces: continued(pieces, iterator),
    close: async () => {
      await iterator.return?.()
    },
  }
}

async function* continued(begun: Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Taken out, so that they can be forgotten.
  for (let piece = begun.shift(); piece !== undefined; piece = begun.shift()) yield piece
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield Buffer.from(next.value)
}

async function* counted(
  pieces: AsyncIterable<Uint8Array>,
  count: (octets: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    count(piece.length)
    yield piece
  }
}
