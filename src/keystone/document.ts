/**
 * Keystone's mapping documents (schema versions 1.0, 2.0, 3.0): their form, checked as Keystone checks it.
 *
 * @module keystone/document (floor 5.1)
 */
import { UsageError } from '../errors/index.js'

export const SCHEMA_VERSIONS = ['1.0', '2.0', '3.0'] as const
export type SchemaVersion = (typeof SCHEMA_VERSIONS)[number]
/** What Keystone takes a document for that does not say. */
export const DEFAULT_SCHEMA_VERSION: SchemaVersion = '1.0'

export interface KeystoneMapping {
  readonly version: SchemaVersion
  readonly rules: readonly KeystoneRule[]
}

export interface KeystoneRule {
  readonly local: readonly JsonObject[]
  readonly remote: readonly Requirement[]
}

/** An entry of `remote`. */
export interface Requirement {
  readonly type: string
  readonly condition: Condition | undefined
}

export interface Condition {
  readonly kind: ConditionKind
  readonly values: readonly JsonValue[]
  readonly regex: boolean
}

export const CONDITION_KINDS = ['any_one_of', 'not_any_of', 'whitelist', 'blacklist'] as const
export type ConditionKind = (typeof CONDITION_KINDS)[number]

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/**
 * Check a document that was read from JSON or YAML.
 *
 * @param version - Which schema, where the document does not say. Default {@link DEFAULT_SCHEMA_VERSION}.
 * @throws {@link UsageError} `ERR_MAPPING_INVALID` with every place that is wrong
 */
export function parseKeystoneMapping(
  document: unknown,
  version: SchemaVersion = DEFAULT_SCHEMA_VERSION,
): KeystoneMapping {
  const faults = new Faults()
  const whole = faults.object(document, '')
  const stated = whole !== undefined && Object.hasOwn(whole, 'schema_version') ? whole['schema_version'] : version
  const isKnown = (SCHEMA_VERSIONS as readonly unknown[]).includes(stated)
  if (!isKnown) faults.add('/schema_version', `is none of ${SCHEMA_VERSIONS.join(', ')}`)
  const chosen = isKnown ? (stated as SchemaVersion) : version
  const rules = faults.array(whole?.['rules'], '/rules', 1)
  const parsed = rules.map((rule, index) => parseRule(rule, `/rules/${index}`, chosen, faults))
  faults.throwIfAny()
  return { version: chosen, rules: parsed }
}

/** What is wrong with a document, all of it. */
class Faults {
  readonly #found: string[] = []

  add(pointer: string, what: string): void {
    this.#found.push(`${pointer === '' ? 'the document' : pointer} ${what}`)
  }

  object(value: unknown, pointer: string): JsonObject | undefined {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
    this.add(pointer, 'is not an object')
    return undefined
  }

  array(value: unknown, pointer: string, least: number): readonly JsonValue[] {
    if (Array.isArray(value)) {
      if (value.length < least) this.add(pointer, 'is empty')
      return value as JsonValue[]
    }
    this.add(pointer, value === undefined ? 'is missing' : 'is not a list')
    return []
  }

  text(value: JsonValue | undefined, pointer: string): void {
    if (value !== undefined && typeof value !== 'string') this.add(pointer, 'is not a text')
  }

  /** Exactly these keys; those with a question mark may be absent. */
  keys(value: JsonObject, pointer: string, ...keys: readonly string[]): void {
    for (const key of Object.keys(value)) {
      if (!keys.some((known) => known.replace('?', '') === key)) this.add(`${pointer}/${key}`, 'is not known')
    }
    for (const key of keys)
      if (!key.endsWith('?') && !Object.hasOwn(value, key)) this.add(`${pointer}/${key}`, 'is missing')
  }

  throwIfAny(): void {
    if (this.#found.length === 0) return
    throw new UsageError('ERR_MAPPING_INVALID', `the Keystone mapping is not valid: ${this.#found.join('; ')}`, {
      hint: 'compare it with the schema of its version',
    })
  }
}

function parseRule(value: JsonValue, pointer: string, version: SchemaVersion, faults: Faults): KeystoneRule {
  const rule = faults.object(value, pointer)
  if (rule === undefined) return { local: [], remote: [] }
  faults.keys(rule, pointer, 'local', 'remote')
  const local = faults.array(rule['local'], `${pointer}/local`, 0)
  const remote = faults.array(rule['remote'], `${pointer}/remote`, 1)
  return {
    local: local.map((item, index) => parseLocal(item, `${pointer}/local/${index}`, version, faults)),
    remote: remote.map((item, index) => parseRequirement(item, `${pointer}/remote/${index}`, faults)),
  }
}

function parseLocal(value: JsonValue, pointer: string, version: SchemaVersion, faults: Faults): JsonObject {
  const local = faults.object(value, pointer)
  if (local === undefined) return {}
  const ofVersion3 = version === '3.0' ? ['projects_json?'] : []
  faults.keys(local, pointer, 'user?', 'group?', 'groups?', 'group_ids?', 'domain?', 'projects?', ...ofVersion3)
  for (const name of ['groups', 'group_ids', 'projects_json']) faults.text(local[name], `${pointer}/${name}`)
  checkUser(local['user'], `${pointer}/user`, faults)
  checkGroup(local['group'], `${pointer}/group`, faults)
  checkDomain(local['domain'], `${pointer}/domain`, faults)
  if (local['projects'] !== undefined) checkProjects(local['projects'], `${pointer}/projects`, version, faults)
  return local
}

function checkUser(value: JsonValue | undefined, pointer: string, faults: Faults): void {
  if (value === undefined) return
  const user = faults.object(value, pointer)
  if (user === undefined) return
  faults.keys(user, pointer, 'id?', 'name?', 'email?', 'domain?', 'type?')
  for (const name of ['id', 'name', 'email', 'type']) faults.text(user[name], `${pointer}/${name}`)
  const { type } = user
  if (type !== undefined && type !== 'ephemeral' && type !== 'local') faults.add(`${pointer}/type`, 'is not known')
  checkDomain(user['domain'], `${pointer}/domain`, faults)
}

function checkGroup(value: JsonValue | undefined, pointer: string, faults: Faults): void {
  if (value === undefined) return
  const group = faults.object(value, pointer)
  if (group === undefined) return
  faults.keys(group, pointer, ...(Object.hasOwn(group, 'id') ? ['id'] : ['name', 'domain']))
  for (const name of ['id', 'name']) faults.text(group[name], `${pointer}/${name}`)
  checkDomain(group['domain'], `${pointer}/domain`, faults)
}

function checkDomain(value: JsonValue | undefined, pointer: string, faults: Faults): void {
  if (value === undefined) return
  const domain = faults.object(value, pointer)
  if (domain === undefined) return
  faults.keys(domain, pointer, 'id?', 'name?')
  for (const name of ['id', 'name']) faults.text(domain[name], `${pointer}/${name}`)
}

/** What Python takes for false where a domain may be. */
export function isEmptyDomain(domain: JsonValue | undefined): boolean {
  return domain === undefined || domain === null || Object.keys(domain as JsonObject).length === 0
}

/** Projects that a mapping gives; also those that arrive as JSON within an attribute. */
export function checkProjectList(value: unknown): void {
  const faults = new Faults()
  checkProjects(value as JsonValue, '', '2.0', faults)
  faults.throwIfAny()
}

function checkProjects(value: JsonValue, pointer: string, version: SchemaVersion, faults: Faults): void {
  for (const [index, item] of faults.array(value, pointer, 0).entries()) {
    const at = `${pointer}/${index}`
    const project = faults.object(item, at)
    if (project === undefined) continue
    faults.keys(project, at, 'name', 'roles', ...(version === '1.0' ? [] : ['domain?']))
    faults.text(project['name'], `${at}/name`)
    checkDomain(project['domain'], `${at}/domain`, faults)
    if (project['roles'] === undefined) continue
    for (const [place, entry] of faults.array(project['roles'], `${at}/roles`, 0).entries()) {
      const role = faults.object(entry, `${at}/roles/${place}`)
      if (role === undefined) continue
      faults.keys(role, `${at}/roles/${place}`, 'name')
      faults.text(role['name'], `${at}/roles/${place}/name`)
    }
  }
}

function parseRequirement(value: JsonValue, pointer: string, faults: Faults): Requirement {
  const entry = faults.object(value, pointer)
  if (entry === undefined) return { type: '', condition: undefined }
  const kind = CONDITION_KINDS.find((name) => Object.hasOwn(entry, name))
  faults.keys(entry, pointer, 'type', ...(kind === undefined ? [] : [kind, 'regex?']))
  faults.text(entry['type'], `${pointer}/type`)
  const type = typeof entry['type'] === 'string' ? entry['type'] : ''
  if (kind === undefined) return { type, condition: undefined }
  const values = faults.array(entry[kind], `${pointer}/${kind}`, 0)
  const { regex = false } = entry
  if (typeof regex !== 'boolean') faults.add(`${pointer}/regex`, 'is not true or false')
  return { type, condition: { kind, values, regex: regex === true } }
}
