/**
 * The registry as a document, in YAML or JSON: what should exist.
 *
 * ```yaml
 * version: 1
 * scopes:
 *   region-one: region
 *   region-one/nova: service
 * roles:
 *   compute_node:
 *   admin: [member, reader]          # whom it implies
 * entities:
 *   compute-07:
 *     kind: node
 *     service: compute
 *     scope: region-one/nova
 *     roles: [compute_node]
 *     dns: [compute-07.cloud.example]
 * ```
 *
 * @module identity/registry-document (floor 5)
 */
import { isSignetError, UsageError } from '../errors/index.js'
import { type JsonValue, parseStrictJson, requireKeys } from '../json/index.js'
import type { EntityRecord, EntityState, RoleRecord, ScopeKind, ScopeRecord } from '../store/index.js'
import { parseYamlOrJson } from '../yaml/index.js'
import { ENTITY_KINDS, type EntityKind, type EntityRequest } from './entity.js'
import { SCOPE_KINDS } from './scope.js'

/** An entity as a document wants it. */
export interface WantedEntity {
  readonly request: EntityRequest
  readonly state: EntityState
}

/** What a document wants. A part that is left out says nothing. */
export interface RegistryDocument {
  /** Path → kind. */
  readonly scopes: ReadonlyMap<string, ScopeKind>
  /** Name → names of the roles that it implies. */
  readonly roles: ReadonlyMap<string, readonly string[]>
  /** By id. */
  readonly entities: ReadonlyMap<string, WantedEntity>
}

const STATES: readonly EntityState[] = ['active', 'quarantined', 'retired']
const ENTITY_KEYS = ['kind', 'service?', 'node?', 'scope?', 'roles?', 'dns?', 'ip?', 'aliases?', 'state?']

/**
 * Parse a document. Only its form is checked: whether names are allowed and scopes exist is for who applies it.
 *
 * @throws {@link UsageError} `ERR_REGISTRY_DOCUMENT` naming the place
 */
export function parseRegistryDocument(text: string): RegistryDocument {
  return explained(() => {
    const fields = requireKeys(
      parseYamlOrJson(text, 'the document'),
      ['version', 'scopes?', 'roles?', 'entities?'],
      'the document',
    )
    if (fields['version'] !== 1) throw invalid('its version is not 1')
    return {
      scopes: new Map(members(fields['scopes'], 'scopes').map(([path, kind]) => [path, wantedScope(path, kind)])),
      roles: new Map(members(fields['roles'], 'roles').map(([name, implied]) => [name, wantedRole(name, implied)])),
      entities: new Map(members(fields['entities'], 'entities').map(([id, entity]) => [id, wantedEntity(id, entity)])),
    }
  })
}

const NOTHING: RegistryDocument = { scopes: new Map(), roles: new Map(), entities: new Map() }

/**
 * Parse one line of a document in lines of JSON, for registries that are too large for one text: `{"scope": …,
 * "kind": …}`, `{"role": …, "implies": […]}` or `{"entity": …, "kind": …}` with the members of an entity.
 *
 * @throws {@link UsageError} `ERR_REGISTRY_DOCUMENT`
 */
export function parseRegistryLine(line: string, number: number): RegistryDocument {
  const none = NOTHING
  const what = `line ${number}`
  return explained(() => {
    const value = parseStrictJson(line)
    if (isObject(value) && 'entity' in value) {
      const { entity: id, ...rest } = value
      return { ...none, entities: new Map([[text(id, what), wantedEntity(text(id, what), rest)]]) }
    }
    if (isObject(value) && 'role' in value) {
      const { role, implies } = requireKeys(value, ['role', 'implies'], what)
      return { ...none, roles: new Map([[text(role, what), texts(implies, what)]]) }
    }
    const { scope, kind } = requireKeys(value, ['scope', 'kind'], what)
    return { ...none, scopes: new Map([[text(scope, what), wantedScope(text(scope, what), kind)]]) }
  }, what)
}

/** @param where - Begins the message, if nothing in it says where. */
function explained<T>(parse: () => T, where = ''): T {
  try {
    return parse()
  } catch (error) {
    if (!isSignetError(error) || error.category !== 'encoding') throw error
    const message = error.message.startsWith(where) ? error.message : `${where}: ${error.message}`
    throw new UsageError('ERR_REGISTRY_DOCUMENT', message, { details: error.details, hint: HINT, cause: error })
  }
}

const HINT = 'see docs/registry.md; signet export shows the registry in this form'

function wantedScope(path: string, kind: unknown): ScopeKind {
  const found = SCOPE_KINDS.find((known) => known === kind)
  if (found !== undefined) return found
  throw invalid(`the kind of the scope ${path} is not one of ${SCOPE_KINDS.join(', ')}`)
}

function wantedRole(name: string, implied: unknown): readonly string[] {
  return implied === null ? [] : texts(implied, `the role ${name}: what it implies`)
}

function wantedEntity(id: string, value: unknown): WantedEntity {
  const what = `the entity ${id}`
  const fields = requireKeys(value, ENTITY_KEYS, what)
  const kind = ENTITY_KINDS.find((known) => known === fields['kind'])
  if (kind === undefined) throw invalid(`the kind of ${what} is not one of ${ENTITY_KINDS.join(', ')}`)
  const state = STATES.find((known) => known === (fields['state'] ?? 'active'))
  if (state === undefined) throw invalid(`the state of ${what} is not one of ${STATES.join(', ')}`)
  const optional = (name: 'scope' | 'service' | 'node'): { [key: string]: string } =>
    fields[name] === undefined ? {} : { [name]: text(fields[name], `${what}: ${name}`) }
  const list = (name: string): readonly string[] =>
    fields[name] === undefined ? [] : texts(fields[name], `${what}: ${name}`)
  const request: EntityRequest = {
    id,
    kind,
    ...optional('scope'),
    ...optional('service'),
    ...optional('node'),
    roles: list('roles'),
    dnsNames: list('dns'),
    ipAddresses: list('ip'),
    aliases: list('aliases'),
  }
  return { request, state }
}

/** A document as it is written: by {@link encodeRegistryDocument}, and for the lines of a long one. */
export function documentMember(entity: EntityRecord): { readonly [key: string]: JsonValue } {
  const { id, kind, service, node, scope, roles, dnsNames, ipAddresses, aliases, state } = entity
  const list = (name: string, values: readonly string[]): { [key: string]: JsonValue } =>
    values.length === 0 ? {} : { [name]: values }
  return {
    // Registered before there were kinds: what it did was its kind.
    kind: ENTITY_KINDS.includes(kind as EntityKind) ? kind : 'node',
    service,
    ...(node === id ? {} : { node }),
    ...(scope === '' ? {} : { scope }),
    ...list('roles', roles),
    ...list('dns', dnsNames),
    ...list('ip', ipAddresses),
    ...list('aliases', aliases),
    ...(state === 'active' ? {} : { state }),
  }
}

/** The registry as the value of a document, which {@link parseRegistryDocument} reads when it is written as JSON or YAML. */
export function registryDocument(
  scopes: readonly ScopeRecord[],
  roles: readonly RoleRecord[],
  entities: readonly EntityRecord[],
): { readonly [key: string]: JsonValue } {
  return {
    version: 1,
    scopes: Object.fromEntries(scopes.map(({ path, kind }) => [path, kind])),
    roles: Object.fromEntries(roles.map(({ name, implies }) => [name, implies])),
    entities: Object.fromEntries(entities.map((entity) => [entity.id, documentMember(entity)])),
  }
}

function members(value: unknown, what: string): readonly (readonly [string, unknown])[] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) throw invalid(`${what} is not a map`)
  return Object.entries(value)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function text(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw invalid(`${what} is not a text`)
}

function texts(value: unknown, what: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw invalid(`${what} is not a list of texts`)
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_REGISTRY_DOCUMENT', message, { hint: HINT })
}
