/**
 * AuthEnvelopedData from its parts, so that one part can be another and the rest still opens. Independent of
 * `src/cms/encrypt.ts` and of the encoders that it uses.
 *
 * ```ts
 * const der = buildEnvelope({ content, recipients: [keyAgreement(reader)] })
 * ```
 */
import {
  constants,
  createCipheriv,
  createECDH,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  type KeyObject,
  publicEncrypt,
} from 'node:crypto'
import {
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeUnsigned,
  encodeValue,
  OID,
} from '../../src/asn1/index.js'
import type { Certificate } from '../../src/x509/index.js'

/** The content key unless another is given. */
export const CONTENT_KEY = new Uint8Array(32).fill(0x4b)
export const NONCE = new Uint8Array(12).fill(0x4e)

const algorithm = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...parameters)

export const AES256_WRAP = algorithm(OID.aes256Wrap)

/** RSAES-OAEP-params; a part that is `undefined` is left out. */
export function oaepParameters(parts: {
  readonly hash?: Uint8Array | undefined
  readonly mask?: Uint8Array | undefined
  readonly label?: Uint8Array
}): Uint8Array {
  return encodeSequence(
    ...[parts.hash, parts.mask, parts.label].flatMap((part, index) =>
      part === undefined ? [] : [encodeContext(index, part)],
    ),
  )
}

export const SHA256 = algorithm(OID.sha256, encodeNull())
export const MGF1 = algorithm(OID.mgf1, SHA256)
export const OAEP = algorithm(OID.rsaesOaep, oaepParameters({ hash: SHA256, mask: MGF1 }))

export interface KeyTransportParts {
  readonly contentKey?: Uint8Array
  readonly version?: number
  readonly algorithmDer?: Uint8Array
  readonly encryptedKey?: (genuine: Uint8Array) => Uint8Array
}

/** KeyTransRecipientInfo, by key identifier. */
export function keyTransport(certificate: Certificate, parts: KeyTransportParts = {}): Uint8Array {
  const key = createPublicKey({ key: Buffer.from(certificate.spkiDer), format: 'der', type: 'spki' })
  const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  const genuine =
    key.asymmetricKeyType === 'rsa' ? publicEncrypt(options, parts.contentKey ?? CONTENT_KEY) : Buffer.alloc(256, 1)
  return encodeSequence(
    encodeInteger(parts.version ?? 2),
    encodeContextPrimitive(0, certificate.subjectKeyIdentifier ?? new Uint8Array()),
    parts.algorithmDer ?? OAEP,
    encodeOctetString(parts.encryptedKey?.(genuine) ?? genuine),
  )
}

export interface KeyAgreementParts {
  readonly contentKey?: Uint8Array
  readonly version?: number
  /** Default: that of P-256, SHA-256. */
  readonly scheme?: string
  readonly digest?: 'sha256' | 'sha384'
  readonly curve?: 'prime256v1' | 'secp384r1'
  readonly wrapDer?: Uint8Array | 'absent'
  readonly sharedWrapDer?: Uint8Array
  readonly ukm?: Uint8Array
  /** Default: a new one. */
  readonly ephemeralKey?: KeyObject
  readonly originatorDer?: Uint8Array
  /** Parameters of the key of the sender. Default absent. */
  readonly originatorParametersDer?: Uint8Array
  readonly point?: (genuine: Uint8Array) => Uint8Array
  readonly ridDer?: Uint8Array
  readonly wrapped?: (genuine: Uint8Array) => Uint8Array
  /** Default: one, for the certificate. */
  readonly count?: number
}

/** KeyAgreeRecipientInfo, by key identifier. */
export function keyAgreement(certificate: Certificate, parts: KeyAgreementParts = {}): Uint8Array {
  const { digest = 'sha256', scheme = OID.stdDhSha256Kdf, curve = 'prime256v1' } = parts
  const recipient = createPublicKey({ key: Buffer.from(certificate.spkiDer), format: 'der', type: 'spki' })
  const privateKey = parts.ephemeralKey ?? generateKeyPairSync('ec', { namedCurve: curve }).privateKey
  const ecdh = createECDH(curve)
  const { d } = privateKey.export({ format: 'jwk' })
  ecdh.setPrivateKey(Buffer.from(d ?? '', 'base64url'))
  const secret = diffieHellman({ privateKey, publicKey: recipient })
  const info = encodeSequence(
    parts.sharedWrapDer ?? AES256_WRAP,
    ...(parts.ukm === undefined ? [] : [encodeContext(0, encodeOctetString(parts.ukm))]),
    encodeContext(2, encodeOctetString(Uint8Array.of(0, 0, 1, 0))),
  )
  const key = hash(digest, Buffer.concat([secret, Buffer.of(0, 0, 0, 1), info]), 'buffer').subarray(0, 32)
  const cipher = createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6))
  const wrapped = Buffer.concat([cipher.update(parts.contentKey ?? CONTENT_KEY), cipher.final()])
  const point = parts.point?.(ecdh.getPublicKey()) ?? ecdh.getPublicKey()
  const parameters = parts.originatorParametersDer === undefined ? [] : [parts.originatorParametersDer]
  const originator =
    parts.originatorDer ?? encodeContext(1, algorithm(OID.ecPublicKey, ...parameters), encodeBitString(point))
  const rid = parts.ridDer ?? encodeContext(0, encodeOctetString(certificate.subjectKeyIdentifier ?? new Uint8Array()))
  const one = encodeSequence(rid, encodeOctetString(parts.wrapped?.(wrapped) ?? wrapped))
  return encodeContext(
    1,
    encodeInteger(parts.version ?? 3),
    encodeContext(0, originator),
    ...(parts.ukm === undefined ? [] : [encodeContext(1, encodeOctetString(parts.ukm))]),
    algorithm(scheme, ...(parts.wrapDer === 'absent' ? [] : [parts.wrapDer ?? AES256_WRAP])),
    encodeSequence(...Array.from({ length: parts.count ?? 1 }, () => one)),
  )
}

/** IssuerAndSerialNumber of a certificate. */
export function issuerAndSerial(certificate: Certificate): Uint8Array {
  return encodeSequence(certificate.issuer.der, encodeUnsigned(certificate.serialNumberOctets))
}

export interface EnvelopeParts {
  readonly content: Uint8Array
  /** In this order unless `sorted`. */
  readonly recipients: readonly Uint8Array[]
  readonly type?: string
  readonly version?: number
  readonly contentKey?: Uint8Array
  readonly contentType?: string
  readonly cipher?: string
  readonly nonce?: Uint8Array
  /** GCMParameters, instead of the nonce and a tag of 16 octets. */
  readonly parametersDer?: Uint8Array | 'absent'
  /** `[0] IMPLICIT OCTET STRING`, instead of the encrypted content; `'absent'` leaves it out. */
  readonly encryptedDer?: Uint8Array | 'absent'
  /** What the tag is computed over, beside the content; written as authAttrs. */
  readonly authAttributes?: readonly Uint8Array[]
  readonly tag?: (genuine: Uint8Array) => Uint8Array
  readonly originatorInfoDer?: Uint8Array
  readonly unauthAttributes?: readonly Uint8Array[]
}

/** GCMParameters. */
export function gcmParameters(nonce: Uint8Array, tagOctets?: number): Uint8Array {
  return encodeSequence(encodeOctetString(nonce), ...(tagOctets === undefined ? [] : [encodeInteger(tagOctets)]))
}

export function buildEnvelope(parts: EnvelopeParts): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', parts.contentKey ?? CONTENT_KEY, parts.nonce ?? NONCE)
  const attributes = (parts.authAttributes ?? []).toSorted((a, b) => Buffer.compare(a, b))
  if (parts.authAttributes !== undefined) cipher.setAAD(encodeValue(0x31, ...attributes))
  const encrypted = Buffer.concat([cipher.update(parts.content), cipher.final()])
  const tag = cipher.getAuthTag()
  const parameters = parts.parametersDer ?? gcmParameters(parts.nonce ?? NONCE, 16)
  const data = encodeSequence(
    encodeInteger(parts.version ?? 0),
    ...(parts.originatorInfoDer === undefined ? [] : [parts.originatorInfoDer]),
    encodeValue(0x31, ...parts.recipients.toSorted((a, b) => Buffer.compare(a, b))),
    encodeSequence(
      encodeObjectIdentifier(parts.contentType ?? OID.data),
      algorithm(parts.cipher ?? OID.aes256Gcm, ...(parameters === 'absent' ? [] : [parameters])),
      ...(parts.encryptedDer === 'absent' ? [] : [parts.encryptedDer ?? encodeContextPrimitive(0, encrypted)]),
    ),
    ...(parts.authAttributes === undefined ? [] : [encodeContext(1, ...attributes)]),
    encodeOctetString(parts.tag?.(tag) ?? tag),
    ...(parts.unauthAttributes === undefined ? [] : [encodeContext(2, ...parts.unauthAttributes)]),
  )
  return encodeSequence(encodeObjectIdentifier(parts.type ?? OID.authEnvelopedData), encodeContext(0, data))
}
