import { describe, expect, it } from 'vitest'
import { lintMapping, type LintOptions, parseMapping } from '../../src/identity/index.js'
import { MAX_OVERLAPS } from '../../src/identity/lint-pairs.js'
import { KEY, OTHER_KEY } from '../support/mapping-files.js'

interface Rule {
  readonly when: Readonly<Record<string, unknown>>
  readonly then?: unknown
}

const FIXED = { service: 's', node: 'fixed', roles: ['r'] }

/** Each rule with another result, unless it says which. */
function lint(rules: readonly Rule[], options?: LintOptions): readonly string[] {
  return findings(rules, options).map(({ code, rule, other }) =>
    [code, other, rule].filter((word) => word !== undefined).join(' '),
  )
}

function findings(rules: readonly Rule[], options?: LintOptions): ReturnType<typeof lintMapping> {
  const text = JSON.stringify({
    version: 1,
    trustDomain: 'cloud.example',
    rules: rules.map(({ when, then }, index) => ({
      name: `r${index + 1}`,
      when: { issuerKey: KEY, ...when },
      then: then ?? { ...FIXED, node: `n${index + 1}` },
    })),
  })
  return lintMapping(parseMapping(text), options)
}

describe("lintMapping: rules that stand in each other's way", () => {
  it('finds nothing in rules that have nothing in common', () => {
    expect(lint([{ when: { dns: 'a.example' } }, { when: { dns: 'b.example' } }])).toEqual([])
    expect(lint([{ when: { dns: 'a.example' } }, { when: { issuerKey: OTHER_KEY, dns: 'a.example' } }])).toEqual([])
  })

  it.each<[string, Rule['when'], Rule['when']]>([
    ['the same', { dns: 'a.example' }, { dns: 'A.Example' }],
    ['a rule that asks for more', { dns: 'a.example' }, { dns: 'a.example', subject: { CN: 'x' } }],
    ['a literal where a capture is', { uri: 'x:a/{node}' }, { uri: 'x:a/b' }],
    ['a capture where a rest is', { uri: 'x:a/{scope...}' }, { uri: 'x:a/{service}/{node}' }],
    ['another name of a capture', { subject: { CN: '{node}' } }, { subject: { CN: '{entity}' } }],
    ['an address in a range', { ip: '192.0.2.0/24' }, { ip: '192.0.2.7' }],
    ['a range in a range', { ip: '192.0.2.0/24' }, { ip: '192.0.2.128/25' }],
    [
      'more purposes',
      { dns: 'a', extKeyUsage: ['clientAuth'] },
      { dns: 'a', extKeyUsage: ['serverAuth', 'clientAuth'] },
    ],
    ['more policies', { dns: 'a' }, { dns: 'a', policies: ['1.2.3'] }],
    ['a whole subject', { subject: { CN: 'x' } }, { subjectIs: [{ O: 'p' }, { CN: 'x' }] }],
    ['a whole subject of the same make', { subjectIs: [{ CN: '{node}' }] }, { subjectIs: [{ CN: 'x' }] }],
    ['one of several issuers', { issuerKey: [KEY, OTHER_KEY], dns: 'a' }, { dns: 'a' }],
  ])('finds that a rule is shadowed by %s', (_claim, earlier, later) => {
    const told = lint([{ when: earlier }, { when: later }])
    expect(told.filter((finding) => !finding.startsWith('unanchored'))).toEqual(['shadowed r1 r2'])
    // The other way round, it is an exception before its rule: what order is for.
    const turned = lint([{ when: later }, { when: earlier }])
    expect(turned.filter((finding) => finding.startsWith('overlap'))).toEqual([])
  })

  it('finds that a rule is shadowed for each of its issuers by another', () => {
    const both = { when: { issuerKey: [KEY, OTHER_KEY], dns: 'a' } }
    const other = { when: { issuerKey: OTHER_KEY, dns: 'a' } }
    expect(lint([{ when: { dns: 'a' } }, other, both])).toEqual(['shadowed r1, r2 r3'])
    expect(lint([{ when: { dns: 'a' } }, both])).toEqual([])
  })

  it.each<[string, Rule['when'], Rule['when'], string]>([
    ['names of two kinds', { dns: 'a.example' }, { uri: 'x:a' }, 'uri x:a, dns a.example'],
    ['two captures that cross', { uri: 'x:/a/{node}' }, { uri: 'x:/{service}/b' }, 'uri x:/a/b'],
    ['two attributes', { subject: { CN: 'x' } }, { subject: { O: 'p' } }, 'CN=x, O=p'],
    ['a capture before a literal', { dns: '{node}.example' }, { dns: 'a.example' }, 'dns a.example'],
    ['a whole subject', { subjectIs: [{ O: '{service}' }, { CN: 'x' }] }, { subject: { O: 'p' } }, 'O=p, CN=x'],
    [
      'two whole subjects',
      { subjectIs: [{ O: '{service}' }, { CN: 'x' }] },
      { subjectIs: [{ O: 'p' }, { CN: '{node}' }] },
      'O=p, CN=x',
    ],
    ['mailboxes', { email: 'a@{node}.example' }, { email: '{node}@b.example' }, 'email a@b.example'],
    ['principals', { kerberos: 'nova/{node}@R' }, { kerberos: '{service}/a@R' }, 'kerberos nova/a@R'],
    ['an address', { ip: '192.0.2.7' }, { dns: 'a' }, 'dns a, ip 192.0.2.7'],
  ])('finds that two rules overlap: %s, and gives an example', (_claim, earlier, later, example) => {
    const rules = [{ when: earlier }, { when: later }]
    const [finding] = findings(rules).filter(({ code }) => code === 'overlap')
    expect(finding).toMatchObject({ rule: 'r2', other: 'r1' })
    expect(finding?.message).toContain(example)
  })

  it.each<[string, Rule['when'], Rule['when']]>([
    ['two names of one kind', { dns: 'a.example' }, { dns: 'b.example' }],
    ['two values of one attribute', { subject: { CN: 'x' } }, { subject: { CN: 'y', O: 'p' } }],
    ['two ranges', { ip: '192.0.2.0/25' }, { ip: '192.0.2.128/25' }],
    ['IPv4 and IPv6', { ip: '0.0.0.0/0' }, { ip: '::/0' }],
    [
      'whole subjects of another make',
      { subjectIs: [{ CN: '{node}' }] },
      { subjectIs: [{ CN: '{node}' }, { O: 'p' }] },
    ],
    ['an attribute that the whole subject has not', { subject: { OU: 'x' } }, { subjectIs: [{ CN: '{node}' }] }],
    [
      'an attribute that the whole subject has twice',
      { subject: { OU: 'x' } },
      { subjectIs: [{ OU: 'x' }, { OU: 'y' }] },
    ],
  ])('finds no overlap of %s', (_claim, earlier, later) => {
    const codes = lint([{ when: earlier }, { when: later }]).filter((finding) => finding.startsWith('overlap'))
    expect(codes).toEqual([])
  })

  it('finds no overlap of rules that say the same', () => {
    const rules = [
      { when: { dns: 'a' }, then: { ...FIXED, roles: ['x', 'y'] } },
      { when: { uri: 'x:a' }, then: { ...FIXED, roles: ['y', 'x', 'y'] } },
    ]
    expect(lint(rules)).toEqual([])
    expect(lint([rules[0] ?? { when: {} }, { when: { uri: 'x:a' } }])).toEqual(['overlap r1 r2'])
  })

  it('is done with a hundred thousand rules on exact names, and says where it stopped with others', () => {
    const exact = Array.from({ length: 100_000 }, (_, index) => ({ when: { dns: `n${index}.example` } }))
    const last = [{ when: { dns: '{node}.example' } }, { when: { dns: 'n5.example' } }]
    expect(lint([...exact, ...last])).toEqual(['shadowed r6 r100002'])
    const others = Array.from({ length: 3200 }, (_, index) => ({ when: { uri: `x:${index}/{node}` } }))
    expect(lint(others)).toEqual(['unfinished'])
    const crossing = [...exact.slice(0, 2000), ...others.slice(0, 2000)]
    const told = lint(crossing)
    expect(told).toHaveLength(MAX_OVERLAPS + 1)
    expect(told.at(-1)).toBe('unfinished')
  }, 60_000)
})

describe('lintMapping: single rules', () => {
  it.each([
    ['spiffe://other.example/{scope...}/{service}/{node}', true],
    ['spiffe://cloud.example/{node}', true],
    ['spiffe://cloud.example//{service}/{node}', true],
    ['https://cloud.example/a/b', true],
    ['spiffe://cloud.example/a/b', false],
    ['spiffe://cloud.example/{scope...}/{service}/{node}', false],
    ['{scope...}', true],
    ['spiffe://{service}/{scope...}/{node}', false],
  ])('finds whether %s can be a registered identity', (uri, isFound) => {
    expect(lint([{ when: { uri }, then: { entity: 'registered' } }])).toEqual(isFound ? ['unreachable r1'] : [])
    expect(lint([{ when: { uri }, then: { entity: 'x' } }])).toEqual([])
  })

  it.each<[Rule['when'], boolean]>([
    [{ dns: '{node}' }, true],
    [{ dns: '{node}.{service}.{scope...}' }, true],
    [{ dns: '{node}.example' }, false],
    [{ email: '{node}@{service}.{scope...}' }, true],
    [{ email: '{node}@cloud.example' }, false],
    [{ uri: 'spiffe://cloud.example/{scope...}/{service}/{node}' }, true],
    [{ uri: 'spiffe://{scope}/{service}/{node}' }, true],
    [{ uri: 'spiffe://cloud.example/{scope...}/compute/{node}' }, false],
    [{ subject: { CN: '{node}', O: '{service}' } }, true],
    [{ subject: { CN: '{node}', O: 'Cloud' } }, false],
    [{ subjectIs: [{ O: '{service}' }, { CN: '{node}' }] }, true],
    [{ subjectIs: [{ O: 'Cloud' }, { CN: '{node}' }] }, false],
    [{ ip: '0.0.0.0/0' }, true],
    [{ ip: '192.0.0.0/8' }, false],
    [{ dns: '{node}', extKeyUsage: ['clientAuth'] }, true],
    [{ dns: '{node}', subject: { O: 'Cloud' } }, false],
  ])('finds whether %j tells anybody from anybody else', (when, isFound) => {
    expect(lint([{ when }])).toEqual(isFound ? ['unanchored r1'] : [])
    expect(lint([{ when, then: { ...FIXED, roles: [], groups: ['g'] } }])).toEqual(isFound ? ['unanchored r1'] : [])
    expect(lint([{ when, then: { ...FIXED, roles: [] } }])).toEqual([])
  })
})

describe('lintMapping: roles', () => {
  const granting = { when: { dns: 'a' }, then: { ...FIXED, roles: ['known', 'unknown', 'unknown'] } }
  const registered = { when: { dns: 'b' }, then: { entity: 'registered' } }

  it('finds roles that the registry does not know', () => {
    expect(lint([granting])).toEqual([])
    expect(lint([granting], { registryRoles: ['known', 'other'] })).toEqual(['role-unknown r1'])
    expect(lint([granting], { registryRoles: new Set(['known', 'unknown']) })).toEqual([])
  })

  it('finds roles that no policy names, and roles of policies that nobody has', () => {
    expect(lint([granting], { policyRoles: ['known', 'wanted'] })).toEqual(['role-unused r1', 'role-never-granted'])
    expect(lint([granting], { policyRoles: ['known', 'unknown'] })).toEqual([])
  })

  it('asks the registry who has a role, where rules lead there', () => {
    expect(lint([registered], { policyRoles: ['wanted'] })).toEqual([])
    expect(lint([registered], { policyRoles: ['wanted'], registryRoles: ['wanted'] })).toEqual([])
    expect(lint([registered], { policyRoles: ['wanted'], registryRoles: [] })).toEqual(['role-never-granted'])
    expect(
      lint([granting], { policyRoles: ['known', 'unknown', 'x'], registryRoles: ['known', 'unknown', 'x'] }),
    ).toEqual(['role-never-granted'])
  })

  it('says what to do about each', () => {
    const all = findings([granting, granting, registered], { registryRoles: [], policyRoles: ['wanted'] })
    expect(all.length).toBeGreaterThan(4)
    for (const { message, hint } of all) {
      expect(message).toMatch(/^\S.*[^.]$/)
      expect(hint).toMatch(/^\S.*[^.]$/)
    }
  })
})
