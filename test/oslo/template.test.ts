/** What Python's `text % target` gives or raises: each row was tried in CPython 3.11. */
import { describe, expect, it } from 'vitest'
import { fillTemplate } from '../../src/oslo/template.js'
import { OsloFloat, OsloRaise, type OsloRecord, OsloUnsupported, reprOf } from '../../src/oslo/value.js'

const TARGET: OsloRecord = {
  a: 'x',
  n: 5,
  neg: -255,
  big: 2n ** 70n,
  b: true,
  f: 1.5,
  z: null,
  l: [1, 'q'],
  u: 'é\n',
  '': 'empty',
  'p(q)': 'nested',
  inf: Infinity,
  nan: NaN,
}

function outcome(text: string, target = TARGET): string {
  try {
    return fillTemplate(text, target) ?? 'no such key'
  } catch (error) {
    if (error instanceof OsloRaise) return `raises ${error.kind}`
    if (error instanceof OsloUnsupported) return 'unsupported'
    throw error
  }
}

describe('fillTemplate', () => {
  it.each([
    ['plain', 'plain'],
    ['%%', '%'],
    ['%(a)s-%(n)s', 'x-5'],
    ['%()s', 'empty'],
    ['%(p(q))s', 'nested'],
    ['%(b)s %(z)s %(f)s %(l)s', "True None 1.5 [1, 'q']"],
    ['%(u)r', "'é\\n'"],
    ['%(u)a', "'\\xe9\\n'"],
    ['%(a)5s|%(a)-5s|%(l).3s', '    x|x    |[1,'],
    ['%(n)03d|%(n)+d|%(n) d|%(n)-3d|', '005|+5| 5|5  |'],
    ['%(neg)x %(neg)#X %(neg)#o %(neg)#010x', '-ff -0XFF -0o377 -0x00000ff'],
    ['%(neg)08.5d %(n)#8.5x', '-0000255  0x00005'],
    ['%(f)d %(b)i %(b)x %(big)u', '1 1 1 1180591620717411303424'],
    ['%(a)c%(n)lc%(b)c', 'x\x05\x01'],
    ['%(a)08s', '       x'],
  ])('%s gives %s', (text, expected) => {
    expect(outcome(text)).toBe(expected)
  })

  it('gives the whole target once', () => {
    const target = { a: "it's", b: new OsloFloat(1) }
    expect(outcome('%s', target)).toBe(`{'a': "it's", 'b': 1.0}`)
    expect(outcome('%s%(a)s', target)).toMatch(/it's$/)
    expect(outcome('%(a)s%s', target)).toBe('raises TypeError')
  })

  it.each([
    ['%(no)s', 'no such key'],
    ['%(no)q', 'no such key'],
    ['%(no)', 'no such key'],
    ['%(constructor)s', 'no such key'],
    ['%(a', 'raises ValueError'],
    ['%(a)', 'raises ValueError'],
    ['%(a).5', 'raises ValueError'],
    ['%', 'raises ValueError'],
    ['%(a)q', 'raises ValueError'],
    ['%(a)%', 'raises ValueError'],
    ['%(n)lld', 'raises ValueError'],
    ['%(n)99999999999999999999d', 'raises ValueError'],
    ['%(n).9999999999d', 'raises ValueError'],
    ['%(nan)d', 'raises ValueError'],
    ['%(inf)d', 'raises OverflowError'],
    ['%(a)d', 'raises TypeError'],
    ['%(f)x', 'raises TypeError'],
    ['%(u)c', 'raises TypeError'],
    ['%(f)c', 'raises TypeError'],
    ['%(l)c', 'raises TypeError'],
    ['%(neg)c', 'raises OverflowError'],
    ['%s%s', 'raises TypeError'],
    ['%(f)e', 'unsupported'],
    ['%(n)*d', 'unsupported'],
  ])('%s: %s', (text, expected) => {
    expect(outcome(text)).toBe(expected)
  })
})

describe('reprOf', () => {
  it.each([
    [0.1, '0.1'],
    [1e-4, '0.0001'],
    [1.25e-5, '1.25e-05'],
    [-123456.75, '-123456.75'],
    [new OsloFloat(-0), '-0.0'],
    [new OsloFloat(1e15), '1000000000000000.0'],
    [new OsloFloat(1e100), '1e+100'],
    [new OsloFloat(NaN), 'nan'],
    [-Infinity, '-inf'],
    [-0, '0'],
    [1e21, '1000000000000000000000'],
    [`'"\\\u00a0\u200b😀\ue000\u{10ffff}`, String.raw`'\'"\\\xa0\u200b😀\ue000\U0010ffff'`],
    [{ a: [true, { '': null }] }, "{'a': [True, {'': None}]}"],
  ])('of %j is %s', (value, expected) => {
    expect(reprOf(value)).toBe(expected)
  })
})
