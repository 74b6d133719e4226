import { describe, expect, it } from 'vitest'
import { type MqttPacket, publishMqtt, SIGNATURE_HEADER, subscribeMqtt } from '../../src/brokers/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeLog, MESSAGE, mqttFake, PAYLOAD, signer } from './clients.js'

const TOPIC = 'compute/c7/rpc/compute/ping'

interface Delivered {
  readonly topic: string
  readonly payload: Uint8Array
  readonly packet: MqttPacket
}

async function published(): Promise<Delivered> {
  const client = mqttFake()
  await publishMqtt(client, MESSAGE, { signer })
  const [topic = '', payload = Buffer.alloc(0), packet = {}] = client.published[0] ?? []
  return { topic, payload, packet }
}

async function deliver(messages: readonly Delivered[]) {
  const [client, log] = [mqttFake(), makeLog()]
  const subscription = await subscribeMqtt(client, ['compute/c7/#'], log)
  for (const { topic, payload, packet } of messages) client.deliver(topic, payload, packet)
  await subscription.stop()
  return { ...log, client }
}

function withProperty(message: Delivered, value: string | string[]): Delivered {
  return { ...message, packet: { properties: { userProperties: { [SIGNATURE_HEADER]: value } } } }
}

const signatureOf = ({ packet }: Delivered): string =>
  String(packet.properties?.userProperties?.[SIGNATURE_HEADER] ?? '')

describe('publishMqtt', () => {
  it('puts the signature in base64url beside the untouched payload, and the address into the topic', async () => {
    const message = await published()
    expect([message.topic, message.payload]).toEqual([TOPIC, PAYLOAD])
    expect(signatureOf(message)).toMatch(/^[A-Za-z0-9_-]{300,700}$/)
  })

  it('publishes at least once unless told otherwise', async () => {
    const client = mqttFake()
    await publishMqtt(client, MESSAGE, { signer })
    await publishMqtt(client, MESSAGE, { signer, qos: 0 })
    expect(client.said).toEqual(['publish with QoS 1', 'publish with QoS 0'])
  })

  it('tells what the broker refuses', async () => {
    const refusing = { ...mqttFake(), publishAsync: () => Promise.reject(new Error('Not authorized')) }
    await expectCodeAsync('ERR_BROKER_CLIENT', () => publishMqtt(refusing, MESSAGE, { signer }))
  })

  it('speaks no older version, which would drop the signature', async () => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => publishMqtt(mqttFake(4), MESSAGE, { signer }))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => subscribeMqtt(mqttFake(4), ['#'], makeLog()))
  })
})

describe('subscribeMqtt', () => {
  it('hands on what is verified, once, and stops listening', async () => {
    const message = await published()
    const { taken, refusals, client } = await deliver([message, message])
    expect(taken).toHaveLength(1)
    expect(refusals).toEqual([`ERR_MESSAGE_REPLAYED stale ${TOPIC}`])
    expect(client.said).toEqual(['subscribe compute/c7/# with QoS 1', 'unsubscribe compute/c7/#'])
    expect(client.listeners.size).toBe(0)
  })

  const attempts: readonly (readonly [string, (message: Delivered) => Delivered, string])[] = [
    ['no properties', (message) => ({ ...message, packet: {} }), 'ERR_MESSAGE_UNSIGNED denied'],
    [
      'empty user properties',
      (message) => ({ ...message, packet: { properties: { userProperties: null } } }),
      'ERR_MESSAGE_UNSIGNED denied',
    ],
    [
      'the property twice',
      (message) => withProperty(message, [signatureOf(message), signatureOf(message)]),
      'ERR_MESSAGE_HEADER malformed',
    ],
    ['the property never', (message) => withProperty(message, []), 'ERR_MESSAGE_UNSIGNED denied'],
    ['another alphabet', (message) => withProperty(message, 'MII/'), 'ERR_MESSAGE_HEADER malformed'],
    ['a property that is no text', (message) => withProperty(message, 7 as never), 'ERR_MESSAGE_HEADER malformed'],
    ['another topic', (message) => ({ ...message, topic: 'compute/c7/rpc/ping' }), 'ERR_MESSAGE_ADDRESS denied'],
    [
      'dots in the topic',
      (message) => ({ ...message, topic: TOPIC.replaceAll('/', '.') }),
      'ERR_MESSAGE_ADDRESS denied',
    ],
  ]
  it.each(attempts)('refuses %s', async (_what, change, refusal) => {
    const message = change(await published())
    const { taken, refusals, failures } = await deliver([message])
    expect(refusals).toEqual([`${refusal} ${message.topic}`])
    expect([taken, failures]).toEqual([[], []])
  })

  it('stops listening when the broker refuses', async () => {
    const client = mqttFake()
    client.subscribeAsync = () => Promise.reject(new Error('Not authorized'))
    await expectCodeAsync('ERR_BROKER_CLIENT', () => subscribeMqtt(client, ['#'], makeLog()))
    expect(client.listeners.size).toBe(0)
  })
})
