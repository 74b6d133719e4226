/**
 * Keystone's mapping engine, as it is: `RuleProcessor` and its heirs of schema 2.0 and 3.0, with what they do that nobody
 * would want. For comparing with Keystone; who decides takes the strict mode (`strict`).
 *
 * @module keystone/process (floor 5)
 */
import { DeniedError, isSignetError } from '../errors/index.js'
import { splitAttributes } from './assertion.js'
import { Patterns, positionsOf, type Positions } from './conditions.js'
import { checkProjectList, type JsonObject, type JsonValue, type KeystoneMapping } from './document.js'
import { format, type Position } from './python-format.js'
import { literalOrText } from './python-literal.js'
import { UnsupportedPattern } from './python-regex.js'
import { PythonError, type PythonValue } from './python-value.js'

/** What a mapping yields, in Keystone's words. */
export interface KeystoneIdentity {
  readonly user: JsonObject
  /** Sorted, each once. */
  readonly group_ids: readonly JsonValue[]
  readonly group_names: readonly JsonValue[]
  readonly projects: readonly JsonValue[]
}

/**
 * Map an assertion exactly as Keystone does.
 *
 * @throws {@link DeniedError} `ERR_KEYSTONE_REFUSED` where Keystone raises: `details.keystone` is `ValidationError`,
 * `DirectMappingError`, or `uncaught:` and the name of an exception that it does not catch (HTTP 500);
 * `ERR_KEYSTONE_UNSUPPORTED` for patterns that JavaScript cannot express
 */
export function processAsKeystone(
  mapping: KeystoneMapping,
  assertion: Readonly<Record<string, unknown>>,
): KeystoneIdentity {
  try {
    return new Engine(mapping).process(assertion)
  } catch (error) {
    if (error instanceof PythonError) throw refused(error)
    if (error instanceof UnsupportedPattern) {
      throw new DeniedError('ERR_KEYSTONE_UNSUPPORTED', `a pattern has ${error.message}, which only Python knows`, {
        hint: 'write the pattern another way, or compare values exactly',
        cause: error,
      })
    }
    throw error
  }
}

/** Exceptions of Keystone itself; others pass through it. */
const KEYSTONE_EXCEPTIONS: ReadonlySet<string> = new Set(['ValidationError', 'DirectMappingError'])

function refused(error: PythonError): DeniedError {
  const keystone = KEYSTONE_EXCEPTIONS.has(error.kind) ? error.kind : `uncaught:${error.kind}`
  return new DeniedError('ERR_KEYSTONE_REFUSED', `Keystone would refuse this: ${error.message}`, {
    details: { keystone },
    cause: error,
  })
}

/** An object that is being built. */
type Draft = Record<string, JsonValue>

class Engine {
  readonly #mapping: KeystoneMapping
  readonly #patterns = new Patterns()

  constructor(mapping: KeystoneMapping) {
    this.#mapping = mapping
  }

  process(assertion: Readonly<Record<string, unknown>>): KeystoneIdentity {
    const attributes = splitAttributes(assertion)
    const locals: Draft[] = []
    for (const { local, remote } of this.#mapping.rules) {
      const positions = positionsOf(remote, attributes, this.#patterns)
      if (positions !== undefined) for (const item of local) locals.push(this.#render(item, positions))
    }
    return this.#fold(locals)
  }

  #render(local: JsonObject, positions: Positions): Draft {
    const filled = positions.map((values): Position => (values.length === 1 ? (values[0] as string) : values))
    const rendered: Draft = {}
    for (const [name, value] of Object.entries(local)) {
      const isJson = this.#mapping.version === '3.0' && (name === 'projects_json' || name === 'projects')
      rendered[name] = isJson && typeof value === 'string' ? projectsAt(value, filled) : renderValue(value, filled)
    }
    return rendered
  }

  #fold(locals: readonly Draft[]): KeystoneIdentity {
    const last = locals.at(-1)
    if (last === undefined) throw new PythonError('ValidationError', 'no rule maps this assertion')
    const groupIds = new Set<JsonValue>()
    const groupNames: JsonValue[] = []
    const byDomain = new Map<string, JsonObject[]>()
    let user: Draft = {}
    let projects: readonly JsonValue[] = []
    for (const local of locals) {
      // The first that is not empty stays.
      if ('user' in local && Object.keys(user).length === 0) user = { ...(local['user'] as JsonObject) }
      if ('group' in local) addGroup(local['group'] as JsonObject, groupIds, groupNames, byDomain)
      if ('groups' in local) groupNames.push(...groupsOf(local))
      if ('group_ids' in local) for (const id of listOf(local['group_ids'] as string)) groupIds.add(hashable(id))
      // The last that has some wins.
      if ('projects' in local) projects = this.#projectsOf(local)
      if ('projects_json' in local)
        projects = [...projects, ...withDomain(local['projects_json'] as JsonValue[], local)]
    }
    this.#normalizeUser(user, last)
    const sorted = [...groupIds].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    return { user, group_ids: sorted, group_names: groupNames, projects }
  }

  #projectsOf(local: Draft): readonly JsonValue[] {
    const projects = local['projects'] as readonly JsonValue[]
    return this.#mapping.version === '1.0' ? projects : withDomain(projects, local)
  }

  #normalizeUser(user: Draft, last: Draft): void {
    const { type } = user
    if (type !== undefined && type !== '' && type !== 'ephemeral' && type !== 'local') {
      throw new PythonError('ValidationError', `there is no user type ${JSON.stringify(type)}`)
    }
    user['type'] = type ?? 'ephemeral'
    if (this.#mapping.version === '1.0') return
    // The domain of whichever local object comes last, whosoever the user's was.
    const { domain } = user
    const isEmpty = domain === undefined || domain === null || Object.keys(domain as JsonObject).length === 0
    if (isEmpty) user['domain'] = last['domain'] ?? null
  }
}

function renderValue(value: JsonValue, positions: readonly Position[]): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => renderValue(item, positions))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, renderValue(item, positions)]))
  }
  if (typeof value !== 'string') throw new PythonError('AttributeError', "object has no attribute 'format'")
  try {
    return format(value, positions)
  } catch (error) {
    if (error instanceof PythonError && error.kind === 'IndexError') {
      throw new PythonError('DirectMappingError', 'a position is named that the rule does not have')
    }
    throw error
  }
}

/** Schema 3.0: the position itself, as JSON. */
function projectsAt(reference: string, positions: readonly Position[]): JsonValue {
  const index = /^\{?([0-9]+)\}?/.exec(reference)?.[1]
  if (index === undefined) throw new PythonError('ValidationError', 'projects_json names no position')
  const value = positions[Number(index)]
  if (value === undefined)
    throw new PythonError('DirectMappingError', 'a position is named that the rule does not have')
  const projects = typeof value === 'string' ? parseJson(value, 'ValidationError') : [...value]
  try {
    checkProjectList(projects)
  } catch (error) {
    if (isSignetError(error)) throw new PythonError('ValidationError', error.message)
    throw error
  }
  return projects
}

function withDomain(projects: readonly JsonValue[], { domain }: Draft): readonly JsonValue[] {
  if (domain === undefined) return projects
  return projects.map((project) => ({ domain, ...(project as JsonObject) }))
}

function addGroup(
  group: JsonObject,
  groupIds: Set<JsonValue>,
  groupNames: JsonValue[],
  byDomain: Map<string, JsonObject[]>,
): void {
  if ('id' in group) groupIds.add(group['id'])
  else {
    const domain = group['domain'] as JsonObject
    const key = JSON.stringify(domain['name'] ?? domain['id'] ?? null)
    byDomain.set(key, [...(byDomain.get(key) ?? []), group])
  }
  // All that were seen so far, once more for every group.
  for (const groups of byDomain.values()) groupNames.push(...groups)
}

function groupsOf(local: Draft): readonly JsonValue[] {
  const text = local['groups'] as string
  const names = listOf(text)
  // The word anywhere in the text is taken for groups that state their own domains.
  if (!text.includes('name')) {
    const { domain } = local
    if (domain === undefined) throw new PythonError('ValidationError', "'groups' needs a 'domain'")
    return names.map((name) => ({ name: jsonOf(name), domain }))
  }
  const groups = names.map((name) => {
    if (typeof name !== 'string') throw new PythonError('AttributeError', "object has no attribute 'startswith'")
    return name.startsWith('JSON:') ? parseJson(name.replace(/^[JSON:]+/, ''), 'JSONDecodeError') : name
  })
  for (const group of groups) {
    if (!holds(group, 'domain')) throw new PythonError('ValidationError', 'a group states no domain')
  }
  return groups
}

/** Python's `key in value`: part of a text, member of a list, key of an object. */
function holds(value: JsonValue, key: string): boolean {
  if (typeof value === 'string') return value.includes(key)
  if (Array.isArray(value)) return value.includes(key)
  if (typeof value === 'object' && value !== null) return key in value
  throw new PythonError('TypeError', 'argument is not iterable')
}

/** A text that is the literal of a list is that list; every other is one value. */
function listOf(text: string): readonly PythonValue[] {
  const value = literalOrText(text)
  return Array.isArray(value) ? (value as readonly PythonValue[]) : [text]
}

function hashable(value: PythonValue): JsonValue {
  if (
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && 'kind' in value && value.kind !== 'tuple')
  ) {
    throw new PythonError('TypeError', 'unhashable type')
  }
  return jsonOf(value)
}

/** As JSON prints what Python holds. */
function jsonOf(value: PythonValue): JsonValue {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map((item: PythonValue) => jsonOf(item))
  if (typeof value !== 'object' || value === null) return value
  if ('items' in value) return value.items.map(jsonOf)
  if ('entries' in value && typeof value.entries !== 'function') {
    return Object.fromEntries(value.entries.map(([name, item]) => [textOf(jsonOf(name)), jsonOf(item)]))
  }
  throw new PythonError('TypeError', 'not serializable')
}

/** A key of an object in JSON. */
function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function parseJson(text: string, kind: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    throw new PythonError(kind, 'not JSON')
  }
}
