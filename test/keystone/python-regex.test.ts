/** What Python's `re.search` finds: each row was tried in CPython 3.11. */
import { describe, expect, it } from 'vitest'
import { compilePattern, MAX_VALUE_CHARACTERS } from '../../src/keystone/python-regex.js'
import { PythonError, Unsupported } from '../../src/keystone/python-value.js'
import { expectCode } from '../support/expect-code.js'

describe('compilePattern', () => {
  it.each([
    ['admin', 'not-admin-at-all', true],
    ['^a$', 'a\n', true],
    ['^a\\Z', 'a\n', false],
    ['\\Aa', 'ba', false],
    ['a.b', 'a\nb', false],
    ['a.b', 'a\rb', true],
    ['(?s)a.b', 'a\nb', true],
    ['(?i)ADMIN', 'admin', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['^b$', 'a\nb\nc', false],
    ['(?P<x>a)(?P=x)', 'aa', true],
    ['(?P<x>a)(?P=x)', 'ab', false],
    ['a{,2}b', 'aab', true],
    ['^a{,2}b', 'aaab', false],
    ['a{x}', 'a{x}', true],
    ['[]a]', ']', true],
    ['[^]a]', ']', false],
    ['[a-c-]', '-', true],
    ['[\\w-]+@', 'a-b@', true],
    ['\\d', '٣', true],
    ['^\\w+$', 'Straße_9', true],
    ['\\bx\\b', 'é x', true],
    ['\\bx\\b', 'éx', false],
    ['\\s', '\u001c', true],
    ['a(?#comment)b', 'ab', true],
    ['\\.', 'a', false],
    ['[&~|]', '|', true],
    ['\\x41\\u0042\\103', 'ABC', true],
  ])('%s in %j: %s', (pattern, value, expected) => {
    expect(compilePattern(pattern).search(value)).toBe(expected)
  })

  it.each(['(', '[a', '*a', 'a\\', '\\q', '(?P<1>a)', '(?<x>a)', '[z-a]', 'a**', '\\u12', '(?y)'])(
    'refuses %s, as Python does',
    (pattern) => {
      expect(() => compilePattern(pattern)).toThrow(PythonError)
    },
  )

  it.each(['a++', '(?>a)', '(a)?(?(1)b|c)', '(?i:a)', '(?x) a', '\\N{BULLET}'])(
    'knows that it does not know %s',
    (pattern) => {
      expect(() => compilePattern(pattern)).toThrow(Unsupported)
    },
  )

  it('tries no pattern on what is very long', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => compilePattern('a').search('b'.repeat(MAX_VALUE_CHARACTERS + 1)))
    expectCode('ERR_LIMIT_EXCEEDED', () => compilePattern('a'.repeat(1001)))
  })
})
