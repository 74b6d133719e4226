/**
 * Kafka on loopback, with the files that `signet config kafka` writes for it.
 */
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Admin,
  type Kafka,
  Partitioners,
  ResourcePatternTypes,
} from 'kafkajs'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerPermissions, subjectOf } from '../../../src/brokers/index.js'
import { configure, serverKind } from '../../../src/servers/index.js'
import { kafkaJars } from '../programs.js'
import { kafkaClient, kafkaOperator, startKafka } from './kafka.js'
import { eventually, freePorts, type Server } from './server.js'
import { API, type ClientTls, COMPUTE, makeWorld, pattern, REVOKED, SCHEDULER, TLS_REFUSED } from './world.js'

/** Without what Kafka has no words for: one segment in a pattern, colons. */
const PERMISSIONS: BrokerPermissions = {
  users: [
    COMPUTE,
    {
      ...SCHEDULER,
      publish: ['compute.compute-07.rpc.build', 'notify.instance.scheduled'].map(pattern),
      consume: ['scheduler.rpc.update', 'scheduler.rpc.select', 'scheduler.report.**'].map(pattern),
    },
    { ...API, publish: [pattern('scheduler.rpc.select')], consume: [pattern('notify.instance.scheduled')] },
    REVOKED,
  ],
}
const TOPICS = [
  'compute.compute-07.rpc.build',
  'compute.compute-08.rpc.build',
  'notify.instance.scheduled',
  'notify.instance.scheduled.secretly',
  'scheduler.report',
  'scheduler.report.disk.full',
  'scheduler.rpc.select',
  'scheduler.rpc.update',
]

const jars = kafkaJars()
const world = await makeWorld()
const [port = 0, controllerPort = 0] = await freePorts(2)
let server: Server | undefined
const closing: (() => Promise<unknown>)[] = []
const client = (tls: ClientTls): Kafka => kafkaClient(port, tls)

function opened<T extends { connect(): Promise<void>; disconnect(): Promise<void> }>(made: T): T {
  closing.push(() => made.disconnect())
  return made
}

async function admin(tls: ClientTls): Promise<Admin> {
  const made = opened(client(tls).admin())
  await made.connect()
  return made
}

const publish = async (id: string, topic: string, tls = world.as(id)): Promise<void> => {
  const producer = opened(client(tls).producer({ createPartitioner: Partitioners.DefaultPartitioner }))
  await producer.connect()
  await producer.send({ topic, messages: [{ value: topic }] })
}

/** What is in topics, read from their beginning until there are so many; or the error that stops it. */
async function consume(id: string, topics: readonly string[], count: number, groupId = id): Promise<readonly string[]> {
  const consumer = opened(client(world.as(id)).consumer({ groupId, retry: { retries: 0 } }))
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  const found: string[] = []
  const whole = new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload: { error } }) => reject(error))
    const eachMessage = ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
      if (found.push(String(message.value)) === count) resolve()
      return Promise.resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  try {
    await whole
  } finally {
    await consumer.disconnect()
  }
  return found.toSorted()
}

beforeAll(async () => {
  if (jars === undefined) return
  const broker = await world.cloud.issue('broker-01', 'broker-01/peer', { profile: 'peer' })
  const directory = world.cloud.path('kafka')
  const { files } = configure(serverKind('kafka'), {
    credential: broker.directory,
    directory,
    state: directory,
    listen: { address: '127.0.0.1', port },
    admitted: PERMISSIONS.users.map((user) => ({ ...user, roles: [], dnsNames: [], subject: subjectOf(user) })),
    permissions: PERMISSIONS,
    user: 'kafka',
    group: 'kafka',
    versions: 'TLSv1.3',
  })
  for (const { path, content } of files) world.cloud.write(`kafka/${basename(path)}`, content)
  server = await startKafka({ jars, directory, port, controllerPort, broker, more: 'super.users=User:broker-01' })
  opened(await kafkaOperator(port, world.as('broker-01', 'peer'), TOPICS))
}, 120_000)
afterAll(async () => {
  for (const close of closing) await close().catch(() => undefined)
})

describe.skipIf(jars === undefined)('requirement 55: Kafka with the permissions of signet', () => {
  it('delivers what is allowed to who may consume it', async () => {
    await publish('compute-07', 'scheduler.rpc.update')
    await publish('compute-07', 'scheduler.report.disk.full')
    await publish('api.v2', 'scheduler.rpc.select')
    await publish('scheduler-01', 'compute.compute-07.rpc.build')
    await publish('scheduler-01', 'notify.instance.scheduled')
    const atScheduler = ['scheduler.report.disk.full', 'scheduler.rpc.select', 'scheduler.rpc.update']
    expect(await consume('scheduler-01', atScheduler, 3)).toEqual(atScheduler)
    for (const [id, topic] of [
      ['compute-07', 'compute.compute-07.rpc.build'],
      ['api.v2', 'notify.instance.scheduled'],
    ] as const) {
      expect(await consume(id, [topic], 1)).toEqual([topic])
    }
  })

  it.each([
    ['compute-07', 'a type that is not allowed', 'scheduler.rpc.select'],
    ['compute-07', 'an address that is not allowed', 'compute.compute-08.rpc.build'],
    ['compute-07', 'its own address', 'compute.compute-07.rpc.build'],
    ['compute-07', 'one segment less', 'scheduler.report'],
    ['scheduler-01', 'another node', 'compute.compute-08.rpc.build'],
    ['scheduler-01', 'one segment more', 'notify.instance.scheduled.secretly'],
    ['api.v2', 'what others may', 'scheduler.rpc.update'],
    ['stranger-01', 'nothing, as a stranger', 'scheduler.rpc.update'],
    ['compute-07', "Kafka's own topic", '__consumer_offsets'],
  ])('refuses that %s publishes to %s', async (id, _what, topic) => {
    await expect(publish(id, topic)).rejects.toThrow('Not authorized to access topics')
  })

  it.each([
    ['compute-07', 'scheduler.rpc.update'],
    ['compute-07', 'compute.compute-08.rpc.build'],
    ['api.v2', 'notify.instance.scheduled.secretly'],
    ['scheduler-01', 'compute.compute-07.rpc.build'],
    ['stranger-01', 'scheduler.rpc.update'],
  ])('refuses that %s consumes %s', async (id, topic) => {
    await expect(consume(id, [topic], 1)).rejects.toThrow(/[Nn]ot authorized/)
  })

  it('refuses the group of another', async () => {
    await expect(consume('compute-07', ['compute.compute-07.rpc.build'], 1, 'scheduler-01')).rejects.toThrow()
    // The client does not say why.
    await eventually(() => server?.log()).toMatch(
      /User:compute-07 is Denied operation = \w+ from host = 127.0.0.1 on resource = Group:LITERAL:scheduler-01 /,
    )
  })

  it('refuses that anybody but the broker makes topics or ACLs, and shows nobody what is not theirs', async () => {
    const compute = await admin(world.as('compute-07'))
    await expect(compute.createTopics({ topics: [{ topic: 'scheduler.report.new' }] })).rejects.toThrow()
    await expect(compute.describeCluster()).resolves.toMatchObject({ brokers: [{ nodeId: 1 }] })
    expect((await compute.listTopics()).toSorted()).toEqual([
      'compute.compute-07.rpc.build',
      'scheduler.report.disk.full',
      'scheduler.rpc.update',
    ])
  })

  it.each([
    ['a client without a certificate', () => world.asNobody()],
    ['the same names from another authority', () => world.asTwin('compute-07')],
    ['a certificate for signing messages', () => world.asSigner('compute-07')],
  ])('refuses %s', async (_what, tls) => {
    await expect(publish('compute-07', 'scheduler.rpc.update', tls())).rejects.toThrow(TLS_REFUSED)
  })

  it('refuses an entity whose ACLs were taken away, and until then believes its revoked certificate', async () => {
    await publish('compute-08', 'scheduler.rpc.update')
    const operator = await admin(world.as('broker-01', 'peer'))
    const taken = await operator.deleteAcls({
      filters: [
        {
          principal: 'User:compute-08',
          resourceType: AclResourceTypes.ANY,
          resourcePatternType: ResourcePatternTypes.ANY,
          operation: AclOperationTypes.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    })
    expect(taken.filterResponses).toMatchObject([{ errorCode: 0 }])
    await expect(publish('compute-08', 'scheduler.rpc.update')).rejects.toThrow('Not authorized to access topics')
    await publish('compute-07', 'scheduler.rpc.update')
  })
})
