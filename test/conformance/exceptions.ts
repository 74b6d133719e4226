/**
 * Where signet differs from a suite, and why: `exceptions.json`.
 *
 * An exact exception names one case, which must then differ. A rule names many, of which strangers may bring more: it
 * explains only that signet refuses with one code, never that it accepts.
 *
 * @module test/conformance/exceptions
 */
import { readFileSync } from 'node:fs'
import { ERROR_CODES } from '../../src/errors/index.js'
import { parseStrictJson, requireKeys } from '../../src/json/index.js'
import type { Verdict } from './suite.js'

export interface ExactException {
  readonly suite: string
  readonly case: string
  readonly reason: string
}

export interface RuleException {
  readonly suite: string
  /** Regular expression that finds the ids of cases. */
  readonly pattern: string
  /** The code that signet refuses with. */
  readonly code: string
  readonly reason: string
}

export type Exception = ExactException | RuleException

/** Exceptions in the form that answers questions. */
export interface Exceptions {
  /** The reason of the exact exception for a case. */
  readonly exact: (suite: string, id: string) => string | undefined
  /** The reason of a rule that explains a refusal. */
  readonly byRule: (suite: string, id: string, verdict: Verdict) => string | undefined
}

const FILE = 'exceptions.json'

/** @param suites - The names that exceptions may have. */
export function loadExceptions(suites: readonly string[]): Exceptions {
  return indexExceptions(readExceptions(suites))
}

/** The list as it stands. @param suites - The names that exceptions may have. */
export function readExceptions(suites: readonly string[]): readonly Exception[] {
  const list: unknown = parseStrictJson(readFileSync(new URL(FILE, import.meta.url), 'utf8'))
  if (!Array.isArray(list)) throw new Error(`${FILE} is not a list`)
  return list.map((entry: unknown) => parseException(entry, suites))
}

export function indexExceptions(list: readonly Exception[]): Exceptions {
  const exact = new Map<string, string>()
  const rules: (RuleException & { readonly finder: RegExp })[] = []
  for (const entry of list) {
    if ('pattern' in entry) {
      rules.push({ ...entry, finder: new RegExp(entry.pattern) })
      continue
    }
    const key = `${entry.suite} ${entry.case}`
    if (exact.has(key)) throw new Error(`${FILE} names ${key} twice`)
    exact.set(key, entry.reason)
  }
  return {
    exact: (suite, id) => exact.get(`${suite} ${id}`),
    byRule: (suite, id, { code }) =>
      // A verdict with a code is a refusal; one without is an acceptance, which no rule excuses.
      code === undefined
        ? undefined
        : rules.find((rule) => rule.suite === suite && rule.code === code && rule.finder.test(id))?.reason,
  }
}

function parseException(entry: unknown, suites: readonly string[]): Exception {
  const isRule = typeof entry === 'object' && entry !== null && 'pattern' in entry
  const fields = requireKeys(entry, isRule ? ['suite', 'pattern', 'code', 'reason'] : ['suite', 'case', 'reason'], FILE)
  const text = (name: string): string => {
    const value = fields[name]
    if (typeof value !== 'string' || value === '')
      throw new Error(`an exception without ${name}: ${JSON.stringify(entry)}`)
    return value
  }
  const [suite, reason] = [text('suite'), text('reason')]
  if (!suites.includes(suite)) throw new Error(`an exception for ${suite}, which is no suite`)
  if (!isRule) return { suite, case: text('case'), reason }
  const [pattern, code] = [text('pattern'), text('code')]
  if (!Object.hasOwn(ERROR_CODES, code)) throw new Error(`an exception for ${code}, which is no error code`)
  return { suite, pattern, code, reason }
}
