/** What Python's `ast.literal_eval` makes of left sides: each row was tried in CPython 3.11. */
import { describe, expect, it } from 'vitest'
import { parseLeft } from '../../src/oslo/left.js'
import { OsloRaise, OsloUnsupported } from '../../src/oslo/value.js'

function outcome(text: string): string {
  try {
    const left = parseLeft(text)
    return left.is === 'path' ? `path ${left.segments.join(' ')}` : left.text
  } catch (error) {
    if (error instanceof OsloRaise) return `raises ${error.kind}`
    if (error instanceof OsloUnsupported) return 'unsupported'
    throw error
  }
}

describe('parseLeft', () => {
  it.each([
    ["'text'", 'text'],
    [`"it's"`, "it's"],
    ["'a''b'", 'ab'],
    ["'''a'b'''", "a'b"],
    [String.raw`'\x41\u00e9\101\t\q'`, 'Aé\x41\t\\q'],
    [String.raw`r'\x41'`, '\\x41'],
    ["u'a'", 'a'],
    ['True', 'True'],
    ['None', 'None'],
    ['7', '7'],
    ['-7', '-7'],
    ['-0', '0'],
    ['-0.0', '-0.0'],
    ['+(1)', '1'],
    ['0x1F', '31'],
    ['1_000', '1000'],
    ['00', '0'],
    ['007.50', '7.5'],
    ['1.', '1.0'],
    ['.5e-7', '5e-08'],
    ['1e15', '1000000000000000.0'],
    ['1e16', '1e+16'],
    ['1e400', 'inf'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ["[1,'a',None,(2,),()]", "[1, 'a', None, (2,), ()]"],
    ['1,', '(1,)'],
    ['{}', '{}'],
    ['{1}', '{1}'],
    ['set()', 'set()'],
    ['1#comment', '1'],
  ])('%s is the literal %s', (text, expected) => {
    expect(outcome(text)).toBe(expected)
  })

  it.each([
    'user',
    'user.id',
    'user-id',
    'user/id',
    'a.b[0].c',
    'f(x)(y,)',
    'a<b',
    'not(a)',
    '1+1',
    '--1',
    '-True',
    '~1',
    'a#b',
    'é',
    '[a]',
    "-'a'",
    '1..real',
    'await(x)',
    'set(1)',
    'a not in b',
    'a is not b',
  ])('%s is a path', (text) => {
    expect(outcome(text)).toBe(`path ${text.split('.').join(' ')}`)
  })

  it.each([
    '',
    '#',
    'a..b',
    '.a',
    'a.',
    'a.1',
    'a.None',
    'class',
    'user.from',
    '1a',
    '1.real',
    '007',
    '1__0',
    'a b',
    'a=b',
    'a?',
    'a²',
    '€',
    '$a',
    '[a',
    'a)',
    '[,]',
    'a[]',
    'f(,)',
    "'a",
    "'a'b",
    String.raw`'\x4'`,
    String.raw`'\U00110000'`,
    'a<>b',
    '*a',
    'a~b',
    'a==not(b)',
    'a not b',
    'lambda',
  ])('%s is no expression', (text) => {
    expect(outcome(text)).toBe('raises SyntaxError')
  })

  it.each(['{[]}', '{{}}', '[{set()}]', '{([],)}'])('%s cannot be hashed', (text) => {
    expect(outcome(text)).toBe('raises TypeError')
  })

  it.each([
    "b''",
    "f'{a}'",
    '1j',
    '...',
    '{1,2}',
    'a if b else c',
    '[(a)for(a)in(b)]',
    'f(a=b)',
    'f(*a)',
    '(yield)',
    '1if(a)else(b)',
    String.raw`'\N{DASH}'`,
    String.raw`'\ud800'`,
    'a\nb',
    '('.repeat(51),
    '-'.repeat(201),
    '1'.repeat(4001),
  ])('%s is left to Python', (text) => {
    expect(outcome(text)).toBe('unsupported')
  })
})
