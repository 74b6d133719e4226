import { describe, expect, it } from 'vitest'
import { Pattern } from '../../src/identity/pattern.js'
import { expectCode } from '../support/expect-code.js'

function match(text: string, separator: string, value: string): Record<string, string> | undefined {
  const captures = new Pattern(text, separator).match(value)
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
    ['{scope...}/{node...}', '/'],
    ['{Node}', '/'],
    ['{node }', '/'],
    ['{__proto__}', '/'],
  ])('refuses to be made of %s', (text, separator) => {
    expectCode('ERR_MAPPING_INVALID', () => new Pattern(text, separator))
  })

  it('ID-16: takes no time, however long the value', () => {
    const pattern = new Pattern('{scope...}/{service}/{node}', '/')
    const start = process.cpuUsage()
    expect(pattern.match('a/'.repeat(200_000))).toBeUndefined()
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(1)
  })

  it('names what it captures', () => {
    expect(new Pattern('{scope...}/x/{node}', '/').captureNames).toEqual(['scope', 'node'])
    expect(new Pattern('a', '/').captureNames).toEqual([])
  })
})
