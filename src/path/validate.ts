/**
 * Certification path validation (RFC 5280 §6.1), stricter where a deployment's own hierarchy allows it: the trust
 * anchor's own validity, basic constraints, key usage, name and policy constraints count, too.
 *
 * @module path/validate (floor 4)
 */
import { OID, oidName } from '../asn1/index.js'
import { signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import { TrustError } from '../errors/index.js'
import { instantText } from '../time/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import { NameConstraintState } from './name-constraints.js'
import { type PolicyInputs, PolicyState } from './policies.js'
import { checkPurpose, type Purpose } from './purpose.js'
import { checkNotRevoked, type RevocationPolicy } from './revocation.js'

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

/** Certificates outside of the path that may sign this CRL: validated to this anchor, with cRLSign stated. */
export type CrlSigners = (crl: Crl, anchor: Certificate) => Iterable<Certificate>

const nobody: CrlSigners = () => []

export interface PathChecks {
  /** The instant for which the path must be valid: all of it at once. */
  readonly at: Date
  readonly purpose: Purpose
  readonly revocation: RevocationPolicy
  /** Demands on certificate policies. Default: none. */
  readonly policies?: PolicyInputs
}

/**
 * Check a path whose certificates are already in order.
 *
 * @param path - Trust anchor first, end entity last; at least one. A path of one is a trust anchor that is itself the
 * end entity.
 * @param crlSigners - Finds signers of CRLs outside of the path. Default: nobody.
 * @throws {@link TrustError} `ERR_PATH_*`, `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`, `ERR_ALGORITHM_*`, `ERR_KEY_NOT_ALLOWED`
 */
export function checkPath(path: readonly Certificate[], checks: PathChecks, crlSigners: CrlSigners = nobody): void {
  const target = path.at(-1)
  if (target === undefined) throw new TrustError('ERR_PATH_NOT_FOUND', 'the path is empty')
  const constraints = new NameConstraintState()
  const policies = new PolicyState(checks.policies ?? {}, path.length - 1)
  let maxPathLength = Infinity
  path.forEach((certificate, index) => {
    const issuer = path[index - 1]
    const isLast = index === path.length - 1
    checkValidity(certificate, checks.at)
    if (issuer !== undefined) {
      checkIssuedBy(certificate, issuer)
      checkRevocation(path, index, checks, crlSigners)
      // §6.1.3 (b): self-issued CAs of the middle may carry names outside.
      if (isLast || !certificate.isSelfIssued) constraints.check(certificate)
    }
    checkCriticalExtensions(certificate)
    // The key of the end entity, too: it will be used.
    certificate.requireAllowedKey()
    if (issuer === undefined) policies.constrainByAnchor(certificate)
    else policies.process(certificate, isLast)
    if (isLast) return
    // §6.1.4: prepare for the next certificate.
    const basicConstraints = requireAuthority(certificate)
    // §6.1.4 (l): the anchor and self-issued certificates do not count.
    if (index > 0 && !certificate.isSelfIssued) {
      if (maxPathLength <= 0) throw tooLong(certificate)
      maxPathLength -= 1
    }
    maxPathLength = Math.min(maxPathLength, basicConstraints ?? Infinity)
    constraints.add(certificate.nameConstraints)
  })
  checkPurpose(target, path.slice(0, -1), checks.purpose)
}

function checkRevocation(path: readonly Certificate[], index: number, checks: PathChecks, outside: CrlSigners): void {
  const certificate = path[index]
  if (checks.revocation === 'allow-unchecked' || certificate === undefined) return
  checkNotRevoked(certificate, {
    crls: checks.revocation.crls,
    at: checks.at,
    crlSigners: (crl) => signersOf(crl, path, index, outside),
  })
}

/**
 * Whose keys may sign a CRL about the certificate at `index`: the CAs of the path with the CRL's name (several when a CA
 * has changed keys), then others outside of it that lead to the same anchor (§6.3.3 (f)). Those speak under the name of
 * the certificate's own issuer only if that CA, or who certified it, issued them: the same name further off is another CA.
 */
function* signersOf(crl: Crl, path: readonly Certificate[], index: number, outside: CrlSigners): Iterable<Certificate> {
  const [issuer, anchor] = [path[index - 1], path[0]]
  if (issuer === undefined || anchor === undefined) return
  const ofPath = path.slice(0, -1).filter((certificate) => certificate.subject.equals(crl.issuer))
  yield* ofPath.toSorted((a, b) => Number(b === issuer) - Number(a === issuer))
  const isOwn = crl.issuer.equals(issuer.subject)
  for (const signer of outside(crl, anchor)) {
    if (!isOwn || signer.isSelfIssued || signer.issuer.equals(issuer.issuer)) yield signer
  }
}

/** RFC 5280 §4.1.2.5: both ends are inside. */
function checkValidity(certificate: Certificate, at: Date): void {
  // Written so that an invalid date is refused, too.
  const begun = at >= certificate.notBefore
  // notAfter names a second; the whole of that second is inside.
  if (begun && at.getTime() < certificate.notAfter.getTime() + 1000) return
  const details = {
    subject: certificate.subject.toString(),
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    at: instantText(at),
  }
  if (!begun) {
    throw new TrustError(
      'ERR_PATH_NOT_YET_VALID',
      `the certificate of ${details.subject} is valid only from ${details.notBefore}`,
      {
        details,
        hint: 'check the clock of this machine',
      },
    )
  }
  throw new TrustError('ERR_PATH_EXPIRED', `the certificate of ${details.subject} expired at ${details.notAfter}`, {
    details,
    hint: 'renew it: signet renew',
  })
}

/** certificate → issuer → whether the signature verifies. Certificates never change, so this holds for ever. */
const verified = new WeakMap<Certificate, WeakMap<Certificate, boolean>>()

/** §6.1.3 (a)(1), (a)(4): name and signature. */
function checkIssuedBy(certificate: Certificate, issuer: Certificate): void {
  if (!certificate.issuer.equals(issuer.subject)) {
    throw new TrustError(
      'ERR_PATH_NOT_FOUND',
      `${issuer.subject.toString()} is not the issuer of ${certificate.subject.toString()}`,
    )
  }
  let byIssuer = verified.get(certificate)
  if (byIssuer === undefined) verified.set(certificate, (byIssuer = new WeakMap()))
  let result = byIssuer.get(issuer)
  if (result === undefined) {
    const algorithm = signatureAlgorithmOf(certificate.signatureAlgorithm)
    result = verifySignature(algorithm, issuer.publicKey, certificate.tbsDer, certificate.signatureValue)
    byIssuer.set(issuer, result)
  }
  if (!result) {
    throw new TrustError(
      'ERR_PATH_SIGNATURE',
      `the certificate of ${certificate.subject.toString()} is not signed by its issuer`,
      {
        details: { subject: certificate.subject.toString(), issuer: issuer.subject.toString() },
      },
    )
  }
}

function checkCriticalExtensions(certificate: Certificate): void {
  for (const extension of certificate.extensions.values()) {
    if (extension.critical && !PROCESSED.has(extension.oid)) {
      throw new TrustError(
        'ERR_PATH_CRITICAL_EXTENSION',
        `the critical extension ${oidName(extension.oid)} is not understood`,
        {
          details: { subject: certificate.subject.toString(), oid: extension.oid },
        },
      )
    }
  }
}

/** §6.1.4 (k), (n): a CA that may sign certificates. Yields its pathLenConstraint. */
function requireAuthority(certificate: Certificate): number | undefined {
  const subject = certificate.subject.toString()
  const { basicConstraints, keyUsage } = certificate
  if (basicConstraints?.ca !== true) {
    throw new TrustError('ERR_PATH_NOT_CA', `${subject} issued a certificate but is not a CA`, { details: { subject } })
  }
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) {
    throw new TrustError('ERR_PATH_KEY_USAGE', `${subject} issued a certificate, which its keyUsage excludes`, {
      details: { subject },
    })
  }
  return basicConstraints.pathLenConstraint
}

function tooLong(certificate: Certificate): TrustError {
  return new TrustError('ERR_PATH_LENGTH', 'the path is longer than a pathLenConstraint allows', {
    details: { subject: certificate.subject.toString() },
  })
}
