/**
 * Where in a message the values stand that differ from one message of a signer to the next: all of them primitive, so that
 * nothing stands at another place because of them while their lengths are the same.
 *
 * @module message/places (floor 7)
 */
import { CMS_LIMITS, contextConstructed, DerReader, equalBytes, headerOctets, OID } from '../asn1/index.js'
import type { SignerInfo } from '../cms/index.js'
import { isSignetError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'

/** Octets of a document, from one to before another. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** Each without its header, but for {@link MessagePlaces.signedAttrs}. */
export interface MessagePlaces {
  /** The subject key identifier in `sid`. */
  readonly keyIdentifier: Place
  /** The whole `[0] IMPLICIT SignedAttributes`. */
  readonly signedAttrs: Place
  readonly messageDigest: Place
  /** The text of the time. */
  readonly signingTime: Place
  /** In signingCertificateV2. */
  readonly certHash: Place
  readonly messageId: Place
  readonly signature: Place
}

/**
 * @param der - What `signerInfo` was read from, and whose memory it shares.
 * @param certificate - The signer's, as signingCertificateV2 binds it in the form that signet writes.
 * @returns `undefined` where anything does not stand as it does in the messages that signet signs.
 */
export function placesOf(
  der: Uint8Array,
  { sid, signedAttrs, signedAttrsDer, signatureAlgorithm, signature }: SignerInfo,
  certificate: Certificate,
): MessagePlaces | undefined {
  if (sid.kind !== 'subjectKeyIdentifier' || signedAttrsDer === undefined) return undefined
  const place = (octets: Uint8Array | undefined): Place | undefined => placeIn(der, octets)
  const contentOf = (type: string): Uint8Array | undefined => primitiveContent(signedAttrs.get(type)?.[0])
  const keyIdentifier = place(sid.keyIdentifier)
  const messageDigest = place(contentOf(OID.messageDigest))
  const signingTime = place(contentOf(OID.signingTime))
  const messageId = place(messageIdIn(signedAttrs.get(OID.signetMessageContext)?.[0]))
  const certHash = place(hashIn(signedAttrs.get(OID.signingCertificateV2)?.[0], certificate))
  const signed = place(signature)
  if (keyIdentifier === undefined || messageDigest === undefined || signingTime === undefined) return undefined
  if (messageId === undefined || certHash === undefined || signed?.end !== der.length) return undefined
  // The header of the signature, the algorithm, and before it the attributes.
  const end = signed.start - headerOctets(signature.length) - signatureAlgorithm.der.length
  const attributes = { start: end - signedAttrsDer.length, end }
  if (attributes.start < keyIdentifier.end || !isTagged(der, attributes, signedAttrsDer)) return undefined
  return { keyIdentifier, signedAttrs: attributes, messageDigest, signingTime, certHash, messageId, signature: signed }
}

function placeIn(der: Uint8Array, octets: Uint8Array | undefined): Place | undefined {
  if (octets?.buffer !== der.buffer) return undefined
  const start = octets.byteOffset - der.byteOffset
  const end = start + octets.length
  return start >= 0 && end <= der.length ? { start, end } : undefined
}

/** Of a value whose length is one octet. */
function primitiveContent(value: Uint8Array | undefined): Uint8Array | undefined {
  return value !== undefined && value[1] === value.length - 2 && value[1] < 0x80 ? value.subarray(2) : undefined
}

/** The third of what a context begins with. */
function messageIdIn(value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined) return undefined
  try {
    const fields = DerReader.over(value, CMS_LIMITS).sequence()
    fields.element()
    fields.element()
    return fields.octetString()
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

/** What the usual form of signingCertificateV2 ends with. */
function hashIn(value: Uint8Array | undefined, { fingerprintOctets }: Certificate): Uint8Array | undefined {
  const hash = value?.subarray(-fingerprintOctets.length)
  // SEQUENCE of SEQUENCE of SEQUENCE of OCTET STRING, and nothing else.
  const isAlone = value?.length === fingerprintOctets.length + 8
  return isAlone && hash !== undefined && equalBytes(hash, fingerprintOctets) ? hash : undefined
}

/** Whether these are the signed octets, under the tag that they have in a SignerInfo. */
function isTagged(der: Uint8Array, { start, end }: Place, signedAttrsDer: Uint8Array): boolean {
  return der[start] === contextConstructed(0) && equalBytes(der.subarray(start + 1, end), signedAttrsDer.subarray(1))
}
