/**
 * AES-256-GCM with the only nonce and tag lengths that are used here (RFC 5084 §3.2): 12 and 16 octets.
 *
 * @module crypto/aead (floor 2)
 */
import { createCipheriv, createDecipheriv } from 'node:crypto'

export const AEAD_KEY_OCTETS = 32
export const AEAD_NONCE_OCTETS = 12
export const AEAD_TAG_OCTETS = 16

const CIPHER = 'aes-256-gcm'

/** What encryption yields. */
export interface Sealed {
  readonly encrypted: Uint8Array
  readonly tag: Uint8Array
}

/**
 * Encrypt and authenticate.
 *
 * @param nonce - Never used before with this key.
 * @param associated - Authenticated, too, and not encrypted.
 */
export function sealContent(
  key: Uint8Array,
  nonce: Uint8Array,
  content: Uint8Array,
  associated: Uint8Array = new Uint8Array(),
): Sealed {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: AEAD_TAG_OCTETS })
  cipher.setAAD(associated)
  const encrypted = new Uint8Array(Buffer.concat([cipher.update(content), cipher.final()]))
  return { encrypted, tag: new Uint8Array(cipher.getAuthTag()) }
}

/**
 * Decrypt what the tag authenticates: all of it, or nothing.
 *
 * @param nonce - {@link AEAD_NONCE_OCTETS}, which the caller has checked, as the length of the tag.
 * @returns `undefined` where key, nonce, content, associated octets or tag are not those of the encryption.
 */
export function openContent(
  key: Uint8Array,
  nonce: Uint8Array,
  { encrypted, tag }: Sealed,
  associated: Uint8Array = new Uint8Array(),
): Uint8Array | undefined {
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: AEAD_TAG_OCTETS })
  decipher.setAuthTag(tag)
  decipher.setAAD(associated)
  const content = decipher.update(encrypted)
  try {
    decipher.final()
    return new Uint8Array(content.buffer, content.byteOffset, content.length)
  } catch {
    // What was computed before the tag was compared is nobody's content.
    content.fill(0)
    return undefined
  }
}
