/**
 * Questions about all the names that a pattern takes. The answers are exact: a literal takes one component, a capture
 * every segment, and only the capture of a rest makes names of different lengths.
 *
 * @module identity/pattern-sets (floor 5)
 */
import { isSegment } from './identity-uri.js'
import type { Components, Part, Pattern } from './pattern.js'

/** What one position may hold: this text, or any segment. */
type Slot = string | undefined

/**
 * Whether one pattern takes every name that another one takes. Both are of one syntax.
 *
 * Where the rest of either is longer than both patterns, one component more changes nothing: so many lengths are looked at.
 */
export function patternIncludes(wide: Pattern, narrow: Pattern): boolean {
  if (wide.rest === -1 && narrow.rest === -1) {
    const { parts } = wide
    return (
      parts.length === narrow.parts.length &&
      narrow.parts.every((part, index) => includes(slotOf(parts[index]), slotOf(part)))
    )
  }
  for (const length of lengths(narrow, wide)) {
    const slots = slotsOf(narrow, length)
    const taken = slotsOf(wide, length)
    if (slots === undefined) continue
    if (taken === undefined || !slots.every((slot, index) => includes(taken[index], slot))) return false
  }
  return true
}

/** A name that both patterns take, if there is one. Both are of one syntax. */
export function patternsOverlap(a: Pattern, b: Pattern): Components | undefined {
  for (const length of lengths(a, b)) {
    const [slots, others] = [slotsOf(a, length), slotsOf(b, length)]
    if (slots === undefined || others === undefined) continue
    const common = slots.map((slot, index) => shared(slot, others[index]))
    if (common.every((component) => component !== undefined)) return common
  }
  return undefined
}

/** The lengths of names of `a` that have to be looked at: up to where a rest is longer than either pattern. */
function lengths(a: Pattern, b: Pattern): readonly number[] {
  if (a.rest === -1) return [a.parts.length]
  const least = a.parts.length - 1
  return Array.from({ length: b.parts.length + 2 }, (_, more) => least + more)
}

/** What each position of a name of this length may hold; `undefined` if there is no such name. */
function slotsOf({ parts, rest }: Pattern, length: number): readonly Slot[] | undefined {
  const spare = length - parts.length
  if (length === 0 || (rest === -1 ? spare !== 0 : spare < -1)) return undefined
  if (rest === -1) return parts.map(slotOf)
  const between = Array.from({ length: spare + 1 }, () => undefined)
  return [...parts.slice(0, rest).map(slotOf), ...between, ...parts.slice(rest + 1).map(slotOf)]
}

function slotOf(part: Part | undefined): Slot {
  return part !== undefined && 'literal' in part ? part.literal : undefined
}

function includes(wide: Slot, narrow: Slot): boolean {
  if (wide !== undefined) return wide === narrow
  return narrow === undefined || isSegment(narrow)
}

function shared(a: Slot, b: Slot): string | undefined {
  if (a === undefined && b === undefined) return 'x'
  if (a !== undefined && b !== undefined) return a === b ? a : undefined
  const literal = a ?? b
  return literal !== undefined && isSegment(literal) ? literal : undefined
}
