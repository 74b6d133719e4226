/**
 * One signer of a SignedData, or one who countersigns: does the signature verify over this content with this
 * certificate's key? Whose certificate it is, and whether to believe it, is decided elsewhere.
 *
 * @module cms/signer (floor 5)
 */
import { contextConstructed, type DerReader, equalBytes, OID, oidName } from '../asn1/index.js'
import {
  type AlgorithmIdentifier,
  type DigestName,
  digestOf,
  readAlgorithmIdentifier,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  signatureAlgorithmOf,
  type SignatureCheck,
  verifySignature,
} from '../crypto/index.js'
import { TrustError } from '../errors/index.js'
import { type Certificate, hex } from '../x509/index.js'
import { type Attributes, attributeValue } from './attributes.js'
import { type ContentDigest, digestBytes, digestFor } from './content-digest.js'
import type { SignedData, SignerIdentifier, SignerInfo } from './signed-data.js'
import { checkSigningCertificate } from './signing-certificate.js'

/** What is true of a signer once its signature verified. */
export interface SignerFacts {
  readonly digest: DigestName
  /** Of the content, as it was signed. */
  readonly messageDigest: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  /** The signer's claim; nobody else vouches for it. */
  readonly signingTime: Date | undefined
  /** Whether ESS signingCertificateV2 binds the certificate (RFC 5035). */
  readonly certificateBound: boolean
}

/**
 * Verify one signer with the key of one certificate.
 *
 * Requires signed attributes (without them the same signature fits two different contents), compares contentType and
 * messageDigest with the content, digest with signature algorithm, and signingCertificateV2 and
 * cmsAlgorithmProtection where they are present.
 *
 * Does not check that the certificate may be believed, nor that it is the one that `sid` names.
 *
 * @throws {@link TrustError} `ERR_CMS_SIGNED_ATTRIBUTES`, `ERR_CMS_CONTENT_TYPE`, `ERR_CMS_DIGEST_MISMATCH`,
 * `ERR_CMS_UNSIGNED_ATTRIBUTE`, `ERR_CMS_ESS_MISMATCH`, `ERR_CMS_SIGNATURE`, `ERR_ALGORITHM_*`
 * @throws {@link EncodingError} `ERR_CMS_ATTRIBUTE_MALFORMED`
 * @see RFC 5652 §5.4, §5.6, §11
 */
export function verifySigner(
  signedData: SignedData,
  signer: SignerInfo,
  content: Uint8Array | ContentDigest,
  certificate: Certificate,
): SignerFacts {
  return verifyNow(examineSigner(signedData, signer, content, certificate), certificate)
}

/** A signer of whom everything holds but the signature, which is to be computed still. */
export interface ExaminedSigner {
  /** Not true before the signature verified. */
  readonly facts: SignerFacts
  readonly check: SignatureCheck
}

/**
 * As {@link verifySigner}, but for the arithmetic: for whoever has that done elsewhere.
 *
 * Proves nothing: whoever does not compute {@link ExaminedSigner.check} believes anybody.
 *
 * @throws as that does, but `ERR_CMS_SIGNATURE`
 */
export function examineSigner(
  signedData: SignedData,
  signer: SignerInfo,
  content: Uint8Array | ContentDigest,
  certificate: Certificate,
): ExaminedSigner {
  return examine(signer, certificate, {
    content: digestFor(content),
    contentType: signedData.eContentType,
    digestAlgorithms: signedData.digestAlgorithms,
  })
}

function verifyNow({ facts, check }: ExaminedSigner, certificate: Certificate): SignerFacts {
  if (!verifyCheck(check)) throw signatureRefused(certificate)
  return facts
}

/** Do the arithmetic of a signer that was examined. */
export function verifyCheck({ algorithm, key, data, signature }: SignatureCheck): boolean {
  return verifySignature(algorithm, key, data, signature)
}

/** What to say where a signature does not verify. */
export function signatureRefused(certificate: Certificate): TrustError {
  return new TrustError('ERR_CMS_SIGNATURE', 'the signature does not verify', {
    details: { certificate: certificate.fingerprint, subject: certificate.subject.toString() },
  })
}

/**
 * Verify a countersignature with the key of one certificate: that it is of this very signature.
 *
 * As {@link verifySigner}, with the octets of the signature for content, and without a content type: with one, what
 * somebody signed as a document could pass for a countersignature, and the reverse.
 *
 * @see RFC 5652 §11.4
 */
export function verifyCountersignature(
  countersigned: SignerInfo,
  countersignature: SignerInfo,
  certificate: Certificate,
): SignerFacts {
  const examined = examine(countersignature, certificate, {
    content: digestBytes(countersigned.signature),
    contentType: undefined,
    digestAlgorithms: [countersignature.digestAlgorithm],
  })
  return verifyNow(examined, certificate)
}

/** What a signature must be over. */
interface Covered {
  readonly content: ContentDigest
  /** `undefined` where there must be none. */
  readonly contentType: string | undefined
  /** Those that may be used. */
  readonly digestAlgorithms: readonly AlgorithmIdentifier[]
}

function examine(signer: SignerInfo, certificate: Certificate, covered: Covered): ExaminedSigner {
  const { signedAttrs, signedAttrsDer } = signer
  if (signedAttrsDer === undefined) throw missingAttribute('the document has no signed attributes')
  const stray = signer.unsignedAttrs.size === 0 ? undefined : ONLY_SIGNED.find((type) => signer.unsignedAttrs.has(type))
  if (stray !== undefined) {
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', `the attribute ${oidName(stray)} is not among the signed ones`)
  }
  const digest = digestOf(signer.digestAlgorithm)
  if (!covered.digestAlgorithms.some((listed) => equalBytes(listed.der, signer.digestAlgorithm.der))) {
    throw mismatch('the digest of a signer is not among those of the document')
  }
  const signatureAlgorithm = signatureAlgorithmFor(signer.signatureAlgorithm, digest)

  checkContentType(signedAttrs, covered.contentType)
  const messageDigest = attributeValue(signedAttrs, OID.messageDigest, readOctetString)
  if (messageDigest === undefined) throw missingAttribute('messageDigest is missing')
  if (!covered.content.has(digest, messageDigest)) {
    throw new TrustError('ERR_CMS_DIGEST_MISMATCH', 'the content is not the content that was signed')
  }
  const signingTime = attributeValue(signedAttrs, OID.signingTime, readTime)
  checkAlgorithmProtection(signer)
  const certificateBound = checkSigningCertificate(signedAttrs, certificate)
  return {
    facts: { digest, messageDigest, signatureAlgorithm, signingTime, certificateBound },
    check: {
      algorithm: signatureAlgorithm,
      key: certificate.publicKey,
      data: signedAttrsDer,
      signature: signer.signature,
    },
  }
}

const readOctetString = (value: DerReader): Uint8Array => value.octetString()
const readTime = (value: DerReader): Date => value.time()

const readOid = (value: DerReader): string => value.oid()

function checkContentType(signedAttrs: Attributes, wanted: string | undefined): void {
  const signed = attributeValue(signedAttrs, OID.contentType, readOid)
  if (signed === wanted) return
  if (signed === undefined) throw missingAttribute('contentType is missing')
  throw wanted === undefined
    ? new TrustError('ERR_CMS_CONTENT_TYPE', 'a countersignature has no content type', { details: { signed } })
    : new TrustError('ERR_CMS_CONTENT_TYPE', 'the signed content type is not that of the document', {
        details: { signed, found: wanted },
      })
}

/** What may not be said outside of the signature (RFC 5652 §11.1–11.3, RFC 5035 §3, RFC 6211 §2). */
const ONLY_SIGNED: readonly string[] = [
  OID.contentType,
  OID.messageDigest,
  OID.signingTime,
  OID.signingCertificateV2,
  OID.cmsAlgorithmProtection,
]

/** Whether a signer identifier names this certificate. */
export function identifies(sid: SignerIdentifier, certificate: Certificate): boolean {
  if (sid.kind === 'issuerAndSerialNumber') {
    return sid.serialNumber === certificate.serialNumber && sid.issuer.equals(certificate.issuer)
  }
  const { subjectKeyIdentifier } = certificate
  return subjectKeyIdentifier !== undefined && equalBytes(subjectKeyIdentifier, sid.keyIdentifier)
}

/** A signer identifier for people. */
export function formatSignerIdentifier(sid: SignerIdentifier): string {
  return sid.kind === 'subjectKeyIdentifier'
    ? `key identifier ${hex(sid.keyIdentifier)}`
    : `serial number ${sid.serialNumber} of ${sid.issuer.toString()}`
}

/** Digests that are at least as strong as the scheme, where it signs without one of its own (RFC 8419 §3.1, RFC 9882 §3.3). */
const DIGESTS_OF_PURE_SCHEMES: Readonly<Record<string, readonly DigestName[]>> = {
  ed25519: ['sha512'],
  'ml-dsa-44': ['sha256', 'sha384', 'sha512'],
  'ml-dsa-65': ['sha384', 'sha512'],
  'ml-dsa-87': ['sha512'],
}

function signatureAlgorithmFor(found: AlgorithmIdentifier, digest: DigestName): SignatureAlgorithm {
  // RFC 3370 §3.2: rsaEncryption leaves the digest to digestAlgorithm.
  const algorithm =
    found.oid === OID.rsaEncryption ? SIGNATURE_ALGORITHMS[`rsa-${digest}`] : signatureAlgorithmOf(found)
  const allowed = algorithm.digest === null ? DIGESTS_OF_PURE_SCHEMES[algorithm.name] : [algorithm.digest]
  if (allowed?.includes(digest) !== true) throw mismatch(`${algorithm.name} does not go with ${digest}`)
  return algorithm
}

/** RFC 6211: where the attribute is present, it repeats the two algorithms exactly. */
function checkAlgorithmProtection(signer: SignerInfo): void {
  const protectedAlgorithms = attributeValue(signer.signedAttrs, OID.cmsAlgorithmProtection, (value) => {
    const fields = value.sequence()
    const digestAlgorithm = readAlgorithmIdentifier(fields).der
    // [1] IMPLICIT SignatureAlgorithm: the same octets under another tag.
    const signatureAlgorithm = fields.element(contextConstructed(1))
    fields.finish()
    return { digestAlgorithm, signatureAlgorithm }
  })
  if (protectedAlgorithms === undefined) return
  const sameSignature = equalBytes(
    protectedAlgorithms.signatureAlgorithm.subarray(1),
    signer.signatureAlgorithm.der.subarray(1),
  )
  if (!sameSignature || !equalBytes(protectedAlgorithms.digestAlgorithm, signer.digestAlgorithm.der)) {
    throw mismatch('cmsAlgorithmProtection names other algorithms')
  }
}

function missingAttribute(message: string): TrustError {
  return new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', message, {
    hint: 'sign again with signed attributes (OpenSSL: without -noattr; GnuTLS: --p7-time; NSS: -G)',
  })
}

function mismatch(message: string): TrustError {
  return new TrustError('ERR_ALGORITHM_MISMATCH', message)
}
