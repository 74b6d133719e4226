/**
 * Writing DER from its end to its beginning, into one piece of memory: the length of a value is known when its header is
 * written, and nothing is copied from level to level. For what is written for every message.
 *
 * @module asn1/backward-writer (floor 1)
 */
import { Buffer } from 'node:buffer'
import { headerOctets, writeHeader } from './der-writer.js'
import { sharedCopy } from './memory.js'

/** What most documents fit into; larger ones get memory of their own. */
const SCRATCH_OCTETS = 16 * 1024
const scratch = Buffer.allocUnsafeSlow(SCRATCH_OCTETS)

/** Used up in one go: whoever waits between writing and taking finds what somebody else wrote. */
export class BackwardWriter {
  readonly #bytes: Buffer
  /** Where that begins which is written already. */
  position: number

  /** @param capacity - In octets; writing more is an error of the caller. */
  constructor(capacity: number) {
    this.#bytes = capacity <= SCRATCH_OCTETS ? scratch : Buffer.allocUnsafeSlow(capacity)
    this.position = this.#bytes.length
  }

  /** Before what is written: these octets. */
  octets(octets: Uint8Array): void {
    this.position -= octets.length
    this.#bytes.set(octets, this.position)
  }

  /** Before what is written: characters that are one octet each. */
  text(text: string): void {
    this.position -= text.length
    this.#bytes.write(text, this.position, 'latin1')
  }

  /** Before what is written: the header of the value that ends before `end`. */
  header(tag: number, end: number): void {
    const length = end - this.position
    this.position -= headerOctets(length)
    writeHeader(this.#bytes, this.position, tag, length)
  }

  /** Put another tag on the value that was written last. */
  retag(tag: number): void {
    this.#bytes[this.position] = tag
  }

  /** What is written, as octets that nothing is written over. For what does not live long: {@link sharedCopy}. */
  take(): Uint8Array {
    return sharedCopy(this.#bytes.subarray(this.position))
  }
}
