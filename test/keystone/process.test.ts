/** Keystone's engine: what it yields, and what it raises. The many rows of its own tests are in test/conformance. */
import { describe, expect, it } from 'vitest'
import { parseKeystoneMapping, processAsKeystone, type SchemaVersion } from '../../src/keystone/index.js'
import { expectCode } from '../support/expect-code.js'

const REMOTE = [{ type: 'CN' }, { type: 'P' }]
const USER = { user: { name: '{0}' } }
const ASSERTION = { CN: 'nova', P: '[]' }

function mapped(
  local: readonly unknown[],
  assertion: Record<string, unknown> = ASSERTION,
  version: SchemaVersion = '1.0',
) {
  return processAsKeystone(
    parseKeystoneMapping({ rules: [{ local, remote: REMOTE }], schema_version: version }),
    assertion,
  )
}

describe('processAsKeystone', () => {
  it('maps what the rules say', () => {
    expect(mapped([USER, { group: { id: 'g' } }])).toEqual({
      user: { name: 'nova', type: 'ephemeral' },
      group_ids: ['g'],
      group_names: [],
      projects: [],
    })
  })

  it('says in what way Keystone refuses', () => {
    const keystone = (work: () => unknown): string | undefined =>
      expectCode('ERR_KEYSTONE_REFUSED', work).details['keystone']
    expect(keystone(() => mapped([USER], { CN: 'nova' }))).toBe('ValidationError')
    expect(keystone(() => mapped([{ user: { name: '{7}' } }]))).toBe('DirectMappingError')
    expect(keystone(() => mapped([{ user: { name: '{who}' } }]))).toBe('uncaught:KeyError')
  })

  it('lists a group by name and domain once, and all again with every further one', () => {
    const group = (name: string) => ({ group: { name, domain: { id: 'd' } } })
    const names = mapped([USER, group('a'), group('a'), group('b')]).group_names as readonly { name: string }[]
    expect(names.map(({ name }) => name)).toEqual(['a', 'a', 'a', 'b'])
  })

  it('takes group ids for a set of Python', () => {
    const P = '["a", 1, True, 1.0, (1, 2), (1, 2), None, 99999999999999999999]'
    expect(mapped([USER, { group_ids: '{1}' }], { CN: 'nova', P }).group_ids).toHaveLength(5)
    for (const [text, kind] of [
      ['[[1]]', 'TypeError'],
      ['[{1: 2}]', 'TypeError'],
      ['{[]}', 'TypeError'],
    ] as const) {
      const error = expectCode('ERR_KEYSTONE_REFUSED', () => mapped([{ group_ids: '{1}' }], { CN: 'nova', P: text }))
      expect(error.details['keystone']).toBe(`uncaught:${kind}`)
    }
  })

  it.each([
    ['octets', '[b"a"]', '{1}'],
    ['a complex number', '[1+2j]', '{1}'],
    ['an ellipsis', '[...]', '{1}'],
    ['a set of names', '[{1}]', '{1}'],
    ['a method', 'a', '{1.upper}'],
  ])('knows that it cannot tell what Python makes of %s', (_claim, P, groups) => {
    expectCode('ERR_KEYSTONE_UNSUPPORTED', () => mapped([{ groups, domain: {} }], { CN: 'nova', P }))
  })

  it('knows patterns that it cannot try', () => {
    const rules = [{ local: [USER], remote: [{ type: 'CN', any_one_of: ['(?>a)'], regex: true }] }]
    expectCode('ERR_KEYSTONE_UNSUPPORTED', () => processAsKeystone(parseKeystoneMapping({ rules }), ASSERTION))
  })

  it('schema 3.0 takes projects out of an attribute, as JSON', () => {
    const P = JSON.stringify([{ name: 'p', roles: [{ name: 'r' }] }])
    const local = [USER, { projects_json: '{1}', domain: { id: 'd' } }]
    expect(mapped(local, { CN: 'nova', P }, '3.0').projects).toEqual([
      { name: 'p', roles: [{ name: 'r' }], domain: { id: 'd' } },
    ])
    const refusal = (projects_json: string, wrong: string) =>
      expectCode('ERR_KEYSTONE_REFUSED', () => mapped([{ projects_json }], { CN: 'nova', P: wrong }, '3.0')).details
    for (const wrong of ['{}', '[{"name": "p"}]', 'a;b'])
      expect(refusal('{1}', wrong)).toEqual({ keystone: 'ValidationError' })
    expect(refusal('{1}', 'no JSON')).toEqual({ keystone: 'uncaught:JSONDecodeError' })
    expect(refusal('{2}', P)).toEqual({ keystone: 'uncaught:IndexError' })
    expect(refusal('first', P)).toEqual({ keystone: 'SchemaValidationError' })
    expectCode('ERR_KEYSTONE_UNSUPPORTED', () => mapped([{ projects_json: '{1}' }], { CN: 'nova', P: '[NaN]' }, '3.0'))
  })

  it('from schema 2.0 on a project without a domain has that of its object, or none', () => {
    const projects = [
      { name: 'p', roles: [] },
      { name: 'q', roles: [], domain: {} },
    ]
    expect(mapped([{ projects, domain: { id: 'd' } }], ASSERTION, '2.0').projects).toEqual([
      { name: 'p', roles: [], domain: { id: 'd' } },
      { name: 'q', roles: [], domain: { id: 'd' } },
    ])
    expect(mapped([{ projects }], ASSERTION, '2.0').projects).toMatchObject([{ domain: null }, { domain: null }])
    expect(mapped([{ projects }, { projects_json: '{1}' }], ASSERTION, '3.0').projects).toEqual([])
  })
})

describe('parseKeystoneMapping', () => {
  const good = { rules: [{ local: [USER], remote: REMOTE }] }

  it('reads a document, and takes it for schema 1.0 where it does not say', () => {
    expect(parseKeystoneMapping(good).version).toBe('1.0')
    expect(parseKeystoneMapping({ ...good, more: 1 }).rules).toHaveLength(1)
  })

  it.each([
    ['no object', []],
    ['no rules', {}],
    ['empty rules', { rules: [] }],
    ['no version', { ...good, schema_version: null }],
    ['an unknown version', { ...good, schema_version: '4.0' }],
    ['no remote', { rules: [{ local: [USER] }] }],
    ['an empty remote', { rules: [{ local: [USER], remote: [] }] }],
    ['a third key in a rule', { rules: [{ local: [USER], remote: REMOTE, note: 'x' }] }],
    ['an unknown key in local', { rules: [{ local: [{ users: {} }], remote: REMOTE }] }],
    ['an unknown type of user', { rules: [{ local: [{ user: { type: 'admin' } }], remote: REMOTE }] }],
    ['a group by id with a domain', { rules: [{ local: [{ group: { id: 'g', domain: {} } }], remote: REMOTE }] }],
    ['a group by name without one', { rules: [{ local: [{ group: { name: 'g' } }], remote: REMOTE }] }],
    ['projects_json before 3.0', { rules: [{ local: [{ projects_json: '{0}' }], remote: REMOTE }] }],
    ['two conditions', { rules: [{ local: [], remote: [{ type: 'a', any_one_of: [], whitelist: [] }] }] }],
    ['regex without a condition', { rules: [{ local: [], remote: [{ type: 'a', regex: true }] }] }],
    ['a condition that is no list', { rules: [{ local: [], remote: [{ type: 'a', any_one_of: 'b' }] }] }],
    ['regex that is no boolean', { rules: [{ local: [], remote: [{ type: 'a', any_one_of: [], regex: 'yes' }] }] }],
  ])('refuses %s', (_claim, document) => {
    expectCode('ERR_MAPPING_INVALID', () => parseKeystoneMapping(document))
  })
})
