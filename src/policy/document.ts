/**
 * A policy as it is written: which messages and destinations there are, and who may send what where.
 *
 * ```yaml
 * version: 1
 * roles: [compute, conductor]
 * messages:                                    # every type, and the fields of its content that rules may name
 *   rpc.scheduler.update_instance_info: [args.host_name, args.instance_info]
 *   notify.instance.*: [publisher_id, payload]
 * destinations:                                # and who receives there
 *   scheduler: { receivers: [scheduler] }
 *   compute.{node}: { receivers: [compute] }
 * rules:
 *   - name: compute-reports-itself
 *     allow: [compute]
 *     send: [rpc.scheduler.update_instance_info]
 *     to: [scheduler]
 *     bind: [args.host_name == node]
 * ```
 *
 * @module policy/document (floor 6)
 */
import { isScopePath, isSegment } from '../identity/index.js'
import { formatJsonPath, parseJsonPath, requireKeys } from '../json/index.js'
import { parseYamlOrJson } from '../yaml/index.js'
import { parseBinding } from './binding.js'
import type { Condition, Place } from './condition.js'
import { type Destination, Destinations, parseDestination } from './destination.js'
import type { MessageKind } from './message-kind.js'
import { TypePattern } from './message-type.js'
import { compileOslo } from './oslo.js'
import { explained, invalid, kindsOf, requireField, type Rule, type Vocabulary } from './vocabulary.js'

export interface PolicyDocument extends Vocabulary {
  readonly rules: readonly Rule[]
}

const MAX_RULES = 100_000

/**
 * Parse a policy.
 *
 * @throws {@link UsageError} `ERR_POLICY_INVALID`: unknown keys, roles, types, fields or destinations, two rules of one
 * name, no rules
 */
export function parsePolicyDocument(text: string): PolicyDocument {
  return explained(() => {
    const fields = requireKeys(
      parseYamlOrJson(text, 'the policy'),
      ['version', 'roles', 'messages', 'destinations', 'rules?', 'oslo?'],
      'the policy',
    )
    if (fields['version'] !== 1) throw invalid('its version is not 1')
    const roles = new Set(names(fields['roles'], 'roles'))
    if (roles.size === 0) throw invalid('it has no roles')
    const destinations = parseDestinations(fields['destinations'], roles)
    const vocabulary = { roles, messages: parseMessages(fields['messages']), destinations }
    const { rules = [], oslo } = fields
    if (!Array.isArray(rules)) throw invalid('rules are not a list')
    if (rules.length > MAX_RULES) throw invalid(`it has more than ${MAX_RULES} rules`)
    const parsed = [
      ...rules.map((rule, index) => parseRule(rule, index, vocabulary)),
      ...(oslo === undefined ? [] : compileOslo(requireMap(oslo, 'oslo'), vocabulary)),
    ]
    // A policy without rules refuses everything, which is safe, and never meant.
    if (parsed.length === 0) throw invalid('it has no rules')
    requireDistinct(
      parsed.map(({ name }) => name),
      'rules',
    )
    return { ...vocabulary, rules: parsed }
  })
}

/** Read the message types and their fields. */
export function parseMessages(value: unknown): readonly MessageKind[] {
  return Object.entries(requireMap(value, 'messages')).map(([type, fields]) => ({
    pattern: new TypePattern(type),
    fields: texts(fields ?? [], `the fields of ${type}`).map((field) => formatJsonPath(parseJsonPath(field))),
  }))
}

/** Read the destinations. */
export function parseDestinations(value: unknown, roles: ReadonlySet<string>): Destinations {
  const all = Object.entries(requireMap(value, 'destinations')).map(([name, entry]): Destination => {
    const { receivers = [], scope } = requireKeys(entry ?? {}, ['receivers?', 'scope?'], `the destination ${name}`)
    if (scope !== undefined && (typeof scope !== 'string' || !isScopePath(scope))) {
      throw invalid(`the scope of the destination ${name} is not the path of a scope`)
    }
    const receiving = names(receivers, `the receivers of ${name}`)
    const unknown = receiving.find((role) => !roles.has(role))
    if (unknown !== undefined) throw invalid(`the destination ${name} names an unknown role ${unknown}`)
    return parseDestination(name, receiving, scope)
  })
  return new Destinations(all)
}

function parseRule(value: unknown, index: number, vocabulary: Vocabulary): Rule {
  const at = `rule ${index + 1}`
  const rule = requireKeys(value, ['name', 'allow?', 'deny?', 'send', 'to', 'at?', 'bind?'], at)
  const { name, allow, deny, send, to } = rule
  if (typeof name !== 'string' || !isSegment(name)) throw invalid(`${at} has no name of letters, digits and dashes`)
  if ((allow === undefined) === (deny === undefined)) throw invalid(`the rule ${name} says either allow or deny`)
  const types = list(send, `the rule ${name}: send`).map((pattern) => new TypePattern(pattern))
  const concerned = kindsOf(types, vocabulary, name)
  const destinations = parseTo(to, vocabulary, name)
  const place = parsePlace(rule['at'], name)
  if (place.kind === 'destination') requireScopes(destinations, name)
  const bindings = rule['bind'] === undefined ? [] : list(rule['bind'], `the rule ${name}: bind`).map(parseBinding)
  for (const binding of bindings) requireField(binding.field, concerned, name)
  // A rule that denies only if a field says so could be passed by leaving the field out.
  if (deny !== undefined && bindings.length > 0) throw invalid(`the rule ${name} denies, and has bindings`)
  return {
    name,
    effect: allow === undefined ? 'deny' : 'allow',
    types,
    except: [],
    destinations: to === '*' ? vocabulary.destinations.names : new Set(destinations.map((item) => item.name)),
    condition: {
      kind: 'and',
      of: [
        parseHolders(allow ?? deny, place, vocabulary, name, deny !== undefined),
        ...bindings.map((binding): Condition => ({ kind: 'binding', ...binding })),
      ],
    },
  }
}

function parseTo(value: unknown, { destinations }: Vocabulary, rule: string): readonly Destination[] {
  if (value === '*') return destinations.all
  return list(value, `the rule ${rule}: to`).map((name) => {
    const found = destinations.named(name)
    if (found === undefined) throw invalid(`the rule ${rule} names an unknown destination ${JSON.stringify(name)}`)
    return found
  })
}

function parsePlace(value: unknown, rule: string): Place {
  if (value === undefined || value === 'home') return { kind: 'home' }
  if (value === 'destination') return { kind: 'destination' }
  const { scope } = requireKeys(value, ['scope'], `the rule ${rule}: at`)
  if (typeof scope !== 'string' || !isScopePath(scope)) throw invalid(`the rule ${rule}: at names no scope`)
  return { kind: 'scope', path: scope }
}

/** Where a destination has no scope of its own, the receiver's says where a message takes effect. */
function requireScopes(destinations: readonly Destination[], rule: string): void {
  const lost = destinations.find(({ scope, receivers }) => scope === undefined && receivers.length === 0)
  if (lost === undefined) return
  throw invalid(`the rule ${rule} asks for a role at ${lost.name}, which has neither a scope nor receivers`)
}

function parseHolders(value: unknown, at: Place, { roles }: Vocabulary, rule: string, isDeny: boolean): Condition {
  // Everybody may be denied something; what everybody may do is better said role by role.
  if (value === '*' && isDeny) {
    if (at.kind !== 'home') throw invalid(`the rule ${rule} denies it to everybody: at says nothing`)
    return { kind: 'constant', holds: true }
  }
  const wanted = names(value, `the rule ${rule}: ${isDeny ? 'deny' : 'allow'}`)
  if (wanted.length === 0) throw invalid(`the rule ${rule} names no role`)
  const unknown = wanted.find((role) => !roles.has(role))
  if (unknown !== undefined) throw invalid(`the rule ${rule} names an unknown role ${unknown}`)
  return { kind: 'or', of: wanted.map((role): Condition => ({ kind: 'role', role, at })) }
}

function requireDistinct(items: readonly string[], what: string): void {
  const seen = new Set<string>()
  for (const item of items) {
    if (seen.has(item)) throw invalid(`two ${what} are called ${JSON.stringify(item)}`)
    seen.add(item)
  }
}

function requireMap(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return value as Readonly<Record<string, unknown>>
  }
  throw invalid(`${what} is not a map with something in it`)
}

/** A text, or a list of texts: at least one. */
function list(value: unknown, what: string): readonly string[] {
  const items = typeof value === 'string' ? [value] : texts(value, what)
  if (items.length === 0) throw invalid(`${what} is empty`)
  return items
}

function texts(value: unknown, what: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw invalid(`${what} is not a list of texts`)
}

function names(value: unknown, what: string): readonly string[] {
  const items = typeof value === 'string' ? [value] : texts(value, what)
  const wrong = items.find((item) => !isSegment(item))
  if (wrong !== undefined) throw invalid(`${what}: not the name of a role: ${JSON.stringify(wrong)}`)
  return items
}
