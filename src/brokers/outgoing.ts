/**
 * What every broker's publisher does alike: sign, and say under which address.
 *
 * @module brokers/outgoing (floor 7.1)
 */
import { StateError } from '../errors/index.js'
import type { MessageSigner, SignedMessage, SignMessageRequest } from '../message/index.js'
import type { AddressOf } from './address.js'
import { checkPayload, DEFAULT_MAX_PAYLOAD_OCTETS } from './header.js'

/** A message to be signed and published. */
export interface OutgoingMessage extends Omit<SignMessageRequest, 'at' | 'form'> {
  /** Sent and signed byte for byte. */
  readonly payload: Uint8Array
}

/** What is the same for all messages of a publisher. */
export interface PublishOptions {
  readonly signer: MessageSigner
  /** Default: the addresses of the exported files. */
  readonly addressOf?: AddressOf
  /** Default {@link DEFAULT_MAX_PAYLOAD_OCTETS}. */
  readonly maxPayloadOctets?: number
}

export interface SignedOutgoing extends SignedMessage {
  readonly address: string
}

/** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`; {@link UsageError} `ERR_BROKER_PATTERN`, and what signing throws */
export async function signOutgoing(
  { payload, ...request }: OutgoingMessage,
  { signer, maxPayloadOctets = DEFAULT_MAX_PAYLOAD_OCTETS }: PublishOptions,
  addressOf: AddressOf,
): Promise<SignedOutgoing> {
  checkPayload(payload, maxPayloadOctets)
  const address = addressOf(request)
  return { ...(await signer.sign(payload, { ...request, form: 'detached' })), address }
}

/** Have a client do something: what it throws becomes one error. */
export async function askClient<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw clientFailure(what, cause)
  }
}

/** A client that is closed, a broker that refuses, a subscription that has ended. */
export function clientFailure(what: string, cause?: unknown): StateError {
  const reason = cause instanceof Error ? cause.message : 'the broker ended it'
  return new StateError('ERR_BROKER_CLIENT', `the client of the broker cannot ${what}: ${reason}`, {
    details: { reason },
    cause,
  })
}
