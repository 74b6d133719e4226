/**
 * Mapping in the strict mode: what is unsafe and shows only when an assertion arrives is refused. What passes here means the
 * same to Keystone.
 *
 * @module keystone/strict (floor 5.1)
 */
import { DeniedError } from '../errors/index.js'
import { Patterns, positionsOf, type Positions } from './conditions.js'
import { isEmptyDomain, type JsonObject, type JsonValue, type KeystoneMapping } from './document.js'
import type { KeystoneIdentity } from './process.js'
import type { StrictMapping } from './safe.js'
import { isPlainName, parseTemplate } from './template.js'

/** Attributes as they were verified: several values are a list, and no text is ever split. */
export type StrictAttributes = Readonly<Record<string, string | readonly string[]>>

/** Where a text of a mapping stands: one value is wanted there, or a list of values. */
type Place = 'scalar' | 'list'

/**
 * Map verified attributes.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_UNMAPPED`: no rule matches, or none names a user; `ERR_KEYSTONE_VALUES`: an
 * attribute has several values, or none, where one is wanted; `ERR_KEYSTONE_CONFLICT`: two rules name different users or
 * projects; `ERR_KEYSTONE_SEPARATOR`: a text with a semicolon, which Keystone would split; `ERR_KEYSTONE_CHARACTER`: an
 * empty value, one with control characters or invisible ones, or one that Python takes for a list;
 * `ERR_KEYSTONE_GROUP_NAME`: a name of a group that Keystone takes for something else
 */
export function processStrictly({ mapping }: StrictMapping, assertion: StrictAttributes): KeystoneIdentity {
  const attributes = verified(assertion)
  const patterns = new Patterns()
  const outcome = new Outcome(mapping.version)
  for (const { local, remote } of mapping.rules) {
    const positions = positionsOf(remote, attributes, patterns)
    if (positions !== undefined) for (const item of local) outcome.add(item, positions)
  }
  return outcome.identity()
}

function verified(assertion: StrictAttributes): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(assertion).flatMap(([name, value]) => {
      const values = typeof value === 'string' ? [value] : value
      for (const one of values) checkCharacters(name, one)
      return values.length === 0 ? [] : [[name, values] as const]
    }),
  )
}

function checkCharacters(name: string, value: string): void {
  const details = { attribute: name }
  if (value.includes(';')) {
    throw new DeniedError('ERR_KEYSTONE_SEPARATOR', `${name} has a semicolon, at which Keystone splits it`, { details })
  }
  if (value === '' || value !== value.trim() || /[\p{C}\p{Zl}\p{Zp}]/u.test(value)) {
    throw new DeniedError('ERR_KEYSTONE_CHARACTER', `${name} is empty, or has characters that nobody sees`, { details })
  }
}

class Outcome {
  readonly #version: KeystoneMapping['version']
  #user: JsonObject | undefined
  #projects: readonly JsonValue[] | undefined
  readonly #groupIds = new Set<string>()
  readonly #groupNames = new Map<string, JsonValue>()

  constructor(version: KeystoneMapping['version']) {
    this.#version = version
  }

  add(item: JsonObject, positions: Positions): void {
    const local = fill(item, positions)
    const domain = local['domain']
    if (local['user'] !== undefined) this.#addUser(local['user'] as JsonObject)
    if (local['projects'] !== undefined) this.#addProjects(local['projects'] as readonly JsonObject[], domain)
    if (local['group'] !== undefined) this.#addGroup(local['group'] as JsonObject)
    for (const name of (local['groups'] as readonly string[] | undefined) ?? []) {
      // Keystone takes the word for groups that state their own domain, and refuses them all.
      if (name.includes('name')) {
        throw new DeniedError('ERR_KEYSTONE_GROUP_NAME', `Keystone does not map the group ${JSON.stringify(name)}`, {
          details: { group: name },
          hint: 'call it otherwise, or map it with group',
        })
      }
      this.#addGroup({ name, ...(domain === undefined ? {} : { domain }) })
    }
    for (const id of (local['group_ids'] as readonly string[] | undefined) ?? []) this.#groupIds.add(id)
  }

  #addUser(user: JsonObject): void {
    const whole = { type: 'ephemeral', ...user }
    if (this.#user !== undefined && !isSame(this.#user, whole)) throw conflict('users')
    this.#user = whole
  }

  #addProjects(projects: readonly JsonObject[], domain: JsonValue | undefined): void {
    const whole = this.#version === '1.0' ? projects : projects.map((project) => withDomain(project, domain))
    if (this.#projects !== undefined && !isSame(this.#projects, whole)) throw conflict('projects')
    this.#projects = whole
  }

  #addGroup(group: JsonObject): void {
    if (typeof group['id'] === 'string') this.#groupIds.add(group['id'])
    else this.#groupNames.set(JSON.stringify(group), group)
  }

  identity(): KeystoneIdentity {
    const { name, id } = this.#user ?? {}
    if (this.#user === undefined || (name ?? id) === undefined) {
      throw new DeniedError('ERR_IDENTITY_UNMAPPED', 'no rule of the Keystone mapping says who this is')
    }
    return {
      user: this.#user,
      group_ids: [...this.#groupIds].sort(),
      group_names: [...this.#groupNames].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group),
      projects: this.#projects ?? [],
    }
  }
}

/** From schema 2.0 on a project without a domain has that of its object, or none at all. */
function withDomain(project: JsonObject, domain: JsonValue = null): JsonObject {
  return isEmptyDomain(project['domain']) ? { ...project, domain } : project
}

function conflict(what: string): DeniedError {
  return new DeniedError('ERR_KEYSTONE_CONFLICT', `two rules of the Keystone mapping name different ${what}`, {
    hint: 'make the rules exclude each other with any_one_of and not_any_of',
  })
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** A local object with its positions filled in: lists where lists are wanted, one value everywhere else. */
function fill(item: JsonObject, positions: Positions): JsonObject {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      fillValue(value, positions, name === 'groups' || name === 'group_ids' ? 'list' : 'scalar'),
    ]),
  )
}

function fillValue(value: JsonValue, positions: Positions, place: Place): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => fillValue(item, positions, place))
  if (typeof value === 'object' && value !== null) return fill(value as JsonObject, positions)
  if (typeof value !== 'string') return value
  const parts = parseTemplate(value)
  if (place === 'list') {
    const names = parts.flatMap((part) => (typeof part === 'number' ? (positions[part] ?? []) : [part]))
    const odd = names.find((name) => !isPlainName(name))
    if (odd !== undefined) {
      throw new DeniedError('ERR_KEYSTONE_CHARACTER', `${JSON.stringify(odd)} is no name of a group`, {
        details: { value: odd },
      })
    }
    return names
  }
  return parts.map((part) => (typeof part === 'number' ? onlyValue(positions[part] ?? []) : part)).join('')
}

function onlyValue(values: readonly string[]): string {
  const [value, second] = values
  if (value === undefined || second !== undefined) {
    throw new DeniedError('ERR_KEYSTONE_VALUES', `an attribute has ${values.length} values where one is wanted`, {
      details: { values: String(values.length) },
    })
  }
  return value
}
