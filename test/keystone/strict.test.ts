/** What the strict mode refuses, each by its own code; what it lets through is what Keystone yields (test/conformance). */
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  type KeystoneIdentity,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
  type SchemaVersion,
  type StrictAttributes,
} from '../../src/keystone/index.js'
import { expectCode } from '../support/expect-code.js'

interface Rule {
  readonly local?: readonly unknown[]
  readonly remote?: readonly unknown[]
}

/** A rule that is safe; a test changes one part. */
const LOCAL = [
  { user: { name: '{0}', domain: { id: 'd' } } },
  { groups: '{1}', domain: { id: 'd' } },
  { projects: [{ name: 'p', roles: [{ name: 'member' }] }] },
]
const REMOTE = [{ type: 'CN' }, { type: 'OU' }, { type: 'O', any_one_of: ['cloud.example'] }]
const ATTRIBUTES: StrictAttributes = { CN: 'nova', OU: ['a', 'b'], O: 'cloud.example' }

function safe(
  { local = LOCAL, remote = REMOTE }: Rule = {},
  version: SchemaVersion = '1.0',
  more: readonly Rule[] = [],
) {
  const rules = [{ local, remote }, ...more.map((rule) => ({ local: LOCAL, remote: REMOTE, ...rule }))]
  return requireSafe(parseKeystoneMapping({ rules, schema_version: version }))
}

function map(attributes: StrictAttributes = ATTRIBUTES, ...words: Parameters<typeof safe>): KeystoneIdentity {
  return processStrictly(safe(...words), attributes)
}

describe('requireSafe and processStrictly', () => {
  it('map what is safe, with several values as a list', () => {
    expect(map()).toEqual({
      user: { name: 'nova', domain: { id: 'd' }, type: 'ephemeral' },
      group_ids: [],
      group_names: [
        { name: 'a', domain: { id: 'd' } },
        { name: 'b', domain: { id: 'd' } },
      ],
      projects: [{ name: 'p', roles: [{ name: 'member' }] }],
    })
    expect(map(ATTRIBUTES, {}, '2.0').user['domain']).toEqual({ id: 'd' })
  })

  it.each<[ErrorCode, string, Rule]>([
    ['ERR_KEYSTONE_WHITELIST', 'a whitelist', { remote: [...REMOTE, { type: 'CN', whitelist: ['nova'] }] }],
    ['ERR_KEYSTONE_WHITELIST', 'a blacklist', { remote: [...REMOTE, { type: 'CN', blacklist: ['nova'] }] }],
    ['ERR_KEYSTONE_CONDITION', 'no values', { remote: [...REMOTE, { type: 'CN', not_any_of: [] }] }],
    ['ERR_KEYSTONE_CONDITION', 'a number', { remote: [...REMOTE, { type: 'CN', any_one_of: [1] }] }],
    ['ERR_KEYSTONE_ATTRIBUTE', 'a header', { remote: [...REMOTE, { type: 'HTTP_X_ROLES' }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'automatic numbers', { local: [{ user: { name: '{}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'an element', { local: [{ user: { name: '{0[0]}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'an attribute', { local: [{ user: { name: '{0.__class__}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'a conversion', { local: [{ user: { name: '{0!r}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'a specification', { local: [{ user: { name: '{0:>9}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'a name', { local: [{ user: { name: '{who}' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'a single brace', { local: [{ user: { name: '{0' } }] }],
    ['ERR_KEYSTONE_TEMPLATE', 'a position that a gate does not make', { local: [{ user: { name: '{2}' } }] }],
    [
      'ERR_KEYSTONE_TEMPLATE',
      'one deep inside',
      {
        local: [...LOCAL, { projects: [{ name: 'p', roles: [{ name: '{9}' }] }] }],
      },
    ],
    ['ERR_KEYSTONE_GROUPS', 'groups of text and position', { local: [...LOCAL, { groups: 'x{1}', domain: {} }] }],
    ['ERR_KEYSTONE_GROUPS', 'groups that look like a list', { local: [...LOCAL, { groups: "['a']", domain: {} }] }],
    ['ERR_KEYSTONE_GROUPS', 'groups without a domain', { local: [...LOCAL, { groups: '{1}' }] }],
    ['ERR_KEYSTONE_GROUPS', 'group ids that look like a list', { local: [...LOCAL, { group_ids: '["a"]' }] }],
    ['ERR_KEYSTONE_USER', 'no user', { local: [{ group: { id: 'g' } }] }],
  ])('%s: refuses %s', (code, _claim, change) => {
    expectCode(code, () => safe(change))
  })

  it.each(['a', '^a', 'a$', '^a|b$', '^(a+)+$', '^(a*)*\\Z', '^(a|b+)*$', '^(a)\\1$', '^(?>a)$', '^($', '(?m)^a$'])(
    'ERR_KEYSTONE_PATTERN: refuses the pattern %s',
    (pattern) => {
      const remote = [...REMOTE, { type: 'CN', any_one_of: [pattern], regex: true }]
      expectCode('ERR_KEYSTONE_PATTERN', () => safe({ remote }))
    },
  )

  it.each(['^nova$', '\\Anova\\Z', '^(?:nova|glance)$', '^[a-z]+-?[0-9]*$', '^no(v)a\\Z', '^(?:ab)?nova$'])(
    'takes the pattern %s',
    (pattern) => {
      expect(
        map(ATTRIBUTES, { remote: [...REMOTE, { type: 'CN', any_one_of: [pattern], regex: true }] }).user['name'],
      ).toBe('nova')
    },
  )

  it('ERR_KEYSTONE_DOMAIN: from schema 2.0 on a user says its domain itself', () => {
    const local = [{ user: { name: '{0}' }, domain: { id: 'd' } }]
    safe({ local })
    expectCode('ERR_KEYSTONE_DOMAIN', () => safe({ local }, '2.0'))
    expectCode('ERR_KEYSTONE_DOMAIN', () => safe({ local }, '3.0'))
  })

  it.each<[ErrorCode, string, StrictAttributes]>([
    ['ERR_IDENTITY_UNMAPPED', 'another organization', { ...ATTRIBUTES, O: 'other.example' }],
    ['ERR_IDENTITY_UNMAPPED', 'no attribute', {}],
    ['ERR_IDENTITY_UNMAPPED', 'an attribute without values', { ...ATTRIBUTES, OU: [] }],
    ['ERR_KEYSTONE_SEPARATOR', 'a semicolon', { ...ATTRIBUTES, CN: 'nova;admin' }],
    ['ERR_KEYSTONE_VALUES', 'two names', { ...ATTRIBUTES, CN: ['nova', 'admin'] }],
    ['ERR_KEYSTONE_CHARACTER', 'an empty name', { ...ATTRIBUTES, CN: '' }],
    ['ERR_KEYSTONE_CHARACTER', 'a line break', { ...ATTRIBUTES, CN: 'nova\n' }],
    ['ERR_KEYSTONE_CHARACTER', 'an invisible character', { ...ATTRIBUTES, CN: 'no\u200bva' }],
    ['ERR_KEYSTONE_CHARACTER', 'a group that is a list to Python', { ...ATTRIBUTES, OU: ["['admin', 'ops']"] }],
    ['ERR_KEYSTONE_CHARACTER', 'a group in JSON', { ...ATTRIBUTES, OU: ['JSON:x'] }],
    ['ERR_KEYSTONE_GROUP_NAME', 'a group with the word in its name', { ...ATTRIBUTES, OU: ['filename-readers'] }],
  ])('%s: refuses %s', (code, _claim, attributes) => {
    expectCode(code, () => map(attributes))
  })

  it('ERR_KEYSTONE_CONFLICT: two rules that match may not contradict each other', () => {
    expect(map(ATTRIBUTES, {}, '1.0', [{}])).toEqual(map())
    const user = [{ user: { name: 'admin', domain: { id: 'd' } } }]
    expectCode('ERR_KEYSTONE_CONFLICT', () => map(ATTRIBUTES, {}, '1.0', [{ local: user }]))
    const projects = [{ projects: [{ name: 'other', roles: [] }] }]
    expectCode('ERR_KEYSTONE_CONFLICT', () => map(ATTRIBUTES, {}, '1.0', [{ local: projects }]))
  })

  it('means the same as Keystone', () => {
    const attributes = { CN: 'nova', OU: 'a', O: 'cloud.example' }
    const rules = [{ local: LOCAL, remote: REMOTE }]
    expect(map(attributes)).toEqual(processAsKeystone(parseKeystoneMapping({ rules }), attributes))
  })
})
