/** RabbitMQ on loopback, with the files that signet writes for it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import * as amqp from 'amqplib'
import { configure, disconnectWords, serverKind } from '../../../src/servers/index.js'
import { startRabbitmq } from '../brokers/rabbitmq.js'
import { freePorts } from '../brokers/server.js'
import { refusalOf } from './starttls.js'
import { type RunningServer, serialAt, tlsOptions, tryServer } from './trial.js'
import type { ClientTls } from './world.js'

const kind = serverKind('rabbitmq')
const start = promisify(execFile)

await tryServer({
  kind,
  programs: ['rabbitmq-server'],
  start: async (world) => {
    const [port = 0] = await freePorts(1)
    const directory = `${world.folder}/conf`
    const configuration = configure(kind, {
      ...{ credential: world.credential, directory, state: `${directory}/mnesia`, admitted: world.admitted },
      listen: { address: '127.0.0.1', port },
      permissions: {
        users: world.admitted.map(({ entity, uri }) => ({ entity, uri, publish: [['id', entity]], consume: [] })),
      },
      ...{ user: 'root', group: 'root', versions: 'allow-TLSv1.2' },
    })
    world.install(configuration.files)
    const { environment } = await startRabbitmq(directory)
    // Not Debian's wrapper, which would change the user.
    const control = async (words: readonly string[]): Promise<void> => {
      const [program = '', ...rest] = words
      const script = `/usr/lib/rabbitmq/bin/${program}`
      await start(existsSync(script) ? script : program, rest, {
        env: { ...process.env, ...environment },
        timeout: 60_000,
      })
    }
    const exchanges = new Map(world.admitted.map(({ entity, uri }) => [uri, entity]))
    return {
      ...rabbitmqServer(port, exchanges),
      reload: async () => {
        for (const words of configuration.reload) await control(words)
      },
      disconnect: (who) => control(disconnectWords(kind.facts, { state: '', port }, who) ?? []),
    }
  },
})

async function open(port: number, tls: ClientTls, session?: Buffer): Promise<amqp.ChannelModel> {
  // Sessions are resumed in TLS 1.2 only.
  const older = session === undefined ? {} : ({ maxVersion: 'TLSv1.2' } as const)
  const connection = await amqp.connect(
    { protocol: 'amqps', hostname: '127.0.0.1', port, vhost: 'signet', heartbeat: 0 },
    {
      ...tlsOptions(port, tls, session?.length === 0 ? undefined : session),
      ...older,
      credentials: amqp.credentials.external(),
      timeout: 15_000,
    },
  )
  connection.on('error', () => undefined)
  return connection
}

/** Whether one may publish to the exchange of an entity, as that entity. */
async function mayPublish(connection: amqp.ChannelModel, uri: string, entity: string): Promise<boolean> {
  const channel = await connection.createConfirmChannel()
  const refused = new Promise<boolean>((resolve) => channel.once('error', () => resolve(false)))
  const accepted = new Promise<boolean>((resolve) => {
    channel.publish(`out:${entity}`, `id.${entity}`, Buffer.alloc(0), { userId: uri }, () => resolve(true))
  })
  return Promise.race([refused, accepted])
}

/** What the trial needs, without how it is started. @param users - Identities, and the entities that they are of. */
function rabbitmqServer(port: number, users: ReadonlyMap<string, string>): Omit<RunningServer, 'reload'> {
  const whoAmI: RunningServer['whoAmI'] = async (tls, session) => {
    let connection: amqp.ChannelModel | undefined
    try {
      connection = await open(port, tls, session)
      for (const [uri, entity] of users) if (await mayPublish(connection, uri, entity)) return { identity: uri }
      return { refused: 'nobody' }
    } catch (error) {
      return refusalOf(error)
    } finally {
      await connection?.close().catch(() => undefined)
    }
  }
  return {
    whoAmI: async (tls, session) => {
      const answer = await whoAmI(tls, session)
      // Its cache may be emptied between certificate and key: clients of AMQP come again.
      return 'refused' in answer && /signature failure/.test(answer.refused) ? whoAmI(tls, session) : answer
    },
    servedSerial: (tls) => serialAt(port, tls),
    session: async (tls) => {
      const connection = await open(port, tls, Buffer.alloc(0))
      const session = (connection.connection as unknown as { readonly stream: TLSSocket }).stream.getSession()
      await connection.close()
      return session
    },
    hold: async (tls) => {
      const connection = await open(port, tls)
      let isOpen = true
      connection.once('close', () => (isOpen = false))
      return () => Promise.resolve(isOpen)
    },
  }
}
