import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DAY, formatDuration, HOUR, MINUTE, parseDuration } from '../../src/time/index.js'
import { expectCode } from '../support/expect-code.js'

describe('parseDuration', () => {
  it.each([
    ['90s', 90],
    ['5m', 5 * MINUTE],
    ['24h', 24 * HOUR],
    ['30d', 30 * DAY],
    ['3y', 3 * 365 * DAY],
    ['100y', 100 * 365 * DAY],
    ['3153600000s', 100 * 365 * DAY],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds)
  })

  it.each(
    [
      '',
      '5',
      'd',
      '0d',
      '-1d',
      '+1d',
      '1.5h',
      '1e3s',
      '05m',
      ' 5m',
      '5m ',
      '5 m',
      '5M',
      '1h30m',
      '101y',
      '3153600001s',
    ].concat(['9999999999y', '99999999999s', '٥m', '5m\n', 'constructor', '1constructor']),
  )('refuses %j', (text) => {
    expectCode('ERR_CONFIG_INVALID', () => parseDuration(text))
  })
})

describe('formatDuration', () => {
  it.each([
    [1, '1s'],
    [60, '1m'],
    [90, '90s'],
    [3600, '1h'],
    [5400, '90m'],
    [86_400, '1d'],
    [365 * DAY, '365d'],
  ])('writes %i seconds as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text)
  })

  it('writes what parseDuration reads back as the same length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 * 365 * DAY }), (seconds) => {
        expect(parseDuration(formatDuration(seconds))).toBe(seconds)
      }),
    )
  })
})
