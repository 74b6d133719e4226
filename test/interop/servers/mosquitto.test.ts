/** Mosquitto on loopback, with the files that signet writes for it. */
import type { TLSSocket } from 'node:tls'
import { connect, ErrorWithReasonCode, type MqttClient } from 'mqtt'
import { configure, serverKind } from '../../../src/servers/index.js'
import { eventually, freePorts, startServer } from '../brokers/server.js'
import { accountFor, folderOf } from './accounts.js'
import { refusalOf, sessionOf } from './starttls.js'
import { reloadWith, type RunningServer, serialAt, tlsOptions, tryServer } from './trial.js'
import type { ClientTls } from './world.js'

const kind = serverKind('mosquitto')
const account = accountFor('mosquitto')

await tryServer({
  kind,
  programs: ['mosquitto'],
  group: account.user,
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const configuration = configure(kind, {
      ...{ credential: world.credential, directory: `${world.folder}/conf`, admitted: world.admitted },
      state: folderOf(account, `${world.folder}/data`),
      listen: { address: '127.0.0.1', port },
      permissions: {
        users: world.admitted.map(({ entity, uri }) => ({ entity, uri, publish: [['id', entity]], consume: [] })),
      },
      ...{ user: account.user, group: account.user, versions: 'allow-TLSv1.2' },
    })
    world.install(configuration.files)
    const [program = '', ...words] = configuration.start
    const server = await startServer({ program, words: [...words, '-v'], ready: /mosquitto version \S+ running/ })
    const topics = new Map(world.admitted.map((one) => [kind.nameOf(one), `id/${one.entity}`]))
    return {
      ...mosquittoServer(port, topics),
      reload: async () => {
        const times = (): number => server.log().split('Reloading config').length
        const before = times()
        await reloadWith(configuration)
        // Who comes while it has not heard yet is still let in, and would end the connection that stays.
        await eventually(times).toBeGreaterThan(before)
      },
    }
  },
})

interface Opened {
  readonly client: MqttClient
  readonly socket: TLSSocket
}

async function open(port: number, tls: ClientTls, session?: Buffer): Promise<Opened> {
  const client = connect({
    ...{ protocol: 'mqtts', port, protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 15_000 },
    ...(tlsOptions(port, tls, session) as object),
    // Whatever somebody calls itself: the certificate decides.
    ...{ host: '127.0.0.1', username: 'operator', password: 'x' },
  })
  client.on('error', () => undefined)
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.once('error', reject)
    client.once('close', () => reject(new Error('closed')))
  })
  return { client, socket: client.stream as TLSSocket }
}

/** Publish with QoS 1. @returns The reason code of the answer; 135 is *not authorized*. */
async function publish({ client }: Opened, topic: string): Promise<number> {
  // It would wait for a connection.
  if (!client.connected) throw new Error('closed')
  try {
    await client.publishAsync(topic, '', { qos: 1 })
    return 0
  } catch (error) {
    if (error instanceof ErrorWithReasonCode) return error.code
    throw error
  }
}

/** What the trial needs, without how it is started. @param users - Names, and what only that user may publish to. */
function mosquittoServer(port: number, users: ReadonlyMap<string, string>): Omit<RunningServer, 'reload'> {
  // Whoever comes under a name ends the connection of who came before under it: one after the other.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }
  const whoAmI = async (tls: ClientTls, session?: Buffer): Promise<string> => {
    const opened = await open(port, tls, session)
    try {
      const allowed: string[] = []
      for (const [name, topic] of users) if ((await publish(opened, topic)) < 128) allowed.push(name)
      return allowed.join(', ')
    } finally {
      await opened.client.endAsync(true)
    }
  }
  return {
    whoAmI: (tls, session) =>
      inTurn(() =>
        whoAmI(tls, session).then((identity) => (identity === '' ? { refused: '135' } : { identity }), refusalOf),
      ),
    servedSerial: (tls) => serialAt(port, tls),
    session: async (tls) => {
      const opened = await open(port, tls)
      const session = await sessionOf(opened, () => publish(opened, 'id'))
      await opened.client.endAsync(true)
      return session
    },
    hold: async (tls) => {
      const opened = await open(port, tls)
      return () =>
        publish(opened, [...users.values()][2] ?? '').then(
          (code) => code < 128,
          () => false,
        )
    },
  }
}
