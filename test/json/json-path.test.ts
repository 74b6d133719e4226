import { describe, expect, it } from 'vitest'
import { formatJsonPath, jsonAt, parseJsonPath, parseStrictJson } from '../../src/json/index.js'
import { expectCode } from '../support/expect-code.js'

describe('jsonAt', () => {
  const value = parseStrictJson('{"a":{"b":{"c":1}},"list":[{"x":1}],"text":"abc","nothing":null,"a.b":2}')

  it.each([
    ['a.b.c', 1],
    ['text', 'abc'],
    ['nothing', null],
    ['"a.b"', 2],
    ['"a".b."c"', 1],
  ])('finds %s', (path, found) => {
    expect(jsonAt(value, parseJsonPath(path))).toBe(found)
  })

  it.each([
    'missing',
    'a.missing',
    'a.b.c.d',
    'text.length',
    'text.0',
    'list.0',
    'list.length',
    'nothing.a',
    'toString',
    'constructor',
    '__proto__',
    'a.constructor.name',
  ])('finds nothing at %j', (path) => {
    expect(jsonAt(value, parseJsonPath(path))).toBeUndefined()
  })

  it('finds the whole only by no path', () => {
    expect(jsonAt('text', ['text'])).toBeUndefined()
    expect(jsonAt([1], ['0'])).toBeUndefined()
    expect(jsonAt('text', [])).toBe('text')
  })
})

describe('parseJsonPath', () => {
  it.each([
    ['args.host_name', ['args', 'host_name']],
    ['args.migration."nova_object.data".dest_compute', ['args', 'migration', 'nova_object.data', 'dest_compute']],
    ['a-b', ['a-b']],
  ])('reads %s, and writes it back', (text, path) => {
    expect(parseJsonPath(text)).toEqual(path)
    expect(formatJsonPath(parseJsonPath(text))).toBe(text)
  })

  it('has one form: quotation marks only where they are needed', () => {
    expect(formatJsonPath(parseJsonPath('"a"."b c"'))).toBe('a."b c"')
  })

  it.each(['"a\u0000b"', '"\u001b[2J"', '"a\nb"', '"\u202eb"', '"\ud800"', '"\u2028"'])(
    'refuses what no key that is meant has in it: %j',
    (text) => {
      expectCode('ERR_CONFIG_INVALID', () => parseJsonPath(text))
    },
  )

  it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a[0]', '"a', 'a"', '""', '"a"b', '"\\"', 'ä', `a${'.a'.repeat(600)}`])(
    'refuses %j',
    (text) => {
      expectCode('ERR_CONFIG_INVALID', () => parseJsonPath(text))
    },
  )
})
