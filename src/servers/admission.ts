/**
 * From the registry to who is let in.
 *
 * @module servers/admission (floor 7.2)
 */
import { subjectOf } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import { identityOf, type RoleGraph } from '../identity/index.js'
import type { EntityRecord } from '../store/index.js'
import type { Admitted } from './plan.js'

/** Who is let in: by any of these. There is no word for everybody. */
export interface AdmissionChoice {
  readonly entities?: readonly string[]
  /** Roles that they hold in their own scope, implied ones too. */
  readonly roles?: readonly string[]
}

/**
 * Choose from the entities of the registry. Who is not active is never chosen.
 *
 * @param records - All of them.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where nothing is chosen, or an entity is named that there is not, or that is
 * not active, or a role that nobody holds
 */
export function admittedOf(
  records: Iterable<EntityRecord>,
  graph: RoleGraph,
  { entities = [], roles = [] }: AdmissionChoice,
): readonly Admitted[] {
  if (entities.length === 0 && roles.length === 0) {
    throw new UsageError('ERR_CONFIG_INVALID', 'nothing is said of who may come in', {
      hint: 'name entities or roles: whoever only has a certificate is not let in',
    })
  }
  const [wanted, met] = [new Set(entities), new Set<string>()]
  const admitted: Admitted[] = []
  for (const record of records) {
    if (record.state !== 'active') continue
    const identity = identityOf(record, graph)
    const held = roles.filter((role) => identity.roles.includes(role))
    if (held.length === 0 && !wanted.has(record.id)) continue
    for (const name of [...held, record.id]) met.add(name)
    const { entity, uri } = identity
    admitted.push({
      entity,
      uri,
      roles: identity.roles,
      subject: subjectOf({ entity, uri }),
      dnsNames: record.dnsNames,
    })
  }
  const missing = [...entities, ...roles].filter((name) => !met.has(name))
  if (missing.length === 0) return admitted
  throw new UsageError('ERR_CONFIG_INVALID', `no active entity is, or holds, ${missing.join(', ')}`, {
    hint: 'signet entity list shows who there is, and the roles that they hold',
  })
}
