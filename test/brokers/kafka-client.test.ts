import { describe, expect, it } from 'vitest'
import {
  consumeKafka,
  dottedAddress,
  type KafkaMessage,
  publishKafka,
  SIGNATURE_HEADER,
} from '../../src/brokers/index.js'
import { isSignetError, StoreError } from '../../src/errors/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { alice, DOTTED, kafkaFake, makeLog, MESSAGE, PAYLOAD, signer } from './clients.js'

async function published(): Promise<KafkaMessage> {
  const producer = kafkaFake()
  await publishKafka(producer, MESSAGE, { signer })
  const message = producer.published.at(-1)
  if (message === undefined) throw new Error('nothing was published')
  return message
}

async function deliver(messages: readonly KafkaMessage[], changes: Partial<ReturnType<typeof makeLog>> = {}) {
  const [consumer, log] = [kafkaFake(), { ...makeLog(), ...changes }]
  const subscription = await consumeKafka(consumer, log)
  // Each is dealt with when the client is told so, and its offset may be committed.
  for (const message of messages) await consumer.deliver(message)
  const known = [...log.taken.map(() => 'taken'), ...log.refusals, ...log.failures.map(() => 'failed')]
  await subscription.stop()
  return { ...log, consumer, known }
}

const withHeaders = ({ topic, message }: KafkaMessage, headers: Record<string, unknown>): KafkaMessage => ({
  topic,
  message: { ...message, headers },
})
const signatureOf = ({ message }: KafkaMessage): unknown => message.headers?.[SIGNATURE_HEADER]

describe('publishKafka', () => {
  it('puts the signature as octets beside the untouched payload, and the address into the topic', async () => {
    const producer = kafkaFake()
    const { der, context } = await publishKafka(producer, MESSAGE, { signer })
    await publishKafka(producer, MESSAGE, { signer, key: 'vm-1' })
    const [first, second] = producer.published
    expect(first).toEqual({
      topic: DOTTED,
      message: { value: PAYLOAD, headers: { [SIGNATURE_HEADER]: Buffer.from(der) } },
      key: null,
    })
    expect(second?.key).toBe('vm-1')
    expect(Buffer.from(der).includes(PAYLOAD)).toBe(false)
    expect(context.destination).toBe('compute.c7')
  })

  it('refuses what no topic can be called, payloads that are too large, and a producer that cannot', async () => {
    const toRole = { ...MESSAGE, destination: 'role:compute_node' }
    await expectCodeAsync('ERR_BROKER_PATTERN', () => publishKafka(kafkaFake(), toRole, { signer }))
    const long = { ...MESSAGE, destination: 'a'.repeat(240) }
    await expectCodeAsync('ERR_BROKER_PATTERN', () => publishKafka(kafkaFake(), long, { signer }))
    const addressOf = (message: typeof MESSAGE): string => dottedAddress(message).replace(':', '-')
    const producer = kafkaFake()
    await publishKafka(producer, toRole, { signer, addressOf: addressOf as typeof dottedAddress })
    expect(producer.published[0]?.topic).toBe('role-compute_node.rpc.compute.ping')
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () =>
      publishKafka(kafkaFake(), MESSAGE, { signer, maxPayloadOctets: PAYLOAD.length - 1 }),
    )
    const refusing = { send: () => Promise.reject(new Error('Topic authorization failed')) }
    const error = await expectCodeAsync('ERR_BROKER_CLIENT', () => publishKafka(refusing, MESSAGE, { signer }))
    expect(error.message).toContain('Topic authorization failed')
  })
})

describe('consumeKafka', () => {
  it('hands on what is verified, once, before the next one comes, and ends', async () => {
    const message = await published()
    const { taken, known, consumer } = await deliver([message, message])
    expect(taken[0]).toMatchObject({ signer: alice.identity, content: new Uint8Array(PAYLOAD) })
    expect(known).toEqual(['taken', `ERR_MESSAGE_REPLAYED stale ${DOTTED}`])
    expect(consumer.said).toEqual(['run', 'stop', 'no more consumer.crash'])
  })

  const attempts: readonly (readonly [string, (message: KafkaMessage) => KafkaMessage, string])[] = [
    ['no headers', ({ topic, message: { value } }) => ({ topic, message: { value } }), 'ERR_MESSAGE_UNSIGNED denied'],
    ['other headers', (message) => withHeaders(message, { x: Buffer.from('y') }), 'ERR_MESSAGE_UNSIGNED denied'],
    [
      'an inherited header',
      (message) => withHeaders(message, Object.create(message.message.headers ?? {}) as Record<string, unknown>),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    [
      'an empty signature',
      (message) => withHeaders(message, { [SIGNATURE_HEADER]: Buffer.alloc(0) }),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    [
      'the header twice',
      (message) => withHeaders(message, { [SIGNATURE_HEADER]: [signatureOf(message), signatureOf(message)] }),
      'ERR_MESSAGE_HEADER malformed',
    ],
    [
      'a header of text',
      (message) => withHeaders(message, { [SIGNATURE_HEADER]: String(signatureOf(message)) }),
      'ERR_MESSAGE_HEADER malformed',
    ],
    [
      'a mark of deletion',
      ({ topic, message }) => ({ topic, message: { ...message, value: null } }),
      'ERR_CMS_DIGEST_MISMATCH untrusted',
    ],
    ['another topic', (message) => ({ ...message, topic: 'compute.c7.rpc.ping' }), 'ERR_MESSAGE_ADDRESS denied'],
  ]
  it.each(attempts)('refuses %s', async (_what, change, refusal) => {
    const message = change(await published())
    const { taken, known, failures } = await deliver([message])
    expect(known).toEqual([`${refusal} ${message.topic}`])
    expect([taken, failures]).toEqual([[], []])
  })

  it('does not stop where a handler fails, or a callback, and tells so', async () => {
    const handler = (): void => {
      throw new StoreError('ERR_FILE_WRITE', 'the disk is full')
    }
    const { failures, known } = await deliver([await published(), await published()], { handler })
    expect(known).toEqual(['failed', 'failed'])
    expect(failures.every((error) => isSignetError(error) && error.code === 'ERR_FILE_WRITE')).toBe(true)
  })

  it('tells when the consumer breaks down, and not after it has ended', async () => {
    const [consumer, log] = [kafkaFake(), makeLog()]
    const subscription = await consumeKafka(consumer, log)
    consumer.crash(new Error('Group authorization failed'))
    await subscription.stop()
    consumer.crash(new Error('again'))
    expect(log.failures).toMatchObject([
      { code: 'ERR_BROKER_CLIENT', details: { reason: 'Group authorization failed' } },
    ])
  })

  it('listens to nothing when the broker refuses', async () => {
    const consumer = kafkaFake()
    consumer.run = () => Promise.reject(new Error('Not authorized'))
    await expectCodeAsync('ERR_BROKER_CLIENT', () => consumeKafka(consumer, makeLog()))
    expect(consumer.said).toEqual(['no more consumer.crash'])
  })
})
