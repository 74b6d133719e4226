/**
 * From a validated path to an identity with its roles. Default deny.
 *
 * @module identity/resolve (floor 5)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import type { ValidatedPath } from '../path/index.js'
import type { EntityRecord, StoreReader } from '../store/index.js'
import { CertificateFacts } from './certificate-facts.js'
import { rolesAt } from './grant.js'
import { type IdentityUri, identityUri, identityUriOf, parseIdentityUri } from './identity-uri.js'
import { askRule, type Decision, type Mapping } from './mapping.js'
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
  entity(id: string): Promise<EntityRecord | undefined>
  entityByUri(uri: string): Promise<EntityRecord | undefined>
  roleGraph(): Promise<RoleGraph>
}

/** The registry as it is now. What roles imply is read once, so make a new one for later. */
export function registryOf(reader: StoreReader): EntityLookup {
  let graph: Promise<RoleGraph> | undefined
  return {
    entity: (id) => reader.entity(id),
    entityByUri: (uri) => reader.entityByUri(uri),
    roleGraph: () => (graph ??= reader.roles().then((roles) => new RoleGraph(roles))),
  }
}

/** What a rule said of a certificate. */
export interface RuleTrace {
  readonly rule: string
  readonly matched: boolean
  /** One for each predicate; those after the first that failed were not asked. */
  readonly predicates: readonly PredicateTrace[]
}

export interface PredicateTrace {
  readonly on: string
  readonly wanted: string
  readonly held: boolean
  /** Why it does not hold. */
  readonly why?: string
}

export interface Explanation {
  readonly identity: Identity
  /** The rule that decided. */
  readonly rule: string
  readonly trace: readonly RuleTrace[]
}

/** A refusal says of so many rules why they do not match. */
const MAX_RULES_TOLD = 20
/** A subject may be as long as a certificate. */
const MAX_SUBJECT_TOLD = 300

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
  const decision = mapping.decide(new CertificateFacts(path))
  if (decision === undefined) throw unmapped(path, mapping)
  return identityFrom(decision, path, mapping, entities)
}

/** As {@link resolveIdentity}, with the rules that were tried. */
export async function explainIdentity(
  path: ValidatedPath,
  mapping: Mapping,
  entities: EntityLookup,
): Promise<Explanation> {
  const identity = await resolveIdentity(path, mapping, entities)
  const trace = traceRules(path, mapping)
  return { identity, rule: trace.at(-1)?.rule ?? '', trace }
}

/** What each rule says of a certificate, up to the one that matches. Asks all of them, where resolving need not. */
export function traceRules(path: ValidatedPath, mapping: Mapping, limit = Infinity): readonly RuleTrace[] {
  const facts = new CertificateFacts(path)
  const trace: RuleTrace[] = []
  for (const rule of mapping.rules) {
    if (trace.length >= limit) break
    const predicates = askRule(rule, facts).map(({ predicate: { on, wanted }, verdict }) =>
      'why' in verdict ? { on, wanted, held: false, why: verdict.why } : { on, wanted, held: true },
    )
    const matched = predicates.every(({ held }) => held)
    trace.push({ rule: rule.name, matched, predicates })
    if (matched) break
  }
  return trace
}

function unmapped(path: ValidatedPath, mapping: Mapping): DeniedError {
  const subject = path.target.subject.toString().slice(0, MAX_SUBJECT_TOLD)
  const told = traceRules(path, mapping, MAX_RULES_TOLD).map(({ rule, predicates }) => {
    const failed = predicates.at(-1)
    return [`rule ${rule}`, `${failed?.on ?? ''} does not hold: ${failed?.why ?? ''}`] as const
  })
  const untold = mapping.rules.length - told.length
  return new DeniedError('ERR_IDENTITY_UNMAPPED', `no rule maps the certificate of ${subject}`, {
    details: { subject, ...Object.fromEntries(told), ...(untold > 0 ? { 'further rules': String(untold) } : {}) },
    hint: 'add a rule to the mapping file, or check who issued the certificate',
  })
}

async function identityFrom(
  { rule, captures }: Decision,
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
  if (result.kind === 'entity') return withId(filled(result.id), mapping, entities)
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
    groups: [...new Set(result.groups)].sort(),
  }
}

/** A rule for a foreign CA whose certificates name entities. The entity's own identity says in which trust domain it is. */
async function withId(id: string, mapping: Mapping, entities: EntityLookup): Promise<Identity> {
  const entity = await entities.entity(id)
  if (entity === undefined || parseIdentityUri(entity.uri).trustDomain !== mapping.trustDomain) {
    throw new DeniedError('ERR_IDENTITY_UNMAPPED', `no entity is registered with the id ${id}`, {
      details: { entity: id },
      hint: 'signet entity add',
    })
  }
  requireActive(entity)
  return identityOf(entity, await entities.roleGraph())
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
export function requireActive(entity: Pick<EntityRecord, 'id' | 'state'>): void {
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
