/**
 * Keystone's mapping engine, as it is: `RuleProcessor` and its heirs of schema 2.0 and 3.0, with what they do that nobody
 * would want. For comparing with Keystone; who decides takes the strict mode (`strict`).
 *
 * @module keystone/process (floor 5.1)
 */
import { DeniedError, isSignetError } from '../errors/index.js'
import { splitAttributes } from './assertion.js'
import { Patterns, positionsOf, type Positions } from './conditions.js'
import { checkProjectList, isEmptyDomain, type JsonObject, type JsonValue, type KeystoneMapping } from './document.js'
import { format, type Position } from './python-format.js'
import { GroupIds, GroupNames, parseJson } from './groups.js'
import { PythonError, Unsupported } from './python-value.js'

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
 * `SchemaValidationError`, `DirectMappingError`, or `uncaught:` and the name of an exception that it does not catch (HTTP 500);
 * `ERR_KEYSTONE_UNSUPPORTED` for patterns, literals and attributes of texts that JavaScript cannot express
 */
export function processAsKeystone(
  mapping: KeystoneMapping,
  assertion: Readonly<Record<string, unknown>>,
): KeystoneIdentity {
  try {
    return new Engine(mapping).process(assertion)
  } catch (error) {
    if (error instanceof PythonError) throw refused(error)
    if (error instanceof Unsupported) {
      throw new DeniedError('ERR_KEYSTONE_UNSUPPORTED', `${error.message}, which only Python knows`, {
        hint: 'write the mapping another way, or compare values exactly',
        cause: error,
      })
    }
    throw error
  }
}

/** Exceptions of Keystone itself; others pass through it. */
const KEYSTONE_EXCEPTIONS: ReadonlySet<string> = new Set([
  'ValidationError',
  'SchemaValidationError',
  'DirectMappingError',
])

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
    const groupIds = new GroupIds()
    const groupNames = new GroupNames()
    let user: Draft = {}
    let projects: readonly JsonValue[] = []
    for (const local of locals) {
      // The first that is not empty stays.
      if ('user' in local && Object.keys(user).length === 0) user = { ...(local['user'] as JsonObject) }
      const group = local['group'] as JsonObject | undefined
      if (group !== undefined && 'id' in group) groupIds.add(group['id'] as string)
      else if (group !== undefined) groupNames.add(group)
      if ('groups' in local) groupNames.addList(local['groups'] as string, local['domain'])
      if ('group_ids' in local) groupIds.addList(local['group_ids'] as string)
      // The last that has some wins, from one place or the other.
      if ('projects' in local || 'projects_json' in local) projects = this.#projectsOf(local)
    }
    this.#normalizeUser(user, last)
    return { user, group_ids: groupIds.sorted(), group_names: groupNames.all, projects }
  }

  #projectsOf(local: Draft): readonly JsonValue[] {
    const projects = [local['projects'], local['projects_json']].flatMap(
      (list) => (list as readonly JsonObject[] | undefined) ?? [],
    )
    if (this.#mapping.version === '1.0') return projects
    const { domain = null } = local
    return projects.map((project) => (isEmptyDomain(project['domain']) ? { ...project, domain } : project))
  }

  #normalizeUser(user: Draft, last: Draft): void {
    const { type } = user
    if (type !== undefined && type !== 'ephemeral' && type !== 'local') {
      throw new PythonError('ValidationError', `there is no user type ${JSON.stringify(type)}`)
    }
    user['type'] = type ?? 'ephemeral'
    if (this.#mapping.version === '1.0') return
    // The domain of whichever local object comes last, whosoever the user's was.
    if (isEmptyDomain(user['domain'])) user['domain'] = last['domain'] ?? null
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
  if (index === undefined) throw new PythonError('SchemaValidationError', 'projects_json names no position')
  const value = positions[Number(index)]
  // Keystone catches this where texts are filled in, and not here.
  if (value === undefined) throw new PythonError('IndexError', 'a position is named that the rule does not have')
  const projects = typeof value === 'string' ? parseJson(value) : [...value]
  try {
    checkProjectList(projects)
  } catch (error) {
    if (isSignetError(error)) throw new PythonError('ValidationError', error.message)
    throw error
  }
  return projects
}
