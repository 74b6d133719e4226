/**
 * What the publisher of a deployment signs, a trust directory or a delta of one: the same envelope, checked in one
 * place.
 *
 * @module trust/publisher (floor 6)
 */
import { CMS_LIMITS, OID, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import {
  allowedDigests,
  type CmsSigner,
  digestInSteps,
  embeddedCertificates,
  identifies,
  parseSignedData,
  signData,
  verifySigner,
} from '../cms/index.js'
import { TrustError, UsageError } from '../errors/index.js'
import { DEFAULT_STRICTNESS, type RevocationPolicy, validatePath, verifyAhead } from '../path/index.js'
import type { Steps } from '../time/index.js'
import { type Certificate, parseFingerprint } from '../x509/index.js'
import type { TrustHeader } from './document.js'

const NAMES = { [OID.signetTrustDirectory]: 'a trust directory', [OID.signetTrustDelta]: 'a trust delta' } as const

export type PublishedType = keyof typeof NAMES

const LIMITS = { ...CMS_LIMITS, maxBytes: TRUST_DIRECTORY_LIMITS.maxBytes }

/** What was signed, by whom. The signature verified; whether the signer may publish is not yet known. */
export interface Published {
  readonly content: Uint8Array
  /** SHA-256 of the content, in hexadecimal, where the signature is over that; else `undefined`. */
  readonly signedDigest: string | undefined
  readonly publisher: Certificate
  /** The certificate in the document that has the pinned fingerprint. */
  readonly anchor: Certificate
  readonly certificates: readonly Certificate[]
}

/** Sign for receivers. The publisher's path travels along; the root in it is believed only by its fingerprint. */
export async function signPublished(
  content: Uint8Array,
  contentType: PublishedType,
  { issuedAt, authorities, anchors }: TrustHeader,
  publisher: CmsSigner,
): Promise<Uint8Array> {
  return signData(content, {
    signers: [publisher],
    contentType,
    form: 'attached',
    signingTime: issuedAt,
    certificates: [publisher.certificate, ...authorities, ...anchors],
  })
}

/**
 * What some octets claim to be. Nothing is verified.
 *
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`
 * @throws {@link TrustError} `ERR_CMS_CONTENT_TYPE` where they are neither
 */
export function publishedType(bytes: Uint8Array): PublishedType {
  const { eContentType } = parseSignedData(bytes, LIMITS)
  if (!(eContentType in NAMES)) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the document is neither a trust directory nor a delta of one', {
      details: { found: eContentType },
    })
  }
  return eContentType as PublishedType
}

/**
 * Check the pin for its form.
 *
 * @throws {@link UsageError} `ERR_TRUST_NO_PIN`
 * @throws {@link EncodingError} `ERR_SERIAL_MALFORMED`
 */
export function requirePin(pin: string): string {
  if (pin === '') {
    throw new UsageError('ERR_TRUST_NO_PIN', 'no fingerprint was given to check the trust directory against', {
      hint: 'give the SHA-256 fingerprint of the root certificate, as signet init printed it: --pin',
    })
  }
  return parseFingerprint(pin)
}

/**
 * Read a document and verify its one signature, in steps. The publisher's path is for {@link checkPublisher}, once the CRLs that
 * speak about it are known.
 *
 * @param pin - SHA-256 of the root certificate, from {@link requirePin}.
 * @throws {@link TrustError} `ERR_TRUST_PIN_MISMATCH`, CMS codes
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`
 */
export function* readPublished(bytes: Uint8Array, contentType: PublishedType, pin: string): Steps<Published> {
  const what = NAMES[contentType]
  const signedData = parseSignedData(bytes, LIMITS)
  const [signer, second] = signedData.signerInfos
  if (signer === undefined || second !== undefined) {
    throw new TrustError(signer === undefined ? 'ERR_CMS_NO_SIGNERS' : 'ERR_CMS_SIGNER_COUNT', `${what} has one signer`)
  }
  if (signedData.eContentType !== contentType || signedData.eContent === undefined) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', `the document is not ${what}`, {
      details: { found: signedData.eContentType },
    })
  }
  if (signer.unsignedAttrs.size > 0)
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', `${what} has no unsigned attributes`)
  const certificates = embeddedCertificates(signedData)
  yield
  const anchor = certificates.find((certificate) => certificate.fingerprint === pin)
  if (anchor === undefined) {
    throw new TrustError('ERR_TRUST_PIN_MISMATCH', `${what} is not of the deployment with the pinned root`, {
      details: { pin },
      hint: 'check the fingerprint, and where the document came from',
    })
  }
  const publisher = certificates.find((certificate) => identifies(signer.sid, certificate))
  if (publisher === undefined)
    throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', "the publisher's certificate is not in the document")
  const content = yield* digestInSteps(signedData.eContent, allowedDigests([signer.digestAlgorithm]))
  const { digest, messageDigest } = verifySigner(signedData, signer, content, publisher)
  return {
    content: signedData.eContent,
    signedDigest: digest === 'sha256' ? Buffer.from(messageDigest).toString('hex') : undefined,
    publisher,
    anchor,
    certificates,
  }
}

/**
 * Validate the path of whoever signed, from the pinned root down, in steps.
 *
 * @param known - Certificates that the caller goes on with: what is found out about one of the same octets, the caller need
 * not find out again.
 * @throws {@link TrustError} what path validation refuses
 */
export function* checkPublisher(
  { publisher, anchor, certificates }: Published,
  at: Date,
  revocation: RevocationPolicy,
  known: readonly Certificate[] = [],
): Steps<void> {
  const same = (one: Certificate): Certificate => known.find((other) => other.equals(one)) ?? one
  const intermediates = certificates.map(same)
  const crls = revocation === 'allow-unchecked' ? [] : revocation.crls
  const issued = new Set([publisher, ...intermediates, ...crls])
  yield* verifyAhead([...issued], intermediates, DEFAULT_STRICTNESS.algorithms)
  validatePath(publisher, {
    anchors: [same(anchor)],
    intermediates,
    at,
    purpose: 'trust-directory',
    revocation,
  })
}
