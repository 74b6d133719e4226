/**
 * Decrypting a message, then verifying it: from whom it is, and that it was meant for this reader here.
 *
 * @module message/decrypt (floor 7)
 */
import { OID } from '../asn1/index.js'
import {
  attributeValue,
  type AuthEnvelopedData,
  type CmsRecipient,
  openAuthEnvelopedData,
  parseAuthEnvelopedData,
  parseSignedData,
} from '../cms/index.js'
import { DeniedError, TrustError, UsageError } from '../errors/index.js'
import { identityUriOf } from '../identity/index.js'
import type { MessagePolicy } from './message-policy.js'
import { readMessageRecipients } from './recipients.js'
import { type VerifiedMessage, verifyMessage } from './verify.js'

/** What a reader wants. It always knows its own names. */
export interface EncryptedMessagePolicy extends MessagePolicy {
  readonly destinations: readonly string[]
}

let prove: (message: VerifiedMessage, recipients: readonly string[]) => DecryptedMessage

/** The proof that a message was encrypted for this reader by its signer's will. Only {@link decryptMessage} makes one. */
export class DecryptedMessage {
  static {
    prove = (message, recipients) => new DecryptedMessage(message, recipients)
  }
  /** No object of the same form passes for this type. */
  declare protected readonly proof: 'DecryptedMessage'
  readonly message: VerifiedMessage
  /** Identity URIs of everybody who was meant to read it, as its signer says. What they do with it, nobody knows. */
  readonly recipients: readonly string[]

  private constructor(message: VerifiedMessage, recipients: readonly string[]) {
    this.message = message
    this.recipients = Object.freeze([...recipients])
    Object.freeze(this)
  }
}

/**
 * Decrypt a message and verify what is inside.
 *
 * Content is handed out only after tag, signature, destination, recipients and everything else of the policy were checked.
 *
 * @param der - The CMS document in DER.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for a reader without names of its own
 * @throws {@link TrustError} `ERR_CMS_DECRYPT`, the same for every cause
 * @throws {@link DeniedError} `ERR_MESSAGE_RECIPIENTS` for a message that was signed for others, or for nobody in particular
 * @throws the codes of {@link verifyMessage}
 */
export async function decryptMessage(
  der: Uint8Array,
  reader: CmsRecipient,
  policy: EncryptedMessagePolicy,
): Promise<DecryptedMessage> {
  if ((policy.destinations as unknown) === 'allow-any') {
    throw new UsageError('ERR_CONFIG_INVALID', 'who reads encrypted messages says for which destinations', {
      hint: 'a message for somebody else may have been encrypted again by a reader of it',
    })
  }
  const { content } = await openAuthEnvelopedData(parseEncryptedMessage(der), reader)
  // Of the very bytes that are verified below; before, because a message for others must not count as seen.
  const recipients = recipientsIn(content)
  const own = identityUriOf(reader.certificate).text
  if (!recipients.includes(own)) throw notMeant(`the message was signed for others than ${own}`, { reader: own })
  return prove(await verifyMessage(content, undefined, policy), recipients)
}

/** One message has one form: nothing in it that the tag does not cover, but who can open it. */
function parseEncryptedMessage(der: Uint8Array): AuthEnvelopedData {
  if (der.length === 0) {
    throw new DeniedError('ERR_MESSAGE_UNSIGNED', 'the message is empty', {
      hint: 'unsigned messages are never accepted',
    })
  }
  const document = parseAuthEnvelopedData(der)
  if (document.contentType !== OID.data || document.associated.length > 0 || document.hasUnauthenticated) {
    throw new TrustError('ERR_CMS_CONTENT_TYPE', 'the document is not an encrypted signet message', {
      details: { found: document.contentType },
      hint: 'for other CMS documents: signet cms decrypt',
    })
  }
  return document
}

/** What the only signer names; how many signers there are, and whether the signature holds, is checked afterwards. */
function recipientsIn(content: Uint8Array): readonly string[] {
  if (content.length === 0) throw new DeniedError('ERR_MESSAGE_UNSIGNED', 'there is no signed message inside')
  const [signer] = parseSignedData(content).signerInfos
  const recipients =
    signer === undefined
      ? undefined
      : attributeValue(signer.signedAttrs, OID.signetMessageRecipients, readMessageRecipients)
  if (recipients === undefined) throw notMeant('the message was encrypted and does not say for whom', {})
  return recipients
}

function notMeant(message: string, details: Readonly<Record<string, string>>): DeniedError {
  return new DeniedError('ERR_MESSAGE_RECIPIENTS', message, {
    details,
    hint: 'somebody who could read it may have encrypted it again',
  })
}
