import { describe, expect, it } from 'vitest'
import { type NameSyntax, Pattern } from '../../src/identity/pattern.js'
import { expectCode } from '../support/expect-code.js'

const splitAt = (separator: string): NameSyntax => ({
  split: (text) => (separator === '' ? [text] : text.split(separator)),
})

function match(text: string, separator: string, value: string): Record<string, string> | undefined {
  const syntax = splitAt(separator)
  const captures = new Pattern(text, syntax).match(syntax.split(value))
  return captures === undefined ? undefined : Object.fromEntries(captures)
}

describe('Pattern: whole components', () => {
  it.each([
    ['a/b', '/', 'a/b', {}],
    ['{service}/{node}', '/', 'x/y', { service: 'x', node: 'y' }],
    ['a/{node}', '/', 'a/y', { node: 'y' }],
    ['{scope...}/{service}/{node}', '/', 'x/y', { scope: '', service: 'x', node: 'y' }],
    ['{scope...}/{service}/{node}', '/', 'r/s/x/y', { scope: 'r/s', service: 'x', node: 'y' }],
    ['a/{scope...}/z', '/', 'a/z', { scope: '' }],
    ['a/{scope...}/z', '/', 'a/b/c/z', { scope: 'b/c' }],
    ['{node}.cloud.example', '.', 'n.cloud.example', { node: 'n' }],
    ['{node}.{scope...}.example', '.', 'n.a.b.example', { node: 'n', scope: 'a/b' }],
    ['{node}', '', 'node', { node: 'node' }],
    ['CN=x, y', '', 'CN=x, y', {}],
  ] as const)('%s split at %j takes %s', (text, separator, value, captures) => {
    expect(match(text, separator, value)).toEqual(captures)
  })

  it.each([
    ['a/b', '/', 'a'],
    ['a/b', '/', 'a/b/c'],
    ['a/b', '/', 'A/b'],
    ['a/b', '/', 'a/b/'],
    ['a/b', '/', 'a/b\n'],
    ['a/b', '/', 'x\na/b'],
    ['{service}/{node}', '/', 'x'],
    ['{service}/{node}', '/', 'x/y/z'],
    ['{service}/{node}', '/', '/y'],
    ['{service}/{node}', '/', 'x/..'],
    ['{scope...}/{service}/{node}', '/', 'x'],
    ['{scope...}/{service}/{node}', '/', '/x/y'],
    ['{scope...}/{service}/{node}', '/', 'a//x/y'],
    ['{scope...}/{service}/{node}', '/', '../x/y'],
    ['{node}.cloud.example', '.', 'a.b.cloud.example'],
    ['{node}.cloud.example', '.', 'cloud.example'],
    ['{node}.cloud.example', '.', '*.cloud.example'],
    ['a.b', '.', 'aXb'],
    ['{node}', '', 'a/b'],
    ['{node}', '', 'node\n'],
    ['{node}', '', ' node'],
    ['{node}', '', 'admin,OU=y'],
    ['{node}', '', '__proto__'],
    ['admin', '', 'notadmin'],
    ['admin', '', 'admin-evil'],
    ['admin', '', 'x\nadmin'],
  ])('ID-15: %s split at %j does not take %j', (text, separator, value) => {
    expect(match(text, separator, value)).toBeUndefined()
  })

  it.each([
    ['a*', '/'],
    ['*', '/'],
    ['a/{host}', '/'],
    ['a/x{node}', '/'],
    ['a/{node}x', '/'],
    ['a/{node', '/'],
    ['a/node}', '/'],
    ['a/{}', '/'],
    ['a/{...}', '/'],
    ['{node}/{node}', '/'],
    ['{scope...}/{scope...}', '/'],
    ['{node...}', '/'],
    ['{scope}/{scope...}', '/'],
    ['{Node}', '/'],
    ['{node }', '/'],
    ['{__proto__}', '/'],
    ['a/{*}', '/'],
    ['{scope..}', '.'],
    ['x{scope...}', '.'],
  ])('refuses to be made of %s', (text, separator) => {
    expectCode('ERR_MAPPING_INVALID', () => new Pattern(text, splitAt(separator)))
  })

  it('ID-16: looks at each component of a name at most once, however the pattern is made', () => {
    const pattern = new Pattern('{scope...}/a/{service}/a/{node}', splitAt('/'))
    for (const last of ['x', 'a']) {
      const components = [...Array.from({ length: 10_000 }, () => 'a'), last]
      let looks = 0
      const counted = new Proxy(components, {
        get: (target, key, receiver) => {
          if (typeof key === 'string' && /^[0-9]+$/.test(key)) looks++
          return Reflect.get(target, key, receiver) as unknown
        },
      })
      pattern.match(counted)
      expect(looks).toBeLessThanOrEqual(components.length)
    }
    expect(pattern.match('a/'.repeat(5000).split('/'))).toBeUndefined()
  })

  it('ID-16: takes what would be a regular expression for what it says, or refuses it', () => {
    const name = 'a'.repeat(10_000)
    for (const text of ['(a+)+$', '(a|a)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '[a-z]+$']) {
      const pattern = new Pattern(text, splitAt(''))
      expect(pattern.match([name])).toBeUndefined()
      expect(pattern.match([text])).toBeDefined()
    }
    expectCode('ERR_MAPPING_INVALID', () => new Pattern('(.*)*', splitAt('')))
    expectCode('ERR_MAPPING_INVALID', () => new Pattern('(a{1,99}){1,99}', splitAt('')))
  })

  it('a name that is malformed has no components, and matches nothing', () => {
    expect(new Pattern('{scope...}', splitAt('/')).match([])).toBeUndefined()
  })

  it('says what could not be captured, where that alone is missing', () => {
    const pattern = new Pattern('a/{node}', splitAt('/'))
    expect(pattern.unfit(['a', 'b c'])).toBe('b c')
    expect(pattern.unfit(['a', 'b'])).toBeUndefined()
    expect(pattern.unfit(['x', 'b c'])).toBeUndefined()
    expect(pattern.unfit(['a'])).toBeUndefined()
  })

  it('names what it captures', () => {
    expect(new Pattern('{scope...}/x/{node}', splitAt('/')).captureNames).toEqual(['scope', 'node'])
    expect(new Pattern('a', splitAt('/')).captureNames).toEqual([])
  })
})
