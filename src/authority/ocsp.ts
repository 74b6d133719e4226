/**
 * The authority as an OCSP responder (RFC 6960): what it says of certificates that its issuing CA issued.
 *
 * @module authority/ocsp (floor 7)
 */
import type { KeyProvider } from '../crypto/index.js'
import { DeniedError, isSignetError } from '../errors/index.js'
import { validatePath } from '../path/index.js'
import { addSeconds, DAY } from '../time/index.js'
import {
  type Certificate,
  type CertId,
  type CertIdDigest,
  certIdOf,
  type CertStatus,
  createOcspError,
  createOcspResponse,
  isIssuerOf,
  type OcspRequest,
  type OcspResponse,
} from '../x509/index.js'
import { BACKDATE_SECONDS } from './approve-validity.js'
import type { Authority } from './authority.js'

/** How long an answer is current. */
export const OCSP_VALIDITY_SECONDS = DAY

/** Who signs answers: the issuing CA itself, or a responder to which it issued a certificate for that. */
export interface OcspSigner {
  readonly certificate: Certificate
  readonly key: KeyProvider
}

/**
 * Answer a request: `good` for what was issued and is not revoked, `unknown` for what this authority never issued.
 *
 * @param request - Its nonce is repeated.
 * @returns A signed response; or, for a request with something critical that is not understood, an error response.
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` where the signer is no responder of this authority
 * @see RFC 6960 §2.2, RFC 9654 §2.1
 */
export async function answerOcsp(
  authority: Authority,
  request: OcspRequest,
  signer: OcspSigner,
  at: Date,
  validitySeconds: number = OCSP_VALIDITY_SECONDS,
): Promise<OcspResponse> {
  if (request.unknownCritical) return createOcspError('malformedRequest')
  const answers = await Promise.all(
    request.questions.map(async (id) => ({ id, status: await statusOf(authority, id) })),
  )
  return sign(authority, signer, answers, at, validitySeconds, request.nonce)
}

export interface PresignOptions {
  /** Default {@link OCSP_VALIDITY_SECONDS}. */
  readonly validitySeconds?: number
  /** As clients will name the CA. Default `'sha1'`, as they all do. */
  readonly digest?: CertIdDigest
}

/**
 * Make an answer about one certificate beforehand, for servers that staple it or responders without a key.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE`
 */
export async function presignOcsp(
  authority: Authority,
  serialNumber: string,
  signer: OcspSigner,
  at: Date,
  { validitySeconds = OCSP_VALIDITY_SECONDS, digest = 'sha1' }: PresignOptions = {},
): Promise<OcspResponse> {
  const id = certIdOf(authority.issuing, serialNumber, digest)
  return sign(authority, signer, [{ id, status: await statusOf(authority, id) }], at, validitySeconds)
}

async function sign(
  authority: Authority,
  signer: OcspSigner,
  answers: readonly { readonly id: CertId; readonly status: CertStatus }[],
  at: Date,
  validitySeconds: number,
  nonce?: Uint8Array,
): Promise<OcspResponse> {
  const isCa = signer.certificate.equals(authority.issuing)
  if (!isCa) await requireResponder(authority, signer.certificate, at)
  const end = Math.min(addSeconds(at, validitySeconds).getTime(), signer.certificate.notAfter.getTime())
  return createOcspResponse(
    {
      signer: signer.certificate,
      producedAt: at,
      // Clients whose clocks are a little behind must not find an answer of the future, as with CRLs.
      answers: answers.map((answer) => ({
        ...answer,
        thisUpdate: addSeconds(at, -BACKDATE_SECONDS),
        nextUpdate: new Date(end),
      })),
      ...(nonce === undefined ? {} : { nonce }),
      certificates: isCa ? [] : [signer.certificate],
    },
    signer.key,
  )
}

/**
 * Hold a responder to what clients will ask of it.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE`
 */
async function requireResponder(
  { anchors, issuing, store }: Authority,
  responder: Certificate,
  at: Date,
): Promise<void> {
  const refuse = (why: string, cause?: unknown): DeniedError =>
    new DeniedError('ERR_ISSUE_PROFILE', `nobody would believe this responder: ${why}`, {
      details: { certificate: responder.fingerprint },
      hint: 'make one: signet ocsp delegate',
      cause,
    })
  try {
    const intermediates = [issuing]
    const request = { anchors, intermediates, at, purpose: 'ocsp-signing', revocation: 'allow-unchecked' } as const
    if (!validatePath(responder, request).issuer.equals(issuing)) throw refuse('another CA issued its certificate')
  } catch (error) {
    if (isSignetError(error) && error.category === 'untrusted') throw refuse(error.message, error)
    throw error
  }
  if ((await store.certificateByFingerprint(responder.fingerprint))?.revocation !== undefined) {
    throw refuse('its certificate is revoked')
  }
}

/** What the store knows about a certificate, whatever the last CRL says. */
async function statusOf({ issuing, store }: Authority, id: CertId): Promise<CertStatus> {
  if (!isIssuerOf(issuing, id)) return { kind: 'unknown' }
  const { serialNumber } = id
  const found = await store.certificate(serialNumber)
  // A certificate that was abandoned can be revoked, too.
  const revocation = await store.revocation(serialNumber)
  // Recorded is revoked, also where the clock went back behind it.
  if (revocation !== undefined) {
    return { kind: 'revoked', revocationDate: new Date(revocation.revokedAt), reason: revocation.reason }
  }
  // What was planned and never recorded was never issued.
  if (found === undefined) return { kind: 'unknown' }
  const { entityId } = found.certificate
  const entity = entityId === null ? undefined : await store.entity(entityId)
  if (entity?.state !== 'quarantined') return { kind: 'good' }
  return { kind: 'revoked', revocationDate: new Date(entity.updatedAt), reason: 'certificateHold' }
}
