/**
 * oslo.policy itself as the judge of ours: every rule is read and printed the same, and every question gets the same
 * answer, or the same exception.
 *
 * `SIGNET_FUZZ_SEED=random` draws other cases; a disagreement prints the seed.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { readJson } from '../conformance/files.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { askOslo, askSignet, type OsloAnswer, type OsloCase, printCase } from './oslo-policy/engine.js'
import { generateCases, seedOfRun } from './oslo-policy/generate.js'
import { keystonePython } from './programs.js'

const TIMEOUT = 300_000
const GENERATED = 6000
/** Of those, what signet leaves without an answer: left sides that nobody writes. */
const MAX_UNSUPPORTED = GENERATED / 20

interface Corpus {
  readonly rules: readonly { readonly name: string; readonly check_str: string }[]
  readonly parser_cases: { readonly cases: readonly { readonly rule: string }[] }
  readonly semantics_cases: readonly {
    readonly rule: string
    readonly creds?: OsloCase['credentials']
    readonly target?: OsloCase['target']
  }[]
}

/** The given rules, without what they are expected to be or say. */
function givenCases(): readonly OsloCase[] {
  const corpus = readJson(CORPORA, 'openstack', 'oslo-policy-rules.json') as Corpus | undefined
  if (corpus === undefined) return []
  const { rules, parser_cases: parser, semantics_cases: semantics } = corpus
  const all = Object.fromEntries(rules.map((rule) => [rule.name, rule.check_str]))
  const admin: OsloCase['credentials'] = { roles: ['Admin', 'service'], user_id: 'u', project_id: 'p', is_admin: true }
  return [
    ...semantics.map(({ rule, creds = {}, target = {} }): OsloCase => ({
      rules: { asked: rule },
      ask: { check: rule },
      credentials: creds,
      target,
    })),
    ...parser.cases.map(({ rule }): OsloCase => ({
      rules: { asked: rule },
      ask: { name: 'asked' },
      credentials: {},
      target: {},
    })),
    // Of those with the same text one is asked.
    ...[...new Map(rules.map((rule) => [rule.check_str, rule.name])).values()].flatMap((name) =>
      [admin, { roles: ['reader'], user_id: 'u', project_id: 'p' }].map((credentials): OsloCase => ({
        rules: all,
        ask: { name },
        credentials,
        target: { project_id: 'p', user_id: 'u', 'target.user.id': 'u' },
      })),
    ),
  ]
}

const python = keystonePython()

describe.skipIf(python === undefined)('oslo.policy itself', () => {
  const seed = seedOfRun()
  const given = corporaAvailable() ? givenCases() : []
  const cases = [...given, ...generateCases(GENERATED, seed)]
  const ours = cases.map(askSignet)
  let theirs: readonly OsloAnswer[]

  beforeAll(() => {
    theirs = askOslo(python ?? '', cases)
  }, TIMEOUT)

  it('prints every rule as we do', () => {
    const different = cases.flatMap(({ rules }, index) =>
      Object.keys(rules).flatMap((name) => {
        const [their, our] = [theirs[index]?.canonical[name], ours[index]?.canonical[name]]
        return their === our ? [] : [{ rule: rules[name], their, our }]
      }),
    )
    expect(different.slice(0, 3), `${different.length} rules, seed ${seed}`).toEqual([])
  })

  it('answers every question as we do', () => {
    const different = cases.flatMap((question, index) => {
      const [their, our] = [theirs[index]?.answer, ours[index]?.answer]
      return their === our || our === 'unsupported'
        ? []
        : [`${String(their)}, not ${String(our)}: ${printCase(question)}`]
    })
    expect(different.slice(0, 3), `${different.length} of ${cases.length}, seed ${seed}`).toEqual([])
  })

  it('is asked about what matters', () => {
    const answers = theirs.slice(given.length).map(({ answer }) => answer)
    const count = (one: string): number => answers.filter((answer) => answer === one).length
    expect(count('allow')).toBeGreaterThan(GENERATED / 10)
    expect(count('deny')).toBeGreaterThan(GENERATED / 10)
    const raised = ['AskedServer', 'AttributeError', 'RecursionError', 'SyntaxError', 'TypeError', 'ValueError']
    expect(raised.filter((name) => count(`raises:${name}`) === 0)).toEqual([])
    expect(ours.filter(({ answer }) => answer === 'unsupported').length).toBeLessThan(MAX_UNSUPPORTED)
  })
})
