/**
 * Names of shared keys, `name:generation`, and the times beside them.
 *
 * @module sharedkey/names (floor 7.1)
 */
import { UsageError } from '../errors/index.js'
import { malformed } from './primitives.js'

/** A name with the generation of its key. */
export interface KeyName {
  readonly name: string
  readonly generation: number
}

/** No comma, colon or space: names are joined by the first two, and a joined pair must not read as another pair. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/
const KEY_NAME = /^([^:]+):(0|[1-9][0-9]{0,8})$/

/** Whether a name may have a key. */
export function isName(text: string | undefined): text is string {
  return text !== undefined && NAME.test(text)
}

/**
 * Require a name that somebody configured.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function requireName(text: string): void {
  if (!NAME.test(text)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not the name of a shared key: ${JSON.stringify(text.slice(0, 60))}`, {
      hint: 'letters, digits and . _ @ / - only: a comma or a colon would let two pairs of names be taken for each other',
    })
  }
}

/**
 * Read `name:generation`.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function parseKeyName(text: string): KeyName {
  const [, name, generation] = KEY_NAME.exec(text) ?? []
  if (!isName(name) || generation === undefined) {
    throw malformed(`not a name and a generation: ${JSON.stringify(text.slice(0, 60))}`)
  }
  return { name, generation: Number(generation) }
}

export function formatKeyName({ name, generation }: KeyName): string {
  return `${name}:${generation}`
}

/** Membership of a group follows from the name alone: who may register `group.x` is a member. */
export function isMember(name: string, group: string): boolean {
  return name.startsWith(`${group}.`)
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/

/** An instant as Kite writes it: UTC without saying so, microseconds. */
export function formatTimestamp(instant: Date): string {
  return instant.toISOString().replace('Z', '000')
}

/**
 * Read an instant. Microseconds are cut to milliseconds: where the text matters, the text is used.
 *
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function parseTimestamp(text: string): Date {
  const seconds = text.slice(0, 19)
  const instant = new Date(`${seconds}${text.slice(19, 23)}Z`)
  if (!TIMESTAMP.test(text) || Number.isNaN(instant.getTime()) || !instant.toISOString().startsWith(seconds)) {
    throw malformed(`not a time: ${JSON.stringify(text.slice(0, 40))}`)
  }
  return instant
}

/**
 * A number as Python 2 turned it into text: twelve significant digits. Kite's first generation put that into a key
 * derivation, so that two sides with other ideas of a float have other keys.
 *
 * @param value - Seconds since 1970; no exponent is needed up to the year 5138.
 * @throws {@link EncodingError} `ERR_SHAREDKEY_MALFORMED`
 */
export function pythonFloatText(value: number): string {
  if (!(value >= 1 && value < 1e11)) throw malformed('a time is not in seconds since 1970')
  const text = String(Number(value.toPrecision(12)))
  return text.includes('.') ? text : `${text}.0`
}
