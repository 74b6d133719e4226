/**
 * What every broker's receiver does alike: read what arrived, verify it, and hand on what is verified. Nothing is thrown into
 * the event loop of a client.
 *
 * @module brokers/incoming (floor 7.1)
 */
import { isSignetError, LimitError, type SignetError } from '../errors/index.js'
import {
  type MessageVerifier,
  type Observation,
  type Refusal,
  refusalOf,
  type VerifiedMessage,
} from '../message/index.js'
import { type AddressOf, carrierCheck, type CarrierClaims } from './address.js'
import { checkPayload, DEFAULT_MAX_PAYLOAD_OCTETS } from './header.js'

interface IncomingOptions {
  readonly verifier: MessageVerifier
  /** Told what went wrong that is no refusal: an error of a callback, of the client, of the policy, or a bug. */
  readonly failed: (error: unknown) => void
  /** Default: the addresses of the exported files. */
  readonly addressOf?: AddressOf
  /** Default {@link DEFAULT_MAX_PAYLOAD_OCTETS}. */
  readonly maxPayloadOctets?: number
}

/** Only what is verified is handed on. */
export interface EnforceOptions extends IncomingOptions {
  /** Gets the proof, one message after the other; nothing else of what the broker delivered. */
  readonly handler: (message: VerifiedMessage) => void | Promise<void>
  /** Told of every message that was refused, why, and under which address it came. */
  readonly refused: (error: SignetError, facts: RefusedMessage) => void
}

/** Everything is handed on, with what would have become of it: for the time before signatures are required. */
export interface ObserveOptions extends IncomingOptions {
  /** Gets payloads that nobody may have signed. Whoever acts on one that is not verified believes anybody. */
  readonly allowObserved: (observation: Observation, payload: Uint8Array) => void | Promise<void>
}

export type ReceiveOptions = EnforceOptions | ObserveOptions

export interface RefusedMessage {
  readonly verdict: Refusal
  /** As the broker said. */
  readonly address: string
}

/** What a broker delivered. Nothing of it is believed. */
export interface Arrival extends CarrierClaims {
  readonly payload: Uint8Array
  /** Reads the signature, or throws what is wrong with it. */
  readonly signature: () => Uint8Array
}

/** What became of a message. `failed`: a callback threw, or the policy of the receiver is none. */
export type Outcome = 'taken' | 'refused' | 'failed'

/** A subscription that can be ended. */
export interface Subscription {
  /** Takes nothing more; resolves when what was taken is dealt with. */
  readonly stop: () => Promise<void>
}

/** Octets that may wait for their turn where a broker cannot be told to wait. More is refused. */
export const MAX_WAITING_OCTETS = 64 * 1024 * 1024
/** What a short message counts for: it takes memory, too. */
const LEAST_OCTETS = 1024

/** Takes messages in the order in which they arrive. */
export class Receiver {
  readonly #options: ReceiveOptions
  readonly #addressOf: AddressOf
  readonly #maxWaitingOctets: number
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #isStopped = false

  constructor(options: ReceiveOptions, addressOf: AddressOf, maxWaitingOctets: number = MAX_WAITING_OCTETS) {
    this.#options = options
    this.#addressOf = options.addressOf ?? addressOf
    this.#maxWaitingOctets = maxWaitingOctets
  }

  /**
   * Take one message. Never throws: errors go to the callbacks.
   *
   * @param read - What the client delivered, which may be of any form.
   * @param settle - Tells the broker what became of it.
   */
  take(read: () => Arrival, settle: (outcome: Outcome) => void = () => undefined): void {
    if (this.#isStopped) return
    this.#guard(() => {
      const arrival = read()
      const octets = Math.max(arrival.payload.length, LEAST_OCTETS)
      const isFull = this.#waiting + octets > this.#maxWaitingOctets
      if (!isFull) this.#waiting += octets
      const outcome = isFull
        ? this.#receive(arrival, () => Promise.reject(flooded(this.#maxWaitingOctets)))
        : this.#last.then(async () => this.#receive(arrival, async () => this.#verify(arrival)))
      const settled = outcome.then((result) => {
        if (!isFull) this.#waiting -= octets
        this.#guard(() => settle(result))
      })
      this.#last = isFull ? Promise.all([this.#last, settled]) : settled
    })
  }

  /** Tell of something that concerns no message. */
  fail(error: unknown): void {
    try {
      this.#options.failed(error)
    } catch {
      // Whoever is to be told of errors must not make any; there is nobody else to tell.
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#last
  }

  /** Never rejects. */
  async #receive(arrival: Arrival, verify: () => Promise<VerifiedMessage>): Promise<Outcome> {
    const options = this.#options
    try {
      const observation = await observe(verify)
      if ('allowObserved' in options) {
        await options.allowObserved(observation, arrival.payload)
        return 'taken'
      }
      if (observation.verdict === 'verified') {
        await options.handler(observation.message)
        return 'taken'
      }
      options.refused(observation.error, { verdict: observation.verdict, address: arrival.address })
      return 'refused'
    } catch (error) {
      this.fail(error)
      return 'failed'
    }
  }

  async #verify(arrival: Arrival): Promise<VerifiedMessage> {
    const { verifier, maxPayloadOctets = DEFAULT_MAX_PAYLOAD_OCTETS } = this.#options
    checkPayload(arrival.payload, maxPayloadOctets)
    return verifier.verify(arrival.signature(), arrival.payload, carrierCheck(arrival, this.#addressOf))
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.fail(error)
    }
  }
}

async function observe(verify: () => Promise<VerifiedMessage>): Promise<Observation> {
  try {
    return { verdict: 'verified', message: await verify() }
  } catch (error) {
    if (!isSignetError(error) || error.category === 'usage') throw error
    return { verdict: refusalOf(error), error }
  }
}

function flooded(limit: number): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `more than ${limit} octets of messages wait for their turn`, {
    details: { limit: String(limit) },
    hint: 'the broker delivers faster than the receiver works',
  })
}
