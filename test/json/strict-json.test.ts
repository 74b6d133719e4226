import { describe, expect, it } from 'vitest'
import { jsonAt, type JsonValue, parseJsonPath, parseStrictJson, requireKeys } from '../../src/json/index.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

describe('parseStrictJson', () => {
  it.each<[string, JsonValue]>([
    ['null', null],
    ['true', true],
    [' 1.5e3 ', 1500],
    ['"a\\u0062c"', 'abc'],
    ['[]', []],
    ['[1,[2,{"a":[]}]]', [1, [2, { a: [] }]]],
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', { a: 1, b: { a: 2 }, c: [{ a: 3 }, { a: 4 }] }],
    ['{"a":"a","b":"a"}', { a: 'a', b: 'a' }],
    ['{"a":"b:","b":"{\\"a\\":1,\\"a\\":2}"}', { a: 'b:', b: '{"a":1,"a":2}' }],
    ['{"a":"\\\\","b":"\\\\\\""}', { a: '\\', b: '\\"' }],
    ['{"":0," ":1}', { '': 0, ' ': 1 }],
    ['{"a":1,"A":2}', { a: 1, A: 2 }],
    ['{"é":1,"e\\u0301":2}', { é: 1, 'e\u0301': 2 }],
  ])('reads %s', (text, value) => {
    expect(parseStrictJson(text)).toEqual(value)
  })

  it.each([
    ['at the top', '{"a":1,"a":2}'],
    ['with the same value', '{"a":1,"a":1}'],
    ['with others between', '{"a":1,"b":2,"c":3,"a":4}'],
    ['inside another object', '{"x":{"a":1,"a":2}}'],
    ['inside an array', '[{"a":1,"a":2}]'],
    ['after an object inside', '{"a":{"b":1},"a":2}'],
    ['after an array inside', '{"a":[{"a":1}],"a":2}'],
    ['once escaped', '{"a":1,"\\u0061":2}'],
    ['escaped in two ways', '{"\\u006a":1,"\\u006A":2}'],
    ['with an escaped slash', '{"a/b":1,"a\\/b":2}'],
    ['with a pair of surrogates', '{"\\ud83d\\ude00":1,"😀":2}'],
    ['with spaces before the colon', '{"a" : 1, "a"\n:2}'],
    ['that is empty', '{"":1,"":2}'],
    ['that is __proto__', '{"__proto__":{},"__proto__":{"admin":true}}'],
    ['that is a quotation mark', '{"\\"":1,"\\u0022":2}'],
    ['that ends with a backslash', '{"a\\\\":1,"a\\\\":2}'],
  ])('refuses a key twice %s', (_, text) => {
    expect(expectCode('ERR_JSON_MALFORMED', () => parseStrictJson(text)).message).toContain('twice')
  })

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['a byte order mark', '\ufeff{}'],
    ['two texts', '{}{}'],
    ['a trailing comma', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a comment', '{"a":1/*b*/}'],
    ['single quotes', "{'a':1}"],
    ['a bare key', '{a:1}'],
    ['NaN', 'NaN'],
    ['Infinity', '[Infinity]'],
    ['hexadecimal', '0x10'],
    ['a leading zero', '01'],
    ['a leading plus', '+1'],
    ['a control character in a string', '"a\u0001b"'],
    ['a line break in a string', '"a\nb"'],
    ['an unknown escape', '"\\x41"'],
    ['a string without an end', '"abc'],
    ['a string that ends in an escape', '"abc\\'],
    ['an object without an end', '{"a":1'],
    ['brackets that cross', '{"a":[}]'],
    ['a closing bracket too many', '{}}'],
    ['a colon instead of a comma', '{"a":1:"b":2}'],
    ['a NUL at the end', '{}\0'],
    ['a vertical tab for white space', '{\u000b}'],
  ])('refuses %s', (_, text) => {
    expectCode('ERR_JSON_MALFORMED', () => parseStrictJson(text))
  })

  it('reads 64 levels and refuses 65', () => {
    expect(parseStrictJson('['.repeat(64) + ']'.repeat(64))).toBeDefined()
    expectCode('ERR_JSON_MALFORMED', () => parseStrictJson('['.repeat(65) + ']'.repeat(65)))
    expectCode('ERR_JSON_MALFORMED', () => parseStrictJson('{"a":'.repeat(65) + '1' + '}'.repeat(65)))
  })

  it('makes __proto__ a key like others', () => {
    const value = parseStrictJson('{"__proto__":{"admin":true}}')
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(jsonAt(value, parseJsonPath('admin'))).toBeUndefined()
    expect(jsonAt(value, parseJsonPath('__proto__.admin'))).toBe(true)
  })

  it.each([
    ['a string of 16 million characters', `{"a":"${'x'.repeat(16_000_000)}"}`, 'accepted'],
    ['a string of escapes without an end', `"${'\\"'.repeat(500_000)}`, 'ERR_JSON_MALFORMED'],
    ['quotation marks', '"'.repeat(500_001), 'ERR_JSON_MALFORMED'],
    ['opening brackets', '['.repeat(1_000_000), 'ERR_JSON_MALFORMED'],
    ['closing brackets', ']'.repeat(1_000_000), 'ERR_JSON_MALFORMED'],
    ['colons', ':'.repeat(1_000_000), 'ERR_JSON_MALFORMED'],
    [
      'a hundred thousand keys',
      `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":0`).join()}}`,
      'accepted',
    ],
  ])('reads or refuses %s in a moment', (_, text, code) => {
    const outcome = outcomeOf(() => parseStrictJson(text))
    expect(outcome.code).toBe(code)
    expect(outcome.cpuMilliseconds).toBeLessThan(1000)
  })
})

describe('requireKeys', () => {
  it('hands back an object that has what it must and nothing else', () => {
    expect(requireKeys({ a: 1 }, ['a', 'b?'], 'it')).toEqual({ a: 1 })
    expect(requireKeys({ a: undefined, b: 2 }, ['a', 'b?'], 'it')).toEqual({ a: undefined, b: 2 })
    expect(requireKeys({}, [], 'it')).toEqual({})
  })

  it.each<[string, unknown, string]>([
    ['a missing key', {}, 'has no key "a"'],
    ['an unknown key', { a: 1, c: 1 }, 'has an unknown key "c"'],
    ['a key of the prototype', Object.create({ a: 1 }), 'has no key "a"'],
    ['__proto__ as a key', JSON.parse('{"a":1,"__proto__":{}}'), 'has an unknown key "__proto__"'],
    ['null', null, 'is not an object'],
    ['an array', ['a'], 'is not an object'],
    ['text', 'a', 'is not an object'],
    ['undefined', undefined, 'is not an object'],
  ])('refuses %s', (_, value, message) => {
    const error = expectCode('ERR_JSON_MALFORMED', () => requireKeys(value, ['a', 'b?'], 'the file'))
    expect(error.message).toBe(`the file ${message}`)
  })
})
