/**
 * From an approved certificate to one that was signed, read again and validated as a stranger would.
 *
 * Where the key is in memory, many are signed and verified at once on OpenSSL's threads, so that all cores work.
 *
 * @module authority/sign (floor 7)
 */
import { equalBytes } from '../asn1/index.js'
import { InternalError } from '../errors/index.js'
import { type ValidatedIssuer, validateIssuer, verifyAhead } from '../path/index.js'
import { type Certificate, encodeSigned, parseCertificate } from '../x509/index.js'
import type { IssuingAuthority, Planned } from './plan.js'

/**
 * Validate the issuing CA as whoever relies on its certificates will: once for all that are issued at one instant.
 *
 * @throws {@link TrustError} what path validation refuses
 */
export function validateOwn({ authority, crls, at }: IssuingAuthority): ValidatedIssuer {
  return validateIssuer(authority.issuing, { anchors: authority.anchors, at, revocation: { crls } })
}

/**
 * Sign what was planned.
 *
 * @returns In the order given. If one fails, all do.
 * @throws {@link InternalError} `ERR_ISSUE_TBS_MISMATCH`
 * @throws {@link TrustError} what path validation refuses
 * @throws what the key throws
 */
export async function signPlanned(
  { key }: IssuingAuthority,
  issuer: ValidatedIssuer,
  planned: readonly Planned[],
): Promise<readonly Certificate[]> {
  const { signAside } = key
  if (signAside !== undefined && planned.length > 1) {
    return Promise.all(
      planned.map(async (item, index) => {
        const certificate = certificateOf(item, key, await signAside.call(key, item.tbsDer))
        await verifyAhead(certificate, issuer.certificate)
        // Of the first, the key is read again, too. The others were read, or written, by the same few lines.
        if (index > 0) certificate.adoptPublicKey(item.publicKey)
        issuer.validate(certificate, item.approved.profile.purposes)
        return certificate
      }),
    )
  }
  const certificates: Certificate[] = []
  for (const item of planned) {
    const certificate = certificateOf(item, key, await key.sign(item.tbsDer))
    issuer.validate(certificate, item.approved.profile.purposes)
    certificates.push(certificate)
  }
  return certificates
}

function certificateOf(
  { tbsDer }: Planned,
  { signatureAlgorithm }: IssuingAuthority['key'],
  signature: Uint8Array,
): Certificate {
  const certificate = parseCertificate(encodeSigned(tbsDer, signatureAlgorithm, signature))
  if (equalBytes(certificate.tbsDer, tbsDer)) return certificate
  throw new InternalError('ERR_ISSUE_TBS_MISMATCH', 'the signed certificate is not the one that was approved')
}
