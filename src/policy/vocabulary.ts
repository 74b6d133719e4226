/**
 * What the rules of a policy may name, and what a rule is, however it was written.
 *
 * @module policy/vocabulary (floor 6)
 */
import { isSignetError, UsageError } from '../errors/index.js'
import { formatJsonPath, type JsonPath } from '../json/index.js'
import type { Condition } from './condition.js'
import type { Destinations } from './destination.js'
import { kindsMatching, type MessageKind } from './message-kind.js'
import type { TypePattern } from './message-type.js'

export interface Rule {
  readonly name: string
  readonly effect: 'allow' | 'deny'
  readonly types: readonly TypePattern[]
  /** Types that are others' to decide, though `types` matches them. */
  readonly except: readonly TypePattern[]
  /** Names of declared destinations. */
  readonly destinations: ReadonlySet<string>
  readonly condition: Condition
}

/** What rules may name. */
export interface Vocabulary {
  readonly roles: ReadonlySet<string>
  readonly messages: readonly MessageKind[]
  readonly destinations: Destinations
}

/** Turn what is wrong with a policy into one kind of error. */
export function explained<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!isSignetError(error) || error.code === 'ERR_POLICY_INVALID' || error.category === 'limit') throw error
    throw new UsageError('ERR_POLICY_INVALID', `the policy is not valid: ${error.message}`, {
      details: error.details,
      hint: error.hint ?? HINT,
      cause: error,
    })
  }
}

/** The kinds of messages that some of these patterns match. Each pattern matches one at least. */
export function kindsOf(
  types: readonly TypePattern[],
  { messages }: Pick<Vocabulary, 'messages'>,
  rule: string,
): readonly MessageKind[] {
  const concerned = types.flatMap((type) => {
    const found = kindsMatching(messages, type)
    if (found.length === 0) throw invalid(`the rule ${rule} names a type that no message has: ${type.text}`)
    return found
  })
  return [...new Set(concerned)]
}

/** A field that some of the messages do not have would make the rule one that never holds for them. */
export function requireField(field: JsonPath, kinds: readonly MessageKind[], rule: string): void {
  const path = formatJsonPath(field)
  const without = kinds.find(({ fields }) => !fields.some((known) => path === known || path.startsWith(`${known}.`)))
  if (without === undefined) return
  throw invalid(`the rule ${rule}: messages ${without.pattern.text} have no field ${path}`)
}

const HINT = 'see docs/policy.md'

export function invalid(message: string): UsageError {
  return new UsageError('ERR_POLICY_INVALID', `the policy is not valid: ${message}`, { hint: HINT })
}
