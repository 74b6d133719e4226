/**
 * A secret in memory that no log, JSON or inspection shows.
 *
 * @module crypto/secret (floor 2)
 */
import { inspect } from 'node:util'
import { UsageError } from '../errors/index.js'

const REDACTED = '[redacted]'

export class Passphrase {
  readonly #bytes: Buffer

  /**
   * @param bytes - The passphrase; copied. One line ending at its end, which editors and `echo` add, is dropped.
   * @throws {@link UsageError} `ERR_PASSPHRASE_REQUIRED` if nothing is left
   */
  constructor(bytes: Uint8Array) {
    let end = bytes.length
    if (bytes[end - 1] === 0x0a) end--
    if (bytes[end - 1] === 0x0d) end--
    if (end === 0) throw new UsageError('ERR_PASSPHRASE_REQUIRED', 'the passphrase is empty')
    this.#bytes = Buffer.from(bytes.subarray(0, end))
  }

  /** Lend the octets to a function; they are not to be kept. */
  use<T>(work: (bytes: Buffer) => T): T {
    return work(this.#bytes)
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}
