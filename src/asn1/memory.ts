/**
 * Memory for octets that do not live long, and views of octets that are there.
 *
 * @module asn1/memory (floor 1)
 */
import { Buffer } from 'node:buffer'
import type { Steps } from '../time/index.js'

/**
 * Memory that Node shares out from larger pieces (`Buffer.allocUnsafe`): an ArrayBuffer for each message would take longer
 * to get than all that is written into it. Nobody else is given these octets, and the memory around them cannot be
 * transferred; but while they are held, the whole piece is.
 *
 * @returns Octets of no meaning: the caller writes all of them.
 */
export function sharedMemory(octets: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(octets)
  return new Uint8Array(buffer, byteOffset, octets)
}

/** These octets in {@link sharedMemory}: nobody who holds the given ones can change them. */
export function sharedCopy(octets: Uint8Array): Uint8Array {
  const copy = sharedMemory(octets.length)
  copy.set(octets)
  return copy
}

/** The same octets, not copied: what a Buffer can read as text. */
export function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.length)
}

/** Octets that are copied or digested in one step: some half a millisecond. */
export const STEP_OCTETS = 1024 * 1024

/** These octets, one part after the other, in steps. Nobody who holds the parts can change them afterwards. */
export function* joinInSteps(parts: readonly Uint8Array[]): Steps<Uint8Array> {
  const joined = sharedMemory(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  let copied = 0
  for (const part of parts) {
    for (let start = 0; start < part.length; start += STEP_OCTETS) {
      const piece = part.subarray(start, start + STEP_OCTETS)
      joined.set(piece, position)
      position += piece.length
      copied += piece.length
      if (copied < STEP_OCTETS) continue
      copied = 0
      yield
    }
  }
  return joined
}
