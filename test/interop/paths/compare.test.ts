import { describe, expect, it } from 'vitest'
import { TrustError } from '../../../src/errors/index.js'
import { ACCEPT, refused } from '../../conformance/suite.js'
import { compare, type Comparison } from './compare.js'
import { type Exception, indexExceptions, loadExceptions, type RuleException } from './exceptions.js'
import { type Answer, rejected } from './peer.js'

const OURS = { accept: ACCEPT, reject: refused(new TrustError('ERR_PATH_EXPIRED', 'it expired')) }
const THEIRS = { accept: { got: 'accept' }, reject: rejected('it  has\nexpired') } as const satisfies Record<
  string,
  Answer
>

/** A case on which the suite says the first word, signet the second, and the other program the third. */
function judge(words: string, ...list: readonly Exception[]): Comparison {
  const [expected = '', ours, theirs] = words.split(' ')
  const verdict = ours === 'accept' ? OURS.accept : OURS.reject
  const answer = theirs === 'accept' ? THEIRS.accept : THEIRS.reject
  return compare({ name: 'go' }, { suite: 'suite', id: 'row-1', expected }, verdict, answer, indexExceptions(list))
}

const exact: Exception = { peer: 'go', suite: 'suite', case: 'row-1', reason: 'so it is' }
const rule = (changes: Partial<RuleException> = {}): Exception => ({
  peer: 'go',
  suite: 'suite',
  pattern: '^row-1: ERR_PATH_EXPIRED: it expired$',
  direction: 'we-refuse',
  reason: 'a rule',
  ...changes,
})
const theirRule = rule({ pattern: '^row-1: it has expired$', direction: 'they-refuse' })

describe('two verdicts', () => {
  it('agree, whatever the suite says', () => {
    for (const words of ['accept accept accept', 'reject accept accept', 'accept reject reject'])
      expect(judge(words).outcome).toBe('agreed')
  })

  it('that differ are to be explained', () => {
    expect(judge('accept reject accept')).toMatchObject({ outcome: 'unexplained', theirs: 'accept' })
    expect(judge('accept accept reject')).toMatchObject({ outcome: 'unexplained', theirs: 'it has expired' })
  })

  it('are none where the other program was not asked', () => {
    const answer: Answer = { got: 'not asked', words: 'no such option' }
    const question = { suite: 'suite', id: 'row-1', expected: 'accept' }
    expect(compare({ name: 'go' }, question, ACCEPT, answer, indexExceptions([exact]))).toMatchObject({
      outcome: 'not asked',
      theirs: 'no such option',
    })
  })
})

describe('an exact exception', () => {
  it('explains one case, whoever refuses', () => {
    for (const words of ['accept reject accept', 'accept accept reject', 'reject accept reject'])
      expect(judge(words, exact)).toMatchObject({ outcome: 'explained', reason: 'so it is' })
    for (const other of [{ peer: 'gnutls' }, { suite: 'another' }, { case: 'row-11' }])
      expect(judge('accept reject accept', { ...exact, ...other }).outcome).toBe('unexplained')
  })

  it('fails where both agree after all', () => {
    const { outcome, reason } = judge('accept accept accept', exact)
    expect(outcome).toBe('unexplained')
    expect(reason).toContain('they agree, although')
  })

  it('cannot be made twice', () => {
    expect(() => indexExceptions([exact, exact])).toThrow(/twice/)
  })
})

describe('a rule', () => {
  it('explains one kind of refusal, by its own side', () => {
    expect(judge('accept reject accept', rule())).toMatchObject({ outcome: 'explained', reason: 'a rule' })
    expect(judge('accept accept reject', theirRule)).toMatchObject({ outcome: 'explained', reason: 'a rule' })
    expect(judge('accept reject accept', rule({ suite: '*' })).outcome).toBe('explained')
    const others = [{ peer: 'openssl' }, { suite: 'another' }, { pattern: 'ERR_REVOKED' }]
    for (const other of [...others, { direction: 'they-refuse', pattern: '' } as const])
      expect(judge('accept reject accept', rule(other)).outcome).toBe('unexplained')
  })

  it('is not enough where the suite and the other program refuse what signet accepts', () => {
    expect(judge('reject accept reject', theirRule).outcome).toBe('unexplained')
    expect(judge('reject accept reject', theirRule, exact).outcome).toBe('explained')
  })

  it('may find nothing', () => {
    expect(judge('accept accept accept', rule(), theirRule).outcome).toBe('agreed')
  })
})

describe('path-exceptions.json', () => {
  it('is about suites that there are', () => {
    expect(() => loadExceptions([])).toThrow(/an exception without suite/)
  })
})
