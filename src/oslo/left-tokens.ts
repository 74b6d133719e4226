/**
 * The words of Python's expressions, as far as the left side of a check can have them.
 *
 * @module oslo/left-tokens (floor 5)
 */
import { OsloRaise, OsloUnsupported, reprOfFloat, reprOfText } from './value.js'

export type Token =
  /** An operator, a bracket, or a keyword that is one. */
  | { readonly is: 'sign'; readonly text: string }
  | { readonly is: 'name'; readonly text: string }
  /** As Python prints it. */
  | { readonly is: 'number'; readonly text: string }
  /** True, False, None. */
  | { readonly is: 'constant'; readonly text: string }
  | { readonly is: 'string'; readonly text: string; readonly repr: string }

const CONSTANTS: ReadonlySet<string> = new Set(['True', 'False', 'None'])

const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
)

const SPACE = /[ \t\f]*/y
const NAME = /[_\p{XIDS}]\p{XIDC}*/uy
const STRING_START = /((?:[rR][bBfF]?|[bBfF][rR]?|[uU])?)('''|"""|'|")/y
const SIGN = /\*\*|\/\/|<<|>>|==|!=|<=|>=|->|<>|\.\.\.|[-+*/%@&|^~<>()[\]{},.=]/y
const NUMBER =
  /0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?|[0-9](?:_?[0-9])*\.?(?:[eE][-+]?[0-9](?:_?[0-9])*)?/y

/** More digits than Python prints. */
const MAX_DIGITS = 4000

/**
 * Take an expression apart.
 *
 * @throws {@link OsloRaise} `SyntaxError` for what no expression has, {@link OsloUnsupported}
 */
export function tokensOf(text: string): readonly Token[] {
  if (/[\0\r\n]|\p{Cs}/u.test(text)) throw new OsloUnsupported('several lines, or what is no text')
  const tokens: Token[] = []
  let position = 0
  const at = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    position += match?.[0].length ?? 0
    return match
  }
  for (;;) {
    at(SPACE)
    // A comment reaches to the end.
    if (position >= text.length || text.charAt(position) === '#') return tokens
    const opening = at(STRING_START)
    if (opening !== null) {
      const [, prefix = '', quote = ''] = opening
      const { value, end } = stringAt(text, position, quote, prefix.toLowerCase())
      position = end
      addString(tokens, value)
      continue
    }
    const number = at(NUMBER)?.[0]
    if (number !== undefined) {
      tokens.push({ is: 'number', text: printedNumber(number, text.slice(position, position + 4)) })
      continue
    }
    const name = at(NAME)?.[0]
    if (name !== undefined) {
      const is = CONSTANTS.has(name) ? 'constant' : KEYWORDS.has(name) ? 'sign' : 'name'
      tokens.push({ is, text: name })
      continue
    }
    const sign = at(SIGN)?.[0]
    if (sign === undefined) throw new OsloRaise('SyntaxError', 'the left side has a character that Python has not')
    if (sign === '...') throw new OsloUnsupported('an ellipsis')
    tokens.push({ is: 'sign', text: sign })
  }
}

/** Strings side by side are one. */
function addString(tokens: Token[], value: string): void {
  const before = tokens.at(-1)
  const text = before?.is === 'string' ? before.text + value : value
  if (before?.is === 'string') tokens.pop()
  tokens.push({ is: 'string', text, repr: reprOfText(text) })
}

/** A number as Python prints it, and what follows it in the text. */
function printedNumber(number: string, next: string): string {
  if (/^[jJ]/.test(next)) throw new OsloUnsupported('a complex number')
  if (/^(?:and|else|for|if|in|is|not|or)/.test(next)) throw new OsloUnsupported('a number that runs into a word')
  if (/^[\p{XIDC}_]/u.test(next)) throw new OsloRaise('SyntaxError', 'a number runs into a name')
  const digits = number.replaceAll('_', '')
  if (/^0[xob]/i.test(digits) || /^[0-9]+$/.test(digits)) {
    if (/^0+[1-9]/.test(digits)) throw new OsloRaise('SyntaxError', 'an integer begins with 0')
    if (digits.length > MAX_DIGITS) throw new OsloUnsupported('a number of many digits')
    return String(BigInt(digits))
  }
  return reprOfFloat(Number(digits))
}

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([^]))/uy
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
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

function stringAt(text: string, start: number, quote: string, prefix: string): { value: string; end: number } {
  if (/[bf]/.test(prefix)) throw new OsloUnsupported('bytes, or a string with fields')
  const parts: string[] = []
  for (let position = start; position < text.length;) {
    if (text.startsWith(quote, position)) return { value: parts.join(''), end: position + quote.length }
    if (text.charAt(position) !== '\\') {
      parts.push(text.charAt(position++))
      continue
    }
    if (prefix === 'r') {
      parts.push(text.slice(position, position + 2))
      position += 2
      continue
    }
    ESCAPE.lastIndex = position
    const [all, octal, x, u, U, character = ''] = ESCAPE.exec(text) ?? []
    if (all === undefined) break
    position += all.length
    parts.push(escapedCharacter(octal, x ?? u ?? U, character))
  }
  throw new OsloRaise('SyntaxError', 'a string does not end')
}

function escapedCharacter(octal: string | undefined, hexadecimal: string | undefined, character: string): string {
  if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8))
  if (hexadecimal !== undefined) {
    const code = Number.parseInt(hexadecimal, 16)
    if (code >= 0xd800 && code < 0xe000) throw new OsloUnsupported('half a character')
    if (code > 0x10ffff) throw new OsloRaise('SyntaxError', 'no character has this number')
    return String.fromCodePoint(code)
  }
  if (character === 'N') throw new OsloUnsupported('a character by its name')
  if (/^[xuU]$/.test(character)) throw new OsloRaise('SyntaxError', 'the number of a character is not complete')
  return SIMPLE_ESCAPES[character] ?? `\\${character}`
}
