/**
 * What stands in an envelope: documents of one signer each, and what they are called.
 *
 * @module message/envelope-parts (floor 7)
 */
import { OID } from '../asn1/index.js'
import { attributeValue, noSigners, parseSignedData, type SignedData, type SignerInfo } from '../cms/index.js'
import { digestOctets } from '../crypto/index.js'
import { DeniedError, TrustError } from '../errors/index.js'
import { type PartContext, type PlannedPart, readPartContext } from './envelope-format.js'

/** A document with one signer. Nothing of it is verified. */
export interface OneSigned {
  readonly signedData: SignedData
  readonly signerInfo: SignerInfo
}

/** Everything outside of the signature has one allowed value, as in messages. */
export function onlySigned(der: Uint8Array, contentType: string): OneSigned {
  const signedData = parseSignedData(der)
  const [signerInfo, second] = signedData.signerInfos
  if (signerInfo === undefined) throw noSigners()
  if (second !== undefined) throw new TrustError('ERR_CMS_SIGNER_COUNT', 'what is in an envelope has one signer each')
  if (signedData.eContentType !== contentType) {
    throw new TrustError(
      'ERR_CMS_CONTENT_TYPE',
      'something in the envelope is of another type than its place demands',
      {
        details: { wanted: contentType, found: signedData.eContentType },
      },
    )
  }
  const { certificatesDer, crlsDer, digestAlgorithms } = signedData
  if (certificatesDer.length + crlsDer.length + signerInfo.unsignedAttrs.size > 0) {
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'an envelope carries nothing that is not signed')
  }
  if (digestAlgorithms.length !== 1) {
    throw new TrustError('ERR_ALGORITHM_MISMATCH', 'the digests of the document are not that of its signer')
  }
  return { signedData, signerInfo }
}

/** What a part says that it is. */
export function contextOf({ signerInfo }: OneSigned): PartContext {
  const context = attributeValue(signerInfo.signedAttrs, OID.signetEnvelopePartContext, readPartContext)
  if (context === undefined) throw new TrustError('ERR_CMS_SIGNED_ATTRIBUTES', 'a part does not say which it is')
  return context
}

/** Each planned part at most once, and where it must be so, in the order of the plan: one envelope has one form. */
export function inOrder<T extends { readonly name: string }>(
  parts: readonly T[],
  planned: readonly PlannedPart[],
  found: 'any' | 'sorted',
): readonly T[] {
  const stranger = parts.find(({ name }) => !planned.some((part) => part.name === name))
  if (stranger !== undefined) throw partError(`no part ${stranger.name} is planned`, stranger.name)
  const sorted = planned.flatMap(({ name }) => {
    const [part, twice] = parts.filter((item) => item.name === name)
    if (twice !== undefined) throw partError(`the part ${name} is there twice`, name)
    return part === undefined ? [] : [part]
  })
  const misplaced = sorted.find((part, index) => found === 'sorted' && part !== parts[index])
  if (misplaced !== undefined) throw partError(`the part ${misplaced.name} is not at its place`, misplaced.name)
  return sorted
}

export function partError(message: string, part: string): DeniedError {
  return new DeniedError('ERR_ENVELOPE_PART', message, { details: { part } })
}

/** What parts sign of their envelope. */
export function fingerprintOf(manifest: Uint8Array): Uint8Array {
  return digestOctets('sha256', manifest)
}
