/**
 * DER taken apart into a tree that can be put together wrongly. Values inside OCTET STRING and BIT STRING are part of
 * the tree. Independent of the reader under test.
 *
 * @module test/hostile/tlv
 */

/** One value. */
export interface Tlv {
  /** Identifier octets. */
  identifier: Uint8Array
  /** The length octets to write for a true length. */
  length: (actual: number) => Uint8Array
  /** The length that it had in the input; `undefined` for what is new. */
  readonly lengthBefore: number | undefined
  /** Content octets before the values inside: the unused bits of a BIT STRING. */
  prefix: Uint8Array
  /** Values inside; `undefined` where `content` says all. */
  children: Tlv[] | undefined
  content: Uint8Array
  /** Octets after the content: an end-of-contents mark. */
  suffix: Uint8Array
}

const NOTHING = new Uint8Array()

/** Length octets in their shortest form. */
export function shortestLength(actual: number): Uint8Array {
  if (actual < 0x80) return Uint8Array.of(actual)
  const octets: number[] = []
  for (let rest = actual; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

/** A new value that says what it contains. */
export function primitive(tag: number, content: Uint8Array): Tlv {
  return {
    identifier: Uint8Array.of(tag),
    length: shortestLength,
    lengthBefore: undefined,
    prefix: NOTHING,
    children: undefined,
    content,
    suffix: NOTHING,
  }
}

/** A new value with values inside. */
export function constructed(tag: number, children: readonly Tlv[]): Tlv {
  return { ...primitive(tag, NOTHING), children: [...children] }
}

/** Take well-formed DER apart: the values that stand one after another. `undefined` if it is none. */
export function parseTlvs(bytes: Uint8Array): Tlv[] | undefined {
  const values: Tlv[] = []
  let position = 0
  while (position < bytes.length) {
    const header = headerAt(bytes, position)
    if (header === undefined) return undefined
    const { tag, start, end } = header
    const content = bytes.subarray(start, end)
    const value: Tlv = { ...primitive(tag, content), lengthBefore: content.length }
    if ((tag & 0x20) !== 0) {
      value.children = parseTlvs(content)
      if (value.children === undefined) return undefined
    } else if (tag === 0x04 || tag === 0x03) {
      value.prefix = content.subarray(0, tag === 0x03 ? 1 : 0)
      value.children = parseInner(content.subarray(value.prefix.length))
    }
    values.push(value)
    position = end
  }
  return values
}

/** The one value that octets hold, where they look like one. */
function parseInner(bytes: Uint8Array): Tlv[] | undefined {
  if (bytes.length < 2 || !INNER_TAGS.has(bytes[0] ?? 0)) return undefined
  const values = parseTlvs(bytes)
  return values?.length === 1 ? values : undefined
}

const INNER_TAGS: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04, 0x0a, 0x18, 0x30, 0x31])

interface Header {
  readonly tag: number
  readonly start: number
  readonly end: number
}

function headerAt(bytes: Uint8Array, position: number): Header | undefined {
  const [tag = 0, first] = bytes.subarray(position, position + 2)
  if (first === undefined || (tag & 0x1f) === 0x1f) return undefined
  const octets = first < 0x80 ? 0 : first & 0x7f
  const start = position + 2 + octets
  if (first === 0x80 || octets > 4) return undefined
  const length = octets === 0 ? first : bytes.subarray(position + 2, start).reduce((sum, octet) => sum * 256 + octet, 0)
  return start + length > bytes.length ? undefined : { tag, start, end: start + length }
}

/**
 * Put values together.
 *
 * @param lengths - `'actual'`, or those that were there `'before'` something was changed inside.
 */
export function encodeTlvs(values: readonly Tlv[], lengths: 'actual' | 'before' = 'actual'): Uint8Array {
  const pieces: Uint8Array[] = []
  for (const value of values) {
    const content = value.children === undefined ? value.content : encodeTlvs(value.children, lengths)
    const own = value.children === undefined ? NOTHING : value.prefix
    const actual = own.length + content.length
    const stated = lengths === 'before' ? (value.lengthBefore ?? actual) : actual
    pieces.push(value.identifier, value.length(stated), own, content, value.suffix)
  }
  return new Uint8Array(Buffer.concat(pieces))
}

/** Where a value is. */
export interface Spot {
  readonly siblings: Tlv[]
  readonly index: number
  readonly value: Tlv
  readonly depth: number
}

/** Every value of a tree. */
export function spotsOf(siblings: Tlv[], depth = 0): Spot[] {
  return siblings.flatMap((value, index) => [
    { siblings, index, value, depth },
    ...(value.children === undefined ? [] : spotsOf(value.children, depth + 1)),
  ])
}

/** A tree of its own with the same values. */
export function copyOf(value: Tlv): Tlv {
  return { ...value, children: value.children?.map(copyOf) }
}

/**
 * Every value that octets seem to contain, outermost first, whatever is wrong with the rest: at most so many.
 */
export function elementsIn(bytes: Uint8Array, limit: number): readonly Uint8Array[] {
  const found: Uint8Array[] = []
  const open: Uint8Array[] = [bytes]
  for (let current = open.shift(); current !== undefined && found.length < limit; current = open.shift()) {
    let position = 0
    while (position < current.length && found.length < limit) {
      const header = headerAt(current, position)
      if (header === undefined) break
      const { tag, start, end } = header
      found.push(current.subarray(position, end))
      if ((tag & 0x20) !== 0 || tag === 0x04) open.push(current.subarray(start, end))
      else if (tag === 0x03) open.push(current.subarray(start + 1, end))
      position = end
    }
  }
  return found
}
