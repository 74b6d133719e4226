/**
 * Time is an input (RFC 5280 §6.1.1 (b)): everything that needs it takes a `Date` or a `Clock`.
 *
 * @module time/clock (floor 0)
 */
import { StoreError } from '../errors/index.js'

/** Says what time it is. The command line hands in the wall clock, tests a fixed one. */
export interface Clock {
  now(): Date
}

/** No clock can rightly be before the day on which this code was written. */
const EARLIEST_CREDIBLE = new Date('2026-11-01T00:00:00Z')
/** RFC 5280 §4.1.2.5: GeneralizedTime ends with the year 9999. */
const LATEST_CREDIBLE = new Date('9999-12-31T23:59:59Z')

/**
 * Read a clock and refuse a time that cannot be true: `NaN`, 1970 after a dead battery, a time past the calendar.
 *
 * Does not notice a clock that is wrong by less.
 *
 * @returns The time, cut to whole seconds: certificates, CRLs and signingTime have no finer unit.
 * @throws {@link StoreError} `ERR_CLOCK_SUSPECT`
 */
export function readClock(clock: Clock): Date {
  const now = clock.now()
  if (!(now >= EARLIEST_CREDIBLE && now <= LATEST_CREDIBLE)) {
    throw new StoreError('ERR_CLOCK_SUSPECT', 'the clock of this machine cannot be right', {
      details: { clock: instantText(now) },
      hint: 'set the clock of this machine, then try again',
    })
  }
  return wholeSeconds(now)
}

/** The same instant without its fraction of a second. */
export function wholeSeconds(instant: Date): Date {
  return new Date(Math.floor(instant.getTime() / 1000) * 1000)
}

/** The instant so many seconds later; earlier when negative. */
export function addSeconds(instant: Date, seconds: number): Date {
  return new Date(instant.getTime() + seconds * 1000)
}

/** An instant as text, also one that is none, for the details of an error. */
export function instantText(instant: Date): string {
  return Number.isNaN(instant.getTime()) ? 'not a time' : instant.toISOString()
}
