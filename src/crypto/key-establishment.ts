/**
 * How a content key reaches its recipients: agreed with (ECDH, X9.63 KDF, AES key wrap) or transported (RSAES-OAEP). The
 * only arithmetic is OpenSSL's, through node:crypto.
 *
 * @module crypto/key-establishment (floor 2)
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  diffieHellman,
  hash,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import { InternalError } from '../errors/index.js'
import { type DigestName, DIGESTS } from './algorithms.js'
import type { PublicKey } from './public-key.js'

/** A private key that decrypts, wherever it is; {@link MemoryKeyProvider} is one. */
export interface DecryptionKey {
  readonly publicKey: PublicKey
  /** The secret that this key and another of its curve have in common (SEC 1 §3.3.1): the x-coordinate. */
  agree(other: PublicKey): Uint8Array | Promise<Uint8Array>
  /** RSAES-OAEP with SHA-256 and no label; `undefined` for what was not encrypted so, for this key. */
  decryptOaep(encrypted: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

/** Compute the secret of ECDH. Both keys are on the same curve, which the caller has checked. */
export function computeSharedSecret(privateKey: KeyObject, other: PublicKey): Uint8Array {
  return new Uint8Array(diffieHellman({ privateKey, publicKey: other.keyObject }))
}

/**
 * The key derivation of ANSI X9.63 (SEC 1 §3.6.1) as far as it is needed here: a key no longer than the digest, which is
 * one round.
 */
export function deriveKey(digest: DigestName, secret: Uint8Array, sharedInfo: Uint8Array, octets: number): Uint8Array {
  if (octets > DIGESTS[digest].octets) throw new InternalError('ERR_INTERNAL', 'a key is no longer than its digest')
  const round = hash(digest, Buffer.concat([secret, Uint8Array.of(0, 0, 0, 1), sharedInfo]), 'buffer')
  return new Uint8Array(round.subarray(0, octets))
}

const WRAP = 'id-aes256-wrap'
/** RFC 3394 §2.2.3.1. */
const WRAP_IV = Buffer.alloc(8, 0xa6)

/** AES-256 key wrap (RFC 3394). */
export function wrapKey(wrappingKey: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv(WRAP, wrappingKey, WRAP_IV)
  return new Uint8Array(Buffer.concat([cipher.update(key), cipher.final()]))
}

/** Take a key out of its AES-256 key wrap; `undefined` where it is not wrapped with this key. */
export function unwrapKey(wrappingKey: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  // Of nothing, OpenSSL makes nothing.
  if (wrapped.length === 0) return undefined
  try {
    const decipher = createDecipheriv(WRAP, wrappingKey, WRAP_IV)
    return new Uint8Array(Buffer.concat([decipher.update(wrapped), decipher.final()]))
  } catch {
    return undefined
  }
}

/** RSAES-OAEP (RFC 8017 §7.1) with SHA-256, MGF1 with SHA-256, no label. */
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const

export function encryptOaep(key: PublicKey, data: Uint8Array): Uint8Array {
  return new Uint8Array(publicEncrypt({ key: key.keyObject, ...OAEP }, data))
}

/** Decrypt RSAES-OAEP; `undefined` for every way in which that can fail, which OpenSSL makes take the same time. */
export function decryptOaep(privateKey: KeyObject, encrypted: Uint8Array): Uint8Array | undefined {
  try {
    return new Uint8Array(privateDecrypt({ key: privateKey, ...OAEP }, encrypted))
  } catch {
    return undefined
  }
}
