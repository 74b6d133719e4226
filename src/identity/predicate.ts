/**
 * Predicates of a rule, each on one kind of fact: a name of one kind never satisfies a predicate on another.
 *
 * @module identity/predicate (floor 5)
 */
import { type CertificateFacts, textOf } from './certificate-facts.js'
import type { NameKind } from './name-syntax.js'
import type { Captures, CaptureName, Components, Pattern } from './pattern.js'

/** All addresses whose first bits are these. */
export interface AddressRange {
  /** 4 or 16; those after the prefix are zero. */
  readonly octets: Uint8Array
  readonly prefixLength: number
}

/** For each attribute of an RDN, its pattern. */
export type RdnPattern = ReadonlyMap<string, Pattern>

/** What has to hold. */
export type Condition =
  | { readonly kind: 'issuerKey'; readonly digests: ReadonlySet<string> }
  | { readonly kind: 'name'; readonly name: NameKind; readonly pattern: Pattern }
  | { readonly kind: 'address'; readonly range: AddressRange }
  /** The one attribute of this type. */
  | { readonly kind: 'attribute'; readonly type: string; readonly pattern: Pattern }
  /** These RDNs in this order, and nothing else. */
  | { readonly kind: 'subject'; readonly rdns: readonly RdnPattern[] }
  | { readonly kind: 'purposes'; readonly oids: readonly string[] }
  | { readonly kind: 'policies'; readonly oids: readonly string[] }

/** One predicate of a rule. */
export type Predicate = Condition & {
  /** As in the file: `issuerKey`, `uri`, `dns`, `subject.CN`. */
  readonly on: string
  readonly wanted: string
}

/** What a predicate says of a certificate: what its captures stand for, or why it does not hold. */
export type Verdict = { readonly captures: Captures } | { readonly why: string }

const HOLDS: Verdict = { captures: new Map() }

export function captureNamesOf(condition: Condition): readonly CaptureName[] {
  return patternsOf(condition).flatMap((pattern) => pattern.captureNames)
}

export function patternsOf(condition: Condition): readonly Pattern[] {
  if (condition.kind === 'name' || condition.kind === 'attribute') return [condition.pattern]
  return condition.kind === 'subject' ? condition.rdns.flatMap((rdn) => [...rdn.values()]) : []
}

/** Ask a predicate about a certificate. */
export function testCondition(condition: Condition, facts: CertificateFacts): Verdict {
  switch (condition.kind) {
    case 'issuerKey':
      return condition.digests.has(facts.issuerKey) ? HOLDS : { why: 'another key issued it' }
    case 'name': {
      const names = facts.names(condition.name)
      return condition.name === 'uri' ? theOnly(condition.pattern, names) : anyOf(condition.pattern, names)
    }
    case 'address':
      if (facts.addresses.some((octets) => isInRange(octets, condition.range))) return HOLDS
      return { why: facts.addresses.length === 0 ? 'it has none' : 'it has others' }
    case 'attribute': {
      const values = facts.rdns.flat().filter(({ type }) => type === condition.type)
      return theOnly(
        condition.pattern,
        values.map((value) => componentsOfText(textOf(value))),
      )
    }
    case 'subject':
      return subjectIs(condition.rdns, facts)
    case 'purposes':
      return allIn(condition.oids, facts.purposes)
    case 'policies':
      return allIn(condition.oids, new Set(facts.policies))
  }
}

/** Exactly one may be there: with two, which one is meant would be anybody's guess. */
function theOnly(pattern: Pattern, names: readonly Components[]): Verdict {
  const [name, second] = names
  if (name === undefined) return { why: 'it has none' }
  if (second !== undefined) return { why: `it has ${names.length}, not one` }
  const captures = pattern.match(name)
  return captures === undefined ? { why: whyNot(pattern, names) } : { captures }
}

/** One of several suffices where the pattern captures nothing; a capture again needs exactly one match. */
function anyOf(pattern: Pattern, names: readonly Components[]): Verdict {
  const [captures, ...more] = names.flatMap((name) => pattern.match(name) ?? [])
  if (captures === undefined) return { why: whyNot(pattern, names) }
  if (more.length > 0 && pattern.captureNames.length > 0) return { why: `${more.length + 1} match, not one` }
  return { captures }
}

function whyNot(pattern: Pattern, names: readonly Components[]): string {
  const unfit = names.map((name) => pattern.unfit(name)).find((component) => component !== undefined)
  if (unfit !== undefined) return `${quoted(unfit)} cannot be captured: it is not part of an identity`
  return names.length === 0 ? 'it has none' : 'it has another'
}

/** The beginning of what a stranger wrote, in ASCII. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80)).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function subjectIs(rdns: readonly RdnPattern[], facts: CertificateFacts): Verdict {
  if (facts.rdns.length !== rdns.length) return { why: `it has ${facts.rdns.length} RDNs, not ${rdns.length}` }
  const captures = new Map<string, string>()
  for (const [index, rdn] of rdns.entries()) {
    const attributes = facts.rdns[index] ?? []
    const where = `RDN ${index + 1}`
    if (attributes.length !== rdn.size) return { why: `${where} has ${attributes.length} attributes, not ${rdn.size}` }
    for (const [type, pattern] of rdn) {
      const values = attributes.filter((attribute) => attribute.type === type)
      const verdict = theOnly(
        pattern,
        values.map((value) => componentsOfText(textOf(value))),
      )
      if ('why' in verdict) return { why: `${where}: ${verdict.why}` }
      for (const [name, value] of verdict.captures) captures.set(name, value)
    }
  }
  return { captures }
}

/** What is no text has no components: it counts, and matches nothing. */
function componentsOfText(text: string | undefined): Components {
  return text === undefined ? [] : [text]
}

function allIn(wanted: readonly string[], found: ReadonlySet<string>): Verdict {
  const missing = wanted.find((oid) => !found.has(oid))
  return missing === undefined ? HOLDS : { why: `${missing} is missing` }
}

export function isInRange(octets: Uint8Array, range: AddressRange): boolean {
  if (octets.length !== range.octets.length) return false
  const whole = range.prefixLength >> 3
  const rest = range.prefixLength & 7
  for (let index = 0; index < whole; index++) if (octets[index] !== range.octets[index]) return false
  return rest === 0 || (octets[whole] ?? 0) >> (8 - rest) === (range.octets[whole] ?? 0) >> (8 - rest)
}
