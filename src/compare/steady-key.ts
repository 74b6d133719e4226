/**
 * A key whose signatures are all as long as they get, so that what is measured is the same in every run.
 *
 * An ECDSA signature in DER is two integers, each with an octet before it where its first bit is set: of P-256, a quarter
 * has 72 octets, a half 71, the rest less. Those that are shorter are made again. Other signatures have one length.
 *
 * @module compare/steady-key (floor 7.2)
 */
import type { KeyObject } from 'node:crypto'
import { type KeyProvider, MemoryKeyProvider, type PublicKey, type SignatureAlgorithm } from '../crypto/index.js'

/** Octets of the longest signature in DER: SEQUENCE of two INTEGERs with an octet more than the field has. */
const LONGEST: Readonly<Record<string, number>> = { p256: 72, p384: 104 }

/** Signatures that are remembered: one message is signed in a few forms, over the same octets. */
const REMEMBERED = 16

export class SteadyKeyProvider implements KeyProvider {
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly #key: MemoryKeyProvider
  readonly #made = new Map<string, Uint8Array>()

  constructor(privateKey: KeyObject, signatureAlgorithm?: SignatureAlgorithm) {
    this.#key = new MemoryKeyProvider(privateKey, signatureAlgorithm)
    this.publicKey = this.#key.publicKey
    this.signatureAlgorithm = this.#key.signatureAlgorithm
  }

  /** Of the same octets, the same signature. */
  sign(data: Uint8Array): Uint8Array {
    const id = Buffer.from(data).toString('latin1')
    const made = this.#made.get(id)
    if (made !== undefined) return made
    if (this.#made.size >= REMEMBERED) this.#made.clear()
    const signature = this.#longest(data)
    this.#made.set(id, signature)
    return signature
  }

  #longest(data: Uint8Array): Uint8Array {
    const wanted = LONGEST[this.publicKey.name]
    for (;;) {
      const signature = this.#key.sign(data)
      if (wanted === undefined || signature.length === wanted) return signature
    }
  }
}
