/**
 * Files that are too large to be held: read and written piece by piece.
 *
 * @module files/pieces (floor 0)
 */
import { closeSync, constants, fsyncSync, readSync } from 'node:fs'
import { cannotRead, openRegular } from './read.js'
import {
  discardFile,
  openNew,
  placeFile,
  refuseExisting,
  temporaryBeside,
  writeAll,
  writeFailure,
  type WriteOptions,
} from './write.js'

/** Octets that are read at once. */
export const PIECE_BYTES = 64 * 1024

/** Pieces of a text or of octets, one after the other. */
export type Pieces<T extends Uint8Array | string> = Iterable<T> | AsyncIterable<T>

/**
 * Read a regular file piece by piece. It is opened when the first piece is asked for, and has no limit: whoever puts the
 * pieces together has one.
 *
 * @throws {@link StoreError} `ERR_FILE_READ` if it is missing, a directory or unreadable
 */
export async function* readPieces(path: string): AsyncGenerator<Uint8Array> {
  const { descriptor } = openRegular(path, constants.O_RDONLY)
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES)
      const count = readSome(descriptor, piece, path)
      if (count === 0) return
      yield piece.subarray(0, count)
      // Whoever never waits for anything outside leaves no time to collect garbage, or to hear of a signal.
      await new Promise((resolve) => setImmediate(resolve))
    }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Write a whole file atomically and durably, piece by piece: while they come, nothing is under its name, and nothing is
 * left if they fail.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`, before the first piece is asked for
 * @throws {@link StoreError} `ERR_FILE_WRITE`; whatever the pieces throw. Then nothing was changed
 */
export async function writePiecesAtomic(
  path: string,
  pieces: Pieces<Uint8Array | string>,
  options: WriteOptions,
): Promise<void> {
  if (options.existing !== 'replace') refuseExisting(path)
  const temporary = temporaryBeside(path)
  try {
    const descriptor = openNew(temporary, options.mode)
    try {
      for await (const piece of pieces) writeAll(descriptor, piece)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    placeFile(temporary, path, options)
  } catch (cause) {
    discardFile(temporary)
    throw writeFailure(path, cause)
  }
}

function readSome(descriptor: number, piece: Uint8Array, path: string): number {
  try {
    return readSync(descriptor, piece)
  } catch (cause) {
    throw cannotRead(path, cause)
  }
}
