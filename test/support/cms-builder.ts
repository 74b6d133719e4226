/**
 * SignedData from its parts, so that one part can be another and the rest still signed. Independent of `src/cms/sign.ts`.
 *
 * ```ts
 * const der = buildSignedData({ content, signers: [buildSigner({ content, holder, version: 1 })] })
 * ```
 */
import { hash } from 'node:crypto'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeTime,
  encodeUnsigned,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { type DigestName, digestIdentifierDer } from '../../src/crypto/index.js'
import { type Holder, NOW } from './certificates.js'

/** An attribute with any number of values. */
export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(type), encodeSetOfAny(values, true))
}

/** ESSCertIDv2 of a certificate, with what else is in it. */
export function essCertificate(certificateDer: Uint8Array, options: EssOptions = {}): Uint8Array {
  const { digest = 'sha256', algorithmDer, issuerSerialDer } = options
  const octets = options.hash ?? hash(digest, certificateDer, 'buffer')
  return encodeSequence(
    encodeSequence(
      encodeSequence(
        ...(algorithmDer === undefined ? [] : [algorithmDer]),
        encodeOctetString(octets),
        ...(issuerSerialDer === undefined ? [] : [issuerSerialDer]),
      ),
    ),
  )
}

export interface EssOptions {
  readonly digest?: DigestName
  readonly hash?: Uint8Array
  readonly algorithmDer?: Uint8Array
  readonly issuerSerialDer?: Uint8Array
}

/** IssuerSerial of a certificate, with another serial number if given. */
export function issuerSerial(holder: Holder, serialOctets = holder.certificate.serialNumberOctets): Uint8Array {
  const directoryName = encodeContext(4, holder.certificate.issuer.der)
  return encodeSequence(encodeSequence(directoryName), encodeUnsigned(serialOctets))
}

/** The signed attributes that signet writes, each replaceable; `undefined` leaves one out. */
export interface AttributeParts {
  readonly contentType?: Uint8Array | undefined
  readonly messageDigest?: Uint8Array | undefined
  readonly signingTime?: Uint8Array | undefined
  readonly signingCertificate?: Uint8Array | undefined
}

export interface SignerParts extends AttributeParts {
  readonly content: Uint8Array
  readonly holder: Holder
  readonly eContentType?: string
  readonly digest?: DigestName
  /** Default 1 or 3, as the identifier demands. */
  readonly version?: number
  /** Default the subject key identifier. */
  readonly identifier?: 'subjectKeyIdentifier' | 'issuerAndSerialNumber'
  readonly sidDer?: Uint8Array
  readonly digestAlgorithmDer?: Uint8Array
  /** After the usual ones. */
  readonly moreAttributes?: readonly Uint8Array[]
  /** Instead of all: `'none'` signs the content itself. */
  readonly attributes?: readonly Uint8Array[] | 'none'
  /** Leave the attributes in the order given, in the document and under the signature. */
  readonly unsorted?: boolean
  readonly signatureAlgorithmDer?: Uint8Array
  readonly signature?: (genuine: Uint8Array) => Uint8Array
  readonly unsignedAttributes?: readonly Uint8Array[]
  /** Fields after the last one. */
  readonly trailing?: readonly Uint8Array[]
}

/** One SignerInfo. Only what is given differs from what signet would write. */
export function buildSigner(parts: SignerParts): Uint8Array {
  const { content, holder, identifier = 'subjectKeyIdentifier' } = parts
  const digest = parts.digest ?? holder.key.signatureAlgorithm.digest ?? holder.key.publicKey.algorithm.cmsDigest
  const attributes = parts.attributes ?? [...usualAttributes(parts, digest), ...(parts.moreAttributes ?? [])]
  const set = attributes === 'none' ? undefined : encodeSetOfAny(attributes, parts.unsorted !== true)
  const signature = holder.key.sign(set ?? content)
  return encodeSequence(
    encodeInteger(parts.version ?? (identifier === 'subjectKeyIdentifier' ? 3 : 1)),
    parts.sidDer ?? sid(holder, identifier),
    parts.digestAlgorithmDer ?? digestIdentifierDer(digest),
    ...(set === undefined ? [] : [retagged(set, 0xa0)]),
    parts.signatureAlgorithmDer ?? holder.key.signatureAlgorithm.identifierDer,
    encodeOctetString(parts.signature?.(signature) ?? signature),
    ...(parts.unsignedAttributes === undefined ? [] : [retagged(encodeSetOfAny(parts.unsignedAttributes, true), 0xa1)]),
    ...(parts.trailing ?? []),
  )
}

function usualAttributes(parts: SignerParts, digest: DigestName): readonly Uint8Array[] {
  const { content, holder, eContentType = OID.signetMessage } = parts
  const usual: Required<AttributeParts> = {
    contentType: attribute(OID.contentType, encodeObjectIdentifier(eContentType)),
    messageDigest: attribute(OID.messageDigest, encodeOctetString(hash(digest, content, 'buffer'))),
    signingTime: attribute(OID.signingTime, encodeTime(NOW)),
    signingCertificate: attribute(OID.signingCertificateV2, essCertificate(holder.certificate.der)),
  }
  return (Object.keys(usual) as (keyof AttributeParts)[]).flatMap((name) => {
    const chosen = Object.hasOwn(parts, name) ? parts[name] : usual[name]
    return chosen === undefined ? [] : [chosen]
  })
}

export interface SignedDataParts {
  /** What is inside. Default `undefined`: detached. */
  readonly eContent?: Uint8Array
  /** The whole value of eContent instead. */
  readonly eContentDer?: Uint8Array
  readonly eContentType?: string
  /** Default 3. */
  readonly version?: number
  /** Default SHA-256 once. */
  readonly digestAlgorithms?: readonly Uint8Array[]
  readonly certificates?: readonly Uint8Array[]
  readonly crls?: readonly Uint8Array[]
  readonly signers: readonly Uint8Array[]
  readonly outerType?: string
  /** Fields after the last one of SignedData. */
  readonly trailing?: readonly Uint8Array[]
}

/** A whole ContentInfo. */
export function buildSignedData(parts: SignedDataParts): Uint8Array {
  const { eContent, eContentType = OID.signetMessage, certificates, crls } = parts
  const eContentDer = parts.eContentDer ?? (eContent === undefined ? undefined : encodeOctetString(eContent))
  const signedData = encodeSequence(
    encodeInteger(parts.version ?? 3),
    encodeSetOfAny(parts.digestAlgorithms ?? [digestIdentifierDer('sha256')], true),
    encodeSequence(
      encodeObjectIdentifier(eContentType),
      ...(eContentDer === undefined ? [] : [encodeContext(0, eContentDer)]),
    ),
    ...(certificates === undefined ? [] : [retagged(encodeSetOfAny(certificates, true), 0xa0)]),
    ...(crls === undefined ? [] : [retagged(encodeSetOfAny(crls, true), 0xa1)]),
    encodeSetOfAny(parts.signers, true),
    ...(parts.trailing ?? []),
  )
  return encodeSequence(encodeObjectIdentifier(parts.outerType ?? OID.signedData), encodeContext(0, signedData))
}

/** How a signer names its certificate. */
export function sid(holder: Holder, identifier: 'subjectKeyIdentifier' | 'issuerAndSerialNumber'): Uint8Array {
  const { certificate } = holder
  if (identifier === 'issuerAndSerialNumber') {
    return encodeSequence(certificate.issuer.der, encodeUnsigned(certificate.serialNumberOctets))
  }
  return encodeContextPrimitive(0, certificate.subjectKeyIdentifier ?? new Uint8Array())
}

/** A SET OF, sorted or as given. */
export function encodeSetOfAny(elements: readonly Uint8Array[], sorted: boolean): Uint8Array {
  return encodeValue(TAG.set, ...(sorted ? elements.toSorted((a, b) => Buffer.compare(a, b)) : elements))
}

/** The same value under another identifier octet. */
export function retagged(element: Uint8Array, tag: number): Uint8Array {
  const copy = Uint8Array.from(element)
  copy[0] = tag
  return copy
}

/** AlgorithmIdentifier of any OID. */
export function algorithmIdentifier(oid: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), ...parameters)
}

/** What nobody should sign with, and what does not exist. */
export const WEAK = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha1WithRsa: '1.2.840.113549.1.1.5',
  md5WithRsa: '1.2.840.113549.1.1.4',
  ecdsaWithSha1: '1.2.840.10045.4.1',
  dsaWithSha256: '2.16.840.1.101.3.4.3.2',
  nothing: '1.2.3.4.5.6.7',
} as const
