import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import { type KeyService, type SignedRequest, TicketClient } from '../../src/sharedkey/index.js'
import { addSeconds, MINUTE } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeKeyServer } from '../support/shared-keys.js'

const make = () => makeKeyServer(['g.alice', 'g.bob', 'g.carol'], ['g'])

/** A key service that counts, or answers with something of its own. */
function between(service: KeyService, change: (answer: unknown) => unknown = (answer) => answer) {
  const counts = { tickets: 0, groupKeys: 0 }
  const wrapped: KeyService = {
    issueTicket: async (request: SignedRequest, at: Date) => {
      counts.tickets++
      return change(await service.issueTicket(request, at))
    },
    issueGroupKey: async (request: SignedRequest, at: Date) => {
      counts.groupKeys++
      return change(await service.issueGroupKey(request, at))
    },
  }
  return { counts, wrapped }
}

describe('TicketClient', () => {
  it('asks once for each destination, until the ticket ends', async () => {
    const { server, named } = make()
    const { counts, wrapped } = between(server)
    const client = new TicketClient(named('g.alice'), wrapped)
    for (const minutes of [0, 5, 14]) await client.ticket('g.bob', addSeconds(NOW, minutes * MINUTE))
    expect(counts.tickets).toBe(1)
    await client.ticket('g.carol', NOW)
    expect(counts.tickets).toBe(2)
    await client.ticket('g.bob', addSeconds(NOW, 15 * MINUTE))
    expect(counts.tickets).toBe(3)
  })

  it('asks once for each generation of a group', async () => {
    const { server, named } = make()
    const { counts, wrapped } = between(server)
    const client = new TicketClient(named('g.alice'), wrapped)
    await client.ticket('g', NOW)
    await client.groupKey('g', 1, NOW)
    await client.groupKey('g', 1, NOW)
    expect(counts.groupKeys).toBe(1)
  })

  it('refuses an answer that was changed, is for another destination, or is old', async () => {
    const { server, named } = make()
    const swap = (answer: unknown) => ({ ...(answer as object), ticket: Buffer.alloc(48).toString('base64') })
    const changed = new TicketClient(named('g.alice'), between(server, swap).wrapped)
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => changed.ticket('g.bob', NOW))
    const recorded = await new Promise<unknown>((resolve) => {
      const record = (answer: unknown): unknown => (resolve(answer), answer)
      void new TicketClient(named('g.alice'), between(server, record).wrapped).ticket('g.carol', NOW)
    })
    const fed = new TicketClient(named('g.alice'), between(server, () => recorded).wrapped)
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => fed.ticket('g.bob', NOW))
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () =>
      new TicketClient(named('g.bob'), between(server, () => recorded).wrapped).ticket('g.carol', NOW),
    )
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => fed.ticket('g.carol', addSeconds(NOW, 16 * MINUTE)))
  })

  it('refuses a key that the server has in another generation', async () => {
    const { server, named } = make()
    const stale = new TicketClient({ ...named('g.alice'), generation: 7 }, server)
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () => stale.ticket('g.bob', NOW))
  })

  it.each([null, {}, [], { metadata: '', ticket: '', signature: '', more: 1 }, 'ticket'])(
    'refuses the answer %j',
    async (answer) => {
      const { server, named } = make()
      const client = new TicketClient(named('g.alice'), between(server, () => answer).wrapped)
      await expectCodeAsync('ERR_SHAREDKEY_MALFORMED', () => client.ticket('g.bob', NOW))
    },
  )

  it('refuses a name that is none', () => {
    const { server } = make()
    expectCode(
      'ERR_CONFIG_INVALID',
      () => new TicketClient({ name: 'a,b', generation: 1, key: SecretKey.generate(16) }, server),
    )
  })

  it('KEY-04, KEY-10: prints no key', async () => {
    const { named, client } = make()
    const alice = client('g.alice')
    const ticket = await alice.ticket('g.bob', NOW)
    const secrets = [named('g.alice').key, ticket.keys.signing, ticket.keys.encryption]
    const printed = [inspect(alice, { depth: 9, showHidden: true }), inspect(ticket), JSON.stringify({ alice, ticket })]
    for (const secret of secrets) {
      const octets = secret.use((bytes) => Buffer.from(bytes))
      for (const text of printed) {
        expect(text).not.toContain(octets.toString('hex'))
        expect(text).not.toContain(octets.toString('base64'))
      }
    }
  })
})
