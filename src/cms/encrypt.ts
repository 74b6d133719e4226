/**
 * Making AuthEnvelopedData: AES-256-GCM under a key of one use, for recipients whose certificates were validated.
 *
 * @module cms/encrypt (floor 5)
 */
import { randomBytes } from 'node:crypto'
import { DerReader, KEY_LIMITS } from '../asn1/index.js'
import {
  AEAD_KEY_OCTETS,
  AEAD_NONCE_OCTETS,
  encryptOaep,
  deriveKey,
  generatePrivateKey,
  computeSharedSecret,
  type PublicKey,
  publicKeyOf,
  readAlgorithmIdentifier,
  sealContent,
  wrapKey,
} from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { type Purpose, type RevocationPolicy, validatePath } from '../path/index.js'
import type { Certificate, KeyUsage } from '../x509/index.js'
import { encodeAuthEnvelopedData } from './auth-enveloped-data.js'
import { encodeKeyAgreement, encodeKeyTransport, type IdentifierForm, sharedInfoOf } from './recipient-encoding.js'
import { MAX_RECIPIENTS } from './recipient-info.js'

export interface ValidateRecipientsRequest {
  /** Certificates that are believed. */
  readonly anchors: readonly Certificate[]
  /** Certificates that may help to build a path. */
  readonly certificates?: readonly Certificate[]
  readonly purpose: Purpose
  readonly revocation: RevocationPolicy
  readonly at: Date
}

let prove: (certificates: readonly Certificate[]) => ValidatedRecipients

/** The proof that for each of these certificates one may encrypt. Only {@link validateRecipients} makes one. */
export class ValidatedRecipients {
  static {
    prove = (certificates) => new ValidatedRecipients(certificates)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'ValidatedRecipients'
  /** At least one, each once. */
  readonly certificates: readonly Certificate[]

  private constructor(certificates: readonly Certificate[]) {
    this.certificates = Object.freeze([...certificates])
    Object.freeze(this)
  }
}

/**
 * Validate the certificates of recipients: path, purpose, revocation, and that the key can be encrypted for.
 *
 * @throws {@link DeniedError} `ERR_CMS_RECIPIENT` for nobody, somebody twice, a CA, or a key that cannot decrypt
 * @throws {@link TrustError} what path validation refuses
 */
export function validateRecipients(
  certificates: readonly Certificate[],
  request: ValidateRecipientsRequest,
): ValidatedRecipients {
  if (certificates.length === 0) throw refused('there is nobody to encrypt for')
  if (certificates.length > MAX_RECIPIENTS) throw refused(`there are more than ${MAX_RECIPIENTS} recipients`)
  const seen = new Set<string>()
  for (const certificate of certificates) {
    const subject = certificate.subject.toString()
    if (seen.has(certificate.fingerprint)) throw refused(`${subject} is a recipient twice`)
    seen.add(certificate.fingerprint)
    validatePath(certificate, {
      anchors: request.anchors,
      intermediates: request.certificates ?? [],
      at: request.at,
      purpose: request.purpose,
      revocation: request.revocation,
    })
    if (certificate.basicConstraints?.ca === true) throw refused(`${subject} is a CA, not a recipient`)
    const usage = USAGES[certificate.publicKey.family]
    if (usage === undefined) throw refused(`the key of ${subject} cannot decrypt: it is ${certificate.publicKey.name}`)
    if (certificate.keyUsage?.has(usage) === false) throw refused(`the key usage of ${subject} lacks ${usage}`)
  }
  return prove(certificates)
}

/** What a key must be for (RFC 5753 §8, RFC 4055 §1.2). Other families only sign. */
const USAGES: Readonly<Partial<Record<PublicKey['family'], KeyUsage>>> = { ec: 'keyAgreement', rsa: 'keyEncipherment' }

export interface EncryptDataOptions {
  /** How recipients are named. Default `subjectKeyIdentifier`: no name on the wire. */
  readonly identifier?: IdentifierForm
}

/**
 * Encrypt content as plain data. Says nothing about who encrypted: anybody can.
 *
 * @returns ContentInfo in DER.
 * @throws {@link DeniedError} `ERR_CMS_RECIPIENT` for a certificate without the identifier by which it shall be named
 * @see RFC 5083, RFC 5084, RFC 5753, RFC 3560
 */
export function encryptData(
  content: Uint8Array,
  recipients: ValidatedRecipients,
  options: EncryptDataOptions = {},
): Uint8Array {
  const form = options.identifier ?? 'subjectKeyIdentifier'
  const contentKey = randomBytes(AEAD_KEY_OCTETS)
  try {
    const recipientInfos = recipients.certificates.map((certificate) => recipientInfo(certificate, form, contentKey))
    // The key is used once, so any nonce will do; random ones harm nobody who got that wrong.
    const nonce = randomBytes(AEAD_NONCE_OCTETS)
    return encodeAuthEnvelopedData(recipientInfos, nonce, sealContent(contentKey, nonce, content))
  } finally {
    contentKey.fill(0)
  }
}

function recipientInfo(certificate: Certificate, form: IdentifierForm, contentKey: Uint8Array): Uint8Array {
  const { publicKey } = certificate
  if (publicKey.family === 'rsa') return encodeKeyTransport(certificate, form, encryptOaep(publicKey, contentKey))
  const ephemeral = generatePrivateKey(publicKey.algorithm.name)
  const digest = publicKey.name === 'p384' ? 'sha384' : 'sha256'
  const secret = computeSharedSecret(ephemeral, publicKey)
  const wrappingKey = deriveKey(digest, secret, sharedInfoOf(undefined), AEAD_KEY_OCTETS)
  try {
    const encryptedKey = wrapKey(wrappingKey, contentKey)
    return encodeKeyAgreement(certificate, form, { digest, encryptedKey, point: pointOf(publicKeyOf(ephemeral)) })
  } finally {
    secret.fill(0)
    wrappingKey.fill(0)
  }
}

function pointOf({ spkiDer }: PublicKey): Uint8Array {
  const fields = DerReader.over(spkiDer, KEY_LIMITS).sequence()
  readAlgorithmIdentifier(fields)
  return fields.octetBitString()
}

function refused(message: string): DeniedError {
  return new DeniedError('ERR_CMS_RECIPIENT', message, {
    hint: 'name certificates whose keys are for encryption, each once: signet issue ENTITY --profile recipient',
  })
}
