/**
 * Does a CRL speak about a certificate, and for which reasons? RFC 5280 §6.3.3 (b) to (d).
 *
 * @module path/crl-scope (floor 4)
 */
import { equalBytes, OID } from '../asn1/index.js'
import {
  ALL_REASONS,
  type Certificate,
  type Crl,
  type DistributionPoint,
  type DistributionPointName,
  encodeGeneralName,
  type GeneralName,
  type Name,
  type ReasonMask,
} from '../x509/index.js'

/** The point that every certificate has: its issuer's own CRL, wherever that is (§6.3.3, last paragraph). */
const DEFAULT_POINT: DistributionPoint = { name: undefined, reasons: ALL_REASONS, crlIssuer: undefined }

/**
 * The reasons for which a CRL can say whether a certificate is revoked.
 *
 * @returns 0 where it is about other certificates.
 */
export function reasonsCovered(crl: Crl, certificate: Certificate): ReasonMask {
  const scope = crl.issuingDistributionPoint
  if (scope?.onlyContainsAttributeCerts === true) return 0
  // §5.2.5: such a CRL is never about certificates that cannot say what they are.
  const isForKinds = scope?.onlyContainsUserCerts === true || scope?.onlyContainsCaCerts === true
  if (isForKinds && certificate.version !== 3) return 0
  const isCa = certificate.basicConstraints?.ca === true
  if (scope?.onlyContainsUserCerts === true && isCa) return 0
  if (scope?.onlyContainsCaCerts === true && !isCa) return 0
  const points = [...(certificate.crlDistributionPoints ?? []), DEFAULT_POINT]
  return points
    .filter((point) => isIssuedFor(crl, certificate, point) && isAtPoint(crl, certificate, point))
    .reduce((mask, point) => mask | (point.reasons & (scope?.onlySomeReasons ?? ALL_REASONS)), 0)
}

/** §6.3.3 (b)(1): the issuer that the point names, which then says that it is indirect; else the certificate's own. */
function isIssuedFor(crl: Crl, certificate: Certificate, { crlIssuer }: DistributionPoint): boolean {
  if (crlIssuer === undefined) return crl.issuer.equals(certificate.issuer)
  const named = crlIssuer.some((name) => name.kind === 'directory' && name.name.equals(crl.issuer))
  return named && (crl.issuingDistributionPoint?.indirectCrl === true || crl.issuer.equals(certificate.issuer))
}

/** §6.3.3 (b)(2)(i): where both state a name, one is common to both. */
function isAtPoint(crl: Crl, certificate: Certificate, point: DistributionPoint): boolean {
  const scope = crl.issuingDistributionPoint
  if (scope?.name === undefined) return true
  const ofCrl = fullNames(scope.name, crl.issuer)
  const ofPoint =
    point.name !== undefined
      ? fullNames(point.name, directoryName(point.crlIssuer) ?? certificate.issuer)
      : (point.crlIssuer ?? [{ kind: 'directory' as const, name: certificate.issuer }])
  return ofCrl.some((name) => ofPoint.some((other) => sameGeneralName(name, other)))
}

function fullNames(name: DistributionPointName, base: Name): readonly GeneralName[] {
  return name.kind === 'fullName' ? name.names : [{ kind: 'directory', name: base.withRdn(name.rdn) }]
}

function directoryName(names: readonly GeneralName[] | undefined): Name | undefined {
  return names?.find((name) => name.kind === 'directory')?.name
}

function sameGeneralName(a: GeneralName, b: GeneralName): boolean {
  if (a.kind === 'directory') return b.kind === 'directory' && a.name.equals(b.name)
  if (a.kind === 'other') return b.kind === 'other' && equalBytes(a.der, b.der)
  if (a.kind === 'registeredId') return b.kind === 'registeredId' && a.oid === b.oid
  if (b.kind === 'directory' || b.kind === 'other' || b.kind === 'registeredId') return false
  return equalBytes(encodeGeneralName(a), encodeGeneralName(b))
}

/** Whether two CRLs of one issuer have the same scope (§6.3.3 (c)(2)): a delta changes only a CRL of its own scope. */
export function sameScope(a: Crl, b: Crl): boolean {
  const [ofA, ofB] = [a, b].map((crl) => crl.extensions.get(OID.issuingDistributionPoint)?.value)
  return ofA === undefined || ofB === undefined ? ofA === ofB : equalBytes(ofA, ofB)
}
