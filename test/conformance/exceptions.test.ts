import { describe, expect, it } from 'vitest'
import { InternalError, TrustError } from '../../src/errors/index.js'
import { type Exception, indexExceptions } from './exceptions.js'
import { runSuite, type SuiteResult } from './run.js'
import { ACCEPT, attempt, type Case, skipped, type Suite, type Verdict } from './suite.js'

const suite: Suite = { name: 'suite', title: '', peers: '', load: () => undefined }
const refusal = (): Verdict =>
  attempt(() => {
    throw new TrustError('ERR_PATH_EXPIRED', 'expired')
  })

async function run(
  expected: string,
  verdict: () => Verdict,
  ...list: readonly Exception[]
): Promise<Omit<SuiteResult, 'seconds'>> {
  const row: Case = { id: 'row-1', expected, run: verdict }
  const { seconds: _, ...result } = await runSuite(suite, [row], indexExceptions(list))
  return result
}

const exact: Exception = { suite: 'suite', case: 'row-1', reason: 'so it is' }
const rule = (changes: { code?: string; pattern?: string; suite?: string } = {}): Exception => ({
  suite: 'suite',
  pattern: '^row-',
  code: 'ERR_PATH_EXPIRED',
  reason: 'a rule',
  ...changes,
})

describe('a divergence', () => {
  it.each([
    ['accept', () => ACCEPT],
    ['reject', refusal],
    ['either', refusal],
    ['either', () => ACCEPT],
    ['GOOD', () => ({ got: 'GOOD' })],
  ])('is none where %s was expected and found', async (expected, verdict) => {
    expect(await run(expected, verdict)).toMatchObject({ agreed: 1, explained: 0, unexplained: 0, divergences: [] })
  })

  it('is unexplained without an exception', async () => {
    expect(await run('accept', refusal)).toMatchObject({
      unexplained: 1,
      divergences: [{ case: 'row-1', expected: 'accept', got: 'reject', code: 'ERR_PATH_EXPIRED', reason: null }],
    })
  })

  it('is explained by an exact exception, be it an acceptance or a refusal', async () => {
    for (const [expected, verdict] of [['accept', refusal] as const, ['reject', () => ACCEPT] as const]) {
      expect(await run(expected, verdict, exact)).toMatchObject({ explained: 1, divergences: [{ reason: 'so it is' }] })
    }
  })

  it('is explained by a rule that has its code and finds its id', async () => {
    expect(await run('accept', refusal, rule())).toMatchObject({ explained: 1, divergences: [{ reason: 'a rule' }] })
    for (const other of [{ code: 'ERR_REVOKED' }, { pattern: '^column-' }, { suite: 'another' }])
      expect(await run('accept', refusal, rule(other))).toMatchObject({ explained: 0, unexplained: 1 })
  })

  it('is never explained by a rule where signet accepts', async () => {
    expect(await run('reject', () => ACCEPT, rule({ pattern: '' }))).toMatchObject({ explained: 0, unexplained: 1 })
  })

  it('is explained where the case was not judged, and says why', async () => {
    const row = await run('accept', () => skipped('no such thing'))
    expect(row).toMatchObject({ explained: 1, divergences: [{ got: 'skipped', reason: 'no such thing' }] })
  })
})

describe('an exception', () => {
  it('fails where signet agrees after all', async () => {
    const result = await run('accept', () => ACCEPT, exact)
    expect(result).toMatchObject({ agreed: 0, unexplained: 1 })
    expect(result.divergences[0]?.message).toContain('agrees, although')
  })

  it('by rule may find nothing', async () => {
    expect(await run('accept', () => ACCEPT, rule())).toMatchObject({ agreed: 1, unexplained: 0 })
  })

  it('cannot be made twice', () => {
    expect(() => indexExceptions([exact, exact])).toThrow(/twice/)
  })
})

describe('a crash', () => {
  it('is whatever is thrown and no error of ours, or a broken invariant', async () => {
    for (const error of [new TypeError('x'), new InternalError('ERR_INTERNAL', 'x'), 'x']) {
      const crash = (): never => {
        throw error
      }
      expect(await run('either', crash, exact, rule())).toMatchObject({ crashes: 1, explained: 0, agreed: 0 })
    }
  })
})
