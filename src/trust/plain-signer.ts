/**
 * Passing over signers in the form that practically all have, without making anything of them: lengths of one to three
 * octets, texts in ASCII. For every other, and for all that are malformed, the strict reader is asked.
 *
 * @module trust/plain-signer (floor 6)
 */
import { contextConstructed, TAG } from '../asn1/index.js'

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
  const scan = new Scan(bytes, start, end)
  const last = scan.enter(TAG.sequence)
  scan.pass(TAG.octetString, last)
  scan.pass(TAG.sequence, last)
  for (const tag of TEXTS) scan.text(tag, last)
  scan.texts(TAG.sequence, last)
  if (scan.position !== last) scan.texts(contextConstructed(0), last)
  return scan.isPlain && scan.position === last ? { octets: last - start, values: scan.values } : NOT_PLAIN
}

/** A cursor that never throws: what is not plain makes it stop. */
class Scan {
  isPlain = true
  values = 0
  position: number
  readonly #bytes: Uint8Array
  readonly #end: number

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.#bytes = bytes
    this.position = position
    this.#end = end
  }

  /** Go into a value. @returns Where it ends. */
  enter(tag: number, end = this.#end): number {
    const bytes = this.#bytes
    const { position } = this
    const first = bytes[position + 1] ?? 0xff
    const octets = first < 0x80 ? 0 : first & 0x7f
    const content = position + 2 + octets
    const second = bytes[position + 2] ?? 0
    const length = octets === 0 ? first : octets === 1 ? second : second * 256 + (bytes[position + 3] ?? 0)
    // Shortest form, as DER has it: one octet from 128, two from 256.
    const isShortest = octets === 0 || (octets === 1 ? length >= 0x80 : octets === 2 && length >= 0x100)
    if (!this.isPlain || bytes[position] !== tag || !isShortest || content + length > end) {
      this.isPlain = false
      return end
    }
    this.values++
    this.position = content
    return content + length
  }

  pass(tag: number, end: number): void {
    const last = this.enter(tag, end)
    if (this.isPlain) this.position = last
  }

  text(tag: number, end: number): void {
    const last = this.enter(tag, end)
    while (this.isPlain && this.position < last) {
      if ((this.#bytes[this.position] ?? 0xff) < 0x80) this.position++
      else this.isPlain = false
    }
  }

  texts(tag: number, end: number): void {
    const last = this.enter(tag, end)
    while (this.isPlain && this.position < last) this.text(TAG.utf8String, last)
  }
}
