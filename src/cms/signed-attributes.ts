/**
 * What a signer signs: the attributes that SignedData and countersignatures have in common (RFC 5652 §5.4, §11).
 *
 * @module cms/signed-attributes (floor 5)
 */
import {
  encodeObjectIdentifier,
  encodeOctetString,
  encodeTime,
  headerOctets,
  OID,
  sharedMemory,
  TAG,
  writeHeader,
} from '../asn1/index.js'
import type { DigestName, KeyProvider } from '../crypto/index.js'
import { wholeSeconds } from '../time/index.js'
import type { Certificate } from '../x509/index.js'
import { encodeAttribute, inOrder } from './attributes.js'
import type { ContentDigest } from './content-digest.js'
import { encodeSigningCertificate } from './signing-certificate.js'

/** Who signs. */
export interface CmsSigner {
  readonly key: KeyProvider
  readonly certificate: Certificate
  /** How the certificate is named. Default `subjectKeyIdentifier`: 20 octets, and no name on the wire. */
  readonly identifier?: 'subjectKeyIdentifier' | 'issuerAndSerialNumber'
}

/** What a signer says besides what is said of the content. */
export interface SignerClaims {
  /** The claim of when this is signed. */
  readonly signingTime: Date
  /** More signed attributes, type and value. */
  readonly attributes?: readonly (readonly [type: string, valueDer: Uint8Array])[]
}

/**
 * The SET OF that is signed (RFC 5652 §5.4).
 *
 * @param contentType - `undefined` for a countersignature, which has none (RFC 5652 §11.4).
 */
export function encodeSignedAttributes(
  content: ContentDigest,
  signer: CmsSigner,
  contentType: string | undefined,
  { signingTime, attributes = [] }: SignerClaims,
): Uint8Array {
  const all = [
    encodeAttribute(OID.signingTime, encodeSigningTime(signingTime)),
    encodeAttribute(OID.messageDigest, encodeOctetString(content.of(digestNameFor(signer)))),
    encodeAttribute(OID.signingCertificateV2, encodeSigningCertificate(signer.certificate)),
  ]
  if (contentType !== undefined) all.push(encodeAttribute(OID.contentType, encodeObjectIdentifier(contentType)))
  for (const [type, value] of attributes) all.push(encodeAttribute(type, value))
  const ordered = inOrder(all)
  let octets = 0
  for (const attribute of ordered) octets += attribute.length
  const set = sharedMemory(headerOctets(octets) + octets)
  writeHeader(set, 0, TAG.set, octets)
  let position = set.length - octets
  for (const attribute of ordered) {
    set.set(attribute, position)
    position += attribute.length
  }
  return set
}

let lastTime = Number.NaN
let lastValue: Uint8Array = new Uint8Array()

/** The value of signingTime, without fraction of a second: the same for all that is signed within one. Shared: do not change it. */
export function encodeSigningTime(time: Date): Uint8Array {
  const seconds = wholeSeconds(time)
  if (seconds.getTime() !== lastTime) {
    lastValue = encodeTime(seconds)
    lastTime = seconds.getTime()
  }
  return lastValue
}

/** The digest of the content: that of the signature, or the one that the scheme prescribes (RFC 8419, RFC 9882). */
export function digestNameFor({ key }: Pick<CmsSigner, 'key'>): DigestName {
  return key.signatureAlgorithm.digest ?? key.publicKey.algorithm.cmsDigest
}
