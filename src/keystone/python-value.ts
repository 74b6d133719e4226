/**
 * Values of Python as Keystone's mapping engine meets them, and how Python prints them.
 *
 * @module keystone/python-value (floor 5.1)
 */

/** What a literal in a mapping can be. `undefined` never; None is `null`. */
export type PythonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly PythonValue[]
  | { readonly kind: 'tuple' | 'set'; readonly items: readonly PythonValue[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [PythonValue, PythonValue])[] }

/** Something that Python would have raised, by the name of its class. Keystone lets some of these through as HTTP 500. */
export class PythonError extends Error {
  readonly kind: string

  constructor(kind: string, message: string) {
    super(message)
    this.name = 'PythonError'
    this.kind = kind
  }
}

/** Whether Python's sets and dictionaries take a value. */
export function isHashable(value: PythonValue): boolean {
  if (typeof value !== 'object' || value === null) return true
  return 'items' in value && value.kind === 'tuple' && value.items.every(isHashable)
}

/** Something of Python that JavaScript cannot say; what it would yield is not known here. */
export class Unsupported extends Error {}

/** `repr(value)` of a string or a list of such, as `str.format` prints a list. */
export function repr(value: string | readonly string[]): string {
  return typeof value === 'string' ? reprText(value) : `[${value.map(reprText).join(', ')}]`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Single quotes, unless there are some inside and no double ones. */
function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let body = ''
  for (const character of text) {
    if (character === quote) body += `\\${character}`
    else body += ESCAPES[character] ?? (isPrintable(character) ? character : escaped(character))
  }
  return `${quote}${body}${quote}`
}

/** What Python counts in a text. */
export function codePoints(text: string): readonly string[] {
  return Array.from(text)
}

/** As `repr`, with everything outside of ASCII escaped. */
export function ascii(value: string | readonly string[]): string {
  return codePoints(repr(value))
    .map((character) => (character > '\x7f' ? escaped(character) : character))
    .join('')
}

/** Python's `str.isprintable`: no other than the space of the categories Other and Separator. */
function isPrintable(character: string): boolean {
  return character === ' ' || !/[\p{C}\p{Z}]/u.test(character)
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hexadecimal = (digits: number): string => code.toString(16).padStart(digits, '0')
  if (code < 0x100) return `\\x${hexadecimal(2)}`
  return code < 0x10000 ? `\\u${hexadecimal(4)}` : `\\U${hexadecimal(8)}`
}
