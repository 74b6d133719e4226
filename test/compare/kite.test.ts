import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type Answer,
  compareKite,
  type ComparedProperty,
  type KiteComparison,
  requireDocumented,
  type SystemName,
  SYSTEMS,
  TRIALS,
} from '../../src/compare/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

let comparison: KiteComparison
let advanced: readonly number[]
// A folder of its own: other tests compare at the same time.
const folder = temporaryFolder()

beforeAll(async () => {
  vi.stubEnv('TMPDIR', folder)
  const seen: number[] = []
  comparison = await compareKite({ at: NOW, rounds: 3, advance: (done) => seen.push(done) })
  advanced = seen
}, 60_000)
afterAll(() => {
  vi.unstubAllEnvs()
})

const answersOf = (number: number): readonly Record<SystemName, Answer>[] =>
  comparison.properties
    .filter((property) => property.number === number)
    .map(
      ({ findings }) =>
        Object.fromEntries(SYSTEMS.map((name) => [name, findings[name].answer])) as Record<SystemName, Answer>,
    )

describe('compareKite', () => {
  it('comes out as documented', () => {
    requireDocumented(comparison)
  })

  it('tries every property but the two that are costs', () => {
    expect([...new Set(comparison.properties.map(({ number }) => number))]).toEqual(
      Array.from({ length: 14 }, (_, index) => index + 1),
    )
    expect(advanced).toEqual(Array.from({ length: TRIALS }, (_, index) => index + 1))
  })

  it('requirement 6: a member of a group speaks for another with shared keys, and not with signatures', () => {
    const [property] = comparison.properties.filter(({ number }) => number === 2)
    expect(property?.findings).toEqual({
      'kite-spec': { answer: 'no', seen: 'accepted, as from conductor-01' },
      'kite-as-built': { answer: 'no', seen: 'accepted, as from conductor-01' },
      signet: { answer: 'yes', seen: 'refused: ERR_CMS_SIGNATURE' },
    })
  })

  it.each<[number, Answer]>([
    [7, 'no'],
    [8, 'no'],
    [11, 'no'],
  ])('says where signet has less: %i', (number, answer) => {
    for (const answers of answersOf(number)) expect(answers).toMatchObject({ 'kite-spec': 'yes', signet: answer })
  })

  it('requirement 19: counts octets, and compares times', () => {
    const { overheads, ratios } = comparison
    expect(overheads.signet.inText).toBe(4 * Math.ceil(overheads.signet.beside / 3))
    for (const name of SYSTEMS) {
      expect(overheads[name].beside).toBeGreaterThan(250)
      expect(overheads[name].beside).toBeLessThan(500)
      expect(Number.isFinite(ratios?.[name])).toBe(true)
    }
    expect(ratios?.['kite-spec']).toBe(1)
  })

  it('leaves nothing behind', () => {
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('requireDocumented', () => {
  const changed = (change: (property: ComparedProperty) => ComparedProperty): KiteComparison => ({
    ...comparison,
    properties: comparison.properties.map((property, index) => (index === 0 ? change(property) : property)),
  })

  it('refuses an answer that is another, and says which', () => {
    const wrong = changed((property) => ({
      ...property,
      findings: { ...property.findings, signet: { answer: 'no', seen: 'accepted' } },
    }))
    const error = expectCode('ERR_COMPARE_UNEXPECTED', () => {
      requireDocumented(wrong)
    })
    expect(error.exitCode).toBe(1)
    expect(error.details['differing']).toBe(`signet: ${comparison.properties[0]?.claim ?? ''}`)
  })

  it('refuses a property that nothing is documented of, and one that is missing', () => {
    expectCode('ERR_COMPARE_UNEXPECTED', () => {
      requireDocumented(changed((property) => ({ ...property, claim: 'it is blue' })))
    })
    expectCode('ERR_COMPARE_UNEXPECTED', () => {
      requireDocumented({ properties: comparison.properties.slice(1) })
    })
  })
})
