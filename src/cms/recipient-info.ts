/**
 * RecipientInfo (RFC 5652 §6.2): the content key, once for each recipient. Read strictly; what is here is
 * authenticated by nothing, so every algorithm is judged before any key is used.
 *
 * @module cms/recipient-info (floor 5)
 */
import {
  contextConstructed,
  contextPrimitive,
  DerReader,
  encodeObjectIdentifier,
  encodeSequence,
  equalBytes,
  KEY_LIMITS,
  OID,
  oidName,
  TAG,
} from '../asn1/index.js'
import { type AlgorithmIdentifier, type DigestName, digestOf, readAlgorithmIdentifier } from '../crypto/index.js'
import { LimitError, TrustError } from '../errors/index.js'
import { readIssuerAndSerialNumber, type SignerIdentifier } from './signed-data.js'

/** Which certificate a content key is for: the same choice as for signers. */
export type RecipientIdentifier = SignerIdentifier

/** KeyTransRecipientInfo with RSAES-OAEP, SHA-256, MGF1 with SHA-256 and no label (RFC 3560, RFC 4055 §4.1). */
export interface KeyTransportRecipient {
  readonly kind: 'keyTransport'
  readonly rid: RecipientIdentifier
  readonly encryptedKey: Uint8Array
}

/** The digest of a key derivation. */
export type KeyDerivationDigest = Extract<DigestName, 'sha256' | 'sha384'>

/** One recipient of a KeyAgreeRecipientInfo: ephemeral-static ECDH (RFC 5753 §3.1), AES-256 key wrap (RFC 3565). */
export interface KeyAgreementRecipient {
  readonly kind: 'keyAgreement'
  readonly rid: RecipientIdentifier
  readonly encryptedKey: Uint8Array
  readonly digest: KeyDerivationDigest
  readonly ephemeral: EphemeralKey
  /** User keying material, where the sender put some in. */
  readonly ukm: Uint8Array | undefined
}

/** The sender's key of one use: an EC point, on the curve of the recipient's key. */
export interface EphemeralKey {
  readonly point: Uint8Array
  /** The curve, where it is stated. */
  readonly curve: string | undefined
}

export type RecipientInfo = KeyTransportRecipient | KeyAgreementRecipient

/** Most recipients of one document, and most user keying material of one of them. */
export const MAX_RECIPIENTS = 256
const MAX_UKM_OCTETS = 64

/** RFC 5753 §7.1.4. The scheme with SHA-1, which OpenSSL takes unless told otherwise, is not here. */
const KEY_DERIVATIONS: ReadonlyMap<string, KeyDerivationDigest> = new Map([
  [OID.stdDhSha256Kdf, 'sha256'],
  [OID.stdDhSha384Kdf, 'sha384'],
])
/** AES-256 key wrap; its parameters are absent (RFC 3565 §2.3.2). */
export const AES256_WRAP = encodeSequence(encodeObjectIdentifier(OID.aes256Wrap))

/**
 * Read the content of RecipientInfos: at least one, ascending.
 *
 * Recipients of kinds that nobody here knows are passed over (RFC 5652 §6.2.5); all others have algorithms of the
 * allow-list, or the document is refused: the content is no safer than its weakest recipient.
 *
 * @throws {@link TrustError} `ERR_ALGORITHM_NOT_ALLOWED` for PKCS #1 v1.5, passwords, keys known before, SHA-1, other wraps
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function readRecipientInfos(set: DerReader): readonly RecipientInfo[] {
  const recipients: RecipientInfo[] = []
  let count = 0
  let previous: Uint8Array | undefined
  const counted = (found: readonly RecipientInfo[]): void => {
    count += Math.max(found.length, 1)
    if (count > MAX_RECIPIENTS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a CMS document has more than ${MAX_RECIPIENTS} recipients`)
    recipients.push(...found)
  }
  while (!set.atEnd) {
    const start = set.position
    counted(readRecipientInfo(set))
    const der = set.bytes.subarray(start, set.position)
    if (previous !== undefined && Buffer.compare(previous, der) > 0)
      throw set.error('ERR_DER_NON_CANONICAL', 'recipients are a SET OF in ascending order', start)
    previous = der
  }
  if (previous === undefined) throw set.unexpected('a recipient')
  return recipients
}

function readRecipientInfo(set: DerReader): readonly RecipientInfo[] {
  switch (set.peek()) {
    case TAG.sequence:
      return [readKeyTransport(set.sequence())]
    case contextConstructed(1):
      return readKeyAgreement(set.constructed(contextConstructed(1)))
    case contextConstructed(2):
      throw refused('a key-encryption key that was known before')
    case contextConstructed(3):
      // Whoever guesses it reads everything, and can put in something else.
      throw refused('a password')
    case contextConstructed(4):
      set.element()
      return []
    default:
      throw set.unexpected('a recipient')
  }
}

function readKeyTransport(fields: DerReader): KeyTransportRecipient {
  const version = fields.smallInteger(255)
  const rid: RecipientIdentifier =
    fields.peek() === contextPrimitive(0)
      ? { kind: 'subjectKeyIdentifier', keyIdentifier: fields.octetString(contextPrimitive(0)) }
      : readIssuerAndSerialNumber(fields)
  // RFC 5652 §6.2.1.
  if (version !== (rid.kind === 'subjectKeyIdentifier' ? 2 : 0)) throw wrongVersion(fields)
  requireOaep(readAlgorithmIdentifier(fields), fields)
  const encryptedKey = fields.octetString()
  fields.finish()
  return { kind: 'keyTransport', rid, encryptedKey }
}

/** RSAES-OAEP-params (RFC 4055 §4.1): what is absent would mean SHA-1. */
function requireOaep({ oid, parametersDer }: AlgorithmIdentifier, at: DerReader): void {
  if (oid === OID.rsaEncryption) throw refused('RSA with the padding of PKCS #1 v1.5', OAEP_HINT)
  if (oid !== OID.rsaesOaep) throw refused(oidName(oid))
  if (parametersDer === undefined) throw at.error('ERR_CMS_MALFORMED', 'the parameters of RSAES-OAEP are missing')
  const reader = DerReader.over(parametersDer, KEY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  const hashed = explicitly(fields, 0, readAlgorithmIdentifier)
  const mask = explicitly(fields, 1, readAlgorithmIdentifier)
  const label = explicitly(fields, 2, readAlgorithmIdentifier)
  fields.finish()
  if (hashed === undefined || digestOf(hashed) !== 'sha256') throw refused('RSAES-OAEP without SHA-256', OAEP_HINT)
  const maskDer = mask?.oid === OID.mgf1 ? mask.parametersDer : undefined
  if (maskDer === undefined || digestOf(readAlgorithmIdentifier(DerReader.over(maskDer, KEY_LIMITS))) !== 'sha256')
    throw refused('RSAES-OAEP without SHA-256 in its mask', OAEP_HINT)
  if (label === undefined) return
  if (label.oid !== OID.pSpecified || label.parametersDer === undefined) throw refused('RSAES-OAEP with another label')
  if (DerReader.over(label.parametersDer, KEY_LIMITS).octetString().length > 0) throw refused('RSAES-OAEP with a label')
}

function readKeyAgreement(fields: DerReader): readonly KeyAgreementRecipient[] {
  if (fields.smallInteger(255) !== 3) throw wrongVersion(fields)
  const originator = fields.constructed(contextConstructed(0))
  if (originator.peek() !== contextConstructed(1)) throw refused('a key of the sender that is not of one use')
  const ephemeral = readEphemeralKey(originator.constructed(contextConstructed(1)))
  originator.finish()
  const ukm = explicitly(fields, 1, (value) => value.octetString())
  if ((ukm?.length ?? 0) > MAX_UKM_OCTETS)
    throw new LimitError('ERR_LIMIT_EXCEEDED', `user keying material is longer than ${MAX_UKM_OCTETS} octets`)
  const digest = readKeyDerivation(readAlgorithmIdentifier(fields), fields)
  const keys = fields.sequence()
  fields.finish()
  const recipients: KeyAgreementRecipient[] = []
  while (!keys.atEnd && recipients.length <= MAX_RECIPIENTS) {
    const recipient = keys.sequence()
    const rid = readKeyAgreementIdentifier(recipient)
    const encryptedKey = recipient.octetString()
    recipient.finish()
    recipients.push({ kind: 'keyAgreement', rid, encryptedKey, digest, ephemeral, ukm })
  }
  if (recipients.length === 0) throw keys.unexpected('a recipient')
  return recipients
}

/** OriginatorPublicKey: RFC 5753 §7.1.2 lets the curve be absent, NULL or stated. */
function readEphemeralKey(fields: DerReader): EphemeralKey {
  const { oid, parametersDer } = readAlgorithmIdentifier(fields)
  const point = fields.octetBitString()
  fields.finish()
  if (oid !== OID.ecPublicKey) throw refused(`a key of the sender of the kind ${oidName(oid)}`)
  if (parametersDer === undefined || equalBytes(parametersDer, NULL)) return { point, curve: undefined }
  if (parametersDer[0] !== TAG.oid) throw refused('a curve without a name')
  return { point, curve: DerReader.over(parametersDer, KEY_LIMITS).oid() }
}

const NULL = Uint8Array.of(TAG.null, 0)

function readKeyDerivation({ oid, parametersDer }: AlgorithmIdentifier, at: DerReader): KeyDerivationDigest {
  const digest = KEY_DERIVATIONS.get(oid)
  if (digest === undefined)
    throw refused(`the key agreement ${oidName(oid)}`, 'use SHA-256 or SHA-384: openssl cms -keyopt ecdh_kdf_md:sha256')
  if (parametersDer === undefined) throw at.error('ERR_CMS_MALFORMED', 'the key wrap of a key agreement is missing')
  if (equalBytes(parametersDer, AES256_WRAP)) return digest
  const reader = DerReader.over(parametersDer, KEY_LIMITS)
  const wrap = readAlgorithmIdentifier(reader)
  reader.finish()
  if (wrap.oid !== OID.aes256Wrap) throw refused(`the key wrap ${oidName(wrap.oid)}`)
  throw at.error('ERR_CMS_MALFORMED', 'AES key wrap has no parameters')
}

function readKeyAgreementIdentifier(fields: DerReader): RecipientIdentifier {
  if (fields.peek() !== contextConstructed(0)) return readIssuerAndSerialNumber(fields)
  const recipientKey = fields.constructed(contextConstructed(0))
  const keyIdentifier = recipientKey.octetString()
  // The date of the key and what else would name it: nothing goes by them.
  if (recipientKey.peek() === TAG.generalizedTime) recipientKey.generalizedTime()
  if (recipientKey.peek() === TAG.sequence) recipientKey.sequence()
  recipientKey.finish()
  return { kind: 'subjectKeyIdentifier', keyIdentifier }
}

function explicitly<T>(fields: DerReader, number: number, read: (value: DerReader) => T): T | undefined {
  if (fields.peek() !== contextConstructed(number)) return undefined
  const explicit = fields.constructed(contextConstructed(number))
  const value = read(explicit)
  explicit.finish()
  return value
}

function wrongVersion(fields: DerReader): Error {
  return fields.error('ERR_CMS_MALFORMED', 'the version of a recipient does not fit its form')
}

const OAEP_HINT = 'use RSAES-OAEP: openssl cms -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256'

function refused(what: string, hint = 'use ECDH with AES-256 key wrap, or RSAES-OAEP with SHA-256'): TrustError {
  return new TrustError('ERR_ALGORITHM_NOT_ALLOWED', `a recipient is reached by ${what}, which is not allowed`, {
    hint,
  })
}
