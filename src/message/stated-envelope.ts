/**
 * What an envelope says of itself, for who wants to look into it before anybody vouches for it.
 *
 * @module message/stated-envelope (floor 7)
 */
import { OID } from '../asn1/index.js'
import { attributeValue, contentOf, type SignerIdentifier } from '../cms/index.js'
import { parseEnvelope, parseManifest, type PlannedPart } from './envelope-format.js'
import { contextOf, type OneSigned, onlySigned } from './envelope-parts.js'

/** A signature that nobody verified. */
export interface StatedSignature {
  readonly sid: SignerIdentifier
  readonly signingTime: Date | undefined
}

export interface StatedPart extends StatedSignature {
  readonly name: string
  /** Octets that are in the envelope; `undefined` where they are beside it. */
  readonly contentBytes: number | undefined
}

export interface StatedEnvelope extends StatedSignature {
  /** Hexadecimal. */
  readonly id: string
  readonly planned: readonly PlannedPart[]
  readonly parts: readonly StatedPart[]
}

/**
 * What an envelope says: who planned it, which parts there shall be, and which are there. Believes nothing.
 *
 * @throws {@link EncodingError} malformed · {@link TrustError} those of CMS, where something is no part of an envelope
 */
export function statedEnvelope(der: Uint8Array): StatedEnvelope {
  const { manifestDer, partsDer } = parseEnvelope(der)
  const signedManifest = onlySigned(manifestDer, OID.signetEnvelopeManifest)
  const { id, parts: planned } = parseManifest(contentOf(signedManifest.signedData, undefined))
  const parts = partsDer.map((partDer) => {
    const signed = onlySigned(partDer, OID.signetEnvelopePart)
    return {
      name: contextOf(signed).name,
      ...signatureOf(signed),
      contentBytes: signed.signedData.eContent?.length,
    }
  })
  return { id: Buffer.from(id).toString('hex'), planned, parts, ...signatureOf(signedManifest) }
}

function signatureOf({ signerInfo: { sid, signedAttrs } }: OneSigned): StatedSignature {
  return { sid, signingTime: attributeValue(signedAttrs, OID.signingTime, (value) => value.time()) }
}
