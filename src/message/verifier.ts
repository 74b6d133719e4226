/**
 * A receiver: verifies message after message by one policy, or only watches what it would refuse.
 *
 * @module message/verifier (floor 7)
 */
import { type ErrorCategory, isSignetError, type SignetError } from '../errors/index.js'
import { type Clock, readClock } from '../time/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { CarrierCheck, MessagePolicy } from './message-policy.js'
import { type VerifiedMessage, verifyMessage } from './verify.js'

/** What a receiver wants of every message. Everything must be said. */
export interface VerifierOptions extends Omit<MessagePolicy, 'trust' | 'at' | 'carrier'> {
  /** The trust directory, or how to get the newest one: it is asked for every message. */
  readonly trust: TrustDirectory | (() => TrustDirectory)
  readonly clock: Clock
}

/** Why a message would be refused. `unavailable`: clock, trust directory or replay memory could not be asked. */
export type Refusal = 'malformed' | 'untrusted' | 'denied' | 'stale' | 'unavailable'

/** What came of watching a message. */
export type Observation =
  | { readonly verdict: 'verified'; readonly message: VerifiedMessage }
  | { readonly verdict: Refusal; readonly error: SignetError }

const REFUSALS: Readonly<Record<ErrorCategory, Refusal>> = {
  encoding: 'malformed',
  limit: 'malformed',
  untrusted: 'untrusted',
  denied: 'denied',
  stale: 'stale',
  internal: 'unavailable',
  usage: 'unavailable',
  state: 'unavailable',
  store: 'unavailable',
}

/** What kind of refusal an error is. */
export function refusalOf(error: SignetError): Refusal {
  return REFUSALS[error.category]
}

export class MessageVerifier {
  readonly #options: VerifierOptions

  constructor(options: VerifierOptions) {
    this.#options = options
  }

  /**
   * Verify a message: see {@link verifyMessage}.
   *
   * @param carrier - Compares what a broker said of this message with what was signed.
   * @throws as that does, and {@link StoreError} `ERR_CLOCK_SUSPECT`
   */
  async verify(der: Uint8Array, content: Uint8Array | undefined, carrier?: CarrierCheck): Promise<VerifiedMessage> {
    const { trust, clock, ...policy } = this.#options
    return verifyMessage(der, content, {
      ...policy,
      ...(carrier === undefined ? {} : { carrier }),
      trust: typeof trust === 'function' ? trust() : trust,
      at: readClock(clock),
    })
  }

  /**
   * Say what {@link verify} would make of a message, without refusing it: for the time before it is enforced.
   *
   * Its replay memory remembers as it would otherwise. Whoever goes on with a message that was not verified believes
   * anybody; the observation is for counting and reporting only.
   *
   * @throws only what is a bug, and {@link UsageError} for a policy that does not say what it wants
   */
  async observe(der: Uint8Array, content: Uint8Array | undefined): Promise<Observation> {
    try {
      return { verdict: 'verified', message: await this.verify(der, content) }
    } catch (error) {
      if (!isSignetError(error) || error.category === 'usage') throw error
      return { verdict: refusalOf(error), error }
    }
  }
}
