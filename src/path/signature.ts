/**
 * Is this signed with the key of that certificate? Certificates, CRLs and OCSP responses never change, so an answer that
 * was found once holds for ever.
 *
 * @module path/signature (floor 4)
 */
import {
  type AlgorithmIdentifier,
  type AlgorithmPolicy,
  verifyingAlgorithmOf,
  verifySignature,
} from '../crypto/index.js'
import type { Certificate } from '../x509/index.js'
import type { Budget } from './budget.js'

/** Something signed: a certificate, a CRL, a basic OCSP response. */
export interface Signed {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
}

const answers = new WeakMap<Signed, WeakMap<Certificate, boolean>>()

/**
 * Verify a signature once.
 *
 * @throws {@link TrustError} `ERR_ALGORITHM_NOT_ALLOWED`, `ERR_ALGORITHM_MISMATCH`, `ERR_KEY_NOT_ALLOWED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function isSignedBy(signed: Signed, signer: Certificate, policy: AlgorithmPolicy, budget: Budget): boolean {
  // What is allowed is asked every time: the answer kept says only that the mathematics agrees.
  const algorithm = verifyingAlgorithmOf(signed.signatureAlgorithm, policy)
  const key = signer.verifyingKey(policy)
  let bySigner = answers.get(signed)
  if (bySigner === undefined) answers.set(signed, (bySigner = new WeakMap()))
  let answer = bySigner.get(signer)
  if (answer === undefined) {
    budget.signature()
    answer = verifySignature(algorithm, key, signed.tbsDer, signed.signatureValue)
    bySigner.set(signer, answer)
  }
  return answer
}
