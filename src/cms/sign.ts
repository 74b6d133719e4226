/**
 * Making SignedData (RFC 5652 §5): signed attributes always, the certificate bound by ESS, DER.
 *
 * @module cms/sign (floor 5)
 */
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeTime,
  encodeUnsigned,
  equalBytes,
  OID,
  TAG,
} from '../asn1/index.js'
import { type DigestName, digestIdentifierDer, type KeyProvider, samePublicKey } from '../crypto/index.js'
import { InternalError, StoreError, UsageError } from '../errors/index.js'
import { wholeSeconds } from '../time/index.js'
import type { Certificate } from '../x509/index.js'
import { encodeAttribute } from './attributes.js'
import { type ContentDigest, digestBytes } from './content-digest.js'

/** Who signs. */
export interface CmsSigner {
  readonly key: KeyProvider
  readonly certificate: Certificate
  /** How the certificate is named. Default `subjectKeyIdentifier`: 20 octets, and no name on the wire. */
  readonly identifier?: 'subjectKeyIdentifier' | 'issuerAndSerialNumber'
}

export interface SignDataRequest {
  /** At least one. */
  readonly signers: readonly CmsSigner[]
  /** The claim of when this is signed. */
  readonly signingTime: Date
  /** eContentType. Default id-data. */
  readonly contentType?: string
  /** Default `'detached'`: the content travels beside the signature, untouched. */
  readonly form?: 'detached' | 'attached'
  /** More signed attributes, type and value. */
  readonly attributes?: readonly (readonly [type: string, valueDer: Uint8Array])[]
  /** Certificates to put in. Default none: they are large, and nobody believes them for being there. */
  readonly certificates?: readonly Certificate[]
}

/**
 * Sign content. Signed attributes: contentType, messageDigest, signingTime, signingCertificateV2 and those given.
 *
 * Does not check that a certificate is valid or fit for signing.
 *
 * @param content - Signed exactly as it is: no line endings are changed. Its digest suffices for a detached document.
 * @returns ContentInfo in DER.
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`; and what the key provider throws
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for content that is only known by its digest and shall be inside
 * @see RFC 5652 §5, RFC 5035 §3
 */
export async function signData(content: Uint8Array | ContentDigest, request: SignDataRequest): Promise<Uint8Array> {
  const { signers, contentType = OID.data, form = 'detached', certificates = [] } = request
  if (signers.length === 0) throw new InternalError('ERR_INTERNAL', 'nobody to sign')
  const eContent = form === 'attached' ? [encodeContext(0, encodeOctetString(octetsOf(content)))] : []
  const covered = content instanceof Uint8Array ? digestBytes(content) : content
  const signerInfos: Uint8Array[] = []
  for (const signer of signers) signerInfos.push(await encodeSignerInfo(covered, signer, contentType, request))
  const digests = new Set(signers.map(digestNameFor))
  // RFC 5652 §5.1.
  const version =
    contentType !== OID.data || signers.some((signer) => signer.identifier !== 'issuerAndSerialNumber') ? 3 : 1
  const signedData = encodeSequence(
    encodeInteger(version),
    encodeSetOf(...[...digests].map(digestIdentifierDer)),
    encodeSequence(encodeObjectIdentifier(contentType), ...eContent),
    ...(certificates.length === 0 ? [] : [certificateSet(certificates)]),
    encodeSetOf(...signerInfos),
  )
  return encodeSequence(encodeObjectIdentifier(OID.signedData), encodeContext(0, signedData))
}

function octetsOf(content: Uint8Array | ContentDigest): Uint8Array {
  if (content instanceof Uint8Array) return content
  throw new UsageError('ERR_CONFIG_INVALID', 'content that is only known by its digest cannot be put in', {
    hint: 'sign it detached',
  })
}

/** What a signer says besides what is said of the content. */
export type SignerClaims = Pick<SignDataRequest, 'signingTime' | 'attributes'>

/**
 * Make one SignerInfo.
 *
 * @param contentType - `undefined` for a countersignature, which has none (RFC 5652 §11.4).
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`; and what the key provider throws
 */
export async function encodeSignerInfo(
  content: ContentDigest,
  signer: CmsSigner,
  contentType: string | undefined,
  claims: SignerClaims,
): Promise<Uint8Array> {
  const { key, certificate } = signer
  if (!samePublicKey(key.publicKey, certificate.publicKey)) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the signing key is not the key of the certificate', {
      details: { certificate: certificate.fingerprint },
    })
  }
  const digest = digestNameFor(signer)
  const digestAlgorithm = digestIdentifierDer(digest)
  const signedAttrs = encodeSetOf(
    ...(contentType === undefined ? [] : [encodeAttribute(OID.contentType, encodeObjectIdentifier(contentType))]),
    encodeAttribute(OID.messageDigest, encodeOctetString(content.of(digest))),
    encodeAttribute(OID.signingTime, encodeTime(wholeSeconds(claims.signingTime))),
    encodeAttribute(OID.signingCertificateV2, signingCertificate(certificate)),
    ...(claims.attributes ?? []).map(([type, value]) => encodeAttribute(type, value)),
  )
  const bySki = signer.identifier !== 'issuerAndSerialNumber'
  const tagged = Uint8Array.from(signedAttrs)
  tagged[0] = 0xa0
  return encodeSequence(
    encodeInteger(bySki ? 3 : 1),
    bySki ? encodeContextPrimitive(0, subjectKeyIdentifier(certificate)) : issuerAndSerialNumber(certificate),
    digestAlgorithm,
    tagged,
    key.signatureAlgorithm.identifierDer,
    encodeOctetString(await key.sign(signedAttrs)),
  )
}

/** The digest of the content: that of the signature, or the one that the scheme prescribes (RFC 8419, RFC 9882). */
export function digestNameFor({ key }: Pick<CmsSigner, 'key'>): DigestName {
  return key.signatureAlgorithm.digest ?? key.publicKey.algorithm.cmsDigest
}

/** ESSCertIDv2 with the default digest and without issuerSerial: the hash says it all. */
function signingCertificate(certificate: Certificate): Uint8Array {
  const certHash = encodeOctetString(Buffer.from(certificate.fingerprint, 'hex'))
  return encodeSequence(encodeSequence(encodeSequence(certHash)))
}

function subjectKeyIdentifier(certificate: Certificate): Uint8Array {
  if (certificate.subjectKeyIdentifier === undefined) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the certificate has no subject key identifier to sign by', {
      hint: 'name the signer by issuer and serial number instead',
    })
  }
  return certificate.subjectKeyIdentifier
}

export function issuerAndSerialNumber(certificate: Certificate): Uint8Array {
  return encodeSequence(certificate.issuer.der, encodeUnsigned(certificate.serialNumberOctets))
}

/** [0] IMPLICIT SET OF Certificate, each once. */
function certificateSet(certificates: readonly Certificate[]): Uint8Array {
  const distinct = certificates.filter(
    (certificate, index) => certificates.findIndex((other) => equalBytes(other.der, certificate.der)) === index,
  )
  const set = encodeSetOf(...distinct.map((certificate) => certificate.der))
  if (set[0] !== TAG.set) throw new InternalError('ERR_INTERNAL', 'a SET has its tag')
  set[0] = 0xa0
  return set
}
