/**
 * What `npm run conformance` does: run every suite that is there, print how it went, and say whether all is explained. With
 * `--page` it writes the list of divergences into docs/conformance.md instead.
 *
 * @module test/conformance/command
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startProgress } from '../../src/cli/progress.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { type Exceptions, loadExceptions } from './exceptions.js'
import { PAGE, pageNow } from './page.js'
import { runSuite, type SuiteResult } from './run.js'
import type { Suite } from './suite.js'
import { SUITES } from './suites/index.js'
import { resultTable, unexplainedLines } from './table.js'

/** @returns The exit code: 0 where everything agrees or is explained. */
export async function runCommand(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: { json: { type: 'string' }, only: { type: 'string' }, page: { type: 'boolean' } },
  })
  if (values.page === true) {
    writeFileSync(PAGE, pageNow())
    return 0
  }
  const exceptions = loadExceptions(SUITES.map(({ name }) => name))
  const chosen = SUITES.filter(({ name }) => values.only === undefined || name.includes(values.only))
  const results: SuiteResult[] = []
  const missing: string[] = []
  for (const suite of corporaAvailable() ? chosen : []) {
    const result = await runIfThere(suite, exceptions)
    if (result === undefined) missing.push(suite.name)
    else results.push(result)
  }
  const unexplained = unexplainedLines(results)
  if (results.length > 0) console.log(resultTable(results, SUITES))
  if (unexplained.length > 0) console.log(`\nunexplained:\n${unexplained.join('\n')}`)
  if (values.json !== undefined) {
    const report = { schema: 1, node: process.version, suites: results, missing }
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
  return unexplained.length === 0 ? 0 : 1
}

async function runIfThere(suite: Suite, exceptions: Exceptions): Promise<SuiteResult | undefined> {
  const loaded = suite.load(CORPORA)
  if (loaded === undefined) {
    console.log(`skipped: ${suite.name} is not in ${CORPORA}`)
    return undefined
  }
  for (const line of loaded.leftOut ?? []) console.log(`left out: ${suite.name}: ${line}`)
  const progress = startProgress(process.stderr, suite.name.padEnd(28), loaded.cases.length)
  try {
    return await runSuite(suite, loaded.cases, exceptions, (done) => {
      progress.advance(done)
    })
  } finally {
    progress.finish()
  }
}
