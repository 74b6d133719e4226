import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { kitePage } from '../../src/cli/comparison-page.js'
import { compareKite } from '../../src/compare/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

describe('docs/kite.md', () => {
  const page = readFileSync('docs/kite.md', 'utf8')

  it('requirement 14: has the table that the comparison yields: npm run docs', { timeout: 60_000 }, async () => {
    const comparison = await compareKite({ at: NOW, rounds: 0 })
    expect(comparison.ratios).toBeUndefined()
    expect(kitePage(page, comparison)).toBe(page)
    expectCode('ERR_INTERNAL', () => kitePage('no marks', comparison))
  })
})
