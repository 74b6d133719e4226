/**
 * Mosquitto on loopback, with the files that signet writes for it. MQTT 5, which answers a publisher.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { connectAsync, ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { available } from '../programs.js'
import { eventually, freePorts, startServer } from './server.js'
import { type ClientTls, makeWorld, TLS_REFUSED } from './world.js'

const hasMosquitto = available('mosquitto')
const world = await makeWorld()
const [port = 0] = await freePorts(1)
const server = hasMosquitto ? await start() : undefined

async function start() {
  const directory = world.write('mosquitto', 'mosquitto', { port })
  copyFileSync(world.cloud.crlsFile, `${directory}/crls.pem`)
  const file = `${directory}/signet.conf`
  // Started by root, it would become a user who cannot read the temporary folder.
  writeFileSync(file, `${readFileSync(file, 'utf8')}user ${userInfo().username}\nlog_type all\n`)
  return startServer({ program: 'mosquitto', words: ['-c', file], ready: /mosquitto version \S+ running/ })
}

const clients: MqttClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true)
})

interface Connected {
  readonly client: MqttClient
  /** Topics of what arrived. */
  readonly topics: readonly string[]
}

async function open(tls: ClientTls, clientId?: string): Promise<Connected> {
  const client = await connectAsync({
    ...{ protocol: 'mqtts', host: '127.0.0.1', port, protocolVersion: 5, reconnectPeriod: 0, ...tls },
    // Whatever somebody calls itself: the certificate decides.
    ...{ username: 'CN=scheduler-01,OU=scheduler,O=cloud.example', password: 'x' },
    ...(clientId === undefined ? {} : { clientId }),
  })
  clients.push(client)
  const topics: string[] = []
  client.on('message', (topic) => topics.push(topic))
  return { client, topics }
}

/** Publish with QoS 1. @returns The reason code of the answer; 135 is *not authorized*. */
async function publish({ client }: Connected, topic: string): Promise<number> {
  try {
    await client.publishAsync(topic, topic, { qos: 1 })
    return 0
  } catch (error) {
    return error instanceof ErrorWithReasonCode ? error.code : -1
  }
}

describe.skipIf(!hasMosquitto)('requirement 55: Mosquitto with the permissions of signet', () => {
  it('delivers what is allowed to who may consume it', async () => {
    const compute = await open(world.as('compute-07'))
    const scheduler = await open(world.as('scheduler-01'))
    const api = await open(world.as('api.v2'))
    await scheduler.client.subscribeAsync(['scheduler/rpc/+', 'scheduler/report/#'], { qos: 1 })
    await compute.client.subscribeAsync('compute/compute-07/rpc/#', { qos: 1 })
    await api.client.subscribeAsync('notify/instance/+', { qos: 1 })
    expect([
      await publish(compute, 'scheduler/rpc/update'),
      await publish(compute, 'scheduler/report/disk/full'),
      await publish(api, 'scheduler/rpc/select:hosts'),
      await publish(scheduler, 'compute/compute-07/rpc/build'),
      await publish(scheduler, 'notify/instance/scheduled'),
    ]).toEqual([0, 0, 0, 0, 0])
    await eventually(() => scheduler.topics).toEqual([
      'scheduler/rpc/update',
      'scheduler/report/disk/full',
      'scheduler/rpc/select:hosts',
    ])
    await eventually(() => compute.topics).toEqual(['compute/compute-07/rpc/build'])
    await eventually(() => api.topics).toEqual(['notify/instance/scheduled'])
  })

  it.each([
    ['compute-07', 'a type that is not allowed', 'scheduler/rpc/select:hosts'],
    ['compute-07', 'an address that is not allowed', 'compute/compute-08/rpc/build'],
    ['compute-07', 'its own address', 'compute/compute-07/rpc/build'],
    ['compute-07', 'one segment more', 'scheduler/rpc/update/now'],
    ['compute-07', 'one segment less', 'scheduler/report'],
    ['scheduler-01', 'another type at every node', 'compute/compute-07/rpc/destroy'],
    ['scheduler-01', 'two segments for one', 'compute/a/b/rpc/build'],
    ['api.v2', 'what others may', 'scheduler/rpc/update'],
    ['stranger-01', 'anything, without permissions', 'scheduler/rpc/update'],
  ])('refuses that %s publishes to %s', async (id, _what, topic) => {
    expect(await publish(await open(world.as(id)), topic)).toBe(135)
  })

  it.each([
    ['compute-07', 'scheduler/rpc/update'],
    ['compute-07', 'notify/#'],
    ['compute-07', '#'],
    ['compute-07', '$share/scheduler/scheduler/#'],
    ['stranger-01', '#'],
    ['api.v2', 'scheduler/#'],
  ])('delivers nothing to %s for its subscription to %s', async (id, topic) => {
    const client = await open(world.as(id))
    const scheduler = await open(world.as('scheduler-01'))
    const [senderId, sent] =
      id === 'compute-07' ? ['api.v2', 'scheduler/rpc/select:hosts'] : ['compute-07', 'scheduler/rpc/update']
    const sender = await open(world.as(senderId))
    await client.client.subscribeAsync(topic, { qos: 1 })
    await scheduler.client.subscribeAsync('scheduler/#', { qos: 1 })
    expect(await publish(sender, sent)).toBe(0)
    expect(await publish(scheduler, 'notify/instance/scheduled')).toBe(0)
    await eventually(() => scheduler.topics).toEqual([sent])
    // The answer to this comes after all that the server had for it.
    expect(await publish(client, 'nowhere')).toBe(135)
    expect(client.topics).toEqual([])
  })

  it('lets anybody take messages away from a shared subscription, as the notes say', async () => {
    const compute = await open(world.as('compute-07'))
    const scheduler = await open(world.as('scheduler-01'))
    const api = await open(world.as('api.v2'))
    await compute.client.subscribeAsync('$share/g/scheduler/#', { qos: 1 })
    await scheduler.client.subscribeAsync('$share/g/scheduler/#', { qos: 1 })
    for (let count = 0; count < 6; count++) expect(await publish(api, 'scheduler/rpc/select:hosts')).toBe(0)
    expect(await publish(scheduler, 'nowhere')).toBe(135)
    expect(scheduler.topics.length).toBeLessThan(6)
    expect(compute.topics).toEqual([])
  })

  it('does not let one entity end the session of another', async () => {
    const victim = await open(world.as('scheduler-01'), 'scheduler')
    await open(world.as('stranger-01'), 'scheduler')
    await open(world.as('compute-07'), 'CN=scheduler-01,OU=scheduler,O=cloud.example')
    await victim.client.subscribeAsync('scheduler/rpc/+', { qos: 1 })
    expect(victim.client.connected).toBe(true)
  })

  it.each([
    ['a client without a certificate', () => world.asNobody(), /peer did not return a certificate/],
    ['the same names from another authority', () => world.asTwin('compute-07'), /certificate verify failed/],
    ['a certificate for signing messages', () => world.asSigner('compute-07'), /certificate verify failed/],
    ['a revoked certificate', () => world.as('compute-08'), /certificate verify failed/],
  ])('refuses %s', async (_what, tls, why) => {
    const before = server?.log().length
    await expect(open(tls())).rejects.toThrow(TLS_REFUSED)
    await eventually(() => server?.log().slice(before)).toMatch(why)
  })
})
