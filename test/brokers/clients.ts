/**
 * Clients of the brokers without a server: what is published is kept, and what a test delivers arrives.
 */
import {
  type AmqpChannel,
  type AmqpMessage,
  type EnforceOptions,
  type KafkaConsumer,
  type KafkaMessage,
  type KafkaProducer,
  type MqttClient,
  type MqttPacket,
  type NatsConnection,
  type NatsHeaders,
  type NatsMessage,
} from '../../src/brokers/index.js'
import {
  createReplayMemory,
  MessageSigner,
  MessageVerifier,
  type VerifiedMessage,
  type VerifierOptions,
} from '../../src/message/index.js'
import type { SignetError } from '../../src/errors/index.js'
import { NOW } from '../support/certificates.js'
import { makeDirectory, makeSender, makeWorld } from '../support/messages.js'

const world = await makeWorld()
export const alice = makeSender(world, { node: 'c1', service: 'conductor', roles: ['conductor'] })
const trust = await makeDirectory(world, [alice])
const clock = { now: () => NOW }

export const signer = new MessageSigner(alice, { clock, form: 'attached' })
export const PAYLOAD = Buffer.from('{"method": "ping"}')
export const MESSAGE = { payload: PAYLOAD, type: 'rpc.compute.ping', destination: 'compute.c7' }
export const DOTTED = 'compute.c7.rpc.compute.ping'

export function verifierOf(changes: Partial<VerifierOptions> = {}): MessageVerifier {
  return new MessageVerifier({
    trust,
    destinations: ['compute.c7', 'role:compute_node'],
    senders: { roles: ['conductor'] },
    types: ['rpc.*'],
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
    clock,
    ...changes,
  })
}

/** Everything that a receiver was told. */
export function makeLog(changes: Partial<VerifierOptions> = {}) {
  const taken: VerifiedMessage[] = []
  const refusals: string[] = []
  const failures: unknown[] = []
  return {
    taken,
    refusals,
    failures,
    verifier: verifierOf(changes),
    handler: ((message) => void taken.push(message)) as EnforceOptions['handler'],
    refused: ({ code }: SignetError, { verdict, address }: { verdict: string; address: string }): void =>
      void refusals.push(`${code} ${verdict} ${address}`),
    failed: (error: unknown): void => void failures.push(error),
  }
}

export interface AmqpFake extends AmqpChannel {
  readonly published: AmqpMessage[]
  readonly said: string[]
  deliver: (message: AmqpMessage | null) => void
}

export function amqpFake(): AmqpFake {
  const fake: AmqpFake = {
    published: [],
    said: [],
    deliver: () => undefined,
    publish: (exchange, routingKey, content, properties) => {
      fake.said.push(`publish ${exchange}`)
      fake.published.push({ content, fields: { routingKey }, properties })
      return true
    },
    prefetch: (count) => Promise.resolve(fake.said.push(`prefetch ${count}`)),
    consume: (queue, take) => {
      fake.said.push(`consume ${queue}`)
      fake.deliver = take
      return Promise.resolve({ consumerTag: 'tag' })
    },
    cancel: (tag) => Promise.resolve(fake.said.push(`cancel ${tag}`)),
    ack: () => void fake.said.push('ack'),
    reject: (_message, requeue) => void fake.said.push(`reject ${requeue ? 'and requeue' : 'for good'}`),
  }
  return fake
}

export class HeadersFake implements NatsHeaders {
  readonly pairs: (readonly [string, string])[] = []
  append(name: string, value: string): void {
    this.pairs.push([name, value])
  }
  values(name: string): string[] {
    return this.pairs.flatMap(([key, value]) => (key === name ? [value] : []))
  }
}

export interface NatsFake extends NatsConnection {
  readonly published: NatsMessage[]
  readonly said: string[]
  deliver: (error: Error | null, message: NatsMessage) => void
}

export function natsFake(): NatsFake {
  const fake: NatsFake = {
    published: [],
    said: [],
    deliver: () => undefined,
    publish: (subject, data, { headers }) => void fake.published.push({ subject, data, headers }),
    subscribe: (subject, { queue = 'alone', callback }) => {
      fake.said.push(`subscribe ${subject} ${queue}`)
      fake.deliver = callback
      return { unsubscribe: () => void fake.said.push('unsubscribe') }
    },
    flush: () => Promise.resolve(void fake.said.push('flush')),
  }
  return fake
}

type Delivery = readonly [topic: string, payload: Uint8Array, packet: MqttPacket]

export interface MqttFake extends MqttClient {
  readonly published: Delivery[]
  readonly said: string[]
  readonly listeners: Set<(...delivery: Delivery) => void>
  deliver: (...delivery: Delivery) => void
}

export function mqttFake(protocolVersion = 5): MqttFake {
  const fake: MqttFake = {
    options: { protocolVersion },
    published: [],
    said: [],
    listeners: new Set(),
    deliver: (...delivery) => fake.listeners.forEach((listener) => listener(...delivery)),
    publishAsync: (topic, payload, { qos, properties }) => {
      fake.said.push(`publish with QoS ${qos}`)
      return Promise.resolve(fake.published.push([topic, payload, { properties }]))
    },
    subscribeAsync: (filters, { qos }) =>
      Promise.resolve(fake.said.push(`subscribe ${filters.join()} with QoS ${qos}`)),
    unsubscribeAsync: (filters) => Promise.resolve(fake.said.push(`unsubscribe ${filters.join()}`)),
    on: (_event, listener) => fake.listeners.add(listener),
    removeListener: (_event, listener) => fake.listeners.delete(listener),
  }
  return fake
}

export interface KafkaFake extends KafkaProducer, KafkaConsumer {
  readonly published: (KafkaMessage & { readonly key: string | null })[]
  readonly said: string[]
  deliver: (delivered: KafkaMessage) => Promise<void>
  crash: (error: Error) => void
}

export function kafkaFake(): KafkaFake {
  const nobody = (): void => undefined
  const fake: KafkaFake = {
    published: [],
    said: [],
    deliver: () => Promise.reject(new Error('the consumer does not run')),
    crash: nobody,
    send: ({ topic, messages }) => {
      for (const { key, ...message } of messages) fake.published.push({ topic, message, key })
      return Promise.resolve()
    },
    run: ({ eachMessage }) => {
      fake.deliver = eachMessage
      return Promise.resolve(void fake.said.push('run'))
    },
    on: (event, listener) => {
      fake.crash = (error) => listener({ payload: { error } })
      return () => {
        fake.said.push(`no more ${event}`)
        fake.crash = nobody
      }
    },
    stop: () => Promise.resolve(void fake.said.push('stop')),
  }
  return fake
}
