/** What Python's `str.format` gives or raises: each row was tried in CPython 3.11. */
import { describe, expect, it } from 'vitest'
import { format, type Position } from '../../src/keystone/python-format.js'
import { PythonError } from '../../src/keystone/python-value.js'

function outcome(text: string, ...positions: readonly Position[]): string {
  try {
    return format(text, positions)
  } catch (error) {
    if (!(error instanceof PythonError)) throw error
    return `raises ${error.kind}`
  }
}

describe('format', () => {
  it.each([
    ['plain', 'plain'],
    ['{0}', 'abc'],
    ['{0}{0}-{1}', "abcabc-['x', 'y']"],
    ['{} {}', "abc ['x', 'y']"],
    ['{{{0}}}', '{abc}'],
    ['{0[1]}', 'b'],
    ['{1[1]}', 'y'],
    ['{1[1][0]}', 'y'],
    ['{0!r}', "'abc'"],
    ['{1!s:>12}', "  ['x', 'y']"],
    ['{0:>6}', '   abc'],
    ['{0:*^7}', '**abc**'],
    ['{0:06}', 'abc000'],
    ['{0:.2}', 'ab'],
    ['{0:{2}}|', 'abc  |'],
    ['{0.__class__}', "<class 'str'>"],
    ['{1.__class__.__name__}', 'list'],
    ['{3}', 'raises IndexError'],
    ['{0[9]}', 'raises IndexError'],
    ['{0[-1]}', 'raises TypeError'],
    ['{name}', 'raises KeyError'],
    ['{0.upperr}', 'raises AttributeError'],
    ['{', 'raises ValueError'],
    ['}', 'raises ValueError'],
    ['{0', 'raises ValueError'],
    ['{0}{}', 'raises ValueError'],
    ['{0!x}', 'raises ValueError'],
    ['{0:d}', 'raises ValueError'],
    ['{0:=6}', 'raises ValueError'],
    ['{0:+}', 'raises ValueError'],
    ['{1:>6}', 'raises TypeError'],
  ])('%s gives %s', (text, expected) => {
    expect(outcome(text, 'abc', ['x', 'y'], '5')).toBe(expected)
  })

  it('prints texts of lists as Python does', () => {
    expect(outcome('{0}', ["O'Brien", 'x'])).toBe("[\"O'Brien\", 'x']")
    expect(outcome('{0}', [`a'"b`, '\n\\\x00', '\u{a0}é\u{1f600}'])).toBe(
      `['a\\'"b', '\\n\\\\\\x00', '\\xa0é\u{1f600}']`,
    )
    expect(outcome('{0!a}', 'é\u{1f600}')).toBe("'\\xe9\\U0001f600'")
    expect(outcome('{0}', [])).toBe('[]')
  })
})
