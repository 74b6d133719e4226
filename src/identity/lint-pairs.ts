/**
 * Rules that stand in each other's way.
 *
 * @module identity/lint-pairs (floor 5)
 */
import type { LintFinding } from './lint-finding.js'
import {
  append,
  type ExactKey,
  exactKeys,
  issuersOf,
  type MappingResult,
  type MappingRule,
  rarestKeys,
} from './mapping.js'
import { commonCertificate, conditionsInclude } from './rule-sets.js'

/** Overlaps told, at most. */
export const MAX_OVERLAPS = 1000
/** Pairs of rules compared, at most. Rules on exact names of one kind need no pairs. */
export const MAX_COMPARISONS = 5_000_000

/** Earlier rules with one issuer. */
interface Earlier {
  /** Of those that want an exact name, by that. */
  readonly exact: Map<string, number[]>
  /** The same by the space of that name, with the results that they have. */
  readonly spaces: Map<string, { readonly rules: number[]; readonly results: Set<string> }>
  readonly others: number[]
}

/**
 * Compare rules with those before them.
 *
 * @see lintMapping
 */
export function lintPairs(rules: readonly MappingRule[]): readonly LintFinding[] {
  const byIssuer = new Map<string, Earlier>()
  const keys = rarestKeys(rules)
  const findings: LintFinding[] = []
  const spent = { comparisons: 0, overlaps: 0 }
  for (const [index, rule] of rules.entries()) {
    const digests = [...issuersOf(rule.predicates)]
    const earlier = digests.map((digest) => byIssuer.get(digest) ?? emptyEarlier())
    const shadows = earlier.map((known) => shadowOf(rule, known, rules, spent))
    if (shadows.every((shadow) => shadow !== undefined)) findings.push(shadowed(rule, shadows))
    else findings.push(...overlapsOf(rule, earlier, rules, spent))
    if (spent.comparisons > MAX_COMPARISONS || spent.overlaps >= MAX_OVERLAPS) return [...findings, UNFINISHED]
    for (const [place, known] of earlier.entries()) {
      byIssuer.set(digests[place] ?? '', known)
      remember(known, index, keys[index], rule.result)
    }
  }
  return findings
}

/** What a run has cost so far. */
interface Spent {
  comparisons: number
  overlaps: number
}

/** The first earlier rule of one issuer that matches whatever this one does. */
function shadowOf(
  rule: MappingRule,
  { exact, others }: Earlier,
  rules: readonly MappingRule[],
  spent: Spent,
): MappingRule | undefined {
  const candidates = [...others, ...exactKeys(rule.predicates).flatMap(({ key }) => exact.get(key) ?? [])]
  spent.comparisons += candidates.length
  const found = candidates
    .filter((candidate) => conditionsInclude(rules[candidate]?.predicates ?? [], rule.predicates))
    .reduce((least, candidate) => Math.min(least, candidate), Infinity)
  return rules[found]
}

function overlapsOf(
  rule: MappingRule,
  earlier: readonly Earlier[],
  rules: readonly MappingRule[],
  spent: Spent,
): readonly LintFinding[] {
  const findings: LintFinding[] = []
  const candidates = new Set<number>()
  for (const known of earlier) {
    for (const candidate of overlapCandidates(rule, known)) {
      if (++spent.comparisons > MAX_COMPARISONS) return findings
      candidates.add(candidate)
    }
  }
  for (const candidate of [...candidates].sort((a, b) => a - b)) {
    const other = rules[candidate]
    const example = other === undefined ? undefined : overlapOf(rule, other)
    if (other === undefined || example === undefined) continue
    findings.push(overlap(rule, other, example))
    if (++spent.overlaps >= MAX_OVERLAPS) return findings
  }
  return findings
}

const UNFINISHED: LintFinding = {
  code: 'unfinished',
  message: `there are more than ${MAX_OVERLAPS} overlaps, or ${MAX_COMPARISONS} pairs of rules: not all were looked at`,
  hint: 'let rules ask for exact names, or for one kind of name',
}

function emptyEarlier(): Earlier {
  return { exact: new Map(), spaces: new Map(), others: [] }
}

function remember(known: Earlier, index: number, exact: ExactKey | undefined, result: MappingResult): void {
  if (exact === undefined) {
    known.others.push(index)
    return
  }
  append(known.exact, exact.key, index)
  const space = known.spaces.get(exact.space) ?? { rules: [], results: new Set<string>() }
  space.rules.push(index)
  space.results.add(resultKey(result) ?? `rule ${index}`)
  known.spaces.set(exact.space, space)
}

/** Earlier rules that one certificate may match together with this one. */
function* overlapCandidates(rule: MappingRule, { exact, spaces, others }: Earlier): Iterable<number> {
  yield* others
  const keys = exactKeys(rule.predicates)
  for (const [space, { rules, results }] of spaces) {
    const result = resultKey(rule.result)
    if (results.size === 1 && result !== undefined && results.has(result)) continue
    // A whole subject may have several attributes of one type, and captures among them.
    const [only, more] = keys.filter((key) => key.space === space)
    const isSure = only !== undefined && more === undefined && !hasWholeSubject(rule, space)
    yield* isSure ? (exact.get(only.key) ?? []) : rules
  }
}

function hasWholeSubject({ predicates }: MappingRule, type: string): boolean {
  return predicates.some(
    (predicate) => predicate.kind === 'subject' && predicate.rdns.filter((rdn) => rdn.has(type)).length > 1,
  )
}

/** A certificate on which two rules differ, unless the earlier is a special case of the later. */
function overlapOf(rule: MappingRule, earlier: MappingRule): string | undefined {
  const result = resultKey(rule.result)
  if (result !== undefined && result === resultKey(earlier.result)) return undefined
  const example = commonCertificate(earlier.predicates, rule.predicates)
  if (example === undefined) return undefined
  return conditionsInclude(rule.predicates, earlier.predicates, 'one-name-of-a-kind') ? undefined : example
}

/** Two rules with one key give one identity; `undefined` where that depends on what is captured. */
function resultKey(result: MappingResult): string | undefined {
  if (result.kind === 'registered') return 'registered'
  if (result.kind === 'entity') return result.id.startsWith('{') ? undefined : `entity ${result.id}`
  const { scope, service, node, roles, groups } = result
  if ([scope, service, node].some((part) => part.startsWith('{'))) return undefined
  return JSON.stringify([scope, service, node, [...new Set(roles)].sort(), [...new Set(groups)].sort()])
}

function shadowed({ name }: MappingRule, shadows: readonly MappingRule[]): LintFinding {
  const others = [...new Set(shadows)].map((rule) => rule.name)
  return {
    code: 'shadowed',
    rule: name,
    other: others.join(', '),
    message: `${name} never decides: ${others.join(', ')} before it ${others.length > 1 ? 'match' : 'matches'} whatever it does`,
    hint: 'remove it, or move it up',
  }
}

function overlap({ name }: MappingRule, { name: other }: MappingRule, example: string): LintFinding {
  return {
    code: 'overlap',
    rule: name,
    other,
    message: `${other} and ${name} both match, and only their order decides: ${example}`,
    hint: 'let one of them ask for more',
  }
}
