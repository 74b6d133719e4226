/**
 * NATS on loopback, with the file that signet writes for it.
 */
import { connect, type NatsConnection, type SubscriptionOptions } from 'nats'
import { afterEach, describe, expect, it } from 'vitest'
import { available } from '../programs.js'
import { eventually, freePorts, startServer } from './server.js'
import { API, type ClientTls, COMPUTE, makeWorld, PERMISSIONS, SCHEDULER } from './world.js'

const hasNats = available('nats-server')
const world = await makeWorld()
const [port = 0] = await freePorts(1)
const server = hasNats
  ? await startServer({
      program: 'nats-server',
      words: ['-c', `${world.write('nats', 'nats', { port })}/signet.conf`],
      ready: /Server is ready/,
    })
  : undefined

const connections: NatsConnection[] = []
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close()
})

async function open(tls: ClientTls): Promise<NatsConnection> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 5000, tls })
  connections.push(connection)
  return connection
}

/** Publish, and wait until the server has judged it. Only its log says how, beside what arrives. */
async function publish(client: NatsConnection, subject: string): Promise<void> {
  client.publish(subject, subject)
  await client.flush()
}

interface Subscribed {
  readonly subjects: readonly string[]
  readonly refused: () => string | undefined
}

/** Subscribe, and wait until the server has said what it thinks of it. */
async function subscribe(
  client: NatsConnection,
  subject: string,
  options: SubscriptionOptions = {},
): Promise<Subscribed> {
  const subjects: string[] = []
  let refused: string | undefined
  client.subscribe(subject, {
    ...options,
    callback: (error, message) => {
      if (error === null) subjects.push(message.subject)
      else refused = error.message
    },
  })
  await client.flush()
  return { subjects, refused: () => refused }
}

describe.skipIf(!hasNats)('requirement 55: NATS with the permissions of signet', () => {
  it('delivers what is allowed to who may consume it', async () => {
    const [compute, scheduler, api] = [
      await open(world.as('compute-07')),
      await open(world.as('scheduler-01')),
      await open(world.as('api.v2')),
    ]
    const atScheduler = [
      await subscribe(scheduler, 'scheduler.rpc.*'),
      await subscribe(scheduler, 'scheduler.report.>'),
    ]
    const atCompute = await subscribe(compute, 'compute.compute-07.rpc.>')
    const atApi = await subscribe(api, 'notify.instance.scheduled')
    await publish(compute, 'scheduler.rpc.update')
    await publish(compute, 'scheduler.report.disk.full')
    await publish(api, 'scheduler.rpc.select:hosts')
    await publish(scheduler, 'compute.compute-07.rpc.build')
    await publish(scheduler, 'notify.instance.scheduled')
    await eventually(() => atScheduler.flatMap(({ subjects }) => subjects)).toEqual([
      'scheduler.rpc.update',
      'scheduler.rpc.select:hosts',
      'scheduler.report.disk.full',
    ])
    await eventually(() => atCompute.subjects).toEqual(['compute.compute-07.rpc.build'])
    await eventually(() => atApi.subjects).toEqual(['notify.instance.scheduled'])
  })

  it.each([
    ['compute-07', 'a type that is not allowed', 'scheduler.rpc.select:hosts'],
    ['compute-07', 'an address that is not allowed', 'compute.compute-08.rpc.build'],
    ['compute-07', 'its own address', 'compute.compute-07.rpc.build'],
    ['compute-07', 'one segment more', 'scheduler.rpc.update.now'],
    ['compute-07', 'one segment less', 'scheduler.report'],
    ['scheduler-01', 'another type at every node', 'compute.compute-07.rpc.destroy'],
    ['scheduler-01', 'two segments for one', 'compute.a.b.rpc.build'],
    ['api.v2', 'what others may', 'scheduler.rpc.update'],
    ['api.v2', 'the inbox of somebody', '_INBOX.x'],
    ['api.v2', 'what the system says', '$SYS.REQ.SERVER.PING'],
  ])('refuses that %s publishes to %s', async (id, _what, subject) => {
    const client = await open(world.as(id))
    await publish(client, subject)
    // The line of the log names who was refused.
    const { uri } = [COMPUTE, SCHEDULER, API].find(({ entity }) => entity === id) ?? COMPUTE
    await eventually(() => server?.log()).toContain(`Publish Violation - User "${uri}", Subject "${subject}"`)
  })

  it.each([
    ['compute-07', 'scheduler.rpc.update'],
    ['compute-07', 'compute.compute-08.rpc.build'],
    ['compute-07', 'compute.*.rpc.build'],
    ['compute-07', 'compute.>'],
    ['compute-07', 'compute.compute-07.>'],
    ['compute-07', '>'],
    ['api.v2', 'notify.>'],
    ['api.v2', 'notify.*.scheduled'],
    ['api.v2', 'notify.instance.scheduled.deep'],
    ['api.v2', 'notify.instance.*.>'],
    ['api.v2', '$SYS.>'],
  ])('refuses that %s subscribes to %s', async (id, subject) => {
    const client = await open(world.as(id))
    const subscribed = await subscribe(client, subject)
    await eventually(() => subscribed.refused()).toContain('Permissions Violation for Subscription')
  })

  it.each([{}, { queue: 'workers' }])(
    'delivers nothing deeper where one segment is allowed, with %j',
    async (options) => {
      const api = await open(world.as('api.v2'))
      const scheduler = await open(world.as('scheduler-01'))
      // nats-server lets this pass for notify.instance.*, and filters what it delivers.
      const atApi = await subscribe(api, 'notify.instance.>', options)
      await publish(scheduler, 'notify.instance.scheduled.secretly')
      await publish(scheduler, 'notify.instance.scheduled')
      await eventually(() => atApi.subjects).toEqual(['notify.instance.scheduled'])
    },
  )

  it.each([
    ['an entity without permissions', () => world.as('stranger-01'), /authentication error|User in cert.*not found/],
    ['a client without a certificate', () => world.asNobody(), /client didn't provide a certificate/],
    ['the same names from another authority', () => world.asTwin('compute-07'), /signed by unknown authority/],
    ['a certificate for signing messages', () => world.asSigner('compute-07'), /incompatible key usage/],
  ])('refuses %s', async (_what, tls, why) => {
    const before = server?.log().length
    await expect(open(tls())).rejects.toThrow(/Authorization Violation|alert|ECONNRESET|CONNECTION_CLOSED/i)
    await eventually(() => server?.log().slice(before)).toMatch(why)
  })

  it('drops an entity that is gone from the file, and until then believes its revoked certificate', async () => {
    const revoked = await open(world.as('compute-08'))
    const scheduler = await open(world.as('scheduler-01'))
    const atScheduler = await subscribe(scheduler, 'scheduler.rpc.update')
    await publish(revoked, 'scheduler.rpc.update')
    await eventually(() => atScheduler.subjects).toEqual(['scheduler.rpc.update'])
    world.write('nats', 'nats', { port }, { users: PERMISSIONS.users.filter(({ entity }) => entity !== 'compute-08') })
    server?.signal('SIGHUP')
    await eventually(() => revoked.isClosed()).toBe(true)
    await expect(open(world.as('compute-08'))).rejects.toThrow(/Authorization Violation/i)
    // The others stay.
    await publish(scheduler, 'notify.instance.scheduled')
  })
})
