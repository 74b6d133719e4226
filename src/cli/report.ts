/**
 * What was thrown, turned into words and an exit code.
 *
 * @module cli/report (floor 8)
 */
import { EXIT_CODES, SignetError, type SignetErrorJson } from '../errors/index.js'
import type { CliEnvironment } from './environment.js'
import { type Outcome, RefusedOutcome, ReportedRefusal } from './invocation.js'
import { printable } from './table.js'

/**
 * Say what was thrown, in words or as JSON.
 *
 * @returns The exit code; never 0.
 */
export function report(
  error: unknown,
  words: readonly string[],
  environment: CliEnvironment,
  data: Outcome['data'] = {},
): number {
  if (error instanceof ReportedRefusal) return error.exitCode
  if (error instanceof RefusedOutcome) {
    const { data, text } = error.outcome
    if (!words.includes('--json')) environment.stdout.write(`${text}\n`)
    return report(error.error, words, environment, data)
  }
  const failure = failureOf(error)
  if (words.includes('--json'))
    environment.stdout.write(`${JSON.stringify({ schema: 1, ok: false, error: failure, ...data })}\n`)
  const say = (line: string): void => void environment.stderr.write(`signet: ${printable(line)}\n`)
  say(`error: ${failure.message} [${failure.code}]`)
  if (failure.code === 'ERR_INTERNAL') say(`note: ${Object.values(failure.details).join(' ')}`)
  if (failure.hint !== undefined) say(`hint: ${failure.hint}`)
  return failure.exitCode
}

/** What was thrown, as `--json` says it. What no one throws on purpose is a bug, and tells nothing that may be secret. */
export function failureOf(error: unknown): SignetErrorJson {
  if (error instanceof SignetError) return error.toJSON()
  return {
    code: 'ERR_INTERNAL',
    category: 'internal',
    exitCode: EXIT_CODES.internal,
    message: 'signet failed in a way that it should not',
    details: { error: error instanceof Error ? `${error.name}: ${error.message}` : typeof error },
    hint: 'please report this, with the command and without secrets',
  }
}
