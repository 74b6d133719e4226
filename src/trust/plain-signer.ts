/**
 * Passing over signers in the form that practically all have, without making anything of them: lengths of one to three
 * octets, texts in ASCII. For every other, and for all that are malformed, the strict reader is asked.
 *
 * @module trust/plain-signer (floor 6)
 */
import { contextConstructed, PlainReader, TAG } from '../asn1/index.js'

/** Octets and values of a signer; no octets where it is not plain. */
export interface PlainSigner {
  readonly octets: number
  readonly values: number
}

const NOT_PLAIN: PlainSigner = { octets: 0, values: 0 }

/** Between the certificate and the grants. */
const TEXTS = [TAG.utf8String, TAG.ia5String, TAG.utf8String, TAG.utf8String, TAG.utf8String] as const

/** @param end - Of the list; the signer must end there or before. */
export function plainSigner(bytes: Uint8Array, start: number, end: number): PlainSigner {
  const reader = new PlainReader(bytes, start, end)
  const last = reader.enter(TAG.sequence)
  reader.pass(TAG.octetString, last)
  reader.pass(TAG.sequence, last)
  for (const tag of TEXTS) text(reader, tag, last)
  texts(reader, TAG.sequence, last)
  if (reader.position !== last) texts(reader, contextConstructed(0), last)
  return reader.endsAt(last) ? { octets: last - start, values: reader.values } : NOT_PLAIN
}

/** Pass over a text that is ASCII. */
function text(reader: PlainReader, tag: number, end: number): void {
  const last = reader.enter(tag, end)
  const { bytes } = reader
  while (reader.isPlain && reader.position < last) {
    if ((bytes[reader.position] as number) < 0x80) reader.position++
    else reader.isPlain = false
  }
}

function texts(reader: PlainReader, tag: number, end: number): void {
  const last = reader.enter(tag, end)
  while (reader.isPlain && reader.position < last) text(reader, TAG.utf8String, last)
}
