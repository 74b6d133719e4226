/**
 * What signet and another program say about the same path, and what explains where they differ.
 *
 * @module test/interop/paths/compare
 */
import type { Verdict } from '../../conformance/suite.js'
import { type PathCase, type PathInputs, type PathSuite, validateInputs } from '../../conformance/suites/paths.js'
import type { Difference, Exceptions } from './exceptions.js'
import type { Answer, Peer } from './peer.js'

/** A case that signet has an answer to. */
export interface Question {
  readonly suite: string
  readonly id: string
  /** What the suite says. */
  readonly expected: string
  readonly inputs: PathInputs
}

export interface Comparison {
  readonly peer: string
  readonly suite: string
  readonly case: string
  /** What the suite says. */
  readonly expected: string
  /** `accept`, or the words of the refusal. */
  readonly ours: string
  readonly theirs: string
  readonly outcome: 'agreed' | 'explained' | 'unexplained' | 'not asked'
  readonly reason?: string
}

/** The cases of a suite that signet has an answer to. */
export function questionsOf(suite: PathSuite, cases: readonly PathCase[]): readonly Question[] {
  return cases.flatMap(({ id, expected, inputs }) => {
    const asked = inputs()
    return typeof asked === 'string' ? [] : [{ suite: suite.name, id, expected, inputs: asked }]
  })
}

/** Ask both, and compare. */
export async function compareAll(
  peer: Peer,
  questions: readonly Question[],
  folder: string,
  exceptions: Exceptions,
): Promise<readonly Comparison[]> {
  const answers = await peer.ask(
    questions.map(({ inputs }) => inputs),
    folder,
  )
  return questions.map((question, index) => {
    const answer = answers[index]
    if (answer === undefined) throw new Error('every question has an answer')
    const verdict = validateInputs({ ...question.inputs, strictness: peer.strictnessOf(question.inputs) })
    return compare(peer, question, verdict, answer, exceptions)
  })
}

/** What of the two verdicts is to be explained. */
export function compare(
  { name: peer }: Pick<Peer, 'name'>,
  { suite, id, expected }: Omit<Question, 'inputs'>,
  verdict: Verdict,
  answer: Answer,
  exceptions: Exceptions,
): Comparison {
  const ours = verdict.code === undefined ? verdict.got : `${verdict.code}: ${verdict.message ?? ''}`
  const theirs = answer.got === 'accept' ? answer.got : answer.words
  const found = { peer, suite, case: id, expected, ours, theirs }
  if (answer.got === 'not asked') return { ...found, outcome: 'not asked' }
  const exact = exceptions.exact(peer, suite, id)
  if (answer.got === verdict.got) {
    if (exact === undefined) return { ...found, outcome: 'agreed' }
    const reason = `they agree, although path-exceptions.json says that they do not: ${exact}`
    return { ...found, outcome: 'unexplained', reason }
  }
  const difference: Difference =
    answer.got === 'accept'
      ? { peer, suite, direction: 'we-refuse', line: `${id}: ${ours}` }
      : { peer, suite, direction: 'they-refuse', line: `${id}: ${theirs}` }
  // Two against one: where the suite, too, refuses what signet accepts, a rule is not enough.
  const isAlone = difference.direction === 'they-refuse' && expected === 'reject'
  const reason = exact ?? (isAlone ? undefined : exceptions.byRule(difference))
  return reason === undefined ? { ...found, outcome: 'unexplained' } : { ...found, outcome: 'explained', reason }
}
