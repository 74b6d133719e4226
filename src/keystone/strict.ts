/**
 * Keystone's mapping documents without what is unsafe in them: refused when the document is loaded where that shows, and
 * when an assertion arrives otherwise. What passes here means the same to Keystone.
 *
 * @module keystone/strict (floor 5)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import { Patterns, positionsOf, type Positions } from './conditions.js'
import type { JsonObject, JsonValue, KeystoneMapping, KeystoneRule, Requirement } from './document.js'
import type { KeystoneIdentity } from './process.js'
import { type Field, splitFormat } from './python-format.js'
import { isSafePattern } from './safe-pattern.js'
import { PythonError } from './python-value.js'

/** Attributes as they were verified: several values are a list, and no text is ever split. */
export type StrictAttributes = Readonly<Record<string, string | readonly string[]>>

/** Where a text of a mapping stands: one value is wanted there, or a list of values. */
type Place = 'scalar' | 'list'

let make: (mapping: KeystoneMapping) => StrictMapping

/** A mapping that was found safe. Only {@link requireSafe} makes one. */
export class StrictMapping {
  static {
    make = (mapping) => new StrictMapping(mapping)
  }
  readonly mapping: KeystoneMapping

  private constructor(mapping: KeystoneMapping) {
    this.mapping = mapping
  }
}

/**
 * Hold a mapping to what is safe.
 *
 * @throws {@link UsageError} `ERR_KEYSTONE_WHITELIST`: a white- or blacklist restricts nothing, the rule matches all the
 * same; `ERR_KEYSTONE_CONDITION`: a condition compares with nothing, or with what is no text; `ERR_KEYSTONE_PATTERN`: a
 * pattern is not anchored at both ends, or may take exponentially long; `ERR_KEYSTONE_TEMPLATE`: a text is more than
 * characters and positions, or names a position that there is not; `ERR_KEYSTONE_ATTRIBUTE`: an attribute is one that
 * clients set; `ERR_KEYSTONE_GROUPS`: `groups` or `group_ids` are not one list of values with a domain;
 * `ERR_KEYSTONE_DOMAIN`: a user would get the domain of another object; `ERR_KEYSTONE_USER`: no rule names a user
 */
export function requireSafe(mapping: KeystoneMapping): StrictMapping {
  mapping.rules.forEach((rule, index) => checkRule(rule, `/rules/${index}`, mapping.version))
  if (!mapping.rules.some(({ local }) => local.some(({ user }) => isNamed(user)))) {
    throw unsafe('ERR_KEYSTONE_USER', '/rules', 'no rule says who the user is', 'give user a name or an id')
  }
  return make(mapping)
}

function checkRule({ local, remote }: KeystoneRule, pointer: string, version: KeystoneMapping['version']): void {
  remote.forEach((entry, index) => checkRequirement(entry, `${pointer}/remote/${index}`))
  const positions = remote.filter(({ condition }) => condition === undefined).length
  local.forEach((item, index) => {
    const at = `${pointer}/local/${index}`
    checkTemplates(item, at, positions)
    if (version === '1.0' || item['user'] === undefined) return
    // The engines of 2.0 and 3.0 take the domain of the last object of all, whosoever the user's was.
    if ((item['user'] as JsonObject)['domain'] === undefined) {
      throw unsafe(
        'ERR_KEYSTONE_DOMAIN',
        at,
        'the user gets the domain of whichever object comes last',
        'put it into user',
      )
    }
  })
}

function checkRequirement({ type, condition }: Requirement, pointer: string): void {
  if (/^HTTP_/i.test(type)) {
    throw unsafe(
      'ERR_KEYSTONE_ATTRIBUTE',
      pointer,
      `${type} is a header, which the client sets`,
      'map what was verified',
    )
  }
  if (condition === undefined) return
  const { kind, values, regex } = condition
  if (kind === 'whitelist' || kind === 'blacklist') {
    const hint = 'gate with any_one_of, and take the value with a plain entry'
    throw unsafe(
      'ERR_KEYSTONE_WHITELIST',
      pointer,
      `a ${kind} keeps nobody out: the rule matches without a value`,
      hint,
    )
  }
  if (values.length === 0 || values.some((value) => typeof value !== 'string' || value === '')) {
    throw unsafe(
      'ERR_KEYSTONE_CONDITION',
      pointer,
      `${kind} compares with nothing, or with what is no text`,
      'name values',
    )
  }
  if (!regex) return
  for (const pattern of values as readonly string[]) {
    const fault = isSafePattern(pattern)
    if (fault !== undefined)
      throw unsafe('ERR_KEYSTONE_PATTERN', pointer, `${JSON.stringify(pattern)} ${fault}`, 'write ^…\\Z')
  }
}

function checkTemplates(item: JsonObject, pointer: string, positions: number): void {
  for (const [name, value] of Object.entries(item)) {
    const at = `${pointer}/${name}`
    if (name === 'groups' || name === 'group_ids') checkList(item, name, at, positions)
    else if (name === 'projects_json') {
      throw unsafe(
        'ERR_KEYSTONE_TEMPLATE',
        at,
        'projects come out of an attribute as JSON',
        'write projects in the mapping',
      )
    } else checkTexts(value, at, positions)
  }
}

function checkTexts(value: JsonValue, pointer: string, positions: number): void {
  if (typeof value === 'string') parseTemplate(value, pointer, positions)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) checkTexts(item, `${pointer}/${name}`, positions)
  }
}

/** One position with all of its values, or one text: not what Python's literal parser makes of either. */
function checkList(item: JsonObject, name: 'groups' | 'group_ids', pointer: string, positions: number): void {
  const parts = parseTemplate(item[name] as string, pointer, positions)
  const isOne = parts.length === 1 && (typeof parts[0] === 'number' || isPlainName(parts[0] ?? ''))
  if (!isOne)
    throw unsafe('ERR_KEYSTONE_GROUPS', pointer, `${name} is neither one position nor one name`, 'write "{0}"')
  if (name === 'groups' && item['domain'] === undefined) {
    throw unsafe('ERR_KEYSTONE_GROUPS', pointer, 'groups have no domain', 'name a domain beside them')
  }
}

/** A text as characters and positions. */
function parseTemplate(text: string, pointer: string, positions: number): readonly (string | number)[] {
  let parts: readonly (string | Field)[]
  try {
    parts = splitFormat(text)
  } catch (error) {
    if (error instanceof PythonError) throw template(pointer, text, error.message)
    throw error
  }
  return parts.map((part) => {
    if (typeof part === 'string') return part
    const { name, accessors, conversion, spec } = part
    if (!/^(0|[1-9][0-9]*)$/.test(name) || accessors.length > 0 || conversion !== undefined || spec !== '') {
      throw template(pointer, text, 'it has more than {0}, {1} …')
    }
    if (Number(name) >= positions) throw template(pointer, text, `the rule has ${positions} positions`)
    return Number(name)
  })
}

function template(pointer: string, text: string, why: string): UsageError {
  return unsafe(
    'ERR_KEYSTONE_TEMPLATE',
    pointer,
    `${JSON.stringify(text)}: ${why}`,
    'name plain entries of remote, from {0}',
  )
}

function isNamed(user: JsonValue | undefined): boolean {
  return typeof user === 'object' && user !== null && ('name' in user || 'id' in user)
}

function unsafe(
  code: ConstructorParameters<typeof UsageError>[0],
  pointer: string,
  message: string,
  hint: string,
): UsageError {
  return new UsageError(code, `the Keystone mapping is not safe: ${pointer}: ${message}`, {
    details: { pointer },
    hint,
  })
}

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

/** A name that no parser takes for something else. */
function isPlainName(text: string): boolean {
  return text !== '' && !/[;[\]{}'"]/.test(text) && !text.startsWith('JSON:')
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
    const own = this.#version !== '1.0' && domain !== undefined ? { domain } : {}
    const whole = projects.map((project) => ({ ...own, ...project }))
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
  const parts = parseTemplate(value, '', positions.length)
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
