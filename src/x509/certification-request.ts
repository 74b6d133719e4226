/**
 * Certification requests (PKCS #10, RFC 2986).
 *
 * @module x509/certification-request (floor 3)
 */
import {
  CERTIFICATE_LIMITS,
  contextConstructed,
  DerReader,
  encodeContext,
  encodeInteger,
  encodeObjectIdentifier,
  encodePem,
  encodeSequence,
  encodeSetOf,
  OID,
  oidName,
  readPemOrDer,
} from '../asn1/index.js'
import {
  type KeyProvider,
  parsePublicKey,
  type PublicKey,
  signatureAlgorithmOf,
  verifySignature,
} from '../crypto/index.js'
import { EncodingError, TrustError } from '../errors/index.js'
import { named } from './malformed.js'
import { type Extension, readExtensions } from './extensions.js'
import { Name } from './name.js'
import { encodeSigned, readSigned } from './signed.js'

const REQUEST_LABELS = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'] as const

/** A request whose signature was verified with the key that it carries. What it asks for is not granted by that. */
export interface CertificationRequest {
  readonly der: Uint8Array
  readonly subject: Name
  readonly publicKey: PublicKey
  /** The extensions asked for (RFC 2985 §5.4.2). */
  readonly extensions: ReadonlyMap<string, Extension>
}

/**
 * Parse one certification request in PEM or DER and verify that its sender holds the private key.
 *
 * Attributes other than extensionRequest and challengePassword are refused; a challenge password is never kept.
 *
 * @throws {@link EncodingError} `ERR_CSR_MALFORMED`, `ERR_PEM_LABEL`, `ERR_PEM_MALFORMED`
 * @throws {@link TrustError} `ERR_CSR_SIGNATURE`, `ERR_KEY_NOT_ALLOWED`, `ERR_ALGORITHM_NOT_ALLOWED`
 * @see RFC 2986 §4
 */
export function parseCertificationRequest(bytes: Uint8Array): CertificationRequest {
  const [der, second] = readPemOrDer(bytes, ...REQUEST_LABELS)
  if (der === undefined || second !== undefined) {
    throw new EncodingError('ERR_CSR_MALFORMED', 'expected one certification request, found several')
  }
  return named('ERR_CSR_MALFORMED', 'a certification request', () => readRequest(der))
}

function readRequest(der: Uint8Array): CertificationRequest {
  const reader = DerReader.over(der, CERTIFICATE_LIMITS)
  const { tbsDer, tbs: info, signatureAlgorithm, signatureValue } = readSigned(reader)
  reader.finish()
  if (info.smallInteger(255) !== 0) throw info.error('ERR_CSR_MALFORMED', 'the version is not 1')
  const subject = Name.read(info)
  const publicKey = parsePublicKey(info.element(0x30))
  const extensions = readAttributes(info)
  info.finish()
  if (!verifySignature(signatureAlgorithmOf(signatureAlgorithm), publicKey, tbsDer, signatureValue)) {
    throw new TrustError('ERR_CSR_SIGNATURE', 'the signature of the certification request does not verify', {
      hint: 'make the request again with the key that it is for',
    })
  }
  return { der, subject, publicKey, extensions }
}

function readAttributes(info: DerReader): ReadonlyMap<string, Extension> {
  // RFC 2986 §4.1: the attributes are there even when empty; some writers leave them out.
  if (info.atEnd) return new Map()
  const set = info.constructed(contextConstructed(0))
  const seen = new Set<string>()
  let extensions: ReadonlyMap<string, Extension> = new Map()
  while (!set.atEnd) {
    const attribute = set.sequence()
    const type = attribute.oid()
    if (seen.has(type)) throw set.error('ERR_CSR_MALFORMED', `the attribute ${oidName(type)} occurs twice`)
    seen.add(type)
    const values = attribute.set()
    attribute.finish()
    if (type === OID.extensionRequest) {
      extensions = readExtensions(values)
    } else if (type === OID.challengePassword) {
      values.element()
    } else {
      throw set.error('ERR_CSR_MALFORMED', `the attribute ${oidName(type)} is not supported`)
    }
    values.finish()
  }
  return extensions
}

/** Make a certification request: the subject, the public key, the extensions wished for, signed with the key. */
export async function createCertificationRequest(
  key: KeyProvider,
  request: { readonly subject: Name; readonly extensionsDer?: readonly Uint8Array[] },
): Promise<string> {
  const wishes = request.extensionsDer ?? []
  const attributes =
    wishes.length === 0
      ? []
      : [encodeSequence(encodeObjectIdentifier(OID.extensionRequest), encodeSetOf(encodeSequence(...wishes)))]
  const info = encodeSequence(
    encodeInteger(0),
    request.subject.der,
    key.publicKey.spkiDer,
    encodeContext(0, ...attributes),
  )
  const der = encodeSigned(info, key.signatureAlgorithm, await key.sign(info))
  return encodePem(REQUEST_LABELS[0], der)
}
