import { describe, expect, it } from 'vitest'
import { type AmqpMessage, consumeAmqp, publishAmqp, SIGNATURE_HEADER } from '../../src/brokers/index.js'
import { isSignetError, StoreError } from '../../src/errors/index.js'
import { replyTo } from '../../src/message/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { alice, amqpFake, type AmqpFake, DOTTED, makeLog, MESSAGE, PAYLOAD, signer } from './clients.js'

async function published(channel: AmqpFake = amqpFake()): Promise<AmqpMessage> {
  await publishAmqp(channel, MESSAGE, { signer, exchange: 'out:c1' })
  const message = channel.published.at(-1)
  if (message === undefined) throw new Error('nothing was published')
  return message
}

/** Deliver messages to a receiver, and wait until it is done with them. */
async function deliver(messages: readonly (AmqpMessage | null)[], changes: Partial<ReturnType<typeof makeLog>> = {}) {
  const [channel, log] = [amqpFake(), { ...makeLog(), ...changes }]
  const subscription = await consumeAmqp(channel, 'in:c7', log)
  for (const message of messages) channel.deliver(message)
  await subscription.stop()
  return { ...log, said: channel.said.filter((words) => /^(?:ack|reject)/.test(words)), channel }
}

const withProperties = (message: AmqpMessage, changes: Partial<AmqpMessage['properties']>): AmqpMessage => ({
  ...message,
  properties: { ...message.properties, ...changes },
})

describe('publishAmqp', () => {
  it('puts the signature as octets beside the untouched payload, and the address into the routing key', async () => {
    const channel = amqpFake()
    const properties = { persistent: true, headers: { trace: 'x', [SIGNATURE_HEADER]: 'mine' } }
    const { der, context } = await publishAmqp(channel, MESSAGE, { signer, exchange: 'out:c1', properties })
    const [message] = channel.published
    expect(message?.content).toEqual(PAYLOAD)
    expect(message?.fields.routingKey).toBe(DOTTED)
    expect(message?.properties).toEqual({
      persistent: true,
      headers: { trace: 'x', [SIGNATURE_HEADER]: Buffer.from(der) },
    })
    expect(channel.said).toEqual(['publish out:c1'])
    // Beside, not inside: whatever the signer does otherwise.
    expect(Buffer.from(der).includes(PAYLOAD)).toBe(false)
    expect(context.destination).toBe('compute.c7')
  })

  it('refuses addresses that no exported file allows, payloads that are too large, and a channel that is closed', async () => {
    const options = { signer, exchange: 'x' }
    const scoped = { ...MESSAGE, destination: 'role:compute_node@region-one' }
    await expectCodeAsync('ERR_BROKER_PATTERN', () => publishAmqp(amqpFake(), scoped, options))
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () =>
      publishAmqp(amqpFake(), MESSAGE, { ...options, maxPayloadOctets: PAYLOAD.length - 1 }),
    )
    const closed = {
      publish: () => {
        throw new Error('Channel closed')
      },
    }
    const error = await expectCodeAsync('ERR_BROKER_CLIENT', () => publishAmqp(closed, MESSAGE, options))
    expect(error.message).toContain('Channel closed')
  })
})

describe('consumeAmqp', () => {
  it('hands on the proof, acknowledges it, and sets a prefetch first', async () => {
    const { taken, said, channel } = await deliver([await published()])
    expect(taken).toHaveLength(1)
    expect(taken[0]).toMatchObject({ signer: alice.identity, content: new Uint8Array(PAYLOAD) })
    expect(said).toEqual(['ack'])
    expect(channel.said).toEqual(['prefetch 100', 'consume in:c7', 'cancel tag', 'ack'])
  })

  const attempts: readonly (readonly [string, (message: AmqpMessage) => AmqpMessage, string])[] = [
    ['no headers', (message) => ({ ...message, properties: {} }), 'ERR_MESSAGE_UNSIGNED denied'],
    [
      'a header that says that it was verified',
      (message) => withProperties(message, { headers: { 'signet-verified': 'true', 'x-signer': 'admin' } }),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    ['other headers', (message) => withProperties(message, { headers: { x: 1 } }), 'ERR_MESSAGE_UNSIGNED denied'],
    [
      'an inherited header',
      (message) => withProperties(message, { headers: Object.create(message.properties.headers ?? {}) as never }),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    [
      'a signature of no octets',
      (message) => withProperties(message, { headers: { [SIGNATURE_HEADER]: Buffer.alloc(0) } }),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    [
      'a text for the signature',
      (message) => withProperties(message, { headers: { [SIGNATURE_HEADER]: 'MII' } }),
      'ERR_MESSAGE_HEADER malformed',
    ],
    [
      'a signature that is too long',
      (message) => withProperties(message, { headers: { [SIGNATURE_HEADER]: Buffer.alloc(65_537) } }),
      'ERR_LIMIT_EXCEEDED malformed',
    ],
    ['another payload', (message) => ({ ...message, content: Buffer.from('{}') }), 'ERR_CMS_DIGEST_MISMATCH untrusted'],
    [
      'another publisher, as the broker says',
      (message) => withProperties(message, { userId: 'spiffe://cloud.example/conductor/c2' }),
      'ERR_MESSAGE_ADDRESS denied',
    ],
    ['a publisher that is no text', (message) => withProperties(message, { userId: 7 }), 'ERR_MESSAGE_ADDRESS denied'],
  ]
  it.each(attempts)(
    'MSG-18, MSG-19: refuses %s, rejects it and does not requeue it',
    async (_what, change, refusal) => {
      const { taken, refusals, failures, said } = await deliver([change(await published())])
      expect(refusals).toEqual([`${refusal} ${DOTTED}`])
      expect(taken).toEqual([])
      expect(failures).toEqual([])
      expect(said).toEqual(['reject for good'])
    },
  )

  it.each(['compute.c8.rpc.compute.ping', 'compute.c7.rpc.compute.pong', '', 'compute.c7', `${DOTTED}\n`])(
    'refuses a message under the routing key %j',
    async (routingKey) => {
      const { refusals } = await deliver([{ ...(await published()), fields: { routingKey } }])
      expect(refusals).toEqual([`ERR_MESSAGE_ADDRESS denied ${routingKey}`])
    },
  )

  it('takes a message that was led astray later, when it comes as it was sent', async () => {
    const message = await published()
    const { refusals, taken } = await deliver([{ ...message, fields: { routingKey: 'x' } }, message])
    expect([refusals.length, taken.length]).toEqual([1, 1])
  })

  it('MSG-18: a queue with bad messages at its head is worked off, and nothing of it comes back', async () => {
    const good = await published()
    const bad = [
      { ...good, properties: {} },
      withProperties(good, { headers: { [SIGNATURE_HEADER]: Buffer.alloc(300, 0x30) } }),
      withProperties(good, { headers: { [SIGNATURE_HEADER]: Buffer.from([0x30, 0x80, 0, 0]) } }),
      { ...good, content: Buffer.alloc(2_000_000, 0x5b) },
    ]
    const { taken, refusals, failures, said } = await deliver([...bad, good])
    expect([taken.length, refusals.length, failures]).toEqual([1, bad.length, []])
    expect(said).toEqual([...bad.map(() => 'reject for good'), 'ack'])
  })

  it('MSG-19: properties that anybody may set change nothing of what is handed on', async () => {
    const { taken: plain } = await deliver([await published()])
    const claims = {
      replyTo: 'in:mallory',
      correlationId: 'other',
      contentType: 'text/plain',
      priority: 9,
      expiration: '1',
      messageId: 'other',
      timestamp: 0,
      type: 'rpc.compute.pong',
      appId: 'admin',
    }
    const { taken, said } = await deliver([
      withProperties(await published(), claims as Partial<AmqpMessage['properties']>),
    ])
    expect(said).toEqual(['ack'])
    const facts = taken.map(({ content, signer, context: { type, destination } }) => [
      content,
      signer,
      type,
      destination,
    ])
    expect(facts).toEqual(
      plain.map(({ content, signer, context: { type, destination } }) => [content, signer, type, destination]),
    )
    // Who is answered is who signed.
    expect(taken.map((message) => replyTo(message).destination)).toEqual([alice.identity.uri])
  })

  it('takes the publisher that the broker names, if it is the signer', async () => {
    const { taken } = await deliver([withProperties(await published(), { userId: alice.identity.uri })])
    expect(taken).toHaveLength(1)
  })

  it('does not care whether the broker calls a message redelivered', async () => {
    const message = await published()
    const fields = { ...message.fields, redelivered: true }
    const { refusals, said } = await deliver([{ ...message, fields }, message, { ...message, fields }])
    const replayed = `ERR_MESSAGE_REPLAYED stale ${DOTTED}`
    expect(refusals).toEqual([replayed, replayed])
    expect(said).toEqual(['ack', 'reject for good', 'reject for good'])
  })

  it('says that the replay memory is away, and keeps the message out of the queue', async () => {
    const replay = { remember: () => Promise.reject(new StoreError('ERR_REPLAY_STORE', 'away')) }
    const { refusals, said } = await deliver([await published()], makeLog({ replay }))
    expect(refusals).toEqual([`ERR_REPLAY_STORE unavailable ${DOTTED}`])
    expect(said).toEqual(['reject for good'])
  })

  it('MSG-18: tells of a handler that fails, and goes on', async () => {
    const boom = new Error('boom')
    const handler = (): Promise<void> => Promise.reject(boom)
    const { failures, said } = await deliver([await published(), await published()], { handler })
    expect(failures).toEqual([boom, boom])
    expect(said).toEqual(['reject for good', 'reject for good'])
  })

  it('tells of a broker that ends the subscription', async () => {
    const { failures } = await deliver([null])
    expect(failures.map((error) => isSignetError(error) && error.code)).toEqual(['ERR_BROKER_CLIENT'])
  })

  it('tells of a channel that is closed when a message is to be acknowledged', async () => {
    const [channel, log] = [amqpFake(), makeLog()]
    channel.ack = () => {
      throw new Error('Channel closed')
    }
    const subscription = await consumeAmqp(channel, 'in:c7', log)
    channel.deliver(await published())
    await subscription.stop()
    expect(log.failures).toEqual([new Error('Channel closed')])
  })

  it('leaves to the broker what arrives after the end', async () => {
    const [channel, log] = [amqpFake(), makeLog()]
    const subscription = await consumeAmqp(channel, 'in:c7', log)
    await subscription.stop()
    channel.deliver(await published())
    await subscription.stop()
    expect(channel.said.filter((words) => /^(?:ack|reject)/.test(words))).toEqual([])
    expect(log.taken).toEqual([])
  })

  it('refuses no prefetch, and a queue that the broker refuses', async () => {
    for (const prefetch of [0, -1, 1.5, 65_536, NaN]) {
      await expectCodeAsync('ERR_CONFIG_INVALID', () => consumeAmqp(amqpFake(), 'in:c7', makeLog(), prefetch))
    }
    const refusing = { ...amqpFake(), consume: () => Promise.reject(new Error('403 (ACCESS-REFUSED)')) }
    await expectCodeAsync('ERR_BROKER_CLIENT', () => consumeAmqp(refusing, 'in:c8', makeLog()))
  })
})
