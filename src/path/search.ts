/**
 * The possible paths from a certificate to a trust anchor (RFC 4158): by name and key identifier, then by signature.
 *
 * A signature is verified as soon as a certificate is put under its issuer, so that of many issuers with one name only
 * the real one is followed further.
 *
 * @module path/search (floor 4)
 */
import { equalBytes } from '../asn1/index.js'
import { isSignetError, type SignetError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import type { Budget } from './budget.js'
import type { Strictness } from './strictness.js'
import { checkSignature } from './validate.js'

/** Longest path, anchor and end entity included. */
const MAX_PATH_CERTIFICATES = 10

/** A certificate that has the right name and did not issue: what {@link candidatePaths} left aside, and why. */
export interface NotTheIssuer {
  readonly certificate: Certificate
  readonly issuer: Certificate
  readonly error: SignetError
}

export interface SearchRequest {
  readonly anchors: readonly Certificate[]
  readonly intermediates: readonly Certificate[]
  readonly algorithms: Strictness['algorithms']
  readonly budget: Budget
  readonly leaveAside: (aside: NotTheIssuer) => void
}

/**
 * All chains from the target to an anchor, anchor first, without a certificate or name and key twice. Anchors are tried
 * first, then issuers in the order given; the deepest chain goes on first.
 *
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function* candidatePaths(target: Certificate, request: SearchRequest): Generator<readonly Certificate[]> {
  const { anchors, intermediates } = request
  const issuersByName = groupByName([...anchors, ...intermediates])
  const isAnchor = (certificate: Certificate): boolean => anchors.some((anchor) => anchor.equals(certificate))
  // A certificate that was put among the anchors is believed by its octets, not by its fields.
  if (isAnchor(target)) yield [target]
  const open: (readonly Certificate[])[] = [[target]]
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    const [first] = chain
    if (first === undefined) continue
    const longer: (readonly Certificate[])[] = []
    for (const issuer of issuersByName.get(first.issuer.key) ?? []) {
      request.budget.step()
      if (chain.some((used) => sameNameAndKey(used, issuer)) || !issued(issuer, first, request)) continue
      if (isAnchor(issuer)) yield [issuer, ...chain]
      else if (chain.length + 1 < MAX_PATH_CERTIFICATES) longer.push([issuer, ...chain])
    }
    open.push(...longer.reverse())
  }
}

function groupByName(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  return Map.groupBy(certificates, ({ subject }) => subject.key)
}

function issued(issuer: Certificate, certificate: Certificate, request: SearchRequest): boolean {
  if (!keyMayFit(issuer, certificate)) return false
  try {
    checkSignature(certificate, issuer, request.algorithms, request.budget)
    return true
  } catch (error) {
    if (!isSignetError(error) || error.category === 'limit') throw error
    request.leaveAside({ certificate, issuer, error })
    return false
  }
}

/** Key identifiers do not contradict (RFC 5280 §4.2.1.1: a hint, never a proof). */
export function keyMayFit(issuer: Certificate, certificate: Certificate): boolean {
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
