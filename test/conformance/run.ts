/**
 * Running the cases of a suite, and counting how signet does.
 *
 * @module test/conformance/run
 */
import type { Exceptions } from './exceptions.js'
import { agrees, type Case, isRefusal, refused, type Suite, type Verdict } from './suite.js'

/** A case on which signet and the suite differ. */
export interface Divergence {
  readonly case: string
  readonly expected: string
  readonly got: string
  readonly code: string | null
  readonly message: string | null
  /** `null` where nothing explains it. */
  readonly reason: string | null
}

export interface SuiteResult {
  readonly suite: string
  readonly cases: number
  readonly agreed: number
  readonly explained: number
  readonly unexplained: number
  readonly crashes: number
  readonly seconds: number
  readonly divergences: readonly Divergence[]
}

type Outcome = 'agreed' | 'explained' | 'unexplained' | 'crashes'

/** @param advance - Told after every case how many are done. */
export async function runSuite(
  suite: Suite,
  cases: readonly Case[],
  exceptions: Exceptions,
  advance: (done: number) => void = () => undefined,
): Promise<SuiteResult> {
  const start = performance.now()
  const count: Record<Outcome, number> = { agreed: 0, explained: 0, unexplained: 0, crashes: 0 }
  const divergences: Divergence[] = []
  for (const [index, row] of cases.entries()) {
    const [outcome, divergence] = await judge(suite.name, row, exceptions)
    count[outcome]++
    if (divergence !== undefined) divergences.push(divergence)
    advance(index + 1)
  }
  const seconds = Math.round(performance.now() - start) / 1000
  return { suite: suite.name, cases: cases.length, ...count, seconds, divergences }
}

async function judge(suite: string, row: Case, exceptions: Exceptions): Promise<[Outcome, Divergence?]> {
  const differs = (verdict: Verdict, reason: string | null): Divergence => ({
    case: row.id,
    expected: row.expected,
    got: verdict.got,
    code: verdict.code ?? null,
    message: verdict.message ?? null,
    reason,
  })
  let verdict: Verdict
  try {
    verdict = await verdictOf(row)
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return ['crashes', differs({ got: 'crash', message }, null)]
  }
  if (verdict.skipped !== undefined) return ['explained', differs(verdict, verdict.skipped)]
  const exact = exceptions.exact(suite, row.id)
  if (agrees(row, verdict)) {
    if (exact === undefined) return ['agreed']
    const message = `agrees, although exceptions.json says that it does not: ${exact}`
    return ['unexplained', differs({ ...verdict, message }, null)]
  }
  const reason = exact ?? exceptions.byRule(suite, row.id, verdict) ?? null
  return [reason === null ? 'unexplained' : 'explained', differs(verdict, reason)]
}

async function verdictOf(row: Case): Promise<Verdict> {
  try {
    return await row.run()
  } catch (error) {
    if (!isRefusal(error)) throw error
    return refused(error)
  }
}
