/**
 * Computing and verifying raw signatures. The only arithmetic is OpenSSL's, through node:crypto.
 *
 * @module crypto/signature (floor 2)
 */
import { constants, type KeyObject, sign as cryptoSign, verify as cryptoVerify } from 'node:crypto'
import { requireFamily, type SignatureAlgorithm, type VerifyingAlgorithm } from './algorithms.js'
import type { VerifyingKey } from './public-key.js'

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

/** As {@link computeSignature}, on a thread of OpenSSL's own: many at once take all cores. */
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

/** As {@link verifySignature}, on a thread of OpenSSL's own: many at once take all cores. */
export async function verifySignatureAside(
  algorithm: VerifyingAlgorithm,
  key: VerifyingKey,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  requireFamily(algorithm, key.family)
  return new Promise((resolve) => {
    try {
      cryptoVerify(algorithm.digest, data, keyInput(algorithm, key.keyObject), signature, (error, verifies) => {
        // As above: for some malformed signatures there is an error, for others the answer no.
        resolve(error === null && verifies)
      })
    } catch {
      resolve(false)
    }
  })
}

function keyInput(
  algorithm: VerifyingAlgorithm,
  key: KeyObject,
): KeyObject | { key: KeyObject; padding: number; saltLength: number } {
  if (!algorithm.pss) return key
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
}
