/**
 * Where signet and another program differ about a path, and why: `path-exceptions.json`.
 *
 * An exact exception names one case, in which they must then differ. A rule names many, of which strangers may bring
 * more, and in which direction they differ. Its pattern is looked for in one line: the case, and what the one that
 * refuses says, be it our code and message or the words of the other. So a rule explains one kind of refusal and
 * never another.
 *
 * @module test/interop/paths/exceptions
 */
import { readFileSync } from 'node:fs'
import { parseStrictJson, requireKeys } from '../../../src/json/index.js'
import { PEER_NAMES } from './peer.js'

/** Who refuses what the other accepts. */
export type Direction = 'we-refuse' | 'they-refuse'

export interface Difference {
  readonly peer: string
  readonly suite: string
  readonly direction: Direction
  /** The case, and what the one that refuses says. */
  readonly line: string
}

export interface ExactException {
  readonly peer: string
  readonly suite: string
  readonly case: string
  readonly reason: string
}

export interface RuleException {
  readonly peer: string
  /** A suite, or `*` for all. */
  readonly suite: string
  readonly pattern: string
  readonly direction: Direction
  readonly reason: string
}

export type Exception = ExactException | RuleException

export interface Exceptions {
  readonly exact: (peer: string, suite: string, id: string) => string | undefined
  readonly byRule: (difference: Difference) => string | undefined
}

const FILE = '../path-exceptions.json'

/** @param suites - The names that exceptions may have. */
export function loadExceptions(suites: readonly string[]): Exceptions {
  const list: unknown = parseStrictJson(readFileSync(new URL(FILE, import.meta.url), 'utf8'))
  if (!Array.isArray(list)) throw new Error(`${FILE} is not a list`)
  return indexExceptions(list.map((entry: unknown) => parseException(entry, suites)))
}

export function indexExceptions(list: readonly Exception[]): Exceptions {
  const exact = new Map<string, string>()
  const rules: (RuleException & { readonly finder: RegExp })[] = []
  for (const entry of list) {
    if ('pattern' in entry) {
      rules.push({ ...entry, finder: new RegExp(entry.pattern) })
      continue
    }
    const key = `${entry.peer} ${entry.suite} ${entry.case}`
    if (exact.has(key)) throw new Error(`${FILE} names ${key} twice`)
    exact.set(key, entry.reason)
  }
  return {
    exact: (peer, suite, id) => exact.get(`${peer} ${suite} ${id}`),
    byRule: ({ peer, suite, direction, line }) =>
      rules.find(
        (rule) =>
          rule.peer === peer &&
          (rule.suite === '*' || rule.suite === suite) &&
          rule.direction === direction &&
          rule.finder.test(line),
      )?.reason,
  }
}

const EXACT_KEYS = ['peer', 'suite', 'case', 'reason']
const RULE_KEYS = ['peer', 'suite', 'pattern', 'direction', 'reason']

function parseException(entry: unknown, suites: readonly string[]): Exception {
  const isRule = typeof entry === 'object' && entry !== null && 'pattern' in entry
  const fields = requireKeys(entry, isRule ? RULE_KEYS : EXACT_KEYS, FILE)
  const text = (name: string, choices?: readonly string[]): string => {
    const value = fields[name]
    if (typeof value === 'string' && value !== '' && choices?.includes(value) !== false) return value
    throw new Error(`an exception without ${name}: ${JSON.stringify(entry)}`)
  }
  const [peer, reason] = [text('peer', PEER_NAMES), text('reason')]
  if (!isRule) return { peer, suite: text('suite', suites), case: text('case'), reason }
  const direction = text('direction', ['we-refuse', 'they-refuse']) === 'we-refuse' ? 'we-refuse' : 'they-refuse'
  return { peer, suite: text('suite', [...suites, '*']), pattern: text('pattern'), direction, reason }
}
