/**
 * The results for people.
 *
 * @module test/conformance/table
 */
import { printable, table } from '../../src/cli/table.js'
import type { SuiteResult } from './run.js'
import type { Suite } from './suite.js'

const HEADINGS = ['suite', 'cases', 'agreed', 'explained', 'unexplained', 'crashes', 'seconds', 'others (whole suite)']

/** One line for each suite, and one for all. */
export function resultTable(results: readonly SuiteResult[], suites: readonly Suite[]): string {
  const rows = results.map((result) => [
    result.suite,
    ...numbers(result),
    suites.find(({ name }) => name === result.suite)?.peers ?? '',
  ])
  const sum = (pick: (result: SuiteResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0)
  const all = numbers({
    cases: sum((result) => result.cases),
    agreed: sum((result) => result.agreed),
    explained: sum((result) => result.explained),
    unexplained: sum((result) => result.unexplained),
    crashes: sum((result) => result.crashes),
    seconds: sum((result) => result.seconds),
  })
  return table(HEADINGS, [...rows, ['all', ...all, '']])
}

type Numbers = Pick<SuiteResult, 'cases' | 'agreed' | 'explained' | 'unexplained' | 'crashes' | 'seconds'>

function numbers({ cases, agreed, explained, unexplained, crashes, seconds }: Numbers): string[] {
  return [...[cases, agreed, explained, unexplained, crashes].map(String), seconds.toFixed(1)]
}

/** What nothing explains, one line each. */
export function unexplainedLines(results: readonly SuiteResult[]): readonly string[] {
  return results.flatMap(({ suite, divergences }) =>
    divergences
      .filter(({ reason }) => reason === null)
      .map(({ case: id, expected, got, code, message }) =>
        printable(`${suite} ${id}: expected ${expected}, got ${got} ${code ?? ''} ${message ?? ''}`.trimEnd()),
      ),
  )
}
