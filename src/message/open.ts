/**
 * The structure of a message: one signer, and nothing outside of the signature that is not needed.
 *
 * @module message/open (floor 7)
 */
import { asBuffer, equalBytes, OID } from '../asn1/index.js'
import { noSigners, parseSignedData, type SignedData, type SignerInfo } from '../cms/index.js'
import { DeniedError, TrustError } from '../errors/index.js'
import type { RoutePolicy } from './routing-slip.js'

/** A message whose structure is as it must be, and nothing more. */
export interface OpenedMessage {
  readonly der: Uint8Array
  readonly signedData: SignedData
  readonly signerInfo: SignerInfo
}

/** What can be refused before the content is read. */
export function openMessage(der: Uint8Array, route: RoutePolicy | undefined): OpenedMessage {
  // Of a Buffer, texts are read without making another.
  const signedData = parseMessage(asBuffer(der))
  return { der, signedData, signerInfo: onlySigner(signedData, route) }
}

function parseMessage(der: Uint8Array): SignedData {
  if (der.length === 0) {
    throw new DeniedError('ERR_MESSAGE_UNSIGNED', 'the message has no signature', {
      hint: 'unsigned messages are never accepted',
    })
  }
  const signedData = parseSignedData(der)
  if (signedData.eContentType !== OID.signetMessage) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the document is not a signet message', {
      details: { found: signedData.eContentType },
      hint: 'for other CMS documents: signet cms verify',
    })
  }
  // Outside of the signature nothing is allowed that is not needed (OSSN-0062).
  if (signedData.certificatesDer.length > 0 || signedData.crlsDer.length > 0) {
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'a message carries no certificates or CRLs')
  }
  return signedData
}

function onlySigner(signedData: SignedData, route: RoutePolicy | undefined): SignerInfo {
  const [signer, second] = signedData.signerInfos
  if (signer === undefined) throw noSigners()
  if (second !== undefined)
    throw new TrustError('ERR_CMS_SIGNER_COUNT', `a message has one signer, this one ${signedData.signerInfos.length}`)
  // Those of a routing slip are for whoever says what they must be.
  if (route === undefined && signer.unsignedAttrs.size > 0)
    throw new TrustError('ERR_CMS_UNSIGNED_ATTRIBUTE', 'a message has no unsigned attributes')
  const [digest, other] = signedData.digestAlgorithms
  if (digest === undefined || other !== undefined || !equalBytes(digest.der, signer.digestAlgorithm.der)) {
    throw new TrustError('ERR_ALGORITHM_MISMATCH', 'the digests of the document are not that of its signer')
  }
  return signer
}
