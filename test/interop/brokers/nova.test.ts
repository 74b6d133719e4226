/**
 * From registry and policy to what brokers really let pass: the deployment and the policy of fixtures/nova, applied and
 * exported by the command line, on three brokers. What the policy allows arrives; what it denies is refused by the broker.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import * as amqp from 'amqplib'
import { connectAsync, ErrorWithReasonCode } from 'mqtt'
import { connect as connectNats } from 'nats'
import { afterAll, describe, expect, it } from 'vitest'
import { type CredentialFiles, makeDeployment } from '../../support/deployment.js'
import { NOVA } from '../../support/nova.js'
import { available } from '../programs.js'
import { startRabbitmq, writeCrlDirectory } from './rabbitmq.js'
import { eventually, freePorts, startServer } from './server.js'

const CLIENTS = ['one-compute-01', 'one-compute-02', 'one-conductor', 'one-scheduler', 'one-telemetry'] as const
type Client = (typeof CLIENTS)[number]

/** Who sends which type where; whether it may, and who hears it then. */
const ATTEMPTS: readonly (readonly [Client, type: string, to: string, heard: Client | 'refused'])[] = [
  ['one-compute-01', 'rpc.scheduler.update_instance_info', 'scheduler', 'one-scheduler'],
  ['one-compute-01', 'rpc.conductor.compute_task.migrate_server', 'conductor', 'one-conductor'],
  ['one-compute-01', 'notify.instance.create.end', 'notifications', 'one-telemetry'],
  ['one-conductor', 'rpc.compute.live_migration', 'compute.compute-02', 'one-compute-02'],
  ['one-conductor', 'rpc.scheduler.select_destinations', 'scheduler', 'one-scheduler'],
  ['one-compute-01', 'rpc.compute.live_migration', 'compute.compute-02', 'refused'],
  ['one-compute-01', 'rpc.compute.build_and_run_instance', 'compute.compute-02', 'refused'],
  ['one-compute-01', 'rpc.scheduler.select_destinations', 'scheduler', 'refused'],
  ['one-compute-01', 'rpc.conductor.compute_task.live_migrate_instance', 'conductor', 'refused'],
  ['one-scheduler', 'rpc.compute.live_migration', 'compute.compute-02', 'refused'],
  ['one-telemetry', 'notify.instance.create.end', 'notifications', 'refused'],
]

const hasAny = available('nats-server', 'mosquitto', 'rabbitmq-server', 'openssl')
const cloud = await makeDeployment({ entities: [{ id: 'broker-01', ip: ['127.0.0.1'] }], issue: 'none' })
await cloud.signet(['apply', resolve('fixtures/nova/deployment.yaml')])
for (const id of CLIENTS) await cloud.issue(id, `${id}/tls`, { profile: 'client' })
const credential = await cloud.issue('broker-01', 'broker-01/server', { profile: 'server' })
const ports = await freePorts(3)

async function exported(broker: string, port: number): Promise<string> {
  const directory = cloud.path(broker)
  await cloud.signet([
    ...['policy', 'export', broker, resolve('fixtures/nova/policy.yaml'), '--out', directory],
    ...['--credential', credential.directory, '--config', directory, '--address', '127.0.0.1', '--port', String(port)],
  ])
  return directory
}

function tlsOf(id: Client): { ca: string; cert: string; key: string; servername: string } {
  const { fullchain, key }: CredentialFiles = cloud.credential(`${id}/tls`)
  const text = (path: string): string => readFileSync(path, 'utf8')
  return { ca: text(cloud.rootFile), cert: text(fullchain), key: text(key), servername: 'broker-01.cloud.example' }
}

/** A broker that was started, as its clients see it. */
interface Broker {
  /** Publish; whether the broker refused it. */
  readonly publish: (client: Client, address: string) => Promise<boolean>
  /** Addresses that a client has received. */
  readonly heard: (client: Client) => readonly string[]
}

const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing) await close().catch(() => undefined)
})

/** Where each client listens: the prefixes of its destinations. */
const LISTENS: Readonly<Record<Client, readonly string[]>> = {
  'one-compute-01': ['compute', 'compute.compute-01'],
  'one-compute-02': ['compute', 'compute.compute-02'],
  'one-conductor': ['conductor'],
  'one-scheduler': ['scheduler'],
  'one-telemetry': ['notifications'],
}

async function nats(port: number): Promise<Broker> {
  const directory = await exported('nats', port)
  const server = await startServer({
    program: 'nats-server',
    words: ['-c', `${directory}/signet.conf`],
    ready: /Server is ready/,
  })
  const heard = new Map<Client, string[]>()
  const connections = new Map<Client, Awaited<ReturnType<typeof connectNats>>>()
  for (const id of CLIENTS) {
    const connection = await connectNats({ servers: `127.0.0.1:${port}`, reconnect: false, tls: tlsOf(id) })
    closing.push(() => connection.close())
    connections.set(id, connection)
    const subjects: string[] = []
    heard.set(id, subjects)
    for (const prefix of LISTENS[id].slice(-1)) {
      connection.subscribe(`${prefix}.>`, { callback: (error, message) => error ?? subjects.push(message.subject) })
    }
    await connection.flush()
  }
  return {
    publish: async (id, address) => {
      const arrivals = (): number => [...heard.values()].flat().filter((subject) => subject === address).length
      const violations = (): number => server.log().split(`Subject "${address}"`).length
      const before = [arrivals(), violations()] as const
      connections.get(id)?.publish(address, 'x')
      await connections.get(id)?.flush()
      // Nobody answers a publisher: either it is delivered, or the log says why not.
      await eventually(() => arrivals() + violations()).toBeGreaterThan(before[0] + before[1])
      return violations() > before[1]
    },
    heard: (id) => heard.get(id) ?? [],
  }
}

async function mosquitto(port: number): Promise<Broker> {
  const directory = await exported('mosquitto', port)
  copyFileSync(cloud.crlsFile, `${directory}/crls.pem`)
  const file = `${directory}/signet.conf`
  writeFileSync(file, `${readFileSync(file, 'utf8')}user ${userInfo().username}\n`)
  await startServer({ program: 'mosquitto', words: ['-c', file], ready: /mosquitto version \S+ running/ })
  const heard = new Map<Client, string[]>()
  const clients = new Map<Client, Awaited<ReturnType<typeof connectAsync>>>()
  for (const id of CLIENTS) {
    const options = { protocol: 'mqtts' as const, host: '127.0.0.1', port, protocolVersion: 5 as const }
    const client = await connectAsync({ ...options, reconnectPeriod: 0, ...tlsOf(id) })
    closing.push(() => client.endAsync(true))
    clients.set(id, client)
    const topics: string[] = []
    heard.set(id, topics)
    client.on('message', (topic) => topics.push(topic.replaceAll('/', '.')))
    for (const prefix of LISTENS[id].slice(-1))
      await client.subscribeAsync(`${prefix.replaceAll('.', '/')}/#`, { qos: 1 })
  }
  return {
    publish: async (id, address) => {
      try {
        await clients.get(id)?.publishAsync(address.replaceAll('.', '/'), 'x', { qos: 1 })
        return false
      } catch (error) {
        return error instanceof ErrorWithReasonCode && error.code === 135
      }
    },
    heard: (id) => heard.get(id) ?? [],
  }
}

async function rabbitmq(port: number): Promise<Broker> {
  const directory = await exported('rabbitmq', port)
  writeCrlDirectory(cloud, 'rabbitmq/crls')
  await startRabbitmq(directory)
  const heard = new Map<Client, string[]>()
  const connections = new Map<Client, amqp.ChannelModel>()
  for (const id of CLIENTS) {
    const where = { protocol: 'amqps', hostname: '127.0.0.1', port, vhost: 'signet', heartbeat: 0 }
    const connection = await amqp.connect(where, { ...tlsOf(id), credentials: amqp.credentials.external() })
    closing.push(() => connection.close())
    connection.on('error', () => undefined)
    connections.set(id, connection)
    const keys: string[] = []
    heard.set(id, keys)
    const channel = await connection.createChannel()
    await channel.consume(`in:${id}`, (message) => void keys.push(message?.fields.routingKey ?? ''), { noAck: true })
  }
  return {
    publish: async (id, address) => {
      const channel = await connections.get(id)?.createConfirmChannel()
      if (channel === undefined) return false
      const refused = new Promise<boolean>((done) => channel.once('error', () => done(true)))
      channel.publish(`out:${id}`, address, Buffer.from('x'))
      const confirmed = channel.waitForConfirms().then(
        () => false,
        () => refused,
      )
      return Promise.race([confirmed, refused])
    },
    heard: (id) => heard.get(id) ?? [],
  }
}

describe.skipIf(!hasAny).each([
  ['NATS', nats, ports[0] ?? 0],
  ['Mosquitto', mosquitto, ports[1] ?? 0],
  ['RabbitMQ', rabbitmq, ports[2] ?? 0],
] as const)('requirement 53: nova’s policy, as %s enforces it', (_name, start, port) => {
  it('lets pass what the policy allows, and refuses what it denies', { timeout: 120_000 }, async () => {
    const broker = await start(port)
    for (const [sender, type, to, heard] of ATTEMPTS) {
      const address = `${to}.${type}`
      const what = `${sender} sends ${type} to ${to}`
      expect(await broker.publish(sender, address), what).toBe(heard === 'refused')
      if (heard !== 'refused') await eventually(() => broker.heard(heard)).toContain(address)
    }
    const allowed = ATTEMPTS.filter(([, , , heard]) => heard !== 'refused').map(([, type, to]) => `${to}.${type}`)
    const arrived = CLIENTS.flatMap((id) => broker.heard(id))
    expect(arrived.filter((address) => !allowed.includes(address))).toEqual([])
  })
})

describe('the attempts of this file', () => {
  it.each(ATTEMPTS)('%s sends %s to %s: the policy itself says so', (sender, type, to, heard) => {
    const role = sender.replace(/^one-|-\d+$/g, '').replace('telemetry', 'observer')
    const held = { roles: [role], grants: [role], groups: [], entity: sender, uri: 'x', scope: 'region-one/nova' }
    const declared = NOVA.destinationOf(to)
    if (declared === undefined) expect.fail('it is declared')
    const rules = NOVA.rulesFor(type, declared)
    const names = rules.map(({ name }) => name)
    const { outcome, considered } = NOVA.decide({
      sender: { ...held, service: `nova-${role}`, node: 'compute-01' },
      type,
      destination: to,
      scope: 'region-one/nova',
      content: { publisher_id: `nova-${role}:compute-01`, args: { host_name: 'compute-01' } },
    })
    expect(considered.map(({ rule }) => rule)).toEqual(names)
    expect(outcome).toBe(heard === 'refused' ? 'denied' : 'allowed')
  })
})
