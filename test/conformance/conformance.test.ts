/** Strangers' test suites: signet agrees with each, or differs for a reason that `exceptions.json` states. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { loadExceptions } from './exceptions.js'
import { PAGE, pageNow } from './page.js'
import { runSuite } from './run.js'
import { SUITES } from './suites/index.js'
import { unexplainedLines } from './table.js'

const exceptions = loadExceptions(SUITES.map(({ name }) => name))

describe('docs/conformance.md', () => {
  it('explains every divergence: npm run conformance -- --page', () => {
    expect(pageNow()).toBe(readFileSync(PAGE, 'utf8'))
  })
})

describe.skipIf(!corporaAvailable())('the suites of strangers', () => {
  it.each(SUITES)('$name: $title', { timeout: 300_000 }, async (suite) => {
    const loaded = suite.load(CORPORA)
    if (loaded === undefined) {
      console.warn(`skipped: ${suite.name} is not in ${CORPORA}`)
      return
    }
    const ids = loaded.cases.map(({ id }) => id)
    expect(ids.length).toBeGreaterThan(0)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
    const result = await runSuite(suite, loaded.cases, exceptions)
    expect(unexplainedLines([result])).toEqual([])
    expect(result.crashes).toBe(0)
    expect(result.agreed + result.explained).toBe(result.cases)
  })
})
