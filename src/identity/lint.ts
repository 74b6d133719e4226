/**
 * What a mapping says that its writer can hardly mean. A finding is advice: the mapping means what it says, finding or not.
 *
 * @module identity/lint (floor 5)
 */
import { NAME_SYNTAX } from './name-syntax.js'
import type { Mapping, MappingRule } from './mapping.js'
import { lintPairs } from './lint-pairs.js'
import type { LintFinding } from './lint-finding.js'
import { Pattern } from './pattern.js'
import { patternsOverlap } from './pattern-sets.js'
import type { Predicate } from './predicate.js'

export interface LintOptions {
  /** The roles that the registry knows. Default: not asked. */
  readonly registryRoles?: Iterable<string>
  /** The roles that policies name. Default: not asked. */
  readonly policyRoles?: Iterable<string>
}

/**
 * Look for rules that never decide, decide by their order alone, or grant what means nothing.
 *
 * A rule is shadowed by one earlier rule for each of its issuers; that several earlier ones together leave it nothing is
 * not found. Two rules overlap if one certificate with at most one name of each kind matches both. A narrow rule before a
 * wide one is what order is for, and no finding.
 *
 * @returns Findings on single rules, then on pairs, then on roles; each in the order of the file.
 */
export function lintMapping(mapping: Mapping, options: LintOptions = {}): readonly LintFinding[] {
  return [
    ...mapping.rules.flatMap((rule) => lintRule(rule, mapping.trustDomain)),
    ...lintPairs(mapping.rules),
    ...lintRoles(mapping.rules, options),
  ]
}

function lintRule(rule: MappingRule, trustDomain: string): readonly LintFinding[] {
  const { name, predicates, result } = rule
  const findings: LintFinding[] = []
  const uri = predicates.find((predicate) => predicate.kind === 'name' && predicate.name === 'uri')
  if (result.kind === 'registered' && uri?.kind === 'name') {
    const identity = new Pattern(`spiffe://${trustDomain}/{scope...}/{service}/{node}`, NAME_SYNTAX.uri)
    if (patternsOverlap(uri.pattern, identity) === undefined) {
      findings.push({
        code: 'unreachable',
        rule: name,
        message: `no URI that ${name} matches is an identity of ${trustDomain}: nobody is registered under it`,
        hint: 'name the entity by its id: entity: "{node}", or write a URI of the trust domain',
      })
    }
  }
  if (result.kind === 'identity' && result.roles.length + result.groups.length > 0 && !predicates.some(isAnchored)) {
    findings.push({
      code: 'unanchored',
      rule: name,
      message: `${name} grants ${[...result.roles, ...result.groups].join(', ')} to all that its issuer certifies`,
      hint: 'write a literal component, or take roles from the registry: entity: registered',
    })
  }
  return findings
}

/** Whether a predicate on a name tells some of an issuer's names from others. */
function isAnchored(predicate: Predicate): boolean {
  switch (predicate.kind) {
    case 'name': {
      const { parts } = predicate.pattern
      // All URIs of a trust domain begin alike.
      const isAbsolute = predicate.name === 'uri' && /^[a-z][a-z0-9+.-]*:\/\//i.test(predicate.pattern.text)
      return parts.slice(isAbsolute ? 3 : 0).some((part) => 'literal' in part)
    }
    case 'address':
      return predicate.range.prefixLength > 0
    case 'attribute':
      return predicate.pattern.exact !== undefined
    case 'subject':
      return predicate.rdns.some((rdn) => [...rdn.values()].some(({ exact }) => exact !== undefined))
    default:
      return false
  }
}

function lintRoles(rules: readonly MappingRule[], { registryRoles, policyRoles }: LintOptions): readonly LintFinding[] {
  const known = registryRoles === undefined ? undefined : new Set(registryRoles)
  const used = policyRoles === undefined ? undefined : new Set(policyRoles)
  const findings: LintFinding[] = []
  const granted = new Set<string>()
  for (const { name, result } of rules) {
    for (const role of result.kind === 'identity' ? new Set(result.roles) : []) {
      granted.add(role)
      if (known?.has(role) === false) {
        const message = `${name} grants ${role}, which the registry does not know`
        findings.push({ code: 'role-unknown', rule: name, message, hint: 'check how it is spelt' })
      }
      if (used?.has(role) === false) {
        const message = `${name} grants ${role}, which no policy names: it allows nothing`
        findings.push({ code: 'role-unused', rule: name, message, hint: 'remove it, or name it in a policy' })
      }
    }
  }
  // Whoever is in the registry may have any role that it knows.
  const isRegistryAsked = rules.some(({ result }) => result.kind !== 'identity')
  if (used === undefined || (isRegistryAsked && known === undefined)) return findings
  for (const role of [...used].sort()) {
    if (granted.has(role) || (isRegistryAsked && known?.has(role) === true)) continue
    const message = `a policy names ${role}, which nobody is granted`
    findings.push({ code: 'role-never-granted', message, hint: 'grant it, or remove it from the policy' })
  }
  return findings
}
