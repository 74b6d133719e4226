/**
 * The trust directory over NATS: directories and deltas are ordinary payloads on a subject. The broker is believed
 * nothing: whoever can publish stands for one that replays, reorders, drops and invents.
 */
import { readFileSync } from 'node:fs'
import { connect, type NatsConnection } from 'nats'
import { afterAll, describe, expect, it } from 'vitest'
import { isSignetError } from '../../../src/errors/index.js'
import { signMessage, verifyMessage } from '../../../src/message/index.js'
import { openTrustCache, type TrustCache } from '../../../src/trust/index.js'
import { receiver } from '../../support/messages.js'
import { available } from '../programs.js'
import { eventually, freePorts, startServer } from './server.js'
import { API, COMPUTE, makeWorld, pattern, SCHEDULER } from './world.js'

const SUBJECT = 'trust.cloud'
const hasNats = available('nats-server')
const world = await makeWorld()
const { cloud } = world
const users = [
  { ...SCHEDULER, publish: [pattern('trust.*')], consume: [] },
  { ...COMPUTE, publish: [], consume: [pattern('trust.*')] },
  { ...API, publish: [], consume: [pattern('trust.*')] },
]
const [port = 0] = await freePorts(1)
if (hasNats) {
  await startServer({
    program: 'nats-server',
    words: ['-c', `${world.write('nats', 'nats', { port }, { users })}/signet.conf`],
    ready: /Server is ready/,
  })
}

const connections: NatsConnection[] = []
afterAll(async () => {
  for (const connection of connections) await connection.close()
})
async function open(id: string): Promise<NatsConnection> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, tls: world.as(id) })
  connections.push(connection)
  return connection
}

const { pin } = cloud
const clock = { now: () => new Date() }

/** A receiver: whatever arrives goes into its cache. */
async function receive(id: string): Promise<{ readonly cache: TrustCache; readonly outcomes: string[] }> {
  const cache = openTrustCache(cloud.path(`${id}-trust.p7`), { pin, clock })
  const outcomes: string[] = []
  const client = await open(id)
  client.subscribe(SUBJECT, {
    callback: (_, { data }) => {
      void cache.update(data).then(
        ({ changed, directory }) => outcomes.push(`${changed} ${directory.sequence}`),
        (error: unknown) => outcomes.push(isSignetError(error) ? error.code : String(error)),
      )
    },
  })
  await client.flush()
  return { cache, outcomes }
}

/** The next directory, and what leads to it from the one before. */
let count = 0
async function publish(): Promise<{ readonly whole: Buffer; readonly delta: Buffer | undefined }> {
  const [before, out, delta] = [`${count}.p7`, `${++count}.p7`, `${count}.delta.p7`].map((name) => cloud.path(name))
  const words = count === 1 ? [] : ['--delta-from', before ?? '', '--delta-out', delta ?? '']
  await cloud.signet(['trust', 'publish', '--out', out ?? '', ...words])
  return { whole: readFileSync(out ?? ''), delta: count === 1 ? undefined : readFileSync(delta ?? '') }
}

describe.skipIf(!hasNats)('the trust directory on a NATS subject', () => {
  it('requirement 26, 22, 21: a quarantine reaches every receiver as a delta, and the broker cannot take it back', async () => {
    const broker = await open('scheduler-01')
    const receivers = [await receive('compute-07'), await receive('api.v2')]
    const send = async (payload: Uint8Array, outcome: unknown): Promise<void> => {
      const before = receivers.map(({ outcomes }) => outcomes.length)
      broker.publish(SUBJECT, payload)
      await broker.flush()
      for (const [index, { outcomes }] of receivers.entries()) {
        await eventually(() => outcomes.slice(before[index])).toEqual([outcome])
      }
    }
    const alice = cloud.credential('compute-07/signer').load()
    const verified = async ({ cache }: { readonly cache: TrustCache }): Promise<string> => {
      const at = new Date()
      const content = Buffer.from('{}')
      const { der } = await signMessage(content, alice, { type: 'a.b', destination: 'here', at })
      try {
        const { signer } = await verifyMessage(der, content, receiver(cache.directory(), { at }))
        return signer.entity
      } catch (error) {
        return isSignetError(error) ? error.code : String(error)
      }
    }
    const first = await publish()
    // A delta before all else is no beginning, and neither is what another deployment signed.
    await send(Buffer.from('trust me'), 'ERR_CMS_MALFORMED')
    await send(first.whole, 'directory 1')
    for (const each of receivers) expect(await verified(each)).toBe('compute-07')

    await cloud.signet(['entity', 'quarantine', 'compute-07'])
    const second = await publish()
    const third = await publish()
    // Held back and reordered: the third without the second does not apply, and says so.
    await send(third.delta ?? Buffer.of(), 'ERR_TRUST_DELTA_BASE')
    for (const each of receivers) expect(await verified(each)).toBe('compute-07')
    await send(second.delta ?? Buffer.of(), 'delta 2')
    for (const each of receivers) expect(await verified(each)).toBe('ERR_CMS_SIGNER_UNKNOWN')
    await send(second.delta ?? Buffer.of(), 'nothing 2')

    // Replayed, changed: nobody is back.
    await send(first.whole, 'ERR_TRUST_DIRECTORY_ROLLBACK')
    const changed = Buffer.from(third.delta ?? Buffer.of())
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
    await send(changed, expect.stringMatching(/^ERR_(CMS|DER|PATH|CERTIFICATE|TRUST_PIN)_/))
    for (const each of receivers) expect(each.cache.directory().sequence).toBe(2)

    // Dropped altogether: a whole directory puts it right, whatever was missed.
    const fourth = await publish()
    await send(fourth.delta ?? Buffer.of(), 'ERR_TRUST_DELTA_BASE')
    await send(fourth.whole, 'directory 4')
    await send(third.delta ?? Buffer.of(), 'ERR_TRUST_DIRECTORY_ROLLBACK')
    for (const each of receivers) {
      expect(await verified(each)).toBe('ERR_CMS_SIGNER_UNKNOWN')
      expect(Buffer.compare(readFileSync(each.cache.path), fourth.whole)).toBe(0)
    }
  })
})
