/**
 * Renewing: the same identity, a new key, and every check of a first issuance again.
 *
 * @module authority/renew (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import { requireEntity } from '../identity/index.js'
import type { CertificateStatus } from '../store/index.js'
import { issueCertificates, type IssuedCertificate } from './issue.js'
import { type IssueRequest, type IssuingAuthority, spkiDigest } from './plan.js'

/**
 * Issue the next certificate of an entity whose newest one of the same profile is good.
 *
 * @throws {@link DeniedError} `ERR_RENEW_DENIED` if that one is missing, expired or revoked; with what issuing throws
 */
export async function renewCertificates(
  issuing: IssuingAuthority,
  requests: readonly IssueRequest[],
): Promise<readonly IssuedCertificate[]> {
  for (const request of requests) await requireRenewable(issuing, request)
  return issueCertificates(issuing, requests)
}

async function requireRenewable({ authority, at }: IssuingAuthority, request: IssueRequest): Promise<void> {
  await requireEntity(authority.store, request.entity)
  const certificates = await authority.store.certificates(request.entity)
  const [newest] = certificates.filter(({ certificate }) => certificate.profile === request.profile.name)
  const refusal = isSameKey(request, certificates) ? 'the request is for a key that it has already' : whyNot(newest, at)
  if (refusal !== undefined) {
    throw new DeniedError(
      'ERR_RENEW_DENIED',
      `the ${request.profile.name} certificate of ${request.entity} cannot be renewed: ${refusal}`,
      {
        details: { entity: request.entity, profile: request.profile.name },
        hint: `issue a first one instead: signet issue ${request.entity}`,
      },
    )
  }
}

function isSameKey({ key }: IssueRequest, certificates: readonly CertificateStatus[]): boolean {
  if (key.kind === 'generate') return false
  const digest = spkiDigest(key.request.publicKey)
  return certificates.some(({ certificate }) => certificate.spkiDigest === digest)
}

function whyNot(newest: CertificateStatus | undefined, at: Date): string | undefined {
  if (newest === undefined) return 'there is none'
  if (newest.revocation !== undefined) return 'it is revoked'
  return Date.parse(newest.certificate.notAfter) < at.getTime() ? 'it has expired' : undefined
}
