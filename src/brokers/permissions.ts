/**
 * Who may publish and consume what: the form from which the files of every broker are made.
 *
 * An address is the destination of a message and its type, as segments: `rpc.scheduler.update` for `scheduler` has the
 * address `scheduler.rpc.scheduler.update`. A colon inside a type is part of its segment: brokers split at one character.
 *
 * @module brokers/permissions (floor 7.1)
 */
import { isSignetError, UsageError } from '../errors/index.js'
import { isSegment, parseIdentityUri } from '../identity/index.js'

/** One segment of an address: a literal, any one segment, or any one or more, which stands last. */
export type AddressSegment = string | { readonly any: 'one' | 'rest' }

/** Addresses that are allowed. */
export type AddressPattern = readonly AddressSegment[]

/** Somebody who may talk to a broker. */
export interface BrokerUser {
  /** Id: `compute-07`. */
  readonly entity: string
  /** The one URI in its certificates: `spiffe://cloud.example/region-one/nova/compute/compute-07`. */
  readonly uri: string
  readonly publish: readonly AddressPattern[]
  readonly consume: readonly AddressPattern[]
}

/** Everybody who may talk to a broker. Who is not in here may not. */
export interface BrokerPermissions {
  readonly users: readonly BrokerUser[]
}

/** What a literal segment is made of. Nothing in it means anything to any broker, nor to a regular expression. */
export const SEGMENT_CHARACTERS = '[A-Za-z0-9_:-]'
const SEGMENT = new RegExp(`^${SEGMENT_CHARACTERS}+$`)

/** AMQP 0-9-1 holds a routing key in 255 octets; of the others none holds less, except Kafka. */
const MAX_PATTERN_OCTETS = 255

/**
 * Check permissions, and give them the one order in which they are written: users by id, patterns by text, each once.
 *
 * Whether the users exist, and whether a policy allows them all this, is not checked.
 *
 * @throws {@link UsageError} `ERR_BROKER_NAME` for ids or identities that are malformed, occur twice, or belong to another
 * trust domain; `ERR_BROKER_PATTERN`; `ERR_CONFIG_INVALID` if there is nobody, because some brokers let everybody in then
 */
export function sortedPermissions({ users }: BrokerPermissions): BrokerPermissions {
  if (users.length === 0) {
    throw new UsageError('ERR_CONFIG_INVALID', 'nobody may publish or consume anything', {
      hint: 'register entities with a role that the policy gives a permission',
    })
  }
  const seen = new Set<string>()
  const domains = new Set<string>()
  for (const { entity, uri } of users) {
    if (!isSegment(entity)) throw badName(entity, 'is not an id of letters, digits, dots, dashes and underscores')
    domains.add(trustDomainOf(entity, uri))
    for (const name of [entity, uri]) {
      if (seen.has(name)) throw badName(name, 'stands for two entities')
      seen.add(name)
    }
  }
  if (domains.size > 1) throw badName([...domains].sort().join(', '), 'are several trust domains, not one')
  return {
    users: users
      .map((user) => ({ ...user, publish: sortedPatterns(user.publish), consume: sortedPatterns(user.consume) }))
      .sort((a, b) => compareTexts(a.entity, b.entity)),
  }
}

/** The text of a pattern, with a broker's own words for any one segment and for any number of them. */
export function patternText(pattern: AddressPattern, separator: string, one: string, rest: string): string {
  return pattern
    .map((segment) => (typeof segment === 'string' ? segment : segment.any === 'one' ? one : rest))
    .join(separator)
}

/** A pattern for people: `scheduler.*.reply`, `scheduler.**`. */
export function formatPattern(pattern: AddressPattern): string {
  return patternText(pattern, '.', '*', '**')
}

/** The addresses that two patterns have in common: again one pattern, or none. */
export function commonPattern(a: AddressPattern, b: AddressPattern): AddressPattern | undefined {
  const common: AddressSegment[] = []
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]]
    if (left === undefined || right === undefined) return undefined
    if (isRest(left)) return [...common, ...b.slice(index)]
    if (isRest(right)) return [...common, ...a.slice(index)]
    if (typeof left === 'string' && typeof right === 'string' && left !== right) return undefined
    common.push(typeof left === 'string' ? left : right)
  }
  return common
}

/** Whether every address of `inner` is one of `outer`. */
export function covers(outer: AddressPattern, inner: AddressPattern): boolean {
  const common = commonPattern(outer, inner)
  return common !== undefined && formatPattern(common) === formatPattern(inner)
}

/** The refusal of a name. */
export function badName(name: string, why: string): UsageError {
  return new UsageError('ERR_BROKER_NAME', `${JSON.stringify(name.slice(0, 200))} ${why}`, {
    details: { name: name.slice(0, 200) },
    hint: 'register the entity under another id',
  })
}

/** The refusal of a pattern. */
export function badPattern(pattern: AddressPattern, why: string, hint?: string): UsageError {
  const text = formatPattern(pattern).slice(0, 300)
  return new UsageError('ERR_BROKER_PATTERN', `${JSON.stringify(text)} ${why}`, {
    details: { pattern: text },
    ...(hint === undefined ? {} : { hint }),
  })
}

/** By code units: the same order everywhere, whatever the locale. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function sortedPatterns(patterns: readonly AddressPattern[]): readonly AddressPattern[] {
  const byText = new Map<string, AddressPattern>()
  for (const pattern of patterns) {
    checkPattern(pattern)
    byText.set(formatPattern(pattern), pattern)
  }
  return [...byText].sort(([a], [b]) => compareTexts(a, b)).map(([, pattern]) => pattern)
}

/** @throws {@link UsageError} `ERR_BROKER_PATTERN` */
export function checkPattern(pattern: AddressPattern): void {
  if (pattern.length === 0) throw badPattern(pattern, 'is a pattern without segments')
  const wrong = pattern.find((segment) => typeof segment === 'string' && !SEGMENT.test(segment))
  if (wrong !== undefined) {
    throw badPattern(
      pattern,
      'has a segment that is not made of letters, digits, dashes, underscores and colons',
      'give destinations and types of such segments, joined by dots',
    )
  }
  if (pattern.slice(0, -1).some(isRest)) throw badPattern(pattern, 'goes on behind a wildcard for all the rest')
  if (patternText(pattern, '.', '*', '*.#').length > MAX_PATTERN_OCTETS) {
    throw badPattern(pattern, `has more than ${MAX_PATTERN_OCTETS} octets`)
  }
}

function isRest(segment: AddressSegment): boolean {
  return typeof segment !== 'string' && segment.any === 'rest'
}

function trustDomainOf(entity: string, uri: string): string {
  try {
    return parseIdentityUri(uri).trustDomain
  } catch (error) {
    if (!isSignetError(error)) throw error
    throw badName(entity, `has no identity of the form spiffe://trust-domain/scope/service/node: ${uri.slice(0, 200)}`)
  }
}
