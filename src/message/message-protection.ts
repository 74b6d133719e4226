/**
 * One interface for whatever protects messages: a program that sends and receives does not know whether it is CMS or
 * something that it moves away from.
 *
 * @module message/message-protection (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import type { MessagePolicy } from './message-policy.js'
import { signMessage } from './sign.js'
import { type VerifiedMessage, verifyMessage } from './verify.js'

/** What is to be sent. */
export interface OutgoingMessage {
  readonly content: Uint8Array
  /** What it is. Not everything that protects messages protects that, too. */
  readonly type: string
  readonly destination: string
  readonly at: Date
}

/** What was verified, in the words that all protections share. */
export interface ReceivedMessage {
  readonly protection: ProtectionName
  readonly content: Uint8Array
  /** Who sent it, as far as the protection can tell: see docs/kite.md. */
  readonly sender: string
  readonly destination: string
  /** What CMS has to say beyond that. */
  readonly verified?: VerifiedMessage
}

/** Whoever {@link signMessage} signs for. */
export type SigningParty = Parameters<typeof signMessage>[1]

export type ProtectionName = 'cms' | 'shared-key' | 'both'

export interface MessageVerification {
  /**
   * Verify what came in.
   *
   * @param bytes - What {@link MessageProtection.protect} yields: content and protection in one.
   * @throws {@link SignetError} whose category tells *not to be believed*, *not allowed* and *too late* apart
   */
  verify(bytes: Uint8Array, at: Date): Promise<ReceivedMessage>
}

export interface MessageProtection extends MessageVerification {
  protect(message: OutgoingMessage): Promise<Uint8Array>
}

/** What a receiver wants of CMS, at whatever time it is asked. */
export type CmsReceiver = Omit<MessagePolicy, 'at'>

/** Whether octets begin as DER does: what is neither this nor JSON is protected by nothing. */
export function looksLikeCms(bytes: Uint8Array): boolean {
  return bytes[0] === 0x30
}

/**
 * Protection by CMS: the content inside of the signed document. All is done by {@link signMessage} and
 * {@link verifyMessage}.
 */
export function cmsProtection(signer: SigningParty, receiver: CmsReceiver): MessageProtection {
  return {
    protect: async ({ content, ...request }) =>
      (await signMessage(content, signer, { ...request, form: 'attached' })).der,
    verify: async (bytes, at) => {
      if (!looksLikeCms(bytes)) {
        throw new DeniedError('ERR_MESSAGE_UNSIGNED', 'the message has no signature', {
          hint: 'unsigned messages are never accepted',
        })
      }
      return receivedMessage(await verifyMessage(bytes, undefined, { ...receiver, at }))
    },
  }
}

/** A verified message in the words that all protections share. */
export function receivedMessage(verified: VerifiedMessage): ReceivedMessage {
  const { content, context, signer } = verified
  return { protection: 'cms', content, sender: signer.entity, destination: context.destination, verified }
}
