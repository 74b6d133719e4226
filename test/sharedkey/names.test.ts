import { describe, expect, it } from 'vitest'
import {
  formatKeyName,
  formatTimestamp,
  isMember,
  parseKeyName,
  parseTimestamp,
  pythonFloatText,
  requireName,
} from '../../src/sharedkey/names.js'
import { expectCode } from '../support/expect-code.js'

describe('names of keys', () => {
  it.each(['a:0', 'compute.compute-07:1', 'topic@host/x_y:999999999'])('%s is one', (text) => {
    expect(formatKeyName(parseKeyName(text))).toBe(text)
  })

  it.each(['', 'a', 'a:', ':1', 'a:01', 'a:-1', 'a:1:2', 'a,b:1', 'a b:1', 'a:1 ', 'ä:1', '.a:1', 'a:9999999999'])(
    '%j is none',
    (text) => {
      expectCode('ERR_SHAREDKEY_MALFORMED', () => parseKeyName(text))
    },
  )

  it.each(['a,b', 'a:b', 'a b', '', 'a\n', 'x'.repeat(129)])('refuses to configure %j', (name) => {
    expectCode('ERR_CONFIG_INVALID', () => {
      requireName(name)
    })
  })

  it('are members of a group by their beginning', () => {
    expect(isMember('compute.a', 'compute')).toBe(true)
    expect(isMember('compute', 'compute')).toBe(false)
    expect(isMember('computer.a', 'compute')).toBe(false)
  })
})

describe('timestamps', () => {
  it('are written with microseconds, and read with or without', () => {
    const instant = new Date('2027-01-01T00:00:00.250Z')
    expect(formatTimestamp(instant)).toBe('2027-01-01T00:00:00.250000')
    expect(parseTimestamp('2027-01-01T00:00:00.250999')).toEqual(instant)
    expect(parseTimestamp('2027-01-01T00:00:00')).toEqual(new Date('2027-01-01T00:00:00Z'))
  })

  it.each([
    '',
    '2027-01-01',
    '2027-02-30T00:00:00',
    '2027-01-01T24:00:00',
    '2027-01-01T00:00:60',
    '2027-01-01T00:00:00Z',
    '2027-01-01T00:00:00.25',
    '2027-01-01 00:00:00',
    '1798761600',
  ])('MSG-05: refuses %j', (text) => {
    expectCode('ERR_SHAREDKEY_MALFORMED', () => parseTimestamp(text))
  })
})

describe('pythonFloatText', () => {
  it.each([
    [1374771700.754857, '1374771700.75'],
    [1374770968.25186, '1374770968.25'],
    [1374771159.905808, '1374771159.91'],
    [1374771200, '1374771200.0'],
    [1374771200.001, '1374771200.0'],
    [1374771200.5, '1374771200.5'],
    [1, '1.0'],
    [99_999_999_999, '99999999999.0'],
  ])('of %d is %s', (value, text) => {
    expect(pythonFloatText(value)).toBe(text)
  })

  it.each([NaN, Infinity, 0, -1, 1e11])('refuses %d', (value) => {
    expectCode('ERR_SHAREDKEY_MALFORMED', () => pythonFloatText(value))
  })
})
