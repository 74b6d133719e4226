import { describe, expect, it } from 'vitest'
import { addSeconds, readClock, wholeSeconds } from '../../src/time/index.js'
import { expectCode } from '../support/expect-code.js'

const clockAt = (time: string | number): { now: () => Date } => ({ now: () => new Date(time) })

describe('readClock', () => {
  it.each([
    ['the first credible instant', '2026-11-01T00:00:00Z', '2026-11-01T00:00:00.000Z'],
    ['the last credible instant', '9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
    ['a time with milliseconds, which are cut', '2027-01-01T00:00:00.999Z', '2027-01-01T00:00:00.000Z'],
  ])('passes %s', (_, time, read) => {
    expect(readClock(clockAt(time)).toISOString()).toBe(read)
  })

  it.each([
    ['1970, after a dead battery', 0],
    ['the second before the first credible instant', '2026-10-31T23:59:59Z'],
    ['the year 10000', '+010000-01-01T00:00:00Z'],
    ['the last instant of the calendar', 8.64e15],
    ['what is not a time', Number.NaN],
    ['a time before the year 0', '-000001-01-01T00:00:00Z'],
  ])('refuses %s', (_, time) => {
    const error = expectCode('ERR_CLOCK_SUSPECT', () => readClock(clockAt(time)))
    expect(error.details['clock']).toBeTypeOf('string')
  })
})

describe('wholeSeconds', () => {
  it('rounds down, before 1970 too', () => {
    expect(wholeSeconds(new Date(1999)).getTime()).toBe(1000)
    expect(wholeSeconds(new Date(-1)).getTime()).toBe(-1000)
  })
})

describe('addSeconds', () => {
  it('goes forth and back', () => {
    const start = new Date('2027-01-01T00:00:00Z')
    expect(addSeconds(start, 86_400).toISOString()).toBe('2027-01-02T00:00:00.000Z')
    expect(addSeconds(start, -1).toISOString()).toBe('2026-12-31T23:59:59.000Z')
    expect(start.toISOString()).toBe('2027-01-01T00:00:00.000Z')
  })
})
