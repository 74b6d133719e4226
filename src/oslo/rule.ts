/**
 * The rule language of OpenStack's oslo.policy, read as oslo.policy reads it.
 *
 * Whatever oslo.policy cannot read denies there, with a line in a log; here such a check keeps the reason. What a check
 * decides is in oslo/enforce, what is unsafe in oslo/document.
 *
 * @module oslo/rule (floor 5)
 */
import { LimitError, UsageError } from '../errors/index.js'
import { MAX_OSLO_DEPTH, type OsloCheck, type OsloFault, partsOf } from './check.js'

export const MAX_OSLO_RULE_CHARACTERS = 65_536

/**
 * Parse a rule written as text. Everything is some rule: what oslo.policy does not understand denies.
 *
 * Not checked: whether the rules that it names exist, whether the roles and keys do, and whether it makes sense.
 *
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseOsloRule(text: string): OsloCheck {
  requireLength(text)
  if (text === '') return { kind: 'true', why: 'empty' }
  const stack: Piece[] = []
  for (const piece of piecesOf(text)) {
    stack.push(piece)
    while (reduce(stack));
  }
  const [only] = stack
  if (stack.length !== 1 || only === undefined || !isCheck(only)) {
    return { kind: 'false', why: faultOf(stack), text }
  }
  requireDepth(only.check)
  return only.check
}

/**
 * Parse a rule in the old form of lists: one of the outer list must hold, and of an inner list all. Each text is one
 * check; there are no operators in it. What Python takes for nothing (no value, `false`, 0) is an empty rule.
 *
 * @throws {@link UsageError} `ERR_POLICY_OSLO` for a rule of another form, {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseOsloListRule(rule: unknown): OsloCheck {
  if (isNothing(rule)) return { kind: 'true', why: 'empty' }
  const outer = listOf(rule)
  requireCount(outer.length)
  const alternatives: OsloCheck[] = []
  for (const item of outer) {
    if (isNothing(item)) continue
    const inner = typeof item === 'string' ? [item] : listOf(item)
    requireCount(inner.length)
    const checks = inner.map((text): OsloCheck => {
      if (typeof text !== 'string') return { kind: 'false', why: 'no-colon' }
      requireLength(text)
      return parseCheck(text)
    })
    alternatives.push(joined('and', checks))
  }
  return alternatives.length === 0 ? { kind: 'false', why: 'no-check' } : joined('or', alternatives)
}

/** A check that can still grow. */
type Draft = Exclude<OsloCheck, { readonly of: unknown }> | Group | { readonly kind: 'not'; readonly of: Draft }

interface Group {
  readonly kind: 'and' | 'or'
  readonly of: Draft[]
}

/** What lies on the parser's stack. A sum is a row of `or` that was not put in parentheses, a product one of `and`. */
type Piece =
  | { readonly is: 'check'; readonly check: Draft }
  | { readonly is: 'product' | 'sum'; readonly check: Group }
  | { readonly is: 'and' | 'or' | 'not' | '(' | ')' | 'quoted' | 'nothing' }

type CheckPiece = Extract<Piece, { readonly check: unknown }>

const NOTHING: Piece = { is: 'nothing' }

/** `\s` of Python, which is not that of JavaScript. */
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u

/** Parentheses count only where a word begins and ends: they also stand within `%(key)s`. */
function* piecesOf(text: string): Generator<Piece> {
  for (const word of text.split(SPACE)) {
    let start = 0
    while (word.charAt(start) === '(') start++
    let end = word.length
    while (end > start && word.charAt(end - 1) === ')') end--
    for (let index = 0; index < start; index++) yield { is: '(' }
    // Before a parenthesis quotation marks close nothing: oslo.policy looks for them at the end of the whole word.
    if (end > start) yield pieceOf(word.slice(start, end), end === word.length && QUOTED.test(word.slice(start)))
    for (let index = end; index < word.length; index++) yield { is: ')' }
  }
}

const QUOTED = /^(?:"[^]*"|'[^]*')$/

function pieceOf(word: string, isQuoted: boolean): Piece {
  const keyword = word.toLowerCase()
  if (keyword === 'and' || keyword === 'or' || keyword === 'not') return { is: keyword }
  return isQuoted ? { is: 'quoted' } : { is: 'check', check: parseCheck(word) }
}

function parseCheck(text: string): Exclude<OsloCheck, { readonly of: unknown }> {
  if (text === '@') return { kind: 'true' }
  if (text === '!') return { kind: 'false' }
  const colon = text.indexOf(':')
  if (colon < 0) return { kind: 'false', why: 'no-colon', text }
  const [left, right] = [text.slice(0, colon), text.slice(colon + 1)]
  if (left === 'role') return { kind: 'role', match: right }
  if (left === 'rule') return { kind: 'rule', name: right }
  if (left === 'http' || left === 'https') return { kind: 'http', scheme: left, match: right }
  return { kind: 'generic', left, right }
}

/**
 * Apply one reduction to the end of the stack, and say whether one was found.
 *
 * The first that fits is applied at once, without a look at what follows. That is why `and` takes the last check out of
 * a sum again; and why a group in parentheses that ends a sum grows if `and` follows: `a or (b and c) and d` has three.
 */
function reduce(stack: Piece[]): boolean {
  const [last, middle, first] = [stack.at(-1) ?? NOTHING, stack.at(-2) ?? NOTHING, stack.at(-3) ?? NOTHING]
  if (last.is === ')' && isCheck(middle) && first.is === '(') {
    stack.splice(-3, 3, { is: 'check', check: middle.check })
    return true
  }
  if (last.is !== 'check') return false
  if (middle.is === 'not') {
    stack.splice(-2, 2, { is: 'check', check: { kind: 'not', of: last.check } })
    return true
  }
  if (!isCheck(first) || (middle.is !== 'and' && middle.is !== 'or')) return false
  if (middle.is === 'or' && first.is === 'sum') first.check.of.push(last.check)
  else if (middle.is === 'or') {
    stack.splice(-3, 1, { is: 'sum', check: { kind: 'or', of: [first.check, last.check] } })
  } else if (first.is === 'product') first.check.of.push(last.check)
  else if (first.is === 'check') {
    stack.splice(-3, 1, { is: 'product', check: { kind: 'and', of: [first.check, last.check] } })
  } else takeFromSum(first.check, last.check)
  stack.length -= 2
  return true
}

function takeFromSum(sum: Group, next: Draft): void {
  const end = sum.of.at(-1)
  if (end?.kind === 'and') end.of.push(next)
  else if (end !== undefined) sum.of.splice(-1, 1, { kind: 'and', of: [end, next] })
}

function isCheck(piece: Piece): piece is CheckPiece {
  return 'check' in piece
}

function faultOf(stack: readonly Piece[]): OsloFault {
  if (stack.length === 0) return 'blank'
  if (stack.some(({ is }) => is === 'quoted')) return 'quoted'
  return stack.some(({ is }) => is === '(' || is === ')') ? 'parenthesis' : 'operator'
}

/** One is itself; several are joined. */
function joined(kind: 'and' | 'or', checks: readonly OsloCheck[]): OsloCheck {
  const [first] = checks
  return first !== undefined && checks.length === 1 ? first : { kind, of: checks }
}

/** Falsy in Python. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '' || value === 0) return true
  if (Array.isArray(value)) return value.length === 0
  // Not what else has no keys here, such as the dates of YAML: Python takes those for true.
  if (typeof value !== 'object' || Object.keys(value).length > 0) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new UsageError('ERR_POLICY_OSLO', 'a rule is neither a text nor a list of texts and lists', {
    details: { reason: 'form' },
    hint: 'write the rule as text',
  })
}

function requireLength({ length }: string): void {
  if (length > MAX_OSLO_RULE_CHARACTERS) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a rule has more than ${MAX_OSLO_RULE_CHARACTERS} characters`)
  }
}

function requireCount(length: number): void {
  if (length > MAX_OSLO_RULE_CHARACTERS) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a list of checks has more than ${MAX_OSLO_RULE_CHARACTERS} entries`)
  }
}

function requireDepth(check: OsloCheck): void {
  let level: readonly OsloCheck[] = [check]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_OSLO_DEPTH) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a rule is nested deeper than ${MAX_OSLO_DEPTH}`)
    }
    level = level.flatMap(partsOf)
  }
}
