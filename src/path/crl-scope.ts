/**
 * Does a CRL speak about a certificate, and for which reasons? RFC 5280 §6.3.3 (b) to (d).
 *
 * @module path/crl-scope (floor 4)
 */
import {
  ALL_REASONS,
  type Certificate,
  type Crl,
  type DistributionPoint,
  type DistributionPointName,
  encodeGeneralName,
  type GeneralName,
  hex,
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
  const names = namesOf(crl)
  const points = [...(certificate.crlDistributionPoints ?? []), DEFAULT_POINT]
  return points
    .filter((point) => isIssuedFor(crl, certificate, point) && isAtPoint(crl, certificate, point, names))
    .reduce((mask, point) => mask | (point.reasons & (scope?.onlySomeReasons ?? ALL_REASONS)), 0)
}

/** §6.3.3 (b)(1): the issuer that the point names, which then says that it is indirect; else the certificate's own. */
function isIssuedFor(crl: Crl, certificate: Certificate, { crlIssuer }: DistributionPoint): boolean {
  if (crlIssuer === undefined) return crl.issuer.equals(certificate.issuer)
  const named = crlIssuer.some((name) => name.kind === 'directory' && name.name.equals(crl.issuer))
  return named && (crl.issuingDistributionPoint?.indirectCrl === true || crl.issuer.equals(certificate.issuer))
}

/** §6.3.3 (b)(2)(i): where both state a name, one is common to both. */
function isAtPoint(crl: Crl, certificate: Certificate, point: DistributionPoint, ofCrl: ReadonlySet<string>): boolean {
  if (crl.issuingDistributionPoint?.name === undefined) return true
  const ofPoint =
    point.name !== undefined
      ? fullNames(point.name, directoryName(point.crlIssuer) ?? certificate.issuer)
      : (point.crlIssuer ?? [{ kind: 'directory' as const, name: certificate.issuer }])
  return ofPoint.some((name) => ofCrl.has(keyOf(name)))
}

/** The names that a CRL says it is found at, each as a text that only equal names share. */
function namesOf({ issuingDistributionPoint: scope, issuer }: Crl): ReadonlySet<string> {
  return new Set(scope?.name === undefined ? [] : fullNames(scope.name, issuer).map(keyOf))
}

function fullNames(name: DistributionPointName, base: Name): readonly GeneralName[] {
  return name.kind === 'fullName' ? name.names : [{ kind: 'directory', name: base.withRdn(name.rdn) }]
}

function directoryName(names: readonly GeneralName[] | undefined): Name | undefined {
  return names?.find((name) => name.kind === 'directory')?.name
}

function keyOf(name: GeneralName): string {
  if (name.kind === 'directory') return `directory ${name.name.key}`
  if (name.kind === 'other') return `other ${hex(name.der)}`
  return name.kind === 'registeredId' ? `id ${name.oid}` : hex(encodeGeneralName(name))
}
