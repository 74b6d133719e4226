/**
 * From a validated path to an identity with its roles. Default deny.
 *
 * @module identity/resolve (floor 5)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import type { ValidatedPath } from '../path/index.js'
import type { EntityRecord, StoreReader } from '../store/index.js'
import { rolesAt } from './grant.js'
import { type IdentityUri, identityUri, identityUriOf } from './identity-uri.js'
import type { Mapping, MappingRule } from './mapping.js'
import type { Captures } from './pattern.js'
import { RoleGraph } from './role.js'

/** Who speaks. */
export interface Identity {
  /** The registered entity's id; for an identity that only a rule knows, `service/node`. */
  readonly entity: string
  readonly uri: string
  readonly scope: string
  readonly service: string
  readonly node: string
  /** The roles that it has in its own scope, implied ones too. Sorted, without duplicates. */
  readonly roles: readonly string[]
  /** Everything that it was granted, with what that implies: see {@link rolesAt}. Sorted, without duplicates. */
  readonly grants: readonly string[]
  /** Groups that a rule puts it into. Sorted, without duplicates. */
  readonly groups: readonly string[]
}

/** Which entities there are, and what their roles imply. {@link registryOf} makes one. */
export interface EntityLookup {
  entityByUri(uri: string): Promise<EntityRecord | undefined>
  roleGraph(): Promise<RoleGraph>
}

/** The registry as it is now. What roles imply is read once, so make a new one for later. */
export function registryOf(reader: StoreReader): EntityLookup {
  let graph: Promise<RoleGraph> | undefined
  return {
    entityByUri: (uri) => reader.entityByUri(uri),
    roleGraph: () => (graph ??= reader.roles().then((roles) => new RoleGraph(roles))),
  }
}

/** What a rule said of a certificate. */
export interface RuleTrace {
  readonly rule: string
  readonly matched: boolean
  /** One for each predicate; those after the first that failed were not asked. */
  readonly predicates: readonly { readonly on: string; readonly wanted: string; readonly held: boolean }[]
}

export interface Explanation {
  readonly identity: Identity
  /** The rule that decided. */
  readonly rule: string
  readonly trace: readonly RuleTrace[]
}

/**
 * Resolve the identity and roles to which the end entity of a validated path is mapped.
 *
 * Rules are tried in order; the first that matches decides. Names are compared as decoded structures. Revocation is
 * not looked at here: the path carries that proof.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_UNMAPPED`, `ERR_IDENTITY_INVALID`, `ERR_ENTITY_INACTIVE`
 */
export async function resolveIdentity(
  path: ValidatedPath,
  mapping: Mapping,
  entities: EntityLookup,
): Promise<Identity> {
  return (await explainIdentity(path, mapping, entities)).identity
}

/** As {@link resolveIdentity}, with the rules that were tried. A refusal carries the trace in its details. */
export async function explainIdentity(
  path: ValidatedPath,
  mapping: Mapping,
  entities: EntityLookup,
): Promise<Explanation> {
  const trace: RuleTrace[] = []
  for (const rule of mapping.rules) {
    const { captures, predicates } = tryRule(rule, path)
    trace.push({ rule: rule.name, matched: captures !== undefined, predicates })
    if (captures === undefined) continue
    return { identity: await identityFrom(rule, captures, path, mapping, entities), rule: rule.name, trace }
  }
  throw new DeniedError('ERR_IDENTITY_UNMAPPED', `no rule maps the certificate of ${path.target.subject.toString()}`, {
    details: {
      subject: path.target.subject.toString(),
      ...Object.fromEntries(
        trace.map(({ rule, predicates }) => [`rule ${rule}`, `${predicates.at(-1)?.on ?? ''} does not hold`]),
      ),
    },
    hint: 'add a rule to the mapping file, or check who issued the certificate',
  })
}

function tryRule(
  rule: MappingRule,
  path: ValidatedPath,
): { captures: Captures | undefined; predicates: RuleTrace['predicates'] } {
  const predicates: { on: string; wanted: string; held: boolean }[] = []
  const captures = new Map<string, string>()
  for (const { on, wanted, test } of rule.predicates) {
    const found = test(path)
    predicates.push({ on, wanted, held: found !== undefined })
    if (found === undefined) return { captures: undefined, predicates }
    for (const [name, value] of found) captures.set(name, value)
  }
  return { captures, predicates }
}

async function identityFrom(
  rule: MappingRule,
  captures: Captures,
  path: ValidatedPath,
  mapping: Mapping,
  entities: EntityLookup,
): Promise<Identity> {
  const { result } = rule
  if (result.kind === 'registered') return registered(identityUriOf(path.target), mapping, entities)
  const filled = (text: string): string => {
    const name = /^\{(.+)\}$/.exec(text)?.[1]
    return name === undefined ? text : (captures.get(name) ?? '')
  }
  const uri = identityUri({
    trustDomain: mapping.trustDomain,
    scope: filled(result.scope),
    service: filled(result.service),
    node: filled(result.node),
  })
  const graph = await entities.roleGraph()
  // An identity that a rule makes must not be one that the registry has cut off.
  const entity = await entities.entityByUri(uri.text)
  if (entity !== undefined) requireActive(entity)
  return {
    entity: entity?.id ?? `${uri.service}/${uri.node}`,
    uri: uri.text,
    scope: uri.scope,
    service: uri.service,
    node: uri.node,
    ...held(registeredRoles(rule.name, result.roles, graph), uri.scope, graph),
    groups: [],
  }
}

/** A role that nobody registered means nothing to anyone: the rule has a slip of the pen. */
function registeredRoles(rule: string, roles: readonly string[], graph: RoleGraph): readonly string[] {
  const unknown = roles.find((role) => !graph.has(role))
  if (unknown === undefined) return roles
  throw new UsageError('ERR_MAPPING_INVALID', `the rule ${rule} grants the role ${unknown}, which is not registered`, {
    hint: `signet role add ${unknown}`,
  })
}

async function registered(uri: IdentityUri, mapping: Mapping, entities: EntityLookup): Promise<Identity> {
  const entity = uri.trustDomain === mapping.trustDomain ? await entities.entityByUri(uri.text) : undefined
  if (entity === undefined) {
    throw new DeniedError('ERR_IDENTITY_UNMAPPED', `no entity is registered as ${uri.text}`, {
      details: { uri: uri.text },
      hint: 'signet entity add',
    })
  }
  requireActive(entity)
  return identityOf(entity, await entities.roleGraph())
}

/** @throws {@link DeniedError} `ERR_ENTITY_INACTIVE` */
export function requireActive(entity: EntityRecord): void {
  if (entity.state !== 'active') {
    throw new DeniedError('ERR_ENTITY_INACTIVE', `the entity ${entity.id} is ${entity.state}`, {
      details: { entity: entity.id, state: entity.state },
      ...(entity.state === 'quarantined'
        ? { hint: `signet entity release ${entity.id}, once it can be trusted again` }
        : {}),
    })
  }
}

/** The identity of a registered entity. Whether it is active is not asked. */
export function identityOf(entity: EntityRecord, roles: RoleGraph): Identity {
  const { id, uri, scope, service, node } = entity
  return { entity: id, uri, scope, service, node, ...held(entity.roles, scope, roles), groups: [] }
}

function held(granted: readonly string[], scope: string, roles: RoleGraph): Pick<Identity, 'roles' | 'grants'> {
  const grants = roles.expand(granted, scope)
  return { roles: rolesAt(grants, scope, scope), grants }
}
