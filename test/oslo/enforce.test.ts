/** What oslo.policy decides. Many more questions, with oslo.policy as the judge, are in test/interop. */
import { describe, expect, it } from 'vitest'
import {
  enforceOslo,
  type OsloDecision,
  OsloFloat,
  type OsloQuestion,
  type OsloRecord,
  osloTraceLines,
  parseOsloRule,
  readOsloDocument,
} from '../../src/oslo/index.js'
import { expectCode } from '../support/expect-code.js'

const OBJECTS: OsloRecord = { user: { id: 'u', groups: [{ name: 'a' }], empty: [] }, group: { name: 'b' } }
const CREDENTIALS: OsloRecord = {
  roles: ['Admin', 'reader'],
  user_id: 'u',
  is_admin: true,
  domain_id: null,
  age: 7,
  score: 1.5,
  whole: new OsloFloat(1),
  user: { id: 'u', groups: [{ name: 'a' }], empty: [] },
  groups: [{ name: 'a' }, { name: 'b' }],
  'user-id': 'dashed',
}
const TARGET: OsloRecord = {
  user_id: 'u',
  'user.id': 'u',
  role: 'admin',
  enabled: true,
  none: null,
  n: 255,
  ...OBJECTS,
}

function ask(rule: string, rules: Record<string, unknown> = {}, more: Partial<OsloQuestion> = {}): OsloDecision {
  const document = readOsloDocument(rules)
  return enforceOslo(parseOsloRule(rule), { rules: document.rules, credentials: CREDENTIALS, target: TARGET, ...more })
}

describe('enforceOslo', () => {
  it.each([
    ['', true],
    ['@', true],
    ['!', false],
    ['garbage', false],
    ['not garbage', true],
    ['role:ADMIN', true],
    ['role:writer', false],
    ['role:%(role)s', true],
    ['role:%(nokey)s', false],
    ['not role:%(nokey)s', true],
    ['user_id:%(user_id)s', true],
    ['user_id:%(nokey)s', false],
    // Keys of the target are flat, and paths of credentials are not.
    ['user.id:%(user.id)s', true],
    ['groups.name:b', true],
    ['user.groups.name:a', true],
    ['groups.name:c', false],
    ['user.empty:', false],
    ['user-id:dashed', true],
    ['nothing.at.all:x', false],
    ['is_admin:True', true],
    ['is_admin:true', false],
    ['domain_id:None', true],
    ['domain_id:%(none)s', true],
    ['age:7', true],
    ['score:1.5', true],
    ['whole:1.0', true],
    ['user:%(user)s', true],
    ['groups:%(group)r', true],
    ["'u':%(user_id)s", true],
    ['"u":%(user_id)s', true],
    ['True:%(enabled)s', true],
    ['None:%(none)s', true],
    ['0xff:%(n)s', true],
    ['255:%(n)s', true],
    ['1e16:1e+16', true],
    ["[1,'a',None,(2,)]:x", false],
    ['user_id:%(user_id)1s', true],
    ["'ff':%(n)x", true],
    ["'%':%%", true],
  ])('%s is %j', (rule, allowed) => {
    expect(ask(rule)).toMatchObject({ allowed, trace: { said: String(allowed) } })
    expect(ask(rule).refusal).toBeUndefined()
  })

  it.each([
    ['user_id.x:y', 'TypeError'],
    ['domain_id.x:y', 'TypeError'],
    ['a..b:x', 'SyntaxError'],
    ['user.class:x', 'SyntaxError'],
    ['7up:x', 'SyntaxError'],
    [':x', 'SyntaxError'],
    ['{[]}:x', 'TypeError'],
    ['user_id:%(user_id)q', 'ValueError'],
    ['user_id:%(user_id)d', 'TypeError'],
    ['user_id:50%', 'ValueError'],
    ['role:%s%s', 'TypeError'],
  ])('%s denies, even inverted: Python raises %s', (rule, error) => {
    for (const text of [rule, `not ${rule}`, `${rule} or @`]) {
      expect(ask(text)).toMatchObject({
        allowed: false,
        refusal: { kind: 'raises', error },
        trace: { said: 'refused' },
      })
    }
    expect(ask(`@ or ${rule}`).allowed).toBe(true)
  })

  it.each([
    ['roles are one text, whose characters they are', 'admin', 'role:d', true],
    ['roles are a dictionary, whose keys they are', { admin: 1 }, 'role:admin', true],
    ['a role is a number', ['admin', 1], 'role:admin', 'AttributeError'],
    ['roles are null', null, 'role:admin', 'TypeError'],
    ['roles are a number', 7, 'role:admin', 'TypeError'],
  ] as const)('%s', (_claim, roles, rule, expected) => {
    const { allowed, refusal } = ask(rule, {}, { credentials: { roles } })
    expect(refusal?.error ?? allowed).toBe(expected)
  })

  it.each(["b'x':x", '1j:x', '{1,2}:x', "f'':x", '...:x', '[(x)for(x)in(y)]:x', 'user_id:%(n)f', 'user_id:%(n)*s'])(
    '%s denies, even inverted: only Python can say',
    (rule) => {
      expect(ask(`not ${rule}`)).toMatchObject({ allowed: false, refusal: { kind: 'unsupported' } })
    },
  )

  it('asks other rules, and the default rule for those that are not there', () => {
    expect(ask('rule:a', { a: 'role:admin' }).allowed).toBe(true)
    expect(ask('rule:a', { a: '!' }).allowed).toBe(false)
    expect(ask('rule:a').allowed).toBe(false)
    expect(ask('rule:a', { default: '@' }).allowed).toBe(true)
    expect(ask('rule:a', { default: '@', other: '!' }, { defaultRule: 'other' }).allowed).toBe(false)
    expect(ask('rule:a', { default: '@' }, { defaultRule: 'nowhere' }).allowed).toBe(false)
    expect(ask('rule:a', { default: '@' }, { defaultRule: { kind: 'false' } }).allowed).toBe(false)
    expect(ask('rule:a', {}, { defaultRule: { kind: 'true' } }).allowed).toBe(true)
  })

  it('takes the name of a rule', () => {
    const { rules } = readOsloDocument({ a: 'role:admin' })
    const question = { rules, credentials: CREDENTIALS, target: TARGET }
    expect(enforceOslo('a', question).allowed).toBe(true)
    expect(enforceOslo('b', question).allowed).toBe(false)
    expect(enforceOslo('b', { ...question, defaultRule: { kind: 'true' } }).allowed).toBe(true)
    expect(enforceOslo('b', { ...question, rules: new Map(), defaultRule: { kind: 'true' } }).allowed).toBe(false)
  })

  it('denies where rules lead to each other, also within not, and names them', () => {
    const rules = { a: 'role:admin and rule:b', b: 'not rule:a', c: '@ or rule:c' }
    for (const rule of ['rule:a', 'not rule:a', 'rule:b']) {
      expect(ask(rule, rules)).toMatchObject({ allowed: false, refusal: { kind: 'cycle' } })
    }
    expect(ask('rule:a', rules).refusal?.message).toBe('rules lead to each other: a, b, a')
    expect(ask('rule:c', rules).allowed).toBe(true)
    expect(ask('rule:x', { default: 'rule:y' }).refusal?.kind).toBe('cycle')
  })

  it('asks no server', () => {
    for (const rule of ['http://h', 'not https://h', '! or http:%(nokey)s']) {
      expect(ask(rule)).toMatchObject({ allowed: false, refusal: { kind: 'http' } })
    }
    expect(ask('@ or http://h').allowed).toBe(true)
  })

  it('knows system_scope as system', () => {
    const system = (credentials: OsloRecord): boolean => ask('system:all', {}, { credentials }).allowed
    expect(system({ system_scope: 'all' })).toBe(true)
    expect(system({ system_scope: '', system: 'all' })).toBe(true)
    expect(system({ system_scope: ['x'], system: 'all' })).toBe(false)
    expect(system({ system_scope: new OsloFloat(0), system: 'all' })).toBe(true)
    expect(system({})).toBe(false)
  })

  it('takes nothing from prototypes', () => {
    expect(ask('constructor.name:Object').allowed).toBe(false)
    expect(ask('role:%(constructor)s').trace.why).toBe('the target has not all of its keys')
    expect(ask('rule:toString').allowed).toBe(false)
    expect(ask('__proto__:x', {}, { credentials: JSON.parse('{"__proto__": "x"}') as OsloRecord }).allowed).toBe(true)
  })

  it('says which checks were asked, and what they said', () => {
    const { trace } = ask('(rule:a or role:reader and not rule:b) and rule:nowhere', {
      a: 'user_id:other',
      b: 'project_id:%(nokey)s',
    })
    expect(osloTraceLines(trace)).toEqual([
      '((rule:a or (role:reader and not rule:b)) and rule:nowhere) is false',
      '  (rule:a or (role:reader and not rule:b)) is true',
      '    rule:a is false',
      '      user_id:other is false',
      '    (role:reader and not rule:b) is true',
      '      role:reader is true',
      '      not rule:b is true',
      '        rule:b is false',
      '          project_id:%(nokey)s is false: the target has not all of its keys',
      '  rule:nowhere is false: there is no such rule',
    ])
    expect(osloTraceLines(ask('@ or !').trace)).toEqual(['(@ or !) is true', '  @ is true'])
    expect(osloTraceLines(ask('http:x').trace)).toEqual(['http:x is refused: http checks are not performed'])
    expect(osloTraceLines(ask('"x"').trace)).toEqual(['! is false: not understood: quoted'])
    expect(osloTraceLines(ask('rule:a', { a: '' }).trace)[1]).toBe('  @ is true: an empty rule allows')
    expect(ask('rule:a', { default: '@' }).trace.why).toBe('there is no such rule: the default rule')
  })

  it('has limits', () => {
    const doubling = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`r${index}`, `rule:r${index + 1} and rule:r${index + 1}`]),
    )
    const chain = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`r${index}`, `rule:r${index + 1}`]))
    expectCode('ERR_LIMIT_EXCEEDED', () => ask('rule:r0', { ...doubling, r30: '@' }))
    expectCode('ERR_LIMIT_EXCEEDED', () => ask('rule:r0', { ...chain, r1000: '@' }))
    expectCode('ERR_LIMIT_EXCEEDED', () => ask('role:%(role)99999s'))
    const target = { long: 'x'.repeat(100_000) }
    expectCode('ERR_LIMIT_EXCEEDED', () => ask(`role:${'%(long)s'.repeat(20)}`, {}, { target }))
  })
})
