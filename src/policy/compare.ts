/**
 * Searching for what a policy allows beyond another one.
 *
 * @module policy/compare (floor 6)
 */
import { type Destination, exampleOf } from './destination.js'
import type { TypePattern } from './message-type.js'
import type { Policy } from './policy.js'
import { beyond, denialsBy, piecesOf, type Ways, waysBy, withoutHomes } from './reach.js'

/** A role that may do more than it might by the baseline. */
export interface Wider {
  readonly role: string
  /** A type, or a pattern: its types but for those that are named besides. */
  readonly type: string
  readonly destination: string
  /** What it can do now and could not: each a set of checks that must hold. Another role is one that it may have, too. */
  readonly ways: Ways
}

/**
 * Find every role that may send more by a policy than by a baseline: a type, a destination, the same with fewer checks,
 * or what was denied to holders of that role or of another one.
 *
 * What a type or destination that the baseline does not know allows is more, too. A policy may be reported as wider
 * though it is not, where conditions say the same in other words or contradict each other. It is never the other way
 * round, unless conditions ask for two roles of one sender: each role is looked at alone. Who receives is not compared.
 *
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`: patterns that cross each other too often
 */
export function findWider(policy: Policy, baseline: Policy): readonly Wider[] {
  const { messages, destinations } = policy.document
  const pieces = new Map(
    messages.flatMap(({ pattern }) => piecesOf(pattern, [policy, baseline])).map((piece) => [piece.text, piece]),
  )
  const places = destinations.all.map((place) => [place, placesBefore(place, policy, baseline)] as const)
  return [...pieces.values()].flatMap((piece) =>
    places.flatMap(([place, before]) => widerAt(piece, place, before, policy, baseline)),
  )
}

/**
 * Where messages to a destination went by the baseline; `undefined` for nowhere. A destination of one name may have taken
 * what another one takes now.
 */
function placesBefore(place: Destination, policy: Policy, baseline: Policy): readonly (Destination | undefined)[] {
  const all = [...policy.document.destinations.all, ...baseline.document.destinations.all]
  const names = new Set(all.filter(({ capture }) => capture === undefined).map(({ name }) => name))
  const others = baseline.document.destinations.all.filter(
    (other) => other.name !== place.name && policy.destinationOf(exampleOf(other, names)) === place,
  )
  return [baseline.document.destinations.named(place.name), ...others]
}

function widerAt(
  piece: TypePattern,
  place: Destination,
  before: readonly (Destination | undefined)[],
  policy: Policy,
  baseline: Policy,
): readonly Wider[] {
  const rules = policy.rulesFor(piece.text, place)
  if (rules.length === 0) return []
  const isKnown = baseline.document.messages.some(({ pattern }) => pattern.includes(piece))
  const rulesBefore = before.map((other) => ({
    place: other ?? place,
    rules: other !== undefined && isKnown ? baseline.rulesFor(piece.text, other) : [],
  }))
  const roles = [...new Set([...policy.document.roles, ...baseline.document.roles])]
  // Somebody who has a role that may, and another one that was denied it, may more.
  const lifted = roles.flatMap((role) => {
    const now = denialsBy(rules, new Set([role]), place)
    return rulesBefore.flatMap((past) => beyond(denialsBy(past.rules, new Set([role]), past.place), now))
  })
  return roles.flatMap((role): readonly Wider[] => {
    const holder = new Set([role])
    const now = waysBy(rules, holder, place)
    if (now.length === 0) return []
    const more = rulesBefore.flatMap((past) => beyond(now, waysBy(past.rules, holder, past.place)))
    const ways = withoutHomes([...more, ...lifted], holder)
    return ways.length === 0 ? [] : [{ role, type: piece.text, destination: place.name, ways }]
  })
}
