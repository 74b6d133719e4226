/**
 * What OCSP responses say about a certificate (RFC 6960 §3.2, §4.2.2; RFC 9654), and who may say it.
 *
 * @module path/ocsp (floor 4)
 */
import { equalBytes, OID } from '../asn1/index.js'
import type { AlgorithmPolicy } from '../crypto/index.js'
import { isSignetError, TrustError } from '../errors/index.js'
import {
  type BasicOcspResponse,
  type Certificate,
  type Crl,
  isIssuerOf,
  isResponder,
  type OcspAnswer,
  type OcspResponse,
} from '../x509/index.js'
import { Budget } from './budget.js'
import { askCrls } from './crls.js'
import { checkPurpose } from './purpose.js'
import { type Answer, type RevocationContext, type RevocationSources, whyNotCurrent } from './revocation-sources.js'
import { isSignedBy } from './signature.js'

/** Ask every response that speaks about the certificate. */
export function askOcsp(
  certificate: Certificate,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): Answer {
  let answer: Answer = { kind: 'unknown', why: 'there is no OCSP response about it' }
  for (const response of sources.ocspResponses ?? []) {
    const found = answerOf(response, certificate, issuer, sources, context)
    if (found?.kind === 'revoked') return found
    if (found !== undefined && answer.kind !== 'good') answer = found
  }
  return answer
}

/** What one response says; nothing where it is about other certificates. */
function answerOf(
  { basic, status }: OcspResponse,
  certificate: Certificate,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): Answer | undefined {
  if (basic === undefined) return { kind: 'unknown', why: `the OCSP responder said ${status}` }
  const answers = basic.answers.filter(
    ({ id }) => id.serialNumber === certificate.serialNumber && isIssuerOf(issuer, id),
  )
  if (answers.length === 0) return undefined
  try {
    findResponder(basic, issuer, sources, context)
  } catch (error) {
    if (isSignetError(error) && error.category !== 'limit') return { kind: 'unknown', why: error.message }
    throw error
  }
  const why = whyUnusable(basic, certificate, sources)
  if (why !== undefined) return { kind: 'unknown', why }
  return decide(answers, sources, context)
}

/** Of several answers about one certificate: revoked if one says so, good only if all do. */
function decide(answers: readonly OcspAnswer[], sources: RevocationSources, context: RevocationContext): Answer {
  const verdicts = answers.map((answer) => verdictOf(answer, sources, context))
  return (
    verdicts.find(({ kind }) => kind === 'revoked') ??
    verdicts.find(({ kind }) => kind === 'unknown') ?? { kind: 'good' }
  )
}

function verdictOf(answer: OcspAnswer, sources: RevocationSources, { at }: RevocationContext): Answer {
  const { status, thisUpdate, hasUnknownCritical: isNotUnderstood } = answer
  if (isNotUnderstood) return { kind: 'unknown', why: 'its OCSP answer has an unknown critical extension' }
  // A revocation stays true when the response that says so has become old, as with CRLs; one of the future does not.
  if (status.kind === 'revoked' && thisUpdate <= at) return status
  if (status.kind === 'unknown') return { kind: 'unknown', why: 'the OCSP responder does not know it' }
  const stale = whyNotCurrent(answer, at, sources)
  return stale === undefined ? status : { kind: 'unknown', why: `its OCSP answer ${stale}` }
}

function whyUnusable(
  basic: BasicOcspResponse,
  certificate: Certificate,
  { ocspNonce }: RevocationSources,
): string | undefined {
  if (basic.hasUnknownCritical) return 'its OCSP response has an unknown critical extension'
  // A responder need not remember certificates that have ended (§4.4.4), and knows none that have not begun.
  if (basic.producedAt < certificate.notBefore || basic.producedAt > certificate.notAfter) {
    return 'its OCSP response was made before or after its life'
  }
  if (ocspNonce !== undefined && (basic.nonce === undefined || !equalBytes(basic.nonce, ocspNonce))) {
    return 'its OCSP response does not repeat the nonce of the request'
  }
  return undefined
}

export interface OcspVerification {
  /** The CA of the certificates that were asked about; believed, so validate it first. */
  readonly issuer: Certificate
  readonly at: Date
  /** CRLs that say whether the responder is revoked, where its certificate does not make that unnecessary. */
  readonly crls?: readonly Crl[]
  /** That of the request. Default: none was sent. */
  readonly nonce?: Uint8Array
  /** Default `'listed'`. */
  readonly algorithms?: AlgorithmPolicy
}

/**
 * Verify a response as such: that it answers, with the nonce asked for, signed by who may answer for the CA. What it says
 * of a certificate, and whether that is current, is {@link validatePath}'s to judge.
 *
 * @returns The certificate of the responder, or of the CA.
 * @throws {@link TrustError} `ERR_OCSP_NO_ANSWER`, `ERR_OCSP_NONCE`, `ERR_OCSP_RESPONDER`
 * @see RFC 6960 §3.2, RFC 9654
 */
export function verifyOcspResponse(response: OcspResponse, verification: OcspVerification): Certificate {
  const { basic, status } = response
  const { issuer, at, crls = [], nonce, algorithms = 'listed' } = verification
  if (basic === undefined) {
    throw new TrustError('ERR_OCSP_NO_ANSWER', `the OCSP responder answered ${status}`, { details: { status } })
  }
  if (nonce !== undefined && (basic.nonce === undefined || !equalBytes(basic.nonce, nonce))) {
    throw new TrustError('ERR_OCSP_NONCE', 'the OCSP response does not repeat the nonce of the request')
  }
  const context: RevocationContext = {
    at,
    algorithms,
    budget: new Budget(),
    crlSigners: (crl) => (crl.issuer.equals(issuer.subject) ? [issuer] : []),
  }
  return findResponder(basic, issuer, { crls }, context)
}

/**
 * Who signed a response: the CA itself, or a responder to which that CA, and no other, issued a certificate for it.
 *
 * @param issuer - The CA of the certificates that the response is about, itself believed.
 * @returns Its certificate.
 * @throws {@link TrustError} `ERR_OCSP_RESPONDER`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 * @see RFC 6960 §4.2.2.2
 */
function findResponder(
  basic: BasicOcspResponse,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): Certificate {
  let why = 'it names a responder whose certificate is not there'
  for (const candidate of [issuer, ...basic.certificates]) {
    if (!isNamed(candidate, basic)) continue
    const refusal = whyNotResponder(candidate, basic, issuer, sources, context)
    if (refusal === undefined) return candidate
    why = refusal
  }
  throw new TrustError('ERR_OCSP_RESPONDER', `an OCSP response cannot be believed: ${why}`, {
    details: { issuer: issuer.subject.toString() },
  })
}

/** Whether it is the one that a response names; one that cannot be read is nobody. */
function isNamed(candidate: Certificate, { responder }: BasicOcspResponse): boolean {
  try {
    return isResponder(candidate, responder)
  } catch (error) {
    if (isSignetError(error)) return false
    throw error
  }
}

function whyNotResponder(
  candidate: Certificate,
  basic: BasicOcspResponse,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): string | undefined {
  const { algorithms, budget } = context
  try {
    // What cannot be read answers for nobody, and stops nothing: anybody can send a response.
    candidate.readAllExtensions()
  } catch (error) {
    if (isSignetError(error)) return error.message
    throw error
  }
  try {
    if (!candidate.equals(issuer)) {
      const refusal = whyNotDelegate(candidate, issuer, sources, context)
      if (refusal !== undefined) return refusal
    }
    return isSignedBy(basic, candidate, algorithms, budget) ? undefined : 'its signature does not verify'
  } catch (error) {
    if (isSignetError(error) && error.category !== 'limit') return error.message
    throw error
  }
}

const RESPONDER_RULES = { extKeyUsage: 'required', anyExtendedKeyUsage: 'refused' } as const
const PROCESSED: ReadonlySet<string> = new Set([
  OID.basicConstraints,
  OID.keyUsage,
  OID.extKeyUsage,
  OID.subjectAltName,
  OID.certificatePolicies,
  OID.ocspNoCheck,
])

function whyNotDelegate(
  delegate: Certificate,
  issuer: Certificate,
  sources: RevocationSources,
  context: RevocationContext,
): string | undefined {
  const { at, algorithms, budget } = context
  if (!delegate.issuer.equals(issuer.subject) || !isSignedBy(delegate, issuer, algorithms, budget)) {
    return 'its responder was not authorised by the CA that issued the certificate'
  }
  if (!(delegate.notBefore <= at && at <= delegate.notAfter)) return "its responder's certificate is not valid now"
  const unknown = [...delegate.extensions.values()].find(({ critical, oid }) => critical && !PROCESSED.has(oid))
  if (unknown !== undefined) return "its responder's certificate has an unknown critical extension"
  checkPurpose(delegate, [], 'ocsp-signing', RESPONDER_RULES)
  return whyRevoked(delegate, sources, context)
}

/** §4.2.2.2.1: the CA may say that its responder need not be asked about; otherwise CRLs say that it is not revoked. */
function whyRevoked(delegate: Certificate, sources: RevocationSources, context: RevocationContext): string | undefined {
  if (delegate.extensions.has(OID.ocspNoCheck)) return undefined
  const answer = askCrls(delegate, sources, context)
  if (answer.kind === 'good') return undefined
  if (answer.kind === 'revoked') return 'its responder is revoked'
  return sources.unknownStatus === 'allow' ? undefined : `whether its responder is revoked is not known: ${answer.why}`
}
