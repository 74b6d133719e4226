/**
 * What a SignedData is made of (RFC 5652 §5.1, §5.3). Whoever holds one believes nothing yet.
 *
 * @module cms/structure (floor 5)
 */
import type { AlgorithmIdentifier } from '../crypto/index.js'
import type { Name } from '../x509/index.js'
import type { Attributes } from './attributes.js'

/** SignerIdentifier: which certificate, as the signer claims; the claim is outside the signature. */
export type SignerIdentifier =
  | { readonly kind: 'subjectKeyIdentifier'; readonly keyIdentifier: Uint8Array }
  | { readonly kind: 'issuerAndSerialNumber'; readonly issuer: Name; readonly serialNumber: string }

export interface SignerInfo {
  readonly version: number
  readonly sid: SignerIdentifier
  readonly digestAlgorithm: AlgorithmIdentifier
  /** The octets that were signed: signedAttrs with the tag of a SET. `undefined` where there are no signed attributes. */
  readonly signedAttrsDer: Uint8Array | undefined
  readonly signedAttrs: Attributes
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signature: Uint8Array
  readonly unsignedAttrs: Attributes
}

export interface SignedData {
  readonly version: number
  readonly digestAlgorithms: readonly AlgorithmIdentifier[]
  readonly eContentType: string
  /** `undefined` in a detached document; an empty content is not that. */
  readonly eContent: Uint8Array | undefined
  /** Whole certificates in DER, unread: nobody vouches for them. */
  readonly certificatesDer: readonly Uint8Array[]
  readonly crlsDer: readonly Uint8Array[]
  readonly signerInfos: readonly SignerInfo[]
}
