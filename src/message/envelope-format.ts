/**
 * The envelope as it is written: a signed manifest that names the parts, and the parts, each signed by itself.
 *
 * ```
 * Envelope ::= SEQUENCE {
 *   manifest ContentInfo,                            -- SignedData with a Manifest in it
 *   parts    SEQUENCE (SIZE (0..32)) OF ContentInfo } -- SignedData, in the order of the manifest
 *
 * Manifest ::= SEQUENCE {
 *   version  INTEGER DEFAULT 1,
 *   id       OCTET STRING (SIZE (16)),               -- random: no two manifests are alike
 *   parts    SEQUENCE (SIZE (1..32)) OF PlannedPart }
 *
 * PlannedPart ::= SEQUENCE {
 *   name     VisibleString (SIZE (1..255)),          -- each once
 *   signer   VisibleString (SIZE (1..255)) }         -- an entity, or an identity URI where it has ://
 *
 * EnvelopePartContext ::= SEQUENCE {                 -- a signed attribute of each part
 *   name     VisibleString (SIZE (1..255)),
 *   manifest OCTET STRING (SIZE (32)) }              -- SHA-256 of the Manifest
 * ```
 *
 * What a part is called stands in its signature and nowhere else.
 *
 * @module message/envelope-format (floor 7)
 */
import { CMS_LIMITS, DerReader, encodeOctetString, encodeSequence, encodeString, TAG } from '../asn1/index.js'
import { EncodingError, isSignetError } from '../errors/index.js'
import { isLabel } from './context.js'

/** A part that shall be in an envelope. */
export interface PlannedPart {
  readonly name: string
  /** Whose signature it has: an entity, or an identity URI. */
  readonly signer: string
}

export interface Manifest {
  readonly id: Uint8Array
  readonly parts: readonly PlannedPart[]
}

export interface PartContext {
  readonly name: string
  /** SHA-256 of the manifest. */
  readonly manifest: Uint8Array
}

export interface EnvelopeStructure {
  readonly manifestDer: Uint8Array
  readonly partsDer: readonly Uint8Array[]
}

/** Most parts of one envelope. */
export const MAX_PARTS = 32
/** Of an envelope's id. */
export const ID_OCTETS = 16
const FINGERPRINT_OCTETS = 32

export function encodeEnvelope({ manifestDer, partsDer }: EnvelopeStructure): Uint8Array {
  return encodeSequence(manifestDer, encodeSequence(...partsDer))
}

export function encodeManifest({ id, parts }: Manifest): Uint8Array {
  const encoded = parts.map(({ name, signer }) => encodeSequence(label(name), label(signer)))
  return encodeSequence(encodeOctetString(id), encodeSequence(...encoded))
}

export function encodePartContext({ name, manifest }: PartContext): Uint8Array {
  return encodeSequence(label(name), encodeOctetString(manifest))
}

/** @throws {@link EncodingError} `ERR_ENVELOPE_MALFORMED` · {@link LimitError} `ERR_LIMIT_EXCEEDED` */
export function parseEnvelope(der: Uint8Array): EnvelopeStructure {
  return malformed('an envelope', () => {
    const reader = DerReader.over(der, CMS_LIMITS)
    const fields = reader.sequence()
    reader.finish()
    const manifestDer = fields.element(TAG.sequence)
    const parts = fields.sequence()
    fields.finish()
    const partsDer: Uint8Array[] = []
    while (!parts.atEnd && partsDer.length < MAX_PARTS) partsDer.push(parts.element(TAG.sequence))
    parts.finish()
    return { manifestDer, partsDer }
  })
}

/** @throws {@link EncodingError} `ERR_ENVELOPE_MALFORMED` */
export function parseManifest(der: Uint8Array): Manifest {
  return malformed('the manifest of an envelope', () => {
    const reader = DerReader.over(der, CMS_LIMITS)
    const fields = reader.sequence()
    reader.finish()
    const id = Uint8Array.from(fields.octetString())
    const list = fields.sequence()
    fields.finish()
    const parts: PlannedPart[] = []
    while (!list.atEnd && parts.length < MAX_PARTS) {
      const part = list.sequence()
      parts.push({ name: part.string(TAG.visibleString), signer: part.string(TAG.visibleString) })
      part.finish()
    }
    list.finish()
    const fault = faultOfManifest({ id, parts })
    if (fault !== undefined) throw reader.error('ERR_ENVELOPE_MALFORMED', fault)
    return { id, parts }
  })
}

/** Read the one value of the attribute. */
export function readPartContext(reader: DerReader): PartContext {
  return malformed('the context of a part', () => {
    const fields = reader.sequence()
    const name = fields.string(TAG.visibleString)
    const manifest = fields.octetString()
    fields.finish()
    if (!isLabel(name) || manifest.length !== FINGERPRINT_OCTETS) {
      throw reader.error('ERR_ENVELOPE_MALFORMED', 'a part has a name, and the SHA-256 of its manifest')
    }
    return { name, manifest }
  })
}

/** What is wrong with a manifest that somebody wants to sign, or has. */
export function faultOfManifest({ id, parts }: Manifest): string | undefined {
  if (id.length !== ID_OCTETS) return `the id of an envelope has ${ID_OCTETS} octets`
  if (parts.length === 0 || parts.length > MAX_PARTS) return `an envelope has 1 to ${MAX_PARTS} parts`
  if (!parts.every(({ name, signer }) => isLabel(name) && isLabel(signer))) {
    return 'a part has a name and a signer, of 1 to 255 printable characters without spaces'
  }
  if (new Set(parts.map(({ name }) => name)).size !== parts.length) return 'each part has a name of its own'
  return undefined
}

function label(text: string): Uint8Array {
  return encodeString(text, TAG.visibleString)
}

function malformed<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding' && error.code !== 'ERR_ENVELOPE_MALFORMED') {
      throw new EncodingError('ERR_ENVELOPE_MALFORMED', `${what} is malformed: ${error.message}`, { cause: error })
    }
    throw error
  }
}
