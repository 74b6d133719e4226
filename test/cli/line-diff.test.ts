import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineDiff } from '../../src/cli/line-diff.js'

describe('lineDiff', () => {
  it.each([
    ['', '', []],
    ['a\nb\n', 'a\nb\n', []],
    ['', 'a\n', ['+a']],
    ['a\n', '', ['-a']],
    ['a\nb\nc\n', 'a\nx\nc\n', ['-b', '+x']],
    ['a\nb\nc\nd\n', 'a\nc\nd\ne\n', ['-b', '+e']],
    ['a\n', 'a\nb\nc\n', ['+b', '+c']],
  ])('%j to %j', (before, after, lines) => {
    expect(lineDiff(before, after)).toEqual(lines)
  })

  it('says of any two texts how many lines went and came', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c')).map((lines) => lines.map((line) => `${line}\n`).join(''))
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = lineDiff(before, after)
        const count = (sign: string): number => lines.filter((line) => line.startsWith(sign)).length
        const length = (of: string): number => of.split('\n').length
        expect(length(before) - count('-') + count('+')).toBe(length(after))
        expect(lines.length === 0).toBe(before === after)
      }),
    )
  })

  it('does not take seconds for texts that have nothing in common', () => {
    const many = (line: string): string => Array.from({ length: 3000 }, (_, index) => `${line}${index}\n`).join('')
    expect(lineDiff(many('a'), many('b'))).toHaveLength(6000)
  })
})
