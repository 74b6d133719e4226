/**
 * oslo.policy: the cases of its own parser tests, what rules decide, and the default rules of nova and keystone.
 *
 * @module test/conformance/suites/oslo-policy
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  enforceOslo,
  formatOsloRule,
  osloFindings,
  OsloFloat,
  type OsloRecord,
  parseOsloRule,
  readOsloDocument,
} from '../../../src/oslo/index.js'
import { type Loaded, type Suite } from '../suite.js'

interface Rows {
  readonly rules?: readonly { readonly project: string; readonly name: string; readonly check_str: string }[]
  readonly parser_cases?: { readonly cases: readonly { readonly rule: string; readonly canonical: string }[] }
  readonly semantics_cases?: readonly SemanticRow[]
}

interface SemanticRow {
  readonly rule: string
  readonly creds?: OsloRecord
  readonly target?: OsloRecord
  /** What `rule:` may refer to. */
  readonly rules?: Readonly<Record<string, unknown>>
  readonly expect: string
}

export const osloPolicyParser: Suite = {
  name: 'oslo-policy-parser',
  title: "oslo.policy's rule language: rules and how oslo.policy prints them",
  peers: '',
  load: (corpora) =>
    loadRows(corpora, ({ parser_cases: parser }) =>
      (parser?.cases ?? []).map(({ rule, canonical }, index) => ({
        id: `${index} ${rule}`,
        expected: canonical,
        run: () => ({ got: formatOsloRule(parseOsloRule(rule)) }),
      })),
    ),
}

export const osloPolicySemantics: Suite = {
  name: 'oslo-policy-semantics',
  title: "oslo.policy's decisions",
  peers: '',
  load: (corpora) =>
    loadRows(corpora, ({ semantics_cases: semantics = [] }) =>
      semantics.map((row, index) => ({
        id: `${index} ${row.rule}`,
        expected: row.expect,
        run: () => ({ got: decide(row) }),
      })),
    ),
}

export const osloPolicyRules: Suite = {
  name: 'oslo-policy-rules',
  title: 'default rules of OpenStack services: read, printed, read again, and all that they refer to is there',
  peers: '',
  load: (corpora) =>
    loadRows(corpora, ({ rules = [] }) =>
      rules.map((row, index) => {
        const siblings = rules.filter(({ project }) => project === row.project)
        return {
          id: `${index} ${row.project} ${row.name}`,
          expected: 'read',
          run: () => ({ got: faultOf(row, siblings) ?? 'read' }),
        }
      }),
    ),
}

function loadRows(corpora: string, cases: (rows: Rows) => Loaded['cases']): Loaded | undefined {
  const file = join(corpora, 'openstack', 'oslo-policy-rules.json')
  return existsSync(file) ? { cases: cases(parseAsPython(readFileSync(file, 'utf8')) as Rows) } : undefined
}

/** JSON in which `1.0` is not `1`. */
function parseAsPython(text: string): unknown {
  return JSON.parse(text, (_name, value: unknown, context?: { readonly source?: string }) =>
    typeof value === 'number' && /[.eE]/.test(context?.source ?? '') ? new OsloFloat(value) : value,
  )
}

function decide({ rule, creds = {}, target = {}, rules = {} }: SemanticRow): string {
  const document = readOsloDocument(rules)
  const question = { rules: document.rules, credentials: creds, target }
  return enforceOslo(parseOsloRule(rule), question).allowed ? 'allow' : 'deny'
}

type Row = NonNullable<Rows['rules']>[number]

function faultOf(row: Row, siblings: readonly Row[]): string | undefined {
  const canonical = formatOsloRule(parseOsloRule(row.check_str))
  if (formatOsloRule(parseOsloRule(canonical)) !== canonical) return `printed as ${canonical}`
  const document = readOsloDocument(Object.fromEntries(siblings.map((one) => [one.name, one.check_str])))
  // An empty rule is one that allows everybody.
  const found = osloFindings(document).find(({ rule, reason }) => rule === row.name && reason !== 'empty')
  return found?.message
}
