/**
 * The registry: which entities, scopes and roles exist. Roles come from here, never from whoever asks for a certificate.
 *
 * @module identity/registry (floor 5)
 */
import { DeniedError, StateError } from '../errors/index.js'
import {
  entityFacts,
  type EntityRecord,
  type EntityState,
  roleFacts,
  type RoleRecord,
  scopeFacts,
  type ScopeKind,
  type ScopeRecord,
  type Store,
  type StoreReader,
  type StoreTransaction,
} from '../store/index.js'
import { parseGrant } from './grant.js'
import { RoleGraph, roleRecord } from './role.js'
import { isScopePath, parentScope, scopeRecord } from './scope.js'

/**
 * Register an entity.
 *
 * @throws {@link StateError} `ERR_ENTITY_EXISTS` if its id, identity or one of its aliases is taken, host names may be
 * shared; `ERR_SCOPE_UNKNOWN`, `ERR_ROLE_UNKNOWN`
 */
export async function addEntity(store: Store, entity: EntityRecord, at: Date): Promise<void> {
  await store.transaction(async (transaction) => addEntities(transaction, [entity], await knownPlaces(transaction), at))
}

/** Which scopes and roles there are, for checking many entities. */
export interface KnownPlaces {
  readonly scopes: ReadonlySet<string>
  readonly roles: RoleGraph
}

export async function knownPlaces(reader: StoreReader): Promise<KnownPlaces> {
  const scopes = new Set(['', ...(await reader.scopes()).map(({ path }) => path)])
  return { scopes, roles: new RoleGraph(await reader.roles()) }
}

/** As {@link addEntity}, for many that differ from each other, in a transaction. */
export async function addEntities(
  transaction: StoreTransaction,
  entities: readonly EntityRecord[],
  known: KnownPlaces,
  at: Date,
): Promise<void> {
  for (const entity of entities) checkPlaces(entity, known)
  await refuseTaken(transaction, entities)
  await transaction.insertEntities(entities)
  await transaction.logAll(at, 'entity.added', entities.map(entityFacts))
}

/**
 * Change an entity's kind, roles, host names, addresses and aliases. Its identity stays: who is somewhere else is
 * somebody else.
 *
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`, `ERR_ENTITY_IDENTITY`, `ERR_ENTITY_EXISTS` for an alias that is
 * another's, `ERR_SCOPE_UNKNOWN`, `ERR_ROLE_UNKNOWN`
 */
export async function changeEntity(
  transaction: StoreTransaction,
  changed: EntityRecord,
  known: KnownPlaces,
  at: Date,
): Promise<EntityRecord> {
  const entity = await requireEntity(transaction, changed.id)
  if (entity.uri !== changed.uri) throw otherIdentity(entity, changed)
  checkPlaces(changed, known)
  await refuseTakenAliases(transaction, [changed])
  const { state, createdAt } = entity
  const record = { ...changed, state, createdAt, updatedAt: at.toISOString() }
  await transaction.updateEntity(record)
  await transaction.log(at, 'entity.changed', entityFacts(record))
  return record
}

export function otherIdentity(entity: EntityRecord, changed: EntityRecord): StateError {
  return new StateError(
    'ERR_ENTITY_IDENTITY',
    `the entity ${entity.id} is ${entity.uri}, and cannot become ${changed.uri}`,
    {
      details: { entity: entity.id, uri: entity.uri, wanted: changed.uri },
      hint: 'register it under another id, then retire this one',
    },
  )
}

function checkPlaces(entity: EntityRecord, { scopes, roles }: KnownPlaces): void {
  const needed = entity.roles.map((text) => parseGrant(text, entity.scope))
  for (const path of [entity.scope, ...needed.map(({ scope }) => scope)]) {
    if (!scopes.has(path)) throw unknownScope(path)
  }
  const unknown = needed.find(({ role }) => !roles.has(role))
  if (unknown !== undefined) throw unknownRole(unknown.role)
}

function unknownScope(path: string): StateError {
  return new StateError('ERR_SCOPE_UNKNOWN', `no scope ${JSON.stringify(path)} is registered`, {
    details: { scope: path },
    hint: `signet scope add ${path} --kind region, or service, project …`,
  })
}

function unknownRole(name: string): StateError {
  return new StateError('ERR_ROLE_UNKNOWN', `no role ${JSON.stringify(name)} is registered`, {
    details: { role: name },
    hint: `signet role add ${name}`,
  })
}

/** By what is there, and by each other. */
async function refuseTaken(transaction: StoreTransaction, entities: readonly EntityRecord[]): Promise<void> {
  const [wantedIds, wantedUris] = [entities.map(({ id }) => id), entities.map(({ uri }) => uri)]
  const ids = new Map((await transaction.entitiesWith('id', wantedIds)).map((item) => [item.id, item]))
  const uris = new Map((await transaction.entitiesWith('uri', wantedUris)).map((item) => [item.uri, item]))
  for (const entity of entities) {
    const [sameId, sameUri] = [ids.get(entity.id), uris.get(entity.uri)]
    if (sameId !== undefined) throw taken(`the id ${entity.id}`, sameId)
    if (sameUri !== undefined) throw taken(`the identity ${entity.uri}`, sameUri)
    ids.set(entity.id, entity)
    uris.set(entity.uri, entity)
  }
  await refuseTakenAliases(transaction, entities)
}

async function refuseTakenAliases(transaction: StoreTransaction, entities: readonly EntityRecord[]): Promise<void> {
  const wanted = new Map<string, EntityRecord>()
  for (const entity of entities) {
    for (const alias of entity.aliases) {
      const other = wanted.get(alias)
      if (other !== undefined) throw taken(`the name ${alias}`, other)
      wanted.set(alias, entity)
    }
  }
  if (wanted.size === 0) return
  for (const other of await transaction.entitiesByName('alias', [...wanted.keys()])) {
    const alias = other.aliases.find((name) => wanted.has(name) && wanted.get(name)?.id !== other.id)
    if (alias !== undefined) throw taken(`the name ${alias}`, other)
  }
}

function taken(what: string, by: EntityRecord): StateError {
  return new StateError('ERR_ENTITY_EXISTS', `${what} belongs to the entity ${by.id}`, {
    details: { entity: by.id },
    hint: `signet entity show ${by.id}`,
  })
}

/** The entity with this id. @throws {@link StateError} `ERR_ENTITY_UNKNOWN` */
export async function requireEntity(reader: StoreReader, id: string): Promise<EntityRecord> {
  const entity = await reader.entity(id)
  if (entity === undefined) {
    throw new StateError('ERR_ENTITY_UNKNOWN', `no entity ${JSON.stringify(id)} is registered`, {
      details: { entity: id },
      hint: 'signet entity list shows those that are',
    })
  }
  return entity
}

/** From which states an entity may go into another. A retired entity stays retired: its names may live on in logs. */
const TRANSITIONS: Readonly<Record<EntityState, readonly EntityState[]>> = {
  active: ['quarantined'],
  quarantined: ['active'],
  retired: ['active', 'quarantined'],
}

/**
 * Bring an entity into another state.
 *
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`, `ERR_ENTITY_STATE`
 */
export async function changeEntityState(
  transaction: StoreTransaction,
  id: string,
  state: EntityState,
  at: Date,
): Promise<EntityRecord> {
  const entity = await requireEntity(transaction, id)
  if (!TRANSITIONS[state].includes(entity.state)) {
    throw new StateError('ERR_ENTITY_STATE', `the entity ${id} is ${entity.state} and cannot become ${state}`, {
      details: { entity: id, state: entity.state },
    })
  }
  await transaction.setEntityState(id, state, at)
  await transaction.log(at, `entity.${state}`, { id })
  return { ...entity, state, updatedAt: at.toISOString() }
}

/**
 * Register a scope in one that is registered.
 *
 * @throws {@link StateError} `ERR_SCOPE_EXISTS`, `ERR_SCOPE_UNKNOWN` for the one that would contain it
 * @throws {@link DeniedError} `ERR_SCOPE_INVALID`
 */
export async function addScope(
  transaction: StoreTransaction,
  path: string,
  kind: ScopeKind,
  at: Date,
): Promise<ScopeRecord> {
  const parent = parentScope(path)
  const container = parent === '' ? undefined : await transaction.scope(parent)
  if (parent !== '' && container === undefined && isScopePath(path)) throw unknownScope(parent)
  const record = scopeRecord(path, kind, container?.kind ?? 'deployment', at)
  if ((await transaction.scope(path)) !== undefined) {
    throw new StateError('ERR_SCOPE_EXISTS', `the scope ${path} is registered already`, { details: { scope: path } })
  }
  await transaction.insertScope(record)
  await transaction.log(at, 'scope.added', scopeFacts(record))
  return record
}

/**
 * Remove scopes that nothing is in and that no role is held at.
 *
 * @throws {@link StateError} `ERR_SCOPE_UNKNOWN`, `ERR_SCOPE_IN_USE`
 */
export async function removeScopes(transaction: StoreTransaction, paths: readonly string[], at: Date): Promise<void> {
  const removed = new Set(paths)
  const scopes = await transaction.scopes()
  for (const path of paths) if (!scopes.some((scope) => scope.path === path)) throw unknownScope(path)
  const child = scopes.find(({ path }) => !removed.has(path) && removed.has(parentScope(path)))
  if (child !== undefined)
    throw inUse('ERR_SCOPE_IN_USE', `the scope ${parentScope(child.path)} contains ${child.path}`)
  for await (const entity of eachEntity(transaction)) {
    const used = [entity.scope, ...entity.roles.map((text) => parseGrant(text, entity.scope).scope)]
    const found = used.find((path) => removed.has(path))
    if (found !== undefined)
      throw inUse('ERR_SCOPE_IN_USE', `the entity ${entity.id} is in the scope ${found}, or has a role there`)
  }
  for (const path of paths) {
    await transaction.deleteScope(path)
    await transaction.log(at, 'scope.removed', { path })
  }
}

/**
 * Register a role, or change what it implies.
 *
 * @throws {@link DeniedError} `ERR_ROLE_INVALID`: a malformed name, a circle, or an implied role that is not registered
 */
export async function setRole(
  transaction: StoreTransaction,
  name: string,
  implies: readonly string[],
  at: Date,
): Promise<RoleRecord> {
  const [role] = await setRoles(transaction, [{ name, implies }], at)
  if (role === undefined) throw new DeniedError('ERR_ROLE_INVALID', 'no role was named')
  return role
}

/** As {@link setRole}, for several that may imply each other. */
export async function setRoles(
  transaction: StoreTransaction,
  roles: readonly Pick<RoleRecord, 'name' | 'implies'>[],
  at: Date,
): Promise<readonly RoleRecord[]> {
  const records = roles.map(({ name, implies }) => roleRecord(name, implies, at))
  const others = (await transaction.roles()).filter(({ name }) => !records.some((record) => record.name === name))
  // It throws for a circle.
  new RoleGraph([...others, ...records])
  for (const record of records) await transaction.putRole(record)
  await transaction.logAll(at, 'role.set', records.map(roleFacts))
  return records
}

/**
 * Remove roles that nobody holds and no other role implies.
 *
 * @throws {@link StateError} `ERR_ROLE_UNKNOWN`, `ERR_ROLE_IN_USE`
 */
export async function removeRoles(transaction: StoreTransaction, names: readonly string[], at: Date): Promise<void> {
  const removed = new Set(names)
  const roles = await transaction.roles()
  for (const name of names) if (!roles.some((role) => role.name === name)) throw unknownRole(name)
  for (const { name, implies } of roles) {
    const implied = removed.has(name) ? undefined : implies.find((other) => removed.has(other))
    if (implied !== undefined) throw inUse('ERR_ROLE_IN_USE', `the role ${name} implies ${implied}`)
  }
  for await (const entity of eachEntity(transaction)) {
    const held = entity.roles.map((text) => parseGrant(text, entity.scope).role).find((role) => removed.has(role))
    if (held !== undefined) throw inUse('ERR_ROLE_IN_USE', `the entity ${entity.id} has the role ${held}`)
  }
  for (const name of names) {
    await transaction.deleteRole(name)
    await transaction.log(at, 'role.removed', { name })
  }
}

function inUse(code: 'ERR_SCOPE_IN_USE' | 'ERR_ROLE_IN_USE', message: string): StateError {
  return new StateError(code, message, { hint: 'remove what uses it first' })
}

/** Entities that are read at once. */
const PAGE = 1000

/** Every entity, by id, without holding them all. */
export async function* eachEntity(reader: StoreReader): AsyncGenerator<EntityRecord> {
  for await (const page of entityPages(reader)) yield* page
}

/**
 * Entities by id, some at a time.
 *
 * @param after - Id that those come after.
 */
export async function* entityPages(reader: StoreReader, after = ''): AsyncGenerator<readonly EntityRecord[]> {
  for (let page = await reader.entitiesAfter(after, PAGE); page.length > 0;) {
    yield page
    page = await reader.entitiesAfter(page.at(-1)?.id ?? '', PAGE)
  }
}
