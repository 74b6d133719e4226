/**
 * The authority as an OCSP responder (RFC 6960): what it says of certificates that its issuing CAs issued.
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
import type { IssuingCa } from './issuing-cas.js'

/** How long an answer is current. */
export const OCSP_VALIDITY_SECONDS = DAY

/** Who signs answers: an issuing CA itself, or a responder to which it issued a certificate for that. */
export interface OcspSigner {
  readonly certificate: Certificate
  readonly key: KeyProvider
}

/**
 * Answer a request: `good` for what was issued and is not revoked, `unknown` for what the CA of the signer never issued:
 * nobody answers for another CA (RFC 6960 §4.2.2.2).
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
  const ca = await caOf(authority, signer, at)
  const answers = await Promise.all(
    request.questions.map(async (id) => ({ id, status: await statusOf(authority, ca, id) })),
  )
  return sign(ca, signer, answers, at, validitySeconds, request.nonce)
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
  const ca = await caOf(authority, signer, at)
  const id = certIdOf(ca.certificate, serialNumber, digest)
  return sign(ca, signer, [{ id, status: await statusOf(authority, ca, id) }], at, validitySeconds)
}

function sign(
  ca: IssuingCa,
  signer: OcspSigner,
  answers: readonly { readonly id: CertId; readonly status: CertStatus }[],
  at: Date,
  validitySeconds: number,
  nonce?: Uint8Array,
): Promise<OcspResponse> {
  const isCa = signer.certificate.equals(ca.certificate)
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

/** The CA for which somebody signs answers: itself, or that of a responder. @throws {@link DeniedError} `ERR_ISSUE_PROFILE` */
async function caOf(authority: Authority, { certificate }: OcspSigner, at: Date): Promise<IssuingCa> {
  const own = authority.issuingCas.find((ca) => ca.certificate.equals(certificate))
  return own ?? (await requireResponder(authority, certificate, at))
}

/**
 * Hold a responder to what clients will ask of it.
 *
 * @returns The CA that issued its certificate.
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE`
 */
async function requireResponder(
  { anchors, authorities, issuingCas, store }: Authority,
  responder: Certificate,
  at: Date,
): Promise<IssuingCa> {
  const refuse = (why: string, cause?: unknown): DeniedError =>
    new DeniedError('ERR_ISSUE_PROFILE', `nobody would believe this responder: ${why}`, {
      details: { certificate: responder.fingerprint },
      hint: 'make one: signet ocsp delegate',
      cause,
    })
  let ca: IssuingCa | undefined
  try {
    const intermediates = authorities
    const request = { anchors, intermediates, at, purpose: 'ocsp-signing', revocation: 'allow-unchecked' } as const
    const { issuer } = validatePath(responder, request)
    ca = issuingCas.find(({ certificate }) => certificate.equals(issuer))
  } catch (error) {
    if (isSignetError(error) && error.category === 'untrusted') throw refuse(error.message, error)
    throw error
  }
  if (ca === undefined) throw refuse('another CA issued its certificate')
  if ((await store.certificateByFingerprint(responder.fingerprint))?.revocation !== undefined) {
    throw refuse('its certificate is revoked')
  }
  return ca
}

/** What the store knows about a certificate, whatever the last CRL says. */
async function statusOf({ store }: Authority, ca: IssuingCa, id: CertId): Promise<CertStatus> {
  if (!isIssuerOf(ca.certificate, id)) return { kind: 'unknown' }
  const { serialNumber } = id
  const found = await store.certificate(serialNumber)
  if (found !== undefined && found.certificate.issuer !== ca.number) return { kind: 'unknown' }
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
