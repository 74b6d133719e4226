/**
 * Python's `ast.literal_eval`, for what mappings hold: texts, numbers, lists, tuples, sets, dictionaries, True, False and
 * None. What is no literal is handed back as the text that it is, as Keystone does.
 *
 * @module keystone/python-literal (floor 5.1)
 */
import { isHashable, PythonError, type PythonValue, Unsupported } from './python-value.js'

/** Deeper nested brackets are an error of Python's syntax. */
const MAX_DEPTH = 200
const MAX_CHARACTERS = 1_000_000

/**
 * The value of a text that is a literal, or the text.
 *
 * @throws {@link PythonError} `TypeError` for sets and dictionaries of what they do not take
 * @throws {@link Unsupported} for lists with octets, complex numbers or an ellipsis, and for what is too long
 */
export function literalOrText(text: string): PythonValue {
  if (text.length > MAX_CHARACTERS) throw new Unsupported('a literal of this length')
  try {
    const parser = new LiteralParser(text.replace(/^[ \t]+/, ''))
    return parser.whole()
  } catch (error) {
    if (error instanceof NoLiteral) return text
    throw error
  }
}

class NoLiteral extends Error {}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

class LiteralParser {
  readonly #text: string
  #position = 0
  #depth = 0
  /** Whether a set or dictionary holds what Python cannot hash: found when the whole text was read. */
  #isUnhashable = false
  /** Whether there was something that JavaScript has no value for. */
  #isForeign = false

  constructor(text: string) {
    this.#text = text
  }

  whole(): PythonValue {
    const value = this.#expression('outside')
    this.#space('outside')
    // After a line break nothing may follow but more of them, and comments.
    if (!/^(?:[ \t\f]*(?:#[^\n]*)?(?:\r?\n|\r|$))*$/.test(this.#text.slice(this.#position))) throw new NoLiteral()
    if (this.#isUnhashable) throw new PythonError('TypeError', 'unhashable type')
    // What is no list, the caller takes for text.
    if (this.#isForeign && Array.isArray(value))
      throw new Unsupported('a list of octets, complex numbers or an ellipsis')
    return value
  }

  /** One value, or several with commas between, which are a tuple. */
  #expression(where: Where): PythonValue {
    const first = this.#value(where)
    this.#space(where)
    if (!this.#takes(',')) return first
    const items = [first]
    for (;;) {
      this.#space(where)
      if (this.#isAtEnd(where)) return { kind: 'tuple', items }
      items.push(this.#value(where))
      this.#space(where)
      if (!this.#takes(',')) return { kind: 'tuple', items }
    }
  }

  #isAtEnd(where: Where): boolean {
    const next = this.#peek()
    return next === '' || (where === 'outside' ? next === '\n' || next === '\r' || next === '#' : next === ')')
  }

  #value(where: Where): PythonValue {
    this.#space(where)
    return this.#atom()
  }

  #atom(): PythonValue {
    if (this.#takes('[')) return this.#nested(() => this.#items(']'))
    if (this.#takes('(')) return this.#nested(() => this.#parenthesis())
    if (this.#takes('{')) return this.#nested(() => this.#braces())
    const string = this.#strings()
    if (string !== undefined) return string
    if (this.#takes('...') || this.#octets()) return this.#foreign()
    const word = /^[A-Za-z_]\w*/.exec(this.#rest())?.[0]
    if (word === 'set' && /^set\s*\(\s*\)/.test(this.#rest())) {
      this.#position += /^set\s*\(\s*\)/.exec(this.#rest())?.[0].length ?? 0
      return { kind: 'set', items: [] }
    }
    if (word !== undefined) return this.#constant(word)
    return this.#number()
  }

  #nested(read: () => PythonValue): PythonValue {
    if (++this.#depth > MAX_DEPTH) throw new NoLiteral()
    const value = read()
    this.#depth--
    return value
  }

  #foreign(): PythonValue {
    this.#isForeign = true
    return null
  }

  /** Octets, which are ASCII, side by side. */
  #octets(): boolean {
    let found = false
    for (;;) {
      const opening = /^(?:[bB][rR]?|[rR][bB])('''|"""|'|")/.exec(this.#rest())
      if (opening === null) return found
      const [all, quote = ''] = opening
      this.#position += all.length
      const start = this.#position
      this.#string(quote, true)
      if (/[^\x00-\x7f]/.test(this.#text.slice(start, this.#position))) throw new NoLiteral()
      found = true
      this.#space('outside')
    }
  }

  #constant(word: string): PythonValue {
    if (word !== 'True' && word !== 'False' && word !== 'None') throw new NoLiteral()
    this.#position += word.length
    return word === 'None' ? null : word === 'True'
  }

  #items(close: string): readonly PythonValue[] {
    const items: PythonValue[] = []
    for (;;) {
      this.#space('inside')
      if (this.#takes(close)) return items
      items.push(this.#value('inside'))
      this.#space('inside')
      if (this.#takes(close)) return items
      this.#expect(',')
    }
  }

  #parenthesis(): PythonValue {
    this.#space('inside')
    if (this.#takes(')')) return { kind: 'tuple', items: [] }
    const value = this.#expression('inside')
    this.#space('inside')
    this.#expect(')')
    return value
  }

  #braces(): PythonValue {
    const entries: (readonly [PythonValue, PythonValue])[] = []
    const items: PythonValue[] = []
    for (;;) {
      this.#space('inside')
      if (this.#takes('}')) break
      const key = this.#value('inside')
      this.#space('inside')
      if (items.length === 0 && this.#takes(':')) {
        entries.push([key, this.#value('inside')])
        this.#space('inside')
      } else if (entries.length === 0) items.push(key)
      else throw new NoLiteral()
      if (this.#takes('}')) break
      this.#expect(',')
    }
    this.#isUnhashable ||= ![...items, ...entries.map(([key]) => key)].every(isHashable)
    return items.length > 0 ? { kind: 'set', items } : { kind: 'dict', entries }
  }

  /** One string, or several side by side, which are one. */
  #strings(): string | undefined {
    let joined: string | undefined
    for (;;) {
      const opening = /^([rRuU]?)('''|"""|'|")/.exec(this.#rest())
      if (opening === null) return joined
      const [all, prefix = '', quote = ''] = opening
      this.#position += all.length
      joined = (joined ?? '') + this.#string(quote, prefix.toLowerCase() === 'r')
      const gap = /^[ \t\f]*(?=[rRuU]?['"])/.exec(this.#rest())
      if (gap !== null) this.#position += gap[0].length
    }
  }

  #string(quote: string, isRaw: boolean): string {
    let value = ''
    for (;;) {
      if (this.#takes(quote)) return value
      const character = this.#peek()
      if (character === '' || (quote.length === 1 && character === '\n')) throw new NoLiteral()
      this.#position += character.length
      if (character !== '\\') value += character
      else if (isRaw) {
        const next = this.#peek()
        this.#position += next.length
        value += `\\${next}`
      } else value += this.#escape()
    }
  }

  #escape(): string {
    const rest = this.#rest()
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0]
    if (octal !== undefined) {
      this.#position += octal.length
      return String.fromCodePoint(Number.parseInt(octal, 8))
    }
    const coded = /^(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/.exec(rest)
    if (coded !== null) {
      this.#position += coded[0].length
      const code = Number.parseInt(coded[1] ?? coded[2] ?? coded[3] ?? '', 16)
      if (code > 0x10ffff) throw new NoLiteral()
      return String.fromCodePoint(code)
    }
    const character = this.#peek()
    if (character === 'x' || character === 'u' || character === 'U' || character === 'N' || character === '')
      throw new NoLiteral()
    this.#position += character.length
    return SIMPLE_ESCAPES[character] ?? `\\${character}`
  }

  #number(): PythonValue {
    const signs = /^(?:[+-]\s*)*/.exec(this.#rest())?.[0] ?? ''
    this.#position += signs.length
    const found =
      /^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*(?:[eE][+-]?[0-9]+)?|[0-9](?:_?[0-9])*\.?(?:[eE][+-]?[0-9]+)?)/.exec(
        this.#rest(),
      )?.[0]
    const after = this.#rest().slice(found?.length ?? 0)
    if (found === undefined || /^[\w.]/.test(after)) {
      const imaginary = found === undefined || /^0[xXoObB]/.test(found) ? null : /^[jJ](?![\w.])/.exec(after)
      if (found === undefined || imaginary === null) throw new NoLiteral()
      this.#position += found.length + 1
      return this.#foreign()
    }
    this.#position += found.length
    const complex = /^\s*[+-]\s*[0-9][0-9_.]*(?:[eE][+-]?[0-9]+)?[jJ]/.exec(after)
    if (complex !== null) {
      this.#position += complex[0].length
      return this.#foreign()
    }
    const digits = found.replaceAll('_', '')
    const isNegative = signs.split('-').length - (1 % 2) === 1
    if (/[.eE]/.test(digits) && !/^0[xX]/.test(digits)) return isNegative ? -Number(digits) : Number(digits)
    // 007 is no number of Python, and 000 is.
    if (/^0[0-9]/.test(digits) && !/^0+$/.test(digits)) throw new NoLiteral()
    const value = BigInt(digits.toLowerCase())
    const signed = isNegative ? -value : value
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  /** Inside of brackets lines may break, and comments stand at their ends. */
  #space(where: Where): void {
    const space = (where === 'inside' ? /^(?:[ \t\f\r\n]|#[^\n]*)*/ : /^[ \t\f]*/).exec(this.#rest())
    this.#position += space?.[0].length ?? 0
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw new NoLiteral()
  }

  #takes(text: string): boolean {
    if (!this.#text.startsWith(text, this.#position)) return false
    this.#position += text.length
    return true
  }

  #peek(): string {
    const code = this.#text.codePointAt(this.#position)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  #rest(): string {
    return this.#text.slice(this.#position)
  }
}

type Where = 'inside' | 'outside'
