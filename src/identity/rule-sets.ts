/**
 * Questions about all the certificates that a rule matches. Kinds of facts are independent of each other, so a rule is
 * compared kind by kind; the answers are exact.
 *
 * @module identity/rule-sets (floor 5)
 */
import { attributeType, formatIpAddress } from '../x509/index.js'
import { ATTRIBUTE_NAMES, type NameKind } from './name-syntax.js'
import type { Components, Pattern } from './pattern.js'
import { patternIncludes, patternsOverlap } from './pattern-sets.js'
import { type AddressRange, type Condition, isInRange, type RdnPattern } from './predicate.js'

/** Of which certificates a question is: of all, or of those with at most one name of each kind. */
export type Among = 'all' | 'one-name-of-a-kind'

/** Whether every certificate of one issuer that `narrow` matches is matched by `wide`, too. */
export function conditionsInclude(
  wide: readonly Condition[],
  narrow: readonly Condition[],
  among: Among = 'all',
): boolean {
  return wide.every((condition) => isImplied(condition, narrow, among))
}

/** Whether a condition holds wherever all of these hold. */
function isImplied(wide: Condition, narrow: readonly Condition[], among: Among): boolean {
  switch (wide.kind) {
    case 'issuerKey':
      // Compared by the caller, issuer by issuer.
      return true
    case 'name': {
      const same = namePattern(narrow, wide.name)
      if (same === undefined || !patternIncludes(wide.pattern, same)) return false
      // To capture takes exactly one name that matches, and the certificate may have more of them; of URIs it has one.
      const isOne = wide.name === 'uri' || wide.pattern.exact !== undefined || among === 'one-name-of-a-kind'
      return isOne || patternIncludes(same, wide.pattern)
    }
    case 'address':
      return narrow.some((same) => same.kind === 'address' && rangeIncludes(wide.range, same.range))
    case 'attribute': {
      const same = attributePattern(narrow, wide.type)
      return same !== undefined && patternIncludes(wide.pattern, same)
    }
    case 'subject':
      return narrow.some(
        (same) =>
          same.kind === 'subject' &&
          pairs(wide.rdns, same.rdns)?.every(([, pattern, other]) => patternIncludes(pattern, other)) === true,
      )
    case 'purposes':
    case 'policies':
      return wide.oids.every((oid) => narrow.some((same) => same.kind === wide.kind && same.oids.includes(oid)))
  }
}

/**
 * A certificate that both match, with at most one name of each kind, if there is one: for people, its names.
 *
 * With several names of one kind, two rules on different DNS names match one certificate, always; that says nothing.
 */
export function commonCertificate(a: readonly Condition[], b: readonly Condition[]): string | undefined {
  const names: string[] = []
  for (const kind of ['uri', 'dns', 'email', 'upn', 'kerberos'] as const) {
    const [one, other] = [namePattern(a, kind), namePattern(b, kind)]
    const pattern = one ?? other
    if (pattern === undefined) continue
    const common = patternsOverlap(pattern, other ?? pattern)
    if (common === undefined) return undefined
    names.push(`${kind} ${textOfName(kind, common)}`)
  }
  const [range, otherRange] = [rangeOf(a), rangeOf(b)]
  if (range !== undefined && otherRange !== undefined && !rangeIncludes(range, otherRange)) {
    if (!rangeIncludes(otherRange, range)) return undefined
    names.push(`ip ${formatIpAddress(range.octets)}`)
  } else {
    const octets = (otherRange ?? range)?.octets
    if (octets !== undefined) names.push(`ip ${formatIpAddress(octets)}`)
  }
  const subject = commonSubject(a, b)
  return subject === undefined ? undefined : [...names, ...subject].join(', ')
}

const SHORT_NAMES = new Map(ATTRIBUTE_NAMES.map((name) => [attributeType(name), name] as const))

/** The attributes of a subject that suits both, as far as either asks; `undefined` if none does. */
function commonSubject(a: readonly Condition[], b: readonly Condition[]): readonly string[] | undefined {
  const [first, second] = [...a, ...b].filter((condition) => condition.kind === 'subject')
  const asked =
    first === undefined
      ? attributePairs(a, b)
      : second === undefined
        ? wholePairs(first.rdns, a.includes(first) ? b : a)
        : pairs(first.rdns, second.rdns)
  const texts = asked?.map(([type, one, other]) => {
    const common = patternsOverlap(one, other)
    return common === undefined ? undefined : `${SHORT_NAMES.get(type) ?? type}=${common.join('')}`
  })
  return texts?.every((text) => text !== undefined) === true ? texts : undefined
}

type Asked = readonly [type: string, one: Pattern, other: Pattern]

function attributePairs(a: readonly Condition[], b: readonly Condition[]): readonly Asked[] {
  const found = new Map<string, Asked>()
  for (const condition of [...a, ...b]) {
    if (condition.kind !== 'attribute') continue
    const { type, pattern } = condition
    found.set(type, [type, found.get(type)?.[1] ?? pattern, pattern])
  }
  return [...found.values()]
}

/** A whole subject, and what is asked of its attributes besides. */
function wholePairs(rdns: readonly RdnPattern[], others: readonly Condition[]): readonly Asked[] | undefined {
  const wanted = new Map(attributePairs(others, []).map(([type, pattern]) => [type, pattern]))
  const attributes = rdns.flatMap((rdn) => [...rdn])
  const isOnce = (type: string): boolean => attributes.filter(([found]) => found === type).length === 1
  if (![...wanted.keys()].every(isOnce)) return undefined
  return attributes.map(([type, pattern]) => [type, pattern, wanted.get(type) ?? pattern])
}

function namePattern(conditions: readonly Condition[], name: NameKind): Pattern | undefined {
  for (const condition of conditions) if (condition.kind === 'name' && condition.name === name) return condition.pattern
  return undefined
}

function rangeOf(conditions: readonly Condition[]): AddressRange | undefined {
  for (const condition of conditions) if (condition.kind === 'address') return condition.range
  return undefined
}

/** What is asked of the only attribute of a type, where that is known to be there once. */
function attributePattern(conditions: readonly Condition[], type: string): Pattern | undefined {
  for (const condition of conditions) {
    if (condition.kind === 'attribute' && condition.type === type) return condition.pattern
    if (condition.kind !== 'subject') continue
    const [only, more] = condition.rdns.flatMap((rdn) => rdn.get(type) ?? [])
    return more === undefined ? only : undefined
  }
  return undefined
}

/** The patterns of two whole subjects, attribute by attribute; `undefined` if they are of different make. */
function pairs(a: readonly RdnPattern[], b: readonly RdnPattern[]): readonly Asked[] | undefined {
  if (a.length !== b.length) return undefined
  const found: Asked[] = []
  for (const [index, rdn] of a.entries()) {
    const other = b[index]
    if (other?.size !== rdn.size) return undefined
    for (const [type, pattern] of rdn) {
      const same = other.get(type)
      if (same === undefined) return undefined
      found.push([type, pattern, same])
    }
  }
  return found
}

function rangeIncludes(wide: AddressRange, narrow: AddressRange): boolean {
  return wide.prefixLength <= narrow.prefixLength && isInRange(narrow.octets, wide)
}

function textOfName(kind: NameKind, components: Components): string {
  const [first = '', ...others] = components
  switch (kind) {
    case 'uri':
      return components.join('/')
    case 'dns':
      return components.join('.')
    case 'email':
    case 'upn':
      return `${first}@${others.join('.')}`
    case 'kerberos':
      return `${others.join('/')}@${first}`
  }
}
