import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/json/index.js'
import { MAX_YAML_CHARACTERS, MAX_YAML_DEPTH, parseYaml } from '../../src/yaml/index.js'
import { expectCode } from '../support/expect-code.js'

const parse = (text: string): JsonValue => parseYaml(text, 'the text')

describe('parseYaml: what it reads', () => {
  it.each<[string, JsonValue]>([
    ['', null],
    ['# nothing\n', null],
    ['a: 1', { a: 1 }],
    ['---\na: 1\n...\n', { a: 1 }],
    ['- a\n- [b, "c", \'d\']\n', ['a', ['b', 'c', 'd']]],
    ['{"a": [1, {"b": null}], "c": "\\u00e9"}', { a: [1, { b: null }], c: 'é' }],
    ['{ a, b: c }', { a: null, b: 'c' }],
    ['a: |\n  x\n  y\nb: >\n  x\n  y\n', { a: 'x\ny\n', b: 'x y\n' }],
    ['a: # comment\n  - b # comment\n', { a: ['b'] }],
    ['"a b": "%x"', { 'a b': '%x' }],
    ['a: |\n  %x\n', { a: '%x\n' }],
    ['---\na: "x\n  %y"', { a: 'x %y' }],
  ])('reads %j', (text, value) => {
    expect(parse(text)).toEqual(value)
  })

  it.each<[string, JsonValue]>([
    ['true', true],
    ['yes', 'yes'],
    ['on', 'on'],
    ['no', 'no'],
    ['~', null],
    ['1.5', 1.5],
    ['1e3', 1000],
    ['1_000', '1_000'],
    ['017', 17],
    ['0o17', 15],
    ['0x1f', 31],
    ['12:30:45', '12:30:45'],
    ['2027-01-01', '2027-01-01'],
    ['2027-01-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['"1"', '1'],
  ])('takes %s for what YAML 1.2 says it is', (text, value) => {
    expect(parse(`a: ${text}`)).toEqual({ a: value })
  })

  it.each(['__proto__', 'constructor', 'toString'])('ID-19: keeps the key %s as an own member', (key) => {
    const value = parse(`${key}: { admin: true }`) as Record<string, unknown>
    expect(Object.keys(value)).toEqual([key])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect('admin' in {}).toBe(false)
  })
})

describe('parseYaml: what it refuses', () => {
  it.each([
    ['a key twice', 'a: 1\nb: 2\na: 3', 3],
    ['a key twice in braces', '{ a: 1,\n a: 1 }', 2],
    ['a key twice, once quoted', 'a: 1\n"a": 2', 2],
    ['a key twice, once escaped', '"\\u0061": 1\na: 2', 2],
    ['a key twice, further in', 'x:\n  - y:\n      a: 1\n      a: 2', 4],
    ['__proto__ twice', '__proto__: 1\n__proto__: 2', 2],
    ['an anchor', 'a: &x 1', 1],
    ['an anchor on a list', 'a:\n  &x [1]', 2],
    ['an alias', 'a: &x 1\nb: *x', 1],
    ['an alias of nothing', 'b: *x', 1],
    ['an alias as a key', '*x : 1', 1],
    ['a merge key', 'a: 1\n<<: { b: 2 }', 2],
    ['a tag', 'a: !secret b', 1],
    ['a tag of the core schema', 'a: !!str 7', 1],
    ['a tag of YAML 1.1', 'a: !!timestamp 2027-01-01', 1],
    ['a tag on a map', 'a:\n  !!map { b: 1 }', 2],
    ['a tag on a key', '!!str a: 1', 1],
    ['the tag that says nothing', 'a: ! 12', 1],
    ['a verbatim tag', 'a: !<tag:yaml.org,2002:str> 7', 1],
    ['two documents', 'a: 1\n---\nb: 2', 2],
    ['a second document of comments', 'a: 1\n---\n# b', 2],
    ['a document after the end', 'a: 1\n...\n---\nb: 2', 3],
    ['a directive', '%YAML 1.1\n---\na: yes', 1],
    ['a directive of YAML 1.2', '%YAML 1.2\n---\na: yes', 1],
    ['a tag directive', '%TAG ! tag:example,2000:\n---\na: b', 1],
    ['an unknown directive', '%FOO bar\n---\na: b', 1],
    ['a byte order mark', '\ufeffa: 1', 1],
    ['a key that is a number', '1: a', 1],
    ['a key that is null', '~: a', 1],
    ['a key that is a list', '[a]: b', 1],
    ['a key that is a map', '? { a: 1 }\n: b', 1],
    ['infinity', 'a: .inf', 1],
    ['what is no number', 'a: .NaN', 1],
    ['a number that would be rounded', 'a: 9007199254740993', 1],
    ['a number without end', 'a: 1e999', 1],
    ['a tab that indents', 'a:\n\tb: 1', 2],
    ['a text that is not closed', 'a: 1\nb: "c', 2],
    ['a list that is not closed', 'a: [b', 1],
    ['two values', 'a: b: c', 1],
    ['an escape that is none', 'a: "\\q"', 1],
  ])('%s, and says in which line', (_claim, text, line) => {
    const error = expectCode('ERR_YAML_MALFORMED', () => parse(text))
    expect(error.exitCode).toBe(3)
    expect(error.message).toMatch(/^the text is not valid YAML: [^\n]+\(line \d+\)$/)
    expect(error.details['line']).toBe(String(line))
  })

  it('what is nested deeper than JSON may be, and no shallower', () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}1${']'.repeat(levels)}`
    expect(parse(nested(MAX_YAML_DEPTH))).toBeDefined()
    for (const levels of [MAX_YAML_DEPTH + 1, 1000, 100_000]) {
      expect(expectCode('ERR_YAML_MALFORMED', () => parse(nested(levels))).message).toContain('nested')
    }
    expectCode('ERR_YAML_MALFORMED', () => parse('- '.repeat(100_000)))
  })

  it('a text that is too long, before it is read', () => {
    expect(parseYaml('a: 1', 'the text', 4)).toEqual({ a: 1 })
    expectCode('ERR_LIMIT_EXCEEDED', () => parseYaml('a: 12', 'the text', 4))
    expectCode('ERR_LIMIT_EXCEEDED', () => parse(`# ${'x'.repeat(MAX_YAML_CHARACTERS)}`))
  })

  it('aliases that would grow without end', () => {
    const lines = ['a0: &a0 [x, x]']
    for (let level = 1; level < 30; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`)
    expectCode('ERR_YAML_MALFORMED', () => parse(lines.join('\n')))
  })

  it('nothing of a text with as many keys as it can have', () => {
    const text = Array.from({ length: 26_000 }, (_, index) => `k${String(index).padStart(5, '0')}: 1`).join('\n')
    expect(Object.keys(parse(text) as object)).toHaveLength(26_000)
  })
})

describe('parseYaml: nesting', () => {
  it('refuses what is nested deeper than the stack of the library', () => {
    expectCode('ERR_YAML_MALFORMED', () => parseYaml(`a:\n ${'- '.repeat(20_000)}x`, 'the text'))
  })
})
