/**
 * OCSP responses (RFC 6960 §4.2): read and made. Believing one takes its issuer (`path/ocsp`).
 *
 * @module x509/ocsp-response (floor 3)
 */
import {
  contextConstructed,
  contextPrimitive,
  type DerLimits,
  DerReader,
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  equalBytes,
  OID,
} from '../asn1/index.js'
import type { AlgorithmIdentifier, KeyProvider } from '../crypto/index.js'
import { LimitError } from '../errors/index.js'
import { type CertId, publicKeyHash, readCertId } from './cert-id.js'
import { type Certificate, readCertificate } from './certificate.js'
import { REVOCATION_REASONS, type RevocationReason, revocationReasonOf } from './crl-entry.js'
import { named } from './malformed.js'
import { Name } from './name.js'
import { encodeNonce, hasUnknownCritical, nonceOf, readExplicitExtensions, readVersion } from './ocsp-request.js'
import { readSigned } from './signed.js'

/** OCSPResponseStatus; 4 is not used. */
const OCSP_STATUSES = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const
export type OcspStatus = keyof typeof OCSP_STATUSES

const STATUSES_BY_NUMBER: ReadonlyMap<number, OcspStatus> = new Map(
  Object.entries(OCSP_STATUSES).map(([name, number]) => [number, name as OcspStatus]),
)

/** Responses are small; a chain of ML-DSA certificates makes them larger. */
const OCSP_LIMITS: DerLimits = { maxBytes: 256 * 1024, maxDepth: 24, maxNodes: 20_000 }
const MAX_ANSWERS = 1000
const MAX_CERTIFICATES = 16

export type CertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revocationDate: Date; readonly reason: RevocationReason }
  | { readonly kind: 'unknown' }

/** SingleResponse: what is said of one certificate. */
export interface OcspAnswer {
  readonly id: CertId
  readonly status: CertStatus
  readonly thisUpdate: Date
  /** Without it newer information is there at any time (§4.2.2.1). */
  readonly nextUpdate: Date | undefined
  readonly hasUnknownCritical: boolean
}

/** Who answers, by name or by the SHA-1 of its public key. */
export type ResponderId =
  { readonly kind: 'name'; readonly name: Name } | { readonly kind: 'key'; readonly keyHash: Uint8Array }

/** BasicOCSPResponse. */
export interface BasicOcspResponse {
  readonly tbsDer: Uint8Array
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
  readonly responder: ResponderId
  readonly producedAt: Date
  readonly answers: readonly OcspAnswer[]
  readonly nonce: Uint8Array | undefined
  readonly hasUnknownCritical: boolean
  /** Sent along; they prove nothing. */
  readonly certificates: readonly Certificate[]
}

export interface OcspResponse {
  readonly der: Uint8Array
  readonly status: OcspStatus
  /** There if, and only if, the status is `successful`. */
  readonly basic: BasicOcspResponse | undefined
}

/**
 * Parse a response in DER. Checks its form; no signature, no freshness, no authority.
 *
 * @throws {@link EncodingError} `ERR_OCSP_MALFORMED`, `ERR_EXTENSION_DUPLICATE`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  return named('ERR_OCSP_MALFORMED', 'an OCSP response', () => {
    const reader = DerReader.over(der, OCSP_LIMITS)
    const outer = reader.sequence()
    reader.finish()
    const status = STATUSES_BY_NUMBER.get(outer.enumerated(255))
    if (status === undefined) throw outer.error('ERR_OCSP_MALFORMED', 'there is no such response status')
    const basic = outer.peek() === contextConstructed(0) ? readResponseBytes(outer) : undefined
    outer.finish()
    // §4.2.1: an error has no answer, and success has one.
    if ((status === 'successful') !== (basic !== undefined)) {
      throw outer.error('ERR_OCSP_MALFORMED', `the status ${status} does not go with what follows it`)
    }
    return { der, status, basic }
  })
}

function readResponseBytes(outer: DerReader): BasicOcspResponse {
  const explicit = outer.constructed(contextConstructed(0))
  const fields = explicit.sequence()
  explicit.finish()
  if (fields.oid() !== OID.ocspBasic) throw fields.error('ERR_OCSP_MALFORMED', 'the response is not a basic one')
  const inner = DerReader.over(fields.octetString(), OCSP_LIMITS)
  fields.finish()
  const basic = readBasic(inner)
  inner.finish()
  return basic
}

function readBasic(reader: DerReader): BasicOcspResponse {
  const { tbsDer, tbs, signatureAlgorithm, signatureValue, rest } = readSigned(reader, 'more follows')
  const certificates = readCertificates(rest)
  rest.finish()

  if (tbs.peek() === contextConstructed(0)) readVersion(tbs)
  const responder = readResponder(tbs)
  const producedAt = tbs.generalizedTime()
  const answers = readAnswers(tbs.sequence())
  const extensions = readExplicitExtensions(tbs, 1)
  tbs.finish()
  return {
    tbsDer,
    signatureAlgorithm,
    signatureValue,
    responder,
    producedAt,
    answers,
    nonce: nonceOf(extensions),
    hasUnknownCritical: hasUnknownCritical(extensions, KNOWN),
    certificates,
  }
}

const KNOWN: ReadonlySet<string> = new Set([OID.ocspNonce])
const NOT_KNOWN: ReadonlySet<string> = new Set()

function readCertificates(fields: DerReader): readonly Certificate[] {
  if (fields.peek() !== contextConstructed(0)) return []
  const explicit = fields.constructed(contextConstructed(0))
  const list = explicit.sequence()
  explicit.finish()
  const certificates: Certificate[] = []
  while (!list.atEnd) {
    if (certificates.length === MAX_CERTIFICATES)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a response brings more than ${MAX_CERTIFICATES} certificates`)
    certificates.push(readCertificate(list))
  }
  return certificates
}

function readResponder(tbs: DerReader): ResponderId {
  if (tbs.peek() === contextConstructed(1)) {
    const explicit = tbs.constructed(contextConstructed(1))
    const name = Name.read(explicit)
    explicit.finish()
    return { kind: 'name', name }
  }
  const explicit = tbs.constructed(contextConstructed(2))
  const keyHash = explicit.octetString()
  explicit.finish()
  return { kind: 'key', keyHash }
}

function readAnswers(list: DerReader): readonly OcspAnswer[] {
  const answers: OcspAnswer[] = []
  while (!list.atEnd) {
    if (answers.length === MAX_ANSWERS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a response answers for more than ${MAX_ANSWERS} certificates`)
    const fields = list.sequence()
    const id = readCertId(fields)
    const status = readStatus(fields)
    const thisUpdate = fields.generalizedTime()
    const nextUpdate = fields.peek() === contextConstructed(0) ? readExplicitTime(fields) : undefined
    const extensions = readExplicitExtensions(fields, 1)
    fields.finish()
    answers.push({ id, status, thisUpdate, nextUpdate, hasUnknownCritical: hasUnknownCritical(extensions, NOT_KNOWN) })
  }
  return answers
}

function readStatus(fields: DerReader): CertStatus {
  const tag = fields.peek()
  if (tag === contextConstructed(1)) {
    const info = fields.constructed(tag)
    const revocationDate = info.generalizedTime()
    let reason: RevocationReason = 'unspecified'
    if (info.peek() === contextConstructed(0)) {
      const explicit = info.constructed(contextConstructed(0))
      reason = revocationReasonOf(explicit.enumerated(255))
      explicit.finish()
    }
    info.finish()
    return { kind: 'revoked', revocationDate, reason }
  }
  const kind = tag === contextPrimitive(0) ? 'good' : tag === contextPrimitive(2) ? 'unknown' : undefined
  if (kind === undefined) throw fields.unexpected('a certificate status')
  if (fields.content(tag).length !== 0) throw fields.error('ERR_OCSP_MALFORMED', 'a status has content')
  return { kind }
}

function readExplicitTime(fields: DerReader): Date {
  const explicit = fields.constructed(contextConstructed(0))
  const time = explicit.generalizedTime()
  explicit.finish()
  return time
}

/** Whether a responder ID is that of a certificate. */
export function isResponder(certificate: Certificate, responder: ResponderId): boolean {
  return responder.kind === 'name'
    ? certificate.subject.equals(responder.name)
    : equalBytes(publicKeyHash(certificate), responder.keyHash)
}

export interface OcspTemplate {
  /** Whose key signs: the responder's certificate, or that of the CA itself. */
  readonly signer: Certificate
  readonly producedAt: Date
  readonly answers: readonly Omit<OcspAnswer, 'hasUnknownCritical'>[]
  /** That of the request, which is repeated (RFC 9654 §2.1). */
  readonly nonce?: Uint8Array
  /** Sent along, so that the client can check the signature. */
  readonly certificates: readonly Certificate[]
}

/** Make and sign a successful response. */
export async function createOcspResponse(template: OcspTemplate, key: KeyProvider): Promise<OcspResponse> {
  const { signer, producedAt, answers, nonce, certificates } = template
  const tbsDer = encodeSequence(
    encodeContext(2, encodeOctetString(publicKeyHash(signer))),
    encodeGeneralizedTime(producedAt),
    encodeSequence(...answers.map(encodeAnswer)),
    ...(nonce === undefined ? [] : [encodeContext(1, encodeSequence(encodeNonce(nonce)))]),
  )
  const basic = encodeSequence(
    tbsDer,
    key.signatureAlgorithm.identifierDer,
    encodeBitString(await key.sign(tbsDer)),
    ...(certificates.length === 0 ? [] : [encodeContext(0, encodeSequence(...certificates.map(({ der }) => der)))]),
  )
  return parseOcspResponse(
    encodeSequence(
      encodeEnumerated(OCSP_STATUSES.successful),
      encodeContext(0, encodeSequence(encodeObjectIdentifier(OID.ocspBasic), encodeOctetString(basic))),
    ),
  )
}

/** A response that gives no answer, and says why (§2.3). It is not signed. */
export function createOcspError(status: Exclude<OcspStatus, 'successful'>): OcspResponse {
  return parseOcspResponse(encodeSequence(encodeEnumerated(OCSP_STATUSES[status])))
}

function encodeAnswer({ id, status, thisUpdate, nextUpdate }: Omit<OcspAnswer, 'hasUnknownCritical'>): Uint8Array {
  return encodeSequence(
    id.der,
    encodeStatus(status),
    encodeGeneralizedTime(thisUpdate),
    ...(nextUpdate === undefined ? [] : [encodeContext(0, encodeGeneralizedTime(nextUpdate))]),
  )
}

function encodeStatus(status: CertStatus): Uint8Array {
  if (status.kind === 'good') return encodeContextPrimitive(0, new Uint8Array())
  if (status.kind === 'unknown') return encodeContextPrimitive(2, new Uint8Array())
  const { revocationDate, reason } = status
  return encodeContext(
    1,
    encodeGeneralizedTime(revocationDate),
    // RFC 5280 §5.3.1: an unspecified reason is left out.
    ...(reason === 'unspecified' ? [] : [encodeContext(0, encodeEnumerated(REVOCATION_REASONS[reason]))]),
  )
}
