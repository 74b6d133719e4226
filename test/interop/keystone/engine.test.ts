/**
 * Keystone's own engine as the judge of ours: the same documents are valid, and every assertion yields the same identity,
 * or is refused with the same exception.
 *
 * `SIGNET_FUZZ_SEED=random` draws other cases; a disagreement prints the seed.
 */
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readJson } from '../../conformance/files.js'
import { CORPORA, corporaAvailable } from '../../support/corpora.js'
import { keystonePython } from '../programs.js'
import { type Answer, askKeystone, askSignet, type Assertion, type MappingCase } from './engine.js'
import { generateCases, seedOfRun } from './generate.js'

const TIMEOUT = 300_000
const GENERATED = 4000
/** Of those, what signet may leave without an answer: patterns and literals that only Python has. */
const MAX_UNSUPPORTED = 100

interface Corpus {
  readonly cases: readonly (Answerless & { readonly mapping: string; readonly assertion: string })[]
  readonly quirks: readonly (Answerless & { readonly rules: readonly unknown[]; readonly assertion: Assertion })[]
}
interface Answerless {
  readonly processor: string
}
interface Fixtures {
  readonly mappings: Readonly<Record<string, { readonly mapping: { readonly rules: readonly unknown[] } }>>
  readonly assertions: Readonly<Record<string, Assertion>>
}

/** The given cases: their documents and assertions, without what they expect. */
function givenCases(): readonly MappingCase[] {
  const folder = join(CORPORA, 'openstack')
  const { cases, quirks } = readJson(folder, 'keystone-mapping-cases.json') as Corpus
  const fixtures = readJson(folder, 'keystone-mapping-fixtures.json') as Fixtures
  return [
    ...cases.map(({ mapping, assertion, processor }) => ({
      document: { rules: fixtures.mappings[mapping]?.mapping.rules, schema_version: processor },
      assertion: fixtures.assertions[assertion] ?? {},
    })),
    ...quirks.map(({ rules, assertion, processor }) => ({ document: { rules, schema_version: processor }, assertion })),
  ]
}

const python = keystonePython()

describe.skipIf(python === undefined)("Keystone's own engine", () => {
  const seed = seedOfRun()
  const given = corporaAvailable() ? givenCases() : []
  const cases = [...given, ...generateCases(GENERATED, seed)]
  let answers: readonly Answer[]

  beforeAll(() => {
    answers = askKeystone(python ?? '', cases)
  }, TIMEOUT)

  it('agrees with ours about every document and every assertion', { timeout: TIMEOUT }, () => {
    const disagreements = cases.flatMap((question, index) => {
      const ours = askSignet(question)
      return ours === answers[index] || ours === 'unsupported'
        ? []
        : [JSON.stringify({ keystone: answers[index], ours, ...question })]
    })
    expect(disagreements.slice(0, 3), `${disagreements.length} of ${cases.length}, seed ${seed}`).toEqual([])
  })

  it('is asked about what matters', () => {
    const count = (test: (answer: Answer, index: number) => boolean): number =>
      answers.slice(given.length).filter(test).length
    expect(count((answer) => answer === 'not valid')).toBeGreaterThan(GENERATED / 20)
    expect(count((answer) => answer.startsWith('{'))).toBeGreaterThan(GENERATED / 10)
    expect(new Set(answers.filter((answer) => !answer.startsWith('{'))).size).toBeGreaterThan(8)
    expect(cases.filter((question) => askSignet(question) === 'unsupported').length).toBeLessThan(MAX_UNSUPPORTED)
  })
})
