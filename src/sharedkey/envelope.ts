/**
 * The envelope that Kite proposed as version 2.1 of oslo.messaging's:
 *
 * ```
 * { "oslo.version": "2.1", "oslo.message": text, "oslo.secure.metadata": text, "oslo.secure.signature": base64 }
 * ```
 *
 * The MAC is over version, metadata and message, joined with nothing between.
 *
 * @module sharedkey/envelope (floor 7.1)
 */
import type { SecretKey } from '../crypto/index.js'
import { DeniedError, LimitError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { type JsonValue, parseStrictJson } from '../json/index.js'
import { type Fields, parseFields, requireFields, textField } from './fields.js'
import { type KeyName, parseKeyName, parseTimestamp } from './names.js'
import { macOf, malformed, requireMac } from './primitives.js'
import { parseNonce } from './tickets.js'

export const ENVELOPE_VERSION = '2.1'
/** Where a CMS signature of the message travels beside the MAC, while receivers move from one to the other. */
export const SIGNATURE_MEMBER = 'signet.message'
const METADATA_KEYS = ['source', 'destination', 'timestamp', 'nonce', 'esek', 'encryption'] as const
/** RPC messages are far smaller; what is larger does not go over a broker. */
export const MAX_ENVELOPE_BYTES = 64 * 1024 * 1024

export interface EnvelopeMetadata {
  readonly source: string
  readonly destination: string
  readonly timestamp: string
  readonly nonce: string
  readonly esek: string
  readonly encryption: boolean
}

/** An envelope that was read; nothing of it is verified. */
export interface Envelope {
  readonly message: string
  readonly metadataText: string
  readonly metadata: Omit<EnvelopeMetadata, 'source' | 'destination' | 'timestamp'> & {
    readonly source: KeyName
    readonly destination: KeyName
    readonly timestamp: Date
  }
  readonly signature: string
  /** Base64 of a CMS signature over the octets of the message. */
  readonly cms?: string
}

/** Write an envelope. */
export function encodeEnvelope(message: string, metadata: EnvelopeMetadata, key: SecretKey): string {
  const metadataText = JSON.stringify(metadata)
  return JSON.stringify({
    'oslo.version': ENVELOPE_VERSION,
    'oslo.message': message,
    'oslo.secure.metadata': metadataText,
    'oslo.secure.signature': macOf(key, ENVELOPE_VERSION + metadataText + message),
  })
}

/**
 * Read an envelope.
 *
 * @throws {@link DeniedError} `ERR_MESSAGE_UNSIGNED` for what is no envelope, one of another version, or a stripped one
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`, `ERR_JSON_MALFORMED` · {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `the message is longer than ${MAX_ENVELOPE_BYTES} bytes`)
  }
  const what = 'the envelope'
  // What is no object in JSON cannot carry a MAC.
  if (bytes[0] !== 0x7b) throw unsigned('the message is not protected')
  const value = parseStrictJson(decodeUtf8(bytes, what))
  requireProtected(value)
  const keys = ['oslo.version', 'oslo.message', 'oslo.secure.metadata', 'oslo.secure.signature', `${SIGNATURE_MEMBER}?`]
  const fields = requireFields(value, keys, what)
  const metadataText = textField(fields, 'oslo.secure.metadata', what)
  // Nothing stands between metadata and message under the MAC: a space must not be able to change sides.
  if (metadataText !== metadataText.trim()) throw malformed('the metadata begin or end with a space')
  const message = fields['oslo.message']
  if (typeof message !== 'string') throw malformed('the envelope has no message')
  return {
    message,
    metadataText,
    metadata: parseMetadata(parseFields(metadataText, METADATA_KEYS, 'the metadata')),
    signature: textField(fields, 'oslo.secure.signature', what),
    ...(SIGNATURE_MEMBER in fields ? { cms: textField(fields, SIGNATURE_MEMBER, what) } : {}),
  }
}

/** @throws {@link TrustError} `ERR_SHAREDKEY_MAC` */
export function verifyEnvelope({ message, metadataText, signature }: Envelope, key: SecretKey): void {
  requireMac(key, ENVELOPE_VERSION + metadataText + message, signature, 'the message')
}

/** Version 2.0 has no protection; one that is not known may have a worse one. */
function requireProtected(value: JsonValue): void {
  const fields = value as Fields
  if (fields['oslo.version'] !== ENVELOPE_VERSION) throw unsigned('the message is in no envelope that is protected')
  if (!('oslo.secure.metadata' in fields) || !('oslo.secure.signature' in fields)) {
    throw unsigned('the message has no MAC')
  }
  if (fields['oslo.secure.signature'] === '') throw unsigned('the message has an empty MAC')
}

function parseMetadata(fields: Fields): Envelope['metadata'] {
  const what = 'the metadata'
  const { encryption } = fields
  if (typeof encryption !== 'boolean') throw malformed('the metadata do not say whether the message is encrypted')
  return {
    source: parseKeyName(textField(fields, 'source', what)),
    destination: parseKeyName(textField(fields, 'destination', what)),
    timestamp: parseTimestamp(textField(fields, 'timestamp', what)),
    nonce: parseNonce(fields['nonce'], what),
    esek: textField(fields, 'esek', what),
    encryption,
  }
}

function unsigned(message: string): DeniedError {
  return new DeniedError('ERR_MESSAGE_UNSIGNED', message, { hint: 'unprotected messages are never accepted' })
}
