/**
 * A conductor, two compute nodes of which the second is taken over, and whoever runs the broker: a deployment with a policy,
 * from which the permissions at the brokers are made. Messages are requests of oslo.messaging.
 */
import { readFileSync } from 'node:fs'
import {
  type Broker,
  type BrokerPermissions,
  exportFor,
  type ExportOptions,
  type OutgoingMessage,
  permissionsOf,
} from '../../../src/brokers/index.js'
import type { SignetError } from '../../../src/errors/index.js'
import type { Identity } from '../../../src/identity/index.js'
import {
  createReplayMemory,
  MessageSigner,
  MessageVerifier,
  receiverNames,
  type VerifiedMessage,
  type VerifierOptions,
} from '../../../src/message/index.js'
import { encodeOsloRequest, type JsonObject, readOsloContent } from '../../../src/oslo/index.js'
import { parsePolicy } from '../../../src/policy/index.js'
import { openTrustDirectory, type TrustDirectory } from '../../../src/trust/index.js'
import { makeDeployment, type TestDeployment, WALL_CLOCK } from '../../support/deployment.js'
import { type ClientTls, REST } from './world.js'

const SCOPE = 'region-one/nova'
const ENTITIES = [
  { id: 'broker-01', ip: ['127.0.0.1'] },
  { id: 'conductor-01', scope: SCOPE, roles: ['conductor'] },
  { id: 'compute-07', scope: SCOPE, roles: ['compute_node'] },
  { id: 'compute-08', scope: SCOPE, roles: ['compute_node'] },
  // Whoever runs the broker: may do anything there, and has no key that anybody trusts for messages.
  { id: 'mallory-01', dns: [] },
]

const POLICY = parsePolicy(`
version: 1
roles: [compute_node, conductor]
messages:
  rpc.compute.live_migration: [args.instance, args.dest]
  rpc.compute.ping: []
  rpc.scheduler.update_instance_info: [args.host_name]
destinations:
  scheduler: { receivers: [conductor] }
  compute: { receivers: [compute_node] }
  compute.{node}: { receivers: [compute_node] }
  role:compute_node: { receivers: [compute_node] }
rules:
  - name: conductor-migrates
    allow: conductor
    send: rpc.compute.*
    to: '*'
  - name: compute-reports-itself
    allow: compute_node
    send: rpc.scheduler.update_instance_info
    to: scheduler
    bind: args.host_name == node
`)

export const MIGRATION = 'rpc.compute.live_migration'

/** What a receiver was told: the texts of instances in what it took, and the codes of what it refused. */
export interface Told {
  readonly taken: VerifiedMessage[]
  readonly refused: string[]
  readonly failed: unknown[]
}

export interface Story {
  readonly cloud: TestDeployment
  /** Forgets the trust directory, so that the next message is verified by the newest one. */
  readonly refreshTrust: () => void
  readonly tls: (id: string) => ClientTls
  readonly signer: (id: string) => MessageSigner
  /** A signer of the same names that another authority made. */
  readonly stranger: MessageSigner
  readonly verifier: (id: string, changes?: Partial<VerifierOptions>) => MessageVerifier
  readonly permissions: BrokerPermissions
  readonly write: (broker: Broker, folder: string, options: ExportOptions) => string
}

/** One deployment per test file, real clock. */
export async function makeStory(): Promise<Story> {
  const cloud = await makeDeployment({ entities: ENTITIES })
  await cloud.publishTrust()
  const twin = await makeDeployment({ entities: ENTITIES.slice(1, 2), issue: 'none' })
  await twin.issue('conductor-01', 'conductor-01/signer', { profile: 'signer' })
  let trust: TrustDirectory | undefined
  const newest = (): TrustDirectory =>
    (trust ??= openTrustDirectory(readFileSync(cloud.trustFile), {
      pin: cloud.pin,
      at: new Date(),
      memory: 'allow-forgetting',
    }))
  const identities = new Map(newest().signers.map(({ identity }) => [identity.entity, identity]))
  const identity = (id: string): Identity => {
    const found = identities.get(id)
    if (found === undefined) throw new Error(`no signer ${id}`)
    return found
  }
  const { users } = permissionsOf(POLICY, [...identities.values()])
  const permissions = {
    users: [...users, { ...identity('mallory-01'), publish: [[REST]], consume: [[REST]] }],
  }
  const ca = readFileSync(cloud.rootFile, 'utf8')
  return {
    cloud,
    permissions,
    refreshTrust: () => {
      trust = undefined
    },
    tls: (id) => {
      const { fullchain, key } = cloud.credential(`${id}/tls`)
      const [cert, secret] = [readFileSync(fullchain, 'utf8'), readFileSync(key, 'utf8')]
      return { ca, cert, key: secret, servername: 'broker-01.cloud.example' }
    },
    signer: (id) => new MessageSigner(cloud.credential(`${id}/signer`).load(), { clock: WALL_CLOCK }),
    stranger: new MessageSigner(twin.credential('conductor-01/signer').load(), { clock: WALL_CLOCK }),
    verifier: (id, changes = {}) =>
      new MessageVerifier({
        trust: newest,
        destinations: receiverNames(identity(id), id === 'conductor-01' ? ['scheduler'] : ['compute', `compute.${id}`]),
        senders: { roles: ['conductor', 'compute_node'] },
        types: ['rpc.*'],
        maxAgeSeconds: 300,
        replay: createReplayMemory(),
        clock: WALL_CLOCK,
        authorization: POLICY,
        scope: SCOPE,
        reader: readOsloContent,
        ...changes,
      }),
    write: (name, folder, options) => {
      const directory = cloud.path(folder)
      const { files } = exportFor(name, permissions, {
        credentialDirectory: cloud.credential('broker-01/tls').directory,
        configDirectory: directory,
        address: '127.0.0.1',
        ...options,
      })
      for (const file of files) cloud.write(`${folder}/${file.name}`, file.content)
      return directory
    },
  }
}

/** A request of a conductor. */
export function migration(instance: string, destination = 'compute.compute-07'): OutgoingMessage {
  return request(MIGRATION, destination, { instance, dest: 'compute-09' })
}

export function request(type: string, destination: string, args: JsonObject): OutgoingMessage {
  return { payload: encodeOsloRequest({ method: type.split('.').at(-1) ?? '', args }), type, destination }
}

/** A log of what a receiver is told, and the callbacks that write it. */
export function listener() {
  const told: Told = { taken: [], refused: [], failed: [] }
  return {
    told,
    handler: (message: VerifiedMessage): void => void told.taken.push(message),
    refused: ({ code }: SignetError): void => void told.refused.push(code),
    failed: (error: unknown): void => void told.failed.push(error),
  }
}

/** The `instance` of each request that was taken. */
export function instancesOf({ taken }: Told): readonly unknown[] {
  return taken.map(
    ({ content, context }) => (readOsloContent(content, context) as { args: JsonObject }).args['instance'],
  )
}
