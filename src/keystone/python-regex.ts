/**
 * Regular expressions of Python, translated to those of JavaScript where both can say the same; what only Python has is
 * refused, never approximated.
 *
 * @module keystone/python-regex (floor 5.1)
 */
import { LimitError } from '../errors/index.js'
import { PythonError, Unsupported } from './python-value.js'

/** Longest pattern, and longest value that a pattern is tried on. */
export const MAX_PATTERN_CHARACTERS = 1000
export const MAX_VALUE_CHARACTERS = 4096

/** A compiled pattern that is searched for, as `re.search` does: anywhere. */
export interface PythonPattern {
  readonly source: string
  search(value: string): boolean
}

/**
 * Compile a pattern.
 *
 * @throws {@link PythonError} `error`, as `re.error`, for what Python refuses
 * @throws {@link Unsupported}
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function compilePattern(source: string): PythonPattern {
  if (source.length > MAX_PATTERN_CHARACTERS) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a pattern has more than ${MAX_PATTERN_CHARACTERS} characters`)
  }
  const expression = new Translator(source).translate()
  return {
    source,
    search(value) {
      if (value.length > MAX_VALUE_CHARACTERS) {
        throw new LimitError(
          'ERR_LIMIT_EXCEEDED',
          `a pattern is tried on at most ${MAX_VALUE_CHARACTERS} characters, and this value has ${value.length}`,
        )
      }
      return expression.test(value)
    },
  }
}

/** What Python's classes stand for in texts, as members of a class with the flag `v`. */
const CLASSES = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\t-\\r\\u{1c}-\\u{20}\\u{85}\\u{a0}\\u{1680}\\u{2000}-\\u{200a}\\u{2028}\\u{2029}\\u{202f}\\u{205f}\\u{3000}',
} as const

const WORD = `[${CLASSES.w}]`
const ANYTHING = '[\\s\\S]'
const START = `(?<!${ANYTHING})`
const END = `(?!${ANYTHING})`

const ESCAPED_CONTROLS: Readonly<Record<string, string>> = {
  a: '\\u{7}',
  f: '\\f',
  n: '\\n',
  r: '\\r',
  t: '\\t',
  v: '\\v',
}

class Translator {
  readonly #source: string
  #position = 0
  #flags = { ignoreCase: false, multiline: false, dotAll: false }

  constructor(source: string) {
    this.#source = source
  }

  translate(): RegExp {
    const global = /^\(\?([aiLmsux]+)\)/.exec(this.#source)
    if (global !== null) this.#applyFlags(global[1] ?? '', global[0].length)
    let out = ''
    while (this.#position < this.#source.length) out += this.#next()
    try {
      return new RegExp(out, this.#flags.ignoreCase ? 'vi' : 'v')
    } catch (error) {
      throw new PythonError('error', error instanceof Error ? error.message : 'not a pattern')
    }
  }

  #applyFlags(letters: string, length: number): void {
    for (const letter of letters) {
      if (letter === 'i') this.#flags.ignoreCase = true
      else if (letter === 'm') this.#flags.multiline = true
      else if (letter === 's') this.#flags.dotAll = true
      else if (letter !== 'u') throw new Unsupported(`the flag ${letter}`)
    }
    this.#position += length
  }

  #next(): string {
    const character = this.#take()
    switch (character) {
      case '\\':
        return this.#escape()
      case '[':
        return this.#class()
      case '(':
        return this.#group()
      case '.':
        return this.#flags.dotAll ? ANYTHING : '[^\\n]'
      case '^':
        return this.#flags.multiline ? '(?<![^\\n])' : START
      case '$':
        // Also before a line break at the end.
        return this.#flags.multiline ? '(?![^\\n])' : `(?=\\n?${END})`
      case '*':
      case '+':
      case '?':
        return this.#quantifier(character)
      case '{':
        return this.#braces()
      case ')':
      case '|':
        return character
      default:
        return literal(character)
    }
  }

  #quantifier(text: string): string {
    if (this.#source.charAt(this.#position) === '+') throw new Unsupported('a possessive quantifier')
    return text
  }

  /** A quantifier, or else the brace itself. */
  #braces(): string {
    const found = /^([0-9]*)(,?)([0-9]*)\}/.exec(this.#rest())
    if (found === null || (found[1] === '' && found[3] === '')) return literal('{')
    const [all, least = '', comma = '', most = ''] = found
    this.#position += all.length
    return this.#quantifier(`{${least === '' ? '0' : least}${comma}${most}}`)
  }

  #group(): string {
    const rest = this.#rest()
    const named = /^\?P<([A-Za-z_]\w*)>/.exec(rest)
    if (named !== null) return this.#skip(named[0], `(?<${named[1]}>`)
    const reference = /^\?P=([A-Za-z_]\w*)\)/.exec(rest)
    if (reference !== null) return this.#skip(reference[0], `\\k<${reference[1]}>`)
    const comment = /^\?#[^)]*\)/.exec(rest)
    if (comment !== null) return this.#skip(comment[0], '(?:)')
    const plain = /^\?(?::|=|!|<=|<!)/.exec(rest)
    if (plain !== null) return this.#skip(plain[0], `(${plain[0]}`)
    if (!rest.startsWith('?')) return '('
    if (/^\?(?:>|\(|[aiLmsux]*-?[imsx]*:)/.test(rest)) throw new Unsupported('a group of this kind')
    throw new PythonError('error', 'unknown extension of a group')
  }

  #escape(): string {
    const character = this.#take()
    switch (character) {
      case '':
        throw new PythonError('error', 'bad escape (end of pattern)')
      case 'A':
        return START
      case 'Z':
        return END
      case 'b':
        return `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`
      case 'B':
        return `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`
      case 'd':
      case 'w':
      case 's':
        return `[${CLASSES[character]}]`
      case 'D':
        return `[^${CLASSES.d}]`
      case 'W':
        return `[^${CLASSES.w}]`
      case 'S':
        return `[^${CLASSES.s}]`
      default:
        return this.#reference(character) ?? this.#coded(character)
    }
  }

  /** A back-reference; three octal digits, or a leading zero, are a character. */
  #reference(first: string): string | undefined {
    if (!/[1-9]/.test(first)) return undefined
    const digits = first + (/^[0-9]/.exec(this.#rest())?.[0] ?? '')
    if (/^[1-3][0-7]/.test(digits) && /^[0-7]{2}/.test(this.#rest())) return undefined
    this.#position += digits.length - 1
    return `(?:\\${digits})`
  }

  /** An escape that stands for one character, in a class and outside of one. */
  #coded(character: string): string {
    const rest = this.#rest()
    const octal = character === '0' ? /^[0-7]{0,2}/.exec(rest)?.[0] : /^[0-7]{2}/.exec(rest)?.[0]
    if (/[0-7]/.test(character) && octal !== undefined) {
      const code = Number.parseInt(character + octal, 8)
      if (code > 0o377) throw new PythonError('error', 'octal escape value outside of range 0-0o377')
      return this.#skip(octal, `\\u{${code.toString(16)}}`)
    }
    const lengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
    const digits = lengths[character]
    if (digits !== undefined) {
      const found = new RegExp(`^[0-9A-Fa-f]{${digits}}`).exec(rest)?.[0]
      if (found === undefined || Number.parseInt(found, 16) > 0x10ffff) {
        throw new PythonError('error', `incomplete escape \\${character}`)
      }
      return this.#skip(found, `\\u{${found}}`)
    }
    const control = ESCAPED_CONTROLS[character]
    if (control !== undefined) return control
    if (character === 'N') throw new Unsupported('a character by its name')
    if (/[A-Za-z0-9]/.test(character)) throw new PythonError('error', `bad escape \\${character}`)
    return literal(character)
  }

  #class(): string {
    const negated = this.#source.charAt(this.#position) === '^'
    if (negated) this.#position++
    let out = ''
    for (let first = true; ; first = false) {
      const character = this.#take()
      if (character === '') throw new PythonError('error', 'unterminated character set')
      if (character === ']' && !first) return `[${negated ? '^' : ''}${out}]`
      const low = this.#member(character)
      const isRange = this.#source.charAt(this.#position) === '-' && !/^-\]/.test(this.#rest())
      if (!isRange || this.#position + 1 >= this.#source.length) {
        out += low
        continue
      }
      this.#position++
      const high = this.#member(this.#take())
      if (low.startsWith('[') || high.startsWith('[')) throw new PythonError('error', 'bad character range')
      out += `${low}-${high}`
    }
  }

  #member(character: string): string {
    if (character !== '\\') return literal(character)
    const escaped = this.#take()
    switch (escaped) {
      case 'd':
      case 'w':
      case 's':
        return `[${CLASSES[escaped]}]`
      case 'D':
        return `[^${CLASSES.d}]`
      case 'W':
        return `[^${CLASSES.w}]`
      case 'S':
        return `[^${CLASSES.s}]`
      case 'b':
        return '\\u{8}'
      default:
        return this.#coded(escaped)
    }
  }

  #skip(text: string, out: string): string {
    this.#position += text.length
    return out
  }

  #take(): string {
    const code = this.#source.codePointAt(this.#position)
    if (code === undefined) return ''
    const character = String.fromCodePoint(code)
    this.#position += character.length
    return character
  }

  #rest(): string {
    return this.#source.slice(this.#position)
  }
}

/** A character as itself, wherever it stands. */
function literal(character: string): string {
  return /[A-Za-z0-9 ]/.test(character) ? character : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
