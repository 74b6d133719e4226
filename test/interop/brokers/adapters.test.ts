/**
 * Signed messages over RabbitMQ, NATS, Mosquitto and Kafka, each over mutual TLS with signet's certificates and permissions made from
 * a policy, and each in the hands of an attacker.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import * as amqp from 'amqplib'
import { connectAsync } from 'mqtt'
import { connect, headers } from 'nats'
import { afterAll, describe, expect, it } from 'vitest'
import {
  consumeAmqp,
  publishAmqp,
  publishMqtt,
  publishNats,
  SIGNATURE_HEADER,
  subscribeMqtt,
  subscribeNats,
} from '../../../src/brokers/index.js'
import { available, kafkaJars } from '../programs.js'
import { hostileBroker, type Link, type Wire } from './hostile.js'
import { kafkaLink } from './kafka-link.js'
import { startRabbitmq, writeCrlDirectory } from './rabbitmq.js'
import { eventually, freePorts, startServer } from './server.js'
import { instancesOf, listener, makeStory, migration, request } from './story.js'

const story = await makeStory()
const [amqpPort = 0, natsPort = 0, mqttPort = 0] = await freePorts(3)
const has = {
  rabbitmq: available('rabbitmq-server', 'openssl'),
  nats: available('nats-server'),
  mosquitto: available('mosquitto'),
  kafka: kafkaJars(),
}
const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing) await close().catch(() => undefined)
})

const [rabbitmq, nats, mosquitto, kafka] = await Promise.all([
  has.rabbitmq ? rabbitmqLink() : undefined,
  has.nats ? natsLink() : undefined,
  has.mosquitto ? mosquittoLink() : undefined,
  has.kafka === undefined ? undefined : kafkaLink(story, has.kafka, closing),
])

interface HostileRabbitmq extends Link {
  /** As {@link Link.inject}, with properties of the attacker's choice. */
  readonly injectWith: (to: string, wire: Wire, properties: amqp.Options.Publish) => Promise<void>
  readonly waiting: (id: string) => Promise<number>
}

async function rabbitmqLink(): Promise<HostileRabbitmq> {
  const directory = story.write('rabbitmq', 'rabbitmq', { port: amqpPort })
  writeCrlDirectory(story.cloud, 'rabbitmq/crls')
  takeOver(`${directory}/definitions.json`)
  await startRabbitmq(directory)
  const open = async (id: string): Promise<amqp.ConfirmChannel> => {
    const connection = await amqp.connect(
      { protocol: 'amqps', hostname: '127.0.0.1', port: amqpPort, vhost: 'signet', heartbeat: 0 },
      { ...story.tls(id), credentials: amqp.credentials.external(), timeout: 10_000 },
    )
    closing.push(() => connection.close())
    return connection.createConfirmChannel()
  }
  const channels = await openAll(open)
  const mallory = channelOf(channels, 'mallory-01')
  await mallory.assertQueue('tap')
  for (const id of ['conductor-01', 'compute-07', 'compute-08', 'mallory-01']) {
    await mallory.bindQueue('tap', `out:${id}`, '#')
    if (id === 'mallory-01') continue
    await mallory.assertExchange(`evil:${id}`, 'fanout')
    await mallory.bindQueue(`in:${id}`, `evil:${id}`, '')
  }
  const publish: Link['publish'] = async (from, message, signer) => {
    const channel = channelOf(channels, from)
    await publishAmqp(channel, message, { signer, exchange: `out:${from}` })
    await channel.waitForConfirms()
  }
  const injectWith: HostileRabbitmq['injectWith'] = async (to, { payload, address }, properties) => {
    mallory.publish(`evil:${to}`, address.join('.'), Buffer.from(payload), properties)
    await mallory.waitForConfirms()
  }
  return {
    publish,
    receive: (id, options) => consumeAmqp(channelOf(channels, id), `in:${id}`, options),
    hold: async (from, message, signer) => {
      await mallory.purgeQueue('tap')
      await publish(from, message, signer)
      const found = await mallory.get('tap', { noAck: true })
      for (const id of ['conductor-01', 'compute-07', 'compute-08']) await mallory.purgeQueue(`in:${id}`)
      if (found === false) throw new Error('nothing came to the broker')
      const signature = found.properties.headers?.[SIGNATURE_HEADER] as Buffer
      return { payload: found.content, address: found.fields.routingKey.split('.'), signatures: [signature] }
    },
    inject: async (to, wire) => {
      const [signature] = wire.signatures
      const properties = signature === undefined ? {} : { [SIGNATURE_HEADER]: Buffer.from(signature) }
      await injectWith(to, wire, { headers: properties })
    },
    injectWith,
    waiting: async (id) => (await mallory.checkQueue(`in:${id}`)).messageCount,
  }
}

/** Give the attacker what only whoever runs the broker has. */
function takeOver(file: string): void {
  interface Account {
    name?: string
    user?: string
    [name: string]: unknown
  }
  const definitions = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Account[]>
  const isMallory = ({ name, user }: Account): boolean => (name ?? user)?.endsWith('/mallory-01') === true
  const change = (kind: string, changes: object): void => {
    for (const account of (definitions[kind] ?? []).filter(isMallory)) Object.assign(account, changes)
  }
  change('users', { tags: ['impersonator'] })
  change('permissions', { configure: '.*', write: '.*', read: '.*' })
  change('topic_permissions', { write: '.*', read: '.*' })
  writeFileSync(file, JSON.stringify(definitions))
}

async function natsLink(): Promise<Link> {
  const directory = story.write('nats', 'nats', { port: natsPort })
  await startServer({ program: 'nats-server', words: ['-c', `${directory}/signet.conf`], ready: /Server is ready/ })
  const connections = await openAll(async (id) => {
    const options = { servers: `127.0.0.1:${natsPort}`, reconnect: false, timeout: 5000, tls: story.tls(id) }
    const connection = await connect(options)
    closing.push(() => connection.close())
    return connection
  })
  const mallory = channelOf(connections, 'mallory-01')
  const tap: Wire[] = []
  mallory.subscribe('>', {
    callback: (_error, message) => {
      const signatures = message.headers?.values(SIGNATURE_HEADER) ?? []
      tap.push(wireOf(message.data, message.subject.split('.'), signatures))
    },
  })
  await mallory.flush()
  const publish: Link['publish'] = async (from, message, signer) => {
    await publishNats(channelOf(connections, from), message, { signer, headers })
    await channelOf(connections, from).flush()
  }
  return {
    publish,
    receive: async (id, options) => {
      const subjects = id === 'conductor-01' ? ['scheduler.>'] : ['compute.>', 'role:compute_node.>']
      const connection = channelOf(connections, id)
      const made = await Promise.all(subjects.map((subject) => subscribeNats(connection, subject, options)))
      return {
        stop: async () => {
          for (const subscription of made) await subscription.stop()
        },
      }
    },
    hold: async (from, message, signer) => heldAt(tap, () => publish(from, message, signer)),
    inject: async (_to, { payload, address, signatures }) => {
      const made = headers()
      for (const signature of signatures) made.append(SIGNATURE_HEADER, Buffer.from(signature).toString('base64url'))
      mallory.publish(address.join('.'), payload, { headers: made })
      await mallory.flush()
    },
  }
}

interface HostileMosquitto extends Link {
  readonly retain: (wire: Wire) => Promise<void>
}

async function mosquittoLink(): Promise<HostileMosquitto> {
  const directory = story.write('mosquitto', 'mosquitto', { port: mqttPort })
  copyFileSync(story.cloud.crlsFile, `${directory}/crls.pem`)
  const file = `${directory}/signet.conf`
  writeFileSync(file, `${readFileSync(file, 'utf8')}user ${userInfo().username}\nlog_type all\n`)
  await startServer({ program: 'mosquitto', words: ['-c', file], ready: /mosquitto version \S+ running/ })
  const clients = await openAll(async (id) => {
    const where = { protocol: 'mqtts', host: '127.0.0.1', port: mqttPort } as const
    const client = await connectAsync({ ...where, protocolVersion: 5, reconnectPeriod: 0, ...story.tls(id) })
    closing.push(() => client.endAsync(true))
    return client
  })
  const mallory = channelOf(clients, 'mallory-01')
  const tap: Wire[] = []
  mallory.on('message', (topic, payload, { properties }) => {
    const value = properties?.userProperties?.[SIGNATURE_HEADER] ?? []
    tap.push(wireOf(payload, topic.split('/'), Array.isArray(value) ? value : [value]))
  })
  await mallory.subscribeAsync('#', { qos: 1 })
  const publish: Link['publish'] = async (from, message, signer) => {
    await publishMqtt(channelOf(clients, from), message, { signer })
  }
  const send = async ({ payload, address, signatures }: Wire, retain: boolean): Promise<void> => {
    const values = signatures.map((signature) => Buffer.from(signature).toString('base64url'))
    const properties = values.length === 0 ? {} : { userProperties: { [SIGNATURE_HEADER]: values } }
    await mallory.publishAsync(address.join('/'), Buffer.from(payload), { qos: 1, retain, properties })
  }
  return {
    publish,
    receive: async (id, options) => {
      const filters = id === 'conductor-01' ? ['scheduler/#'] : ['compute/#', 'role:compute_node/#']
      return subscribeMqtt(channelOf(clients, id), filters, options)
    },
    hold: async (from, message, signer) => heldAt(tap, () => publish(from, message, signer)),
    inject: (_to, wire) => send(wire, false),
    retain: (wire) => send(wire, true),
  }
}

async function openAll<T>(open: (id: string) => Promise<T>): Promise<ReadonlyMap<string, T>> {
  const ids = ['conductor-01', 'compute-07', 'compute-08', 'mallory-01']
  return new Map(await Promise.all(ids.map(async (id) => [id, await open(id)] as const)))
}

function channelOf<T>(all: ReadonlyMap<string, T>, id: string): T {
  const found = all.get(id)
  if (found === undefined) throw new Error(`nobody is ${id}`)
  return found
}

function wireOf(payload: Uint8Array, address: readonly string[], signatures: readonly string[]): Wire {
  return { payload, address, signatures: signatures.map((text) => Buffer.from(text, 'base64url')) }
}

/** What comes to the broker, and to nobody else, because nobody has subscribed. */
async function heldAt(tap: Wire[], publish: () => Promise<void>): Promise<Wire> {
  // What the attacker has injected comes back, too.
  const before = tap.length
  await publish()
  await eventually(() => tap.length).toBeGreaterThan(before)
  const last = tap.at(-1)
  if (last === undefined) throw new Error('nothing came to the broker')
  return last
}

function present<T>(link: T | undefined): T {
  if (link === undefined) throw new Error('the broker is not there')
  return link
}

const held = async (link: Link): Promise<Wire> =>
  link.hold('conductor-01', migration('vm-1'), story.signer('conductor-01'))

describe.skipIf(!has.rabbitmq)('RabbitMQ in the hands of an attacker', () => {
  hostileBroker(story, () => present(rabbitmq))

  it('requirement 5: MSG-07: says that another has published, and writes the signature as a text', async () => {
    const link = present(rabbitmq)
    const wire = await held(link)
    const { told, ...callbacks } = listener()
    const subscription = await link.receive('compute-07', { verifier: story.verifier('compute-07'), ...callbacks })
    const [signature] = wire.signatures.map((octets) => Buffer.from(octets))
    const uriOf = (id: string): string => `spiffe://cloud.example/region-one/nova/${id.replace(/-[0-9]+/, '')}/${id}`
    const signed = { [SIGNATURE_HEADER]: signature }
    await link.injectWith('compute-07', wire, { headers: signed, userId: uriOf('compute-08') })
    await link.injectWith('compute-07', wire, { headers: { [SIGNATURE_HEADER]: signature?.toString('base64') } })
    await link.injectWith('compute-07', wire, { headers: signed, userId: uriOf('conductor-01') })
    await eventually(() => told.refused.length + told.taken.length).toBe(3)
    await subscription.stop()
    expect([told.refused, instancesOf(told)]).toEqual([['ERR_MESSAGE_ADDRESS', 'ERR_MESSAGE_HEADER'], ['vm-1']])
    // Nothing of it is delivered again.
    expect(await link.waiting('compute-07')).toBe(0)
  })
})

describe.skipIf(!has.nats)('NATS in the hands of an attacker', () => {
  hostileBroker(story, () => present(nats))

  it('requirement 1: adds a second signature', async () => {
    await expectRefusedTwice(present(nats))
  })
})

describe.skipIf(!has.mosquitto)('Mosquitto in the hands of an attacker', () => {
  hostileBroker(story, () => present(mosquitto))

  it('requirement 1: adds a second signature', async () => {
    await expectRefusedTwice(present(mosquitto))
  })

  it('requirement 9: retains a message, and delivers it with every subscription', async () => {
    const link = present(mosquitto)
    const wire = await held(link)
    await link.retain(wire)
    const { told, ...callbacks } = listener()
    const verifier = story.verifier('compute-07')
    for (let count = 1; count <= 2; count++) {
      const subscription = await link.receive('compute-07', { verifier, ...callbacks })
      await eventually(() => told.taken.length + told.refused.length).toBe(count)
      await subscription.stop()
    }
    await link.retain({ ...wire, payload: new Uint8Array(), signatures: [] })
    expect([instancesOf(told), told.refused]).toEqual([['vm-1'], ['ERR_MESSAGE_REPLAYED']])
  })
})

async function expectRefusedTwice(link: Link): Promise<void> {
  const [wire, other] = [await held(link), await held(link)]
  const { told, ...callbacks } = listener()
  const subscription = await link.receive('compute-07', { verifier: story.verifier('compute-07'), ...callbacks })
  await link.inject('compute-07', { ...wire, signatures: [...wire.signatures, ...other.signatures] })
  await link.inject('compute-07', { ...wire, signatures: [...wire.signatures, ...wire.signatures] })
  await eventually(() => told.refused).toEqual(['ERR_MESSAGE_HEADER', 'ERR_MESSAGE_HEADER'])
  await subscription.stop()
}

describe.skipIf(has.kafka === undefined)('Kafka in the hands of an attacker', () => {
  hostileBroker(story, () => present(kafka))

  it('requirement 1: adds a second signature', async () => {
    await expectRefusedTwice(present(kafka))
  })

  it('requirement 9: delivers nothing again of what was handed on or refused', async () => {
    const link = present(kafka)
    const wire = await held(link)
    const { told, ...callbacks } = listener()
    const subscription = await link.receive('compute-07', { verifier: story.verifier('compute-07'), ...callbacks })
    for (const signatures of [wire.signatures, []]) await link.inject('compute-07', { ...wire, signatures })
    await eventually(() => [instancesOf(told), told.refused]).toEqual([['vm-1'], ['ERR_MESSAGE_UNSIGNED']])
    await subscription.stop()
    expect(await link.uncommitted('compute-07', wire.address.join('.'))).toBe(0)
  })
})

describe('a compute node that is quarantined', () => {
  it('requirement 12: is refused over every broker, and the others are not', async () => {
    await story.cloud.signet('entity quarantine compute-08')
    await story.cloud.publishTrust()
    story.refreshTrust()
    const type = 'rpc.scheduler.update_instance_info'
    for (const link of [rabbitmq, nats, mosquitto, kafka].filter((found) => found !== undefined)) {
      const { told, ...callbacks } = listener()
      const subscription = await link.receive('conductor-01', {
        verifier: story.verifier('conductor-01'),
        ...callbacks,
      })
      for (const id of ['compute-08', 'compute-07']) {
        await link.publish(id, request(type, 'scheduler', { host_name: id }), story.signer(id))
      }
      await eventually(() => told.refused.length + told.taken.length).toBe(2)
      await subscription.stop()
      expect(told.refused).toEqual(['ERR_CMS_SIGNER_UNKNOWN'])
      expect(told.taken.map(({ signer }) => signer.entity)).toEqual(['compute-07'])
    }
  })
})
