/**
 * What is in a policy and was hardly meant.
 *
 * @module policy/lint (floor 6)
 */
import { formatCondition, rolesIn } from './condition.js'
import type { Rule } from './vocabulary.js'
import type { Policy } from './policy.js'
import { kindsMatching } from './message-kind.js'
import { piecesIn, waysBy, waysOf } from './reach.js'

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
  const known = registered === undefined ? undefined : new Set(registered)
  const used = new Set([
    ...document.destinations.all.flatMap(({ receivers }) => receivers),
    ...document.rules.flatMap(({ condition }) => rolesIn(condition)),
  ])
  return [...document.roles].flatMap((role): readonly PolicyFinding[] => {
    if (known?.has(role) === false) {
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
  // Each role alone, because another role may be one that is denied it; and all, where a rule asks for several.
  const senders = [...[...roles].map((role) => new Set([role])), roles]
  return messages
    .filter((kind) =>
      destinations.all.every((place) => senders.every((sender) => waysOf(policy, sender, kind, place).length === 0)),
    )
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
  const { rules } = policy.document
  const neighbours = neighboursIn(rules)
  const order = new Map(rules.map((rule, index) => [rule, index]))
  return rules.flatMap((rule): readonly PolicyFinding[] => {
    const near = neighbours(rule)
    const wider = near.find(
      (other) => other !== rule && isWithin(rule, other, (order.get(other) ?? 0) < (order.get(rule) ?? 0)),
    )
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
    const against = near.some((other) => other.effect !== rule.effect && meet(rule, other))
    if (rule.effect === 'deny') {
      return against
        ? []
        : [finding('toothless', rule.name, `nobody may do what the rule ${rule.name} denies`, 'leave it out')]
    }
    return !against || lives(policy, rule)
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

/** For each rule, the others that may be about one of its types: in a policy of many rules, few are. */
function neighboursIn(rules: readonly Rule[]): (rule: Rule) => readonly Rule[] {
  const isOpen = ({ types }: Rule): boolean => types.some(({ isExact }) => !isExact)
  const open = rules.filter(isOpen)
  const exact = new Map<string, Rule[]>()
  for (const rule of rules.filter((item) => !isOpen(item))) {
    for (const { text } of rule.types) {
      const same = exact.get(text)
      if (same === undefined) exact.set(text, [rule])
      else same.push(rule)
    }
  }
  return (rule) => (isOpen(rule) ? rules : [...rule.types.flatMap(({ text }) => exact.get(text) ?? []), ...open])
}

/** Whether somebody may do something by this rule that no other denies. */
function lives(policy: Policy, rule: Rule): boolean {
  const { roles, messages, destinations } = policy.document
  const senders = [...[...roles].map((role) => new Set([role])), roles]
  const pieces = rule.types
    .flatMap((type) => kindsMatching(messages, type))
    .flatMap(({ pattern }) => piecesIn(pattern, policy))
  return destinations.all
    .filter(({ name }) => rule.destinations.has(name))
    .some((place) =>
      pieces.some((piece) => {
        const about = policy.rulesFor(piece.text, place)
        const these = about.filter((other) => other === rule || other.effect === 'deny')
        return these.includes(rule) && senders.some((sender) => waysBy(these, sender, place).length > 0)
      }),
    )
}

/** Whether two rules are about one message to one destination. */
function meet(a: Rule, b: Rule): boolean {
  return (
    a.types.some((type) => b.types.some((other) => other.overlaps(type))) &&
    [...a.destinations].some((name) => b.destinations.has(name))
  )
}

/** Whether a rule says nothing that another does not. Of two that say the same, the later one is the one too many. */
function isWithin(rule: Rule, other: Rule, isLater: boolean): boolean {
  if (rule.effect !== other.effect) return false
  const covers = (outer: Rule, inner: Rule): boolean =>
    inner.types.every((type) => outer.types.some((wide) => wide.includes(type))) &&
    outer.except.length === 0 &&
    [...inner.destinations].every((name) => outer.destinations.has(name)) &&
    impliesText(inner, outer)
  if (!covers(other, rule)) return false
  return isLater || !covers(rule, other)
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
