/**
 * What a role may do by a policy, without asking about a sender or a message in particular: for which types and
 * destinations, and what else would have to hold.
 *
 * @module policy/reach (floor 6)
 */
import { LimitError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { type Condition, formatCondition, holds } from './condition.js'
import type { Destination } from './destination.js'
import type { MessageKind } from './message-kind.js'
import type { TypePattern } from './message-type.js'
import type { Policy } from './policy.js'
import type { Rule } from './vocabulary.js'

/** Ways in which somebody may do something: each a set of checks that must all hold. No way: never. An empty way: always. */
export type Ways = readonly (readonly string[])[]

/** A condition with more ways than that is one check. */
const MAX_WAYS = 64
/** Patterns that cross each other make many pieces of one kind. */
const MAX_PIECES = 10_000

const NEVER: Ways = []
const ALWAYS: Ways = [[]]

/**
 * The ways in which holders of some roles, and of no others, may send some messages of a kind to a destination.
 *
 * What is denied for certain is taken away; what is denied only where something else holds is left, so that the answer
 * never is too narrow. That a role is held in the sender's own scope is no check of a way: that is how roles are held.
 *
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`: patterns that cross each other too often
 */
export function waysOf(policy: Policy, roles: ReadonlySet<string>, kind: MessageKind, destination: Destination): Ways {
  return waysOfPieces(piecesIn(kind.pattern, policy), policy, roles, destination)
}

/** As {@link waysOf}, without messages that are of a narrower kind, too: what holds for them is said there. */
export function waysOfRest(
  policy: Policy,
  roles: ReadonlySet<string>,
  kind: MessageKind,
  destination: Destination,
): Ways {
  const pieces = piecesIn(kind.pattern, policy).filter((piece) => !isOfNarrower(piece, kind, policy))
  return waysOfPieces(pieces, policy, roles, destination)
}

function waysOfPieces(
  pieces: readonly TypePattern[],
  policy: Policy,
  roles: ReadonlySet<string>,
  destination: Destination,
): Ways {
  const ways = pieces.flatMap((piece) => waysBy(policy.rulesFor(piece.text, destination), roles, destination))
  return withoutHomes(ways, roles)
}

/** Whether all messages of a piece are of another kind that is a part of this one. */
function isOfNarrower(piece: TypePattern, kind: MessageKind, { document }: Policy): boolean {
  if (kind.pattern.isExact) return false
  return document.messages.some(
    ({ pattern }) => pattern.includes(piece) && kind.pattern.includes(pattern) && !pattern.includes(kind.pattern),
  )
}

/**
 * Take the types of a pattern apart: no rule and no kind of these policies is about some types of a piece only. A piece
 * stands for the types that match it and no smaller piece.
 *
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function piecesOf(pattern: TypePattern, policies: readonly Policy[]): readonly TypePattern[] {
  if (pattern.isExact) return [pattern]
  const pieces = new Map([[pattern.text, pattern]])
  const others = policies.flatMap(({ patterns }) => patterns).filter((other) => other.overlaps(pattern))
  for (const other of others.filter(({ isExact }) => !isExact)) {
    for (const piece of [...pieces.values()]) {
      const common = piece.common(other)
      if (common !== undefined) pieces.set(common.text, common)
    }
    if (pieces.size > MAX_PIECES) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `the patterns of the policy cross each other in ${pattern.text}`, {
        details: { limit: String(MAX_PIECES), pattern: pattern.text },
        hint: 'name types, or patterns of which one includes the other',
      })
    }
  }
  for (const other of others.filter(({ isExact }) => isExact)) pieces.set(other.text, other)
  return [...pieces.values()]
}

/** Each role and destination asks for the pieces of each kind. */
const known = new WeakMap<Policy, Map<string, readonly TypePattern[]>>()

/** As {@link piecesOf}, for one policy. */
export function piecesIn(pattern: TypePattern, policy: Policy): readonly TypePattern[] {
  const pieces = known.get(policy) ?? new Map<string, readonly TypePattern[]>()
  known.set(policy, pieces)
  const found = pieces.get(pattern.text) ?? piecesOf(pattern, [policy])
  pieces.set(pattern.text, found)
  return found
}

/** The ways in which some rules allow something, without those that others of them deny for certain. */
export function waysBy(rules: readonly Rule[], roles: ReadonlySet<string>, destination: Destination): Ways {
  return beyond(resolvedBy(rules, 'allow', roles, destination), denialsBy(rules, roles, destination))
}

/** The ways in which some rules deny something. */
export function denialsBy(rules: readonly Rule[], roles: ReadonlySet<string>, destination: Destination): Ways {
  return resolvedBy(rules, 'deny', roles, destination)
}

function resolvedBy(
  rules: readonly Rule[],
  effect: Rule['effect'],
  roles: ReadonlySet<string>,
  destination: Destination,
): Ways {
  const wanted = rules.filter((rule) => rule.effect === effect)
  return simplified(wanted.flatMap(({ condition }) => resolved(condition, { roles, destination }, true)))
}

/** Of whom, and where to. */
interface Reaching {
  readonly roles: ReadonlySet<string>
  readonly destination: Destination
}

/** The ways in which a condition comes out as `wanted`. */
function resolved(condition: Condition, reaching: Reaching, wanted: boolean): Ways {
  switch (condition.kind) {
    case 'constant':
      return condition.holds === wanted ? ALWAYS : NEVER
    case 'not':
      return resolved(condition.of, reaching, !wanted)
    case 'and':
    case 'or': {
      const isEither = (condition.kind === 'or') === wanted
      const parts = condition.of.map((part) => resolved(part, reaching, wanted))
      const count = parts.reduce((sum, { length }) => (isEither ? sum + length : sum * length), isEither ? 0 : 1)
      if (count > MAX_WAYS) return [[check(condition, reaching, wanted)]]
      return isEither ? simplified(parts.flat()) : parts.reduce(both, ALWAYS)
    }
    case 'role':
      if (!reaching.roles.has(condition.role)) return wanted ? NEVER : ALWAYS
      return [[check(condition, reaching, wanted)]]
    case 'fact':
    case 'binding':
    case 'field':
    case 'destination':
      return [[check(condition, reaching, wanted)]]
  }
}

/** A condition as one check. Two checks with one text ask for the same, in whichever policies they are. */
function check(condition: Condition, { destination: { scope } }: Reaching, wanted: boolean): string {
  const text = `${wanted ? '' : NOT}${formatCondition(condition)}`
  return scope !== undefined && asksThere(condition) ? `${text} (${scope || '/'})` : text
}

const NOT = 'not '

/** Whether it asks for a role at the destination, which is another check where the destination is elsewhere. */
function asksThere(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.some(asksThere)
  if (condition.kind === 'not') return asksThere(condition.of)
  return condition.kind === 'role' && condition.at.kind === 'destination'
}

function both(a: Ways, b: Ways): Ways {
  const ways = a.flatMap((one) => b.map((other) => [...new Set([...one, ...other])].sort()))
  return simplified(ways.filter((way) => !way.some((text) => way.includes(`${NOT}${text}`))))
}

/** Without those that another way with fewer checks makes needless. */
function simplified(ways: Ways): Ways {
  const distinct = [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()]
  return distinct.filter(
    (way) => !distinct.some((other) => other.length < way.length && other.every((text) => way.includes(text))),
  )
}

/** Ways without the checks that some roles are held where their holders are. */
export function withoutHomes(ways: Ways, roles: ReadonlySet<string>): Ways {
  const homes = new Set([...roles].map((role) => formatCondition({ kind: 'role', role, at: { kind: 'home' } })))
  return simplified(ways.map((way) => way.filter((text) => !homes.has(text))))
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
  return ways.filter((way) => !others.some((other) => other.every((text) => way.includes(text))))
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
