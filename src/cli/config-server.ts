/**
 * From the words of `signet config` and the registry to a plan.
 *
 * @module cli/config-server (floor 8)
 */
import { type Broker, BROKERS, permissionsOf } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import { eachEntity, identityOf, RoleGraph } from '../identity/index.js'
import { type AdmissionChoice, type Admitted, admittedOf, type ServerKind, type ServerPlan } from '../servers/index.js'
import type { EntityRecord, StoreReader } from '../store/index.js'
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
  readonly pinKeys?: boolean
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
  if (words.pinKeys === true && kind.name !== 'nats') {
    throw new UsageError('ERR_USAGE', `${kind.title} is told who is revoked: no keys are named there`, {
      hint: 'leave --pin-keys out; it is for nats, which reads no CRLs',
    })
  }
  const wanted = { roles: allowRole, entities: allowEntity }
  return {
    credential,
    directory: words.config ?? installation.directory,
    state: words.state ?? installation.state,
    listen: listenerOf(words, kind),
    ...(backend === undefined ? {} : { backend }),
    ...(isUnopened ? { admitted: [] } : await people(cli, wanted, broker, words)),
    user: words.user ?? installation.user,
    group: words.group ?? installation.group,
    versions: allowTls12 === true ? 'allow-TLSv1.2' : 'TLSv1.3',
  }
}

async function people(
  cli: Invocation,
  wanted: Required<AdmissionChoice>,
  broker: Broker | undefined,
  { policy, pinKeys }: PlanWords,
): Promise<Pick<ServerPlan, 'admitted' | 'permissions'>> {
  // Said before the registry is opened: a store may be large, and far.
  if (wanted.roles.length + wanted.entities.length === 0) admittedOf([], new RoleGraph([]), wanted)
  return cli.withAuthority(async ({ store }) => {
    const [records, graph] = [new Array<EntityRecord>(), new RoleGraph(await store.roles())]
    for await (const entity of eachEntity(store)) if (entity.state === 'active') records.push(entity)
    const chosen = admittedOf(records, graph, wanted)
    const admitted = pinKeys === true ? await withPins(store, chosen, cli.now()) : chosen
    if (broker === undefined || policy === undefined) return { admitted }
    const identities = records.map((record) => identityOf(record, graph))
    // Kafka has no wildcard for one segment.
    const permissions = permissionsOf(readPolicy(cli, policy), identities, {
      receivers: broker === 'kafka' ? 'named' : 'any',
    })
    return { admitted, permissions }
  })
}

/** With the keys of their certificates that are good. Who has none is left out. */
async function withPins(store: StoreReader, admitted: readonly Admitted[], at: Date): Promise<readonly Admitted[]> {
  const pinned: Admitted[] = []
  for (const one of admitted) {
    const good = (await store.certificates(one.entity)).filter(
      ({ certificate: { notAfter, profile }, revocation }) =>
        revocation === undefined && new Date(notAfter) >= at && ['client', 'peer'].includes(profile),
    )
    const pins = [...new Set(good.map(({ certificate }) => certificate.spkiDigest))].sort()
    if (pins.length > 0) pinned.push({ ...one, pins })
  }
  return pinned
}
