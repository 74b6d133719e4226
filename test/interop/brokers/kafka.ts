/**
 * A Kafka broker of one node on loopback, with the files that signet writes for it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { vi } from 'vitest'
import type { CredentialFiles } from '../../support/deployment.js'
import { succeed } from '../programs.js'
import { type Server, startServer } from './server.js'
import type { ClientTls } from './world.js'

export interface KafkaPlace {
  /** Class path. */
  readonly jars: string
  /** Where signet.properties and signet-acls.txt lie. */
  readonly directory: string
  readonly port: number
  readonly controllerPort: number
  /** Of the broker, which is a client of itself, too. */
  readonly broker: CredentialFiles
  /** What else the operator writes. */
  readonly more?: string
}

/** Enough for a few topics; and quick, rather than fast. */
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
/** It says when it has started, and whom it refuses what. */
const LOGS = ['defaultLogLevel=warn', 'log.kafka.server=info', 'log.kafka.authorizer.logger=info']
const QUIET = LOGS.map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`)

/** Start a broker that is its own controller, and give it the ACLs. */
export async function startKafka(place: KafkaPlace): Promise<Server> {
  const { jars, directory, port, controllerPort, broker, more = '' } = place
  const keystore = `${directory}/signet-keystore.pem`
  writeFileSync(keystore, readFileSync(broker.key, 'utf8') + readFileSync(broker.fullchain, 'utf8'), { mode: 0o600 })
  const properties = `${directory}/server.properties`
  // What comes later counts: the listeners of signet, and one for the controller.
  writeFileSync(
    properties,
    `${readFileSync(`${directory}/signet.properties`, 'utf8')}
listeners=SIGNET://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
listener.security.protocol.map=SIGNET:SSL,CONTROLLER:SSL
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
inter.broker.listener.name=SIGNET
log.dirs=${directory}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
${more}
`,
  )
  const java = (...words: readonly string[]): string[] => [...JAVA, ...QUIET, '-cp', jars, ...words]
  const format = ['format', '--standalone', '--cluster-id', 'AAAAAAAAAAAAAAAAAAAAAQ', '--config', properties]
  succeed('java', java('kafka.tools.StorageTool', ...format))
  const server = await startServer({
    program: 'java',
    words: java('kafka.Kafka', properties),
    directory,
    ready: /Kafka Server started/,
  })
  const client = `${directory}/client.properties`
  writeFileSync(
    client,
    ['keystore', 'truststore']
      .map(
        (store) => `ssl.${store}.type=PEM\nssl.${store}.location=${store === 'keystore' ? keystore : broker.caBundle}`,
      )
      .join('\n')
      .concat('\nsecurity.protocol=SSL\n'),
  )
  const acls = fileURLToPath(new URL('../java/Acls.java', import.meta.url))
  const said = succeed('java', java(acls, `127.0.0.1:${port}`, client, `${directory}/signet-acls.txt`))
  if (!said.endsWith('done\n')) throw new Error(`kafka-acls: ${said}`)
  return server
}

/** A client that gives up at once. */
export function kafkaClient(port: number, tls: ClientTls): Kafka {
  return new Kafka({
    brokers: [`127.0.0.1:${port}`],
    ssl: { ...tls },
    logLevel: logLevel.NOTHING,
    connectionTimeout: 10_000,
    retry: { retries: 0 },
  })
}

/** Who runs the broker, and made the topics. */
export async function kafkaOperator(port: number, tls: ClientTls, topics: readonly string[]): Promise<Admin> {
  const operator = kafkaClient(port, tls).admin()
  await operator.connect()
  await operator.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1, replicationFactor: 1 })) })
  // Kafka makes the topic of groups' offsets when somebody asks for a group, and refuses until it is there.
  await vi.waitFor(() => operator.fetchOffsets({ groupId: 'nobody', topics: [] }), { timeout: 20_000, interval: 50 })
  return operator
}
