/**
 * Searching for what a policy allows beyond another one.
 *
 * @module policy/compare (floor 6)
 */
import type { Destination } from './destination.js'
import type { MessageKind } from './vocabulary.js'
import type { Policy } from './policy.js'
import { beyond, type Ways, waysOf } from './reach.js'

/** A role that may do more than it might by the baseline. */
export interface Wider {
  readonly role: string
  readonly type: string
  readonly destination: string
  /** What it can do now and could not: each a set of checks that must hold. */
  readonly ways: Ways
}

/**
 * Find every role that may send more by a policy than by a baseline: a type, a destination, or the same with fewer
 * checks.
 *
 * Each role is looked at alone. What a type or destination that the baseline does not know allows is more, too. A policy
 * of conditions that contradict each other may be reported as wider though it is not; it is never the other way round.
 */
export function findWider(policy: Policy, baseline: Policy): readonly Wider[] {
  const { roles, messages, destinations } = policy.document
  const wider: Wider[] = []
  for (const role of roles) {
    const holder = new Set([role])
    for (const kind of messages) {
      for (const destination of destinations.all) {
        const now = waysOf(policy, holder, kind, destination)
        if (now.length === 0) continue
        const ways = beyond(now, waysBefore(baseline, holder, kind, destination))
        if (ways.length > 0) wider.push({ role, type: kind.pattern.text, destination: destination.name, ways })
      }
    }
  }
  return wider
}

/** A kind of the policy may be several of the baseline: what all of these allow was allowed. */
function waysBefore(baseline: Policy, holder: ReadonlySet<string>, kind: MessageKind, destination: Destination): Ways {
  const { messages, destinations } = baseline.document
  const known = destinations.all.find(({ name }) => name === destination.name)
  const whole = messages.find(({ pattern }) => pattern.includes(kind.pattern))
  if (known === undefined || whole === undefined) return []
  return waysOf(baseline, holder, kind, known)
}
