/**
 * Making SignedData (RFC 5652 §5): signed attributes always, the certificate bound by ESS, DER.
 *
 * @module cms/sign (floor 5)
 */
import {
  BackwardWriter,
  contextConstructed,
  contextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeUnsigned,
  equalBytes,
  OID,
  TAG,
} from '../asn1/index.js'
import { type DigestName, digestIdentifierDer, samePublicKey } from '../crypto/index.js'
import { InternalError, StoreError, UsageError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { inOrder } from './attributes.js'
import { type ContentDigest, digestFor } from './content-digest.js'
import { type CmsSigner, digestNameFor, encodeSignedAttributes, type SignerClaims } from './signed-attributes.js'
import { type SignedInfo, withinSurroundings } from './surroundings.js'

export interface SignDataRequest extends SignerClaims {
  /** At least one. */
  readonly signers: readonly CmsSigner[]
  /** eContentType. Default id-data. */
  readonly contentType?: string
  /** Default `'detached'`: the content travels beside the signature, untouched. */
  readonly form?: 'detached' | 'attached'
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
  return signDataAtOnce(content, request)
}

/** As {@link signData}; and without a promise where one signer has a key that answers at once. */
export function signDataAtOnce(
  content: Uint8Array | ContentDigest,
  request: SignDataRequest,
): Uint8Array | Promise<Uint8Array> {
  const covered = digestFor(content)
  const signedAttrs = encodeSignedAttributes(covered, firstSigner(request), contentTypeOf(request), request)
  return signAttributesAtOnce(signedAttrs, covered, content, request)
}

/**
 * As {@link signDataAtOnce}, for whoever has the signed attributes of the first signer already.
 *
 * @param signedAttrs - As {@link encodeSignedAttributes} would encode them; kept until it is signed.
 * @param covered - The digest of the content.
 */
export function signAttributesAtOnce(
  signedAttrs: Uint8Array,
  covered: ContentDigest,
  content: Uint8Array | ContentDigest,
  request: SignDataRequest,
): Uint8Array | Promise<Uint8Array> {
  const { signers, form = 'detached' } = request
  const signer = firstSigner(request)
  requireOwnKey(signer)
  const eContent = form === 'attached' ? octetsOf(content) : undefined
  const signature = signer.key.sign(signedAttrs)
  if (signers.length > 1 || !(signature instanceof Uint8Array)) {
    return signWithAll({ signer, signedAttrs, signature }, covered, eContent, request)
  }
  const signed = { signer, signedAttrs, signature }
  const encode = (): Uint8Array => encodeSignedData([signed], eContent, request)
  return eContent === undefined && request.certificates === undefined
    ? withinSurroundings(signed, contentTypeOf(request), encode)
    : encode()
}

function firstSigner({ signers: [signer] }: SignDataRequest): CmsSigner {
  if (signer === undefined) throw new InternalError('ERR_INTERNAL', 'nobody to sign')
  return signer
}

function contentTypeOf({ contentType = OID.data }: SignDataRequest): string {
  return contentType
}

/** @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH` */
function requireOwnKey({ key, certificate }: CmsSigner): void {
  if (samePublicKey(key.publicKey, certificate.publicKey)) return
  throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the signing key is not the key of the certificate', {
    details: { certificate: certificate.fingerprint },
  })
}

/** One signer after the other: keys that ask a person something do not ask at the same time. */
async function signWithAll(
  first: Omit<SignedInfo, 'signature'> & { readonly signature: Uint8Array | Promise<Uint8Array> },
  covered: ContentDigest,
  eContent: Uint8Array | undefined,
  request: SignDataRequest,
): Promise<Uint8Array> {
  const signed: SignedInfo[] = [{ ...first, signature: await first.signature }]
  for (const signer of request.signers.slice(1)) {
    requireOwnKey(signer)
    const signedAttrs = encodeSignedAttributes(covered, signer, contentTypeOf(request), request)
    signed.push({ signer, signedAttrs, signature: await signer.key.sign(signedAttrs) })
  }
  return encodeSignedData(signed, eContent, request)
}

function encodeSignedData(
  signed: readonly SignedInfo[],
  eContent: Uint8Array | undefined,
  request: SignDataRequest,
): Uint8Array {
  const { signers, certificates = NO_CERTIFICATES } = request
  const contentType = contentTypeOf(request)
  const certificatesDer = certificates.length === 0 ? undefined : certificateSet(certificates)
  const writer = new BackwardWriter(capacityFor(signed, eContent, certificatesDer))
  const end = writer.position
  if (signed.length === 1) writeSignerInfo(writer, signed[0] as SignedInfo)
  else for (const item of inOrder(signed.map(signerInfo)).toReversed()) writer.octets(item)
  writer.header(TAG.set, end)
  if (certificatesDer !== undefined) writer.octets(certificatesDer)
  writeContentInfo(writer, contentType, eContent)
  writer.octets(digestSet(signers))
  // RFC 5652 §5.1.
  const isVersion3 = contentType !== OID.data || signers.some(isByKeyIdentifier)
  writer.octets(isVersion3 ? VERSION_3 : VERSION_1)
  writer.header(TAG.sequence, end)
  writer.header(contextConstructed(0), end)
  writer.octets(SIGNED_DATA)
  writer.header(TAG.sequence, end)
  return writer.take()
}

const SIGNED_DATA = encodeObjectIdentifier(OID.signedData)
const [VERSION_1, VERSION_3] = [encodeInteger(1), encodeInteger(3)]
const NO_CERTIFICATES: readonly Certificate[] = Object.freeze([])

/** Room for the headers and fixed values of a document, and of each signer, beside what varies in length. */
const FRAME_OCTETS = 256

function capacityFor(
  signed: readonly SignedInfo[],
  eContent: Uint8Array | undefined,
  certificatesDer: Uint8Array | undefined,
): number {
  let octets = FRAME_OCTETS + (eContent?.length ?? 0) + (certificatesDer?.length ?? 0)
  for (const item of signed) octets += FRAME_OCTETS + variableOctets(item)
  return octets
}

/** EncapsulatedContentInfo. */
function writeContentInfo(writer: BackwardWriter, contentType: string, eContent: Uint8Array | undefined): void {
  const end = writer.position
  if (eContent !== undefined) {
    writer.octets(eContent)
    writer.header(TAG.octetString, end)
    writer.header(contextConstructed(0), end)
  }
  writer.octets(encodeObjectIdentifier(contentType))
  writer.header(TAG.sequence, end)
}

/** digestAlgorithms: each once. */
function digestSet(signers: readonly CmsSigner[]): Uint8Array {
  const [signer] = signers
  if (signer === undefined || signers.length > 1)
    return encodeSetOf(...[...new Set(signers.map(digestNameFor))].map(digestIdentifierDer))
  return DIGEST_SETS[digestNameFor(signer)]
}

const DIGEST_SETS: Readonly<Record<DigestName, Uint8Array>> = {
  sha256: encodeSetOf(digestIdentifierDer('sha256')),
  sha384: encodeSetOf(digestIdentifierDer('sha384')),
  sha512: encodeSetOf(digestIdentifierDer('sha512')),
}

function octetsOf(content: Uint8Array | ContentDigest): Uint8Array {
  if (content instanceof Uint8Array) return content
  throw new UsageError('ERR_CONFIG_INVALID', 'content that is only known by its digest cannot be put in', {
    hint: 'sign it detached',
  })
}

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
  requireOwnKey(signer)
  const signedAttrs = encodeSignedAttributes(content, signer, contentType, claims)
  return signerInfo({ signer, signedAttrs, signature: await signer.key.sign(signedAttrs) })
}

function signerInfo(signed: SignedInfo): Uint8Array {
  const writer = new BackwardWriter(FRAME_OCTETS + variableOctets(signed))
  writeSignerInfo(writer, signed)
  return writer.take()
}

/** Octets of what {@link FRAME_OCTETS} is not for. */
function variableOctets({ signer, signedAttrs, signature }: SignedInfo): number {
  const name = isByKeyIdentifier(signer) ? 0 : signer.certificate.issuer.der.length
  return name + signedAttrs.length + signature.length
}

function writeSignerInfo(writer: BackwardWriter, { signer, signedAttrs, signature }: SignedInfo): void {
  const { key, certificate } = signer
  const end = writer.position
  writer.octets(signature)
  writer.header(TAG.octetString, end)
  writer.octets(key.signatureAlgorithm.identifierDer)
  writer.octets(signedAttrs)
  writer.retag(contextConstructed(0))
  writer.octets(digestIdentifierDer(digestNameFor(signer)))
  const isVersion3 = isByKeyIdentifier(signer)
  if (isVersion3) {
    const nameEnd = writer.position
    writer.octets(subjectKeyIdentifier(certificate))
    writer.header(contextPrimitive(0), nameEnd)
  } else {
    writer.octets(issuerAndSerialNumber(certificate))
  }
  writer.octets(isVersion3 ? VERSION_3 : VERSION_1)
  writer.header(TAG.sequence, end)
}

function isByKeyIdentifier({ identifier }: CmsSigner): boolean {
  return identifier !== 'issuerAndSerialNumber'
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
