/**
 * What stands around attributes and signature in a detached document of one signer, kept for the next: where these two have
 * the same lengths, it is the same octets.
 *
 * @module cms/surroundings (floor 5)
 */
import { contextConstructed, headerOctets, sharedMemory } from '../asn1/index.js'
import type { SignatureAlgorithm } from '../crypto/index.js'
import type { Certificate } from '../x509/index.js'
import type { CmsSigner } from './signed-attributes.js'

/** What one signer signed. */
export interface SignedInfo {
  readonly signer: CmsSigner
  /** The SET OF. */
  readonly signedAttrs: Uint8Array
  readonly signature: Uint8Array
}

interface Surroundings {
  readonly contentType: string
  readonly identifier: CmsSigner['identifier']
  readonly algorithm: SignatureAlgorithm
  readonly attributesLength: number
  readonly signatureLength: number
  readonly before: Uint8Array
  readonly between: Uint8Array
}

const known = new WeakMap<Certificate, readonly Surroundings[]>()
/** Of one certificate: an ECDSA signature has three usual lengths, attributes have that of their type and destination. */
const MAX_KNOWN = 16

/** The document, where a document before had the same around; else as `encode` makes it. */
export function withinSurroundings(signed: SignedInfo, contentType: string, encode: () => Uint8Array): Uint8Array {
  const { certificate } = signed.signer
  const some = known.get(certificate)
  if (some !== undefined) {
    for (const surroundings of some) if (fits(surroundings, signed, contentType)) return fill(surroundings, signed)
  }
  const der = encode()
  known.set(certificate, [surroundingsIn(der, signed, contentType), ...(some ?? [])].slice(0, MAX_KNOWN))
  return der
}

function fits(found: Surroundings, { signer, signedAttrs, signature }: SignedInfo, contentType: string): boolean {
  return (
    found.signatureLength === signature.length &&
    found.attributesLength === signedAttrs.length &&
    found.contentType === contentType &&
    found.algorithm === signer.key.signatureAlgorithm &&
    found.identifier === signer.identifier
  )
}

function fill({ before, between }: Surroundings, { signedAttrs, signature }: SignedInfo): Uint8Array {
  const attributes = before.length
  const afterwards = attributes + signedAttrs.length
  const der = sharedMemory(afterwards + between.length + signature.length)
  der.set(before)
  der.set(signedAttrs, attributes)
  // RFC 5652 §5.4: signed as a SET OF, sent under the tag of its field.
  der[attributes] = contextConstructed(0)
  der.set(between, afterwards)
  der.set(signature, afterwards + between.length)
  return der
}

/** The signature is what the document ends with; before its header stands its algorithm, and before that the attributes. */
function surroundingsIn(
  der: Uint8Array,
  { signer, signedAttrs, signature }: SignedInfo,
  contentType: string,
): Surroundings {
  const algorithm = signer.key.signatureAlgorithm
  const end = der.length - signature.length
  const start = end - (headerOctets(signature.length) + algorithm.identifierDer.length)
  return {
    contentType,
    identifier: signer.identifier,
    algorithm,
    attributesLength: signedAttrs.length,
    signatureLength: signature.length,
    before: der.slice(0, start - signedAttrs.length),
    between: der.slice(start, end),
  }
}
