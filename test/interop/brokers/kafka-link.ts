/**
 * Kafka in the hands of an attacker. It keeps all that is published: receivers begin at the end of the log, behind what is held.
 */
import { type Consumer, Partitioners, type Producer } from 'kafkajs'
import { expect } from 'vitest'
import {
  type AddressOf,
  type AddressPattern,
  type BrokerPermissions,
  type BrokerUser,
  consumeKafka,
  dottedAddress,
  exportFor,
  publishKafka,
  SIGNATURE_HEADER,
} from '../../../src/brokers/index.js'
import type { Link, Wire } from './hostile.js'
import { kafkaClient, kafkaOperator, startKafka } from './kafka.js'
import { eventually, freePorts } from './server.js'
import { MIGRATION, type Story } from './story.js'
import { REST } from './world.js'

/** Topics have no colons. */
const kafkaAddress: AddressOf = (message) => dottedAddress(message).replaceAll(':', '-')
const TOPICS = [
  ...['compute', 'compute.compute-07', 'compute.compute-08', 'role-compute_node', 'scheduler'].map(
    (destination) => `${destination}.${MIGRATION}`,
  ),
  'compute.compute-07.rpc.compute.ping',
  'scheduler.rpc.scheduler.update_instance_info',
]

export interface HostileKafka extends Link {
  /** Messages of a topic that would come again, because nobody has committed them. */
  readonly uncommitted: (id: string, topic: string) => Promise<number>
}

/**
 * Start a broker, and hand it to the attacker.
 *
 * @param closing - What to call after the tests.
 */
export async function kafkaLink(
  story: Story,
  jars: string,
  closing: (() => Promise<unknown>)[],
): Promise<HostileKafka> {
  const [port = 0, controllerPort = 0] = await freePorts(2)
  const broker = await story.cloud.issue('broker-01', 'broker-01/peer', { profile: 'peer' })
  const directory = story.cloud.path('kafka')
  const { files } = exportFor('kafka', kafkaPermissions(story), {
    credentialDirectory: broker.directory,
    configDirectory: directory,
    address: '127.0.0.1',
    port,
    // The attacker has what only whoever runs the broker has.
    brokers: ['broker-01', 'mallory-01'],
  })
  for (const { name, content } of files) story.cloud.write(`kafka/${name}`, content)
  await startKafka({ jars, directory, port, controllerPort, broker })
  const operator = await kafkaOperator(port, story.tls('mallory-01'), TOPICS)
  closing.push(() => operator.disconnect())
  const producerOf = async (id: string): Promise<Producer> => {
    const producer = kafkaClient(port, story.tls(id)).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    closing.push(() => producer.disconnect())
    return producer
  }
  const ids = ['conductor-01', 'compute-07', 'compute-08', 'mallory-01']
  const producers = new Map(await Promise.all(ids.map(async (id) => [id, await producerOf(id)] as const)))
  const from = (id: string): Producer => producers.get(id) ?? expect.unreachable(`nobody is ${id}`)
  const consumerOf = async (id: string, topics: readonly string[]): Promise<Consumer> => {
    const consumer = kafkaClient(port, story.tls(id)).consumer({
      groupId: id,
      maxWaitTimeInMs: 50,
      retry: { retries: 0 },
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: true })
    return consumer
  }
  const endOf = async (topic: string) => {
    const [{ high: offset } = expect.unreachable('a topic has a partition')] = await operator.fetchTopicOffsets(topic)
    return { partition: 0, offset }
  }
  const tap: Wire[] = []
  const tapping = await consumerOf('mallory-01', TOPICS)
  closing.push(() => tapping.disconnect())
  await tapping.run({
    eachMessage: ({ topic, message: { value, headers } }) => {
      const signatures = [headers?.[SIGNATURE_HEADER] ?? []].flat().map((octets) => Buffer.from(octets))
      tap.push({ payload: value ?? new Uint8Array(), address: topic.split('.'), signatures })
      return Promise.resolve()
    },
  })
  return {
    publish: async (id, message, signer) => {
      await publishKafka(from(id), message, { signer, addressOf: kafkaAddress })
    },
    receive: async (id, options) => {
      const mine = id === 'conductor-01' ? /^scheduler\./ : /^(?:compute|role-)/
      const topics = TOPICS.filter((topic) => mine.test(topic))
      const consumer = await consumerOf(id, topics)
      const ends = await Promise.all(topics.map(async (topic) => ({ topic, ...(await endOf(topic)) })))
      const subscribing = consumeKafka(consumer, { ...options, addressOf: kafkaAddress })
      // Before it has fetched anything.
      for (const end of ends) consumer.seek(end)
      const subscription = await subscribing
      return {
        stop: async () => {
          await subscription.stop()
          await consumer.disconnect()
        },
      }
    },
    hold: async (id, message, signer) => {
      const options = { signer, addressOf: kafkaAddress }
      const { der } = await publishKafka(from(id), message, options)
      const find = () =>
        tap.find(({ signatures }) => signatures.some((signature) => Buffer.from(der).equals(signature)))
      await eventually(find).toBeDefined()
      return find() ?? expect.unreachable('nothing came to the broker')
    },
    uncommitted: async (id, topic) => {
      const [found] = await operator.fetchOffsets({ groupId: id, topics: [topic] })
      return Number((await endOf(topic)).offset) - Number(found?.partitions[0]?.offset)
    },
    inject: async (_to, { payload, address, signatures }) => {
      const headers =
        signatures.length === 0 ? {} : { [SIGNATURE_HEADER]: signatures.map((octets) => Buffer.from(octets)) }
      const topic = address.join('.').replaceAll(':', '-')
      await from('mallory-01').send({ topic, messages: [{ value: Buffer.from(payload), headers }] })
    },
  }
}

/** The permissions of the story in words that Kafka has: whole topics, and how they begin. */
function kafkaPermissions(story: Story): BrokerPermissions {
  const groups: readonly AddressPattern[] = ['compute', 'role-compute_node'].map((name) => [name, REST])
  const compute = { publish: [['scheduler', 'rpc', 'scheduler', 'update_instance_info']], consume: groups }
  const permissions = new Map<string, Pick<BrokerUser, 'publish' | 'consume'>>([
    ['conductor-01', { publish: groups, consume: [['scheduler', REST]] }],
    ['compute-07', compute],
    ['compute-08', compute],
  ])
  return {
    users: story.permissions.users.flatMap((user) => {
      const allowed = permissions.get(user.entity)
      return allowed === undefined ? [] : [{ ...user, ...allowed }]
    }),
  }
}
