/**
 * Mapping documents and assertions, drawn from a seed: what operators write, what they get wrong, and what an attacker
 * would have in a certificate.
 *
 * @module test/interop/keystone/generate
 */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import type { MappingCase } from './engine.js'

/** `SIGNET_FUZZ_SEED`: a number, or `random`, which draws one. */
export function seedOfRun(): number {
  const stated = process.env['SIGNET_FUZZ_SEED'] ?? ''
  return stated === 'random' ? randomInt(2 ** 31) : stated === '' ? 20_261_122 : Number(stated)
}

/** So many cases; every fifth document has something about it that may not be valid. */
export function generateCases(count: number, seed: number): readonly MappingCase[] {
  const valid = fc.record({ document, assertion })
  const odd = fc.record({ document: spoilt, assertion })
  return fc.sample(fc.oneof({ arbitrary: valid, weight: 4 }, { arbitrary: odd, weight: 1 }), { numRuns: count, seed })
}

const NAMES = ['SSL_CLIENT_S_DN_CN', 'SSL_CLIENT_S_DN_O', 'OU', 'groups', 'projects', 'mail'] as const
const VALUES = [
  'nova',
  'nova',
  'nova',
  'Nova',
  'glance',
  'nova;glance',
  'nova;nova;glance',
  'a;b;c',
  ';',
  '',
  ' ',
  'admin',
  'filename',
  "O'Brien",
  `both ' and "`,
  'größe',
  'ſecret',
  'ñ;名前;😀',
  'tab\tand\nline\n',
  '\u200b\u00a0',
  "['admin', 'ops']",
  '["a", 1, 1, True, 1.0, None, (1, 2), (1, 2)]',
  "[['a']]",
  '[{}]',
  '{[]}',
  '{1: 2}',
  "{'a', 'b'}",
  "[{'domain': {'id': 'd'}, 'name': 'g'}]",
  '("a", "b")',
  '[1, 2',
  '[b"octets"]',
  'b"octets"',
  '[1+2j]',
  '[...]',
  '[{1, 2}]',
  '[]',
  '[ ]  # nothing',
  '007',
  '1_000',
  '["JSON:{\\"name\\": \\"g\\", \\"domain\\": {\\"id\\": \\"d\\"}}"]',
  'JSON:{"name":"g","domain":{"id":"d"}}',
  'JSON:{"name":"g"}',
  'JSON:["name","domain"]',
  'JSON:name',
  '["JSON:NaN"]',
  'name JSON:NaN',
  'my name has a domain',
  '[{"name": "p", "roles": [{"name": "r"}]}]',
  '[{"name": "p", "roles": [{"name": "r"}], "domain": {"id": "own"}}]',
  '[{"name": "p", "roles": [], "domain": {}}]',
  '[{"name": "p"}]',
  '[{"name": "p", "roles": [{"name": 1}]}]',
  '{"name": "p"}',
  'null',
  '{0}',
  '{',
] as const
const PATTERNS = [
  'nova',
  '^nova$',
  '^(nova|glance)$',
  '(?i)NOVA',
  '\\w+',
  '.',
  '^\\s*$',
  '[a-c]',
  '[^a-c]+$',
  '.*',
  '',
  '(?P<who>a)(?P=who)?',
  'n.v',
  '\\d',
  '\\bname\\b',
  '^.{2,4}$',
  '(a',
  '*',
  '[',
  '\\',
  '(?!admin)',
  'x{,2}y',
  '\\Z',
] as const
const TEMPLATES = [
  '{0}',
  '{0}',
  '{0}',
  '{1}',
  'svc',
  'svc',
  '{2}',
  '{0}-{1}',
  'a;b',
  '',
  '{}',
  '{} {}',
  '{0[0]}',
  '{1[1]}',
  '{0!r}',
  '{1!s:>12}',
  '{0:^9}',
  '{0.__class__}',
  '{0.missing}',
  '{0.upper}',
  '{{{0}}}',
  '{{',
  '{',
  '}',
  '{who}',
  '{9}',
  '{0} {}',
  '{0!x}',
  '{0:d}',
  "['x', '{0}']",
  'name {0}',
] as const

/** Any of these, the first ones more often. */
function oneOf(words: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: fc.constantFrom(...words.slice(0, 6)), weight: 5 },
    { arbitrary: fc.constantFrom(...words), weight: 1 },
  )
}

const name = oneOf(NAMES)
const value = fc.oneof(
  { arbitrary: oneOf(VALUES), weight: 6 },
  {
    arbitrary: fc.array(fc.constantFrom(...VALUES), { maxLength: 4 }).map((values) => values.join(';')),
    weight: 2,
  },
  { arbitrary: fc.string({ unit: fc.constantFrom(...'ab;,\'"\\[](){}: \né中'), maxLength: 12 }), weight: 2 },
)
const template = oneOf(TEMPLATES)
const pattern = oneOf(PATTERNS)

const assertion = fc
  .tuple(
    // Most have what the rules ask for, or no rule would ever apply.
    fc.tuple(...NAMES.map(() => fc.option(value, { freq: 8, nil: undefined }))),
    fc.dictionary(name, fc.constantFrom<unknown>(null, 1, true, ['nova'], { nova: 1 }), { maxKeys: 1 }),
  )
  .map(([values, odd]) => ({
    ...Object.fromEntries(NAMES.flatMap((key, index) => (values[index] === undefined ? [] : [[key, values[index]]]))),
    ...odd,
  }))

const domain = fc.record({ id: template, name: template }, { requiredKeys: [] })
const roles = fc.array(fc.record({ name: template }), { maxLength: 2 })

const user = fc.record(
  { id: template, name: template, email: template, domain, type: fc.constantFrom('ephemeral', 'local') },
  { requiredKeys: [] },
)
const group = fc.oneof(fc.record({ id: template }), fc.record({ name: template, domain }))

function localOf(version: string): fc.Arbitrary<object> {
  const project = fc.record(
    { name: template, roles, ...(version === '1.0' ? {} : { domain }) },
    { requiredKeys: ['name', 'roles'] },
  )
  const parts = {
    user,
    group,
    groups: template,
    group_ids: template,
    domain,
    projects: fc.array(project, { maxLength: 2 }),
    ...(version === '3.0' ? { projects_json: fc.constantFrom('{0}', '{1}', '2', '{3}', 'none', 'x{0}', '{0') } : {}),
  }
  const some = fc.subarray(Object.keys(parts), { minLength: 1, maxLength: 3 }).chain((keys) => {
    return fc.record(Object.fromEntries(Object.entries(parts).filter(([key]) => keys.includes(key))))
  })
  // Groups without a domain are seldom taken.
  return fc
    .tuple(some, domain, fc.nat(5))
    .map(([local, own, chance]) => ('groups' in local && chance > 0 ? { domain: own, ...local } : local))
}

const values = fc.array(
  fc.oneof(
    { arbitrary: oneOf(VALUES), weight: 12 },
    { arbitrary: fc.constantFrom(1, null, true, ['nova']), weight: 1 },
  ),
  { maxLength: 3 },
)
const patterns = fc.array(
  fc.oneof({ arbitrary: pattern, weight: 12 }, { arbitrary: fc.constantFrom(1, null), weight: 1 }),
  { minLength: 1, maxLength: 2 },
)

const kind = fc.constantFrom('any_one_of', 'not_any_of', 'whitelist', 'blacklist')
const plain = fc.record({ type: name })
const conditional = fc.tuple(name, kind, values).map(([type, key, list]) => ({ type, [key]: list }))
const regular = fc
  .tuple(name, kind, patterns, fc.constantFrom(true, true, false))
  .map(([type, key, list, regex]) => ({ type, [key]: list, regex }))
/** The plain entries mostly come first, and mostly suffice for the templates. */
const remote = fc.oneof(
  {
    arbitrary: fc
      .tuple(
        fc.array(plain, { minLength: 1, maxLength: 3 }),
        fc.array(fc.oneof(conditional, regular), { maxLength: 1 }),
      )
      .map((parts) => parts.flat()),
    weight: 3,
  },
  {
    arbitrary: fc.array(fc.oneof(plain, conditional, regular), { minLength: 1, maxLength: 4 }),
    weight: 1,
  },
)

const document = fc.tuple(fc.constantFrom('1.0', '2.0', '3.0'), fc.constantFrom(0, 1, 1, 1)).chain(([version, least]) =>
  fc.record({
    rules: fc.array(fc.record({ local: fc.array(localOf(version), { minLength: least, maxLength: 3 }), remote }), {
      minLength: 1,
      maxLength: 3,
    }),
    schema_version: fc.constant(version),
  }),
)

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

const replacement = fc.constantFrom<Json | undefined>(
  undefined,
  null,
  1,
  true,
  '',
  'ephemeral',
  'admin',
  [],
  {},
  [{}],
  [null],
  { id: 'a', name: 'b' },
  { name: 'b' },
  '2.0',
)

/** A valid document with something at one place replaced, left out or added. */
const spoilt = fc
  .tuple(
    document,
    fc.nat(),
    replacement,
    fc.constantFrom('', 'type', 'regex', 'whitelist', 'domain', 'projects_json', 'note', '__proto__'),
  )
  .map(([whole, place, by, added]) => {
    const spots = spotsOf(whole as Json)
    const spot = spots[place % spots.length] ?? []
    return replaced(whole as Json, added === '' ? spot : [...spot, added], by) as MappingCase['document']
  })

type Spot = readonly (string | number)[]

/** The way to everything within a value but itself. */
function spotsOf(value: Json): readonly Spot[] {
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...(value as readonly Json[]).entries()] : Object.entries(value)
  return entries.flatMap(([key, item]) => [[key], ...spotsOf(item).map((spot) => [key, ...spot])])
}

function replaced(value: Json, [key, ...rest]: Spot, by: Json | undefined): Json | undefined {
  if (key === undefined) return by
  if (Array.isArray(value)) {
    return (value as readonly Json[]).flatMap((item, index) =>
      index === key ? (replaced(item, rest, by) ?? []) : [item],
    )
  }
  if (typeof value !== 'object' || value === null) return value
  const own = Object.entries(value as { readonly [name: string]: Json })
  const old = own.find(([found]) => found === key)?.[1]
  const now = replaced(old ?? null, rest, by)
  const others = own.filter(([found]) => found !== key)
  return Object.fromEntries(now === undefined ? others : [...others, [key, now]])
}
