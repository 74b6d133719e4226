/**
 * oslo.policy itself, in one Python process for many questions.
 *
 * @module test/interop/oslo-policy/engine
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import {
  enforceOslo,
  formatOsloRule,
  OsloFloat,
  type OsloRecord,
  type OsloValue,
  parseOsloRule,
  readOsloDocument,
} from '../../../src/oslo/index.js'

export interface OsloCase {
  /** By name, as a policy file has them: texts, or lists. */
  readonly rules: Readonly<Record<string, unknown>>
  readonly ask: { readonly name: string } | { readonly check: string }
  readonly credentials: OsloRecord
  readonly target: OsloRecord
  /** Name of the default rule. */
  readonly default?: string
}

export interface OsloAnswer {
  /** The rules, as printed. */
  readonly canonical: Readonly<Record<string, string>>
  /** `allow`, `deny`, or `raises:` and the class of Python's exception. Ours may be `unsupported`. */
  readonly answer: string
}

/** Ask oslo.policy. */
export function askOslo(python: string, cases: readonly OsloCase[]): readonly OsloAnswer[] {
  const { status, stdout, stderr, error } = spawnSync(python, [resolve('test/interop/oslo-policy/engine.py')], {
    input: cases.map((question) => `${printCase(question)}\n`).join(''),
    env: { ...process.env, LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore' },
    maxBuffer: 256 * 1024 * 1024,
    timeout: 300_000,
  })
  if (error !== undefined) throw error
  const lines = stdout.toString('utf8').split('\n').slice(0, -1)
  if (status !== 0 || lines.length !== cases.length) {
    throw new Error(`oslo.policy ended with ${String(status)}: ${stderr.toString('utf8').slice(-2000)}`)
  }
  return lines.map((line) => JSON.parse(line) as OsloAnswer)
}

const RAISED: Readonly<Record<string, string>> = { cycle: 'raises:RecursionError', http: 'raises:AskedServer' }

/** Ours, for the same question. */
export function askSignet({ rules, ask, credentials, target, default: defaultRule }: OsloCase): OsloAnswer {
  const document = readOsloDocument(rules)
  const question = { rules: document.rules, credentials, target, ...(defaultRule === undefined ? {} : { defaultRule }) }
  const { allowed, refusal } = enforceOslo('name' in ask ? ask.name : parseOsloRule(ask.check), question)
  return {
    canonical: Object.fromEntries([...document.rules].map(([name, check]) => [name, formatOsloRule(check)])),
    answer:
      refusal === undefined
        ? allowed
          ? 'allow'
          : 'deny'
        : refusal.kind === 'raises'
          ? `raises:${String(refusal.error)}`
          : (RAISED[refusal.kind] ?? refusal.kind),
  }
}

/** A case in one line. */
export function printCase(question: OsloCase): string {
  return json(question as unknown as OsloValue)
}

/** JSON in which a fraction stays one: `1.0`. */
function json(value: OsloValue): string {
  if (value instanceof OsloFloat) {
    return Number.isInteger(value.value) ? value.value.toFixed(1) : JSON.stringify(value.value)
  }
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return `[${value.map(json).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}:${json(item)}`)
    .join(',')}}`
}
