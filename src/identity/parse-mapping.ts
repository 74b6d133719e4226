/**
 * From a mapping file to a {@link Mapping}.
 *
 * @module identity/parse-mapping (floor 5)
 */
import { isSignetError, LimitError, UsageError } from '../errors/index.js'
import { type JsonValue, parseStrictJson, requireKeys } from '../json/index.js'
import { parseYaml } from '../yaml/index.js'
import { identityUri, isSegment } from './identity-uri.js'
import { Mapping, type MappingResult, type MappingRule } from './mapping.js'
import { FORMS, MAX_NAME, MAX_ROLES } from './name-syntax.js'
import { invalidRule, isLonger, parsePredicates, requireText } from './parse-predicates.js'
import { CAPTURE_NAMES, type CaptureName } from './pattern.js'
import { patternsOf, type Predicate } from './predicate.js'

export const MAX_RULES = 250_000
/** Longest mapping in JSON, in characters. One in YAML is shorter: see {@link parseYaml}. */
export const MAX_JSON_CHARACTERS = 64 * 1024 * 1024

/**
 * Parse a mapping file: strict YAML for people, or, where it begins with `{`, strict JSON for machines.
 *
 * Whether the rules make sense together is asked by {@link lintMapping}.
 *
 * @throws {@link UsageError} `ERR_MAPPING_INVALID` naming the rule: unknown or duplicate keys, wrong types, no issuer key, no
 * predicate on a name, captures that are not made, no rules
 */
export function parseMapping(text: string): Mapping {
  try {
    const fields = requireKeys(readText(text), ['version', 'trustDomain', 'rules'], 'it')
    if (fields['version'] !== 1) throw invalid('its version is not 1')
    const { trustDomain, rules } = fields
    if (typeof trustDomain !== 'string') throw invalid('its trustDomain is not a text')
    identityUri({ trustDomain, scope: '', service: 'x', node: 'x' })
    // An empty mapping would map nobody, which is safe but never meant.
    if (!Array.isArray(rules) || rules.length === 0) throw invalid('it has no rules')
    if (rules.length > MAX_RULES) throw invalid(`it has more than ${MAX_RULES} rules`)
    const parsed = rules.map((rule, index) => parseRule(rule, index))
    const names = new Set<string>()
    for (const { name } of parsed) {
      if (names.has(name)) throw invalid(`two rules are called ${JSON.stringify(name)}`)
      names.add(name)
    }
    return new Mapping(trustDomain, parsed)
  } catch (error) {
    if (!isSignetError(error)) throw error
    throw new UsageError('ERR_MAPPING_INVALID', `the mapping is not valid: ${error.message}`, {
      details: error.details,
      hint: 'see docs/mapping.md, and signet identity schema',
      cause: error,
    })
  }
}

function readText(text: string): JsonValue {
  if (!/^\s*\{/.test(text)) return parseYaml(text, 'it')
  if (text.length > MAX_JSON_CHARACTERS) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `it has more than ${MAX_JSON_CHARACTERS} characters`)
  }
  return parseStrictJson(text)
}

function parseRule(value: unknown, index: number): MappingRule {
  const fallback = String(index + 1)
  const rule = requireKeys(value, ['name', 'when', 'then'], `rule ${fallback}`)
  const name = requireText(rule['name'], 'its name', fallback)
  if (isLonger(name, MAX_NAME)) throw invalidRule(fallback, `its name has more than ${MAX_NAME} characters`)
  const predicates = parsePredicates(rule['when'], name)
  return { name, predicates, result: parseResult(rule['then'], name, capturesOf(predicates)) }
}

/** What is captured, and whether it may be several components. */
function capturesOf(predicates: readonly Predicate[]): ReadonlyMap<CaptureName, boolean> {
  const parts = predicates.flatMap((predicate) => patternsOf(predicate).flatMap((pattern) => pattern.parts))
  return new Map(parts.flatMap((part) => ('capture' in part ? [[part.capture, part.rest] as const] : [])))
}

function parseResult(value: unknown, rule: string, captures: ReadonlyMap<CaptureName, boolean>): MappingResult {
  const what = `"then" of the rule ${rule}`
  const part = (name: string, text: unknown, form: string): string => {
    const wanted = requireText(text, `then: ${name}`, rule, form)
    const capture = CAPTURE_NAMES.find((candidate) => wanted === `{${candidate}}`)
    const isRest = capture === undefined ? false : captures.get(capture)
    if (isRest === undefined) throw invalidRule(rule, `then: ${wanted} is not captured`)
    if (isRest && name !== 'scope') throw invalidRule(rule, `then: {scope...} is a scope, not a ${name}`)
    return wanted
  }
  if (typeof value === 'object' && value !== null && 'entity' in value) {
    const { entity } = requireKeys(value, ['entity'], what)
    const id = part('entity', entity, FORMS.part)
    return id === 'registered' ? { kind: 'registered' } : { kind: 'entity', id }
  }
  const fields = requireKeys(value, ['scope?', 'service', 'node', 'roles', 'groups?'], what)
  return {
    kind: 'identity',
    scope: fields['scope'] === undefined ? '' : part('scope', fields['scope'], FORMS.scope),
    service: part('service', fields['service'], FORMS.part),
    node: part('node', fields['node'], FORMS.part),
    roles: segments(fields['roles'], 'roles', rule),
    groups: fields['groups'] === undefined ? [] : segments(fields['groups'], 'groups', rule),
  }
}

function segments(value: unknown, what: string, rule: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((item): item is string => typeof item === 'string' && isSegment(item))) {
    throw invalidRule(rule, `then: ${what} is a list of names`)
  }
  if (value.length > MAX_ROLES) throw invalidRule(rule, `then: ${what} has more than ${MAX_ROLES} entries`)
  return value
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_MAPPING_INVALID', message)
}
