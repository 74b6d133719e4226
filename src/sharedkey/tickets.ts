/**
 * What clients and key server say to each other: signed requests, tickets, group keys (version 1 of Kite's interface).
 *
 * @module sharedkey/tickets (floor 7.1)
 */
import { randomBytes } from 'node:crypto'
import { SecretKey } from '../crypto/index.js'
import { isSignetError } from '../errors/index.js'
import { decodeFields, type Fields, parseEncodedFields, requireFields, textField } from './fields.js'
import {
  formatKeyName,
  formatTimestamp,
  isName,
  type KeyName,
  parseKeyName,
  parseTimestamp,
  pythonFloatText,
} from './names.js'
import {
  decrypt,
  deriveKeys,
  encrypt,
  KEY_OCTETS,
  keyFromBase64,
  macOf,
  malformed,
  notOfThisKey,
  requireMac,
  type SessionKeys,
} from './primitives.js'

/** The key that a ticket carries inside, before it is expanded. */
export const TICKET_KEY_OCTETS = 32

/** A long-term key with its name. */
export interface NamedKey extends KeyName {
  readonly key: SecretKey
}

/** A request for a ticket or a group key, as it travels. */
export interface SignedRequest {
  /** Base64 of JSON. */
  readonly metadata: string
  readonly signature: string
}

export interface RequestMetadata {
  readonly source: string
  readonly destination: string
  readonly timestamp: Date
  readonly nonce: string
}

/** Ask for a ticket, or for the key of a group. */
export function signRequest(
  { name, key }: Pick<NamedKey, 'name' | 'key'>,
  request: { readonly destination: string; readonly at: Date; readonly nonce?: string },
): SignedRequest {
  const { destination, at, nonce = randomBytes(16).toString('hex') } = request
  const fields = { source: name, destination, timestamp: formatTimestamp(at), nonce }
  const metadata = Buffer.from(JSON.stringify(fields)).toString('base64')
  return { metadata, signature: macOf(key, metadata) }
}

/**
 * Read a request. Nothing of it is to be believed, and only the source to be used, before {@link requireMac}.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function parseRequest(value: unknown): SignedRequest & { readonly fields: RequestMetadata } {
  const what = 'the request'
  const outer = requireFields(value, ['metadata', 'signature'], what)
  const [metadata, signature] = [textField(outer, 'metadata', what), textField(outer, 'signature', what)]
  const inner = parseEncodedFields(metadata, ['source', 'destination', 'timestamp', 'nonce'], what)
  const [source, destination] = [textField(inner, 'source', what), textField(inner, 'destination', what)]
  if (!isName(source)) throw malformed('the request has no source')
  const timestamp = parseTimestamp(textField(inner, 'timestamp', what))
  return { metadata, signature, fields: { source, destination, timestamp, nonce: parseNonce(inner['nonce'], what) } }
}

/** A nonce is a text, or a number that has not lost digits on the way. */
export function parseNonce(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{8,64}$/.test(value)) return value
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return String(value)
  throw malformed(`${what} has no nonce`)
}

/** Who a ticket or group key is for and until when: base64 of JSON, as it travels. */
export interface ResponseMetadata {
  readonly source: KeyName
  readonly destination: KeyName
  readonly expiration: Date
}

export interface TicketResponse {
  readonly metadata: string
  readonly ticket: string
  readonly signature: string
}

export interface GroupKeyResponse {
  readonly metadata: string
  readonly group_key: string
  readonly signature: string
}

/** What a sender needs to talk to one destination for a while. */
export interface Ticket extends ResponseMetadata {
  readonly keys: SessionKeys
  /** For the destination: from it, it derives the same keys. */
  readonly esek: string
}

export function encodeResponseMetadata({ source, destination, expiration }: ResponseMetadata): string {
  const fields = {
    source: formatKeyName(source),
    destination: formatKeyName(destination),
    expiration: formatTimestamp(expiration),
    encryption: true,
  }
  return Buffer.from(JSON.stringify(fields)).toString('base64')
}

/**
 * Verify the answer to a request for a ticket, and open it. Whether it is for whom was asked, and still good, is for
 * the caller to say.
 *
 * @throws {@link TrustError} `ERR_SHAREDKEY_MAC` · {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function openTicket(value: unknown, key: SecretKey): Ticket {
  const what = 'the ticket'
  const outer = requireFields(value, ['metadata', 'ticket', 'signature'], what)
  const [metadata, sealed] = [textField(outer, 'metadata', what), textField(outer, 'ticket', what)]
  requireMac(key, metadata + sealed, textField(outer, 'signature', what), what)
  const inner = decodeFields(decrypt(key, sealed), ['skey', 'ekey', 'esek'], what)
  return {
    ...parseResponseMetadata(metadata, what),
    keys: {
      signing: keyFromBase64(textField(inner, 'skey', what), 'the signing key of the ticket'),
      encryption: keyFromBase64(textField(inner, 'ekey', what), 'the encryption key of the ticket'),
    },
    esek: textField(inner, 'esek', what),
  }
}

/** As {@link openTicket}, for the key of a group. */
export function openGroupKey(value: unknown, key: SecretKey): ResponseMetadata & { readonly key: SecretKey } {
  const what = 'the group key'
  const outer = requireFields(value, ['metadata', 'group_key', 'signature'], what)
  const [metadata, sealed] = [textField(outer, 'metadata', what), textField(outer, 'group_key', what)]
  requireMac(key, metadata + sealed, textField(outer, 'signature', what), what)
  const octets = decrypt(key, sealed)
  if (octets.length !== KEY_OCTETS) throw malformed(`the group key has not ${KEY_OCTETS} octets`)
  return { ...parseResponseMetadata(metadata, what), key: new SecretKey(octets) }
}

function parseResponseMetadata(text: string, what: string): ResponseMetadata {
  const fields: Fields = parseEncodedFields(text, ['source', 'destination', 'expiration', 'encryption'], what)
  if (fields['encryption'] !== true) throw malformed(`${what} is not encrypted`)
  return {
    source: parseKeyName(textField(fields, 'source', what)),
    destination: parseKeyName(textField(fields, 'destination', what)),
    expiration: parseTimestamp(textField(fields, 'expiration', what)),
  }
}

/** What the server encrypts for the destination, and the sender passes on. */
export interface Esek {
  readonly key: SecretKey
  /** A text; a number in Kite's first generation. */
  readonly timestamp: string | number
  readonly ttlSeconds: number
}

export function sealEsek({ key, timestamp, ttlSeconds }: Esek, destination: SecretKey): string {
  const fields = { key: key.use((bytes) => bytes.toString('base64')), timestamp, ttl: ttlSeconds }
  return encrypt(destination, Buffer.from(JSON.stringify(fields)))
}

/**
 * Open an esek. It carries no MAC: what comes out is true only if a message that was authenticated with the keys derived
 * from it verifies.
 *
 * @throws {@link TrustError} `ERR_SHAREDKEY_MAC`, whatever is wrong: an attacker who changes it learns nothing
 */
export function openEsek(text: string, destination: SecretKey): Esek {
  const what = 'the key in the message'
  try {
    const fields = decodeFields(decrypt(destination, text), ['key', 'timestamp', 'ttl'], what)
    const { timestamp, ttl } = fields
    if (typeof timestamp !== 'string' && typeof timestamp !== 'number') throw malformed(`${what} has no time`)
    if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 1) throw malformed(`${what} has no lifetime`)
    const key = keyFromBase64(textField(fields, 'key', what), what, TICKET_KEY_OCTETS)
    const esek = { key, timestamp, ttlSeconds: ttl }
    sessionInfo('', '', timestamp)
    esekWindow(esek)
    return esek
  } catch (error) {
    if (isSignetError(error) && error.code === 'ERR_SHAREDKEY_MALFORMED') throw notOfThisKey('the message')
    throw error
  }
}

/** The keys of one direction between two names. */
export function sessionKeys({ key, timestamp }: Esek, source: string, destination: string): SessionKeys {
  return deriveKeys(key, sessionInfo(source, destination, timestamp))
}

/** What goes into the derivation: `a:1,b:2,time`. */
export function sessionInfo(source: string, destination: string, timestamp: string | number): string {
  return [source, destination, typeof timestamp === 'number' ? pythonFloatText(timestamp) : timestamp].join(',')
}

/** When a key in a message begins and ends to be good. */
export function esekWindow({ timestamp, ttlSeconds }: Esek): { readonly from: Date; readonly until: Date } {
  const from = typeof timestamp === 'number' ? new Date(timestamp * 1000) : parseTimestamp(timestamp)
  return { from, until: new Date(from.getTime() + ttlSeconds * 1000) }
}
