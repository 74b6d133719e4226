/**
 * Bringing the registry to what a document wants: find what differs, then change it, all or nothing.
 *
 * @module authority/apply (floor 7)
 */
import {
  addEntities,
  addScope,
  changeEntity,
  eachEntity,
  knownPlaces,
  otherIdentity,
  parentScope,
  parseGrant,
  type RegistryDocument,
  removeRoles,
  removeScopes,
  setRoles,
  type WantedEntity,
} from '../identity/index.js'
import {
  entityFacts,
  type EntityRecord,
  type EntityState,
  type LogFacts,
  roleFacts,
  type RoleRecord,
  type ScopeKind,
  type StoreReader,
  type StoreTransaction,
} from '../store/index.js'
import { StateError } from '../errors/index.js'
import type { Authority } from './authority.js'
import { checkedEntity } from './register.js'
import { changeState } from './revoke.js'

/** One difference between the registry and a document. */
export type RegistryChange =
  | { readonly kind: 'add scope'; readonly name: string; readonly scope: ScopeKind }
  | { readonly kind: 'remove scope'; readonly name: string }
  | { readonly kind: 'add role' | 'change role'; readonly name: string; readonly implies: readonly string[] }
  | { readonly kind: 'remove role'; readonly name: string }
  | { readonly kind: 'add entity'; readonly name: string; readonly entity: EntityRecord }
  | {
      readonly kind: 'change entity'
      readonly name: string
      readonly entity: EntityRecord
      readonly differences: readonly Difference[]
    }
  | { readonly kind: 'set state'; readonly name: string; readonly from: EntityState; readonly to: EntityState }

/** A fact of an entity that changes. */
export interface Difference {
  readonly what: string
  readonly from: string
  readonly to: string
}

export interface ApplyOptions {
  /** What to do with what the document does not name: leave it, or retire entities and remove scopes and roles. */
  readonly unnamed: 'leave' | 'remove'
}

/**
 * Say how the registry differs from a document, in the order in which it would be changed. Nothing is changed.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`, `ERR_ISSUE_NAME`: an entity that could not be registered
 * @throws {@link StateError} `ERR_ENTITY_IDENTITY`: an entity would become another identity
 */
export async function planRegistry(
  authority: Authority,
  reader: StoreReader,
  document: RegistryDocument,
  { unnamed }: ApplyOptions,
  at: Date,
): Promise<readonly RegistryChange[]> {
  const removal = unnamed === 'remove' ? await planRemoval(reader, document) : NO_REMOVAL
  return [
    ...(await planScopes(reader, document.scopes)),
    ...(await planRoles(reader, document.roles)),
    ...(await planEntities(authority, reader, document.entities, at)),
    ...removal.entities,
    ...removal.places,
  ]
}

/**
 * Bring the registry to what a document wants, in one transaction: everything, or nothing.
 *
 * Doing it twice changes nothing the second time.
 *
 * @returns What was changed.
 * @throws as {@link planRegistry}, and {@link StateError} `ERR_SCOPE_UNKNOWN`, `ERR_ROLE_UNKNOWN`, `ERR_ENTITY_EXISTS`,
 * `ERR_ENTITY_STATE`, `ERR_SCOPE_IN_USE`, `ERR_ROLE_IN_USE`, {@link DeniedError} `ERR_SCOPE_INVALID`, `ERR_ROLE_INVALID`
 */
export async function applyRegistry(
  authority: Authority,
  document: RegistryDocument,
  options: ApplyOptions,
  at: Date,
): Promise<readonly RegistryChange[]> {
  return authority.store.transaction(async (transaction) => {
    const changes = await planRegistry(authority, transaction, document, options, at)
    await carryOut(transaction, changes, at)
    return changes
  })
}

/**
 * As {@link applyRegistry}, for a registry that is too large for one document: parts of it, one after the other, in one
 * transaction. What the parts do not name is left. Names that a part needs are in it, or in one before it. The store is
 * locked until the last part came.
 *
 * @param progress - Told how many parts are done.
 * @returns How many changes of each kind were made.
 */
export async function importRegistry(
  authority: Authority,
  parts: Iterable<RegistryDocument> | AsyncIterable<RegistryDocument>,
  at: Date,
  progress: (parts: number) => void = () => undefined,
): Promise<ReadonlyMap<RegistryChange['kind'], number>> {
  const counts = new Map<RegistryChange['kind'], number>()
  await authority.store.transaction(async (transaction) => {
    let done = 0
    for await (const part of parts) {
      const changes = await planRegistry(authority, transaction, part, { unnamed: 'leave' }, at)
      await carryOut(transaction, changes, at)
      for (const { kind } of changes) counts.set(kind, (counts.get(kind) ?? 0) + 1)
      progress(++done)
    }
  })
  return counts
}

async function planScopes(
  reader: StoreReader,
  wanted: ReadonlyMap<string, ScopeKind>,
): Promise<readonly RegistryChange[]> {
  if (wanted.size === 0) return []
  const known = new Map((await reader.scopes()).map(({ path, kind }) => [path, kind]))
  // What contains comes before what is contained: a path sorts after its beginning.
  return [...wanted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, scope]) => {
      const found = known.get(name)
      if (found !== undefined && found !== scope) {
        throw new StateError('ERR_SCOPE_EXISTS', `the scope ${name} is a ${found}, and cannot become a ${scope}`, {
          details: { scope: name, kind: found, wanted: scope },
          hint: 'the kind of a scope stays: make another one',
        })
      }
      return found === undefined ? [{ kind: 'add scope' as const, name, scope }] : []
    })
}

async function planRoles(
  reader: StoreReader,
  wanted: ReadonlyMap<string, readonly string[]>,
): Promise<readonly RegistryChange[]> {
  if (wanted.size === 0) return []
  const known = new Map((await reader.roles()).map((role) => [role.name, role]))
  return [...wanted].flatMap(([name, list]): readonly RegistryChange[] => {
    const implies = [...new Set(list)].sort()
    const found = known.get(name)
    if (found === undefined) return [{ kind: 'add role', name, implies }]
    return saysTheSame(roleFacts(found), roleFacts({ name, implies })) ? [] : [{ kind: 'change role', name, implies }]
  })
}

async function planEntities(
  authority: Authority,
  reader: StoreReader,
  wanted: ReadonlyMap<string, WantedEntity>,
  at: Date,
): Promise<readonly RegistryChange[]> {
  const known = new Map((await reader.entitiesWith('id', [...wanted.keys()])).map((entity) => [entity.id, entity]))
  return [...wanted].flatMap(([name, { request, state }]): readonly RegistryChange[] => {
    const entity = checkedEntity(authority, request, at)
    const found = known.get(name)
    const from = found?.state ?? 'active'
    const change: readonly RegistryChange[] = from === state ? [] : [{ kind: 'set state', name, from, to: state }]
    if (found === undefined) return [{ kind: 'add entity', name, entity }, ...change]
    if (found.uri !== entity.uri) throw otherIdentity(found, entity)
    const differences = differencesOf(entityFacts(found), entityFacts(entity))
    return differences.length === 0 ? change : [{ kind: 'change entity', name, entity, differences }, ...change]
  })
}

interface Removal {
  readonly entities: readonly RegistryChange[]
  readonly places: readonly RegistryChange[]
}

const NO_REMOVAL: Removal = { entities: [], places: [] }

/**
 * Entities are retired, not removed: their names live on in logs and are never given out again. What they were in and had
 * stays, so that the log can be read.
 */
async function planRemoval(reader: StoreReader, document: RegistryDocument): Promise<Removal> {
  const entities: RegistryChange[] = []
  const keptScopes = new Set(document.scopes.keys())
  const keptRoles = new Set(document.roles.keys())
  for await (const { id, state, scope, roles: granted } of eachEntity(reader)) {
    if (document.entities.has(id)) continue
    if (state !== 'retired') entities.push({ kind: 'set state', name: id, from: state, to: 'retired' })
    const grants = granted.map((text) => parseGrant(text, scope))
    for (const { role } of grants) keptRoles.add(role)
    for (let path of [scope, ...grants.map((grant) => grant.scope)]) {
      for (; path !== ''; path = parentScope(path)) keptScopes.add(path)
    }
  }
  const roles = (await reader.roles()).filter(({ name }) => !keptRoles.has(name))
  const scopes = (await reader.scopes()).filter(({ path }) => !keptScopes.has(path))
  return {
    entities,
    places: [
      ...roles.map(({ name }) => ({ kind: 'remove role' as const, name })),
      ...scopes.map(({ path }) => ({ kind: 'remove scope' as const, name: path })),
    ],
  }
}

async function carryOut(transaction: StoreTransaction, changes: readonly RegistryChange[], at: Date): Promise<void> {
  const of = <K extends RegistryChange['kind']>(
    ...kinds: readonly K[]
  ): readonly Extract<RegistryChange, { kind: K }>[] =>
    changes.filter((change): change is Extract<RegistryChange, { kind: K }> =>
      (kinds as readonly string[]).includes(change.kind),
    )
  for (const { name, scope } of of('add scope')) await addScope(transaction, name, scope, at)
  const roles: readonly Pick<RoleRecord, 'name' | 'implies'>[] = of('add role', 'change role')
  if (roles.length > 0) await setRoles(transaction, roles, at)
  const known = await knownPlaces(transaction)
  const added = of('add entity').map(({ entity }) => entity)
  if (added.length > 0) await addEntities(transaction, added, known, at)
  for (const { entity } of of('change entity')) await changeEntity(transaction, entity, known, at)
  for (const { name, to } of of('set state')) {
    await changeState(transaction, name, to, at)
  }
  const names = (kind: 'remove role' | 'remove scope'): readonly string[] => of(kind).map(({ name }) => name)
  if (names('remove role').length > 0) await removeRoles(transaction, names('remove role'), at)
  if (names('remove scope').length > 0) await removeScopes(transaction, names('remove scope'), at)
}

function differencesOf(before: LogFacts, after: LogFacts): readonly Difference[] {
  // Of a million nothing differs in most, and this is the quickest way to see it.
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .map((what) => ({ what, from: shown(before[what]), to: shown(after[what]) }))
    .filter(({ from, to }) => from !== to)
}

function saysTheSame(before: LogFacts, after: LogFacts): boolean {
  return differencesOf(before, after).length === 0
}

function shown(value: LogFacts[string]): string {
  return value === undefined ? '' : typeof value === 'object' ? value.join(' ') : String(value)
}
