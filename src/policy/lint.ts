/**
 * What is in a policy and was hardly meant.
 *
 * @module policy/lint (floor 6)
 */
import { formatCondition } from './condition.js'
import type { MessageKind, Rule } from './vocabulary.js'
import type { Policy } from './policy.js'
import { waysOf } from './reach.js'

export interface PolicyFinding {
  /**
   * `role-unknown`: the registry has no such role. `role-unused`: no rule and no destination names it. `type-unsendable`:
   * nobody may send it. `destination-unused`: no rule leads there. `destination-deaf`: nobody receives there. `redundant`:
   * another rule allows, or denies, at least as much. `dead`: all that the rule allows is denied. `toothless`: a rule that
   * denies what nobody may do anyway.
   */
  readonly code:
    | 'role-unknown'
    | 'role-unused'
    | 'type-unsendable'
    | 'destination-unused'
    | 'destination-deaf'
    | 'redundant'
    | 'dead'
    | 'toothless'
  /** The rule, role, type or destination. */
  readonly what: string
  readonly message: string
  readonly hint: string
}

export interface LintOptions {
  /** The roles of the registry, if there is one to ask. */
  readonly registered?: readonly string[]
}

/** Look for what was hardly meant. What the policy decides is not changed by any of it. */
export function lintPolicy(policy: Policy, { registered }: LintOptions = {}): readonly PolicyFinding[] {
  return [...lintRoles(policy, registered), ...lintTypes(policy), ...lintDestinations(policy), ...lintRules(policy)]
}

function lintRoles({ document }: Policy, registered: readonly string[] | undefined): readonly PolicyFinding[] {
  const used = new Set(document.destinations.all.flatMap(({ receivers }) => receivers))
  for (const { condition } of document.rules) {
    for (const role of document.roles) if (formatCondition(condition).includes(`role ${role}`)) used.add(role)
  }
  return [...document.roles].flatMap((role): readonly PolicyFinding[] => {
    if (registered !== undefined && !registered.includes(role)) {
      return [
        finding(
          'role-unknown',
          role,
          `the role ${role} is not registered: nobody can have it`,
          `signet role add ${role}`,
        ),
      ]
    }
    return used.has(role)
      ? []
      : [finding('role-unused', role, `the role ${role} may send and receive nothing`, 'leave it out')]
  })
}

function lintTypes(policy: Policy): readonly PolicyFinding[] {
  const { roles, messages, destinations } = policy.document
  // Some conditions ask for several roles, some are denied to who has one of them: all at once, and each alone.
  const holders = [roles, ...[...roles].map((role) => new Set([role]))]
  const isSendable = (kind: MessageKind): boolean =>
    holders.some((held) => destinations.all.some((destination) => waysOf(policy, held, kind, destination).length > 0))
  return messages
    .filter((kind) => !isSendable(kind))
    .map(({ pattern: { text } }) =>
      finding('type-unsendable', text, `nobody may send ${text}`, 'add a rule, or leave the message out'),
    )
}

function lintDestinations({ document: { destinations, rules } }: Policy): readonly PolicyFinding[] {
  return destinations.all.flatMap(({ name, receivers }) => [
    ...(rules.some((rule) => rule.effect === 'allow' && rule.destinations.has(name))
      ? []
      : [finding('destination-unused', name, `no rule lets anybody send to ${name}`, 'add a rule, or leave it out')]),
    ...(receivers.length > 0
      ? []
      : [finding('destination-deaf', name, `nobody receives at ${name}`, 'name the roles that do: receivers')]),
  ])
}

function lintRules(policy: Policy): readonly PolicyFinding[] {
  const { rules, roles, messages, destinations } = policy.document
  const denials = rules.filter(({ effect }) => effect === 'deny')
  const grants = rules.filter(({ effect }) => effect === 'allow')
  return rules.flatMap((rule): readonly PolicyFinding[] => {
    const wider = rules.find((other) => other !== rule && isWithin(rule, other, rules))
    if (wider !== undefined) {
      return [
        finding(
          'redundant',
          rule.name,
          `the rule ${wider.name} ${rule.effect === 'allow' ? 'allows' : 'denies'} all that ${rule.name} does`,
          'leave it out',
        ),
      ]
    }
    if (rule.effect === 'deny') {
      const bites = grants.some((grant) => meet(rule, grant))
      return bites
        ? []
        : [finding('toothless', rule.name, `nobody may do what the rule ${rule.name} denies`, 'leave it out')]
    }
    if (!denials.some((denial) => meet(rule, denial))) return []
    const lives = messages.some(
      (kind) =>
        rule.types.some((type) => type.overlaps(kind.pattern)) &&
        destinations.all.some(
          (destination) =>
            rule.destinations.has(destination.name) &&
            [...roles].some((role) => waysOf(policy, new Set([role]), kind, destination).length > 0),
        ),
    )
    return lives
      ? []
      : [
          finding(
            'dead',
            rule.name,
            `all that the rule ${rule.name} allows is denied by others`,
            'leave one of them out',
          ),
        ]
  })
}

/** Whether two rules are about one message to one destination. */
function meet(a: Rule, b: Rule): boolean {
  return (
    a.types.some((type) => b.types.some((other) => other.overlaps(type))) &&
    [...a.destinations].some((name) => b.destinations.has(name))
  )
}

/** Whether a rule says nothing that another does not. Of two that say the same, the later one is the one too many. */
function isWithin(rule: Rule, other: Rule, rules: readonly Rule[]): boolean {
  if (rule.effect !== other.effect) return false
  const covers = (outer: Rule, inner: Rule): boolean =>
    inner.types.every((type) => outer.types.some((wide) => wide.includes(type))) &&
    outer.except.length === 0 &&
    [...inner.destinations].every((name) => outer.destinations.has(name)) &&
    impliesText(inner, outer)
  if (!covers(other, rule)) return false
  return !covers(rule, other) || rules.indexOf(other) < rules.indexOf(rule)
}

/** Whether the condition of `inner` is that of `outer`, with roles left out or checks added. */
function impliesText(inner: Rule, outer: Rule): boolean {
  const parts = ({ condition }: Rule): readonly string[] =>
    condition.kind === 'and' ? condition.of.map(formatCondition) : [formatCondition(condition)]
  const holders = (rule: Rule): readonly string[] => {
    const [first] = rule.condition.kind === 'and' ? rule.condition.of : [rule.condition]
    return first?.kind === 'or' ? first.of.map(formatCondition) : first === undefined ? [] : [formatCondition(first)]
  }
  const isEverybody = holders(outer).includes('always')
  return (
    (isEverybody || holders(inner).every((holder) => holders(outer).includes(holder))) &&
    parts(outer)
      .slice(1)
      .every((check) => parts(inner).includes(check))
  )
}

function finding(code: PolicyFinding['code'], what: string, message: string, hint: string): PolicyFinding {
  return { code, what, message, hint }
}
