/**
 * A sender: signs message after message with one credential.
 *
 * @module message/signer (floor 7)
 */
import { type Clock, readClock } from '../time/index.js'
import { type SignedMessage, type SigningCredential, signMessage, type SignMessageRequest } from './sign.js'

/** What is the same for all messages of a sender. */
export interface SignerDefaults extends Pick<SignMessageRequest, 'lifetimeSeconds' | 'source' | 'form'> {
  readonly clock: Clock
}

export class MessageSigner {
  readonly #credential: SigningCredential | (() => SigningCredential)
  readonly #defaults: SignerDefaults

  /** @param credential - Key and certificate, or how to get the newest: it is asked for every message. */
  constructor(credential: SigningCredential | (() => SigningCredential), defaults: SignerDefaults) {
    this.#credential = credential
    this.#defaults = defaults
  }

  /**
   * Sign a message: see {@link signMessage}.
   *
   * @throws as that does, and {@link StoreError} `ERR_CLOCK_SUSPECT`
   */
  async sign(content: Uint8Array, request: Omit<SignMessageRequest, 'at'>): Promise<SignedMessage> {
    const { clock, ...defaults } = this.#defaults
    const credential = typeof this.#credential === 'function' ? this.#credential() : this.#credential
    return signMessage(content, credential, { ...defaults, ...request, at: readClock(clock) })
  }
}
