/**
 * Opening AuthEnvelopedData with the key of one recipient. There is one refusal for all that depends on secrets.
 *
 * @module cms/decrypt (floor 5)
 */
import { randomBytes } from 'node:crypto'
import { DerReader, encodeBitString, encodeSequence, KEY_LIMITS } from '../asn1/index.js'
import {
  AEAD_KEY_OCTETS,
  type DecryptionKey,
  deriveKey,
  openContent,
  parsePublicKey,
  type PublicKey,
  readAlgorithmIdentifier,
  samePublicKey,
  unwrapKey,
} from '../crypto/index.js'
import { isSignetError, StoreError, TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { type AuthEnvelopedData, parseForeignAuthEnvelopedData } from './auth-enveloped-data.js'
import { sharedInfoOf } from './recipient-encoding.js'
import type { EphemeralKey, RecipientInfo } from './recipient-info.js'
import { identifies } from './signer.js'

/** Who decrypts. */
export interface CmsRecipient {
  readonly key: DecryptionKey
  /** The certificate for which was encrypted: documents name it. */
  readonly certificate: Certificate
}

export interface DecryptedData {
  readonly content: Uint8Array
  readonly contentType: string
}

/**
 * Decrypt an AuthEnvelopedData, DER, PEM or BER.
 *
 * Content comes whole and after its tag was checked, or not at all. It may be from anybody: who encrypted, and for whom
 * else, nothing here says.
 *
 * @throws {@link TrustError} `ERR_CMS_DECRYPT`, the same for every cause
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`; the codes of {@link parseForeignAuthEnvelopedData}
 */
export async function decryptData(bytes: Uint8Array, recipient: CmsRecipient): Promise<DecryptedData> {
  return openAuthEnvelopedData(parseForeignAuthEnvelopedData(bytes), recipient)
}

/** As {@link decryptData}, of a document that was parsed. */
export async function openAuthEnvelopedData(
  document: AuthEnvelopedData,
  recipient: CmsRecipient,
): Promise<DecryptedData> {
  const { key, certificate } = recipient
  if (!samePublicKey(key.publicKey, certificate.publicKey)) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the private key is not the key of the certificate', {
      details: { certificate: certificate.fingerprint },
    })
  }
  // Only the first that is for us: trying others would tell which of them fit.
  const ours = document.recipients.find(({ rid }) => identifies(rid, certificate))
  // A key that cannot be had is replaced by one that fits nothing, so that the tag refuses all the same (RFC 3218 §2.3.2).
  const instead = randomBytes(AEAD_KEY_OCTETS)
  const found = ours === undefined ? undefined : await contentKeyOf(ours, key)
  const contentKey = found?.length === AEAD_KEY_OCTETS ? found : instead
  const content = openContent(contentKey, document.nonce, document.sealed, document.associated)
  found?.fill(0)
  if (content === undefined) {
    throw new TrustError('ERR_CMS_DECRYPT', 'the document cannot be decrypted with this key', {
      hint: 'it is encrypted for others, or was changed: signet cms inspect shows its recipients',
    })
  }
  return { content, contentType: document.contentType }
}

async function contentKeyOf(info: RecipientInfo, key: DecryptionKey): Promise<Uint8Array | undefined> {
  const { family } = key.publicKey
  if (info.kind === 'keyTransport') return family === 'rsa' ? await key.decryptOaep(info.encryptedKey) : undefined
  const ephemeral = family === 'ec' ? ephemeralFor(info.ephemeral, key.publicKey) : undefined
  if (ephemeral === undefined) return undefined
  const secret = await key.agree(ephemeral)
  const wrappingKey = deriveKey(info.digest, secret, sharedInfoOf(info.ukm), AEAD_KEY_OCTETS)
  try {
    return unwrapKey(wrappingKey, info.encryptedKey)
  } finally {
    secret.fill(0)
    wrappingKey.fill(0)
  }
}

/** The sender's point as a key on the curve of the recipient; `undefined` where it is no point of that curve. */
function ephemeralFor({ point, curve }: EphemeralKey, { spkiDer }: PublicKey): PublicKey | undefined {
  const algorithm = readAlgorithmIdentifier(DerReader.over(spkiDer, KEY_LIMITS).sequence())
  const own = DerReader.over(algorithm.parametersDer ?? new Uint8Array(), KEY_LIMITS).oid()
  if (curve !== undefined && curve !== own) return undefined
  try {
    return parsePublicKey(encodeSequence(algorithm.der, encodeBitString(point)))
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}
