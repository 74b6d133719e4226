/**
 * What many sizes come to. Each number is a size that was really seen: at most so many octets had half of the messages
 * (median), 95 of 100 (p95), all of them (max).
 *
 * @module compare/statistics (floor 7.2)
 */
import { InternalError } from '../errors/index.js'

export interface Statistics {
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

/** @param values - At least one. Quantiles are by nearest rank. */
export function statisticsOf(values: readonly number[]): Statistics {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
    if (value === undefined) throw new InternalError('ERR_INTERNAL', 'there is nothing to measure')
    return value
  }
  return { min: at(0), median: at(0.5), p95: at(0.95), max: at(1) }
}
