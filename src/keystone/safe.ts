/**
 * Keystone's mapping documents without what is unsafe in them: what shows when a document is loaded. What passes here means
 * the same to Keystone.
 *
 * @module keystone/safe (floor 5.1)
 */
import { type ErrorCode, UsageError } from '../errors/index.js'
import {
  isEmptyDomain,
  type JsonObject,
  type JsonValue,
  type KeystoneMapping,
  type KeystoneRule,
  type Requirement,
} from './document.js'
import { isSafePattern } from './safe-pattern.js'
import { isPlainName, parseTemplate, templateFault } from './template.js'

type UnsafeCode = Extract<
  ErrorCode,
  | 'ERR_KEYSTONE_WHITELIST'
  | 'ERR_KEYSTONE_CONDITION'
  | 'ERR_KEYSTONE_PATTERN'
  | 'ERR_KEYSTONE_TEMPLATE'
  | 'ERR_KEYSTONE_ATTRIBUTE'
  | 'ERR_KEYSTONE_GROUPS'
  | 'ERR_KEYSTONE_DOMAIN'
  | 'ERR_KEYSTONE_USER'
>

/** One thing in a mapping that is not safe. */
export interface UnsafeFinding {
  readonly code: UnsafeCode
  /** Where: a JSON pointer. */
  readonly pointer: string
  readonly message: string
  readonly hint: string
}

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
 * @throws {@link UsageError} the first of {@link checkSafe}, by its code
 */
export function requireSafe(mapping: KeystoneMapping): StrictMapping {
  const [first] = checkSafe(mapping)
  if (first === undefined) return make(mapping)
  const { code, pointer, message, hint } = first
  throw new UsageError(code, `the Keystone mapping is not safe: ${pointer}: ${message}`, { details: { pointer }, hint })
}

/**
 * Everything in a mapping that is not safe, in the order of the document. Never throws.
 *
 * @returns `ERR_KEYSTONE_WHITELIST`: a white- or blacklist restricts nothing, the rule matches all the same;
 * `ERR_KEYSTONE_CONDITION`: a condition compares with nothing, or with what is no text; `ERR_KEYSTONE_PATTERN`: a pattern
 * is not anchored at both ends, or may take exponentially long; `ERR_KEYSTONE_TEMPLATE`: a text is more than characters
 * and positions, or names a position that there is not; `ERR_KEYSTONE_ATTRIBUTE`: an attribute is one that clients set;
 * `ERR_KEYSTONE_GROUPS`: `groups` or `group_ids` are not one list of values with a domain; `ERR_KEYSTONE_DOMAIN`: a user
 * would get the domain of another object; `ERR_KEYSTONE_USER`: no rule names a user
 */
export function checkSafe(mapping: KeystoneMapping): readonly UnsafeFinding[] {
  const found = mapping.rules.flatMap((rule, index) => checkRule(rule, `/rules/${index}`, mapping.version))
  if (mapping.rules.some(({ local }) => local.some(({ user }) => isNamed(user)))) return found
  return [...found, unsafe('ERR_KEYSTONE_USER', '/rules', 'no rule says who the user is', 'give user a name or an id')]
}

function checkRule(
  { local, remote }: KeystoneRule,
  pointer: string,
  version: KeystoneMapping['version'],
): readonly UnsafeFinding[] {
  const positions = remote.filter(({ condition }) => condition === undefined || isFilter(condition.kind)).length
  return [
    ...remote.flatMap((entry, index) => checkRequirement(entry, `${pointer}/remote/${index}`)),
    ...local.flatMap((item, index) => {
      const at = `${pointer}/local/${index}`
      return [...checkTemplates(item, at, positions), ...checkDomain(item, at, version)]
    }),
  ]
}

/** The engines of 2.0 and 3.0 take the domain of the last object of all, whosoever the user's was. */
function checkDomain(item: JsonObject, pointer: string, version: KeystoneMapping['version']): readonly UnsafeFinding[] {
  if (version === '1.0' || item['user'] === undefined) return []
  if (!isEmptyDomain((item['user'] as JsonObject)['domain'])) return []
  return [
    unsafe(
      'ERR_KEYSTONE_DOMAIN',
      pointer,
      'the user gets the domain of whichever object comes last',
      'put it into user',
    ),
  ]
}

function isFilter(kind: string): boolean {
  return kind === 'whitelist' || kind === 'blacklist'
}

function checkRequirement({ type, condition }: Requirement, pointer: string): readonly UnsafeFinding[] {
  const header = /^HTTP_/i.test(type)
    ? [unsafe('ERR_KEYSTONE_ATTRIBUTE', pointer, `${type} is a header, which the client sets`, 'map what was verified')]
    : []
  if (condition === undefined) return header
  const { kind, values, regex } = condition
  if (isFilter(kind)) {
    const hint = 'gate with any_one_of, and take the value with a plain entry'
    const message = `a ${kind} keeps nobody out: the rule matches without a value`
    return [...header, unsafe('ERR_KEYSTONE_WHITELIST', pointer, message, hint)]
  }
  if (values.length === 0 || values.some((value) => typeof value !== 'string' || value === '')) {
    const message = `${kind} compares with nothing, or with what is no text`
    return [...header, unsafe('ERR_KEYSTONE_CONDITION', pointer, message, 'name values')]
  }
  return regex ? [...header, ...checkPatterns(values as readonly string[], pointer)] : header
}

function checkPatterns(patterns: readonly string[], pointer: string): readonly UnsafeFinding[] {
  return patterns.flatMap((pattern) => {
    const fault = isSafePattern(pattern)
    if (fault === undefined) return []
    return [unsafe('ERR_KEYSTONE_PATTERN', pointer, `${JSON.stringify(pattern)} ${fault}`, 'write ^…\\Z')]
  })
}

function checkTemplates(item: JsonObject, pointer: string, positions: number): readonly UnsafeFinding[] {
  return Object.entries(item).flatMap(([name, value]) => {
    const at = `${pointer}/${name}`
    if (name === 'groups' || name === 'group_ids') return checkList(item, name, at, positions)
    if (name !== 'projects_json') return checkTexts(value, at, positions)
    const hint = 'write projects in the mapping'
    return [unsafe('ERR_KEYSTONE_TEMPLATE', at, 'projects come out of an attribute as JSON', hint)]
  })
}

function checkTexts(value: JsonValue, pointer: string, positions: number): readonly UnsafeFinding[] {
  if (typeof value === 'string') return checkText(value, pointer, positions)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => checkTexts(item, `${pointer}/${name}`, positions))
}

function checkText(text: string, pointer: string, positions: number): readonly UnsafeFinding[] {
  const fault = templateFault(text, positions)
  if (fault === undefined) return []
  const hint = 'name plain entries of remote, from {0}'
  return [unsafe('ERR_KEYSTONE_TEMPLATE', pointer, `${JSON.stringify(text)}: ${fault}`, hint)]
}

/** One position with all of its values, or one text: not what Python's literal parser makes of either. */
function checkList(
  item: JsonObject,
  name: 'groups' | 'group_ids',
  pointer: string,
  positions: number,
): readonly UnsafeFinding[] {
  const text = item[name] as string
  const faults = checkText(text, pointer, positions)
  if (faults.length > 0) return faults
  const parts = parseTemplate(text)
  const isOne = parts.length === 1 && (typeof parts[0] === 'number' || isPlainName(parts[0] ?? ''))
  return [
    ...(isOne
      ? []
      : [unsafe('ERR_KEYSTONE_GROUPS', pointer, `${name} is neither one position nor one name`, 'write "{0}"')]),
    ...(name === 'groups' && item['domain'] === undefined
      ? [unsafe('ERR_KEYSTONE_GROUPS', pointer, 'groups have no domain', 'name a domain beside them')]
      : []),
  ]
}

function isNamed(user: JsonValue | undefined): boolean {
  return typeof user === 'object' && user !== null && ('name' in user || 'id' in user)
}

function unsafe(code: UnsafeCode, pointer: string, message: string, hint: string): UnsafeFinding {
  return { code, pointer, message, hint }
}
