/**
 * Memory for octets that do not live long.
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
