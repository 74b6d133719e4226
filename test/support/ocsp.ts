/**
 * OCSP responses for tests, also such as the library itself would never make; their signatures are right.
 *
 * ```ts
 * const response = makeOcsp({ signer: issuing, answers: [answerDer(issuing, node.certificate.serialNumber)] })
 * response.basic?.answers[0]?.status.kind // 'good'
 * ```
 */
import {
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../../src/asn1/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type Certificate,
  type CertIdDigest,
  certIdOf,
  encodeOcspNoCheck,
  type OcspResponse,
  parseOcspResponse,
  publicKeyHash,
} from '../../src/x509/index.js'
import { type CertificateOptions, type Holder, makeCertificate, NOT_BEFORE, NOW } from './certificates.js'
import { extensionDer } from './hierarchy.js'

/** CertStatus `good` and `unknown`. */
export const GOOD = encodeContextPrimitive(0, new Uint8Array())
export const UNKNOWN = encodeContextPrimitive(2, new Uint8Array())

/** CertStatus `revoked`. */
export function revokedStatus(date: Date = NOT_BEFORE, reason?: number): Uint8Array {
  return encodeContext(
    1,
    encodeGeneralizedTime(date),
    ...(reason === undefined ? [] : [encodeContext(0, encodeEnumerated(reason))]),
  )
}

export interface AnswerParts {
  /** How the CertID names the issuer. Default SHA-1, as everybody does. */
  readonly digest?: CertIdDigest
  /** Instead of the CertID of issuer, serial number and digest. */
  readonly idDer?: Uint8Array
  /** Default {@link GOOD}. */
  readonly status?: Uint8Array
  /** Default {@link NOT_BEFORE}. */
  readonly thisUpdate?: Date
  /** Default a day after {@link NOW}. */
  readonly nextUpdate?: Date | 'absent'
  readonly extensions?: readonly Uint8Array[]
}

/** A SingleResponse in DER. */
export function answerDer(issuer: Certificate, serialNumber: string, parts: AnswerParts = {}): Uint8Array {
  const { nextUpdate = addSeconds(NOW, DAY), extensions = [] } = parts
  return encodeSequence(
    parts.idDer ?? certIdOf(issuer, serialNumber, parts.digest).der,
    parts.status ?? GOOD,
    encodeGeneralizedTime(parts.thisUpdate ?? NOT_BEFORE),
    ...(nextUpdate === 'absent' ? [] : [encodeContext(0, encodeGeneralizedTime(nextUpdate))]),
    ...(extensions.length === 0 ? [] : [encodeContext(1, encodeSequence(...extensions))]),
  )
}

export interface OcspParts {
  /** Whose key signs. */
  readonly signer: Holder
  /** SingleResponses in DER. */
  readonly answers: readonly Uint8Array[]
  /** ResponderID in DER. Default: by the key of the signer. */
  readonly responder?: Uint8Array
  /** Default {@link NOW}. */
  readonly producedAt?: Date
  readonly nonce?: Uint8Array
  /** Extensions of the response, after the nonce. */
  readonly extensions?: readonly Uint8Array[]
  /** Default: the signer's, as one that is no CA does. */
  readonly certificates?: readonly Certificate[]
}

/** ResponderID by name, and by key. */
export function byName(certificate: Certificate): Uint8Array {
  return encodeContext(1, certificate.subject.der)
}

export function byKey(certificate: Certificate): Uint8Array {
  return encodeContext(2, encodeOctetString(publicKeyHash(certificate)))
}

/** A response that is successful, signed. */
export function makeOcsp(parts: OcspParts): OcspResponse {
  const { signer, nonce, certificates = [signer.certificate] } = parts
  const extensions = [
    ...(nonce === undefined ? [] : [extensionDer(OID.ocspNonce, false, encodeOctetString(nonce))]),
    ...(parts.extensions ?? []),
  ]
  const tbsDer = encodeSequence(
    parts.responder ?? byKey(signer.certificate),
    encodeGeneralizedTime(parts.producedAt ?? NOW),
    encodeSequence(...parts.answers),
    ...(extensions.length === 0 ? [] : [encodeContext(1, encodeSequence(...extensions))]),
  )
  const basic = encodeSequence(
    tbsDer,
    signer.key.signatureAlgorithm.identifierDer,
    encodeBitString(signer.key.sign(tbsDer)),
    ...(certificates.length === 0 ? [] : [encodeContext(0, encodeSequence(...certificates.map(({ der }) => der)))]),
  )
  return parseOcspResponse(wrapBasic(basic))
}

/** OCSPResponse around a BasicOCSPResponse. */
export function wrapBasic(basicDer: Uint8Array): Uint8Array {
  return encodeSequence(
    encodeEnumerated(0),
    encodeContext(0, encodeSequence(encodeObjectIdentifier(OID.ocspBasic), encodeOctetString(basicDer))),
  )
}

/** A responder that a CA authorised: with `id-pkix-ocsp-nocheck` unless told otherwise. */
export function makeResponder(
  issuer: Holder,
  changes: CertificateOptions & { readonly noCheck?: boolean } = {},
): Holder {
  const { noCheck = true, ...options } = changes
  return makeCertificate({
    subject: 'responder',
    issuer,
    purposes: [OID.kpOcspSigning],
    moreExtensionsDer: noCheck ? [encodeOcspNoCheck()] : [],
    ...options,
  })
}
