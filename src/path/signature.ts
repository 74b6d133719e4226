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
import { isSignetError } from '../errors/index.js'
import type { Steps } from '../time/index.js'
import type { Certificate, Name } from '../x509/index.js'
import { Budget } from './budget.js'

/** Something signed: a certificate, a CRL, a basic OCSP response. */
export interface Signed {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
}

/** More than a deployment has, and too few to matter if they were made up. */
const MAX_AHEAD = 32

interface Answers {
  /** Who was asked about first, seldom followed by another. */
  readonly first: Certificate
  readonly answer: boolean
  others: WeakMap<Certificate, boolean> | undefined
}

/** Makes nothing: who derives from it adds private fields to what is there. */
const Itself = function (itself: object): object {
  return itself
} as unknown as new (itself: object) => object

/** What was answered about something signed, on itself: an entry in a WeakMap takes several times as long to make. */
class Answered extends Itself {
  #answers: Answers

  private constructor(signed: Signed, answers: Answers) {
    super(signed)
    this.#answers = answers
  }

  static of(signed: Signed): Answers | undefined {
    return #answers in signed ? signed.#answers : undefined
  }

  static keep(signed: Signed, answers: Answers): Answered {
    return new Answered(signed, answers)
  }
}

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
  const known = Answered.of(signed)
  const kept = known?.first === signer ? known.answer : known?.others?.get(signer)
  if (kept !== undefined) return kept
  budget.signature()
  const answer = verifySignature(algorithm, key, signed.tbsDer, signed.signatureValue)
  if (known !== undefined) (known.others ??= new WeakMap()).set(signer, answer)
  else Answered.keep(signed, { first: signer, answer, others: undefined })
  return answer
}

/**
 * Verify signatures in steps, one in each, so that whoever validates a path of these certificates afterwards finds the
 * answers. Says nothing of what it found, and refuses nothing: both are for who validates.
 *
 * @param issued - What was signed; of more than some, the rest waits until somebody asks.
 * @param signers - The certificates, these very objects, whose keys may have signed it.
 */
export function* verifyAhead(
  issued: readonly (Signed & { readonly issuer: Name })[],
  signers: readonly Certificate[],
  policy: AlgorithmPolicy,
): Steps<void> {
  const budget = new Budget()
  const pairs = issued.slice(0, MAX_AHEAD).flatMap((signed) =>
    signers
      .slice(0, MAX_AHEAD)
      // Whoever is believed by its octets need not have signed itself.
      .flatMap((signer) => (signed !== signer && signed.issuer.equals(signer.subject) ? [{ signed, signer }] : [])),
  )
  for (const { signed, signer } of pairs.slice(0, MAX_AHEAD)) {
    try {
      isSignedBy(signed, signer, policy, budget)
    } catch (error) {
      if (!isSignetError(error)) throw error
    }
    yield
  }
}
