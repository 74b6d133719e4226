/**
 * From an end entity to a trust anchor: try the possible paths, and hand out the proof that one is valid.
 *
 * @module path/build (floor 4)
 */
import { equalBytes } from '../asn1/index.js'
import { InternalError, isSignetError, LimitError, type SignetError, TrustError, UsageError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { checkHostName } from './host-name.js'
import { checkPath, type CrlSigners, type PathChecks } from './validate.js'

/** Longest path, anchor and end entity included. */
const MAX_PATH_CERTIFICATES = 10
/** Most paths that are checked before giving up; each costs at most a few signatures. */
const MAX_PATHS = 64
/** Most issuers looked at. */
const MAX_STEPS = 2_000

let prove: (certificates: readonly Certificate[], checks: PathChecks) => ValidatedPath

/** The proof that a path was valid: only {@link validatePath} makes one. */
export class ValidatedPath {
  static {
    prove = (certificates, checks) => new ValidatedPath(certificates, checks)
  }
  /** End entity first, trust anchor last. */
  readonly certificates: readonly Certificate[]
  /** The instant for which it was valid. */
  readonly at: Date
  /** Whether revocation was checked. */
  readonly revocation: 'checked' | 'not checked'
  readonly #target: Certificate
  readonly #anchor: Certificate

  private constructor(certificates: readonly Certificate[], checks: PathChecks) {
    const [target] = certificates
    const anchor = certificates.at(-1)
    if (target === undefined || anchor === undefined) throw new InternalError('ERR_INTERNAL', 'a path is never empty')
    this.#target = target
    this.#anchor = anchor
    this.certificates = Object.freeze([...certificates])
    this.at = checks.at
    this.revocation = checks.revocation === 'allow-unchecked' ? 'not checked' : 'checked'
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

export interface PathRequest extends PathChecks {
  /** Certificates that are believed because somebody put them here: at least one. */
  readonly anchors: readonly Certificate[]
  /** Certificates that may help and prove nothing. Default none. */
  readonly intermediates?: readonly Certificate[]
  /** Host name or IP address that the end entity must be for. */
  readonly hostName?: string
}

/**
 * Find and validate a path from a certificate to a trust anchor.
 *
 * Checks signatures, validity of every certificate at one instant, names, basic constraints, key usage, extended key
 * usage, name constraints, critical extensions and revocation. Maps no identity and decides no authorization.
 *
 * @returns The proof. Of several valid paths, the first found; issuers are tried in the order given, anchors first.
 * @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR`
 * @throws {@link TrustError} the most telling refusal of all paths tried
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 * @see RFC 5280 §6.1, RFC 4158
 */
export function validatePath(target: Certificate, request: PathRequest): ValidatedPath {
  if (request.anchors.length === 0) {
    throw new UsageError('ERR_TRUST_NO_ANCHOR', 'no trust anchor was given', {
      hint: 'name the CA certificates that you trust; those of the operating system are never used',
    })
  }
  if (request.hostName !== undefined) checkHostName(target, request.hostName)
  return findPath(target, request, crlSignersAmong(request))
}

function findPath(target: Certificate, request: PathRequest, crlSigners: CrlSigners): ValidatedPath {
  let best: SignetError | undefined
  let paths = 0
  for (const path of candidatePaths(target, request)) {
    if (++paths > MAX_PATHS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `none of ${MAX_PATHS} paths is valid`, { cause: best })
    try {
      checkPath(path, request, crlSigners)
      return prove(path.toReversed(), request)
    } catch (error) {
      if (!isSignetError(error)) throw error
      if (best === undefined || rank(error) > rank(best)) best = error
    }
  }
  throw best ?? noPath(target)
}

/**
 * Candidates for signing a CRL outside of a path: each is believed only by a path of its own to the same anchor. A
 * candidate that is being looked at does not vouch for itself.
 */
function crlSignersAmong(request: PathRequest): CrlSigners {
  const verdicts = new Map<Certificate, boolean>()
  const isValid = (candidate: Certificate, anchor: Certificate): boolean => {
    let verdict = verdicts.get(candidate)
    if (verdict === undefined) {
      verdicts.set(candidate, false)
      verdict = leadsTo(candidate, { ...request, anchors: [anchor], purpose: 'allow-any' }, crlSigners)
      verdicts.set(candidate, verdict)
    }
    return verdict
  }
  const crlSigners: CrlSigners = function* (crl, anchor) {
    for (const candidate of request.intermediates ?? []) {
      if (!candidate.subject.equals(crl.issuer) || candidate.keyUsage?.has('cRLSign') !== true) continue
      if (isValid(candidate, anchor)) yield candidate
    }
  }
  return crlSigners
}

function leadsTo(candidate: Certificate, request: PathRequest, crlSigners: CrlSigners): boolean {
  try {
    findPath(candidate, request, crlSigners)
    return true
  } catch (error) {
    if (!isSignetError(error)) throw error
    return false
  }
}

/** All chains of names from the target to an anchor, anchor first, without a certificate or name and key twice. */
function* candidatePaths(target: Certificate, request: PathRequest): Generator<readonly Certificate[]> {
  const { anchors, intermediates = [] } = request
  let steps = 0
  const isAnchor = (certificate: Certificate): boolean => anchors.some((anchor) => anchor.equals(certificate))
  // A certificate that was put among the anchors is believed by its octets, not by its fields.
  if (isAnchor(target)) yield [target]
  const open: (readonly Certificate[])[] = [[target]]
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    const [first] = chain
    if (first === undefined) continue
    const longer: (readonly Certificate[])[] = []
    for (const issuer of [...anchors, ...intermediates]) {
      if (++steps > MAX_STEPS)
        throw new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_STEPS} steps without a valid path`)
      if (!mayHaveIssued(issuer, first) || chain.some((used) => sameNameAndKey(used, issuer))) continue
      if (isAnchor(issuer)) yield [issuer, ...chain]
      else if (chain.length + 1 < MAX_PATH_CERTIFICATES) longer.push([issuer, ...chain])
    }
    open.push(...longer.reverse())
  }
}

/** Names fit, and key identifiers do not contradict (RFC 5280 §4.2.1.1: a hint, never a proof). */
function mayHaveIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (!issuer.subject.equals(certificate.issuer)) return false
  try {
    const wanted = certificate.authorityKeyIdentifier?.keyIdentifier
    const found = issuer.subjectKeyIdentifier
    return wanted === undefined || found === undefined || equalBytes(wanted, found)
  } catch (error) {
    // A malformed hint is none; if it belongs to a path, the path is refused for it.
    if (isSignetError(error)) return true
    throw error
  }
}

function sameNameAndKey(a: Certificate, b: Certificate): boolean {
  return a === b || (a.subject.equals(b.subject) && equalBytes(a.spkiDer, b.spkiDer))
}

/** Of several refusals the most telling: what got furthest towards being believed. */
const RANKS: Readonly<Record<string, number>> = {
  ERR_PATH_NOT_FOUND: 0,
  ERR_PATH_SIGNATURE: 1,
  ERR_PATH_NOT_CA: 2,
  ERR_PATH_KEY_USAGE: 3,
  ERR_PATH_LENGTH: 4,
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

function noPath(target: Certificate): TrustError {
  return new TrustError('ERR_PATH_NOT_FOUND', `no path leads from ${target.subject.toString()} to a trust anchor`, {
    details: { subject: target.subject.toString(), issuer: target.issuer.toString() },
    hint: 'give the certificates of the CAs between, and the right trust anchor',
  })
}
