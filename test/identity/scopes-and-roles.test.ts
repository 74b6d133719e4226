import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatGrant,
  isBelow,
  isScopePath,
  parentScope,
  parseGrant,
  reaches,
  RoleGraph,
  roleRecord,
  rolesAt,
  SCOPE_KINDS,
  scopeRecord,
} from '../../src/identity/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

/** A small tree: two regions with a service and an endpoint each. */
const SCOPES = ['', 'a', 'a/nova', 'a/nova/api', 'b', 'b/nova', 'b/nova/api', 'ab'] as const

describe('scopes', () => {
  it('have paths of segments, the deployment the empty one', () => {
    for (const path of SCOPES) expect(isScopePath(path)).toBe(true)
    for (const path of ['/', 'a/', '/a', 'a//b', '..', 'a/..', 'a b', '*', 'a/*', 'ä', 'a/b/c/d/e/f/g/h/i']) {
      expect(isScopePath(path)).toBe(false)
    }
    expect(SCOPES.map(parentScope)).toEqual(['', '', 'a', 'a/nova', '', 'b', 'b/nova', ''])
  })

  it('lie below those that contain them, and not below those whose name only begins alike', () => {
    expect(SCOPES.filter((path) => isBelow(path, 'a'))).toEqual(['a/nova', 'a/nova/api'])
    expect(SCOPES.filter((path) => isBelow(path, ''))).toEqual(SCOPES.slice(1))
    expect(SCOPES.filter((path) => isBelow(path, 'a/nova/api'))).toEqual([])
  })

  it('contain each other as Keystone and its catalogue have it', () => {
    const parents = ['deployment', ...SCOPE_KINDS] as const
    const allowed = Object.fromEntries(
      SCOPE_KINDS.map((kind) => [
        kind,
        parents.filter((parent) => {
          try {
            return scopeRecord('x', kind, parent, NOW).kind === kind
          } catch {
            return false
          }
        }),
      ]),
    )
    expect(allowed).toEqual({
      domain: ['deployment'],
      region: ['deployment', 'domain', 'region'],
      project: ['deployment', 'domain', 'region', 'project'],
      service: ['deployment', 'domain', 'region', 'project'],
      endpoint: ['service'],
    })
    expectCode('ERR_SCOPE_INVALID', () => scopeRecord('x', 'domain', 'region', NOW))
    expectCode('ERR_SCOPE_INVALID', () => scopeRecord('', 'domain', 'deployment', NOW))
  })
})

describe('grants', () => {
  it.each([
    ['reader', { role: 'reader', scope: 'a', reach: 'scope' }],
    ['reader@a', { role: 'reader', scope: 'a', reach: 'scope' }, 'reader'],
    ['reader@b/nova', { role: 'reader', scope: 'b/nova', reach: 'scope' }],
    ['reader@b/*', { role: 'reader', scope: 'b', reach: 'below' }],
    ['reader@b/**', { role: 'reader', scope: 'b', reach: 'tree' }],
    ['reader@/', { role: 'reader', scope: '', reach: 'scope' }],
    ['reader@/*', { role: 'reader', scope: '', reach: 'below' }],
    ['reader@/**', { role: 'reader', scope: '', reach: 'tree' }],
  ] as const)('%s has one form', (text, grant, form?: string) => {
    expect(parseGrant(text, 'a')).toEqual(grant)
    expect(formatGrant(grant, 'a')).toBe(form ?? text)
    expect(parseGrant(form ?? text, 'a')).toEqual(grant)
  })

  it.each([
    '',
    '@a',
    'reader@',
    'reader@//',
    'reader@a/',
    'reader@a/***',
    'reader@*',
    'reader@**',
    'r@a@b',
    'r@a b',
    '*',
    'r@../a',
  ])('refuses %j', (text) => {
    expectCode('ERR_IDENTITY_INVALID', () => parseGrant(text, 'a'))
  })

  it('requirement 52: a grant at one region is none at another, and reaches as far as it says', () => {
    const at = (grant: string): readonly string[] =>
      SCOPES.filter((path) => rolesAt([grant], 'a/nova', path).includes('reader'))
    expect(at('reader')).toEqual(['a/nova'])
    expect(at('reader@a')).toEqual(['a'])
    expect(at('reader@a/*')).toEqual(['a/nova', 'a/nova/api'])
    expect(at('reader@a/**')).toEqual(['a', 'a/nova', 'a/nova/api'])
    expect(at('reader@b/**')).toEqual(['b', 'b/nova', 'b/nova/api'])
    expect(at('reader@/')).toEqual([''])
    expect(at('reader@/*')).toEqual(SCOPES.slice(1))
    expect(at('reader@/**')).toEqual(SCOPES)
  })

  it('requirement 52: `below` is what Keystone calls inherited: never the scope itself, and what is made in it later', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }).map((segments) => segments.join('/'))
    fc.assert(
      fc.property(path, path, (scope, target) => {
        const inherited = reaches({ scope, reach: 'below' }, target)
        expect(inherited).toBe(target !== scope && `${target}/`.startsWith(scope === '' ? '' : `${scope}/`))
        expect(reaches({ scope, reach: 'tree' }, target)).toBe(inherited || target === scope)
      }),
      { seed: 4 },
    )
  })
})

describe('roles', () => {
  const role = (name: string, ...implies: readonly string[]): ReturnType<typeof roleRecord> =>
    roleRecord(name, implies, NOW)
  const graph = new RoleGraph([
    role('admin', 'manager'),
    role('manager', 'member'),
    role('member', 'reader'),
    role('reader'),
    role('service'),
  ])

  it('requirement 51: whoever holds a role holds all that it implies, and nothing that implies it', () => {
    expect(graph.implied('admin')).toEqual(['admin', 'manager', 'member', 'reader'])
    expect(graph.implied('member')).toEqual(['member', 'reader'])
    expect(graph.implied('service')).toEqual(['service'])
    expect(graph.expand(['member@a/**', 'service'], 'b')).toEqual(['member@a/**', 'reader@a/**', 'service'])
  })

  it('drops what is not registered', () => {
    expect(graph.expand(['nobody', 'constructor', '__proto__'.replaceAll('_', 'x')], '')).toEqual([])
    expect(graph.implied('constructor')).toEqual([])
    expect(graph.has('toString')).toBe(false)
  })

  it('refuses circles, unknown roles and bad names', () => {
    expectCode('ERR_ROLE_INVALID', () => new RoleGraph([role('a', 'b'), role('b', 'a')]))
    expectCode('ERR_ROLE_INVALID', () => new RoleGraph([role('a', 'a')]))
    expectCode('ERR_ROLE_INVALID', () => new RoleGraph([role('a', 'missing')]))
    expectCode('ERR_ROLE_INVALID', () => role('a b'))
    expectCode('ERR_ROLE_INVALID', () => role('a', 'b@c'))
    expectCode('ERR_ROLE_INVALID', () => role('a', ...Array.from({ length: 65 }, (_, index) => `r${index}`)))
  })

  it('property: what a role implies never grows by taking an implication away', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    // Only later names are implied: no circles.
    const edges = fc.array(
      fc.tuple(fc.nat(4), fc.nat(4)).filter(([from, to]) => from < to),
      { maxLength: 10 },
    )
    fc.assert(
      fc.property(edges, fc.nat(), (list, which) => {
        const graphOf = (kept: readonly (readonly [number, number])[]): RoleGraph =>
          new RoleGraph(
            names.map((name, index) =>
              role(name, ...kept.flatMap(([from, to]) => (from === index ? [names[to] ?? ''] : []))),
            ),
          )
        const [all, fewer] = [
          graphOf(list),
          graphOf(list.filter((_, index) => index !== which % Math.max(1, list.length))),
        ]
        for (const name of names) expect(all.implied(name)).toEqual(expect.arrayContaining([...fewer.implied(name)]))
      }),
      { seed: 4 },
    )
  })
})
