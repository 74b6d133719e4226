/**
 * RabbitMQ on loopback, with the files that signet writes for it: once with an exchange and a queue for everybody, once,
 * in another virtual host, with one exchange for all.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import * as amqp from 'amqplib'
import { afterEach, describe, expect, it } from 'vitest'
import { available } from '../programs.js'
import { startRabbitmq, writeCrlDirectory } from './rabbitmq.js'
import { eventually, freePorts } from './server.js'
import { type ClientTls, COMPUTE, makeWorld, SCHEDULER, TLS_REFUSED } from './world.js'

const hasRabbitmq = available('rabbitmq-server', 'openssl')
const world = await makeWorld()
const [port = 0] = await freePorts(1)
const server = hasRabbitmq ? await start() : undefined

async function start() {
  const directory = world.write('rabbitmq', 'rabbitmq', { port })
  writeCrlDirectory(world.cloud, 'rabbitmq/crls')
  const shared = world.write('rabbitmq', 'shared', { vhost: 'shared', layout: 'allow-shared-exchange' })
  const [outboxes, exchange] = [directory, shared].map((folder) => definitionsIn(folder))
  const both = Object.entries(outboxes ?? {}).map(([kind, items]) => [
    kind,
    kind === 'users' ? items : [...items, ...(exchange?.[kind] ?? [])],
  ])
  writeFileSync(`${directory}/definitions.json`, JSON.stringify(Object.fromEntries(both)))
  return startRabbitmq(directory)
}

function definitionsIn(folder: string): Record<string, readonly object[]> {
  return JSON.parse(readFileSync(`${folder}/definitions.json`, 'utf8')) as Record<string, readonly object[]>
}

const connections: amqp.ChannelModel[] = []
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close().catch(() => undefined)
})

async function connect(tls: ClientTls, vhost = 'signet'): Promise<amqp.ChannelModel> {
  const connection = await amqp.connect(
    { protocol: 'amqps', hostname: '127.0.0.1', port, vhost, heartbeat: 0 },
    { ...tls, credentials: amqp.credentials.external(), timeout: 10_000 },
  )
  connection.on('error', () => undefined)
  connections.push(connection)
  return connection
}

async function open(tls: ClientTls, vhost?: string): Promise<amqp.ConfirmChannel> {
  return channelOf(await connect(tls, vhost))
}

async function channelOf(connection: amqp.ChannelModel): Promise<amqp.ConfirmChannel> {
  const channel = await connection.createConfirmChannel()
  channel.on('error', () => undefined)
  return channel
}

/** What became of something: nothing, or the code and the words with which the broker closed the channel. */
async function refusalOf(channel: amqp.ConfirmChannel, work: () => Promise<unknown>): Promise<string | undefined> {
  let refusal: string | undefined
  const closed = new Promise<void>((resolve) => {
    channel.once('error', (error: Error) => {
      refusal = error.message
      resolve()
    })
  })
  await Promise.race([work().catch(() => closed), closed])
  return refusal
}

/** Publish, and wait for the broker's answer. */
async function publish(
  channel: amqp.ConfirmChannel,
  exchange: string,
  routingKey: string,
  options: amqp.Options.Publish = {},
): Promise<string | undefined> {
  return refusalOf(channel, async () => {
    channel.publish(exchange, routingKey, Buffer.from(routingKey), options)
    await channel.waitForConfirms()
  })
}

/** Routing keys of what arrives in a queue. */
async function consume(channel: amqp.ConfirmChannel, queue: string): Promise<readonly string[]> {
  const keys: string[] = []
  await channel.consume(queue, (message) => keys.push(message?.fields.routingKey ?? 'cancelled'), { noAck: true })
  return keys
}

const REFUSED = /403 \(ACCESS.REFUSED\)/

describe.skipIf(!hasRabbitmq)('requirement 55: RabbitMQ with the permissions of signet', () => {
  it('delivers what is allowed to who may consume it', async () => {
    const compute = await open(world.as('compute-07'))
    const scheduler = await open(world.as('scheduler-01'))
    const api = await open(world.as('api.v2'))
    const atScheduler = await consume(scheduler, 'in:scheduler-01')
    const atCompute = await consume(compute, 'in:compute-07')
    const atApi = await consume(api, 'in:api.v2')
    expect([
      await publish(compute, 'out:compute-07', 'scheduler.rpc.update'),
      await publish(compute, 'out:compute-07', 'scheduler.report.disk.full'),
      await publish(api, 'out:api.v2', 'scheduler.rpc.select:hosts'),
      await publish(scheduler, 'out:scheduler-01', 'compute.compute-07.rpc.build'),
      await publish(scheduler, 'out:scheduler-01', 'notify.instance.scheduled'),
    ]).toEqual([undefined, undefined, undefined, undefined, undefined])
    await eventually(() => atScheduler).toEqual([
      'scheduler.rpc.update',
      'scheduler.report.disk.full',
      'scheduler.rpc.select:hosts',
    ])
    await eventually(() => atCompute).toEqual(['compute.compute-07.rpc.build'])
    await eventually(() => atApi).toEqual(['notify.instance.scheduled'])
  })

  it('requirement 53: knows the publisher by the URI of its certificate, without a password', async () => {
    const compute = await open(world.as('compute-07'))
    expect(await publish(compute, 'out:compute-07', 'scheduler.rpc.update', { userId: COMPUTE.uri })).toBeUndefined()
    expect(await publish(compute, 'out:compute-07', 'scheduler.rpc.update', { userId: SCHEDULER.uri })).toMatch(
      /406 .*authenticated user was 'spiffe:\/\/cloud\.example\/region-one\/nova\/compute\/compute-07'/,
    )
  })

  it.each([
    ['compute-07', 'a type that is not allowed', 'out:compute-07', 'scheduler.rpc.select:hosts'],
    ['compute-07', 'an address that is not allowed', 'out:compute-07', 'compute.compute-08.rpc.build'],
    ['compute-07', 'its own address', 'out:compute-07', 'compute.compute-07.rpc.build'],
    ['compute-07', 'one segment more', 'out:compute-07', 'scheduler.rpc.update.now'],
    ['compute-07', 'one segment less', 'out:compute-07', 'scheduler.report'],
    ['compute-07', 'a key with a line feed', 'out:compute-07', 'scheduler.rpc.update\n'],
    ['compute-07', 'no key', 'out:compute-07', ''],
    ['compute-07', 'the exchange of another', 'out:scheduler-01', 'compute.compute-07.rpc.build'],
    ['compute-07', 'the queue of another', '', 'in:scheduler-01'],
    ['compute-07', 'the exchange for all', 'amq.topic', 'scheduler.rpc.update'],
    ['scheduler-01', 'another type at every node', 'out:scheduler-01', 'compute.compute-07.rpc.destroy'],
    ['scheduler-01', 'two segments for one', 'out:scheduler-01', 'compute.a.b.rpc.build'],
    ['api.v2', 'what others may', 'out:api.v2', 'scheduler.rpc.update'],
  ])('refuses that %s publishes to %s', async (id, _what, exchange, routingKey) => {
    expect(await publish(await open(world.as(id)), exchange, routingKey)).toMatch(REFUSED)
  })

  const forbidden: readonly (readonly [string, (channel: amqp.ConfirmChannel) => Promise<unknown>])[] = [
    ['consume from the queue of another', (channel) => consume(channel, 'in:scheduler-01')],
    ['get from the queue of another', (channel) => channel.get('in:scheduler-01')],
    ['purge the queue of another', (channel) => channel.purgeQueue('in:scheduler-01')],
    ['declare a queue', (channel) => channel.assertQueue('in:compute-07:more')],
    ['delete its queue', (channel) => channel.deleteQueue('in:compute-07')],
    ['declare an exchange', (channel) => channel.assertExchange('out:compute-07:more', 'topic')],
    ['bind its queue to the exchange of another', (channel) => channel.bindQueue('in:compute-07', 'out:api.v2', '#')],
    [
      'unbind the queue of another',
      (channel) => channel.unbindQueue('in:scheduler-01', 'out:api.v2', 'scheduler.rpc.*'),
    ],
    ['bind an exchange to its own', (channel) => channel.bindExchange('out:compute-07', 'out:api.v2', '#')],
  ]
  it.each(forbidden)('refuses to %s', async (_what, work) => {
    const channel = await open(world.as('compute-07'))
    expect(await refusalOf(channel, () => work(channel))).toMatch(REFUSED)
  })

  it('carries no message further by its headers CC and BCC', async () => {
    const compute = await open(world.as('compute-07'))
    const api = await open(world.as('api.v2'))
    const scheduler = await open(world.as('scheduler-01'))
    await scheduler.purgeQueue('in:scheduler-01')
    const atApi = await consume(api, 'in:api.v2')
    const atScheduler = await consume(scheduler, 'in:scheduler-01')
    await publish(compute, 'out:compute-07', 'scheduler.report.a.b', {
      CC: ['notify.instance.scheduled', 'scheduler.rpc.select:hosts'],
      BCC: ['notify.instance.created'],
    })
    await publish(scheduler, 'out:scheduler-01', 'notify.instance.scheduled')
    await eventually(() => atApi).toEqual(['notify.instance.scheduled'])
    await eventually(() => atScheduler).toEqual(['scheduler.report.a.b'])
  })

  it.each([
    [
      'an entity without permissions',
      () => world.as('stranger-01'),
      /403|ACCESS.REFUSED/,
      /stranger-01' - invalid credentials/,
    ],
    [
      'a client without a certificate',
      () => world.asNobody(),
      TLS_REFUSED,
      /certificate_required|Certificate required/,
    ],
    ['the same names from another authority', () => world.asTwin('compute-07'), TLS_REFUSED, /unknown_ca|Unknown CA/i],
    [
      'a certificate for signing messages',
      () => world.asSigner('compute-07'),
      TLS_REFUSED,
      /handshake_failure|unsupported_certificate|Handshake Failure|Unsupported/i,
    ],
    ['a revoked certificate', () => world.as('compute-08'), TLS_REFUSED, /certificate_revoked|Certificate Revoked/i],
  ])('refuses %s', async (_what, tls, heard, why) => {
    const before = server?.log().length
    await expect(connect(tls())).rejects.toThrow(heard)
    await eventually(() => server?.log().slice(before)).toMatch(why)
  })

  it('tells everybody how long a queue is, as the notes say', async () => {
    const { messageCount } = await (await open(world.as('compute-07'))).checkQueue('in:scheduler-01')
    expect(messageCount).toBeGreaterThanOrEqual(0)
  })

  it('offers no mechanism with passwords', async () => {
    const { servername, ca, cert, key } = world.as('compute-07')
    const plain = amqp.connect(`amqps://guest:guest@127.0.0.1:${port}/signet`, { servername, ca, cert, key })
    await expect(plain).rejects.toThrow(/PLAIN/)
  })
})

describe.skipIf(!hasRabbitmq)('RabbitMQ with one exchange for all', () => {
  const openShared = async (id: string): Promise<amqp.ConfirmChannel> => open(world.as(id), 'shared')

  it('delivers what is allowed to who may consume it', async () => {
    const scheduler = await openShared('scheduler-01')
    await scheduler.assertQueue('in:scheduler-01:worker', { exclusive: true })
    for (const key of ['scheduler.rpc.*', 'scheduler.rpc.update', 'scheduler.report.*.#', 'scheduler.report.disk.#']) {
      await scheduler.bindQueue('in:scheduler-01:worker', 'signet', key)
    }
    const keys = await consume(scheduler, 'in:scheduler-01:worker')
    expect(await publish(await openShared('compute-07'), 'signet', 'scheduler.rpc.update')).toBeUndefined()
    await eventually(() => keys).toEqual(['scheduler.rpc.update'])
  })

  it.each([
    '#',
    '*.#',
    'scheduler.#',
    'scheduler.*.*',
    'scheduler.rpc.#',
    'scheduler.rpc.*.#',
    'scheduler.report.#',
    'compute.*.rpc.build',
    '',
  ])('refuses to bind a queue to %j, which is wider than allowed', async (key) => {
    const scheduler = await openShared('scheduler-01')
    await scheduler.assertQueue('in:scheduler-01:wide', { exclusive: true })
    expect(await refusalOf(scheduler, () => scheduler.bindQueue('in:scheduler-01:wide', 'signet', key))).toMatch(
      REFUSED,
    )
  })

  const forbidden: readonly (readonly [string, (channel: amqp.ConfirmChannel) => Promise<unknown>])[] = [
    ['declare the queue of another', (channel) => channel.assertQueue('in:scheduler-01')],
    ['declare a queue that only begins like its own', (channel) => channel.assertQueue('in:compute-070')],
    ['declare a queue that a broker names', (channel) => channel.assertQueue('')],
    ['consume from the queue of another', (channel) => consume(channel, 'in:scheduler-01')],
    ['delete the exchange', (channel) => channel.deleteExchange('signet')],
    ['publish a type that is not allowed', (channel) => publish(channel, 'signet', 'scheduler.rpc.select:hosts')],
    ['publish to a queue', (channel) => publish(channel, '', 'in:scheduler-01')],
  ]
  it.each(forbidden)('refuses to %s', async (_what, work) => {
    const channel = await openShared('compute-07')
    expect(await refusalOf(channel, () => work(channel))).toMatch(REFUSED)
  })

  async function listen(): Promise<readonly string[]> {
    const api = await openShared('api.v2')
    await api.assertQueue('in:api.v2', { exclusive: true })
    await api.bindQueue('in:api.v2', 'signet', 'notify.instance.*')
    return consume(api, 'in:api.v2')
  }

  it('lets the header CC go further than topic permissions before version 4, as the notes say', async () => {
    const keys = await listen()
    const compute = await openShared('compute-07')
    const { version } = (await connect(world.as('compute-07'))).connection.serverProperties
    const refusal = await publish(compute, 'signet', 'scheduler.rpc.update', { CC: ['notify.instance.forged'] })
    if (Number(version.split('.')[0]) < 4) await eventually(() => keys).toEqual(['scheduler.rpc.update'])
    else expect(refusal).toMatch(REFUSED)
  })

  it('lets dead letters go further than topic permissions, as the notes say', async () => {
    const keys = await listen()
    const compute = await openShared('compute-07')
    const forged = { deadLetterExchange: 'signet', deadLetterRoutingKey: 'notify.instance.forged' }
    await compute.assertQueue('in:compute-07:trap', { exclusive: true, ...forged })
    await compute.bindQueue('in:compute-07:trap', 'signet', 'compute.compute-07.rpc.build')
    await compute.consume('in:compute-07:trap', (message) => {
      if (message !== null) compute.reject(message, false)
    })
    await publish(await openShared('scheduler-01'), 'signet', 'compute.compute-07.rpc.build')
    await eventually(() => keys).toEqual(['notify.instance.forged'])
  })
})
