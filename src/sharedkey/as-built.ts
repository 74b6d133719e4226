/**
 * Kite as it was built, for comparison only: what its text promised and its code left out is left out here, too.
 *
 * Replays are not looked for; a message is as fresh as it says itself; what is not protected is accepted; when signing
 * fails, the message is sent plain. It implements none of the interfaces of this library, so that nobody takes it for a
 * protection.
 *
 * @module sharedkey/as-built (floor 7.1)
 */
import { randomBytes } from 'node:crypto'
import type { SecretKey } from '../crypto/index.js'
import { DeniedError, isSignetError, StaleError } from '../errors/index.js'
import { KeyServer, type KeyServerOptions } from './key-server.js'
import { formatKeyName, parseKeyName } from './names.js'
import { decrypt, encrypt, macOf, malformed, notOfThisKey } from './primitives.js'
import type { TicketClient } from './ticket-client.js'
import { esekWindow, openEsek, sessionKeys } from './tickets.js'

/** A key server as it was built: requests of an hour ago and of any future, nonces unread, nobody kept apart. */
export function allowKeyServerAsBuilt(options: Pick<KeyServerOptions, 'storage' | 'masterKey'>): KeyServer {
  return new KeyServer({
    ...options,
    replay: 'allow-unchecked',
    skewSeconds: 'allow-future',
    ticketSeconds: 3600,
    requestSeconds: 3600,
  })
}

export interface KiteAsBuilt {
  /** Sends plain when anything fails. */
  protect(content: string, destination: string, at: Date): Promise<string>
  /** Has no clock: it never asks what time it is. `sender` is absent where the message was not protected. */
  verify(text: string): Promise<{ readonly content: string; readonly sender?: string }>
}

/** @param form - Kite's option `encrypt`, whose default was no. */
export function allowKiteAsBuilt(
  client: TicketClient,
  groups: readonly string[],
  form: 'signed' | 'encrypted' = 'signed',
): KiteAsBuilt {
  return {
    protect: async (content, destination, at) => {
      try {
        return await protectAsBuilt(client, content, { destination, at, encryption: form === 'encrypted' })
      } catch (error) {
        // The option `enforced` was off by default.
        if (!isSignetError(error)) throw error
        return plainEnvelope(content)
      }
    },
    verify: (text) => verifyAsBuilt(client, groups, text),
  }
}

/** An envelope of oslo.messaging without protection. */
export function plainEnvelope(content: string): string {
  return JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': content })
}

interface MetadataAsBuilt {
  readonly source: string
  readonly destination: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly nonce: number
  readonly esek: string
  readonly encryption: boolean
}

async function protectAsBuilt(
  client: TicketClient,
  content: string,
  { destination, at, encryption }: { destination: string; at: Date; encryption: boolean },
): Promise<string> {
  const ticket = await client.ticket(destination, at)
  const metadata: MetadataAsBuilt = {
    source: formatKeyName(ticket.source),
    destination: formatKeyName(ticket.destination),
    timestamp: at.getTime() / 1000,
    nonce: randomBytes(4).readUInt32BE() * 0xffffffff + 1,
    esek: ticket.esek,
    encryption,
  }
  const metadataText = JSON.stringify(metadata)
  const message = encryption ? encrypt(ticket.keys.encryption, Buffer.from(content)) : content
  return JSON.stringify({
    'oslo.version': '2.1',
    'oslo.message': message,
    'oslo.secure.metadata': metadataText,
    'oslo.secure.signature': macOf(ticket.keys.signing, `2.1${metadataText}${message}`),
  })
}

async function verifyAsBuilt(
  client: TicketClient,
  groups: readonly string[],
  text: string,
): Promise<{ content: string; sender?: string }> {
  const outer = JSON.parse(text) as Record<string, string | undefined>
  const [message = '', metadataText] = [outer['oslo.message'], outer['oslo.secure.metadata']]
  if (metadataText === undefined) return { content: message }
  const metadata = JSON.parse(metadataText) as MetadataAsBuilt
  const { source, destination, timestamp, encryption } = metadata
  const esek = openEsek(metadata.esek, await keyAsBuilt(client, groups, destination, timestamp))
  const { from, until } = esekWindow(esek)
  const seconds = [from.getTime() / 1000, until.getTime() / 1000] as const
  // Kite's check of time: two times of the sender, compared with each other.
  if (!(seconds[0] <= timestamp && timestamp <= seconds[1])) {
    throw new StaleError('ERR_MESSAGE_EXPIRED', 'the message says that it was made after its key ended')
  }
  const keys = sessionKeys(esek, source, destination)
  const mac = macOf(keys.signing, `${outer['oslo.version'] ?? ''}${metadataText}${message}`)
  if (mac !== outer['oslo.secure.signature']) throw notOfThisKey('the message')
  return {
    content: encryption ? decrypt(keys.encryption, message).toString('utf8') : message,
    sender: parseKeyName(source).name,
  }
}

async function keyAsBuilt(
  client: TicketClient,
  groups: readonly string[],
  destination: string,
  timestamp: number,
): Promise<SecretKey> {
  const { name, generation } = parseKeyName(destination)
  if (name === client.self.name) return client.self.key
  if (!groups.includes(name)) throw new DeniedError('ERR_MESSAGE_DESTINATION', `the message is for ${name}`)
  if (!Number.isFinite(timestamp)) throw malformed('the metadata have no time')
  return client.groupKey(name, generation, new Date(timestamp * 1000))
}
