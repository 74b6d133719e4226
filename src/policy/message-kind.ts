/**
 * The kinds of messages that a policy knows, to look types up in.
 *
 * @module policy/message-kind (floor 6)
 */
import { isMessageType, type TypePattern } from './message-type.js'

/** A kind of message that there is. */
export interface MessageKind {
  readonly pattern: TypePattern
  /** Paths of the fields of its content that rules may name; what is below a field is its own, too. */
  readonly fields: readonly string[]
}

/** The kind that a type is of. */
export function kindOf(kinds: readonly MessageKind[], type: string): MessageKind | undefined {
  if (!isMessageType(type)) return undefined
  const { exact, open } = indexOf(kinds)
  return exact.get(type) ?? open.find(({ pattern }) => pattern.matches(type))
}

/** The kinds of which some types match a pattern. */
export function kindsMatching(kinds: readonly MessageKind[], pattern: TypePattern): readonly MessageKind[] {
  const { exact, open } = indexOf(kinds)
  if (!pattern.isExact) return kinds.filter((kind) => kind.pattern.overlaps(pattern))
  const named = exact.get(pattern.text)
  return [...(named === undefined ? [] : [named]), ...open.filter((kind) => kind.pattern.overlaps(pattern))]
}

interface KindIndex {
  readonly exact: ReadonlyMap<string, MessageKind>
  readonly open: readonly MessageKind[]
}

/** A policy may have as many kinds as rules, and asks for one with each rule and each message. */
const indexes = new WeakMap<readonly MessageKind[], KindIndex>()

function indexOf(kinds: readonly MessageKind[]): KindIndex {
  const known = indexes.get(kinds)
  if (known !== undefined) return known
  const index = {
    exact: new Map(kinds.filter(({ pattern }) => pattern.isExact).map((kind) => [kind.pattern.text, kind])),
    open: kinds.filter(({ pattern }) => !pattern.isExact),
  }
  indexes.set(kinds, index)
  return index
}
