/**
 * The door to a private key: what signs or decrypts, wherever the key is. A file is one implementation, a program that
 * talks to an HSM another; nothing above this floor knows which.
 *
 * @module crypto/key-provider (floor 2)
 */
import { type KeyObject } from 'node:crypto'
import { readSecretFile, decodeUtf8 } from '../files/index.js'
import { type SignatureAlgorithm } from './algorithms.js'
import { computeSharedSecret, decryptOaep, type DecryptionKey } from './key-establishment.js'
import { decodePrivateKey } from './pkcs8.js'
import { defaultSignature, type PublicKey, publicKeyOf } from './public-key.js'
import type { Passphrase } from './secret.js'
import { computeSignature, computeSignatureAside } from './signature.js'

export interface KeyProvider {
  readonly publicKey: PublicKey
  /** The algorithm of the signatures that {@link KeyProvider.sign} yields. */
  readonly signatureAlgorithm: SignatureAlgorithm
  /** Sign the octets (not their digest). In memory it answers at once, elsewhere later. */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
  /**
   * The same on another thread, where the key can be used by several at once: for who signs much, and has other things to
   * do meanwhile.
   */
  signAside?(data: Uint8Array): Promise<Uint8Array>
}

/** A key that is in memory. Nothing of it is printed by inspection or JSON. */
export class MemoryKeyProvider implements KeyProvider, DecryptionKey {
  readonly publicKey: PublicKey
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly #privateKey: KeyObject

  constructor(privateKey: KeyObject, signatureAlgorithm?: SignatureAlgorithm) {
    this.#privateKey = privateKey
    this.publicKey = publicKeyOf(privateKey)
    this.signatureAlgorithm = signatureAlgorithm ?? defaultSignature(this.publicKey)
  }

  sign(data: Uint8Array): Uint8Array {
    return computeSignature(this.signatureAlgorithm, this.#privateKey, data)
  }

  signAside(data: Uint8Array): Promise<Uint8Array> {
    return computeSignatureAside(this.signatureAlgorithm, this.#privateKey, data)
  }

  agree(other: PublicKey): Uint8Array {
    return computeSharedSecret(this.#privateKey, other)
  }

  decryptOaep(encrypted: Uint8Array): Uint8Array | undefined {
    return decryptOaep(this.#privateKey, encrypted)
  }
}

/**
 * Open a key file: PKCS #8 PEM, encrypted or not, that only its owner can read.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_PATH_UNSAFE`, `ERR_KEY_PASSPHRASE`,
 * `ERR_KEY_FORMAT_WEAK`
 * @throws the codes of {@link decodePrivateKey}
 */
export function openKeyFile(path: string, passphrase?: Passphrase): MemoryKeyProvider {
  const pem = decodeUtf8(readSecretFile(path, { maxBytes: 64 * 1024 }), path)
  return new MemoryKeyProvider(decodePrivateKey(pem, passphrase))
}
