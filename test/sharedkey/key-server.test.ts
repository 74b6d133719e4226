import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import { createReplayMemory } from '../../src/message/index.js'
import {
  createKeyMemory,
  formatKeyName,
  KeyServer,
  macOf,
  openEsek,
  openGroupKey,
  openTicket,
  sessionKeys,
  signRequest,
} from '../../src/sharedkey/index.js'
import { addSeconds, HOUR, MINUTE } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeKeyServer } from '../support/shared-keys.js'

const [ALICE, BOB] = ['compute.alice', 'compute.bob']
const STRANGER = 'audit.carol'
const make = (options: Parameters<typeof makeKeyServer>[2] = {}) =>
  makeKeyServer([ALICE, BOB, STRANGER], ['compute'], options)
const hex = (key: SecretKey): string => key.use((bytes) => bytes.toString('hex'))

describe('KeyServer: keys of names', () => {
  it('gives the same key the same generation, another one the next, and none twice', () => {
    const { server } = make()
    const key = SecretKey.generate(16)
    expect(server.setKey('x.y', key)).toEqual({ name: 'x.y', generation: 1 })
    expect(server.setKey('x.y', key).generation).toBe(1)
    expect(server.setKey('x.y', SecretKey.generate(16)).generation).toBe(2)
    server.deleteKey('x.y')
    expect(server.setKey('x.y', key).generation).toBe(3)
  })

  it.each(['a,b', 'a:1', ''])('refuses the name %j', (name) => {
    expectCode('ERR_CONFIG_INVALID', () => make().server.setKey(name, SecretKey.generate(16)))
    expectCode('ERR_CONFIG_INVALID', () => {
      make().server.createGroup(name)
    })
  })

  it('refuses a key of another length', () => {
    expectCode('ERR_SHAREDKEY_MALFORMED', () => make().server.setKey('x', SecretKey.generate(32)))
  })
})

describe('KeyServer: tickets', () => {
  it('gives source and destination the same keys', async () => {
    const { server, named } = make()
    const ticket = openTicket(
      await server.issueTicket(signRequest(named(ALICE), { destination: BOB, at: NOW }), NOW),
      named(ALICE).key,
    )
    expect([ticket.source, ticket.destination].map(formatKeyName)).toEqual([`${ALICE}:1`, `${BOB}:1`])
    expect(ticket.expiration).toEqual(addSeconds(NOW, 15 * MINUTE))
    const derived = sessionKeys(openEsek(ticket.esek, named(BOB).key), `${ALICE}:1`, `${BOB}:1`)
    expect(hex(derived.signing)).toBe(hex(ticket.keys.signing))
    expect(hex(derived.encryption)).toBe(hex(ticket.keys.encryption))
    // Another direction, another key.
    const reversed = sessionKeys(openEsek(ticket.esek, named(BOB).key), `${BOB}:1`, `${ALICE}:1`)
    expect(hex(reversed.signing)).not.toBe(hex(ticket.keys.signing))
  })

  it('gives another key each time', async () => {
    const { server, named } = make()
    const keys = await Promise.all(
      [1, 2].map(async () =>
        hex(
          openTicket(
            await server.issueTicket(signRequest(named(ALICE), { destination: BOB, at: NOW }), NOW),
            named(ALICE).key,
          ).keys.signing,
        ),
      ),
    )
    expect(keys[0]).not.toBe(keys[1])
  })

  it('requirement 9: refuses a request twice, an old one, and one from the future', async () => {
    const { server, named } = make()
    const request = signRequest(named(ALICE), { destination: BOB, at: NOW })
    await server.issueTicket(request, NOW)
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => server.issueTicket(request, NOW))
    const other = signRequest(named(ALICE), { destination: BOB, at: NOW })
    await expectCodeAsync('ERR_MESSAGE_EXPIRED', () => server.issueTicket(other, addSeconds(NOW, HOUR)))
    await expectCodeAsync('ERR_MESSAGE_FROM_FUTURE', () => server.issueTicket(other, addSeconds(NOW, -2 * MINUTE)))
    await server.issueTicket(other, addSeconds(NOW, -MINUTE))
  })

  it('requirement 5: refuses a request that another made, or that was changed', async () => {
    const { server, named } = make()
    const stolen = signRequest({ name: ALICE, key: named(BOB).key }, { destination: BOB, at: NOW })
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => server.issueTicket(stolen, NOW))
    const { signature } = signRequest(named(ALICE), { destination: BOB, at: NOW })
    const { metadata } = signRequest(named(ALICE), { destination: STRANGER, at: NOW })
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => server.issueTicket({ metadata, signature }, NOW))
  })

  it('refuses names that it does not know', async () => {
    const { server, named } = make()
    const unknown = { name: 'nobody', key: SecretKey.generate(16) }
    const ask = (self: typeof unknown, destination: string) =>
      server.issueTicket(signRequest(self, { destination, at: NOW }), NOW)
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(unknown, BOB))
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(named(ALICE), 'nobody'))
    server.deleteKey(ALICE)
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(named(ALICE), BOB))
  })

  it('requirement 13: refuses a pair that may not talk', async () => {
    const { server, named } = make({ authorize: (source) => source !== ALICE })
    const ask = (source: string) => server.issueTicket(signRequest(named(source), { destination: BOB, at: NOW }), NOW)
    await expectCodeAsync('ERR_SHAREDKEY_DENIED', () => ask(ALICE))
    await ask(STRANGER)
  })

  const fields = { source: ALICE, destination: BOB, timestamp: '2027-01-01T00:00:00.000000', nonce: '0123456789abcdef' }
  it.each<[string, Record<string, unknown>]>([
    ['no source', { source: undefined }],
    ['a source with a comma', { source: 'a,b' }],
    ['a destination with a comma', { destination: 'a,b' }],
    ['no nonce', { nonce: undefined }],
    ['an empty nonce', { nonce: '' }],
    ['a nonce that JSON rounds', { nonce: 2 ** 60 }],
    ['a time that is a number', { timestamp: 1798761600 }],
    ['a member that is not known', { more: 1 }],
  ])('refuses a request with %s', async (_, changes) => {
    const { server, named } = make()
    const metadata = Buffer.from(JSON.stringify({ ...fields, ...changes })).toString('base64')
    const request = { metadata, signature: macOf(named(ALICE).key, metadata) }
    await expectCodeAsync('ERR_SHAREDKEY_MALFORMED', () => server.issueTicket(request, NOW))
  })

  it('MSG-10: refuses a request that names its source twice', async () => {
    const { server, named } = make()
    const text = JSON.stringify(fields).replace('{', `{"source":"${BOB}",`)
    const metadata = Buffer.from(text).toString('base64')
    const request = { metadata, signature: macOf(named(ALICE).key, metadata) }
    await expectCodeAsync('ERR_SHAREDKEY_MALFORMED', () => server.issueTicket(request, NOW))
  })
})

describe('KeyServer: groups', () => {
  const ask = async (keys: ReturnType<typeof make>, name: string, destination: string, at: Date) =>
    openGroupKey(
      await keys.server.issueGroupKey(signRequest(keys.named(name), { destination, at }), at),
      keys.named(name).key,
    )

  it('gives every member the same key, and nobody else', async () => {
    const keys = make()
    const [first, second] = [await ask(keys, ALICE, 'compute', NOW), await ask(keys, BOB, 'compute:1', NOW)]
    expect(hex(first.key)).toBe(hex(second.key))
    await expectCodeAsync('ERR_SHAREDKEY_DENIED', () => ask(keys, STRANGER, 'compute', NOW))
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(keys, ALICE, 'audit', NOW))
  })

  it('makes the next key while two minutes are left, and gives out the old one for ten more', async () => {
    const keys = make()
    const first = await ask(keys, ALICE, 'compute', NOW)
    expect((await ask(keys, ALICE, 'compute', addSeconds(NOW, 12 * MINUTE))).destination.generation).toBe(1)
    expect((await ask(keys, ALICE, 'compute', addSeconds(NOW, 14 * MINUTE))).destination.generation).toBe(2)
    expect(hex((await ask(keys, BOB, 'compute:1', addSeconds(NOW, 25 * MINUTE))).key)).toBe(hex(first.key))
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(keys, BOB, 'compute:1', addSeconds(NOW, 26 * MINUTE)))
  })

  it('lets no ticket outlive the key of the group', async () => {
    const { server, named } = make()
    const ticketAt = async (at: Date) =>
      openTicket(
        await server.issueTicket(signRequest(named(STRANGER), { destination: 'compute', at }), at),
        named(STRANGER).key,
      )
    expect((await ticketAt(NOW)).expiration).toEqual(addSeconds(NOW, 15 * MINUTE))
    expect((await ticketAt(addSeconds(NOW, 5 * MINUTE))).expiration).toEqual(addSeconds(NOW, 15 * MINUTE))
  })

  it('is gone when it was deleted', async () => {
    const keys = make()
    await ask(keys, ALICE, 'compute', NOW)
    keys.server.deleteGroup('compute')
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => ask(keys, ALICE, 'compute', NOW))
    keys.server.createGroup('compute')
    expect((await ask(keys, ALICE, 'compute', NOW)).destination.generation).toBe(2)
  })
})

describe('KeyServer: storage', () => {
  it('requirement 11: keeps no key in the clear, and opens none under another master key', () => {
    const storage = createKeyMemory()
    const key = SecretKey.generate(16)
    const master = SecretKey.generate(16)
    const open = (masterKey: SecretKey) => new KeyServer({ storage, masterKey, replay: createReplayMemory() })
    open(master).setKey('x', key)
    const kept = JSON.stringify(storage.load())
    expect(kept).not.toContain(key.use((bytes) => bytes.toString('base64')))
    expect(open(master).setKey('x', key).generation).toBe(1)
    expectCode('ERR_SHAREDKEY_STORE', () => open(SecretKey.generate(16)).setKey('x', key))
  })
})
