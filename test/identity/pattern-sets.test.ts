import { describe, expect, it } from 'vitest'
import { type NameSyntax, Pattern } from '../../src/identity/pattern.js'
import { patternIncludes, patternsOverlap } from '../../src/identity/pattern-sets.js'

const SYNTAX: NameSyntax = { split: (text) => text.split('/') }

/** Every name of up to five components: two that patterns name, one that they do not, and one that is no segment. */
const NAMES = [1, 2, 3, 4, 5].flatMap((length) => wordsOf(['a', 'b', 'z', '-'], length))

function wordsOf(letters: readonly string[], length: number): readonly (readonly string[])[] {
  if (length === 0) return [[]]
  return wordsOf(letters, length - 1).flatMap((word) => letters.map((letter) => [...word, letter]))
}

/** Every pattern of up to three parts. */
const PATTERNS = [1, 2, 3]
  .flatMap((length) => wordsOf(['a', 'b', '-', 'ONE', '{scope...}'], length))
  .filter((parts) => parts.filter((part) => part === '{scope...}').length < 2)
  .map((parts) => {
    const captures = ['{service}', '{node}', '{entity}']
    return new Pattern(parts.map((part) => (part === 'ONE' ? captures.pop() : part)).join('/'), SYNTAX)
  })

const TAKEN = PATTERNS.map((pattern) => NAMES.map((name) => pattern.match(name) !== undefined))

describe('patternIncludes, patternsOverlap: exact, for every two patterns of a small world', () => {
  it('has a world that is worth asking', () => {
    expect(PATTERNS.length).toBeGreaterThan(130)
    expect(TAKEN.every((taken) => taken.includes(true))).toBe(true)
  })

  it.each(PATTERNS.map((pattern, index) => [pattern.text, index] as const))('%s', (_text, index) => {
    const [pattern, taken] = [PATTERNS[index], TAKEN[index] ?? []]
    if (pattern === undefined) throw new Error('there is one')
    for (const [at, other] of PATTERNS.entries()) {
      const others = TAKEN[at] ?? []
      const includes = others.every((isTaken, name) => !isTaken || taken[name] === true)
      const overlaps = others.some((isTaken, name) => isTaken && taken[name] === true)
      const common = patternsOverlap(pattern, other)
      expect([other.text, patternIncludes(pattern, other)]).toEqual([other.text, includes])
      expect([other.text, common !== undefined]).toEqual([other.text, overlaps])
      if (common !== undefined) {
        expect(pattern.match(common)).toBeDefined()
        expect(other.match(common)).toBeDefined()
      }
    }
  })

  it('ID-16: looks at a number of lengths that the patterns bound', () => {
    const long = (letter: string): Pattern => new Pattern(`${`${letter}/`.repeat(500)}{scope...}`, SYNTAX)
    expect(patternIncludes(long('a'), long('a'))).toBe(true)
    expect(patternIncludes(long('a'), long('b'))).toBe(false)
    expect(patternsOverlap(long('a'), new Pattern('{scope...}/b', SYNTAX))).toHaveLength(501)
  })
})
