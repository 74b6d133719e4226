/**
 * Reading JSON objects of known members.
 *
 * @module sharedkey/fields (floor 7.1)
 */
import { isSignetError } from '../errors/index.js'
import { decodeUtf8 } from '../files/index.js'
import { parseStrictJson, requireKeys } from '../json/index.js'
import { fromBase64, malformed } from './primitives.js'

export type Fields = Readonly<Record<string, unknown>>

/**
 * Read a JSON text that is an object with exactly these members.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function parseFields(text: string, keys: readonly string[], what: string): Fields {
  return guarded(what, () => requireKeys(parseStrictJson(text), keys, what))
}

/** As {@link parseFields}, for octets. */
export function decodeFields(bytes: Uint8Array, keys: readonly string[], what: string): Fields {
  return parseFields(
    guarded(what, () => decodeUtf8(bytes, what)),
    keys,
    what,
  )
}

/** As {@link parseFields}, for base64 of a JSON text. */
export function parseEncodedFields(text: string, keys: readonly string[], what: string): Fields {
  return decodeFields(fromBase64(text, what), keys, what)
}

/** An object that was parsed elsewhere. */
export function requireFields(value: unknown, keys: readonly string[], what: string): Fields {
  return guarded(what, () => requireKeys(value, keys, what))
}

export function textField(fields: Fields, key: string, what: string): string {
  const value = fields[key]
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw malformed(`${what} has no text ${key}`)
  return value
}

/** Longer than any ticket. */
const MAX_TEXT = 16 * 1024

function guarded<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding' && error.code !== 'ERR_SHAREDKEY_MALFORMED') {
      throw malformed(`${what} is malformed: ${error.message}`, error)
    }
    throw error
  }
}
