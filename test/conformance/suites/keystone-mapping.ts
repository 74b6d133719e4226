/**
 * Keystone's mapping engine: mappings and assertions of its own tests, and quirks.
 *
 * @module test/conformance/suites/keystone-mapping
 */
import { join } from 'node:path'
import { isSignetError } from '../../../src/errors/index.js'
import { parseKeystoneMapping, processAsKeystone, type SchemaVersion } from '../../../src/keystone/index.js'
import { readJson } from '../files.js'
import { type Case, type Suite, type Verdict } from '../suite.js'

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
  load(corpora) {
    const folder = join(corpora, 'openstack')
    const cases = readJson(folder, 'keystone-mapping-cases.json') as
      { readonly cases?: readonly Pair[]; readonly quirks?: readonly Quirk[] } | undefined
    const fixtures = readJson(folder, 'keystone-mapping-fixtures.json') as Fixtures | undefined
    if (cases === undefined || fixtures === undefined) return undefined
    const pairs = (cases.cases ?? []).map((row): Case => ({
      id: `${row.mapping} ${row.assertion} ${row.processor}`,
      expected: expectedOf(row),
      run: () => map(rulesOf(fixtures, row.mapping), fixtures.assertions[row.assertion] ?? {}, row.processor),
    }))
    const quirks = (cases.quirks ?? []).map((row): Case => ({
      id: `quirk ${row.name} ${row.processor}`,
      expected: row.schema_valid === false ? 'not valid' : expectedOf(row),
      run: () => map(row.rules, row.assertion, row.processor),
    }))
    return { cases: [...pairs, ...quirks] }
  },
}

function rulesOf({ mappings }: Fixtures, name: string): readonly unknown[] {
  const found = mappings[name]
  if (found === undefined) throw new Error(`there is no mapping ${name}`)
  return found.mapping.rules
}

function expectedOf({ result, error }: Row): string {
  return error ?? canonical(result)
}

function map(
  rules: readonly unknown[],
  assertion: Readonly<Record<string, unknown>>,
  processor: SchemaVersion,
): Verdict {
  let mapping
  try {
    mapping = parseKeystoneMapping({ rules, schema_version: processor })
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { got: 'not valid', code: error.code, message: error.message }
  }
  try {
    return { got: canonical(processAsKeystone(mapping, assertion)) }
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { got: error.details['keystone'] ?? error.code, code: error.code, message: error.message }
  }
}

/** JSON with sorted keys; group ids and names come out of Python's sets, and have no order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (name, item: unknown) => {
    if (Array.isArray(item) && (name === 'group_ids' || name === 'group_names')) {
      return item.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) as unknown
    }
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
