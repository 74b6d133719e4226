/**
 * What a role may do by a policy, without asking about a sender or a message in particular: for which types and
 * destinations, and what else would have to hold.
 *
 * @module policy/reach (floor 6)
 */
import type { Identity } from '../identity/index.js'
import { type Condition, formatCondition, formatPlace, holds } from './condition.js'
import type { Destination } from './destination.js'
import type { MessageKind } from './vocabulary.js'
import type { TypePattern } from './message-type.js'
import type { Policy } from './policy.js'

/** Ways in which somebody may do something: each a set of checks that must all hold. No way: never. An empty way: always. */
export type Ways = readonly (readonly string[])[]

/** More ways than that are one: always. Nothing becomes narrower by it. */
const MAX_WAYS = 64

const NEVER: Ways = []
const ALWAYS: Ways = [[]]

/**
 * The ways in which holders of some roles, and of no others, may send messages of a kind to a destination.
 *
 * What is denied for certain is taken away; what is denied only where something else holds is left, so that the answer
 * never is too narrow.
 */
export function waysOf(policy: Policy, roles: ReadonlySet<string>, kind: MessageKind, destination: Destination): Ways {
  let ways: Ways = NEVER
  for (const rule of policy.document.rules) {
    if (!rule.destinations.has(destination.name)) continue
    if (!rule.types.some((type) => type.overlaps(kind.pattern) && !isOfNarrower(type, kind, policy))) continue
    if (rule.except.some((pattern) => pattern.includes(kind.pattern))) continue
    if (rule.effect === 'allow') ways = either(ways, resolved(rule.condition, roles, true))
    else if (
      rule.types.some((type) => type.includes(kind.pattern)) &&
      isAlways(resolved(rule.condition, roles, true))
    ) {
      return NEVER
    }
  }
  return ways
}

/** Whether all messages of a type are of another kind that is a part of this one: what holds for them is said there. */
function isOfNarrower(type: TypePattern, kind: MessageKind, { document }: Policy): boolean {
  if (kind.pattern.isExact) return false
  return document.messages.some(
    ({ pattern }) => pattern.includes(type) && kind.pattern.includes(pattern) && !pattern.includes(kind.pattern),
  )
}

/** The ways in which a condition comes out as `wanted` for holders of these roles. */
function resolved(condition: Condition, roles: ReadonlySet<string>, wanted: boolean): Ways {
  switch (condition.kind) {
    case 'constant':
      return condition.holds === wanted ? ALWAYS : NEVER
    case 'not':
      return resolved(condition.of, roles, !wanted)
    case 'and':
    case 'or': {
      const isEither = (condition.kind === 'or') === wanted
      return condition.of
        .map((part) => resolved(part, roles, wanted))
        .reduce(isEither ? either : both, isEither ? NEVER : ALWAYS)
    }
    case 'role': {
      if (!roles.has(condition.role)) return wanted ? NEVER : ALWAYS
      if (condition.at.kind === 'home') return wanted ? ALWAYS : NEVER
      return [[`${wanted ? '' : 'not '}role ${condition.role}${formatPlace(condition.at)}`]]
    }
    case 'fact':
    case 'binding':
    case 'field':
    case 'destination':
      return [[`${wanted ? '' : 'not '}${formatCondition(condition)}`]]
  }
}

function either(a: Ways, b: Ways): Ways {
  return simplified([...a, ...b])
}

function both(a: Ways, b: Ways): Ways {
  if (a.length * b.length > MAX_WAYS) return ALWAYS
  return simplified(a.flatMap((one) => b.map((other) => [...new Set([...one, ...other])].sort())))
}

/** Without those that another way with fewer checks makes needless. */
function simplified(ways: Ways): Ways {
  if (ways.length > MAX_WAYS) return ALWAYS
  return ways.filter(
    (way, index) =>
      !ways.some(
        (other, place) =>
          place !== index &&
          other.every((check) => way.includes(check)) &&
          (other.length < way.length || place < index),
      ),
  )
}

export function isAlways(ways: Ways): boolean {
  return ways.some((way) => way.length === 0)
}

/** Whether roles suffice, wherever they must be held: nothing else is asked of the message or its sender. */
export function isByRole(ways: Ways): boolean {
  return ways.some((way) => way.every((check) => /^(?:not )?role /.test(check)))
}

/** The ways of `ways` that are not among those of `others`, nor stricter than one of them. */
export function beyond(ways: Ways, others: Ways): Ways {
  return ways.filter((way) => !others.some((other) => other.every((check) => way.includes(check))))
}

/**
 * What somebody might be allowed to send to a destination: no check that is about the sender alone speaks against it.
 *
 * @returns Kinds of messages, each with the types by which a rule allows it: what is of both might be sent.
 */
export function mightSend(
  policy: Policy,
  sender: Identity,
  destination: Destination,
): readonly { readonly kind: TypePattern; readonly type: TypePattern }[] {
  const subject = {
    identity: sender,
    scope: destination.scope,
    destination: destination.capture === undefined ? destination.name : undefined,
    content: undefined,
  }
  const about = policy.document.rules.filter(({ destinations }) => destinations.has(destination.name))
  const denied = about
    .filter(({ effect, condition }) => effect === 'deny' && holds(condition, subject) === true)
    .flatMap(({ types }) => types)
  const allowed = about
    .filter(({ effect, condition }) => effect === 'allow' && holds(condition, subject) !== false)
    .flatMap(({ types }) => types)
  return policy.document.messages.flatMap(({ pattern: kind }) =>
    allowed
      .filter((type) => type.overlaps(kind))
      .filter((type) => !denied.some((other) => other.includes(type) || other.includes(kind)))
      .map((type) => ({ kind, type })),
  )
}
