/**
 * The left sides of oslo.policy's checks: Python's `ast.literal_eval` decides whether one is a literal, a path into the
 * credentials, or an error that nobody catches.
 *
 * It is a path only if it is an expression of Python that is no literal (`ValueError`): `user-id` is, being a
 * subtraction; `a..b` and `user.class` are none, and raise `SyntaxError`. So the whole grammar of expressions is asked,
 * but for what stands in no policy (f-strings, bytes, complex numbers, comprehensions …), which is refused.
 *
 * @module oslo/left (floor 5)
 */
import { tokensOf, type Token } from './left-tokens.js'
import { OsloRaise, OsloUnsupported } from './value.js'

/** What the left side of a check is. */
export type OsloLeft =
  { readonly is: 'literal'; readonly text: string } | { readonly is: 'path'; readonly segments: readonly string[] }

/** Deepest nesting of brackets, and most words, that are read: Python has limits of its own. */
const MAX_DEPTH = 50
const MAX_TOKENS = 200

/**
 * Read the left side of a check.
 *
 * @throws {@link OsloRaise} with the class that Python raises, {@link OsloUnsupported}
 */
export function parseLeft(text: string): OsloLeft {
  const tokens = tokensOf(text)
  if (tokens.length > MAX_TOKENS) throw new OsloUnsupported('an expression of many words')
  const node = new Expressions(tokens).whole()
  if (node === UNHASHABLE) throw new OsloRaise('TypeError', 'a set of what is not hashable')
  return node === OPAQUE ? { is: 'path', segments: text.split('.') } : { is: 'literal', text: node.str }
}

/** A literal: what `repr` and `str` make of it. */
interface Literal {
  readonly repr: string
  readonly str: string
  /** Only one sign may stand before a number. */
  readonly sign?: 'none' | 'given'
  readonly isHashable: boolean
}

/** An expression, but no literal. */
const OPAQUE = 'opaque'
/** A literal that Python fails to build. */
const UNHASHABLE = 'unhashable'

type Node = Literal | typeof OPAQUE | typeof UNHASHABLE

const INFIX: ReadonlySet<string> = new Set('+ - * / // % @ ** << >> & | ^ == != < > <= >= and or in is not'.split(' '))

class Expressions {
  readonly #tokens: readonly Token[]
  #position = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Node {
    const node = this.#row('')
    if (this.#tokens[this.#position] !== undefined) throw syntaxError()
    return node
  }

  /** One expression, or several with commas between, which are a tuple. */
  #row(close: string): Node {
    const first = this.#expression()
    if (!this.#takes(',')) return first
    return container('(', this.#items(close, [first]), ')')
  }

  /** The rest of a row: a comma was read. Its end stays. */
  #items(close: string, items: Node[]): readonly Node[] {
    while (!this.#isAt(close)) {
      items.push(this.#expression())
      if (!this.#takes(',')) break
    }
    return items
  }

  #expression(): Node {
    const isInside = ++this.#depth > 1
    if (this.#depth > MAX_DEPTH) throw new OsloUnsupported('an expression that is nested deep')
    if (isInside && ['*', '**', 'yield'].some((one) => this.#isAt(one))) {
      throw new OsloUnsupported('an unpacked argument, or a generator')
    }
    const first = this.#operand('boolean')
    let isAlone = true
    for (let infix = this.#infix(); infix !== undefined; infix = this.#infix()) {
      isAlone = false
      this.#operand(infix === 'and' || infix === 'or' ? 'boolean' : 'value')
    }
    if (this.#isAt('if') || (isInside && ['for', 'async', '='].some((one) => this.#isAt(one)))) {
      throw new OsloUnsupported('a condition, comprehension or named argument')
    }
    this.#depth--
    return isAlone ? first : OPAQUE
  }

  #infix(): string | undefined {
    const token = this.#tokens[this.#position]
    if (token?.is !== 'sign' || !INFIX.has(token.text)) return undefined
    this.#position++
    if (token.text === 'not' && !this.#takes('in')) throw syntaxError()
    if (token.text === 'is') this.#takes('not')
    return token.text
  }

  /** A primary with what stands before it. `not` begins an expression, or follows `and` and `or`. */
  #operand(where: 'boolean' | 'value'): Node {
    let isInverted = false
    while (where === 'boolean' && this.#takes('not')) isInverted = true
    const signs: string[] = []
    for (;;) {
      const sign = ['+', '-', '~'].find((one) => this.#takes(one))
      if (sign === undefined) break
      signs.push(sign)
    }
    const isAwaited = this.#takes('await')
    const node = this.#primary()
    if (isInverted || isAwaited || signs.length > 1 || signs[0] === '~') return OPAQUE
    const [sign] = signs
    if (sign === undefined) return node
    if (typeof node === 'string' || node.sign !== 'none') return OPAQUE
    const text = sign === '-' && node.repr !== '0' ? `-${node.repr}` : node.repr
    return { repr: text, str: text, sign: 'given', isHashable: true }
  }

  #primary(): Node {
    const start = this.#tokens[this.#position]
    let node = this.#atom()
    for (;;) {
      if (this.#takes('.')) {
        const name = this.#tokens[this.#position++]
        if (name?.is !== 'name') throw syntaxError()
        node = OPAQUE
      } else if (this.#takes('(')) {
        const isEmpty = this.#bracket(')', 'empty').length === 0
        const isSet = isEmpty && node === OPAQUE && start?.is === 'name' && start.text === 'set'
        // Only the first call, and only of the bare name.
        node = isSet && this.#tokens[this.#position - 3] === start ? EMPTY_SET : OPAQUE
      } else if (this.#takes('[')) {
        this.#bracket(']', 'filled')
        node = OPAQUE
      } else return node
    }
  }

  #atom(): Node {
    const token = this.#tokens[this.#position++]
    if (token === undefined) throw syntaxError()
    if (token.is === 'name') return OPAQUE
    if (token.is === 'number') return { repr: token.text, str: token.text, sign: 'none', isHashable: true }
    if (token.is === 'constant') return { repr: token.text, str: token.text, isHashable: true }
    if (token.is === 'string') return { repr: token.repr, str: token.text, isHashable: true }
    if (token.text === '[') return container('[', this.#bracket(']', 'empty'), ']')
    if (token.text === '{') return braces(this.#bracket('}', 'empty'))
    if (token.text !== '(') throw syntaxError()
    if (this.#takes(')')) return container('(', [], ')')
    const node = this.#row(')')
    this.#expect(')')
    return node
  }

  /** What stands between brackets, of which the first was read. */
  #bracket(close: string, least: 'empty' | 'filled'): readonly Node[] {
    if (least === 'empty' && this.#takes(close)) return []
    const first = this.#expression()
    const items = this.#takes(',') ? this.#items(close, [first]) : [first]
    this.#expect(close)
    return items
  }

  #isAt(text: string): boolean {
    const token = this.#tokens[this.#position]
    return text === '' ? token === undefined : token?.is === 'sign' && token.text === text
  }

  #takes(text: string): boolean {
    const found = this.#isAt(text)
    if (found) this.#position++
    return found
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw syntaxError()
  }
}

const EMPTY_SET: Literal = { repr: 'set()', str: 'set()', isHashable: false }

/** A list or tuple. The first item that is no literal decides what Python raises. */
function container(open: '[' | '(', items: readonly Node[], close: string): Node {
  const texts: string[] = []
  let isHashable = open === '('
  for (const item of items) {
    if (typeof item === 'string') return item
    texts.push(item.repr)
    isHashable &&= item.isHashable
  }
  const text = `${open}${texts.join(', ')}${open === '(' && texts.length === 1 ? ',' : ''}${close}`
  return { repr: text, str: text, isHashable }
}

/** Without a colon only an empty dictionary can be written, and sets, which have no order. */
function braces(items: readonly Node[]): Node {
  for (const item of items) {
    if (typeof item === 'string') return item
    if (!item.isHashable) return UNHASHABLE
  }
  const [only] = items
  if (items.length > 1) throw new OsloUnsupported('a set of several')
  const text = typeof only === 'object' ? `{${only.repr}}` : '{}'
  return { repr: text, str: text, isHashable: false }
}

function syntaxError(): OsloRaise {
  return new OsloRaise('SyntaxError', 'the left side is neither a literal nor a path')
}
