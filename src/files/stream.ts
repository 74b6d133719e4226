/**
 * Reading a file piece by piece, in constant memory, and keeping what passed by until somebody vouches for it.
 *
 * @module files/stream (floor 0)
 */
import { closeSync, constants, fchmodSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { StoreError } from '../errors/index.js'
import { cannotRead, noRegularFile, type ReadOptions, requireContent, requireLength } from './read.js'
import { placeFile, SECRET_MODE, temporaryBeside, writeFailure } from './write.js'

/** Octets read at once. */
const PIECE_BYTES = 1024 * 1024

/** An open file. */
export interface FileStream {
  readonly size: number
  /**
   * The content, once and from its beginning. A piece is valid until the next one is asked for.
   *
   * @param onRead - Told how many octets have passed.
   * @throws {@link StoreError} `ERR_FILE_READ`, also where the file changed meanwhile
   */
  pieces(onRead?: (done: number) => void): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/**
 * Open a regular file of any length.
 *
 * @throws {@link StoreError} `ERR_FILE_READ` if it is missing, a directory or unreadable
 */
export async function openFileStream(path: string): Promise<FileStream> {
  let handle: FileHandle
  try {
    // O_NONBLOCK: opening a FIFO must not wait for a writer that never comes.
    handle = await process.getBuiltinModule('node:fs/promises').open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw cannotRead(path, cause)
  }
  const stats = await handle.stat()
  if (!stats.isFile()) {
    await handle.close()
    throw noRegularFile(path, stats, 'ERR_FILE_READ')
  }
  return {
    size: stats.size,
    pieces: (onRead) => readPieces(handle, path, onRead),
    close: () => handle.close(),
  }
}

async function* readPieces(
  handle: FileHandle,
  path: string,
  onRead: ((done: number) => void) | undefined,
): AsyncGenerator<Uint8Array> {
  // One buffer for all pieces: memory stays flat whenever it is collected.
  const buffer = new Uint8Array(PIECE_BYTES)
  const before = await handle.stat({ bigint: true })
  let done = 0
  // Who writes faster than we read keeps nobody busy for ever.
  while (BigInt(done) <= before.size) {
    const count = await readAt(handle, buffer, done, path)
    if (count === 0) break
    done += count
    yield buffer.subarray(0, count)
    onRead?.(done)
  }
  const after = await handle.stat({ bigint: true })
  if (after.mtimeNs !== before.mtimeNs || after.size !== before.size || BigInt(done) !== before.size) {
    throw new StoreError('ERR_FILE_READ', `${path} was changed while it was read`, { details: { path } })
  }
}

async function readAt(handle: FileHandle, buffer: Uint8Array, position: number, path: string): Promise<number> {
  try {
    return (await handle.read(buffer, 0, buffer.length, position)).bytesRead
  } catch (cause) {
    throw cannotRead(path, cause)
  }
}

/**
 * Read a whole regular file as `readFileBytes` does, but while others have their turns.
 *
 * @throws {@link StoreError} `ERR_FILE_READ` if it is missing, a directory or unreadable, also where it changed meanwhile
 * @throws {@link EncodingError} `ERR_INPUT_EMPTY`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export async function readFileInTurns(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
  const file = await openFileStream(path)
  try {
    requireLength(path, file.size, options)
    const bytes = new Uint8Array(file.size)
    let filled = 0
    for await (const piece of file.pieces()) {
      // What does not fit came after we asked how long it is; that it changed is said at its end.
      bytes.set(piece.subarray(0, file.size - filled), filled)
      filled = Math.min(file.size, filled + piece.length)
    }
    requireContent(path, bytes, options)
    return bytes.subarray(0, filled)
  } finally {
    await file.close()
  }
}

/** A file that is being written under a hidden name, closed to everybody else. */
export interface StagedFile {
  write(piece: Uint8Array): void
  /** Give it its name and mode, in one step. @throws {@link StateError} `ERR_OUTPUT_EXISTS` */
  place(mode: number, existing: 'refuse' | 'replace'): void
  /** Remove it, unless it was placed. */
  discard(): void
}

/**
 * Begin a file that shall appear whole or never.
 *
 * A killed process leaves the hidden file behind: see `purgeTemporaries`.
 *
 * @throws {@link StoreError} `ERR_FILE_WRITE`
 */
export function stageFile(path: string): StagedFile {
  const temporary = temporaryBeside(path)
  const attempt = <T>(work: () => T): T => {
    try {
      return work()
    } catch (cause) {
      throw writeFailure(path, cause)
    }
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const descriptor = attempt(() => openSync(temporary, flags, SECRET_MODE))
  let state: 'open' | 'closed' | 'placed' = 'open'
  const close = (): void => {
    if (state !== 'open') return
    state = 'closed'
    closeSync(descriptor)
  }
  return {
    write: (piece) => {
      attempt(() => {
        let written = 0
        while (written < piece.length) written += writeSync(descriptor, piece, written)
      })
    },
    place: (mode, existing) => {
      attempt(() => {
        fchmodSync(descriptor, mode)
        fsyncSync(descriptor)
        close()
        placeFile(temporary, path, { mode, existing })
        state = 'placed'
      })
    },
    discard: () => {
      close()
      if (state !== 'placed') rmSync(temporary, { force: true })
    },
  }
}

/** Let pieces pass, and keep each. */
export async function* keeping(
  pieces: AsyncIterable<Uint8Array>,
  file: Pick<StagedFile, 'write'>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    file.write(piece)
    yield piece
  }
}
