/**
 * From an end entity to a trust anchor: try the possible paths, and hand out the proof that one is valid.
 *
 * @module path/build (floor 4)
 */
import { equalBytes } from '../asn1/index.js'
import { InternalError, isSignetError, type SignetError, TrustError, UsageError } from '../errors/index.js'
import { type Certificate, hex } from '../x509/index.js'
import { Budget } from './budget.js'
import { checkReferenceIdentity, type ReferenceIdentity } from './reference-identity.js'
import { strictly } from './rules.js'
import { candidatePaths, type SearchRequest } from './search.js'
import { DEFAULT_STRICTNESS } from './strictness.js'
import { checkPath, type CrlSigners, type PathChecks, type PathContext } from './validate.js'

let prove: (certificates: readonly Certificate[], checks: PathChecks, policies: ReadonlySet<string>) => ValidatedPath

/** The proof that a path was valid: only {@link validatePath} makes one. */
export class ValidatedPath {
  static {
    prove = (certificates, checks, policies) => new ValidatedPath(certificates, checks, policies)
  }
  /** End entity first, trust anchor last. */
  readonly certificates: readonly Certificate[]
  /** The instant for which it was valid. */
  readonly at: Date
  /** Whether revocation was checked. */
  readonly revocation: 'checked' | 'not checked'
  /**
   * The certificate policies for which it is valid, in the domain of the relying party: the user-constrained-policy-set of
   * RFC 5280 §6.1.6, sorted, without anyPolicy, which names none. What the end entity asserts by itself is not among them.
   */
  readonly policies: readonly string[]
  readonly #target: Certificate
  readonly #anchor: Certificate

  private constructor(certificates: readonly Certificate[], checks: PathChecks, policies: ReadonlySet<string>) {
    const [target] = certificates
    const anchor = certificates.at(-1)
    if (target === undefined || anchor === undefined) throw new InternalError('ERR_INTERNAL', 'a path is never empty')
    this.#target = target
    this.#anchor = anchor
    this.certificates = Object.freeze([...certificates])
    this.at = checks.at
    this.policies = Object.freeze([...policies].sort())
    // About an anchor nobody was asked.
    this.revocation = certificates.length > 1 && isChecked(checks) ? 'checked' : 'not checked'
    Object.freeze(this)
  }

  /** The end entity: the only certificate whose names may be taken for the subject's. */
  get target(): Certificate {
    return this.#target
  }

  get anchor(): Certificate {
    return this.#anchor
  }

  /** The certificate that issued the target; the target itself where that is the anchor. */
  get issuer(): Certificate {
    return this.certificates[1] ?? this.#target
  }
}

function isChecked({ revocation }: PathChecks): boolean {
  return revocation !== 'allow-unchecked' && revocation.unknownStatus !== 'allow'
}

export interface PathRequest extends PathChecks, ReferenceIdentity {
  /** Certificates that are believed because somebody put them here: at least one. */
  readonly anchors: readonly Certificate[]
  /** Certificates that may help and prove nothing. Default none. */
  readonly intermediates?: readonly Certificate[]
}

/**
 * Find and validate a path from a certificate to a trust anchor.
 *
 * Checks signatures, validity of every certificate at one instant, names, basic constraints, key usage, extended key
 * usage, name constraints, policies, critical extensions, form and revocation, as strictly as asked. Maps no identity
 * and decides no authorization.
 *
 * @returns The proof. Of several valid paths, the first found; issuers are tried in the order given, anchors first.
 * @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR`
 * @throws {@link TrustError} the most telling refusal of all paths tried
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 * @see RFC 5280 §6.1, RFC 4158
 */
export function validatePath(target: Certificate, request: PathRequest): ValidatedPath {
  requireAnchors(request)
  checkReferenceIdentity(target, request, strictly)
  const budget = new Budget()
  return findPath(target, request, { budget, crlSigners: crlSignersAmong(request, budget) })
}

/** @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR` */
export function requireAnchors({ anchors }: PathRequest): void {
  if (anchors.length > 0) return
  throw new UsageError('ERR_TRUST_NO_ANCHOR', 'no trust anchor was given', {
    hint: 'name the CA certificates that you trust; those of the operating system are never used',
  })
}

function findPath(target: Certificate, request: PathRequest, context: PathContext): ValidatedPath {
  let best: SignetError | undefined
  const remember = (error: SignetError): void => {
    if (best === undefined || rank(error) > rank(best)) best = error
  }
  const candidates = candidatePaths(target, {
    ...searchOf(request),
    budget: context.budget,
    leaveAside: ({ error }) => {
      remember(error)
    },
  })
  for (const path of candidates) {
    context.budget.path()
    try {
      const policies = checkPath(path, request, context)
      return prove(path.toReversed(), request, policies)
    } catch (error) {
      if (!isSignetError(error) || error.category === 'limit') throw error
      remember(error)
    }
  }
  throw best ?? noPath(target)
}

/** What of a request the search for paths needs. */
export function searchOf(request: PathRequest): Pick<SearchRequest, 'anchors' | 'intermediates' | 'algorithms'> {
  const { anchors, intermediates = [], strictness = DEFAULT_STRICTNESS } = request
  return { anchors, intermediates, algorithms: strictness.algorithms }
}

/**
 * Candidates for signing a CRL outside of a path: each is believed only by a path of its own to the same anchor, on which
 * there is neither the certificate that the CRL is asked about nor another with its key: nobody vouches for itself.
 */
export function crlSignersAmong(request: PathRequest, budget: Budget): CrlSigners {
  return signersWithout(request, budget, [], new Map())
}

/** @param left - Keys that are left out by now, as each question within a question leaves out another. */
function signersWithout(
  request: PathRequest,
  budget: Budget,
  left: readonly string[],
  verdicts: Map<string, Map<Certificate, boolean>>,
): CrlSigners {
  const { intermediates = [] } = request
  return function* (crl, anchor, about) {
    const without = [...new Set([...left, hex(about.spkiDer)])].sort()
    const question = JSON.stringify([anchor.fingerprint, without])
    const known = verdicts.get(question) ?? new Map<Certificate, boolean>()
    verdicts.set(question, known)
    for (const candidate of intermediates) {
      if (!candidate.subject.equals(crl.issuer) || !maySignCrls(candidate) || hasKeyOf(candidate, about)) continue
      budget.step()
      let verdict = known.get(candidate)
      if (verdict === undefined) {
        const others = intermediates.filter((other) => !hasKeyOf(other, about))
        const asked = { ...request, intermediates: others, anchors: [anchor], purpose: 'allow-any' } as const
        const crlSigners = signersWithout(asked, budget, without, verdicts)
        verdict = leadsTo(candidate, asked, { budget, crlSigners })
        known.set(candidate, verdict)
      }
      if (verdict) yield candidate
    }
  }
}

function hasKeyOf(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.spkiDer, b.spkiDer)
}

/** Whether it says so; one that cannot be read says nothing. */
function maySignCrls(certificate: Certificate): boolean {
  try {
    return certificate.keyUsage?.has('cRLSign') === true
  } catch (error) {
    if (isSignetError(error)) return false
    throw error
  }
}

function leadsTo(candidate: Certificate, request: PathRequest, context: PathContext): boolean {
  try {
    findPath(candidate, request, context)
    return true
  } catch (error) {
    if (!isSignetError(error) || error.category === 'limit') throw error
    return false
  }
}

/** Of several refusals the most telling: what got furthest towards being believed. */
const RANKS: Readonly<Record<string, number>> = {
  ERR_PATH_NOT_FOUND: 0,
  ERR_PATH_SIGNATURE: 1,
  ERR_PATH_NOT_CA: 2,
  ERR_PATH_KEY_USAGE: 3,
  ERR_PATH_LENGTH: 4,
  ERR_PATH_FORM: 4,
  ERR_PATH_CRITICAL_EXTENSION: 5,
  ERR_PATH_NAME_CONSTRAINT: 6,
  ERR_PATH_POLICY: 6,
  ERR_PATH_PURPOSE: 7,
  ERR_PATH_NOT_YET_VALID: 8,
  ERR_PATH_EXPIRED: 9,
  ERR_REVOCATION_UNKNOWN: 10,
  ERR_REVOKED: 11,
}

function rank(error: SignetError): number {
  return RANKS[error.code] ?? 1
}

/** The error that says that nothing leads to an anchor. */
export function noPath(target: Certificate): TrustError {
  return new TrustError('ERR_PATH_NOT_FOUND', `no path leads from ${target.subject.toString()} to a trust anchor`, {
    details: { subject: target.subject.toString(), issuer: target.issuer.toString() },
    hint: 'give the certificates of the CAs between, and the right trust anchor',
  })
}
