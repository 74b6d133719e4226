/**
 * Computing and verifying raw signatures. The only arithmetic is OpenSSL's, through node:crypto.
 *
 * @module crypto/signature (floor 2)
 */
import { constants, type KeyObject, sign as cryptoSign, verify as cryptoVerify } from 'node:crypto'
import { requireFamily, type SignatureAlgorithm, type VerifyingAlgorithm } from './algorithms.js'
import type { VerifyingKey } from './public-key.js'

/** A signature that is to be verified, and all that this takes. */
export interface SignatureCheck {
  readonly algorithm: VerifyingAlgorithm
  readonly key: VerifyingKey
  readonly data: Uint8Array
  readonly signature: Uint8Array
}

/**
 * Verify a signature over `data`.
 *
 * Checks the family of the key against the algorithm; says nothing about whose key it is.
 *
 * @returns Whether it verifies. A malformed signature does not.
 * @throws {@link TrustError} `ERR_ALGORITHM_MISMATCH`
 */
export function verifySignature(
  algorithm: VerifyingAlgorithm,
  key: VerifyingKey,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  requireFamily(algorithm, key.family)
  try {
    return cryptoVerify(algorithm.digest, data, keyInput(algorithm, key.keyObject), signature)
  } catch {
    // OpenSSL throws for some malformed signatures and answers false for others.
    return false
  }
}

/** Compute a signature with a private KeyObject of the family that the algorithm needs. */
export function computeSignature(algorithm: SignatureAlgorithm, privateKey: KeyObject, data: Uint8Array): Uint8Array {
  return cryptoSign(algorithm.digest, data, keyInput(algorithm, privateKey))
}

/** As {@link computeSignature}, by a thread of OpenSSL's own: what this one does meanwhile is worth four times the handing over. */
export function computeSignatureAside(
  algorithm: SignatureAlgorithm,
  privateKey: KeyObject,
  data: Uint8Array,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    cryptoSign(algorithm.digest, data, keyInput(algorithm, privateKey), (error, signature) => {
      if (error === null) resolve(signature)
      else reject(error)
    })
  })
}

function keyInput(
  algorithm: VerifyingAlgorithm,
  key: KeyObject,
): KeyObject | { key: KeyObject; padding: number; saltLength: number } {
  if (!algorithm.pss) return key
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
}
