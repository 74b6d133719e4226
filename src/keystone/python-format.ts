/**
 * Python's `str.format` with positions alone, as Keystone renders what a rule yields: numbering, elements, attributes,
 * conversions, format specifications and what each raises.
 *
 * @module keystone/python-format (floor 5.1)
 */
import { ascii, codePoints, PythonError, repr, Unsupported } from './python-value.js'

/** A position of a rule: one value as text, none or several as a list. */
export type Position = string | readonly string[]

/** Parts of a format string: text, or a field to be filled. */
export interface Field {
  /** What comes before `.` or `[`: digits, or nothing for the next position, or else a name. */
  readonly name: string
  readonly accessors: readonly Accessor[]
  readonly conversion: string | undefined
  readonly spec: string
}

type Accessor = { readonly kind: 'attribute' | 'element'; readonly name: string }

/** A type of Python, where an attribute led to one. */
interface PythonType {
  readonly type: string
}

type Held = Position | PythonType

/** How deep fields may stand in format specifications: Python allows one level. */
const MAX_DEPTH = 2

/**
 * Render a format string.
 *
 * @throws {@link PythonError} with the class that Python raises
 * @throws {@link Unsupported} for attributes that print as nothing that can be known
 */
export function format(text: string, positions: readonly Position[]): string {
  return render(text, positions, new Numbering(), MAX_DEPTH)
}

/** Fields are numbered by hand or automatically, never both. */
class Numbering {
  #mode: 'automatic' | 'manual' | undefined
  #next = 0

  indexOf(name: string): number | undefined {
    if (name !== '' && !/^[0-9]+$/.test(name)) return undefined
    const mode = name === '' ? 'automatic' : 'manual'
    if (this.#mode !== undefined && this.#mode !== mode) {
      throw new PythonError('ValueError', 'cannot switch between automatic and manual field numbering')
    }
    this.#mode = mode
    return name === '' ? this.#next++ : Number(name)
  }
}

function render(text: string, positions: readonly Position[], numbering: Numbering, depth: number): string {
  if (depth === 0) throw new PythonError('ValueError', 'Max string recursion exceeded')
  let out = ''
  for (const part of splitFormat(text)) {
    if (typeof part === 'string') {
      out += part
      continue
    }
    const value = converted(valueOf(part, positions, numbering), part.conversion)
    const spec = part.spec === '' ? '' : render(part.spec, positions, numbering, depth - 1)
    out += formatted(value, spec)
  }
  return out
}

/**
 * Take a format string apart.
 *
 * @throws {@link PythonError} `ValueError` for single braces
 */
export function splitFormat(text: string): readonly (string | Field)[] {
  const parts: (string | Field)[] = []
  let plain = ''
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '{' && text.charAt(index + 1) !== '{') {
      const end = fieldEnd(text, index + 1)
      if (plain !== '') parts.push(plain)
      plain = ''
      parts.push(parseField(text.slice(index + 1, end)))
      index = end
    } else if (character === '{' || character === '}') {
      if (text.charAt(index + 1) !== character) {
        throw new PythonError('ValueError', `Single '${character}' encountered in format string`)
      }
      plain += character
      index++
    } else plain += character
  }
  if (plain !== '') parts.push(plain)
  return parts
}

/** The brace that closes a field; braces inside nest, but not within an element's brackets. */
function fieldEnd(text: string, start: number): number {
  if (start === text.length) throw new PythonError('ValueError', "Single '{' encountered in format string")
  let depth = 1
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === '{') depth++
    else if (character === '}' && --depth === 0) return index
    else if (character === '[' && depth === 1 && !text.slice(start, index).includes(':')) {
      const close = text.indexOf(']', index)
      if (close < 0) throw new PythonError('ValueError', "expected '}' before end of string")
      index = close
    }
  }
  throw new PythonError('ValueError', "expected '}' before end of string")
}

function parseField(body: string): Field {
  // A conversion or specification begins at the first `!` or `:` outside of brackets.
  let end = 0
  while (end < body.length && body.charAt(end) !== ':' && body.charAt(end) !== '!') {
    if (body.charAt(end) === '[') {
      const close = body.indexOf(']', end)
      end = close < 0 ? body.length : close
    } else if (body.charAt(end) === '{') throw new PythonError('ValueError', "unexpected '{' in field name")
    end++
  }
  const path = body.slice(0, end)
  let rest = body.slice(end)
  let conversion: string | undefined
  if (rest.startsWith('!')) {
    conversion = rest.charAt(1)
    if (conversion === '' || conversion === ':') {
      throw new PythonError('ValueError', 'end of string while looking for conversion specifier')
    }
    rest = rest.slice(2)
    if (rest !== '' && !rest.startsWith(':')) {
      throw new PythonError('ValueError', "expected ':' after conversion specifier")
    }
  }
  const [name, accessors] = parsePath(path)
  return { name, accessors, conversion, spec: rest.slice(1) }
}

function parsePath(path: string): [string, readonly Accessor[]] {
  const start = path.search(/[.[]/)
  if (start < 0) return [path, []]
  const accessors: Accessor[] = []
  let rest = path.slice(start)
  while (rest !== '') {
    const isElement = rest.startsWith('[')
    if (isElement) {
      const close = rest.indexOf(']')
      if (close < 0) throw new PythonError('ValueError', "Missing ']' in format string")
      accessors.push({ kind: 'element', name: rest.slice(1, close) })
      rest = rest.slice(close + 1)
    } else if (rest.startsWith('.')) {
      const end = rest.slice(1).search(/[.[]/)
      const name = end < 0 ? rest.slice(1) : rest.slice(1, end + 1)
      accessors.push({ kind: 'attribute', name })
      rest = rest.slice(name.length + 1)
    } else throw new PythonError('ValueError', "Only '.' or '[' may follow ']' in format field specifier")
    if (accessors.at(-1)?.name === '') throw new PythonError('ValueError', 'Empty attribute in format string')
  }
  return [path.slice(0, start), accessors]
}

function valueOf(field: Field, positions: readonly Position[], numbering: Numbering): Held {
  const index = numbering.indexOf(field.name)
  if (index === undefined) throw new PythonError('KeyError', field.name)
  const value = positions[index]
  if (value === undefined) throw new PythonError('IndexError', `Replacement index ${index} out of range`)
  return field.accessors.reduce<Held>(access, value)
}

function access(value: Held, { kind, name }: Accessor): Held {
  return kind === 'element' ? elementOf(value, name) : attributeOf(value, name)
}

function elementOf(value: Held, name: string): Held {
  if (isType(value)) throw new PythonError('TypeError', `'${value.type}' object is not subscriptable`)
  // Only digits are a number here: `-1` is a key, which neither a list nor a text has.
  if (!/^[0-9]+$/.test(name)) throw new PythonError('TypeError', 'indices must be integers')
  const found = typeof value === 'string' ? codePoints(value)[Number(name)] : value[Number(name)]
  if (found === undefined) throw new PythonError('IndexError', 'index out of range')
  return found
}

/** Of texts, lists and types. */
const METHODS: ReadonlySet<string> = new Set(
  `append capitalize casefold center clear copy count encode endswith expandtabs extend find format format_map index
  insert isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper
  join ljust lower lstrip maketrans mro partition pop remove removeprefix removesuffix replace reverse rfind rindex rjust
  rpartition rsplit rstrip sort split splitlines startswith strip swapcase title translate upper zfill`.split(/\s+/),
)

function attributeOf(value: Held, name: string): Held {
  if (name === '__class__') return { type: isType(value) ? 'type' : typeof value === 'string' ? 'str' : 'list' }
  if (isType(value) && (name === '__name__' || name === '__qualname__')) return value.type
  if (isType(value) && name === '__module__') return 'builtins'
  // Methods print as addresses in memory.
  if (/^__\w+__$/.test(name) || METHODS.has(name)) throw new Unsupported(`the attribute ${name}`)
  throw new PythonError('AttributeError', `no attribute '${name}'`)
}

function isType(value: Held): value is PythonType {
  return typeof value === 'object' && 'type' in value
}

function converted(value: Held, conversion: string | undefined): Held {
  if (conversion === undefined) return value
  if (conversion === 's') return text(value)
  if (conversion !== 'r' && conversion !== 'a') {
    throw new PythonError('ValueError', `Unknown conversion specifier '${conversion}'`)
  }
  if (isType(value)) return text(value)
  return conversion === 'r' ? repr(value) : ascii(value)
}

/** `str(value)`. */
function text(value: Held): string {
  if (isType(value)) return `<class '${value.type}'>`
  return typeof value === 'string' ? value : repr(value)
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(z)?(#)?(0)?([0-9]+)?([,_])?(?:\.([0-9]+))?(.)?$/su

/** Python's `format(value, spec)`: a list takes no specification, a text only some of it. */
function formatted(value: Held, spec: string): string {
  if (spec === '') return text(value)
  if (typeof value !== 'string') {
    throw new PythonError('TypeError', 'unsupported format string passed to object.__format__')
  }
  const found = SPEC.exec(spec)
  if (found === null) throw new PythonError('ValueError', 'Invalid format specifier')
  const [, fill, align, sign, z, alternate, zero, width, grouping, precision, type] = found
  const unfit = sign ?? z ?? alternate ?? grouping
  if (unfit !== undefined) throw new PythonError('ValueError', `'${unfit}' not allowed with 's'`)
  if (align === '=') throw new PythonError('ValueError', "'=' alignment not allowed in string format specifier")
  if (type !== undefined && type !== 's') throw new PythonError('ValueError', `Unknown format code '${type}'`)
  const characters = codePoints(value).slice(0, precision === undefined ? undefined : Number(precision))
  const missing = Math.max(0, Number(width ?? 0) - characters.length)
  const padding = fill ?? (zero === undefined ? ' ' : '0')
  const before = align === '>' ? missing : align === '^' ? Math.floor(missing / 2) : 0
  return padding.repeat(before) + characters.join('') + padding.repeat(missing - before)
}
