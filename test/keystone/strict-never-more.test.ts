/** Whatever the document: what the strict engine yields, Keystone's yields too. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type KeystoneIdentity,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
  SCHEMA_VERSIONS,
} from '../../src/keystone/index.js'
import { isRefusal } from '../conformance/suite.js'

const TYPES = ['CN', 'O', 'OU', 'L'] as const

/** The first ones more often, or hardly any case would be mapped. */
function mostly<T>(first: readonly T[], others: readonly T[]): fc.Arbitrary<T> {
  const [usual, odd] = [fc.constantFrom(...first), fc.constantFrom(...others)]
  return fc.oneof({ arbitrary: usual, weight: 12 }, { arbitrary: odd, weight: 1 })
}

const template = mostly(['{0}', 'svc', '{0}-{0}'], ['{1}', '{{0}}', '{2}', '', 'a;b', 'name'])
const domain = fc.record({ id: template, name: template }, { requiredKeys: [] })
const user = fc.record({ id: template, name: template, email: template, domain }, { requiredKeys: ['name'] })
const role = fc.record({ name: template })
const project = fc.record(
  { name: template, roles: fc.array(role, { maxLength: 1 }), domain },
  { requiredKeys: ['name', 'roles'] },
)
const local = fc.record(
  {
    user,
    domain,
    groups: mostly(['{0}', 'g'], ['{1}', 'a;b', "['x']"]),
    group_ids: mostly(['{0}', 'g'], ['{1}', '["x"]']),
    group: fc.oneof(fc.record({ id: template }), fc.record({ name: template, domain })),
    projects: fc.array(project, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)

const type = fc.constantFrom(...TYPES)
const value = mostly(['nova', 'nova', 'glance', 'admin'], ['filename', "['x']", 'größe', 'a b', ' ', '', 'a;b'])
const gate = fc
  .tuple(type, fc.constantFrom('any_one_of', 'not_any_of'), fc.array(value, { minLength: 1, maxLength: 3 }))
  .map(([name, kind, values]) => ({ type: name, [kind]: values }))
const pattern = fc
  .tuple(type, mostly(['^nova$', '^(?:nova|glance)\\Z', '^[a-z]+$'], ['nova']))
  .map(([name, source]) => ({ type: name, any_one_of: [source], regex: true }))
const remote = fc
  .tuple(
    fc.array(
      type.map((name) => ({ type: name })),
      { minLength: 1, maxLength: 3 },
    ),
    fc.array(fc.oneof(gate, pattern), { maxLength: 2 }),
  )
  .map((parts) => parts.flat())
const rule = fc.record({ local: fc.array(local, { minLength: 1, maxLength: 2 }), remote })

const values = fc.oneof(
  { arbitrary: value.map((one) => [one]), weight: 4 },
  { arbitrary: fc.array(value, { minLength: 1, maxLength: 2 }), weight: 1 },
)
const attributes = fc.record({ CN: values, O: values, OU: values, L: values }, { requiredKeys: ['CN', 'O'] })

/** In no order, each once. */
function meaning({ user: who, group_ids, group_names, projects }: KeystoneIdentity): unknown {
  const distinct = (items: readonly unknown[]): unknown => new Set(items.map((item) => JSON.stringify(item)))
  return { user: who, ids: distinct(group_ids), names: distinct(group_names), projects }
}

describe.each(SCHEMA_VERSIONS)('processStrictly: schema %s', (version) => {
  it('yields what Keystone yields, or nothing', () => {
    const documents = fc.array(
      rule.filter(
        ({ local: items }) =>
          version !== '1.0' || !items.some(({ projects = [] }) => projects.some((one) => 'domain' in one)),
      ),
      { minLength: 1, maxLength: 2 },
    )
    let mapped = 0
    fc.assert(
      fc.property(documents, attributes, (rules, given) => {
        const mapping = parseKeystoneMapping({ rules, schema_version: version })
        let strict: KeystoneIdentity
        try {
          strict = processStrictly(requireSafe(mapping), given)
        } catch (error) {
          if (!isRefusal(error)) throw error
          return
        }
        mapped++
        const joined = Object.fromEntries(Object.entries(given).map(([name, several]) => [name, several.join(';')]))
        expect(meaning(strict)).toEqual(meaning(processAsKeystone(mapping, joined)))
      }),
      { seed: 11, numRuns: 10_000 },
    )
    expect(mapped).toBeGreaterThan(100)
  })
})
