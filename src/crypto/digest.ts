/**
 * Digests of octets in memory.
 *
 * @module crypto/digest (floor 2)
 */
import { hash } from 'node:crypto'
import type { DigestName } from './algorithms.js'

/** The digest of these octets as characters, each an octet: Node makes a Buffer of it in three times the time. Not for secrets. */
export function digestText(digest: DigestName | 'sha1', octets: Uint8Array): string {
  return hash(digest, octets, 'binary')
}

/** The digest of these octets. SHA-1 is for names that others chose so (RFC 6960 §4.1.1), never for what is believed. */
export function digestOctets(digest: DigestName | 'sha1', octets: Uint8Array): Uint8Array {
  return digestTextOctets(digestText(digest, octets))
}

/** What {@link digestText} says, as octets. */
export function digestTextOctets(text: string): Uint8Array {
  const octets = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) octets[index] = text.charCodeAt(index)
  return octets
}
