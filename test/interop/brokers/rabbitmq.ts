/**
 * RabbitMQ on loopback, with a node name, an epmd and folders of its own.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestDeployment } from '../../support/deployment.js'
import { succeed } from '../programs.js'
import { freePorts, type Server, startServer } from './server.js'

/** The script that Debian's wrapper would start as another user. */
const DEBIAN_SCRIPT = '/usr/lib/rabbitmq/bin/rabbitmq-server'
const PROGRAM = existsSync(DEBIAN_SCRIPT) ? DEBIAN_SCRIPT : 'rabbitmq-server'

/** CRLs by the hash of their issuer, where the TLS of Erlang looks for them. */
export function writeCrlDirectory(cloud: TestDeployment, folder: string): void {
  for (const crl of cloud.crls) {
    const hash = succeed('openssl', ['crl', '-hash', '-noout'], { input: crl.toPem() }).trim()
    cloud.write(`${folder}/${hash}.r0`, crl.toPem())
  }
}

export interface RunningRabbitmq extends Server {
  /** In which rabbitmqctl finds it. */
  readonly environment: Readonly<Record<string, string>>
}

/** Start it with the files in `directory`; it keeps its state in there too. */
export async function startRabbitmq(directory: string): Promise<RunningRabbitmq> {
  const [epmdPort = 0, distributionPort = 0] = await freePorts(2)
  const erlang = { ERL_EPMD_ADDRESS: '127.0.0.1', ERL_EPMD_PORT: String(epmdPort), HOME: directory }
  // Otherwise the node starts one that outlives it.
  await startServer({ program: 'epmd', words: ['-d'], environment: erlang, ready: /epmd running/ })
  for (const folder of ['mnesia', 'log', 'generated']) mkdirSync(join(directory, folder), { recursive: true })
  const environmentFile = join(directory, 'rabbitmq-env.conf')
  writeFileSync(environmentFile, '')
  const node = { ...erlang, RABBITMQ_NODENAME: `signet-${distributionPort}@localhost` }
  const server = await startServer({
    program: PROGRAM,
    words: [],
    // A node that is killed leaves a dump of its database where it runs.
    directory,
    environment: {
      ...node,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONF_ENV_FILE: environmentFile,
      RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: join(directory, 'advanced.config'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
      RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_GENERATED_CONFIG_DIR: join(directory, 'generated'),
      RABBITMQ_PID_FILE: join(directory, 'pid'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2',
    },
    ready: /Server startup complete/,
  })
  return { ...server, environment: node }
}
