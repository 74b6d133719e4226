/**
 * SignedData in the form that practically all messages have: detached, one signer by key identifier, usual algorithms,
 * signed attributes that have a name here, nothing outside of the signature. For every other document, and for all that
 * are malformed, the strict reader is asked: of these it would read the same.
 *
 * @module cms/plain-signed-data (floor 5)
 */
import {
  contextConstructed,
  contextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  namedOid,
  OID,
  PlainReader,
  sharedCopy,
  TAG,
} from '../asn1/index.js'
import { USUAL_IDENTIFIERS } from '../crypto/index.js'
import { type Attributes, isAscending } from './attributes.js'
import type { SignedData } from './structure.js'

/** Longer ones are no common messages. */
const MAX_OCTETS = 0xffff
const MAX_ATTRIBUTES = 16

const SIGNED_DATA = encodeObjectIdentifier(OID.signedData)
const VERSION_3 = encodeInteger(3)
const NONE: readonly Uint8Array[] = Object.freeze([])
const NO_ATTRIBUTES: Attributes = new Map()

/** Types of attribute values; their content is read by whoever asks for the value. */
const VALUE_TAGS: ReadonlySet<number> = new Set([TAG.oid, TAG.octetString, TAG.utcTime, TAG.sequence])

/**
 * @returns `undefined` where the document is not plain, or has an identifier in it that the strict reader has not met yet;
 * that says nothing of it.
 */
export function plainSignedData(der: Uint8Array): SignedData | undefined {
  if (der.length > MAX_OCTETS) return undefined
  const reader = new PlainReader(der)
  const end = reader.enter(TAG.sequence)
  reader.same(SIGNED_DATA, end)
  // Each of these ends where the document does: nothing is after them, and nothing outside of the signature in them.
  const isWhole = end === der.length && reader.enter(contextConstructed(0), end) === end
  if (!isWhole || reader.enter(TAG.sequence, end) !== end) return undefined
  // RFC 5652 §5.1, §5.3: version 3 is that of signers by key identifier, and of what holds them.
  reader.same(VERSION_3, end)
  const digests = reader.enter(TAG.set, end)
  const digestAlgorithm = reader.known(TAG.sequence, USUAL_IDENTIFIERS, digests)
  if (digestAlgorithm === undefined || !reader.endsAt(digests)) return undefined
  const contentInfo = reader.enter(TAG.sequence, end)
  const eContentType = readOid(reader, contentInfo)
  if (eContentType === undefined || !reader.endsAt(contentInfo)) return undefined
  if (reader.enter(TAG.set, end) !== end || reader.enter(TAG.sequence, end) !== end) return undefined
  reader.same(VERSION_3, end)
  const keyIdentifier = reader.content(contextPrimitive(0), end)
  const signerDigest = reader.known(TAG.sequence, USUAL_IDENTIFIERS, end)
  const attributesStart = reader.position
  const attributesEnd = reader.enter(contextConstructed(0), end)
  const signedAttrs = readAttributes(reader, attributesEnd)
  const signatureAlgorithm = reader.known(TAG.sequence, USUAL_IDENTIFIERS, end)
  const signature = reader.content(TAG.octetString, end)
  if (!reader.endsAt(end) || signerDigest === undefined || signatureAlgorithm === undefined) return undefined
  return {
    version: 3,
    digestAlgorithms: [digestAlgorithm],
    eContentType,
    eContent: undefined,
    certificatesDer: NONE,
    crlsDer: NONE,
    signerInfos: [
      {
        version: 3,
        sid: { kind: 'subjectKeyIdentifier', keyIdentifier },
        digestAlgorithm: signerDigest,
        signedAttrsDer: signedOctets(der, attributesStart, attributesEnd),
        signedAttrs,
        signatureAlgorithm,
        signature,
        unsignedAttrs: NO_ATTRIBUTES,
      },
    ],
  }
}

/** The octets that were signed: RFC 5652 §5.4, the SET OF and not its implicit tag. */
export function signedOctets(der: Uint8Array, start: number, end: number): Uint8Array {
  const octets = sharedCopy(der.subarray(start, end))
  octets[0] = TAG.set
  return octets
}

/** As attributes of one value each, in ascending order. */
function readAttributes(reader: PlainReader, end: number): Attributes {
  const attributes = new Map<string, readonly Uint8Array[]>()
  let before = -1
  while (reader.isPlain && reader.position < end) {
    const start = reader.position
    const last = reader.enter(TAG.sequence, end)
    const type = readOid(reader, last)
    const setEnd = reader.enter(TAG.set, last)
    const value = reader.position
    const tag = reader.bytes[value] ?? 0
    const valueEnd = reader.enter(tag, setEnd)
    const isOne = type !== undefined && VALUE_TAGS.has(tag) && valueEnd === setEnd && setEnd === last
    if (
      !isOne ||
      attributes.size === MAX_ATTRIBUTES ||
      attributes.has(type) ||
      // The value before ends where this one starts.
      (before >= 0 && !isAscending(reader.bytes, before, start, start, last))
    )
      reader.isPlain = false
    else attributes.set(type, [reader.bytes.subarray(value, valueEnd)])
    if (reader.isPlain) reader.position = last
    before = start
  }
  return attributes
}

function readOid(reader: PlainReader, end: number): string | undefined {
  const last = reader.enter(TAG.oid, end)
  const oid = reader.isPlain ? namedOid(reader.bytes, reader.position, last) : undefined
  if (oid === undefined) reader.isPlain = false
  else reader.position = last
  return oid
}
