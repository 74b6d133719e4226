/**
 * Writing DER: small functions that each yield one complete value.
 *
 * @module asn1/der-writer (floor 1)
 */
import { Buffer } from 'node:buffer'
import { InternalError } from '../errors/index.js'
import { encodeOid } from './oid.js'
import { contextConstructed, contextPrimitive, TAG } from './tags.js'
import { generalizedTimeText, timeText } from './time.js'

/** One value: identifier, shortest length, content. */
export function encodeValue(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of content) length += part.length
  let position = headerOctets(length)
  const bytes = new Uint8Array(position + length)
  writeHeader(bytes, 0, tag, length)
  for (const part of content) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

/** What a value begins with, for content that is too long to be copied at every level around it. */
export function encodeHeader(tag: number, length: number): Uint8Array {
  const bytes = new Uint8Array(headerOctets(length))
  writeHeader(bytes, 0, tag, length)
  return bytes
}

/** How long the identifier and length of a value are. */
export function headerOctets(length: number): number {
  return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6
}

/** Write identifier and shortest length into memory that has room for them. */
export function writeHeader(bytes: Uint8Array, position: number, tag: number, length: number): void {
  bytes[position] = tag
  const octets = headerOctets(length) - 2
  bytes[position + 1] = octets === 0 ? length : 0x80 | octets
  for (let index = octets, rest = length; index > 0; index--, rest >>>= 8) bytes[position + 1 + index] = rest & 0xff
}

export function encodeSequence(...content: readonly Uint8Array[]): Uint8Array {
  return encodeValue(TAG.sequence, ...content)
}

/** SET OF: elements in ascending order of their encodings (X.690 §11.6). */
export function encodeSetOf(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeValue(TAG.set, ...(elements.length < 2 ? elements : elements.toSorted(compareBytes)))
}

/** `[number] EXPLICIT`, and `[number] IMPLICIT` over a constructed type. */
export function encodeContext(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return encodeValue(contextConstructed(number), ...content)
}

/** `[number] IMPLICIT` over a primitive type, given its content octets. */
export function encodeContextPrimitive(number: number, content: Uint8Array): Uint8Array {
  return encodeValue(contextPrimitive(number), content)
}

export function encodeBoolean(value: boolean): Uint8Array {
  return Uint8Array.of(TAG.boolean, 1, value ? 0xff : 0x00)
}

export function encodeNull(): Uint8Array {
  return Uint8Array.of(TAG.null, 0)
}

/** A non-negative INTEGER from a safe number. */
export function encodeInteger(value: number, tag: number = TAG.integer): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new InternalError('ERR_INTERNAL', 'not a non-negative integer')
  if (value < 0x80) return Uint8Array.of(tag, 1, value)
  if (value < 0x8000 && value >= 0x100) return Uint8Array.of(tag, 2, value >> 8, value & 0xff)
  const octets: number[] = []
  for (let rest = value; octets.length === 0 || rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return encodeValue(tag, positive(Uint8Array.from(octets)))
}

/** A non-negative INTEGER from its big-endian magnitude. */
export function encodeUnsigned(magnitude: Uint8Array): Uint8Array {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  return encodeValue(TAG.integer, positive(magnitude.length === 0 ? Uint8Array.of(0) : magnitude.subarray(start)))
}

export function encodeEnumerated(value: number): Uint8Array {
  return encodeInteger(value, TAG.enumerated)
}

const encodedOids = new Map<string, Uint8Array>()

/** OBJECT IDENTIFIER from dotted text. Callers pass constants, so the results are kept. */
export function encodeObjectIdentifier(oid: string): Uint8Array {
  let value = encodedOids.get(oid)
  if (value === undefined) {
    value = encodeValue(TAG.oid, encodeOid(oid))
    if (encodedOids.size < 1024) encodedOids.set(oid, value)
  }
  return value
}

export function encodeOctetString(bytes: Uint8Array): Uint8Array {
  return encodeValue(TAG.octetString, bytes)
}

/** BIT STRING of whole octets. */
export function encodeBitString(bytes: Uint8Array): Uint8Array {
  return encodeValue(TAG.bitString, Uint8Array.of(0), bytes)
}

/** BIT STRING of named bits: bit 0 is the first; trailing zero bits are cut (X.690 §11.2.2). */
export function encodeNamedBits(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return encodeValue(TAG.bitString, Uint8Array.of(0))
  const highest = Math.max(...bits)
  const octets = new Uint8Array((highest >> 3) + 1)
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return encodeValue(TAG.bitString, Uint8Array.of(7 - (highest & 7)), octets)
}

/** UTF8String, or another string type whose characters the caller has checked. */
export function encodeString(text: string, tag: number = TAG.utf8String): Uint8Array {
  return encodeValue(tag, Buffer.from(text, tag === TAG.utf8String ? 'utf8' : 'latin1'))
}

export function encodePrintableString(text: string): Uint8Array {
  if (!/^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)) throw new InternalError('ERR_INTERNAL', 'not a PrintableString')
  return encodeString(text, TAG.printableString)
}

/** UTCTime through 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
export function encodeTime(instant: Date): Uint8Array {
  const { tag, text } = timeText(instant)
  return encodeString(text, tag)
}

export function encodeGeneralizedTime(instant: Date): Uint8Array {
  return encodeString(generalizedTimeText(instant), TAG.generalizedTime)
}

/** Byte strings in ascending order; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts)
}

/** As {@link concatBytes}, for any number of parts. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

function positive(magnitude: Uint8Array): Uint8Array {
  return (magnitude[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), magnitude) : magnitude
}
