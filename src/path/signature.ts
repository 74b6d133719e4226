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
  verifySignatureAside,
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
  const bySigner = answersAbout(signed)
  let answer = bySigner.get(signer)
  if (answer === undefined) {
    budget.signature()
    answer = verifySignature(algorithm, key, signed.tbsDer, signed.signatureValue)
    bySigner.set(signer, answer)
  }
  return answer
}

/**
 * Verify a signature of the allow-list on another thread, so that whoever asks later finds the answer. It decides nothing:
 * that is left to path validation, which asks.
 *
 * @throws {@link TrustError} `ERR_ALGORITHM_NOT_ALLOWED`, `ERR_ALGORITHM_MISMATCH`, `ERR_KEY_NOT_ALLOWED`
 */
export async function verifyAhead(signed: Signed, signer: Certificate): Promise<void> {
  const algorithm = verifyingAlgorithmOf(signed.signatureAlgorithm, 'listed')
  const key = signer.verifyingKey('listed')
  const answer = await verifySignatureAside(algorithm, key, signed.tbsDer, signed.signatureValue)
  answersAbout(signed).set(signer, answer)
}

function answersAbout(signed: Signed): WeakMap<Certificate, boolean> {
  let bySigner = answers.get(signed)
  if (bySigner === undefined) answers.set(signed, (bySigner = new WeakMap()))
  return bySigner
}
