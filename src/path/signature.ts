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

interface Answers {
  /** Who was asked about first, seldom followed by another. */
  readonly first: Certificate
  readonly answer: boolean
  others: WeakMap<Certificate, boolean> | undefined
}

const answers = new WeakMap<Signed, Answers>()

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
  const known = answers.get(signed)
  const kept = known?.first === signer ? known.answer : known?.others?.get(signer)
  if (kept !== undefined) return kept
  budget.signature()
  const answer = verifySignature(algorithm, key, signed.tbsDer, signed.signatureValue)
  if (known === undefined) answers.set(signed, { first: signer, answer, others: undefined })
  else (known.others ??= new WeakMap()).set(signer, answer)
  return answer
}
