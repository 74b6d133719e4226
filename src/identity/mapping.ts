/**
 * The native mapping: an ordered list of rules from what a validated certificate says to who that is.
 *
 * A rule states the key of the CA that issued the certificate, and at least one predicate on its names. All predicates
 * must hold. The first rule that matches decides; if none does, the certificate is nobody's.
 *
 * @module identity/mapping (floor 5)
 */
import { type CertificateFacts, textOf } from './certificate-facts.js'
import type { NameKind } from './name-syntax.js'
import type { Captures, Components } from './pattern.js'
import { type Condition, type Predicate, testCondition, type Verdict } from './predicate.js'

/** To whom a rule maps. */
export type MappingResult =
  /** The entity that is registered under the certificate's identity URI. */
  | { readonly kind: 'registered' }
  /** The entity that is registered with this id: itself, or a capture. */
  | { readonly kind: 'entity'; readonly id: string }
  /** These parts: themselves, or captures. */
  | {
      readonly kind: 'identity'
      readonly scope: string
      readonly service: string
      readonly node: string
      readonly roles: readonly string[]
      readonly groups: readonly string[]
    }

export interface MappingRule {
  readonly name: string
  /** The issuer's key first. */
  readonly predicates: readonly Predicate[]
  readonly result: MappingResult
}

/** The rule that decides, with what it captured. */
export interface Decision {
  readonly rule: MappingRule
  readonly captures: Captures
}

/** An exact name that a rule wants: names of different spaces never stand in each other's way. */
export interface ExactKey {
  readonly space: string
  readonly key: string
}

/** The rules for certificates of one issuer, as their numbers. */
interface IssuerRules {
  /** Those that ask for one exact name, by that name. */
  readonly exact: Map<string, number[]>
  readonly others: number[]
}

/**
 * Rules, compiled once. Of many, only those are asked about a certificate whose issuer it has and whose exact names, if
 * they want some, it has.
 */
export class Mapping {
  readonly trustDomain: string
  readonly rules: readonly MappingRule[]
  readonly #byIssuer: ReadonlyMap<string, IssuerRules>

  /** @param rules - As {@link parseMapping} makes them. */
  constructor(trustDomain: string, rules: readonly MappingRule[]) {
    this.trustDomain = trustDomain
    this.rules = Object.freeze([...rules])
    this.#byIssuer = indexed(rules)
    Object.freeze(this)
  }

  /** The first rule that matches a certificate; `undefined` if none does. */
  decide(facts: CertificateFacts): Decision | undefined {
    for (const index of this.#candidates(facts)) {
      const rule = this.rules[index]
      const captures = rule === undefined ? undefined : matchRule(rule, facts)
      if (rule !== undefined && captures !== undefined) return { rule, captures }
    }
    return undefined
  }

  /** The numbers of the rules that may match, ascending. */
  *#candidates(facts: CertificateFacts): Iterable<number> {
    const found = this.#byIssuer.get(facts.issuerKey)
    if (found === undefined) return
    const { exact, others } = found
    const named = exact.size === 0 ? [] : keysOf(facts).flatMap((key) => exact.get(key) ?? [])
    named.sort((a, b) => a - b)
    let next = 0
    for (const index of others) {
      for (let first = named[next]; first !== undefined && first < index; first = named[++next]) yield first
      yield index
    }
    yield* named.slice(next)
  }
}

/** What the captures of a rule stand for if all of its predicates hold. */
function matchRule({ predicates }: MappingRule, facts: CertificateFacts): Captures | undefined {
  const captures = new Map<string, string>()
  for (const predicate of predicates) {
    const verdict = testCondition(predicate, facts)
    if ('why' in verdict) return undefined
    for (const [name, value] of verdict.captures) captures.set(name, value)
  }
  return captures
}

/** What the predicates of a rule say, up to the first that does not hold. */
export function askRule(
  { predicates }: MappingRule,
  facts: CertificateFacts,
): readonly { readonly predicate: Predicate; readonly verdict: Verdict }[] {
  const said: { predicate: Predicate; verdict: Verdict }[] = []
  for (const predicate of predicates) {
    const verdict = testCondition(predicate, facts)
    said.push({ predicate, verdict })
    if ('why' in verdict) break
  }
  return said
}

function indexed(rules: readonly MappingRule[]): ReadonlyMap<string, IssuerRules> {
  const byIssuer = new Map<string, IssuerRules>()
  const keys = rarestKeys(rules)
  for (const [index, { predicates }] of rules.entries()) {
    const exact = keys[index]
    for (const digest of issuersOf(predicates)) {
      const entry = byIssuer.get(digest) ?? { exact: new Map<string, number[]>(), others: [] }
      byIssuer.set(digest, entry)
      if (exact === undefined) entry.others.push(index)
      else append(entry.exact, exact.key, index)
    }
  }
  return byIssuer
}

/** For each rule, of the exact names that it wants, that which the fewest rules want; `undefined` if it wants none. */
export function rarestKeys(rules: readonly MappingRule[]): readonly (ExactKey | undefined)[] {
  const keys = rules.map(({ predicates }) => exactKeys(predicates))
  const counts = new Map<string, number>()
  for (const { key } of keys.flat()) counts.set(key, (counts.get(key) ?? 0) + 1)
  return keys.map((own) => own.toSorted((a, b) => (counts.get(a.key) ?? 0) - (counts.get(b.key) ?? 0))[0])
}

/** The issuers whose certificates a rule is about. */
export function issuersOf(predicates: readonly Condition[]): ReadonlySet<string> {
  const issuer = predicates.find((predicate) => predicate.kind === 'issuerKey')
  return issuer?.digests ?? new Set()
}

/**
 * Keys of the exact names that a rule wants: a certificate that it matches has each of them among {@link keysOf}.
 * Alternative names first, which tell more apart than attributes do.
 */
export function exactKeys(predicates: readonly Condition[]): readonly ExactKey[] {
  return predicates.flatMap((predicate): readonly ExactKey[] => {
    switch (predicate.kind) {
      case 'name': {
        const { exact } = predicate.pattern
        return exact === undefined ? [] : [nameKey(predicate.name, exact)]
      }
      case 'address': {
        const { octets, prefixLength } = predicate.range
        return prefixLength === octets.length * 8 ? [addressKey(octets)] : []
      }
      case 'attribute': {
        const { exact } = predicate.pattern
        return exact === undefined ? [] : [attributeKey(predicate.type, exact.join(''))]
      }
      case 'subject': {
        // The last RDN tells most: names go from the large to the small.
        const attributes = predicate.rdns.flatMap((rdn) => [...rdn]).reverse()
        return attributes.flatMap(([type, { exact }]) =>
          exact === undefined ? [] : [attributeKey(type, exact.join(''))],
        )
      }
      default:
        return []
    }
  })
}

const KINDS: readonly NameKind[] = ['uri', 'dns', 'email', 'upn', 'kerberos']

/** The keys of all names of a certificate, each once. */
function keysOf(facts: CertificateFacts): readonly string[] {
  const keys = KINDS.flatMap((kind) => facts.names(kind).map((name) => nameKey(kind, name)))
  keys.push(...facts.addresses.map(addressKey))
  for (const attribute of facts.rdns.flat()) {
    const text = textOf(attribute)
    if (text !== undefined) keys.push(attributeKey(attribute.type, text))
  }
  return [...new Set(keys.map(({ key }) => key))]
}

// Two names may have one key, which costs a look at a rule that does not match, and nothing else.
function nameKey(kind: NameKind, components: Components): ExactKey {
  return { space: kind, key: `${kind} ${components.join('/')}` }
}

function addressKey(octets: Uint8Array): ExactKey {
  return { space: 'ip', key: `ip ${octets.join('.')}` }
}

function attributeKey(type: string, text: string): ExactKey {
  return { space: type, key: `${type} ${text}` }
}

export function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
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
