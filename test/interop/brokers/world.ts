/**
 * Who talks to the brokers of these tests, and what they may: a scheduler, two compute nodes, one of them revoked, an API
 * with dots in its id, somebody who is registered but has no permissions, and a stranger of the same name.
 */
import { readFileSync } from 'node:fs'
import {
  type AddressPattern,
  type AddressSegment,
  type BrokerPermissions,
  exportFor,
} from '../../../src/brokers/index.js'
import type { Broker, ExportOptions } from '../../../src/brokers/index.js'
import { type CredentialFiles, makeDeployment, type TestDeployment } from '../../support/deployment.js'

const ENTITIES = [
  { id: 'broker-01', ip: ['127.0.0.1'] },
  { id: 'compute-07', scope: 'region-one/nova' },
  { id: 'compute-08', scope: 'region-one/nova' },
  { id: 'scheduler-01', service: 'scheduler', scope: 'region-one/nova' },
  { id: 'api.v2', service: 'api', dns: [] },
  { id: 'stranger-01', service: 'compute', scope: 'region-one/nova' },
]

export const REST: AddressSegment = { any: 'rest' }
export const ONE: AddressSegment = { any: 'one' }

/** A pattern from a text: `scheduler.*.x`, `scheduler.**`. */
export function pattern(text: string): AddressPattern {
  return text.split('.').map((segment) => (segment === '**' ? REST : segment === '*' ? ONE : segment))
}

function user(id: string, service: string, publish: readonly string[], consume: readonly string[]) {
  const path = id === 'api.v2' ? '' : 'region-one/nova/'
  const uri = `spiffe://cloud.example/${path}${service}/${id}`
  return { entity: id, uri, publish: publish.map(pattern), consume: consume.map(pattern) }
}

export const COMPUTE = user(
  'compute-07',
  'compute',
  ['scheduler.rpc.update', 'scheduler.report.**'],
  ['compute.compute-07.rpc.**'],
)
export const SCHEDULER = user(
  'scheduler-01',
  'scheduler',
  ['compute.*.rpc.build', 'notify.instance.scheduled', 'notify.instance.scheduled.secretly'],
  ['scheduler.rpc.*', 'scheduler.report.**'],
)
export const API = user('api.v2', 'api', ['scheduler.rpc.select:hosts'], ['notify.instance.*'])
export const REVOKED = user('compute-08', 'compute', ['scheduler.rpc.update'], ['compute.compute-08.rpc.**'])

export const PERMISSIONS: BrokerPermissions = { users: [COMPUTE, SCHEDULER, API, REVOKED] }

/** What a client brings to the handshake. All want the broker's name in its certificate. */
export interface ClientTls {
  readonly ca: string
  readonly cert?: string
  readonly key?: string
  readonly servername: string
}

const SERVER_NAME = 'broker-01.cloud.example'

export interface World {
  readonly cloud: TestDeployment
  readonly broker: CredentialFiles
  /** With the certificate of an entity. */
  readonly as: (id: string, credential?: 'tls' | 'peer') => ClientTls
  /** With a certificate that is for signing messages only. */
  readonly asSigner: (id: string) => ClientTls
  /** With a certificate of the same names from another authority. */
  readonly asTwin: (id: string) => ClientTls
  /** Without a certificate. */
  readonly asNobody: () => ClientTls
  /** Write the files for a broker, and say where. */
  readonly write: (broker: Broker, folder: string, options: ExportOptions, permissions?: BrokerPermissions) => string
}

/** One deployment per test file, real clock. */
export async function makeWorld(): Promise<World> {
  const cloud = await makeDeployment({ entities: ENTITIES, issue: 'none' })
  for (const { id } of ENTITIES.slice(1)) await cloud.issue(id, `${id}/tls`, { profile: 'client' })
  await cloud.issue('compute-07', 'compute-07/signer', { profile: 'signer' })
  await cloud.signet(['revoke', '--cert', cloud.credential('compute-08/tls').certificate, '--reason', 'keyCompromise'])
  await cloud.publishCrls()
  const broker = await cloud.issue('broker-01', 'broker-01/server', { profile: 'server' })
  const twin = await makeDeployment({ entities: ENTITIES.slice(1, 2), issue: 'none' })
  await twin.issue('compute-07', 'compute-07/tls', { profile: 'client' })
  const ca = readFileSync(cloud.rootFile, 'utf8')
  const tls = ({ fullchain, key }: CredentialFiles): ClientTls => ({
    ca,
    cert: readFileSync(fullchain, 'utf8'),
    key: readFileSync(key, 'utf8'),
    servername: SERVER_NAME,
  })
  return {
    cloud,
    broker,
    as: (id, credential = 'tls') => tls(cloud.credential(`${id}/${credential}`)),
    asSigner: (id) => tls(cloud.credential(`${id}/signer`)),
    asTwin: (id) => tls(twin.credential(`${id}/tls`)),
    asNobody: () => ({ ca, servername: SERVER_NAME }),
    write: (name, folder, options, permissions = PERMISSIONS) => {
      const directory = cloud.path(folder)
      const { files } = exportFor(name, permissions, {
        credentialDirectory: broker.directory,
        configDirectory: directory,
        address: '127.0.0.1',
        ...options,
      })
      for (const file of files) cloud.write(`${folder}/${file.name}`, file.content)
      return directory
    },
  }
}

/** What a client hears whose certificate is refused: an alert, or a reset that overtook it. */
export const TLS_REFUSED = /alert|ECONNRESET|EPIPE|CONNECTION_CLOSED|socket|closed|disconnected/i
