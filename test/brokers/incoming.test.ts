import { describe, expect, it } from 'vitest'
import {
  destinationAddress,
  dottedAddress,
  type NatsMessage,
  publishNats,
  SIGNATURE_HEADER,
  subscribeNats,
} from '../../src/brokers/index.js'
import { isSignetError, StoreError } from '../../src/errors/index.js'
import type { Observation, VerifierOptions } from '../../src/message/index.js'
import { addSeconds } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { DOTTED, HeadersFake, makeLog, MESSAGE, natsFake, PAYLOAD, signer, verifierOf } from './clients.js'

async function published(count: number): Promise<readonly NatsMessage[]> {
  const connection = natsFake()
  for (let index = 0; index < count; index++) {
    await publishNats(connection, MESSAGE, { signer, headers: () => new HeadersFake() })
  }
  return connection.published
}

const codesOf = (errors: readonly unknown[]): readonly unknown[] =>
  errors.map((error) => (isSignetError(error) ? error.code : error))

describe('a receiver', () => {
  it('requirement 16: watching hands on everything, with what would have become of it', async () => {
    const [message] = await published(1)
    const [connection, failures] = [natsFake(), [] as unknown[]]
    const seen: (readonly [Observation, Uint8Array])[] = []
    const subscription = await subscribeNats(connection, '>', {
      verifier: verifierOf(),
      allowObserved: (...observed) => void seen.push(observed),
      failed: (error) => failures.push(error),
    })
    const unsigned = { subject: DOTTED, data: PAYLOAD }
    for (const arrived of [message, message, unsigned]) connection.deliver(null, arrived as NatsMessage)
    await subscription.stop()
    expect(seen.map(([{ verdict }]) => verdict)).toEqual(['verified', 'stale', 'denied'])
    expect(codesOf(seen.flatMap(([observation]) => ('error' in observation ? [observation.error] : [])))).toEqual([
      'ERR_MESSAGE_REPLAYED',
      'ERR_MESSAGE_UNSIGNED',
    ])
    expect(seen.every(([, payload]) => payload === PAYLOAD || Buffer.from(payload).equals(PAYLOAD))).toBe(true)
    expect(failures).toEqual([])
  })

  it('handles one message after the other, in the order of their arrival', async () => {
    const [connection, events] = [natsFake(), [] as string[]]
    const subscription = await subscribeNats(connection, '>', {
      ...makeLog(),
      handler: async () => {
        events.push('begin')
        await Promise.resolve()
        events.push('end')
      },
    })
    for (const message of await published(3)) connection.deliver(null, message)
    await subscription.stop()
    expect(events).toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end'])
  })

  it('MSG-22: answers nobody, and tells the broker the same of every refusal', async () => {
    const [message] = await published(1)
    const genuine = message ?? expect.fail('it was published')
    const withSignature = (octets: Uint8Array): NatsMessage => {
      const headers = new HeadersFake()
      headers.append(SIGNATURE_HEADER, Buffer.from(octets).toString('base64url'))
      return { ...genuine, headers }
    }
    const away = { remember: () => Promise.reject(new StoreError('ERR_REPLAY_STORE', 'away')) }
    const attempts: readonly (readonly [code: string, NatsMessage, Partial<VerifierOptions>])[] = [
      ['ERR_MESSAGE_UNSIGNED', { subject: DOTTED, data: PAYLOAD }, {}],
      ['ERR_DER_TRAILING_DATA', withSignature(Buffer.alloc(100, 0x30)), {}],
      ['ERR_CMS_DIGEST_MISMATCH', { ...genuine, data: Buffer.from('{}') }, {}],
      ['ERR_IDENTITY_MISMATCH', genuine, { senders: { roles: ['nobody-has-it'] } }],
      ['ERR_MESSAGE_DESTINATION', genuine, { destinations: ['elsewhere'] }],
      ['ERR_MESSAGE_TYPE', genuine, { types: ['notify.*'] }],
      ['ERR_MESSAGE_EXPIRED', genuine, { clock: { now: () => addSeconds(NOW, 3600) } }],
      ['ERR_REPLAY_STORE', genuine, { replay: away }],
    ]
    for (const [code, attempt, changes] of attempts) {
      const [connection, log] = [natsFake(), makeLog(changes)]
      const subscription = await subscribeNats(connection, '>', log)
      const before = connection.said.length
      connection.deliver(null, attempt)
      await expect.poll(() => log.refusals.length).toBe(1)
      // Why, this receiver's own callback is told, and nobody else.
      expect(log.refusals[0]).toMatch(new RegExp(`^${code} `))
      expect([connection.published, connection.said.slice(before), log.taken, log.failures]).toEqual([[], [], [], []])
      await subscription.stop()
    }
  })

  it('refuses a flood instead of keeping it all, and takes messages again afterwards', async () => {
    const [connection, log] = [natsFake(), makeLog()]
    const subscription = await subscribeNats(connection, '>', log)
    const flood = { subject: DOTTED, data: Buffer.alloc(16 * 1024 * 1024), headers: new HeadersFake() }
    for (let count = 0; count < 6; count++) connection.deliver(null, flood)
    await expect.poll(() => log.refusals.length).toBe(6)
    expect(log.refusals.map((text) => text.split(' ')[0]).toSorted()).toEqual([
      ...Array<string>(2).fill('ERR_LIMIT_EXCEEDED'),
      ...Array<string>(4).fill('ERR_MESSAGE_UNSIGNED'),
    ])
    for (const message of await published(1)) connection.deliver(null, message)
    await subscription.stop()
    expect(log.taken).toHaveLength(1)
  })

  it('verifies nothing that is larger than its limit', async () => {
    const [connection, log] = [natsFake(), makeLog()]
    const subscription = await subscribeNats(connection, '>', { ...log, maxPayloadOctets: PAYLOAD.length - 1 })
    for (const message of await published(1)) connection.deliver(null, message)
    await subscription.stop()
    expect(log.refusals).toEqual([`ERR_LIMIT_EXCEEDED malformed ${DOTTED}`])
  })

  it('throws nothing into the client, whatever its callbacks or the client do', async () => {
    const connection = natsFake()
    const boom = (): never => {
      throw new Error('boom')
    }
    const subscription = await subscribeNats(connection, '>', {
      verifier: verifierOf(),
      handler: boom,
      refused: boom,
      failed: boom,
    })
    const [message] = await published(1)
    connection.deliver(null, message as NatsMessage)
    connection.deliver(null, { subject: DOTTED, data: PAYLOAD })
    connection.deliver(null, undefined as never)
    connection.deliver(new Error('gone'), undefined as never)
    await subscription.stop()
  })

  it('tells of a policy that says nothing, and hands nothing on', async () => {
    const [connection, log] = [natsFake(), makeLog({ destinations: [] })]
    const subscription = await subscribeNats(connection, '>', log)
    for (const message of await published(1)) connection.deliver(null, message)
    await subscription.stop()
    expect([log.taken, log.refusals, codesOf(log.failures)]).toEqual([[], [], ['ERR_CONFIG_INVALID']])
  })
})

describe('addresses', () => {
  it('are those that sender and receiver agree on, and of a group', async () => {
    const [connection, log] = [natsFake(), makeLog()]
    const options = { signer, headers: () => new HeadersFake() }
    await publishNats(connection, MESSAGE, { ...options, addressOf: destinationAddress })
    await publishNats(connection, { ...MESSAGE, destination: 'role:compute_node' }, options)
    const [plain, group] = connection.published
    expect([plain?.subject, group?.subject]).toEqual(['compute.c7', 'role:compute_node.rpc.compute.ping'])
    const plainSubscription = await subscribeNats(connection, '>', { ...log, addressOf: destinationAddress })
    connection.deliver(null, plain as NatsMessage)
    connection.deliver(null, group as NatsMessage)
    await plainSubscription.stop()
    expect([log.taken.length, log.refusals.length]).toEqual([1, 1])
    const subscription = await subscribeNats(connection, '>', log)
    connection.deliver(null, group as NatsMessage)
    await subscription.stop()
    expect(log.taken).toHaveLength(2)
  })

  it('a message for whom no exported file has an address came from elsewhere', async () => {
    const destination = 'role:compute_node@region-one'
    const [connection, log] = [natsFake(), makeLog({ destinations: [destination] })]
    const options = { signer, headers: () => new HeadersFake(), addressOf: () => 'x' }
    await publishNats(connection, { ...MESSAGE, destination }, options)
    const subscription = await subscribeNats(connection, '>', { ...log, addressOf: dottedAddress })
    for (const message of connection.published) connection.deliver(null, message)
    await subscription.stop()
    expect(log.refusals).toEqual(['ERR_MESSAGE_ADDRESS denied x'])
  })

  it('a function that fails is a bug of the receiver', async () => {
    const [connection, log] = [natsFake(), makeLog()]
    const bug = new Error('a bug')
    const addressOf = (): never => {
      throw bug
    }
    const subscription = await subscribeNats(connection, '>', { ...log, addressOf })
    for (const message of await published(1)) connection.deliver(null, message)
    await subscription.stop()
    expect(log.failures).toEqual([bug])
  })
})
