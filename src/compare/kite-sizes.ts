/**
 * What Kite's envelope adds to the envelope of oslo.messaging.
 *
 * @module compare/kite-sizes (floor 7.2)
 */
import { SecretKey } from '../crypto/index.js'
import { createReplayMemory } from '../message/index.js'
import {
  allowKeyServerAsBuilt,
  allowKiteAsBuilt,
  createKeyMemory,
  KEY_OCTETS,
  KeyServer,
  plainEnvelope,
  SharedKeyProtection,
  TicketClient,
} from '../sharedkey/index.js'
import type { SampleMessage } from './sample.js'

/** One way to protect messages by shared keys. */
export interface KiteForm {
  readonly system: 'kite'
  readonly name: string
  readonly title: string
  /** Protect a message, and count the octets beside its payload. */
  octets(message: SampleMessage): Promise<number>
}

/** The octets that Kite's envelope adds to a message, by those who planned to replace it. */
export const KITE_OCTETS = 455

/** Numbers in JSON have one digit more or less. Of so many, one is as long as they get: one in two is. */
const TRIES = 32

export function makeKiteForms(at: Date): readonly KiteForm[] {
  const spec = new KeyServer({ ...storage(), replay: createReplayMemory() })
  const built = allowKeyServerAsBuilt(storage())
  const specClient = clientOf(spec)
  const builtClient = clientOf(built)
  const asSpecified = (form: 'signed' | 'encrypted'): KiteForm['octets'] => {
    const protection = new SharedKeyProtection({
      client: specClient,
      form,
      receiver: { groups: [], senders: 'allow-any-known', maxAgeSeconds: 300, replay: 'allow-unchecked' },
    })
    return async (message) => {
      const [content, destination] = [innerText(message), nameOf(message.destination)]
      register(spec, destination)
      const bytes = await protection.protect({
        content: Buffer.from(content),
        type: message.type,
        destination,
        at,
      })
      return bytes.length - Buffer.byteLength(plainEnvelope(content))
    }
  }
  const asBuilt = (form: 'signed' | 'encrypted'): KiteForm['octets'] => {
    const kite = allowKiteAsBuilt(builtClient, [], form)
    return async (message) => {
      const [content, destination] = [innerText(message), nameOf(message.destination)]
      register(built, destination)
      const seen: number[] = []
      for (let count = 0; count < TRIES; count++) {
        seen.push(Buffer.byteLength(await kite.protect(content, destination, at)))
      }
      return Math.max(...seen) - Buffer.byteLength(plainEnvelope(content))
    }
  }
  return [
    { system: 'kite', name: 'kite-spec', title: 'Kite as specified', octets: asSpecified('signed') },
    {
      system: 'kite',
      name: 'kite-spec-encrypted',
      title: 'Kite as specified, encrypted',
      octets: asSpecified('encrypted'),
    },
    { system: 'kite', name: 'kite-as-built', title: 'Kite as built', octets: asBuilt('signed') },
    {
      system: 'kite',
      name: 'kite-as-built-encrypted',
      title: 'Kite as built, encrypted',
      octets: asBuilt('encrypted'),
    },
  ]
}

/** Kite's text is that inside of the envelope, which it puts into one of its own. */
function innerText({ content }: SampleMessage): string {
  const text = Buffer.from(content).toString('utf8')
  const value: unknown = JSON.parse(text)
  const inner = typeof value === 'object' && value !== null && 'oslo.message' in value ? value['oslo.message'] : text
  return typeof inner === 'string' ? inner : text
}

/** Kite's names have no colons: what is a role or a scope here would be a group there. */
function nameOf(destination: string): string {
  return destination.replace(/[^A-Za-z0-9._@/-]/g, '-').slice(0, 127)
}

function clientOf(server: KeyServer): TicketClient {
  const key = SecretKey.generate(KEY_OCTETS)
  return new TicketClient({ ...server.setKey('compute.compute-07', key), key }, server)
}

const registered = new WeakMap<KeyServer, Set<string>>()

/** A destination has one key, however many messages it gets. */
function register(server: KeyServer, name: string): void {
  const names = registered.get(server) ?? new Set(['compute.compute-07'])
  registered.set(server, names)
  if (names.has(name)) return
  names.add(name)
  server.setKey(name, SecretKey.generate(KEY_OCTETS))
}

function storage() {
  return { storage: createKeyMemory(), masterKey: SecretKey.generate(KEY_OCTETS) }
}
