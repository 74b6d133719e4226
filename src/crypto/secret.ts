/**
 * A secret in memory that no log, JSON or inspection shows.
 *
 * @module crypto/secret (floor 2)
 */
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { UsageError } from '../errors/index.js'

const REDACTED = '[redacted]'

/** Octets that are lent, never shown. */
abstract class Secret {
  readonly #bytes: Buffer

  /** @param bytes - The secret; copied. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes)
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

export class Passphrase extends Secret {
  declare protected readonly kind: 'passphrase'

  /**
   * @param bytes - The passphrase; copied. One line ending at its end, which editors and `echo` add, is dropped.
   * @throws {@link UsageError} `ERR_PASSPHRASE_REQUIRED` if nothing is left
   */
  constructor(bytes: Uint8Array) {
    super(withoutLineEnding(bytes))
  }
}

/** A key of a symmetric algorithm, which says how long it must be. */
export class SecretKey extends Secret {
  declare protected readonly kind: 'key'

  /** A new key from the system's random source. */
  static generate(octets: number): SecretKey {
    return new SecretKey(randomBytes(octets))
  }
}

function withoutLineEnding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length
  if (bytes[end - 1] === 0x0a) end--
  if (bytes[end - 1] === 0x0d) end--
  if (end === 0) throw new UsageError('ERR_PASSPHRASE_REQUIRED', 'the passphrase is empty')
  return bytes.subarray(0, end)
}
