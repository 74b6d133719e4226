/**
 * From the words of `signet config` and the registry to a plan.
 *
 * @module cli/config-plan (floor 8)
 */
import { type Broker, BROKERS, permissionsOf } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import { eachEntity, identityOf, RoleGraph } from '../identity/index.js'
import { type AdmissionChoice, admittedOf, type ServerKind, type ServerPlan } from '../servers/index.js'
import type { EntityRecord } from '../store/index.js'
import { backendOf, type BackendWords, listenerOf, type ListenWords } from './config-words.js'
import type { Invocation } from './invocation.js'
import { readPolicy } from './policy-file.js'

export interface PlanWords extends ListenWords, BackendWords {
  readonly credential: string
  readonly config?: string
  readonly state?: string
  readonly allowRole?: readonly string[]
  readonly allowEntity?: readonly string[]
  readonly allowTls12?: boolean
  readonly policy?: string
  readonly user?: string
  readonly group?: string
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID`, `ERR_USAGE` */
export async function planOf(cli: Invocation, kind: ServerKind, words: PlanWords): Promise<ServerPlan> {
  const { credential, allowRole = [], allowEntity = [], allowTls12, policy } = words
  const { installation } = kind
  const backend = backendOf(words, credential)
  const isUnopened = backend?.kind === 'passthrough' && allowRole.length + allowEntity.length === 0
  const broker = BROKERS.find((name) => name === kind.name)
  if (policy !== undefined && broker === undefined) {
    throw new UsageError('ERR_USAGE', `${kind.title} is no broker: it holds nobody to a policy`, {
      hint: `leave --policy out; it is for ${BROKERS.join(', ')}`,
    })
  }
  return {
    credential,
    directory: words.config ?? installation.directory,
    state: words.state ?? installation.state,
    listen: listenerOf(words, kind),
    ...(backend === undefined ? {} : { backend }),
    ...(isUnopened ? { admitted: [] } : await people(cli, { roles: allowRole, entities: allowEntity }, broker, policy)),
    user: words.user ?? installation.user,
    group: words.group ?? installation.group,
    versions: allowTls12 === true ? 'allow-TLSv1.2' : 'TLSv1.3',
  }
}

async function people(
  cli: Invocation,
  wanted: Required<AdmissionChoice>,
  broker: Broker | undefined,
  policy: string | undefined,
): Promise<Pick<ServerPlan, 'admitted' | 'permissions'>> {
  // Said before the registry is opened: a store may be large, and far.
  if (wanted.roles.length + wanted.entities.length === 0) admittedOf([], new RoleGraph([]), wanted)
  return cli.withAuthority(async ({ store }) => {
    const [records, graph] = [new Array<EntityRecord>(), new RoleGraph(await store.roles())]
    for await (const entity of eachEntity(store)) if (entity.state === 'active') records.push(entity)
    const admitted = admittedOf(records, graph, wanted)
    if (broker === undefined || policy === undefined) return { admitted }
    const identities = records.map((record) => identityOf(record, graph))
    // Kafka has no wildcard for one segment.
    const permissions = permissionsOf(readPolicy(cli, policy), identities, {
      receivers: broker === 'kafka' ? 'named' : 'any',
    })
    return { admitted, permissions }
  })
}
