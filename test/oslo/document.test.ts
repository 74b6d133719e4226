/** Policy files of oslo.policy: what is wrong with them. */
import { describe, expect, it } from 'vitest'
import {
  MAX_OSLO_RULES,
  osloFindings,
  type OsloStrictOptions,
  readOsloDocument,
  requireStrictOslo,
  strictOsloFindings,
} from '../../src/oslo/index.js'
import { expectCode } from '../support/expect-code.js'

/** A policy with nothing wrong; each test changes one rule. */
const GOOD = {
  admin: 'role:admin',
  owner: "project_id:%(project_id)s and not 'x':%(topic)s",
  show: 'rule:admin or (rule:owner and region:west)',
  nobody: '!',
  everybody: '@',
  default: '!',
}

const KNOWN: OsloStrictOptions = {
  roles: new Set(['Admin']),
  hasCredential: (path) => ['project_id', 'region', 'cert.fingerprint'].includes(path),
  hasTargetKey: (key) => ['project_id', 'topic'].includes(key),
  extensions: new Set(['field']),
}

const reasons = (rules: Record<string, unknown>): readonly string[] =>
  osloFindings(readOsloDocument({ ...GOOD, ...rules }), KNOWN).map(({ rule, reason }) => `${rule} ${reason}`)
const strictReasons = (rules: Record<string, unknown>): readonly string[] =>
  strictOsloFindings(readOsloDocument({ ...GOOD, ...rules }), KNOWN).map(({ rule, reason }) => `${rule} ${reason}`)

describe('readOsloDocument', () => {
  it('reads texts and lists', () => {
    const { rules, lists } = readOsloDocument({ a: 'role:x', b: ['role:x', 'role:y'], c: null })
    expect([...rules.keys()]).toEqual(['a', 'b', 'c'])
    expect(rules.get('c')).toEqual({ kind: 'true', why: 'empty' })
    expect([...lists]).toEqual(['b'])
  })

  it.each([7, true, { rule: 'x' }, ['role:x', 7]])('refuses %j for a rule', (rule) => {
    const { details } = expectCode('ERR_POLICY_OSLO', () => readOsloDocument({ ...GOOD, show: rule }))
    expect(details).toEqual({ rule: 'show', reason: 'form' })
  })

  it('has limits', () => {
    const many = Object.fromEntries(Array.from({ length: MAX_OSLO_RULES + 1 }, (_, index) => [`r${index}`, '@']))
    expectCode('ERR_LIMIT_EXCEEDED', () => readOsloDocument(many))
    expectCode('ERR_LIMIT_EXCEEDED', () => readOsloDocument({ a: 'not '.repeat(1000) + '@' }))
  })
})

describe('osloFindings', () => {
  it('finds nothing wrong', () => {
    expect(reasons({})).toEqual([])
  })

  it.each([
    ['an empty rule', '', 'empty'],
    ['a rule without a value', null, 'empty'],
    ['an empty list', [], 'empty'],
    ['a check without a colon', 'role:admin or admin', 'unreadable'],
    ['an operator too much', 'role:admin or', 'unreadable'],
    ['a rule that is not there', 'not rule:nowhere', 'undefined-rule'],
    ['a server', '! and http://h/', 'http'],
    ['a check of an extension', 'field:networks:shared=True', 'extension'],
  ])('finds %s', (_claim, rule, reason) => {
    expect(reasons({ show: rule })).toEqual([`show ${reason}`])
    expect(strictReasons({ show: rule })).toContain(`show ${reason}`)
  })

  it('says what cannot be read', () => {
    const [found] = osloFindings(readOsloDocument({ show: '(role:admin' }))
    expect(found?.message).toBe('oslo.policy cannot read it (parenthesis): "(role:admin"')
  })

  it.each([
    [{ a: 'rule:a' }, ['a: rules lead to each other: a, a']],
    [{ a: 'rule:b', b: '@ or not rule:a' }, ['a: rules lead to each other: a, b, a']],
    [{ z: 'rule:a', a: 'rule:b', b: 'rule:a' }, ['a: rules lead to each other: a, b, a']],
    [{ a: 'rule:c and rule:b', b: 'rule:c', c: '@' }, []],
    [
      { a: 'rule:b or rule:c', b: 'rule:a', c: 'rule:c' },
      ['a: rules lead to each other: a, b, a', 'c: rules lead to each other: c, c'],
    ],
    [{ default: 'rule:nowhere' }, ['default: rules lead to each other: default, default']],
  ])('finds the cycles of %j', (rules, expected) => {
    const found = osloFindings(readOsloDocument(rules)).filter(({ reason }) => reason === 'cycle')
    expect(found.map(({ rule, message }) => `${rule}: ${message}`).sort()).toEqual(expected)
  })

  it('follows long chains', () => {
    const chain = Object.fromEntries(Array.from({ length: 9999 }, (_, index) => [`r${index}`, `rule:r${index + 1}`]))
    const [found] = osloFindings(readOsloDocument({ ...chain, r9999: 'rule:r0' }))
    expect(found).toMatchObject({ rule: 'r0', reason: 'cycle' })
    expect(found?.message).toMatch(/: r0, r1, .* r9, …$/)
  })
})

describe('strictOsloFindings', () => {
  it('finds nothing wrong, and what is not stated is not checked', () => {
    expect(strictReasons({})).toEqual([])
    const loose = readOsloDocument({ show: 'role:unheard and unheard:%(unheard)s', default: '!' })
    expect(strictOsloFindings(loose)).toEqual([])
  })

  it.each([
    ['a list', ['role:admin'], 'list-form'],
    ['an unknown role', 'role:amdin', 'role'],
    ['a role that the target chooses', 'role:%(topic)s', 'role'],
    ['an unknown credential', 'user.name:x', 'credential'],
    ['a key that no target has', 'project_id:%(projectid)s', 'target-key'],
    ['a number', '1:%(topic)s', 'left'],
    ['a list of Python', "['a']:%(topic)s", 'left'],
    ['an escape', String.raw`'\x61':%(topic)s`, 'left'],
    ['a keyword of Python', 'class:x', 'left'],
    ['an expression of Python', 'project-id:x', 'left'],
    ['nothing on the left', ':x', 'left'],
    ['a width', 'project_id:%(project_id)5s', 'right'],
    ['another conversion', 'project_id:%(project_id)r', 'right'],
    ['the whole target', 'project_id:%s', 'right'],
    ['a single percent sign', 'project_id:50%', 'right'],
  ])('finds %s', (_claim, rule, reason) => {
    expect(strictReasons({ show: rule })).toEqual([`show ${reason}`])
    expect(reasons({ show: rule })).toEqual([])
  })

  it.each(['@', 'role:admin', 'admin'])('finds the default rule %j, which does more than deny', (rule) => {
    expect(strictReasons({ default: rule })).toContain('default default-rule')
  })

  it.each(['True:%(topic)s', 'None:%(topic)s', '"a":%(topic)s', "'':%(topic)s", 'cert.fingerprint:x%%%(topic)s'])(
    'leaves %s',
    (rule) => {
      expect(strictReasons({ show: rule })).toEqual([])
    },
  )
})

describe('requireStrictOslo', () => {
  it('refuses a policy for its first finding', () => {
    requireStrictOslo(readOsloDocument(GOOD), KNOWN)
    const document = readOsloDocument({ ...GOOD, show: 'rule:admin or http://h', other: '' })
    const { details, message } = expectCode('ERR_POLICY_OSLO', () => requireStrictOslo(document, KNOWN))
    expect(details).toEqual({ rule: 'show', reason: 'http' })
    expect(message).toBe('the rule "show" of the policy is refused: http://h: a server would decide')
  })
})
