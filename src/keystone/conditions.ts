/**
 * Whether a rule of a Keystone mapping applies, and with which values: the entries of `remote`, in order.
 *
 * @module keystone/conditions (floor 5.1)
 */
import type { Attributes } from './assertion.js'
import type { Condition, JsonValue, Requirement } from './document.js'
import { PythonError } from './python-value.js'
import { compilePattern, type PythonPattern } from './python-regex.js'

/** The values that a rule hands on, by position. */
export type Positions = readonly (readonly string[])[]

/** Compiles each pattern once. */
export class Patterns {
  readonly #compiled = new Map<string, PythonPattern>()

  search(pattern: JsonValue, value: string): boolean {
    if (typeof pattern !== 'string')
      throw new PythonError('TypeError', 'first argument must be string or compiled pattern')
    let compiled = this.#compiled.get(pattern)
    if (compiled === undefined) this.#compiled.set(pattern, (compiled = compilePattern(pattern)))
    return compiled.search(value)
  }
}

/**
 * Check the entries of one rule.
 *
 * @returns The positions that plain entries, whitelists and blacklists make; nothing where the rule does not apply.
 * @throws {@link PythonError} where Keystone's engine raises
 */
export function positionsOf(
  requirements: readonly Requirement[],
  attributes: Attributes,
  patterns: Patterns,
): Positions | undefined {
  const positions: (readonly string[])[] = []
  for (const { type, condition } of requirements) {
    // Also for not_any_of: who does not have the attribute at all is not let through.
    const values = attributes.get(type)
    if (values === undefined) return undefined
    if (condition === undefined) {
      positions.push(values)
      continue
    }
    const matching = matchesOf(condition, values, patterns)
    if (condition.kind === 'any_one_of') {
      if (matching.length === 0) return undefined
    } else if (condition.kind === 'not_any_of') {
      if (matching.length > 0) return undefined
    } else if (condition.kind === 'whitelist') positions.push(condition.regex ? matching : distinct(matching))
    else positions.push(distinct(values.filter((value) => !matching.includes(value))))
  }
  return positions
}

function matchesOf(
  { values: wanted, regex }: Condition,
  values: readonly string[],
  patterns: Patterns,
): readonly string[] {
  if (regex) return values.filter((value) => wanted.some((pattern) => patterns.search(pattern, value)))
  // Python makes a set of them, which takes no lists and no objects.
  if (wanted.some((value) => typeof value === 'object' && value !== null)) {
    throw new PythonError('TypeError', 'unhashable type')
  }
  return values.filter((value) => wanted.includes(value))
}

/** In the order of the attribute; Python's sets have none. */
function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)]
}
