/**
 * Memory for octets that do not live long, and views of octets that are there.
 *
 * @module asn1/memory (floor 1)
 */
import { Buffer } from 'node:buffer'

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
