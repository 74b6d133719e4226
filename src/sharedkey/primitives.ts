/**
 * The primitives of Kite: HMAC-SHA-256, AES-128-CBC with a padding of its own, HKDF (RFC 5869).
 *
 * They are Kite's, weaknesses included: what is encrypted is not authenticated, one key serves three uses, and the names
 * that go into a derived key are joined by commas. They are here to be read and compared, not for anything new.
 *
 * @module sharedkey/primitives (floor 7.1)
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SecretKey } from '../crypto/index.js'
import { EncodingError, TrustError } from '../errors/index.js'

/** A long-term, session or group key: AES-128. */
export const KEY_OCTETS = 16
const BLOCK = 16
const CIPHER = 'aes-128-cbc'

/** HMAC-SHA-256 of a text, in base64. */
export function macOf(key: SecretKey, text: string): string {
  return hmac(key, Buffer.from(text, 'utf8')).toString('base64')
}

/**
 * Require the MAC of a text. The time that it takes does not tell where two MACs differ.
 *
 * @param what - Names what was authenticated, in the error.
 * @throws {@link TrustError} `ERR_SHAREDKEY_MAC`
 */
export function requireMac(key: SecretKey, text: string, mac: string, what: string): void {
  const [given, wanted] = [Buffer.from(mac, 'latin1'), Buffer.from(macOf(key, text), 'latin1')]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw notOfThisKey(what)
}

/** One refusal, whether the MAC, the padding or the key is wrong: nobody learns which. */
export function notOfThisKey(what: string): TrustError {
  return new TrustError('ERR_SHAREDKEY_MAC', `${what} was not made with the shared key`, {
    hint: 'it was changed on the way, or one side has another generation of the key',
  })
}

/**
 * Encrypt: a random initialization vector, then the blocks; in base64. The padding is n octets of zero and one of value
 * n, so that the whole is of full blocks.
 */
export function encrypt(key: SecretKey, plain: Uint8Array): string {
  const iv = randomBytes(BLOCK)
  const zeros = BLOCK - (plain.length % BLOCK) - 1
  const padded = Buffer.concat([plain, Buffer.alloc(zeros), Buffer.of(zeros)])
  return key.use((bytes) => {
    const cipher = createCipheriv(CIPHER, bytes, iv).setAutoPadding(false)
    return Buffer.concat([iv, cipher.update(padded), cipher.final()]).toString('base64')
  })
}

/**
 * Decrypt what {@link encrypt} yields. Says nothing about who made it: that is for a MAC, asked before or after.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function decrypt(key: SecretKey, text: string): Buffer {
  const bytes = fromBase64(text, 'what is encrypted')
  if (bytes.length < 2 * BLOCK || bytes.length % BLOCK !== 0) throw malformed('what is encrypted has no full blocks')
  const padded = key.use((octets) => {
    const decipher = createDecipheriv(CIPHER, octets, bytes.subarray(0, BLOCK)).setAutoPadding(false)
    return Buffer.concat([decipher.update(bytes.subarray(BLOCK)), decipher.final()])
  })
  const zeros = padded.at(-1) ?? BLOCK
  const end = padded.length - zeros - 1
  if (zeros >= BLOCK || !padded.subarray(end, -1).every((octet) => octet === 0)) {
    throw malformed('what is encrypted has a padding that is none')
  }
  return padded.subarray(0, end)
}

/** HKDF-Extract: the server's way to a fresh key from a long-term one. */
export function extractKey(salt: Uint8Array, key: SecretKey): SecretKey {
  return new SecretKey(key.use((bytes) => createHmac('sha256', salt).update(bytes).digest()))
}

/** HKDF-Expand. */
export function expandKey(key: SecretKey, info: string | Uint8Array, octets: number): Buffer {
  const blocks: Buffer[] = []
  let last = Buffer.alloc(0)
  for (let counter = 1; blocks.length * 32 < octets; counter++) {
    last = hmac(key, Buffer.concat([last, Buffer.from(info), Buffer.of(counter)]))
    blocks.push(last)
  }
  return Buffer.concat(blocks).subarray(0, octets)
}

/** The two keys of one direction between two parties. */
export interface SessionKeys {
  /** For MACs. */
  readonly signing: SecretKey
  readonly encryption: SecretKey
}

/** Derive session keys, or the two under which the server keeps a key. */
export function deriveKeys(key: SecretKey, info: string): SessionKeys {
  const octets = expandKey(key, info, 2 * KEY_OCTETS)
  return {
    signing: new SecretKey(octets.subarray(0, KEY_OCTETS)),
    encryption: new SecretKey(octets.subarray(KEY_OCTETS)),
  }
}

/**
 * Octets of base64 in its one form.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function fromBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw malformed(`${what} is not base64`)
  return bytes
}

/**
 * A key of 16 octets in base64.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function keyFromBase64(text: string, what: string, octets: number = KEY_OCTETS): SecretKey {
  const bytes = fromBase64(text, what)
  if (bytes.length !== octets) throw malformed(`${what} has not ${octets} octets`)
  return new SecretKey(bytes)
}

export function malformed(message: string, cause?: unknown): EncodingError {
  return new EncodingError('ERR_SHAREDKEY_MALFORMED', message, cause === undefined ? {} : { cause })
}

function hmac(key: SecretKey, data: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(key.use((bytes) => createHmac('sha256', bytes).update(data).digest()))
}
