/**
 * The structure of SignedData (RFC 5652 §5), read strictly. Reading believes nothing.
 *
 * @module cms/signed-data (floor 5)
 */
import {
  CMS_LIMITS,
  contextConstructed,
  contextPrimitive,
  type DerLimits,
  DerReader,
  OID,
  oidName,
  TAG,
} from '../asn1/index.js'
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../crypto/index.js'
import { LimitError, TrustError } from '../errors/index.js'
import { Name, named, readSerial, serialText } from '../x509/index.js'
import { type Attributes, readAttributes, requireSingleValues } from './attributes.js'
import { parseForeign } from './foreign.js'
import { plainSignedData, signedOctets } from './plain-signed-data.js'
import type { SignedData, SignerIdentifier, SignerInfo } from './structure.js'

export type { SignedData, SignerIdentifier, SignerInfo } from './structure.js'

const MAX_SIGNERS = 32
const MAX_CERTIFICATES = 64

/**
 * Parse a CMS SignedData in DER.
 *
 * @param der - Shared, not copied.
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`, `ERR_CMS_ATTRIBUTE_DUPLICATE`
 * @throws {@link TrustError} `ERR_CMS_TYPE_UNSUPPORTED` for every other type of CMS
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`, `ERR_DER_DEPTH`
 */
export function parseSignedData(der: Uint8Array, limits: DerLimits = CMS_LIMITS): SignedData {
  // What is plain is within the usual limits; others have to be counted.
  const plain = limits === CMS_LIMITS ? plainSignedData(der) : undefined
  return plain ?? parseAnySignedData(der, limits)
}

/** As {@link parseSignedData}, in whatever form the document is. */
export function parseAnySignedData(der: Uint8Array, limits: DerLimits = CMS_LIMITS): SignedData {
  return named('ERR_CMS_MALFORMED', 'a CMS document', () => {
    const reader = DerReader.over(der, limits)
    const contentInfo = reader.sequence()
    reader.finish()
    const contentType = contentInfo.oid()
    if (contentType !== OID.signedData) {
      throw new TrustError('ERR_CMS_TYPE_UNSUPPORTED', `the document is ${oidName(contentType)}, not signedData`, {
        details: { contentType },
      })
    }
    const explicit = contentInfo.constructed(contextConstructed(0))
    contentInfo.finish()
    const signedData = readSignedData(explicit.sequence())
    explicit.finish()
    return signedData
  })
}

/**
 * Parse the SignedData of a stranger: DER or PEM, and where the bytes are BER, brought into DER first.
 *
 * Everything is then checked as strictly as ever; only the encoding of what is not signed may differ.
 */
export function parseForeignSignedData(bytes: Uint8Array): SignedData {
  return parseForeign(bytes, parseSignedData)
}

function readSignedData(fields: DerReader): SignedData {
  const version = fields.smallInteger(255)
  const digestAlgorithms: AlgorithmIdentifier[] = []
  const digestSet = fields.set()
  while (!digestSet.atEnd) {
    if (digestAlgorithms.length === MAX_SIGNERS) throw tooMany('digest algorithms', MAX_SIGNERS)
    digestAlgorithms.push(readAlgorithmIdentifier(digestSet))
  }
  const encapContentInfo = fields.sequence()
  const eContentType = encapContentInfo.oid()
  let eContent: Uint8Array | undefined
  if (!encapContentInfo.atEnd) {
    const explicit = encapContentInfo.constructed(contextConstructed(0))
    eContent = explicit.octetString()
    explicit.finish()
    encapContentInfo.finish()
  }
  const certificatesDer = readElements(fields, contextConstructed(0), CERTIFICATE_CHOICES, 'certificates')
  const crlsDer = readElements(fields, contextConstructed(1), REVOCATION_CHOICES, 'CRLs')
  const signerInfos: SignerInfo[] = []
  const signerSet = fields.set()
  while (!signerSet.atEnd) {
    if (signerInfos.length === MAX_SIGNERS) throw tooMany('signers', MAX_SIGNERS)
    signerInfos.push(readSignerInfo(signerSet.sequence()))
  }
  fields.finish()
  const signedData = { version, digestAlgorithms, eContentType, eContent, certificatesDer, crlsDer, signerInfos }
  checkVersion(signedData, fields)
  return signedData
}

/** RFC 5652 §5.1. Outside the signature, and therefore compared: one document has one form. */
function checkVersion({ version, eContentType, signerInfos, certificatesDer }: SignedData, fields: DerReader): void {
  const hasOtherCertificates = certificatesDer.some((der) => der[0] !== TAG.sequence)
  const expected = hasOtherCertificates
    ? undefined
    : eContentType !== OID.data || signerInfos.some((signer) => signer.version === 3)
      ? 3
      : 1
  if (expected !== undefined && version !== expected) {
    throw fields.error('ERR_CMS_MALFORMED', `the version is ${version} where it should be ${expected}`)
  }
}

/** Tags of CertificateChoices and RevocationInfoChoice (RFC 5652 §10.2.1, §10.2.2). */
const CERTIFICATE_CHOICES: readonly number[] = [TAG.sequence, ...[0, 1, 2, 3].map(contextConstructed)]
const REVOCATION_CHOICES: readonly number[] = [TAG.sequence, contextConstructed(1)]

function readElements(fields: DerReader, tag: number, choices: readonly number[], what: string): readonly Uint8Array[] {
  if (fields.peek() !== tag) return []
  const set = fields.constructed(tag)
  const elements: Uint8Array[] = []
  while (!set.atEnd) {
    if (elements.length === MAX_CERTIFICATES) throw tooMany(what, MAX_CERTIFICATES)
    if (!choices.includes(set.peek())) throw set.unexpected(`one of the ${what}`)
    elements.push(set.element())
  }
  return elements
}

/**
 * Parse one SignerInfo by itself, as a countersignature is one.
 *
 * @throws {@link EncodingError} `ERR_CMS_MALFORMED`, `ERR_CMS_ATTRIBUTE_DUPLICATE`
 */
export function parseSignerInfo(der: Uint8Array): SignerInfo {
  return named('ERR_CMS_MALFORMED', 'a SignerInfo', () => {
    const reader = DerReader.over(der, CMS_LIMITS)
    const signerInfo = readSignerInfo(reader.sequence())
    reader.finish()
    return signerInfo
  })
}

function readSignerInfo(fields: DerReader): SignerInfo {
  const version = fields.smallInteger(255)
  const sid = readSignerIdentifier(fields)
  // RFC 5652 §5.3.
  if (version !== (sid.kind === 'subjectKeyIdentifier' ? 3 : 1)) {
    throw fields.error('ERR_CMS_MALFORMED', 'the version of a signer does not fit its identifier')
  }
  const digestAlgorithm = readAlgorithmIdentifier(fields)
  let signedAttrsDer: Uint8Array | undefined
  let signedAttrs: Attributes = new Map()
  if (fields.peek() === contextConstructed(0)) {
    const start = fields.position
    signedAttrs = readAttributes(fields.constructed(contextConstructed(0)))
    requireSingleValues(signedAttrs)
    signedAttrsDer = signedOctets(fields.bytes, start, fields.position)
  }
  const signatureAlgorithm = readAlgorithmIdentifier(fields)
  const signature = fields.octetString()
  const unsignedAttrs =
    fields.peek() === contextConstructed(1) ? readAttributes(fields.constructed(contextConstructed(1))) : new Map()
  fields.finish()
  return { version, sid, digestAlgorithm, signedAttrsDer, signedAttrs, signatureAlgorithm, signature, unsignedAttrs }
}

function readSignerIdentifier(fields: DerReader): SignerIdentifier {
  if (fields.peek() === contextPrimitive(0)) {
    return { kind: 'subjectKeyIdentifier', keyIdentifier: fields.octetString(contextPrimitive(0)) }
  }
  return readIssuerAndSerialNumber(fields)
}

export function readIssuerAndSerialNumber(
  fields: DerReader,
): Extract<SignerIdentifier, { readonly kind: 'issuerAndSerialNumber' }> {
  const issuerAndSerial = fields.sequence()
  const issuer = Name.read(issuerAndSerial)
  const serialNumber = serialText(readSerial(issuerAndSerial))
  issuerAndSerial.finish()
  return { kind: 'issuerAndSerialNumber', issuer, serialNumber }
}

function tooMany(what: string, limit: number): LimitError {
  return new LimitError('ERR_LIMIT_EXCEEDED', `a CMS document has more than ${limit} ${what}`)
}
