import { describe, expect, it } from 'vitest'
import { checksOf, type Condition, formatCondition, holds, type Place, rolesIn } from '../../src/policy/condition.js'
import { parseBinding } from '../../src/policy/index.js'
import { somebody } from './policies.js'

const sender = somebody(['compute', 'auditor@region-one', 'reader@region-two/*', 'admin@region-three/**'], {
  scope: 'region-one/nova',
})
const role = (name: string, at: Place = { kind: 'home' }): Condition => ({ kind: 'role', role: name, at })
const scope = (path: string): Place => ({ kind: 'scope', path })
const binding: Condition = { kind: 'binding', ...parseBinding('host == node') }
const TRUE: Condition = { kind: 'constant', holds: true }
const FALSE: Condition = { kind: 'constant', holds: false }
const UNKNOWN = binding
const subject = { identity: sender, scope: undefined, destination: undefined, content: undefined }

describe('holds: roles', () => {
  it.each<[string, Place, boolean]>([
    ['compute', { kind: 'home' }, true],
    ['auditor', { kind: 'home' }, false],
    ['compute', scope('region-one/nova'), true],
    ['compute', scope('region-one'), false],
    ['compute', scope('region-one/nova/api'), false],
    ['auditor', scope('region-one'), true],
    ['auditor', scope('region-one/nova'), false],
    ['auditor', scope(''), false],
    ['reader', scope('region-two'), false],
    ['reader', scope('region-two/a'), true],
    ['reader', scope('region-two/a/b'), true],
    ['reader', scope('region-twofold'), false],
    ['admin', scope('region-three'), true],
    ['admin', scope('region-three/x'), true],
    ['admin', scope(''), false],
    ['constructor', { kind: 'home' }, false],
    ['constructor', scope('region-one'), false],
  ])('of %s at %j: %s', (name, at, expected) => {
    expect(holds(role(name, at), subject)).toBe(expected)
  })

  it('at the destination asks for the scope in which the message takes effect', () => {
    const there = role('auditor', { kind: 'destination' })
    expect(holds(there, { ...subject, scope: 'region-one' })).toBe(true)
    expect(holds(there, { ...subject, scope: 'region-two' })).toBe(false)
    expect(holds(there, { ...subject, scope: '' })).toBe(false)
    expect(holds(there, subject)).toBeUndefined()
  })

  it('is not confused by many scopes', () => {
    for (let index = 0; index < 600; index++) {
      expect(holds(role('admin', scope(`region-three/x${index}`)), subject)).toBe(true)
      expect(holds(role('admin', scope(`region-four/x${index}`)), subject)).toBe(false)
    }
  })
})

describe('holds: facts and bindings', () => {
  it('compares facts as they are', () => {
    expect(holds({ kind: 'fact', fact: 'node', text: 'compute-07' }, subject)).toBe(true)
    expect(holds({ kind: 'fact', fact: 'node', text: 'Compute-07' }, subject)).toBe(false)
  })

  it('of a binding without content says nothing, and of content that has no such field: no', () => {
    expect(holds(binding, subject)).toBeUndefined()
    expect(holds(binding, { ...subject, content: null })).toBe(false)
    expect(holds(binding, { ...subject, content: {} })).toBe(false)
    expect(holds(binding, { ...subject, content: { host: 'compute-07' } })).toBe(true)
    expect(holds(binding, { ...subject, content: { host: ['compute-07'] } })).toBe(false)
  })
})

describe('holds: what is not known is never taken for its contrary', () => {
  const and = (...of: readonly Condition[]): Condition => ({ kind: 'and', of })
  const or = (...of: readonly Condition[]): Condition => ({ kind: 'or', of })
  const not = (of: Condition): Condition => ({ kind: 'not', of })

  it.each<[string, Condition, boolean | undefined]>([
    ['and of nothing', and(), true],
    ['or of nothing', or(), false],
    ['and with false', and(UNKNOWN, FALSE), false],
    ['and with true', and(TRUE, UNKNOWN), undefined],
    ['or with true', or(UNKNOWN, TRUE), true],
    ['or with false', or(FALSE, UNKNOWN), undefined],
    ['not', not(UNKNOWN), undefined],
    ['not of not', not(not(UNKNOWN)), undefined],
    ['not of and with false', not(and(UNKNOWN, FALSE)), true],
    ['not of or with true', not(or(UNKNOWN, TRUE)), false],
    ['not of true', not(TRUE), false],
  ])('%s', (_, condition, expected) => {
    expect(holds(condition, subject)).toBe(expected)
  })
})

describe('conditions for people', () => {
  const all: Condition = {
    kind: 'and',
    of: [
      {
        kind: 'or',
        of: [role('a'), role('b', { kind: 'destination' }), role('c', scope('')), role('d', scope('x/y'))],
      },
      { kind: 'not', of: { kind: 'fact', fact: 'service', text: 'nova "x"' } },
      binding,
      { kind: 'or', of: [] },
      TRUE,
      { kind: 'and', of: [] },
    ],
  }

  it('are texts', () => {
    expect(formatCondition(all)).toBe(
      '((role a or role b at the destination or role c at / or role d at x/y) and ' +
        'not service is "nova \\"x\\"" and host == node and never and always and always)',
    )
  })

  it('name their roles', () => {
    expect(rolesIn(all)).toEqual(['a', 'b', 'c', 'd'])
    expect(rolesIn({ kind: 'not', of: role('a') })).toEqual(['a'])
  })

  it('are taken apart into checks, of which each says what it says', () => {
    expect(checksOf({ kind: 'and', of: [role('compute'), { kind: 'not', of: role('a') }, binding] }, subject)).toEqual([
      { check: 'role compute', held: true },
      { check: 'role a', held: false },
      { check: 'host == node', held: null },
    ])
  })
})
