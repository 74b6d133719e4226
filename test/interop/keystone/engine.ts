/**
 * Keystone's own engine, in one Python process for many questions.
 *
 * @module test/interop/keystone/engine
 */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { isSignetError } from '../../../src/errors/index.js'
import { parseKeystoneMapping, processAsKeystone } from '../../../src/keystone/index.js'
import { isRefusal } from '../../conformance/suite.js'

export type Assertion = Readonly<Record<string, unknown>>

export interface MappingCase {
  /** With its schema_version. */
  readonly document: Readonly<Record<string, unknown>>
  readonly assertion: Assertion
}

/** What an engine says of a case, in words that can be compared. */
export type Answer = string

/** What `engine.py` prints. */
interface Printed {
  readonly valid?: boolean
  readonly error?: string
  readonly result?: Readonly<Record<string, unknown>>
}

/** Ask Keystone. @returns One answer for each question, as printed. */
export function ask(python: string, questions: readonly unknown[]): readonly unknown[] {
  const { status, stdout, stderr, error } = spawnSync(python, [resolve('test/interop/keystone/engine.py')], {
    input: questions.map((question) => `${JSON.stringify(question)}\n`).join(''),
    env: { ...process.env, LC_ALL: 'C.UTF-8', PYTHONWARNINGS: 'ignore' },
    maxBuffer: 256 * 1024 * 1024,
    timeout: 300_000,
  })
  if (error !== undefined) throw error
  const lines = stdout.toString('utf8').split('\n').slice(0, -1)
  if (status !== 0 || lines.length !== questions.length) {
    throw new Error(`Keystone's engine ended with ${String(status)}: ${stderr.toString('utf8').slice(-2000)}`)
  }
  return lines.map((line) => JSON.parse(line) as unknown)
}

/** Keystone's answers. */
export function askKeystone(python: string, cases: readonly MappingCase[]): readonly Answer[] {
  return ask(python, cases).map((printed) => {
    const { valid, error, result } = printed as Printed
    return valid === false ? 'not valid' : (error ?? canonical(result))
  })
}

/** Ours, for the same question. `unsupported` where signet says that it cannot know. */
export function askSignet({ document, assertion }: MappingCase): Answer {
  let mapping
  try {
    mapping = parseKeystoneMapping(document)
  } catch (error) {
    if (!isRefusal(error)) throw error
    return 'not valid'
  }
  try {
    return canonical(processAsKeystone(mapping, assertion))
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code === 'ERR_KEYSTONE_UNSUPPORTED' ? 'unsupported' : (error.details['keystone'] ?? error.code)
  }
}

/** JSON with sorted keys; group ids have no order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (name, item: unknown) => {
    if (Array.isArray(item) && name === 'group_ids') {
      return item.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) as unknown
    }
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
