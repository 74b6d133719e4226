/**
 * Is a certificate revoked? By CRLs that are at hand; nothing is fetched. No answer is a refusal.
 *
 * @module path/revocation (floor 4)
 */
import { equalBytes, OID } from '../asn1/index.js'
import { signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import { isSignetError, TrustError } from '../errors/index.js'
import type { Certificate, Crl } from '../x509/index.js'

/** CRLs to check against; or, spelt out, that revocation is not checked. */
export type RevocationPolicy = { readonly crls: readonly Crl[] } | 'allow-unchecked'

/** Extensions of CRLs that are understood. Others, if critical, make a CRL unusable (RFC 5280 §5.2). */
const UNDERSTOOD: ReadonlySet<string> = new Set([OID.authorityKeyIdentifier, OID.crlNumber])

/**
 * Check one certificate against the CRLs of its issuer.
 *
 * A CRL counts if its issuer's name and key are those of the certificate's issuer, which may sign CRLs, and if nothing
 * critical in it is unknown. It speaks for a certificate that it does not list only while it is current.
 *
 * @throws {@link TrustError} `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
 * @see RFC 5280 §6.3
 */
export function checkNotRevoked(certificate: Certificate, issuer: Certificate, crls: readonly Crl[], at: Date): void {
  let current = false
  let reason = 'there is no CRL of its issuer'
  for (const crl of crls) {
    if (!crl.issuer.equals(certificate.issuer)) continue
    const unusable = whyUnusable(crl, issuer)
    if (unusable !== undefined) {
      reason = unusable
      continue
    }
    const entry = crl.find(certificate.serialNumber)
    // A revocation stays true when the CRL that says so has become old.
    if (entry !== undefined && entry.reason !== 'removeFromCRL') {
      throw new TrustError('ERR_REVOKED', `the certificate of ${certificate.subject.toString()} is revoked`, {
        details: {
          subject: certificate.subject.toString(),
          serialNumber: certificate.serialNumber,
          revocationDate: entry.revocationDate.toISOString(),
          reason: entry.reason,
        },
      })
    }
    if (crl.thisUpdate > at) reason = `its CRL begins only at ${crl.thisUpdate.toISOString()}`
    else if (crl.nextUpdate < at) reason = `its CRL ended at ${crl.nextUpdate.toISOString()}`
    else current = true
  }
  if (!current) {
    throw new TrustError(
      'ERR_REVOCATION_UNKNOWN',
      `whether ${certificate.subject.toString()} is revoked is not known: ${reason}`,
      {
        details: { subject: certificate.subject.toString(), issuer: certificate.issuer.toString() },
        hint: 'get current CRLs: signet crl publish',
      },
    )
  }
}

function whyUnusable(crl: Crl, issuer: Certificate): string | undefined {
  if (issuer.keyUsage?.has('cRLSign') === false) return 'its issuer may not sign CRLs'
  const unknown = [...crl.extensions.values()].find((extension) => extension.critical && !UNDERSTOOD.has(extension.oid))
  if (unknown !== undefined || crl.unknownCriticalEntryExtension) return 'its CRL has an unknown critical extension'
  const keyIdentifier = crl.authorityKeyIdentifier?.keyIdentifier
  const { subjectKeyIdentifier } = issuer
  if (
    keyIdentifier !== undefined &&
    subjectKeyIdentifier !== undefined &&
    !equalBytes(keyIdentifier, subjectKeyIdentifier)
  ) {
    return 'its CRL is by another key of its issuer'
  }
  return isSignedBy(crl, issuer) ? undefined : 'the signature of its CRL does not verify'
}

/** CRL → issuers whose key was seen to verify it, or not. CRLs and certificates never change. */
const verified = new WeakMap<Crl, WeakMap<Certificate, boolean>>()

function isSignedBy(crl: Crl, issuer: Certificate): boolean {
  let byIssuer = verified.get(crl)
  if (byIssuer === undefined) verified.set(crl, (byIssuer = new WeakMap()))
  let result = byIssuer.get(issuer)
  if (result === undefined) {
    try {
      result = verifySignature(
        signatureAlgorithmOf(crl.signatureAlgorithm),
        issuer.publicKey,
        crl.tbsDer,
        crl.signatureValue,
      )
    } catch (error) {
      if (!isSignetError(error)) throw error
      result = false
    }
    byIssuer.set(issuer, result)
  }
  return result
}
