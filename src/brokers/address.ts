/**
 * Addresses of messages at a broker: what is signed says what the address must be.
 *
 * @module brokers/address (floor 7.1)
 */
import { DeniedError, isSignetError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import type { CarrierCheck, MessageContext } from '../message/index.js'
import { checkPattern } from './permissions.js'

/** Destination and type of a message. */
export type Addressed = Pick<MessageContext, 'type' | 'destination'>

/** The routing key, subject or topic of a message: a function of what is signed, and of nothing else. */
export type AddressOf = (message: Addressed) => string

/** What a broker says of a message. Nothing of it is believed; it may only not contradict what was signed. */
export interface CarrierClaims {
  readonly address: string
  /** The identity URI of who published, where the broker says so (AMQP `user-id`). */
  readonly publisher?: string | undefined
}

/** Segments joined by dots: routing keys of RabbitMQ, subjects of NATS. The addresses of the exported files. */
export const dottedAddress: AddressOf = (message) => segmentsOf(message).join('.')

/** Segments joined by slashes: topics of MQTT. The addresses of the exported files. */
export const slashedAddress: AddressOf = (message) => segmentsOf(message).join('/')

/**
 * The destination alone, as oslo.messaging addresses: `compute.compute-07`, `notifications.info`. No exported file allows
 * it, because a broker cannot tell types apart by it.
 */
export const destinationAddress: AddressOf = ({ destination }) => destination

/** @throws {@link UsageError} `ERR_BROKER_PATTERN` for a destination that no exported file could allow */
function segmentsOf({ destination, type }: Addressed): readonly string[] {
  const segments = [...destination.split('.'), ...type.split('.')]
  checkPattern(segments)
  return segments
}

/**
 * Compare what a broker says of a message with what its signer signed: a message that was led to another address is refused,
 * and one that somebody else is said to have published.
 *
 * @returns A check that throws {@link DeniedError} `ERR_MESSAGE_ADDRESS`
 */
export function carrierCheck({ address, publisher }: CarrierClaims, addressOf: AddressOf): CarrierCheck {
  return (context, signer: Identity) => {
    const signed = addressOrNone(context, addressOf)
    if (signed !== address) {
      throw contradiction('came under another address than was signed', address, signed ?? 'none')
    }
    if (publisher !== undefined && publisher !== signer.uri) {
      throw contradiction('was published by another than its signer, says the broker', publisher, signer.uri)
    }
  }
}

/** A destination that has no address here was not sent here either. */
function addressOrNone(context: MessageContext, addressOf: AddressOf): string | undefined {
  try {
    return addressOf(context)
  } catch (error) {
    if (isSignetError(error) && error.category === 'usage') return undefined
    throw error
  }
}

function contradiction(what: string, found: string, signed: string): DeniedError {
  return new DeniedError('ERR_MESSAGE_ADDRESS', `the message ${what}`, {
    details: { found: found.slice(0, 300), signed },
    hint: 'the broker, or whoever published, led a signed message astray',
  })
}
