/**
 * Encrypting a message: it is signed with its recipients named under the signature, then encrypted for them.
 *
 * @module message/encrypt (floor 7)
 */
import { encryptData, validateRecipients } from '../cms/index.js'
import { DeniedError } from '../errors/index.js'
import { identityUriOf } from '../identity/index.js'
import type { TrustDirectory } from '../trust/index.js'
import type { Certificate } from '../x509/index.js'
import type { MessageContext } from './context.js'
import { type SigningCredential, signMessage, type SignMessageRequest } from './sign.js'

export interface EncryptMessageRequest extends Omit<SignMessageRequest, 'form' | 'recipients'> {
  /** Certificates of the profile `recipient`, of everybody who may read; at least one. */
  readonly recipients: readonly Certificate[]
  /** Whose authorities and CRLs say that these certificates are good. */
  readonly trust: TrustDirectory
}

export interface EncryptedMessage {
  /** ContentInfo in DER. */
  readonly der: Uint8Array
  readonly context: MessageContext
  /** Identity URIs of the recipients, as signed. */
  readonly recipients: readonly string[]
}

/**
 * Sign a message, and encrypt it for its recipients.
 *
 * Nothing is signed before every recipient was validated: path, purpose, revocation by the CRLs of the trust directory.
 * The signer is no reader unless it is named.
 *
 * @param content - Signed byte for byte.
 * @throws {@link DeniedError} `ERR_MESSAGE_RECIPIENTS` for nobody, `ERR_CMS_RECIPIENT`, `ERR_IDENTITY_INVALID`
 * @throws {@link TrustError} what path validation refuses · {@link StaleError} a trust directory that is not current
 * @throws the codes of {@link signMessage}
 */
export async function encryptMessage(
  content: Uint8Array,
  signer: SigningCredential,
  request: EncryptMessageRequest,
): Promise<EncryptedMessage> {
  const { recipients: certificates, trust, ...signing } = request
  if (certificates.length === 0) {
    throw new DeniedError(
      'ERR_MESSAGE_RECIPIENTS',
      `whoever listens to ${request.destination} cannot be encrypted for`,
      {
        details: { destination: request.destination },
        hint: 'name everybody who may read the message, or sign it only',
      },
    )
  }
  trust.requireCurrent(request.at)
  const validated = validateRecipients(certificates, {
    anchors: trust.anchors,
    certificates: trust.authorities,
    purpose: 'message-encryption',
    revocation: { crls: trust.crls },
    at: request.at,
  })
  const recipients = [...new Set(validated.certificates.map((certificate) => identityUriOf(certificate).text))].sort()
  const { der, context } = await signMessage(content, signer, { ...signing, form: 'attached', recipients })
  return { der: encryptData(der, validated), context, recipients }
}
