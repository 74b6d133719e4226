/**
 * From a policy and those who are registered to what each may do at a broker.
 *
 * @module brokers/derive (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { type Destination, destinationOf, mightSend, type Policy, type TypePattern } from '../policy/index.js'
import {
  type AddressPattern,
  type AddressSegment,
  badName,
  type BrokerPermissions,
  type BrokerUser,
  commonPattern,
  covers,
  formatPattern,
} from './permissions.js'

export interface DeriveOptions {
  /**
   * How `compute.{node}` is written for who publishes there: as any one segment, or as the name of each receiver that
   * there is, for brokers that know no such wildcard. Then new receivers need new files.
   */
  readonly receivers: 'any' | 'named'
}

/**
 * Work out who may publish and consume what.
 *
 * Somebody may publish what the policy would allow with the right content and in the right scope: what a broker cannot see
 * is for the receivers to refuse. Somebody consumes at the destinations whose receivers have a role that it has.
 *
 * @param senders - Active entities; who may neither publish nor consume anything is left out.
 * @throws {@link UsageError} `ERR_BROKER_PATTERN`: a type with a wildcard after a colon; `ERR_BROKER_NAME`: a node with a
 * dot in a destination, where it would be several segments
 */
export function permissionsOf(
  policy: Policy,
  senders: readonly Identity[],
  { receivers }: DeriveOptions = { receivers: 'any' },
): BrokerPermissions {
  const places = policy.document.destinations.all.map((destination) => {
    const there = senders.filter(({ roles }) => destination.receivers.some((role) => roles.includes(role)))
    const addresses =
      receivers === 'any' || destination.capture === undefined
        ? [anyOf(destination)]
        : there.map((one) => receivingSegments(destination, one))
    return { destination, there: new Set(there), addresses: distinct(addresses) }
  })
  const users = senders.map((sender): BrokerUser => {
    const publish = places.flatMap(({ destination, addresses }) =>
      mightSend(policy, sender, destination)
        .flatMap(({ kind, type }) => commonType(kind, type))
        .flatMap((type) => addresses.map((address): AddressPattern => [...address, ...type])),
    )
    const consume = places
      .filter(({ there }) => there.has(sender))
      .map(({ destination }) => [...receivingSegments(destination, sender), { any: 'rest' as const }])
    return { entity: sender.entity, uri: sender.uri, publish: widest(publish), consume: widest(consume) }
  })
  return { users: users.filter(({ publish, consume }) => publish.length > 0 || consume.length > 0) }
}

function anyOf({ segments, capture }: Destination): AddressPattern {
  return [...segments, ...(capture === undefined ? [] : [{ any: 'one' as const }])]
}

/** The types that are of both. */
function commonType(kind: TypePattern, type: TypePattern): readonly AddressPattern[] {
  const common = commonPattern(typeSegments(kind), typeSegments(type))
  return common === undefined ? [] : [common]
}

/** Segments of a type: brokers split at one character, so a colon stays inside of its segment. */
function typeSegments({ text }: TypePattern): readonly AddressSegment[] {
  return text.split('.').map((segment, index, all): AddressSegment => {
    if (segment === '*') return { any: index === all.length - 1 ? 'rest' : 'one' }
    if (!segment.includes('*')) return segment
    throw new UsageError('ERR_BROKER_PATTERN', `a broker cannot hold a wildcard next to a colon: ${text}`, {
      details: { pattern: text },
      hint: 'name the types, or separate their segments by dots',
    })
  })
}

function receivingSegments(destination: Destination, receiver: Identity): readonly string[] {
  const segments = destinationOf(destination, receiver).split('.')
  if (segments.length === destination.segments.length + (destination.capture === undefined ? 0 : 1)) return segments
  throw badName(segments.slice(destination.segments.length).join('.'), 'has a dot, and names a destination')
}

/** Without those that another one covers. */
function widest(patterns: readonly AddressPattern[]): readonly AddressPattern[] {
  const all = distinct(patterns)
  const open = all.filter((pattern) => pattern.some((segment) => typeof segment !== 'string'))
  return all.filter((pattern) => !open.some((other) => other !== pattern && covers(other, pattern)))
}

function distinct(patterns: readonly AddressPattern[]): readonly AddressPattern[] {
  return [...new Map(patterns.map((pattern) => [formatPattern(pattern), pattern])).values()]
}
