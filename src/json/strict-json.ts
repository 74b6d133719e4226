/**
 * Strict JSON (RFC 8259, I-JSON of RFC 7493): no key twice in an object, no byte order mark, bounded depth.
 *
 * Two readers of one text with a key given twice may see two different values; such a text is refused.
 *
 * @module json/strict-json (floor 0)
 */
import { EncodingError } from '../errors/index.js'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

const MAX_JSON_DEPTH = 64

/**
 * Parse a JSON text.
 *
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED`
 */
export function parseStrictJson(text: string): JsonValue {
  checkKeysAndDepth(text)
  try {
    return JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new EncodingError('ERR_JSON_MALFORMED', `not JSON: ${(cause as Error).message.replace(/\s+/g, ' ')}`, {
      cause,
    })
  }
}

/**
 * Require an object with exactly these keys, of which those that end in `?` may be absent.
 *
 * @param what - Names the object in the error.
 * @throws {@link EncodingError} `ERR_JSON_MALFORMED` for a missing or an unknown key
 */
export function requireKeys(value: unknown, keys: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EncodingError('ERR_JSON_MALFORMED', `${what} is not an object`)
  }
  const known = new Set(keys.map((key) => key.replace('?', '')))
  const unknown = Object.keys(value).find((key) => !known.has(key))
  if (unknown !== undefined)
    throw new EncodingError('ERR_JSON_MALFORMED', `${what} has an unknown key ${JSON.stringify(unknown)}`)
  const missing = keys.find((key) => !key.endsWith('?') && !Object.hasOwn(value, key))
  if (missing !== undefined)
    throw new EncodingError('ERR_JSON_MALFORMED', `${what} has no key ${JSON.stringify(missing)}`)
  return value as Record<string, unknown>
}

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [BRACKET, BRACKET_END, BRACE, BRACE_END] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Walk the tokens once: each object's keys, decoded, must differ. What is not JSON is left to JSON.parse. */
function checkKeysAndDepth(text: string): void {
  /** Of the objects that are open, and `undefined` for arrays. */
  const open: (Set<string> | undefined)[] = []
  /** Of a string that is the last token; before the text where none is. */
  let start = -1
  let end = -1
  for (let index = 0; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) {
      start = index
      end = endOfString(text, index + 1)
      index = end - 1
    } else if (character === COLON) {
      if (start >= 0) addKey(open.at(-1), text.slice(start, end))
      start = -1
    } else if (character === BRACE || character === BRACKET) {
      open.push(character === BRACE ? new Set() : undefined)
      if (open.length > MAX_JSON_DEPTH) {
        throw new EncodingError('ERR_JSON_MALFORMED', `JSON is nested deeper than ${MAX_JSON_DEPTH}`)
      }
      start = -1
    } else if (character === BRACE_END || character === BRACKET_END) {
      open.pop()
      start = -1
    } else if (character === COMMA) {
      start = -1
    }
  }
}

function addKey(keys: Set<string> | undefined, token: string): void {
  const key = decodeKey(token)
  if (keys?.has(key) === true) {
    throw new EncodingError('ERR_JSON_MALFORMED', `a JSON object has the key ${JSON.stringify(key)} twice`)
  }
  keys?.add(key)
}

/** Where the string that begins here ends, its quotation mark included; the end of the text where it never does. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0
    while (quote - escapes > start && text.charCodeAt(quote - escapes - 1) === BACKSLASH) escapes++
    // An even number of them only escape each other.
    if (escapes % 2 === 0) return quote + 1
  }
  return text.length
}

/** Keys are compared as decoded: `"a"` and `"\u0061"` are one key. */
function decodeKey(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  try {
    return JSON.parse(token) as string
  } catch {
    return token
  }
}
