/**
 * The structure of AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), read strictly. Reading decrypts nothing.
 *
 * @module cms/auth-enveloped-data (floor 5)
 */
import {
  CMS_LIMITS,
  concatBytes,
  contextConstructed,
  contextPrimitive,
  type DerLimits,
  DerReader,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  KEY_LIMITS,
  OID,
  oidName,
  TAG,
} from '../asn1/index.js'
import {
  AEAD_NONCE_OCTETS,
  AEAD_TAG_OCTETS,
  type AlgorithmIdentifier,
  readAlgorithmIdentifier,
  type Sealed,
} from '../crypto/index.js'
import { TrustError } from '../errors/index.js'
import { named } from '../x509/index.js'
import { attributeValue, readAttributes, requireSingleValues } from './attributes.js'
import { parseForeign } from './foreign.js'
import { readRecipientInfos, type RecipientInfo } from './recipient-info.js'

export interface AuthEnvelopedData {
  /** Those whose kind is known. */
  readonly recipients: readonly RecipientInfo[]
  readonly contentType: string
  readonly nonce: Uint8Array
  readonly sealed: Sealed
  /** The octets that are authenticated beside the content: authAttrs with the tag of a SET; none, where there are none. */
  readonly associated: Uint8Array
  /** Whether there is anything that the tag does not cover, besides recipients. */
  readonly hasUnauthenticated: boolean
}

/**
 * Parse a CMS AuthEnvelopedData in DER.
 *
 * Checks every algorithm and its parameters: content is encrypted with AES-256-GCM, a nonce of 12 octets and a tag of 16.
 *
 * @param der - Shared, not copied.
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`
 * @throws {@link TrustError} `ERR_CMS_TYPE_UNSUPPORTED` for every other type of CMS, `ERR_ALGORITHM_NOT_ALLOWED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`, `ERR_DER_DEPTH`
 */
export function parseAuthEnvelopedData(der: Uint8Array, limits: DerLimits = CMS_LIMITS): AuthEnvelopedData {
  return parse(der, limits, 'one-piece')
}

/** As {@link parseAuthEnvelopedData}, of a stranger: DER, PEM, or BER, which may have the content in pieces. */
export function parseForeignAuthEnvelopedData(bytes: Uint8Array): AuthEnvelopedData {
  return parseForeign(bytes, (der) => parse(der, CMS_LIMITS, 'allow-pieces'))
}

type ContentForm = 'one-piece' | 'allow-pieces'

function parse(der: Uint8Array, limits: DerLimits, form: ContentForm): AuthEnvelopedData {
  return named('ERR_CMS_MALFORMED', 'a CMS document', () => {
    const reader = DerReader.over(der, limits)
    const contentInfo = reader.sequence()
    reader.finish()
    const type = contentInfo.oid()
    if (type !== OID.authEnvelopedData) throw otherType(type)
    const explicit = contentInfo.constructed(contextConstructed(0))
    contentInfo.finish()
    const fields = explicit.sequence()
    explicit.finish()
    return readFields(fields, form)
  })
}

function otherType(type: string): TrustError {
  return new TrustError('ERR_CMS_TYPE_UNSUPPORTED', `the document is ${oidName(type)}, not authEnvelopedData`, {
    details: { contentType: type },
    // EFAIL: with CBC, content can be changed and read by others without anybody noticing.
    ...(type === OID.envelopedData
      ? { hint: 'what is only encrypted can be changed unnoticed; encrypt it with AES-GCM: openssl cms -aes-256-gcm' }
      : {}),
  })
}

function readFields(fields: DerReader, form: ContentForm): AuthEnvelopedData {
  // RFC 5083 §2.1.
  if (fields.smallInteger(255) !== 0) throw fields.error('ERR_CMS_MALFORMED', 'the version of the document is 0')
  const hasOriginatorInfo = fields.peek() === contextConstructed(0)
  if (hasOriginatorInfo) fields.element()
  const recipients = readRecipientInfos(fields.set())
  const contentInfo = fields.sequence()
  const contentType = contentInfo.oid()
  const { nonce, tagOctets } = readGcmParameters(readAlgorithmIdentifier(contentInfo), contentInfo)
  const encrypted = readEncryptedContent(contentInfo, form)
  contentInfo.finish()
  const associated = readAuthenticatedAttributes(fields, contentType)
  const tag = fields.octetString()
  const hasUnauthAttrs = fields.peek() === contextConstructed(2)
  if (hasUnauthAttrs) readAttributes(fields.constructed(contextConstructed(2)))
  fields.finish()
  if (tag.length !== tagOctets) throw fields.error('ERR_CMS_MALFORMED', 'the tag is not as long as its parameters say')
  const hasUnauthenticated = hasOriginatorInfo || hasUnauthAttrs
  return { recipients, contentType, nonce, sealed: { encrypted, tag }, associated, hasUnauthenticated }
}

/** GCMParameters (RFC 5084 §3.2): the tag has 12 octets where nothing is said, which is too few. */
function readGcmParameters(
  { oid, parametersDer }: AlgorithmIdentifier,
  at: DerReader,
): { readonly nonce: Uint8Array; readonly tagOctets: number } {
  if (oid !== OID.aes256Gcm) throw refused(`the content is encrypted with ${oidName(oid)}`)
  if (parametersDer === undefined) throw at.error('ERR_CMS_MALFORMED', 'the parameters of AES-GCM are missing')
  const reader = DerReader.over(parametersDer, KEY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  const nonce = fields.octetString()
  const tagOctets = fields.peek() === TAG.integer ? fields.smallInteger(255) : 12
  fields.finish()
  if (nonce.length !== AEAD_NONCE_OCTETS)
    throw at.error('ERR_CMS_MALFORMED', `a nonce of AES-GCM has ${AEAD_NONCE_OCTETS} octets, not ${nonce.length}`)
  if (tagOctets < 12 || tagOctets > 16) throw at.error('ERR_CMS_MALFORMED', 'a tag of AES-GCM has 12 to 16 octets')
  if (tagOctets !== AEAD_TAG_OCTETS) throw refused(`the content is authenticated by ${tagOctets} octets only`)
  return { nonce, tagOctets }
}

/** `[0] IMPLICIT OCTET STRING`; what was written piece by piece is constructed, also after it was brought into DER. */
function readEncryptedContent(fields: DerReader, form: ContentForm): Uint8Array {
  if (form === 'one-piece' || fields.peek() !== contextConstructed(0)) return fields.octetString(contextPrimitive(0))
  const constructed = fields.constructed(contextConstructed(0))
  const pieces: Uint8Array[] = []
  while (!constructed.atEnd) pieces.push(constructed.octetString())
  return concatBytes(...pieces)
}

const SET_TAG = Uint8Array.of(TAG.set)

/** RFC 5083 §2.1: there if the content is not plain data, in DER, with the type of the content. */
function readAuthenticatedAttributes(fields: DerReader, contentType: string): Uint8Array {
  if (fields.peek() !== contextConstructed(1)) {
    if (contentType !== OID.data)
      throw fields.error('ERR_CMS_MALFORMED', 'the type of the content is not authenticated')
    return new Uint8Array()
  }
  const start = fields.position
  const attributes = readAttributes(fields.constructed(contextConstructed(1)))
  requireSingleValues(attributes)
  const stated = attributeValue(attributes, OID.contentType, (value) => value.oid())
  if (stated === undefined ? contentType !== OID.data : stated !== contentType)
    throw fields.error('ERR_CMS_MALFORMED', 'the authenticated type is not that of the content')
  return concatBytes(SET_TAG, fields.bytes.subarray(start + 1, fields.position))
}

/** ContentInfo in DER: content type data, no attributes, which OpenSSL would not authenticate. */
export function encodeAuthEnvelopedData(
  recipientInfos: readonly Uint8Array[],
  nonce: Uint8Array,
  { encrypted, tag }: Sealed,
): Uint8Array {
  const parameters = encodeSequence(encodeOctetString(nonce), encodeInteger(AEAD_TAG_OCTETS))
  const authEnvelopedData = encodeSequence(
    encodeInteger(0),
    encodeSetOf(...recipientInfos),
    encodeSequence(
      encodeObjectIdentifier(OID.data),
      encodeSequence(encodeObjectIdentifier(OID.aes256Gcm), parameters),
      encodeContextPrimitive(0, encrypted),
    ),
    encodeOctetString(tag),
  )
  return encodeSequence(encodeObjectIdentifier(OID.authEnvelopedData), encodeContext(0, authEnvelopedData))
}

function refused(message: string): TrustError {
  return new TrustError('ERR_ALGORITHM_NOT_ALLOWED', `${message}, which is not allowed`, {
    hint: 'use AES-256-GCM with a tag of 16 octets: openssl cms -encrypt -aes-256-gcm',
  })
}
