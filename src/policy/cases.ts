/**
 * Cases of a policy: questions with the answers that they must get, and which rules no case asks for.
 *
 * ```yaml
 * version: 1
 * cases:
 *   - name: a compute node reports itself
 *     sender: { roles: [compute], service: nova-compute, node: compute-07, scope: region-one/nova }
 *     type: rpc.scheduler.update_instance_info
 *     to: scheduler
 *     content: { args: { host_name: compute-07 } }
 *     expect: allow
 *     rule: compute-reports-itself
 * ```
 *
 * @module policy/cases (floor 6)
 */
import { type Identity, identityUri, isScopePath, isSegment, parseGrant, rolesAt } from '../identity/index.js'
import { type JsonValue, requireKeys } from '../json/index.js'
import { parseYamlOrJson } from '../yaml/index.js'
import { explained, invalid } from './vocabulary.js'
import type { Decision, Policy, PolicyQuestion } from './policy.js'

export interface PolicyCase {
  readonly name: string
  readonly question: PolicyQuestion
  readonly expect: 'allow' | 'deny'
  /** The rule that must decide. */
  readonly rule: string | undefined
}

export interface CaseResult {
  readonly name: string
  readonly passed: boolean
  readonly expected: string
  readonly decision: Decision
}

export interface CaseReport {
  readonly results: readonly CaseResult[]
  /** Rules that decided in some case. */
  readonly covered: readonly string[]
  /** Rules that never did. */
  readonly uncovered: readonly string[]
}

/**
 * Parse cases.
 *
 * @throws {@link UsageError} `ERR_POLICY_INVALID` naming the case
 */
export function parseCases(text: string): readonly PolicyCase[] {
  return explained(() => {
    const { version, cases } = requireKeys(parseYamlOrJson(text, 'the cases'), ['version', 'cases'], 'the cases')
    if (version !== 1) throw invalid('the version of the cases is not 1')
    if (!Array.isArray(cases) || cases.length === 0) throw invalid('there are no cases')
    return cases.map(parseCase)
  })
}

function parseCase(value: unknown, index: number): PolicyCase {
  const at = `case ${index + 1}`
  const fields = requireKeys(value, ['name', 'sender', 'type', 'to', 'scope?', 'content?', 'expect', 'rule?'], at)
  const { name, type, to, scope, expect, rule } = fields
  if (typeof name !== 'string' || name === '') throw invalid(`${at} has no name`)
  if (typeof type !== 'string' || typeof to !== 'string') throw invalid(`${name}: type and to are texts`)
  if (expect !== 'allow' && expect !== 'deny') throw invalid(`${name}: expect is allow or deny`)
  if (rule !== undefined && typeof rule !== 'string') throw invalid(`${name}: rule is the name of a rule`)
  if (scope !== undefined && !(typeof scope === 'string' && isScopePath(scope))) {
    throw invalid(`${name}: scope is the path of a scope`)
  }
  return {
    name,
    question: {
      sender: parseSender(fields['sender'], name),
      type,
      destination: to,
      ...(scope === undefined ? {} : { scope }),
      ...(fields['content'] === undefined ? {} : { content: fields['content'] as JsonValue }),
    },
    expect,
    rule,
  }
}

/** The trust domain of senders that are made up. */
const TRUST_DOMAIN = 'case.example'

/**
 * A sender that is made up: `{ roles, service, node, scope, entity }`, of which roles suffice.
 *
 * @throws {@link UsageError} `ERR_POLICY_INVALID`, {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function parseSender(value: unknown, what: string): Identity {
  const fields = requireKeys(value, ['roles', 'service?', 'node?', 'scope?', 'entity?'], `the sender of ${what}`)
  const text = (name: string, fallback: string): string => {
    const found = fields[name] ?? fallback
    if (typeof found !== 'string') throw invalid(`${what}: ${name} of the sender is a text`)
    return found
  }
  const { roles } = fields
  if (!Array.isArray(roles) || !roles.every((role) => typeof role === 'string')) {
    throw invalid(`${what}: roles of the sender are a list`)
  }
  const [scope, service, node] = [text('scope', ''), text('service', 'service'), text('node', 'node')]
  const entity = text('entity', node)
  if (!isSegment(entity)) throw invalid(`${what}: not the id of an entity: ${JSON.stringify(entity)}`)
  const grants = roles as readonly string[]
  for (const grant of grants) parseGrant(grant, scope)
  const uri = identityUri({ trustDomain: TRUST_DOMAIN, scope, service, node }).text
  return { entity, uri, scope, service, node, roles: rolesAt(grants, scope, scope), grants, groups: [] }
}

/** Ask a policy every case. */
export function runCases(policy: Policy, cases: readonly PolicyCase[]): CaseReport {
  const results = cases.map(({ name, question, expect, rule }): CaseResult => {
    const decision = policy.decide(question)
    const outcome = decision.outcome === 'allowed' ? 'allow' : 'deny'
    return {
      name,
      passed: outcome === expect && (rule === undefined || rule === decision.rule),
      expected: rule === undefined ? expect : `${expect} by ${rule}`,
      decision,
    }
  })
  const decided = new Set(results.flatMap(({ decision }) => decision.rule ?? []))
  const names = policy.document.rules.map(({ name }) => name)
  return {
    results,
    covered: names.filter((name) => decided.has(name)),
    uncovered: names.filter((name) => !decided.has(name)),
  }
}
