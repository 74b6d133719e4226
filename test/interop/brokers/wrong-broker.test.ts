/**
 * Who takes messages in the name of the broker: a node that was taken over, with its own genuine certificate, and a stranger with
 * one of the right name. Clients know one root and one name, and send nothing to either.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { connectAsync } from 'mqtt'
import { connect } from 'nats'
import { describe, expect, it } from 'vitest'
import { makeDeployment } from '../../support/deployment.js'
import { available } from '../programs.js'
import { freePorts, startServer } from './server.js'
import { makeStory } from './story.js'
import type { ClientTls } from './world.js'

const story = await makeStory()
/** The same names, another root. */
const twin = await makeDeployment({ entities: [{ id: 'broker-01', ip: ['127.0.0.1'] }] })
const hasNats = available('nats-server')
const hasMosquitto = available('mosquitto')

/** What each broker shows: its own certificate; that of a node; and that of its namesake elsewhere. */
const CREDENTIALS = {
  genuine: story.cloud.credential('broker-01/tls').directory,
  node: story.cloud.credential('compute-08/tls').directory,
  stranger: twin.credential('broker-01/tls').directory,
} as const
type Which = keyof typeof CREDENTIALS
const WHICH = Object.keys(CREDENTIALS) as Which[]
const ports = new Map<string, number>()
const free = await freePorts(2 * WHICH.length)

for (const [index, which] of WHICH.entries()) {
  const [nats = 0, mqtt = 0] = free.slice(2 * index)
  const options = { credentialDirectory: CREDENTIALS[which] }
  if (hasNats) {
    ports.set(`nats ${which}`, nats)
    const directory = story.write('nats', `nats-${which}`, { ...options, port: nats })
    await startServer({ program: 'nats-server', words: ['-c', `${directory}/signet.conf`], ready: /Server is ready/ })
  }
  if (hasMosquitto) {
    ports.set(`mosquitto ${which}`, mqtt)
    const directory = story.write('mosquitto', `mosquitto-${which}`, { ...options, port: mqtt })
    copyFileSync(story.cloud.crlsFile, `${directory}/crls.pem`)
    const file = `${directory}/signet.conf`
    writeFileSync(file, `${readFileSync(file, 'utf8')}user ${userInfo().username}\n`)
    await startServer({ program: 'mosquitto', words: ['-c', file], ready: /mosquitto version \S+ running/ })
  }
}

/** Connect, and say how it ended. */
async function outcome(open: () => Promise<() => Promise<unknown>>): Promise<string> {
  try {
    const close = await open()
    await close()
    return 'connected'
  } catch (error) {
    const {
      code = '',
      message,
      chainedError,
    } = error as Error & { code?: string; chainedError?: Error & { code?: string } }
    return `${code} ${message} ${chainedError?.code ?? ''} ${chainedError?.message ?? ''}`
  }
}

const CLIENTS: readonly (readonly [
  string,
  boolean,
  (port: number, tls: ClientTls) => Promise<() => Promise<unknown>>,
])[] = [
  [
    'nats',
    hasNats,
    async (port, tls) => {
      const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 5000, tls })
      return () => connection.close()
    },
  ],
  [
    'mosquitto',
    hasMosquitto,
    async (port, tls) => {
      const options = { protocolVersion: 5, reconnectPeriod: 0, ...tls } as const
      const client = await connectAsync(`mqtts://127.0.0.1:${port}`, options, false)
      return () => client.endAsync(true)
    },
  ],
]

describe.each(CLIENTS)('requirement 4: a client of %s knows to which broker it talks', (broker, isThere, open) => {
  const attempt = (which: Which): Promise<string> =>
    outcome(() => open(ports.get(`${broker} ${which}`) ?? 0, story.tls('compute-07')))

  it.skipIf(!isThere)('requirement 4: it talks to the broker of its name, under its root', async () => {
    expect(await attempt('genuine')).toBe('connected')
  })

  it.skipIf(!isThere)('requirement 4: it refuses a genuine certificate of another name', async () => {
    expect(await attempt('node')).toMatch(/ALTNAME_INVALID|does not match certificate's altnames/)
  })

  it.skipIf(!isThere)('requirement 4: it refuses the right name under another root', async () => {
    expect(await attempt('stranger')).toMatch(/unable to|self.signed|signature|UNABLE_TO/i)
  })
})
