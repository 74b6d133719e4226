/**
 * Brokers, whose files `brokers` writes: here they get the paths of the credential directory, modes and owners.
 *
 * @module servers/broker (floor 7.2)
 */
import { type Broker, type BrokerPermissions, exportFor, type ExportOptions } from '../brokers/index.js'
import { endpointOf } from './endpoint.js'
import type { ServerPlan } from './plan.js'
import { secretFile } from './render.js'
import type { GeneratedFile } from './server.js'

export interface BrokerFiles {
  readonly files: readonly GeneratedFile[]
  readonly notes: readonly string[]
}

/**
 * The files of a broker for those who are admitted, whoever else the permissions of the plan name.
 *
 * @throws {@link UsageError} as {@link exportFor}; `ERR_CONFIG_INVALID` for a Unix socket
 */
export function brokerFiles(plan: ServerPlan, broker: Broker, title: string, more: ExportOptions = {}): BrokerFiles {
  const { address, port } = endpointOf(plan, title)
  const { files, notes } = exportFor(broker, admittedPermissions(plan), {
    credentialDirectory: plan.credential,
    configDirectory: plan.directory,
    material: 'credential-directory',
    versions: plan.versions,
    ...{ address, port, ...more },
  })
  return { files: files.map(({ name, content }) => secretFile(plan, name, content)), notes }
}

function admittedPermissions({ admitted, permissions }: ServerPlan): BrokerPermissions {
  const known = new Map(permissions?.users.map((user) => [user.uri, user]))
  return {
    users: admitted.map(({ entity, uri }) => known.get(uri) ?? { entity, uri, publish: [], consume: [] }),
  }
}
