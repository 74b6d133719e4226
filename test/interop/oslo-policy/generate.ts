/**
 * Rules, credentials and targets, drawn from a seed: what operators write, and soups of everything that the language has
 * a meaning for.
 *
 * @module test/interop/oslo-policy/generate
 */
import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { OsloFloat, type OsloRecord, type OsloValue } from '../../../src/oslo/index.js'
import type { OsloCase } from './engine.js'

/** `SIGNET_FUZZ_SEED`: a number, or `random`, which draws one. */
export function seedOfRun(): number {
  const stated = process.env['SIGNET_FUZZ_SEED'] ?? ''
  return stated === 'random' ? randomInt(2 ** 31) : stated === '' ? 20_261_122 : Number(stated)
}

export function generateCases(count: number, seed: number): readonly OsloCase[] {
  return fc.sample(osloCase, { numRuns: count, seed })
}

const word = (...words: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...words)
const often = <T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const text = (unit: fc.Arbitrary<string>, most: number): fc.Arbitrary<string> =>
  fc.array(unit, { maxLength: most }).map((units) => units.join(''))

const RULES = ['admin', 'owner', 'default', 'x', 'y', 'nowhere'] as const

/** Values whose texts meet: few, and of every type. */
const scalar = often<OsloValue>(
  [8, word('admin', 'Admin', 'x', 'y', '1', 'True', 'None', '', '1.0', 'ADMİN', 'é', "o'b")],
  [2, fc.constantFrom<OsloValue>(1, 0, -255, true, false, null, 2n ** 70n, 65, 1.5, 1e-7, 123456.75)],
  [1, fc.constantFrom(1, 1e16, 1e300, 1e15, -0.5).map((value) => new OsloFloat(value))],
  [1, fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => new OsloFloat(value))],
)
const value: fc.Arbitrary<OsloValue> = fc.letrec<{ value: OsloValue; list: OsloValue; record: OsloValue }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, { weight: 4, arbitrary: scalar }, tie('list'), tie('record')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  record: fc.dictionary(word('a', 'b', 'id'), tie('value'), { maxKeys: 2 }),
})).value

const roles = often<OsloValue>(
  [8, fc.array(word('admin', 'Admin', 'reader', 'x', '1', 'é'), { maxLength: 3 })],
  [1, value],
)
const credentials: fc.Arbitrary<OsloRecord> = fc.record(
  {
    roles,
    user_id: scalar,
    project_id: scalar,
    a: value,
    system_scope: scalar,
    'user-id': scalar,
    é: scalar,
    class: scalar,
    'a.b': scalar,
  },
  { requiredKeys: [] },
)
const target: fc.Arbitrary<OsloRecord> = fc.record(
  { k: scalar, user_id: scalar, 'a.b': scalar, n: fc.constantFrom(5, -7, 233), v: value, '': scalar, 'p(q)': scalar },
  { requiredKeys: [] },
)

const PATHS = ['user_id', 'project_id', 'a', 'a.b', 'a.id', 'a.b.a', 'a.a', 'user-id', 'system', 'é', 'unknown.x']
const LITERALS = ["'admin'", '"x"', "'x'", 'True', 'False', 'None', '1', '1.0', '-1', '0x1', '1e16', "u'a'", "'\\x61'"]
const ODD_LEFT = ['class', 'a.class', 'a..b', '.a', 'a.', 'a.1', '1a', 'Role', 'roles', 'a[0]', 'a+b', '[1]', '007', '']
const left = often(
  [6, word(...PATHS)],
  [4, word(...LITERALS)],
  [3, word(...ODD_LEFT)],
  // Everything that Python's expressions have, but for what makes them long.
  [
    2,
    text(
      word(
        ...'abxN19_.,+-*/%@&|^~<>=()[]{}!$?;é²#\\'.split(''),
        ...LITERALS,
        '==',
        '**',
        "'",
        '"',
        'in',
        'not(',
        'set',
      ),
      6,
    ),
  ],
  [1, text(word('(', ')', '[', ']', '{', '}', ',', '1', "'a'", 'b', 'True', '-', '1.5'), 8)],
)

const field = often(
  [8, word('%(k)s', '%(user_id)s', '%(a.b)s', '%(nokey)s', '%(v)s')],
  [1, word('%(n)d', '%(n)05d', '%(k)5s', '%(v)r', '%(n)#x', '%(k)a', '%(n)c', '%()s', '%(p(q))s', '%%', '%s', '%(k)')],
  [
    1,
    fc
      .tuple(
        word('', '(k)', '(n)', '(v)', '(nokey)', '(k'),
        text(word('-', '+', '#', '0', ' ', '5', '1', '.', '3'), 4),
        word('', 'h', 'l', 'L'),
        word('s', 'r', 'a', 'd', 'i', 'u', 'o', 'x', 'X', 'c', '%', 'q', '', 'é'),
      )
      .map((parts) => `%${parts.join('')}`),
  ],
)
const right = often(
  [3, word('admin', 'ADMIN', 'x', 'y', '1', '1.0', 'True', 'None', 'a', '', 'a:b', 'all', '1e+16', "'a'", 'AdMİn')],
  [5, field],
  [1, text(fc.oneof(field, word('x', '(', ')', '%', ':')), 4)],
)

const check = often(
  [3, right.map((match) => `role:${match}`)],
  [3, word(...RULES).map((name) => `rule:${name}`)],
  [8, fc.tuple(left, right).map((sides) => sides.join(':'))],
  [1, word('http://h/%(k)s', 'https://h', 'rule:', 'role:', 'Role:x', ':', 'garbage', '@:@', 'and:or', 'not:x')],
  [2, word('@', '!')],
)

const keyword = word('and', 'or', 'not', 'AND', 'Or', 'nOT', 'and', 'or')
const space = often([8, word(' ')], [2, word('  ', '\t', '\n', '\u00a0', '\u2028', '\x1c', '\x85', '\u3000', '\ufeff')])

/** Words in any order. */
const soup = fc
  .array(
    fc.tuple(
      often(
        [4, check],
        [5, keyword],
        [2, word('(', ')', '((', '))')],
        [1, word('"x"', "'x'", '"', `'"`, "('x')", '()')],
      ),
      often([6, space], [1, word('', '(', ')')]),
    ),
    { maxLength: 9 },
  )
  .map((words) => words.flat().join(''))

/** Rules that are one: checks with operators between. */
const sentence: fc.Arbitrary<string> = fc.letrec<{ whole: string; part: string }>((tie) => ({
  whole: fc
    .tuple(tie('part'), fc.array(fc.tuple(word(' and ', ' or ', ' AND ', ' oR '), tie('part')), { maxLength: 3 }))
    .map(([first, more]) => first + more.map((pair) => pair.join('')).join('')),
  part: fc.oneof(
    { depthSize: 'small' },
    { weight: 5, arbitrary: check },
    { weight: 1, arbitrary: tie('part').map((part) => `not ${part}`) },
    { weight: 2, arbitrary: tie('whole').map((whole) => `(${whole})`) },
  ),
})).whole

const list = fc.array(fc.oneof(check, fc.array(check, { maxLength: 3 }), word('', 'a b', 'role:x and @', '(@)')), {
  maxLength: 3,
})

const rule = often<unknown>([8, sentence], [5, soup], [2, check], [1, list], [1, fc.constantFrom('', null, false, ' ')])

const osloCase: fc.Arbitrary<OsloCase> = fc
  .record({
    asked: rule,
    rules: fc.dictionary(word(...RULES.slice(0, 5)), rule, { maxKeys: 4 }),
    byName: fc.boolean(),
    credentials,
    target,
    default: often<string | undefined>([3, fc.constant(undefined)], [1, word('x', 'nowhere')]),
  })
  .map(({ asked, rules, byName, default: named, ...rest }) => ({
    rules: { ...rules, asked },
    ask: byName || typeof asked !== 'string' ? { name: 'asked' } : { check: asked },
    ...rest,
    ...(named === undefined ? {} : { default: named }),
  }))
