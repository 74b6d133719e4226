/**
 * Countersignatures (RFC 5652 §11.4): a SignerInfo among the unsigned attributes of another, over its signature.
 *
 * Nothing protects an unsigned attribute. Whoever carries the document can take countersignatures away; that one must
 * be there has to be said where it is signed.
 *
 * @module cms/countersignature (floor 5)
 */
import {
  CMS_LIMITS,
  contextConstructed,
  DerReader,
  encodeContext,
  encodeSequence,
  encodeSetOf,
  OID,
  TAG,
} from '../asn1/index.js'
import { EncodingError, LimitError, TrustError } from '../errors/index.js'
import { encodeAttribute } from './attributes.js'
import { digestBytes } from './content-digest.js'
import { encodeSignerInfo } from './sign.js'
import type { CmsSigner, SignerClaims } from './signed-attributes.js'
import { parseSignedData, parseSignerInfo, type SignerInfo } from './signed-data.js'

/** How long a chain of countersignatures, each of the one before, may become. */
export const MAX_COUNTERSIGNATURES = 32

/**
 * The countersignatures of one signature, in the order of the document. Those of countersignatures are theirs.
 *
 * Reading believes nothing: see `verifyCountersignature`.
 *
 * @throws {@link EncodingError} `ERR_CMS_ATTRIBUTE_MALFORMED`, `ERR_CMS_MALFORMED`
 */
export function countersignaturesOf(signer: SignerInfo): readonly SignerInfo[] {
  const values = signer.unsignedAttrs.get(OID.counterSignature)
  if (values?.length === 0) {
    throw new EncodingError('ERR_CMS_ATTRIBUTE_MALFORMED', 'the attribute counterSignature has no value')
  }
  return (values ?? []).map(parseSignerInfo)
}

/**
 * Countersign a signature. Signed attributes: messageDigest, signingTime, signingCertificateV2 and those given.
 *
 * Does not verify what is countersigned, nor that the certificate is valid or fit for signing.
 *
 * @param signature - The signature octets of a SignerInfo.
 * @returns SignerInfo in DER.
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`; and what the key provider throws
 */
export async function countersign(signature: Uint8Array, signer: CmsSigner, claims: SignerClaims): Promise<Uint8Array> {
  return encodeSignerInfo(digestBytes(signature), signer, undefined, claims)
}

/**
 * Put a countersignature at the end of the chain of countersignatures of a document's one signer.
 *
 * @param der - ContentInfo with SignedData in DER. Everything else in it stays as it is.
 * @throws {@link TrustError} `ERR_CMS_SIGNER_COUNT`
 * @throws {@link EncodingError} `ERR_CMS_ATTRIBUTE_DUPLICATE` where the chain forks
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function withCountersignature(der: Uint8Array, countersignature: Uint8Array): Uint8Array {
  const { signerInfos } = parseSignedData(der)
  if (signerInfos.length !== 1) {
    throw new TrustError('ERR_CMS_SIGNER_COUNT', `one signer is countersigned, not ${signerInfos.length}`)
  }
  const contentInfo = DerReader.over(der, CMS_LIMITS).sequence()
  const contentType = contentInfo.element(TAG.oid)
  const fields = elementsOf(contentInfo.constructed(contextConstructed(0)).sequence())
  const signer = DerReader.over(fields.at(-1) ?? new Uint8Array(), CMS_LIMITS)
    .set()
    .element()
  const signerSet = encodeSetOf(extended(signer, countersignature, MAX_COUNTERSIGNATURES))
  return encodeSequence(contentType, encodeContext(0, encodeSequence(...fields.slice(0, -1), signerSet)))
}

/** The same SignerInfo with a longer chain below it. */
function extended(signerDer: Uint8Array, countersignature: Uint8Array, room: number): Uint8Array {
  if (room === 0) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a signature has more than ${MAX_COUNTERSIGNATURES} countersignatures`)
  }
  const fields = elementsOf(DerReader.over(signerDer, CMS_LIMITS).sequence())
  const unsigned = fields.filter((field) => field[0] === UNSIGNED)
  const attributes = unsigned.flatMap((set) => elementsOf(DerReader.over(set, CMS_LIMITS).constructed(UNSIGNED)))
  const chain = attributes.filter(isCountersignature).flatMap(valuesOf)
  const [next, fork] = chain
  if (fork !== undefined) {
    throw new EncodingError(
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
      'a signature has several countersignatures beside each other',
    )
  }
  const set = encodeSetOf(
    ...attributes.filter((attribute) => !isCountersignature(attribute)),
    encodeAttribute(
      OID.counterSignature,
      next === undefined ? countersignature : extended(next, countersignature, room - 1),
    ),
  )
  set[0] = UNSIGNED
  return encodeSequence(...fields.filter((field) => field[0] !== UNSIGNED), set)
}

/** [1] IMPLICIT UnsignedAttributes. */
const UNSIGNED = contextConstructed(1)

function isCountersignature(attribute: Uint8Array): boolean {
  return DerReader.over(attribute, CMS_LIMITS).sequence().oid() === OID.counterSignature
}

function valuesOf(attribute: Uint8Array): readonly Uint8Array[] {
  const fields = DerReader.over(attribute, CMS_LIMITS).sequence()
  fields.oid()
  return elementsOf(fields.set())
}

function elementsOf(reader: DerReader): readonly Uint8Array[] {
  const elements: Uint8Array[] = []
  while (!reader.atEnd) elements.push(reader.element())
  return elements
}
