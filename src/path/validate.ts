/**
 * Certification path validation (RFC 5280 §6.1), in its order; how strict it is beyond that is data (`strictness`).
 *
 * @module path/validate (floor 4)
 */
import { OID, oidName } from '../asn1/index.js'
import { isSignetError, TrustError, UsageError } from '../errors/index.js'
import { instantText } from '../time/index.js'
import type { Certificate, Crl, NameConstraints } from '../x509/index.js'
import type { Budget } from './budget.js'
import { checkForms, type Place } from './forms.js'
import { NameConstraintState } from './name-constraints.js'
import { type PolicyInputs, PolicyState } from './policies.js'
import { checkPurpose, type Purpose } from './purpose.js'
import { checkNotRevoked } from './revocation.js'
import type { RevocationPolicy } from './revocation-sources.js'
import { type Judge, refusal, type RuleName, strictly } from './rules.js'
import { isSignedBy } from './signature.js'
import { DEFAULT_STRICTNESS, type Strictness } from './strictness.js'

/** Extensions that validation processes. Any other, if critical, ends the path (§6.1.4 (o), §6.1.5 (f)). */
const PROCESSED: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extKeyUsage,
  OID.nameConstraints,
  OID.subjectAltName,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.inhibitAnyPolicy,
])

/**
 * Certificates outside of the path that may sign this CRL: validated to this anchor, with cRLSign stated, and by ways that
 * do not lead through the certificate that the CRL is asked about.
 */
export type CrlSigners = (crl: Crl, anchor: Certificate, about: Certificate) => Iterable<Certificate>

/** What a relying party asks of a path (RFC 5280 §6.1.1). */
export interface PathChecks {
  /** The instant for which the path must be valid: all of it at once. */
  readonly at: Date
  readonly purpose: Purpose
  readonly revocation: RevocationPolicy
  /** Demands on certificate policies. Default: none. */
  readonly policies?: PolicyInputs
  /** Most CAs between anchor and end entity, those that issued themselves not counted. Default: any number. */
  readonly maxPathLength?: number
  /** Names that the path may be about (§6.1.1 (h), (i)). Default: any. */
  readonly nameConstraints?: NameConstraints
  /** Default {@link DEFAULT_STRICTNESS}. */
  readonly strictness?: Strictness
}

/** What one validation has at hand besides the path. */
export interface PathContext {
  readonly budget: Budget
  readonly crlSigners: CrlSigners
  readonly judge?: Judge
}

/**
 * Check a path whose certificates are already in order.
 *
 * @param path - Trust anchor first, end entity last; at least one. A path of one is a trust anchor that is itself the
 * end entity.
 * @returns The certificate policies for which the path is valid (§6.1.6), in the domain of the relying party.
 * @throws {@link TrustError} `ERR_PATH_*`, `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`, `ERR_ALGORITHM_*`, `ERR_KEY_NOT_ALLOWED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function checkPath(path: readonly Certificate[], checks: PathChecks, context: PathContext): ReadonlySet<string> {
  if (path.length === 0) throw new TrustError('ERR_PATH_NOT_FOUND', 'the path is empty')
  const validation = new Validation(path, checks, context)
  for (const index of path.keys()) validation.process(index)
  return validation.policies
}

/**
 * The upper part of a path, checked once for all end entities that its last CA issued.
 *
 * @throws as {@link checkPath}, for what is wrong with one of the CAs
 */
export class CheckedAuthorities {
  readonly #path: readonly Certificate[]
  readonly #checks: Omit<PathChecks, 'purpose'>
  readonly #validation: Validation

  /** @param path - Trust anchor first, the issuer of the end entities last. */
  constructor(path: readonly Certificate[], checks: Omit<PathChecks, 'purpose'>, context: PathContext) {
    this.#path = path
    this.#checks = checks
    this.#validation = new Validation(path, { ...checks, purpose: 'allow-any' }, context, path.length + 1)
    for (const index of path.keys()) this.#validation.process(index)
  }

  /**
   * Check an end entity as the last of the path, for each of several purposes.
   *
   * @throws as {@link checkPath}
   */
  checkBelow(target: Certificate, purposes: readonly Purpose[], context: PathContext): void {
    const path = [...this.#path, target]
    const [first = 'allow-any', ...others] = purposes
    const validation = this.#validation.fork(path, { ...this.#checks, purpose: first }, context)
    validation.process(path.length - 1)
    for (const purpose of others) validation.checkPurpose(target, purpose)
  }
}

/** The state that goes down a path (§6.1.2). */
class Validation {
  readonly #path: readonly Certificate[]
  readonly #checks: PathChecks
  readonly #context: PathContext
  readonly #strictness: Strictness
  readonly #length: number
  #names = new NameConstraintState()
  #policies: PolicyState
  #maxPathLength: number

  /** @param length - Of the whole path, where `path` is only its upper part. */
  constructor(path: readonly Certificate[], checks: PathChecks, context: PathContext, length = path.length) {
    this.#path = path
    this.#checks = checks
    this.#context = context
    this.#length = length
    this.#strictness = checks.strictness ?? DEFAULT_STRICTNESS
    this.#maxPathLength = lengthOf(checks.maxPathLength)
    this.#policies = new PolicyState(checks.policies ?? {}, length - 1)
    this.#names.add(checks.nameConstraints)
  }

  /** Go on with another path that begins with this one, as far as it was processed. */
  fork(path: readonly Certificate[], checks: PathChecks, context: PathContext): Validation {
    const fork = new Validation(path, checks, context)
    fork.#names = this.#names.fork()
    fork.#policies = this.#policies.fork()
    fork.#maxPathLength = this.#maxPathLength
    return fork
  }

  /** The policies for which the path is valid, once all of it is processed. */
  get policies(): ReadonlySet<string> {
    return this.#policies.userConstrainedPolicies()
  }

  process(index: number): void {
    const certificate = this.#path[index]
    const issuer = this.#path[index - 1]
    if (certificate === undefined) return
    const isLast = index === this.#length - 1
    if (issuer === undefined) this.#takeAnchor(certificate, isLast)
    else this.#basics(certificate, issuer, index, isLast)
    if (isLast) this.#wrapUp(certificate)
    else if (issuer !== undefined) this.#prepareForNext(certificate)
    this.#form(certificate, isLast ? 'end-entity' : issuer === undefined ? 'anchor' : 'authority')
  }

  /** §4, after everything that §6 says: how it was made matters less than what it does. */
  #form(certificate: Certificate, place: Place): void {
    const { anchorConstraints, forms } = this.#strictness
    if (forms.length === 0 || (place === 'anchor' && anchorConstraints === 'allow-ignored')) return
    this.#judging(certificate)('form', () => checkForms(certificate, place, forms))
  }

  /** The anchor: believed as it is. What its certificate says restricts what is below it, where that counts. */
  #takeAnchor(anchor: Certificate, isTarget: boolean): void {
    const { anchorValidity, anchorConstraints, algorithms } = this.#strictness
    const judge = this.#judging(anchor)
    if (isTarget || anchorValidity === 'checked') judge('validity', () => checkValidity(anchor, this.#checks.at))
    judge('key', () => anchor.verifyingKey(algorithms))
    if (isTarget || anchorConstraints === 'checked') {
      judge('critical-extensions', () => checkCriticalExtensions(anchor))
    }
    if (isTarget || anchorConstraints === 'allow-ignored') return
    judge('authority', () => checkAuthority(anchor))
    judge('key-usage', () => checkMaySignCertificates(anchor))
    judge('path-length', () => this.#limitLength(anchor))
    judge('policies', () => this.#policies.constrainByAnchor(anchor))
    judge('name-constraints', () => this.#names.add(anchor.nameConstraints))
  }

  /** §6.1.3: what holds for every certificate below the anchor. */
  #basics(certificate: Certificate, issuer: Certificate, index: number, isLast: boolean): void {
    const { algorithms } = this.#strictness
    const judge = this.#judging(certificate)
    judge('issuer', () => checkIssuer(certificate, issuer))
    judge('signature', () => checkSignature(certificate, issuer, algorithms, this.#context.budget))
    judge('validity', () => checkValidity(certificate, this.#checks.at))
    if (this.#checks.revocation !== 'allow-unchecked') judge('revocation', () => this.#checkRevocation(index))
    // (b): self-issued CAs of the middle may carry names outside.
    if (isLast || !certificate.isSelfIssued) judge('name-constraints', () => this.#names.check(certificate))
    judge('policies', () => this.#policies.process(certificate, isLast))
    judge('critical-extensions', () => checkCriticalExtensions(certificate))
    // The key of the end entity, too: it will be used.
    judge('key', () => certificate.verifyingKey(algorithms))
  }

  /** §6.1.4: what makes a certificate of the middle an issuer. */
  #prepareForNext(certificate: Certificate): void {
    const judge = this.#judging(certificate)
    judge('authority', () => checkAuthority(certificate))
    judge('path-length', () => {
      // (l): those that issued themselves do not count.
      if (!certificate.isSelfIssued && !(this.#maxPathLength-- > 0)) throw tooLong(certificate)
      this.#limitLength(certificate)
    })
    judge('key-usage', () => checkMaySignCertificates(certificate))
    judge('name-constraints', () => this.#names.add(certificate.nameConstraints))
  }

  /** §6.1.5, and what the end entity is for. */
  #wrapUp(target: Certificate): void {
    this.checkPurpose(target, this.#checks.purpose)
  }

  checkPurpose(target: Certificate, purpose: Purpose): void {
    if (purpose === 'allow-any') return
    const first = this.#strictness.anchorConstraints === 'checked' ? 0 : 1
    const authorities = this.#path.slice(first, -1)
    this.#judging(target)('purpose', () => checkPurpose(target, authorities, purpose, this.#strictness))
  }

  /** (m) */
  #limitLength(certificate: Certificate): void {
    this.#maxPathLength = Math.min(this.#maxPathLength, certificate.basicConstraints?.pathLenConstraint ?? Infinity)
  }

  #checkRevocation(index: number): void {
    const { revocation, at } = this.#checks
    const [certificate, issuer] = [this.#path[index], this.#path[index - 1]]
    if (revocation === 'allow-unchecked' || certificate === undefined || issuer === undefined) return
    const { algorithms } = this.#strictness
    const { budget } = this.#context
    checkNotRevoked(certificate, issuer, revocation, {
      at,
      algorithms,
      budget,
      crlSigners: (crl) => this.#signersOf(crl, index),
    })
  }

  /**
   * Whose keys may sign a CRL about the certificate at `index`: the CAs of the path with the CRL's name (several when a
   * CA has changed keys), then others outside of it that lead to the same anchor (§6.3.3 (f)). Those speak under the
   * name of the certificate's own issuer only if that CA, or who certified it, signed them: the same name further off is
   * another CA. What is below the certificate, or leads through it, says nothing about it.
   */
  *#signersOf(crl: Crl, index: number): Iterable<Certificate> {
    const [anchor, issuer, about] = [this.#path[0], this.#path[index - 1], this.#path[index]]
    if (anchor === undefined || issuer === undefined || about === undefined) return
    const ofPath = this.#path.slice(0, index).filter((certificate) => certificate.subject.equals(crl.issuer))
    yield* ofPath.toSorted((a, b) => Number(b === issuer) - Number(a === issuer))
    const isOwn = crl.issuer.equals(issuer.subject)
    const certifiers = [issuer, this.#path[index - 2]].filter((certificate) => certificate !== undefined)
    for (const signer of this.#context.crlSigners(crl, anchor, about)) {
      if (!isOwn || certifiers.some((certifier) => this.#issued(certifier, signer))) yield signer
    }
  }

  #issued(certifier: Certificate, certificate: Certificate): boolean {
    if (!certificate.issuer.equals(certifier.subject)) return false
    try {
      return isSignedBy(certificate, certifier, this.#strictness.algorithms, this.#context.budget)
    } catch (error) {
      if (isSignetError(error) && error.category !== 'limit') return false
      throw error
    }
  }

  #judging(certificate: Certificate): (rule: RuleName, check: () => void) => void {
    const { judge = strictly } = this.#context
    return (rule, check) => {
      judge(rule, certificate, check)
    }
  }
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` for what is no number of certificates */
function lengthOf(maxPathLength: number | undefined): number {
  if (maxPathLength === undefined || maxPathLength === Infinity) return Infinity
  if (Number.isSafeInteger(maxPathLength) && maxPathLength >= 0) return maxPathLength
  throw new UsageError('ERR_CONFIG_INVALID', 'maxPathLength is a whole number from 0 on', {
    details: { maxPathLength: String(maxPathLength) },
  })
}

/** RFC 5280 §4.1.2.5: both ends are inside. */
function checkValidity(certificate: Certificate, at: Date): void {
  // Written so that an invalid date is refused, too.
  const begun = at >= certificate.notBefore
  // notAfter names a second; the whole of that second is inside.
  if (begun && at.getTime() < certificate.notAfter.getTime() + 1000) return
  const subject = certificate.subject.toString()
  const [notBefore, notAfter] = [certificate.notBefore.toISOString(), certificate.notAfter.toISOString()]
  const details = { notBefore, notAfter, at: instantText(at) }
  if (!begun) {
    const message = `the certificate of ${subject} is valid only from ${notBefore}`
    const hint = 'check the clock of this machine'
    throw refusal('ERR_PATH_NOT_YET_VALID', 'validity', certificate, message, { details, hint })
  }
  const message = `the certificate of ${subject} expired at ${notAfter}`
  throw refusal('ERR_PATH_EXPIRED', 'validity', certificate, message, { details, hint: 'renew it: signet renew' })
}

function checkIssuer(certificate: Certificate, issuer: Certificate): void {
  if (certificate.issuer.equals(issuer.subject)) return
  const message = `${issuer.subject.toString()} is not the issuer of ${certificate.subject.toString()}`
  throw refusal('ERR_PATH_NOT_FOUND', 'issuer', certificate, message)
}

/**
 * Whether the key of the issuer made the signature.
 *
 * @throws {@link TrustError} `ERR_PATH_SIGNATURE`, `ERR_ALGORITHM_*`, `ERR_KEY_NOT_ALLOWED`
 */
export function checkSignature(
  certificate: Certificate,
  issuer: Certificate,
  algorithms: Strictness['algorithms'],
  budget: Budget,
): void {
  if (isSignedBy(certificate, issuer, algorithms, budget)) return
  const message = `the certificate of ${certificate.subject.toString()} is not signed by its issuer`
  const details = { issuer: issuer.subject.toString() }
  throw refusal('ERR_PATH_SIGNATURE', 'signature', certificate, message, { details })
}

function checkCriticalExtensions(certificate: Certificate): void {
  for (const { oid, critical } of certificate.extensions.values()) {
    if (!critical) continue
    // §4.2: what is critical and cannot be read ends the path, too.
    certificate.readExtension(oid)
    if (PROCESSED.has(oid)) continue
    const message = `the critical extension ${oidName(oid)} is not understood`
    throw refusal('ERR_PATH_CRITICAL_EXTENSION', 'critical-extensions', certificate, message, { details: { oid } })
  }
  // §4.2.1.4: who accepts the extension as critical understands every qualifier in it.
  const isCritical = certificate.extensions.get(OID.certificatePolicies)?.critical === true
  if (isCritical && certificate.certificatePolicies?.hasUnknownQualifier === true) {
    const message = 'certificatePolicies is critical and has a qualifier that is not understood'
    throw refusal('ERR_PATH_CRITICAL_EXTENSION', 'critical-extensions', certificate, message)
  }
}

/** (k) */
function checkAuthority(certificate: Certificate): void {
  if (certificate.basicConstraints?.ca === true) return
  const message = `${certificate.subject.toString()} issued a certificate but is not a CA`
  throw refusal('ERR_PATH_NOT_CA', 'authority', certificate, message)
}

/** (n) */
function checkMaySignCertificates(certificate: Certificate): void {
  if (certificate.keyUsage?.has('keyCertSign') !== false) return
  const message = `${certificate.subject.toString()} issued a certificate, which its keyUsage excludes`
  throw refusal('ERR_PATH_KEY_USAGE', 'key-usage', certificate, message)
}

function tooLong(certificate: Certificate): TrustError {
  return refusal('ERR_PATH_LENGTH', 'path-length', certificate, 'the path is longer than a pathLenConstraint allows')
}
