/**
 * The right sides of oslo.policy's checks: Python's `text % target`, with what it raises.
 *
 * @module oslo/template (floor 5)
 */
import { LimitError } from '../errors/index.js'
import {
  asciiOf,
  isRecord,
  OsloFloat,
  OsloRaise,
  type OsloRecord,
  OsloUnsupported,
  type OsloValue,
  reprOf,
  strOf,
} from './value.js'

/** One conversion, such as `%(key)-8s`. */
export interface OsloField {
  /** `undefined` where there are no parentheses: the whole target. */
  readonly key: string | undefined
  readonly flags: string
  readonly width: string
  /** With its point. */
  readonly precision: string
  /** `undefined` where the text ends too early. */
  readonly conversion: string | undefined
}

/** Widest that a value is padded to, and longest that a filled template is. */
const MAX_WIDTH = 10_000
const MAX_CHARACTERS = 1_048_576

const REST = /([-+ #0]*)(\*|[0-9]*)((?:\.(?:\*|[0-9]*))?)[hlL]?([^]?)/uy

/** Take a template apart: text, and fields to be filled. Nothing is wrong yet; that shows when it is filled. */
export function splitTemplate(text: string): readonly (string | OsloField)[] {
  const parts: (string | OsloField)[] = []
  let position = 0
  for (;;) {
    const percent = text.indexOf('%', position)
    if (percent < 0) break
    if (percent > position) parts.push(text.slice(position, percent))
    position = percent + 1
    if (text.charAt(position) === '%') {
      parts.push('%')
      position++
      continue
    }
    const [key, start] = text.charAt(position) === '(' ? keyAt(text, position + 1) : [undefined, position]
    REST.lastIndex = start
    const [all = '', flags = '', width = '', precision = '', conversion = ''] = REST.exec(text) ?? []
    position = start + all.length
    parts.push({ key, flags, width, precision, conversion: conversion === '' ? undefined : conversion })
  }
  if (position < text.length) parts.push(text.slice(position))
  return parts
}

/** Up to the parenthesis that closes the first; one that never does is left to the filling. */
function keyAt(text: string, start: number): readonly [string | undefined, number] {
  let depth = 1
  for (let index = start; index < text.length; index++) {
    if (text.charAt(index) === '(') depth++
    else if (text.charAt(index) === ')' && --depth === 0) return [text.slice(start, index), index + 1]
  }
  return [undefined, text.length]
}

/**
 * Fill a template from a target, whose keys are flat: `%(a.b)s` is the one with the point in its name.
 *
 * @returns `undefined` where the target has not a key (Python's `KeyError`), which makes a check false.
 * @throws {@link OsloRaise} with the class that Python raises; {@link OsloUnsupported} for conversions of fractions, and widths
 * that are values, where Python always raises something;
 * {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function fillTemplate(text: string, target: OsloRecord): string | undefined {
  let out = ''
  // Without a key there is one value, the target, which is used up once.
  let isSpent = false
  for (const part of splitTemplate(text)) {
    if (typeof part === 'string') {
      out += part
      continue
    }
    const { key, conversion } = part
    const value = key === undefined ? target : Object.hasOwn(target, key) ? target[key] : undefined
    if (value === undefined) return undefined
    if (part.width === '*' || part.precision === '.*') throw new OsloUnsupported('a width or precision that is a value')
    if (Number(part.width) > Number.MAX_SAFE_INTEGER || Number(part.precision.slice(1)) > 0x7fffffff) {
      throw new OsloRaise('ValueError', 'a width or precision is too big')
    }
    if (conversion === undefined) throw new OsloRaise('ValueError', 'a conversion is not complete')
    if (key === undefined && isSpent) throw new OsloRaise('TypeError', 'not enough values for the conversions')
    isSpent = true
    out += converted(value, part, conversion)
    if (out.length > MAX_CHARACTERS) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a rule makes more than ${MAX_CHARACTERS} characters of a target`)
    }
  }
  return out
}

function converted(value: OsloValue, field: OsloField, conversion: string): string {
  const precision = field.precision === '' ? undefined : Number(field.precision.slice(1))
  if (Number(field.width) > MAX_WIDTH || (precision ?? 0) > MAX_WIDTH) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a rule pads to more than ${MAX_WIDTH} characters`)
  }
  const cut = (text: string): string => Array.from(text).slice(0, precision).join('')
  switch (conversion) {
    case 's':
      return padded('', cut(strOf(value)), field)
    case 'r':
      return padded('', cut(reprOf(value)), field)
    case 'a':
      return padded('', cut(asciiOf(value)), field)
    case 'c':
      return padded('', characterOf(value), field)
    case 'd':
    case 'i':
    case 'u':
      return integer(integerOf(value, 'allow-fraction'), field, precision, 10, '')
    case 'o':
      return integer(integerOf(value), field, precision, 8, '0o')
    case 'x':
      return integer(integerOf(value), field, precision, 16, '0x')
    case 'X':
      return integer(integerOf(value), field, precision, 16, '0x').toUpperCase()
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      throw new OsloUnsupported(`a conversion of fractions: %${conversion}`)
    default:
      throw new OsloRaise('ValueError', `there is no conversion ${JSON.stringify(conversion)}`)
  }
}

function padded(before: string, text: string, { flags, width }: OsloField, padding?: 'zeros'): string {
  const missing = Math.max(0, Number(width) - before.length - Array.from(text).length)
  if (flags.includes('-')) return before + text + ' '.repeat(missing)
  return padding === 'zeros' ? before + '0'.repeat(missing) + text : ' '.repeat(missing) + before + text
}

function integer(
  value: bigint,
  field: OsloField,
  precision: number | undefined,
  base: 8 | 10 | 16,
  prefix: string,
): string {
  const digits = (value < 0n ? -value : value).toString(base).padStart(precision ?? 0, '0')
  const sign = value < 0n ? '-' : field.flags.includes('+') ? '+' : field.flags.includes(' ') ? ' ' : ''
  const before = sign + (field.flags.includes('#') ? prefix : '')
  return padded(before, digits, field, field.flags.includes('0') ? 'zeros' : undefined)
}

/** What Python takes for a number; a fraction is cut off where that is allowed. */
function integerOf(value: OsloValue, fraction: 'allow-fraction' | 'refuse' = 'refuse'): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  const float = value instanceof OsloFloat ? value.value : value
  if (typeof float !== 'number' || fraction !== 'allow-fraction') throw new OsloRaise('TypeError', 'no integer')
  if (Number.isNaN(float)) throw new OsloRaise('ValueError', 'not a number')
  if (!Number.isFinite(float)) throw new OsloRaise('OverflowError', 'infinity')
  return BigInt(Math.trunc(float))
}

function characterOf(value: OsloValue): string {
  if (typeof value === 'string' && Array.from(value).length === 1) return value
  const isInteger = typeof value === 'number' ? Number.isInteger(value) : !isRecord(value)
  if (typeof value === 'string' || !isInteger) throw new OsloRaise('TypeError', 'no character')
  const code = integerOf(value)
  if (code < 0n || code > 0x10ffffn) throw new OsloRaise('OverflowError', 'no character has this number')
  return String.fromCodePoint(Number(code))
}
