/**
 * Is a certificate revoked? By CRLs that are at hand (RFC 5280 §6.3); nothing is fetched. No answer is a refusal.
 *
 * Full and delta CRLs, those of some reasons or some kinds of certificates, indirect ones, and CRLs signed with another
 * key of their issuer.
 *
 * @module path/revocation (floor 4)
 */
import { equalBytes, OID } from '../asn1/index.js'
import { signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import { isSignetError, TrustError } from '../errors/index.js'
import { ALL_REASONS, type Certificate, type Crl, type RevokedCertificate } from '../x509/index.js'
import { reasonsCovered, sameScope } from './crl-scope.js'

/** CRLs to check against; or, spelt out, that revocation is not checked. */
export type RevocationPolicy = { readonly crls: readonly Crl[] } | 'allow-unchecked'

/** Extensions of CRLs that are understood. Others, if critical, make a CRL unusable (§5.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.crlNumber,
  OID.issuingDistributionPoint,
  OID.deltaCrlIndicator,
])

export interface RevocationContext {
  readonly crls: readonly Crl[]
  readonly at: Date
  /**
   * Certificates whose keys may have signed a CRL: the issuer first, then others that are believed as far as the path
   * itself is.
   */
  readonly crlSigners: (crl: Crl) => Iterable<Certificate>
}

/**
 * Check one certificate.
 *
 * A CRL counts if it is about the certificate (§6.3.3 (b)), is signed by a key that may sign CRLs under its issuer's
 * name, and has nothing critical that is unknown. It speaks for a certificate that it does not list only while it, or
 * a delta CRL that changes it, is current; a revocation stays true when the CRL that says so has become old.
 *
 * @throws {@link TrustError} `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
 */
export function checkNotRevoked(certificate: Certificate, context: RevocationContext): void {
  let reasons = 0
  let why = 'there is no CRL of its issuer'
  const usable: { readonly crl: Crl; readonly mask: number }[] = []
  for (const crl of context.crls) {
    const verdict = examine(crl, certificate, context)
    if (typeof verdict === 'string') why = verdict
    else if (verdict > 0) usable.push({ crl, mask: verdict })
  }
  for (const { crl, mask } of usable.filter(({ crl: { baseCrlNumber } }) => baseCrlNumber === undefined)) {
    const deltas = usable
      .map((other) => other.crl)
      .filter((delta) => changes(delta, crl) && isCurrent(delta, context.at))
    const entry = lastWord(crl, deltas, certificate)
    if (entry !== undefined) throw revoked(certificate, entry)
    if (isCurrent(crl, context.at) || deltas.length > 0) reasons |= mask
    else
      why =
        crl.thisUpdate > context.at
          ? `its CRL begins only at ${crl.thisUpdate.toISOString()}`
          : `its CRL ended at ${crl.nextUpdate.toISOString()}`
  }
  if (reasons !== ALL_REASONS) throw unknown(certificate, reasons === 0 ? why : 'its CRLs are not about every reason')
}

/** The reasons that a CRL covers for a certificate, or why it cannot be used. */
function examine(crl: Crl, certificate: Certificate, { crlSigners }: RevocationContext): number | string {
  let mask: number
  try {
    mask = reasonsCovered(crl, certificate)
  } catch (error) {
    if (isSignetError(error)) return `its CRL is malformed: ${error.message}`
    throw error
  }
  if (mask === 0) return 0
  const unknownCritical = [...crl.extensions.values()].some(
    (extension) => extension.critical && !UNDERSTOOD.has(extension.oid),
  )
  if (unknownCritical || crl.unknownCriticalEntryExtension) return 'its CRL has an unknown critical extension'
  if (crl.hasForeignEntries && crl.issuingDistributionPoint?.indirectCrl !== true) {
    return 'its CRL names other issuers without being indirect'
  }
  let why = 'the issuer of its CRL is not known'
  for (const signer of crlSigners(crl)) {
    const refusal = whyNotSignedBy(crl, signer)
    if (refusal === undefined) return mask
    why = refusal
  }
  return why
}

function whyNotSignedBy(crl: Crl, signer: Certificate): string | undefined {
  if (signer.keyUsage?.has('cRLSign') === false) return 'its issuer may not sign CRLs'
  const wanted = crl.authorityKeyIdentifier?.keyIdentifier
  const found = signer.subjectKeyIdentifier
  if (wanted !== undefined && found !== undefined && !equalBytes(wanted, found))
    return 'its CRL is by another key of its issuer'
  return isSignedBy(crl, signer) ? undefined : 'the signature of its CRL does not verify'
}

/** §6.3.3 (c), §5.2.4: same issuer and scope, made for a base no newer than this, and itself newer. */
function changes(delta: Crl, base: Crl): boolean {
  const { baseCrlNumber, crlNumber } = delta
  if (baseCrlNumber === undefined || crlNumber === undefined || base.crlNumber === undefined) return false
  const number = (text: string): bigint => BigInt(`0x${text}`)
  return (
    delta.issuer.equals(base.issuer) &&
    sameScope(delta, base) &&
    number(baseCrlNumber) <= number(base.crlNumber) &&
    number(crlNumber) >= number(base.crlNumber)
  )
}

/** What the newest of base and deltas says; `undefined` for not revoked. */
function lastWord(base: Crl, deltas: readonly Crl[], certificate: Certificate): RevokedCertificate | undefined {
  const newestFirst = [...deltas].sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime())
  for (const crl of [...newestFirst, base]) {
    const entry = crl.find(certificate.serialNumber, certificate.issuer)
    if (entry !== undefined) return entry.reason === 'removeFromCRL' ? undefined : entry
  }
  return undefined
}

function isCurrent(crl: Crl, at: Date): boolean {
  return crl.thisUpdate <= at && at <= crl.nextUpdate
}

/** CRL → signers whose key was seen to verify it, or not. CRLs and certificates never change. */
const verified = new WeakMap<Crl, WeakMap<Certificate, boolean>>()

function isSignedBy(crl: Crl, signer: Certificate): boolean {
  let bySigner = verified.get(crl)
  if (bySigner === undefined) verified.set(crl, (bySigner = new WeakMap()))
  let result = bySigner.get(signer)
  if (result === undefined) {
    try {
      const algorithm = signatureAlgorithmOf(crl.signatureAlgorithm)
      result = verifySignature(algorithm, signer.publicKey, crl.tbsDer, crl.signatureValue)
    } catch (error) {
      if (!isSignetError(error)) throw error
      result = false
    }
    bySigner.set(signer, result)
  }
  return result
}

function revoked(certificate: Certificate, entry: RevokedCertificate): TrustError {
  const subject = certificate.subject.toString()
  return new TrustError('ERR_REVOKED', `the certificate of ${subject} is revoked`, {
    details: {
      subject,
      serialNumber: certificate.serialNumber,
      revocationDate: entry.revocationDate.toISOString(),
      reason: entry.reason,
    },
  })
}

function unknown(certificate: Certificate, why: string): TrustError {
  const subject = certificate.subject.toString()
  return new TrustError('ERR_REVOCATION_UNKNOWN', `whether ${subject} is revoked is not known: ${why}`, {
    details: { subject, issuer: certificate.issuer.toString() },
    hint: 'get current CRLs: signet crl publish',
  })
}
