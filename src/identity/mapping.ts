/**
 * The native mapping: an ordered list of rules from what a validated certificate says to who that is.
 *
 * A rule states the key of the CA that issued the certificate, and at least one predicate on its names. All predicates
 * must hold. The first rule that matches decides; if none does, the certificate is nobody's.
 *
 * @module identity/mapping (floor 5)
 */
import { hash } from 'node:crypto'
import { isSignetError, UsageError } from '../errors/index.js'
import { requireKeys } from '../json/index.js'
import type { ValidatedPath } from '../path/index.js'
import { attributeType, parseFingerprint } from '../x509/index.js'
import { parseYaml } from '../yaml/index.js'
import { identityUri, isSegment } from './identity-uri.js'
import { type Captures, Pattern } from './pattern.js'

/** One predicate of a rule. */
export interface Predicate {
  /** As in the file: `issuerKey`, `uri`, `dns`, `subject.CN`. */
  readonly on: string
  readonly wanted: string
  /** The captures if it holds for a path. */
  readonly test: (path: ValidatedPath) => Captures | undefined
}

/** To whom a rule maps: the entity registered under the certificate's identity URI, or these parts. */
export type MappingResult =
  | { readonly kind: 'registered' }
  | {
      readonly kind: 'identity'
      readonly scope: string
      readonly service: string
      readonly node: string
      readonly roles: readonly string[]
    }

export interface MappingRule {
  readonly name: string
  readonly predicates: readonly Predicate[]
  readonly result: MappingResult
}

export interface Mapping {
  readonly trustDomain: string
  readonly rules: readonly MappingRule[]
}

const MAX_RULES = 10_000
const NO_CAPTURES: Captures = new Map()

/**
 * Parse a mapping file in YAML (or JSON, which is YAML).
 *
 * @throws {@link UsageError} `ERR_MAPPING_INVALID` naming the rule: unknown or duplicate keys, wrong types, no issuer key, no
 * predicate on a name, captures that are not made, no rules
 */
export function parseMapping(text: string): Mapping {
  try {
    const fields = requireKeys(parseYaml(text, 'it'), ['version', 'trustDomain', 'rules'], 'the mapping')
    if (fields['version'] !== 1) throw invalid('its version is not 1')
    const trustDomain = requireText(fields['trustDomain'], 'trustDomain')
    const rules = fields['rules']
    // An empty mapping would map nobody, which is safe but never meant.
    if (!Array.isArray(rules) || rules.length === 0) throw invalid('it has no rules')
    if (rules.length > MAX_RULES) throw invalid(`it has more than ${MAX_RULES} rules`)
    const parsed = rules.map((rule, index) => parseRule(rule, index, trustDomain))
    const names = new Set<string>()
    for (const { name } of parsed) {
      if (names.has(name)) throw invalid(`two rules are called ${JSON.stringify(name)}`)
      names.add(name)
    }
    return { trustDomain, rules: parsed }
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (!isSignetError(error)) throw error
    throw new UsageError('ERR_MAPPING_INVALID', `the mapping is not valid: ${error.message}`, {
      details: error.details,
      hint: 'see docs/mapping.md',
      cause: error,
    })
  }
}

/** The mapping that a new deployment starts with: certificates of its issuing CA are the entities of its registry. */
export function defaultMappingText(trustDomain: string, issuerKeyDigest: string): string {
  return `# Who is behind a certificate. Rules are tried in order; the first that matches decides; no match, no identity.
version: 1
trustDomain: ${trustDomain}
rules:
  - name: registered-entities
    when:
      # SHA-256 of the public key of the CA that issued the certificate: signet cert show
      issuerKey: ${issuerKeyDigest}
      uri: spiffe://${trustDomain}/{scope...}/{service}/{node}
    then:
      # The entity that is registered under this URI; its roles come from the registry.
      entity: registered
`
}

function parseRule(value: unknown, index: number, trustDomain: string): MappingRule {
  const rule = requireKeys(value, ['name', 'when', 'then'], `rule ${index + 1}`)
  const name = requireText(rule['name'], `the name of rule ${index + 1}`)
  const when = requireKeys(rule['when'], ['issuerKey', 'uri?', 'dns?', 'subject?'], `"when" of the rule ${name}`)
  const predicates = [issuerPredicate(when['issuerKey']), ...namePredicates(when)]
  if (predicates.length === 1) throw invalid(`the rule ${name} says nothing about a name`)
  const captures = predicates.flatMap((predicate) => [...predicate.captures])
  if (new Set(captures).size !== captures.length) throw invalid(`the rule ${name} captures a name twice`)
  return { name, predicates, result: parseResult(rule['then'], name, new Set(captures), trustDomain) }
}

/** A predicate, and the names that it captures when it holds. */
type NewPredicate = Predicate & { readonly captures: readonly string[] }

function issuerPredicate(value: unknown): NewPredicate {
  const digest = parseFingerprint(requireText(value, 'issuerKey'))
  return {
    on: 'issuerKey',
    wanted: digest,
    captures: [],
    test: (path) => (hash('sha256', path.issuer.spkiDer, 'hex') === digest ? NO_CAPTURES : undefined),
  }
}

function namePredicates(when: Record<string, unknown>): readonly NewPredicate[] {
  const predicates: NewPredicate[] = []
  if (when['uri'] !== undefined) {
    predicates.push(
      oneName('uri', new Pattern(requireText(when['uri'], 'uri'), '/'), (path) => namesOfKind(path, 'uri')),
    )
  }
  if (when['dns'] !== undefined) {
    predicates.push(
      anyName('dns', new Pattern(requireText(when['dns'], 'dns').toLowerCase(), '.'), (path) =>
        namesOfKind(path, 'dns').map((name) => name.toLowerCase()),
      ),
    )
  }
  if (when['subject'] !== undefined) {
    const subject = when['subject']
    if (typeof subject !== 'object' || subject === null || Array.isArray(subject))
      throw invalid('subject is not a list of attributes')
    for (const [shortName, value] of Object.entries(subject)) {
      const type = attributeType(shortName)
      if (type === undefined) throw invalid(`there is no subject attribute ${JSON.stringify(shortName)}`)
      const pattern = new Pattern(requireText(value, `subject.${shortName}`), '')
      predicates.push(oneName(`subject.${shortName}`, pattern, (path) => path.target.subject.texts(type)))
    }
  }
  return predicates
}

/** Exactly one value may be there: with two, which one is meant would be anybody's guess. */
function oneName(on: string, pattern: Pattern, values: (path: ValidatedPath) => readonly string[]): NewPredicate {
  const test = (path: ValidatedPath): Captures | undefined => {
    const [value, second] = values(path)
    return value === undefined || second !== undefined ? undefined : pattern.match(value)
  }
  return { on, wanted: pattern.text, captures: pattern.captureNames, test }
}

/** One of several values suffices where the pattern captures nothing; a capture again needs exactly one match. */
function anyName(on: string, pattern: Pattern, values: (path: ValidatedPath) => readonly string[]): NewPredicate {
  const test = (path: ValidatedPath): Captures | undefined => {
    const matches = values(path).flatMap((value) => pattern.match(value) ?? [])
    return matches.length === 1 || (matches.length > 1 && pattern.captureNames.length === 0) ? matches[0] : undefined
  }
  return { on, wanted: pattern.text, captures: pattern.captureNames, test }
}

function namesOfKind(path: ValidatedPath, kind: 'uri' | 'dns'): readonly string[] {
  return path.target.subjectAltName.flatMap((name) => (name.kind === kind ? [name.value] : []))
}

function parseResult(value: unknown, rule: string, captures: ReadonlySet<string>, trustDomain: string): MappingResult {
  const what = `"then" of the rule ${rule}`
  if (typeof value === 'object' && value !== null && 'entity' in value) {
    const { entity } = requireKeys(value, ['entity'], what)
    if (entity !== 'registered') throw invalid(`${what}: entity is "registered", or left out`)
    return { kind: 'registered' }
  }
  const fields = requireKeys(value, ['scope?', 'service', 'node', 'roles'], what)
  const part = (name: string): string => {
    const text = fields[name] === undefined ? '' : requireText(fields[name], `${what}: ${name}`)
    const capture = /^\{(scope|service|node)\}$/.exec(text)?.[1]
    if (capture !== undefined && !captures.has(capture)) throw invalid(`${what}: {${capture}} is not captured`)
    // `{scope...}` or a misspelt capture would otherwise stand for nothing: an identity of the whole deployment.
    if (capture === undefined && /[{}]/.test(text)) {
      throw invalid(`${what}: a capture is written {scope}, {service} or {node}: ${JSON.stringify(text)}`)
    }
    return text
  }
  const { roles } = fields
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string' && isSegment(role))) {
    throw invalid(`${what}: roles is a list of role names`)
  }
  const result = {
    kind: 'identity' as const,
    scope: part('scope'),
    service: part('service'),
    node: part('node'),
    roles: roles as string[],
  }
  // Whatever is literal must already make an identity.
  const sample = (text: string): string => (text.startsWith('{') ? 'x' : text)
  identityUri({ trustDomain, scope: sample(result.scope), service: sample(result.service), node: sample(result.node) })
  return result
}

function requireText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${what} is not a text`)
  return value
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_MAPPING_INVALID', `the mapping is not valid: ${message}`, { hint: 'see docs/mapping.md' })
}
