/** One suite over both protections: whatever a receiver relies on, each must give. What only one gives stands below. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  cmsProtection,
  createReplayMemory,
  type MessageProtection,
  type OutgoingMessage,
  type ReplayStore,
} from '../../src/message/index.js'
import { StoreError } from '../../src/errors/index.js'
import { addSeconds } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, type Sender } from '../support/messages.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { makeKeyServer, type TestKeys } from '../support/shared-keys.js'
import { isSignetError } from '../../src/errors/index.js'

const NAMES = ['nova-compute.alice', 'nova-compute.bob', 'nova-compute.carol'] as const
type Name = (typeof NAMES)[number]
const [ALICE, BOB, CAROL] = NAMES
const GROUP = 'nova-compute'
const CONTENT = Buffer.from('{"method":"build","args":{"name":"ä"}}')

interface PartyOptions {
  readonly replay?: ReplayStore
  readonly senders?: readonly Name[]
  /** Default: none. */
  readonly groups?: readonly string[]
}

interface Kind {
  readonly name: 'cms' | 'shared-key'
  readonly party: (name: Name, options?: PartyOptions) => MessageProtection
}

let keys: TestKeys
let senders: ReadonlyMap<Name, Sender>
let trust: TrustDirectory

beforeAll(async () => {
  const world = await makeWorld()
  senders = new Map(NAMES.map((name) => [name, makeSender(world, { node: name.split('.')[1] ?? '' })]))
  trust = await makeDirectory(world, [...senders.values()])
  keys = makeKeyServer(NAMES, [GROUP])
})

const signerOf = (name: Name): Sender => {
  const sender = senders.get(name)
  if (sender === undefined) throw new Error(name)
  return sender
}

const KINDS: readonly Kind[] = [
  {
    name: 'cms',
    party: (name, { replay = createReplayMemory(), senders: wanted, groups = [] } = {}) =>
      cmsProtection(signerOf(name), {
        trust,
        destinations: [name, ...groups],
        senders: wanted === undefined ? 'allow-any-trusted' : { entities: wanted },
        types: 'allow-any',
        maxAgeSeconds: 300,
        replay,
      }),
  },
  {
    name: 'shared-key',
    party: (name, { replay = createReplayMemory(), senders: wanted, groups = [] } = {}) =>
      keys.protection(name, { replay, groups, senders: wanted ?? 'allow-any-known' }),
  },
]

const outgoing = (changes: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  content: CONTENT,
  type: 'rpc.compute.build',
  destination: BOB,
  at: NOW,
  ...changes,
})

describe.each(KINDS)('requirement 14: protection by $name', ({ name, party }) => {
  const sent = (changes: Partial<OutgoingMessage> = {}, from: Name = ALICE): Promise<Uint8Array> =>
    party(from).protect(outgoing(changes))

  it('hands content, sender and destination to the receiver', async () => {
    const received = await party(BOB).verify(await sent(), NOW)
    expect(received).toMatchObject({ protection: name, sender: ALICE, destination: BOB })
    expect(Buffer.from(received.content)).toEqual(CONTENT)
  })

  it('requirement 1: refuses a message of which any octet was changed', { timeout: 60_000 }, async () => {
    const bytes = await sent()
    const step = Math.max(1, Math.floor(bytes.length / 400))
    for (let index = 0; index < bytes.length; index += step) {
      for (const bit of [1, 0x40]) {
        const changed = Uint8Array.from(bytes)
        changed[index] = (changed[index] ?? 0) ^ bit
        const outcome = await party(BOB)
          .verify(changed, NOW)
          .catch((error: unknown) => error)
        expect(isSignetError(outcome), `octet ${index}`).toBe(true)
      }
    }
  })

  it('refuses a message that is cut anywhere', async () => {
    const bytes = await sent()
    for (const length of [0, 1, 2, bytes.length >> 1, bytes.length - 1]) {
      const outcome = await party(BOB)
        .verify(bytes.subarray(0, length), NOW)
        .catch((error: unknown) => error)
      expect(isSignetError(outcome), `${length} octets`).toBe(true)
    }
  })

  it('requirement 7, MSG-06: refuses a message for another', async () => {
    const bytes = await sent()
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => party(CAROL).verify(bytes, NOW))
  })

  it('requirement 8: refuses a message that was reflected to its sender', async () => {
    const bytes = await sent()
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => party(ALICE).verify(bytes, NOW))
  })

  it('requirement 9, MSG-01: accepts a message once', async () => {
    const bytes = await sent()
    const bob = party(BOB)
    await bob.verify(bytes, NOW)
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => bob.verify(bytes, addSeconds(NOW, 60)))
  })

  it('MSG-03: accepts a message at one of two replicas that share a memory, at the same moment', async () => {
    const bytes = await sent()
    const replay = createReplayMemory()
    const outcomes = await Promise.allSettled([1, 2].map(() => party(BOB, { replay }).verify(bytes, NOW)))
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })

  it('accepts the same content, protected anew', async () => {
    const bob = party(BOB)
    await bob.verify(await sent(), NOW)
    expect((await bob.verify(await sent(), NOW)).sender).toBe(ALICE)
  })

  it('MSG-21: does not remember what was refused', async () => {
    const bytes = await sent()
    const replay = createReplayMemory()
    await expectCodeAsync('ERR_IDENTITY_MISMATCH', () => party(BOB, { replay, senders: [CAROL] }).verify(bytes, NOW))
    expect((await party(BOB, { replay }).verify(bytes, NOW)).sender).toBe(ALICE)
  })

  it.each([
    ['at the edge of age and skew', 300 + 60, undefined],
    ['a moment later', 300 + 60 + 0.001, 'ERR_MESSAGE_EXPIRED'],
    ['an hour later', 3600, 'ERR_MESSAGE_EXPIRED'],
    ['a month later', 30 * 86_400, 'ERR_MESSAGE_EXPIRED'],
    ['a minute before', -60, undefined],
    ['more than a minute before', -60.001, 'ERR_MESSAGE_FROM_FUTURE'],
    ['a day before', -86_400, 'ERR_MESSAGE_FROM_FUTURE'],
  ] as const)('requirement 9, 10, MSG-05: %s by the clock of the receiver', async (_, seconds, code) => {
    const bytes = await sent()
    // A trust directory has an age, too: it is not what is asked for here.
    const work = (): Promise<unknown> => party(BOB).verify(bytes, addSeconds(NOW, seconds))
    if (code === undefined) await work()
    else if (name === 'cms' && Math.abs(seconds) > 3600) await expect(work()).rejects.toThrow()
    else await expectCodeAsync(code, work)
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['the content alone', CONTENT],
    ['a text', Buffer.from('hello')],
    ['an envelope of version 2.0', Buffer.from('{"oslo.version":"2.0","oslo.message":"{}"}')],
    ['an envelope of version 2.1 without its MAC', Buffer.from('{"oslo.version":"2.1","oslo.message":"{}"}')],
    ['an array', Buffer.from('[]')],
  ])('requirement 16, MSG-09: refuses %s', async (_, bytes) => {
    await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () => party(BOB).verify(bytes, NOW))
  })

  it('refuses a sender that is not wanted', async () => {
    const bytes = await sent({}, CAROL)
    await expectCodeAsync('ERR_IDENTITY_MISMATCH', () => party(BOB, { senders: [ALICE] }).verify(bytes, NOW))
  })

  it('refuses everything while the replay memory does not work', async () => {
    const replay: ReplayStore = { remember: () => Promise.reject(new StoreError('ERR_REPLAY_STORE', 'gone')) }
    const bytes = await sent()
    await expectCodeAsync('ERR_REPLAY_STORE', () => party(BOB, { replay }).verify(bytes, NOW))
    const vague = { remember: () => Promise.resolve(undefined) } as unknown as ReplayStore
    await expectCodeAsync('ERR_INTERNAL', () => party(BOB, { replay: vague }).verify(bytes, NOW))
  })

  it('delivers a message for a group to each of its members', async () => {
    const bytes = await sent({ destination: GROUP })
    for (const member of [BOB, CAROL]) {
      const received = await party(member, { groups: [GROUP] }).verify(bytes, NOW)
      expect(received).toMatchObject({ sender: ALICE, destination: GROUP })
    }
  })

  it('refuses a clock that is none', async () => {
    const bytes = await sent()
    await expect(party(BOB).verify(bytes, new Date(NaN))).rejects.toSatisfy(isSignetError)
  })

  it('refuses a receiver that does not say what it wants', async () => {
    const lax = (): Promise<unknown> | MessageProtection => party(BOB, { senders: [] })
    if (name === 'shared-key') expectCode('ERR_CONFIG_INVALID', lax)
    else {
      const bytes = await sent()
      await expectCodeAsync('ERR_CONFIG_INVALID', () => party(BOB, { senders: [] }).verify(bytes, NOW))
    }
  })
})
