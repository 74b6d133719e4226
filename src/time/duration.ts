/**
 * Lengths of time as people write them.
 *
 * @module time/duration (floor 0)
 */
import { UsageError } from '../errors/index.js'

export const MINUTE = 60
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const UNITS: Readonly<Record<string, number>> = { s: 1, m: MINUTE, h: HOUR, d: DAY, y: 365 * DAY }
/** A hundred years: longer than any certificate here may live, and far from where dates overflow. */
const LONGEST = 100 * 365 * DAY

/**
 * Parse a duration such as `90s`, `5m`, `24h`, `30d` or `3y` (365 days each).
 *
 * One number and one unit; the number is a positive integer. A bare number is refused: nobody can see its unit.
 *
 * @returns Seconds, 1 to 100 years.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseDuration(text: string): number {
  const match = /^([1-9][0-9]{0,9})([smhdy])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined || Number(match[1]) * unit > LONGEST) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a duration: ${JSON.stringify(text)}`, {
      hint: 'write a whole number and a unit: 90s, 5m, 24h, 30d, 3y',
    })
  }
  return Number(match[1]) * unit
}

/** The duration in its largest exact unit: `86400` is `1d`. */
export function formatDuration(seconds: number): string {
  for (const [unit, size] of [
    ['d', DAY],
    ['h', HOUR],
    ['m', MINUTE],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${seconds}s`
}
