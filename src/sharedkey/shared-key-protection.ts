/**
 * Messages protected by shared keys, as Kite specified it, with what it left to its receivers: expiry by their clock in
 * both directions, a memory of nonces, and no way to switch it off.
 *
 * Who verifies such a message could have made it: the receiver, every member of the group that it is for, the key server.
 *
 * @module sharedkey/shared-key-protection (floor 7.1)
 */
import { randomBytes } from 'node:crypto'
import type { SecretKey } from '../crypto/index.js'
import { DeniedError, InternalError, StaleError, TrustError, UsageError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import {
  DEFAULT_SKEW_SECONDS,
  type MessageProtection,
  type OutgoingMessage,
  type ReceivedMessage,
  type ReplayStore,
} from '../message/index.js'
import { addSeconds, DAY, MINUTE } from '../time/index.js'
import { encodeEnvelope, type Envelope, parseEnvelope, verifyEnvelope } from './envelope.js'
import { formatKeyName, formatTimestamp, requireName } from './names.js'
import { decrypt, encrypt, notOfThisKey } from './primitives.js'
import type { TicketClient } from './ticket-client.js'
import { type Esek, esekWindow, openEsek, sessionKeys } from './tickets.js'

/** What a receiver wants. Everything must be said; what is laxer says `allow`. */
export interface SharedKeyReceiver {
  /** Groups whose messages it takes, beside those for its own name. Without groups: an empty list. */
  readonly groups: readonly string[]
  /** Names whose messages are wanted. */
  readonly senders: readonly string[] | 'allow-any-known'
  /** Oldest timestamp. */
  readonly maxAgeSeconds: number
  readonly replay: ReplayStore | 'allow-unchecked'
  /** How far clocks may differ. Default one minute. */
  readonly skewSeconds?: number
}

export interface SharedKeyProtectionOptions {
  /** Own name and key, and the way to the key server. */
  readonly client: TicketClient
  /** Own keys of earlier generations, which messages may still be under. Default none. */
  readonly earlierKeys?: ReadonlyMap<number, SecretKey>
  readonly receiver: SharedKeyReceiver
  /** Default `'signed'`; `'encrypted'` hides the content from brokers, too. */
  readonly form?: 'signed' | 'encrypted'
}

const MAX_SKEW_SECONDS = 60 * MINUTE
/** No key of a ticket is good for longer. */
const MAX_TICKET_SECONDS = DAY

export class SharedKeyProtection implements MessageProtection {
  readonly #options: SharedKeyProtectionOptions

  /** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
  constructor(options: SharedKeyProtectionOptions) {
    checkReceiver(options.receiver)
    this.#options = options
  }

  /**
   * Protect a message for a name or a group. Asks the key server where no ticket is left; without one, nothing is sent.
   *
   * The type of the message is not protected: Kite's envelope has no place for it.
   *
   * @param message - Its content is a text in UTF-8.
   * @throws what {@link TicketClient.ticket} throws
   */
  async protect({ content, destination, at }: OutgoingMessage): Promise<Uint8Array> {
    requireTime(at)
    const text = decodeUtf8(content, 'the content of the message')
    const ticket = await this.#options.client.ticket(destination, at)
    const encryption = this.#options.form === 'encrypted'
    const metadata = {
      source: formatKeyName(ticket.source),
      destination: formatKeyName(ticket.destination),
      timestamp: formatTimestamp(at),
      nonce: randomBytes(8).toString('hex'),
      esek: ticket.esek,
      encryption,
    }
    const message = encryption ? encrypt(ticket.keys.encryption, Buffer.from(text)) : text
    return Buffer.from(encodeEnvelope(message, metadata, ticket.keys.signing))
  }

  /** @throws as {@link parseEnvelope} and {@link authenticate} */
  async verify(bytes: Uint8Array, at: Date): Promise<ReceivedMessage> {
    return this.verifyParsed(parseEnvelope(bytes), at)
  }

  /** As {@link verify}, for an envelope that was read. */
  async verifyParsed(envelope: Envelope, at: Date): Promise<ReceivedMessage> {
    const { received, remember } = await this.authenticate(envelope, at)
    await remember()
    return received
  }

  /**
   * Verify an envelope but for replay: destination, MAC, age of key and message, sender. For who has more to verify
   * before a nonce may be used up.
   *
   * @returns What was received, good only once `remember` has come to its end.
   * @throws {@link DeniedError} `ERR_MESSAGE_DESTINATION`, `ERR_IDENTITY_MISMATCH` · {@link TrustError}
   * `ERR_SHAREDKEY_MAC`, `ERR_SHAREDKEY_UNKNOWN` · {@link StaleError} `ERR_MESSAGE_EXPIRED`, `ERR_MESSAGE_FROM_FUTURE`;
   * from `remember`: `ERR_MESSAGE_REPLAYED` · what the replay memory and, for groups, the key server throw
   */
  async authenticate(
    envelope: Envelope,
    at: Date,
  ): Promise<{ readonly received: ReceivedMessage; readonly remember: () => Promise<void> }> {
    requireTime(at)
    const { receiver } = this.#options
    const { source, destination, encryption, esek: sealed, nonce } = envelope.metadata
    const esek = openEsek(sealed, await this.#keyOf(envelope, at))
    // Kite's first generation, whose times are numbers, is another protocol.
    if (typeof esek.timestamp === 'number') throw notOfThisKey('the message')
    const keys = sessionKeys(esek, formatKeyName(source), formatKeyName(destination))
    verifyEnvelope(envelope, keys.signing)
    const until = checkTimes(envelope, esek, receiver, at)
    if (receiver.senders !== 'allow-any-known' && !receiver.senders.includes(source.name)) {
      throw new DeniedError('ERR_IDENTITY_MISMATCH', `${source.name} is not a sender that is wanted here`, {
        details: { source: source.name },
      })
    }
    const content = encryption ? decrypt(keys.encryption, envelope.message) : Buffer.from(envelope.message, 'utf8')
    const key = { signer: source.name, destination: destination.name, messageId: Buffer.from(nonce) }
    return {
      received: { protection: 'shared-key', content, sender: source.name, destination: destination.name },
      remember: () => requireFresh(receiver.replay, key, until, at),
    }
  }

  /** The long-term or group key under which the sender's key came. Asks for nothing that is not the receiver's. */
  async #keyOf({ metadata: { destination } }: Envelope, at: Date): Promise<SecretKey> {
    const { client, earlierKeys, receiver } = this.#options
    const { name, generation } = destination
    if (receiver.groups.includes(name)) return client.groupKey(name, generation, at)
    if (name !== client.self.name) {
      throw new DeniedError('ERR_MESSAGE_DESTINATION', `the message is for ${name}`, {
        details: { destination: name, wanted: [client.self.name, ...receiver.groups].join(' ') },
      })
    }
    const key = generation === client.self.generation ? client.self.key : earlierKeys?.get(generation)
    if (key === undefined) {
      throw new TrustError('ERR_SHAREDKEY_UNKNOWN', `there is no key of ${formatKeyName(destination)} here`)
    }
    return key
  }
}

/** Receiver's clock, both ways; and the message within the life of its key. Yields until when it is remembered. */
function checkTimes({ metadata }: Envelope, esek: Esek, receiver: SharedKeyReceiver, at: Date): Date {
  const { maxAgeSeconds, skewSeconds = DEFAULT_SKEW_SECONDS } = receiver
  const { timestamp } = metadata
  // Members of a group can write any lifetime into it; what has to be remembered is bounded all the same.
  const { from, until } = esekWindow({ ...esek, ttlSeconds: Math.min(esek.ttlSeconds, MAX_TICKET_SECONDS) })
  const details = { timestamp: timestamp.toISOString(), at: at.toISOString() }
  const latest = addSeconds(at, skewSeconds)
  if (!(timestamp <= latest && from <= latest)) {
    throw new StaleError('ERR_MESSAGE_FROM_FUTURE', `the message was made later than now: ${details.timestamp}`, {
      details,
      hint: 'check the clocks of both machines',
    })
  }
  const end = addSeconds(
    new Date(Math.min(addSeconds(timestamp, maxAgeSeconds).getTime(), until.getTime())),
    skewSeconds,
  )
  const isWithinKey = timestamp >= addSeconds(from, -skewSeconds) && timestamp <= addSeconds(until, skewSeconds)
  if (!(at <= end && isWithinKey)) {
    throw new StaleError(
      'ERR_MESSAGE_EXPIRED',
      `the message, or its key, is too old: it was made at ${details.timestamp}`,
      {
        details,
      },
    )
  }
  // By what is authenticated and not by this receiver's maximum age, so that another that shares the memory finds it.
  return addSeconds(until, skewSeconds)
}

async function requireFresh(
  replay: SharedKeyReceiver['replay'],
  key: Parameters<ReplayStore['remember']>[0],
  until: Date,
  at: Date,
): Promise<void> {
  if (replay === 'allow-unchecked') return
  const fresh = await replay.remember(key, until, at)
  if ((fresh as unknown) !== true) {
    if ((fresh as unknown) !== false) throw new InternalError('ERR_INTERNAL', 'the replay memory gave no answer')
    throw new StaleError('ERR_MESSAGE_REPLAYED', 'the message was accepted before', { details: { signer: key.signer } })
  }
}

function requireTime(at: Date): void {
  if (Number.isNaN(at.getTime())) throw new UsageError('ERR_CONFIG_INVALID', 'the time is none')
}

function checkReceiver(receiver: SharedKeyReceiver): void {
  const refuse = (what: string): UsageError => new UsageError('ERR_CONFIG_INVALID', `the receiver ${what}`)
  const { groups, senders, maxAgeSeconds, replay, skewSeconds = DEFAULT_SKEW_SECONDS } = receiver
  for (const name of [...groups, ...(senders === 'allow-any-known' ? [] : senders)]) requireName(name)
  if (senders.length === 0) throw refuse('names no sender')
  if (!(Number.isFinite(maxAgeSeconds) && maxAgeSeconds > 0)) throw refuse('says no maximum age')
  if (!(skewSeconds >= 0 && skewSeconds <= MAX_SKEW_SECONDS)) throw refuse('allows a senseless difference of clocks')
  if (replay !== 'allow-unchecked' && typeof (replay as Partial<ReplayStore> | undefined)?.remember !== 'function') {
    throw refuse('has no replay memory')
  }
}
