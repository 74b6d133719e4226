/**
 * Taking the content out of an attached SignedData, and putting it back: the signature fits either form
 * (RFC 5652 §5.2).
 *
 * @module cms/content (floor 5)
 */
import {
  CMS_LIMITS,
  contextConstructed,
  type DerLimits,
  DerReader,
  encodeHeader,
  joinBytes,
  joinInSteps,
  TAG,
} from '../asn1/index.js'
import { atOnce, type Steps } from '../time/index.js'
import { named } from '../x509/index.js'

/**
 * The same document without its content. What has none comes back as it is. Believes nothing.
 *
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`
 */
export function detachContent(der: Uint8Array, limits: DerLimits = CMS_LIMITS): Uint8Array {
  return joinBytes(wrap(take(der, limits), []))
}

/**
 * The document with this content, byte for byte what signing it attached would have made. Whether the signature is over
 * this content is for {@link verifySigner} to say.
 *
 * @param detached - A SignedData without content; what content it has is replaced.
 * @param content - In pieces, which are copied once.
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`
 */
export function attachContent(detached: Uint8Array, content: readonly Uint8Array[]): Uint8Array {
  return atOnce(attachContentInSteps(detached, content))
}

/** As {@link attachContent}, in steps. */
export function attachContentInSteps(detached: Uint8Array, content: readonly Uint8Array[]): Steps<Uint8Array> {
  const octets = [encodeHeader(TAG.octetString, lengthOf(content)), ...content]
  const explicitContent = [encodeHeader(contextConstructed(0), lengthOf(octets)), ...octets]
  return joinInSteps(wrap(take(detached, CMS_LIMITS), explicitContent))
}

/** What stands around the content, as it stands. */
interface Frame {
  readonly contentType: Uint8Array
  readonly version: Uint8Array
  readonly digestAlgorithms: Uint8Array
  readonly eContentType: Uint8Array
  readonly rest: Uint8Array
}

function take(der: Uint8Array, limits: DerLimits): Frame {
  return named('ERR_CMS_MALFORMED', 'a CMS document', () => {
    const reader = DerReader.over(der, limits)
    const contentInfo = reader.sequence()
    reader.finish()
    const contentType = contentInfo.element(TAG.oid)
    const explicit = contentInfo.constructed(contextConstructed(0))
    contentInfo.finish()
    const fields = explicit.sequence()
    explicit.finish()
    const version = fields.element(TAG.integer)
    const digestAlgorithms = fields.element(TAG.set)
    const eContentType = fields.sequence().element(TAG.oid)
    return { contentType, version, digestAlgorithms, eContentType, rest: fields.rest() }
  })
}

function wrap(frame: Frame, explicitContent: readonly Uint8Array[]): readonly Uint8Array[] {
  const encapContentInfo = around(TAG.sequence, [frame.eContentType, ...explicitContent])
  const signedData = around(TAG.sequence, [frame.version, frame.digestAlgorithms, ...encapContentInfo, frame.rest])
  return around(TAG.sequence, [frame.contentType, ...around(contextConstructed(0), signedData)])
}

function around(tag: number, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  return [encodeHeader(tag, lengthOf(pieces)), ...pieces]
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
