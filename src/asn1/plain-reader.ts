/**
 * A cursor for what is in the form that practically all have: it never throws, and makes nothing of what it passes over.
 * What is not plain makes it stop, and is read again by the strict reader, which also says what is wrong.
 *
 * @module asn1/plain-reader (floor 1)
 */
import type { OctetTable } from './octet-table.js'

/** Content octets in which nothing stands. */
const NOTHING = new Uint8Array()

export class PlainReader {
  /** False once something was not plain; nothing that was read before or after counts then. */
  isPlain = true
  /** Of the next value. */
  position: number
  /** Headers that were read. */
  values = 0
  readonly bytes: Uint8Array
  readonly #end: number

  /** @param end - Nothing is read from here on. */
  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.#end = end
  }

  /**
   * Go into a value of this tag, whose length has its shortest form (X.690 §10.1), of one to three octets.
   *
   * @param end - Where it must end, or before.
   * @returns Where it ends.
   */
  enter(tag: number, end: number = this.#end): number {
    const { bytes, position } = this
    const first = position + 1 < end ? (bytes[position + 1] as number) : 0xff
    let content = position + 2
    let length = first
    if (first >= 0x80) {
      length = first === 0x81 || first === 0x82 ? (bytes[content++] ?? 0) : 0
      if (first === 0x82) length = length * 256 + (bytes[content++] ?? 0)
      // Shortest: one octet from 128, two from 256.
      if (length < (first === 0x82 ? 0x100 : 0x80)) this.isPlain = false
    }
    if (!this.isPlain || bytes[position] !== tag || content + length > end) return this.stop(end)
    this.values++
    this.position = content
    return content + length
  }

  /** Say that this is not plain. @returns `end`, so that whoever reads on finds nothing left. */
  stop(end: number): number {
    this.isPlain = false
    return end
  }

  /** Pass over a value of this tag. */
  pass(tag: number, end: number): void {
    const last = this.enter(tag, end)
    if (this.isPlain) this.position = last
  }

  /** The content octets of a value of this tag. */
  content(tag: number, end: number): Uint8Array {
    const last = this.enter(tag, end)
    if (!this.isPlain) return NOTHING
    const content = this.bytes.subarray(this.position, last)
    this.position = last
    return content
  }

  /** Pass over these very octets. */
  same(octets: Uint8Array, end: number): void {
    const { bytes, position } = this
    if (position + octets.length > end) this.isPlain = false
    for (let index = 0; this.isPlain && index < octets.length; index++) {
      if (bytes[position + index] !== octets[index]) this.isPlain = false
    }
    if (this.isPlain) this.position += octets.length
  }

  /** What a table has for the whole next value, of this tag and a length of one octet. */
  known<T>(tag: number, table: OctetTable<T>, end: number): T | undefined {
    const { position } = this
    const last = this.enter(tag, end)
    const value = this.isPlain ? table.get(this.bytes, position, last) : undefined
    if (value === undefined) this.isPlain = false
    else this.position = last
    return value
  }

  /** Whether all is plain, and nothing is left before `end`. */
  endsAt(end: number): boolean {
    return this.isPlain && this.position === end
  }
}
