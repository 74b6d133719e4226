/**
 * Kite as specified and as built, driven as {@link System}.
 *
 * Whoever forges runs a key server of its own, and puts into it the one key that it knows: that of the destination.
 *
 * @module compare/kite-systems (floor 7.2)
 */
import { SecretKey } from '../crypto/index.js'
import { InternalError, TrustError } from '../errors/index.js'
import { createReplayMemory, type ReplayStore } from '../message/index.js'
import {
  allowKeyServerAsBuilt,
  allowKiteAsBuilt,
  createKeyMemory,
  decrypt,
  formatKeyName,
  KEY_OCTETS,
  KeyServer,
  type KeyService,
  type NamedKey,
  openEsek,
  plainEnvelope,
  sessionKeys,
  SharedKeyProtection,
  TicketClient,
} from '../sharedkey/index.js'
import {
  type Address,
  CONTENT,
  GROUP,
  type Handed,
  PARTIES,
  type Party,
  type Receiver,
  type Sending,
  type System,
  TYPE,
} from './system.js'

/** How long a receiver takes messages. */
const MAX_AGE_SECONDS = 300

/** What differs between the two. */
interface Variant {
  readonly name: 'kite-spec' | 'kite-as-built'
  readonly makeServer: () => KeyServer
  readonly protect: (client: TicketClient, sending: Sending) => Promise<Uint8Array>
  readonly receiver: (client: TicketClient, groups: readonly string[], replay: ReplayStore | undefined) => Receiver
  /** Whether names can be deleted. */
  readonly deletes: boolean
}

export function makeKiteSpec(): System {
  const protection = (
    client: TicketClient,
    groups: readonly string[],
    replay?: ReplayStore,
    secrecy?: Sending['secrecy'],
  ) =>
    new SharedKeyProtection({
      client,
      form: secrecy === 'hidden' ? 'encrypted' : 'signed',
      receiver: {
        groups,
        senders: 'allow-any-known',
        maxAgeSeconds: MAX_AGE_SECONDS,
        replay: replay ?? createReplayMemory(),
      },
    })
  return makeKite({
    name: 'kite-spec',
    makeServer: () =>
      new KeyServer({
        ...storage(),
        replay: createReplayMemory(),
        authorize: (source) => source !== nameOf('audit-01'),
      }),
    protect: (client, { to, at, secrecy }) =>
      protection(client, [], undefined, secrecy).protect({
        content: Buffer.from(CONTENT),
        type: TYPE,
        destination: nameOf(to),
        at,
      }),
    receiver: (client, groups, replay) => {
      const receiver = protection(client, groups, replay)
      return {
        receive: async (bytes, at) => {
          const { content, sender } = await receiver.verify(bytes, at)
          return { content: Buffer.from(content).toString('utf8'), sender: partyOf(sender) }
        },
      }
    },
    deletes: true,
  })
}

export function makeKiteAsBuilt(): System {
  return makeKite({
    name: 'kite-as-built',
    makeServer: () => allowKeyServerAsBuilt(storage()),
    protect: async (client, { to, at, secrecy }) =>
      Buffer.from(
        await allowKiteAsBuilt(client, [], secrecy === 'hidden' ? 'encrypted' : 'signed').protect(
          CONTENT,
          nameOf(to),
          at,
        ),
      ),
    receiver: (client, groups) => {
      const receiver = allowKiteAsBuilt(client, groups)
      return {
        receive: async (bytes): Promise<Handed> => {
          const { content, sender } = await receiver.verify(Buffer.from(bytes).toString('utf8'))
          return { content, sender: partyOf(sender) }
        },
      }
    },
    deletes: false,
  })
}

function makeKite({ name, makeServer, protect, receiver, deletes }: Variant): System {
  const server = makeServer()
  server.createGroup(GROUP)
  const keys = new Map<Party, NamedKey>()
  for (const party of PARTIES) {
    const key = SecretKey.generate(KEY_OCTETS)
    keys.set(party, { ...server.setKey(nameOf(party), key), key })
  }
  const keyOf = (party: Party): NamedKey => {
    const key = keys.get(party)
    if (key === undefined) throw new InternalError('ERR_INTERNAL', `there is no key of ${party}`)
    return key
  }
  let isDown = false
  const service: KeyService = {
    issueTicket: (request, at) => (isDown ? Promise.reject(unreachable()) : server.issueTicket(request, at)),
    issueGroupKey: (request, at) => (isDown ? Promise.reject(unreachable()) : server.issueGroupKey(request, at)),
  }
  const clients = new Map(PARTIES.map((party) => [party, new TicketClient(keyOf(party), service)]))
  const clientOf = (party: Party): TicketClient => clients.get(party) ?? new TicketClient(keyOf(party), service)
  const withoutServer = async <T>(work: () => Promise<T>): Promise<T> => {
    isDown = true
    try {
      return await work()
    } finally {
      isDown = false
    }
  }
  return {
    name,
    send: (sending) => protect(clientOf(sending.from), sending),
    receiver: (party, replay) => receiver(clientOf(party), groupsOf(party), replay),
    relabel: (bytes, as) => changeMetadata(bytes, (metadata) => ({ ...metadata, source: formatKeyName(keyOf(as)) })),
    forge: async (by, sending) => {
      const { to, at } = sending
      const known = to === GROUP ? await groupKey(clientOf(by), at) : keyOf(by).key
      return protect(forgingClient(makeServer(), keyOf(sending.from).name, nameOf(to), known), sending)
    },
    forgeAtServer: (sending) => protect(new TicketClient(keyOf(sending.from), server), sending),
    readWithStolenKey: (bytes, victim) => {
      const { 'oslo.message': message, 'oslo.secure.metadata': text } = JSON.parse(
        Buffer.from(bytes).toString(),
      ) as Wire
      const { source, destination, esek } = JSON.parse(text) as Metadata
      const session = sessionKeys(openEsek(esek, keyOf(victim).key), source, destination)
      return decrypt(session.encryption, message).toString('utf8')
    },
    cutOff: (party) => {
      if (deletes) server.deleteKey(nameOf(party))
      return Promise.resolve()
    },
    withoutServer,
    // This sender is the one that the server as specified gives no tickets.
    sendForbidden: (sending) => protect(clientOf('audit-01'), { ...sending, from: 'audit-01' }),
    sendBroken: (sending) => withoutServer(() => protect(new TicketClient(keyOf(sending.from), service), sending)),
    unprotected: () => Buffer.from(plainEnvelope(CONTENT)),
    overhead: async (sending) => {
      const octets = (await protect(clientOf(sending.from), sending)).length - plainEnvelope(CONTENT).length
      return { inText: octets, beside: octets }
    },
  }
}

/** A member asks for the key of its group, whose generation every message to the group tells. */
async function groupKey(client: TicketClient, at: Date): Promise<SecretKey> {
  const { destination } = await client.ticket(GROUP, at)
  return client.groupKey(GROUP, destination.generation, at)
}

/** A key server of the attacker, in which the victim has any key at all, and the destination the one that is known. */
function forgingClient(own: KeyServer, victim: string, destination: string, known: SecretKey): TicketClient {
  const key = SecretKey.generate(KEY_OCTETS)
  const named = { ...own.setKey(victim, key), key }
  own.setKey(destination, known)
  return new TicketClient(named, own)
}

interface Wire {
  readonly 'oslo.message': string
  readonly 'oslo.secure.metadata': string
}

interface Metadata {
  readonly source: string
  readonly destination: string
  readonly esek: string
}

function changeMetadata(bytes: Uint8Array, change: (metadata: Metadata) => Metadata): Uint8Array {
  const wire = JSON.parse(Buffer.from(bytes).toString()) as Wire
  const metadata = change(JSON.parse(wire['oslo.secure.metadata']) as Metadata)
  return Buffer.from(JSON.stringify({ ...wire, 'oslo.secure.metadata': JSON.stringify(metadata) }))
}

function storage() {
  return { storage: createKeyMemory(), masterKey: SecretKey.generate(KEY_OCTETS) }
}

/** Kite's names: those of a group begin with its name and a dot. */
function nameOf(address: Address): string {
  return address === GROUP ? GROUP : `${address.split('-')[0] ?? ''}.${address}`
}

function partyOf(name: string | undefined): Party | undefined {
  return PARTIES.find((party) => nameOf(party) === name)
}

function groupsOf(party: Party): readonly string[] {
  return party.startsWith(GROUP) || party === 'audit-01' ? [GROUP] : []
}

function unreachable(): TrustError {
  return new TrustError('ERR_SHAREDKEY_UNKNOWN', 'the key server does not answer')
}
