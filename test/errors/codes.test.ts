import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES, EXIT_CODES } from '../../src/errors/index.js'

const FLOORS = ['errors', 'time', 'files', 'asn1', 'crypto', 'x509']

/** The codes that are named in the TypeScript files of some folders; with `pattern`, only where it matches. */
function codesIn(folders: readonly string[], pattern: RegExp): Set<string> {
  const codes = new Set<string>()
  for (const folder of folders) {
    for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.ts') && !entry.startsWith('codes.'))) {
      for (const match of readFileSync(join(folder, name), 'utf8').matchAll(pattern)) codes.add(match[1] ?? '')
    }
  }
  return codes
}

describe('EXIT_CODES', () => {
  it('are 1 to 9 by category, and stay so', () => {
    expect(EXIT_CODES).toEqual({
      internal: 1,
      usage: 2,
      encoding: 3,
      untrusted: 4,
      denied: 5,
      stale: 6,
      state: 7,
      store: 8,
      limit: 9,
    })
  })
})

describe('ERROR_CODES', () => {
  it.each(Object.entries(ERROR_CODES))('%s has the form of a code, a category and a summary', (code, entry) => {
    expect(code).toMatch(/^ERR_[A-Z0-9_]+$/)
    expect(Object.keys(EXIT_CODES)).toContain(entry.category)
    expect(entry.summary).toMatch(/^\S.*[^.\s]$/)
  })

  it('have summaries that tell them apart', () => {
    const summaries = Object.values(ERROR_CODES).map((entry) => entry.summary)
    expect(new Set(summaries).size).toBe(summaries.length)
  })

  it('of the lower floors are each provoked by a test of those floors', () => {
    const thrown = codesIn(
      FLOORS.map((floor) => join('src', floor)),
      /^(?!\s*\*).*'(ERR_[A-Z0-9_]+)'/gm,
    )
    const provoked = codesIn(
      FLOORS.filter((floor) => floor !== 'errors').map((floor) => join('test', floor)),
      /'(ERR_[A-Z0-9_]+)'/g,
    )
    // Codes of what higher floors parse with `named`.
    const elsewhere = /^ERR_(CMS|TRUST_DIRECTORY|TRUST_DELTA)_/
    expect([...thrown].filter((code) => !provoked.has(code) && !elsewhere.test(code))).toEqual([])
    expect(thrown.size).toBeGreaterThan(30)
  })
})
