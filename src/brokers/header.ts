/**
 * The signature of a message in the header of a broker's message: octets where a header can hold them, base64url elsewhere.
 *
 * @module brokers/header (floor 7.1)
 */
import { DeniedError, EncodingError, LimitError } from '../errors/index.js'

/** The header (AMQP, NATS, Kafka) or MQTT user property that carries the detached CMS. */
export const SIGNATURE_HEADER = 'signet-signature'

/** Longest signature that is read: 32 steps of a route with post-quantum keys do not fill it. */
export const MAX_SIGNATURE_OCTETS = 65_536

/** Longest payload that is signed or verified unless told otherwise. */
export const DEFAULT_MAX_PAYLOAD_OCTETS = 16 * 1024 * 1024

/** For headers that hold texts: base64url (RFC 4648 §5) without padding. */
export function signatureText(der: Uint8Array): string {
  return Buffer.from(der).toString('base64url')
}

/**
 * The one signature among the values of a header of octets.
 *
 * @throws {@link DeniedError} `ERR_MESSAGE_UNSIGNED` for none · {@link EncodingError} `ERR_MESSAGE_HEADER` for what is no
 * octets · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function signatureFromOctets(value: unknown): Uint8Array {
  if (value === undefined) throw unsigned()
  if (!(value instanceof Uint8Array)) throw malformed('is no octets')
  if (value.length > MAX_SIGNATURE_OCTETS) throw tooLong(value.length)
  return value
}

/**
 * The one signature among the values of a header of texts. Of several the first one could be checked here, and the last one
 * elsewhere: they are refused.
 *
 * @throws {@link DeniedError} `ERR_MESSAGE_UNSIGNED` for none · {@link EncodingError} `ERR_MESSAGE_HEADER` for several, or
 * for another text than the one that the octets have · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function signatureFromTexts(values: readonly unknown[]): Uint8Array {
  const [text, second] = values
  if (text === undefined) throw unsigned()
  if (second !== undefined) throw malformed(`is there ${values.length} times`)
  if (typeof text !== 'string') throw malformed('is no text')
  if (text.length > Math.ceil((MAX_SIGNATURE_OCTETS * 4) / 3)) throw tooLong(Math.floor((text.length * 3) / 4))
  const der = Buffer.from(text, 'base64url')
  if (der.toString('base64url') !== text) throw malformed('is not base64url')
  return der
}

/** @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` */
export function checkPayload(payload: Uint8Array, maxOctets: number = DEFAULT_MAX_PAYLOAD_OCTETS): void {
  if (payload.length <= maxOctets) return
  throw new LimitError('ERR_LIMIT_EXCEEDED', `the message has ${payload.length} octets, the limit is ${maxOctets}`, {
    details: { octets: String(payload.length), limit: String(maxOctets) },
    hint: 'send large data as a file, and its digest as a message',
  })
}

function unsigned(): DeniedError {
  return new DeniedError('ERR_MESSAGE_UNSIGNED', `the message has no ${SIGNATURE_HEADER}`, {
    hint: 'unsigned messages are never accepted',
  })
}

function malformed(why: string): EncodingError {
  return new EncodingError('ERR_MESSAGE_HEADER', `${SIGNATURE_HEADER} ${why}`)
}

function tooLong(octets: number): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `${SIGNATURE_HEADER} has ${octets} octets`, {
    details: { octets: String(octets), limit: String(MAX_SIGNATURE_OCTETS) },
  })
}
