/** What Python's `ast.literal_eval` gives: each row was tried in CPython 3.11. */
import { describe, expect, it } from 'vitest'
import { literalOrText } from '../../src/keystone/python-literal.js'

describe('literalOrText', () => {
  it.each([
    ["['a', 'b']", ['a', 'b']],
    ['["a","b",]', ['a', 'b']],
    ['[]', []],
    ['[ [1], -2, 0x1f, 1_000, 1.5, None, True ]', [[1], -2, 31, 1000, 1.5, null, true]],
    ["['a' 'b', r'\\n', '\\x41\\u00e9\\t']", ['ab', '\\n', 'Aé\t']],
    ["[\n 'a', # first\n 'b'\n]", ['a', 'b']],
    ["  ['a']", ['a']],
    ["'''a\nb'''", 'a\nb'],
    ["('a', 'b')", { kind: 'tuple', items: ['a', 'b'] }],
    ["('a')", 'a'],
    ["{'a': 1}", { kind: 'dict', entries: [['a', 1]] }],
    ["{'a'}", { kind: 'set', items: ['a'] }],
    ["'a', 'b'", { kind: 'tuple', items: ['a', 'b'] }],
    ['{0}', { kind: 'set', items: [0] }],
    ['12', 12],
    ['- -7', 7],
    ['[-1, +-1, --1]', [-1, -1, 1]],
  ])('%j is a literal', (text, expected) => {
    expect(literalOrText(text)).toEqual(expected)
  })

  it.each([
    'abc',
    "['a'",
    "['a'] + ['b']",
    '[a]',
    '007',
    "'a\nb'",
    '',
    'os.system("x")',
    "['a']\nx",
    '[1 2]',
    "{'a': 1, 2}",
  ])('%j is none, and stays the text that it is', (text) => {
    expect(literalOrText(text)).toBe(text)
  })

  it('of a hundred thousand brackets is none', () => {
    const text = '['.repeat(100_000)
    expect(literalOrText(text)).toBe(text)
  })
})
