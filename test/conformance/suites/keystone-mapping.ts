/**
 * Keystone's mapping engine: mappings and assertions of its own tests, and quirks.
 *
 * @module test/conformance/suites/keystone-mapping
 */
import { join } from 'node:path'
import { isSignetError } from '../../../src/errors/index.js'
import {
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
  type SchemaVersion,
} from '../../../src/keystone/index.js'
import { readJson } from '../files.js'
import { type Case, type Loaded, type Suite, type Verdict } from '../suite.js'

/** What every row has. */
interface Row {
  readonly processor: SchemaVersion
  readonly result?: unknown
  readonly error?: string
}

interface Pair extends Row {
  readonly mapping: string
  readonly assertion: string
}

interface Quirk extends Row {
  readonly name: string
  readonly rules: readonly unknown[]
  readonly assertion: Readonly<Record<string, unknown>>
  readonly schema_valid?: boolean
}

interface Fixtures {
  readonly mappings: Readonly<Record<string, { readonly mapping: { readonly rules: readonly unknown[] } }>>
  readonly assertions: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export const keystoneMapping: Suite = {
  name: 'keystone-mapping',
  title: "Keystone's mappings of attributes to identities, exactly as Keystone",
  peers: '',
  load: (corpora) =>
    loadRows(
      corpora,
      (row) => expectedOf(row),
      (...words) => map(...words),
    ),
}

/** In the strict mode a mapping yields what Keystone yields, or is refused. */
export const keystoneMappingStrict: Suite = {
  name: 'keystone-mapping-strict',
  title: "Keystone's mappings in the strict mode: what passes means the same",
  peers: '',
  load: (corpora) =>
    loadRows(
      corpora,
      (row) => `refused, or ${expectedOf(row, 'each once')}`,
      (rules, assertion, processor) => ({
        got: `refused, or ${mapStrictly(rules, assertion, processor)}`,
      }),
    ),
}

type Map = (rules: readonly unknown[], assertion: Assertion, processor: SchemaVersion) => Verdict
type Assertion = Readonly<Record<string, unknown>>

function loadRows(corpora: string, expect: (row: Row) => string, run: Map): Loaded | undefined {
  const folder = join(corpora, 'openstack')
  const file = readJson(folder, 'keystone-mapping-cases.json') as
    { readonly cases?: readonly Pair[]; readonly quirks?: readonly Quirk[] } | undefined
  const fixtures = readJson(folder, 'keystone-mapping-fixtures.json') as Fixtures | undefined
  if (file === undefined || fixtures === undefined) return undefined
  const pairs = (file.cases ?? []).map((row): Case => ({
    id: `${row.mapping} ${row.assertion} ${row.processor}`,
    expected: expect(row),
    run: () => run(rulesOf(fixtures, row.mapping), fixtures.assertions[row.assertion] ?? {}, row.processor),
  }))
  const quirks = (file.quirks ?? []).map((row): Case => ({
    id: `quirk ${row.name} ${row.processor}`,
    expected: row.schema_valid === false ? 'not valid' : expect(row),
    run: () => run(row.rules, row.assertion, row.processor),
  }))
  return { cases: [...pairs, ...quirks] }
}

function rulesOf({ mappings }: Fixtures, name: string): readonly unknown[] {
  const found = mappings[name]
  if (found === undefined) throw new Error(`there is no mapping ${name}`)
  return found.mapping.rules
}

function expectedOf({ result, error }: Row, names?: 'each once'): string {
  return error ?? canonical(result, names)
}

function map(rules: readonly unknown[], assertion: Assertion, processor: SchemaVersion, names?: 'each once'): Verdict {
  let mapping
  try {
    mapping = parseKeystoneMapping({ rules, schema_version: processor })
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { got: 'not valid', code: error.code, message: error.message }
  }
  try {
    return { got: canonical(processAsKeystone(mapping, assertion), names) }
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { got: error.details['keystone'] ?? error.code, code: error.code, message: error.message }
  }
}

/** JSON with sorted keys; group ids and names come out of Python's sets, and have no order. */
function canonical(value: unknown, names: 'as often' | 'each once' = 'as often'): string {
  return JSON.stringify(value, (name, item: unknown) => {
    if (Array.isArray(item) && (name === 'group_ids' || name === 'group_names')) {
      const items = names === 'each once' ? [...new Map(item.map((one) => [canonical(one), one])).values()] : item
      return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) as unknown
    }
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** The result, or, where the strict mode refuses, what Keystone says: a refusal is always allowed. */
function mapStrictly(rules: readonly unknown[], assertion: Assertion, processor: SchemaVersion): string {
  const asKeystone = map(rules, assertion, processor, 'each once').got
  const texts = Object.fromEntries(
    Object.entries(assertion).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  )
  try {
    const safe = requireSafe(parseKeystoneMapping({ rules, schema_version: processor }))
    return canonical(processStrictly(safe, texts), 'each once')
  } catch (error) {
    if (!isSignetError(error) || error.category === 'internal') throw error
    return asKeystone
  }
}
