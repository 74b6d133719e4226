/**
 * How messages travel, by their type: unsigned, signed, or signed and encrypted.
 *
 * @module message/protection (floor 7)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import { typePattern } from '../policy/index.js'
import { DecryptedMessage } from './decrypt.js'
import { VerifiedMessage } from './verify.js'

/** From the least to the most. */
export const PROTECTIONS = ['none', 'sign', 'sign+encrypt'] as const
export type Protection = (typeof PROTECTIONS)[number]

/** Types or patterns of them, as `notify.*`, and what messages of these types need. */
export type ProtectionSettings = Readonly<Record<string, Protection>>

/** What a type needs that no setting is about. */
export const DEFAULT_PROTECTION: Protection = 'sign'

/**
 * What messages of a type need: of all settings that fit, the most.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function protectionOf(settings: ProtectionSettings, type: string): Protection {
  const ranks = Object.entries(settings).map(([pattern, protection]) => {
    const rank = PROTECTIONS.indexOf(protection)
    if (rank < 0) {
      throw new UsageError('ERR_CONFIG_INVALID', `there is no protection ${JSON.stringify(protection)}`, {
        hint: `choose one of ${PROTECTIONS.join(', ')}`,
      })
    }
    return typePattern(pattern).matches(type) ? rank : -1
  })
  return PROTECTIONS[Math.max(-1, ...ranks)] ?? DEFAULT_PROTECTION
}

/**
 * What a sender has to do with a message of a type.
 *
 * @param recipients - How many readers are named.
 * @throws {@link DeniedError} `ERR_MESSAGE_RECIPIENTS` where messages of the type are encrypted and nobody is named: to
 * whoever listens, nothing can be encrypted
 */
export function planProtection(settings: ProtectionSettings, type: string, recipients: number): Protection {
  const protection = protectionOf(settings, type)
  if (protection === 'sign+encrypt' && recipients === 0) {
    throw new DeniedError('ERR_MESSAGE_RECIPIENTS', `messages of the type ${type} are encrypted, and nobody is named`, {
      details: { type },
      hint: 'a broadcast cannot be encrypted: name everybody who may read it',
    })
  }
  return protection
}

/**
 * Require that a message that arrived is protected as its type has to be.
 *
 * @param message - What {@link verifyMessage} or {@link decryptMessage} handed out; anything else counts as unsigned.
 * @throws {@link DeniedError} `ERR_MESSAGE_PROTECTION`
 */
export function requireProtection(settings: ProtectionSettings, type: string, message: unknown): void {
  const needed = protectionOf(settings, type)
  const verified = message instanceof DecryptedMessage ? message.message : message
  const had: Protection =
    !(verified instanceof VerifiedMessage) || verified.context.type !== type
      ? 'none'
      : verified === message
        ? 'sign'
        : 'sign+encrypt'
  if (PROTECTIONS.indexOf(had) >= PROTECTIONS.indexOf(needed)) return
  throw new DeniedError(
    'ERR_MESSAGE_PROTECTION',
    `a message of the type ${type} needs ${needed}, this one had ${had}`,
    {
      details: { type, needed, had },
    },
  )
}
