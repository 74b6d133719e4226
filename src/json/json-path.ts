/**
 * Paths into JSON: keys joined by dots, a key with a dot in it in quotation marks.
 *
 * @module json/json-path (floor 0.1)
 */
import { UsageError } from '../errors/index.js'
import type { JsonValue } from './strict-json.js'

/** Keys from the outermost on. */
export type JsonPath = readonly string[]

/** A key that needs no quotation marks, as nearly all: it is tried first, because it is compiled at once. */
const PLAIN_KEY = /([A-Za-z0-9_-]+)(\.|$)/y
const MAX_PATH_LENGTH = 1024

/**
 * Parse a path: `args.host_name`, `args.migration."nova_object.data".dest_compute`.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseJsonPath(text: string): JsonPath {
  const keys: string[] = []
  let position = 0
  let isOpen = text.length <= MAX_PATH_LENGTH
  while (isOpen) {
    PLAIN_KEY.lastIndex = position
    const match = PLAIN_KEY.exec(text) ?? quotedKey(text, position)
    if (match === null) break
    keys.push(match[1] ?? '')
    position += match[0].length
    isOpen = match[2] === '.'
    if (!isOpen) return keys
  }
  throw new UsageError('ERR_CONFIG_INVALID', `not the path of a field: ${JSON.stringify(text.slice(0, 100))}`, {
    hint: 'write keys joined by dots: args.host_name; a key with a dot in quotation marks: args."a.b".c',
  })
}

/** What would move a cursor, or be no XML, is in no key that anybody means. */
function quotedKey(text: string, position: number): RegExpExecArray | null {
  const pattern = /"([^"\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,255})"(\.|$)/uy
  pattern.lastIndex = position
  return pattern.exec(text)
}

/** The one form of a path. */
export function formatJsonPath(path: JsonPath): string {
  return path.map((key) => (/^[A-Za-z0-9_-]+$/.test(key) ? key : `"${key}"`)).join('.')
}

/** The value at a path of own keys; `undefined` where there is none. */
export function jsonAt(value: JsonValue, path: JsonPath): JsonValue | undefined {
  let current: JsonValue | undefined = value
  for (const key of path) {
    if (typeof current !== 'object' || current === null || Array.isArray(current) || !Object.hasOwn(current, key))
      return undefined
    current = (current as { readonly [key: string]: JsonValue })[key]
  }
  return current
}
