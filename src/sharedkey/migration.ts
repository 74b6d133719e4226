/**
 * Moving from shared keys to signatures, one sender after the other, so that nobody can be pushed back.
 *
 * A sender that moves first sends both: Kite's envelope, with a CMS signature of its message beside the MAC, which old
 * receivers do not look at. Whoever strips the signature has a message that old receivers take, and new ones do not: for
 * each sender they know what it must use. What a sender must use is never read from a message.
 *
 * @module sharedkey/migration (floor 7.1)
 */
import { DeniedError, TrustError, UsageError } from '../errors/index.js'
import {
  type CmsReceiver,
  looksLikeCms,
  type MessageProtection,
  type MessageVerification,
  type OutgoingMessage,
  type ReceivedMessage,
  receivedMessage,
  type SigningParty,
  signMessage,
  verifyMessage,
} from '../message/index.js'
import { type Envelope, parseEnvelope, SIGNATURE_MEMBER } from './envelope.js'
import { fromBase64, malformed } from './primitives.js'
import type { SharedKeyProtection } from './shared-key-protection.js'

/** One sender, and what its messages must be protected by. */
export interface MigratingSender {
  /** As the trust directory names it. */
  readonly entity: string
  /** As the key server names it. */
  readonly keyName: string
  /**
   * - `'cms'`: a signature, alone or beside a MAC.
   * - a date: until then a shared key alone is accepted, too; after the first message that has a signature, no longer.
   */
  readonly requires: 'cms' | { readonly allowSharedKeyUntil: Date }
}

/** Which senders were seen with a signature. One that outlives the process is better still. */
export interface MigrationMemory {
  hasMoved(entity: string): boolean
  moved(entity: string): void
}

export function createMigrationMemory(): MigrationMemory {
  const entities = new Set<string>()
  return { hasMoved: (entity) => entities.has(entity), moved: (entity) => void entities.add(entity) }
}

export interface MigrationReceiver {
  readonly cms: CmsReceiver
  readonly sharedKey: SharedKeyProtection
  readonly senders: readonly MigratingSender[]
  readonly memory: MigrationMemory
}

/**
 * A receiver that takes messages of senders that have moved, and of those that have not.
 *
 * Senders that are not listed are refused, whatever protects their messages.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where a sender is listed twice
 */
export function migrationVerifier(receiver: MigrationReceiver): MessageVerification {
  for (const key of ['entity', 'keyName'] as const) {
    const names = receiver.senders.map((sender) => sender[key])
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw new UsageError('ERR_CONFIG_INVALID', `the sender ${twice} is listed twice`)
  }
  return {
    verify: (bytes, at) =>
      looksLikeCms(bytes) ? verifySigned(receiver, bytes, at) : verifyShared(receiver, parseEnvelope(bytes), at),
  }
}

async function verifySigned(receiver: MigrationReceiver, bytes: Uint8Array, at: Date): Promise<ReceivedMessage> {
  const received = receivedMessage(await verifyMessage(bytes, undefined, { ...receiver.cms, at }))
  const sender = receiver.senders.find(({ entity }) => entity === received.sender)
  if (sender === undefined) throw unlisted(received.sender)
  receiver.memory.moved(sender.entity)
  return received
}

/** What is required is asked before the MAC: a message that was stripped must not use up the nonce of the whole one. */
async function verifyShared(receiver: MigrationReceiver, envelope: Envelope, at: Date): Promise<ReceivedMessage> {
  const { name } = envelope.metadata.source
  const sender = receiver.senders.find(({ keyName }) => keyName === name)
  if (sender === undefined) throw unlisted(name)
  if (envelope.cms !== undefined) return verifyBoth(receiver, sender, envelope, envelope.cms, at)
  const { requires, entity } = sender
  if (requires === 'cms') throw downgrade(sender, 'a shared key alone')
  if (receiver.memory.hasMoved(entity)) throw downgrade(sender, 'a shared key alone, after signatures')
  if (!(at < requires.allowSharedKeyUntil)) throw downgrade(sender, 'a shared key, for which the time is over')
  return receiver.sharedKey.verifyParsed(envelope, at)
}

async function verifyBoth(
  receiver: MigrationReceiver,
  sender: MigratingSender,
  envelope: Envelope,
  cms: string,
  at: Date,
): Promise<ReceivedMessage> {
  // What is signed is what receivers read, whichever of the two they verify.
  if (envelope.metadata.encryption) throw malformed('an encrypted message has a signature beside it')
  // All of it is verified before either of the two ids is used up.
  const { received, remember } = await receiver.sharedKey.authenticate(envelope, at)
  const message = Buffer.from(envelope.message, 'utf8')
  const verified = await verifyMessage(fromBase64(cms, 'the signature'), message, { ...receiver.cms, at })
  if (verified.signer.entity !== sender.entity || verified.context.destination !== envelope.metadata.destination.name) {
    throw new TrustError('ERR_CMS_SIGNER_UNKNOWN', 'signature and MAC are not of one message', {
      details: { signer: verified.signer.entity, sender: sender.entity },
    })
  }
  await remember()
  receiver.memory.moved(sender.entity)
  return { ...received, protection: 'both', sender: sender.entity, verified }
}

/** Protect messages by both: for senders whose receivers have not all moved. */
export function protectByBoth(sharedKey: MessageProtection, signer: SigningParty): Pick<MessageProtection, 'protect'> {
  return {
    protect: async (message: OutgoingMessage) => {
      const envelope = Buffer.from(await sharedKey.protect(message)).toString('utf8')
      if (parseEnvelope(Buffer.from(envelope)).metadata.encryption) {
        throw new UsageError('ERR_CONFIG_INVALID', 'a message that Kite encrypts takes no signature beside it')
      }
      const { content, ...request } = message
      const { der } = await signMessage(content, signer, request)
      const fields = JSON.parse(envelope) as Record<string, unknown>
      return Buffer.from(JSON.stringify({ ...fields, [SIGNATURE_MEMBER]: Buffer.from(der).toString('base64') }))
    },
  }
}

function unlisted(sender: string): DeniedError {
  return new DeniedError('ERR_IDENTITY_MISMATCH', `${sender} is not a sender that is wanted here`, {
    details: { sender },
  })
}

function downgrade({ entity, requires }: MigratingSender, found: string): DeniedError {
  return new DeniedError('ERR_MESSAGE_DOWNGRADE', `the message of ${entity} is protected by ${found}`, {
    details: { entity, requires: typeof requires === 'string' ? requires : 'cms, once it was seen' },
    hint: 'somebody stripped it, or this sender is configured as it was before',
  })
}
