/**
 * Credentials and targets as oslo.policy compares them: by the text that Python's `str` makes of them.
 *
 * @module oslo/value (floor 5)
 */

/** A value of a credential or target, as JSON has it. A number without a fraction is an `int` of Python. */
export type OsloValue =
  string | number | bigint | boolean | null | OsloFloat | readonly OsloValue[] | { readonly [key: string]: OsloValue }

export type OsloRecord = Readonly<Record<string, OsloValue>>

/** A `float` of Python, where a number alone would be taken for an `int`: JSON's `1.0`, which is `1.0` as text. */
export class OsloFloat {
  readonly #value: number

  constructor(value: number) {
    this.#value = value
  }

  get value(): number {
    return this.#value
  }
}

/** What Python raises where oslo.policy does not catch it, by the name of its class. */
export class OsloRaise extends Error {
  readonly kind: string

  constructor(kind: string, message: string) {
    super(message)
    this.name = 'OsloRaise'
    this.kind = kind
  }
}

/** Something that only Python can decide. */
export class OsloUnsupported extends Error {}

/** `str(value)`. */
export function strOf(value: OsloValue): string {
  return typeof value === 'string' ? value : reprOf(value)
}

/** `repr(value)`. */
export function reprOf(value: OsloValue): string {
  if (value === null) return 'None'
  if (typeof value === 'string') return reprOfText(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return Number.isInteger(value) ? String(BigInt(value)) : reprOfFloat(value)
  if (typeof value === 'bigint') return String(value)
  if (value instanceof OsloFloat) return reprOfFloat(value.value)
  if (isList(value)) return `[${value.map(reprOf).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${reprOfText(key)}: ${reprOf(item)}`)
    .join(', ')}}`
}

/** `ascii(value)`: as {@link reprOf}, with everything outside of ASCII escaped. */
export function asciiOf(value: OsloValue): string {
  return Array.from(reprOf(value), (character) => (character > '\x7f' ? escaped(character) : character)).join('')
}

export function isList(value: OsloValue): value is readonly OsloValue[] {
  return Array.isArray(value)
}

/** Whether a value is a dictionary. */
export function isRecord(value: OsloValue): value is OsloRecord {
  return typeof value === 'object' && value !== null && !isList(value) && !(value instanceof OsloFloat)
}

/** Whether Python takes a value for true. */
export function isTruthy(value: OsloValue): boolean {
  if (value instanceof OsloFloat) return value.value !== 0
  if (typeof value !== 'object') return Boolean(value)
  return value !== null && Object.keys(value).length > 0
}

/** The shortest digits that read back as the same number, as in JavaScript, but an exponent begins elsewhere. */
export function reprOfFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', exponent = ''] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  const sign = value < 0 ? '-' : ''
  const digits = mantissa.replace(/[-.]/g, '')
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`
  return `${sign}${digits.slice(0, power + 1).padEnd(power + 1, '0')}.${digits.slice(power + 1) || '0'}`
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Single quotes, unless there are some inside and no double ones. */
export function reprOfText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = Array.from(text, (character) => {
    if (character === quote) return `\\${character}`
    // Printable is what is neither of the category Other nor, but for the space, of Separator.
    const isPrintable = character === ' ' || !/[\p{C}\p{Z}]/u.test(character)
    return ESCAPES[character] ?? (isPrintable ? character : escaped(character))
  })
  return `${quote}${body.join('')}${quote}`
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hexadecimal = (digits: number): string => code.toString(16).padStart(digits, '0')
  if (code < 0x100) return `\\x${hexadecimal(2)}`
  return code < 0x10000 ? `\\u${hexadecimal(4)}` : `\\U${hexadecimal(8)}`
}
