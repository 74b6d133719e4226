import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, encodeGeneralizedTime, encodeString, encodeTime, TAG } from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const LIMITS = { maxBytes: 1024, maxDepth: 2, maxNodes: 10 }
const utc = (text: string): Date => DerReader.over(encodeString(text, TAG.utcTime), LIMITS).time()
const generalized = (text: string): Date => DerReader.over(encodeString(text, TAG.generalizedTime), LIMITS).time()

describe('UTCTime (RFC 5280 §4.1.2.5.1)', () => {
  it.each([
    ['500101000000Z', '1950-01-01T00:00:00.000Z'],
    ['991231235959Z', '1999-12-31T23:59:59.000Z'],
    ['000101000000Z', '2000-01-01T00:00:00.000Z'],
    ['491231235959Z', '2049-12-31T23:59:59.000Z'],
    ['280229000000Z', '2028-02-29T00:00:00.000Z'],
  ])('DER-11: reads %s', (text, time) => {
    expect(utc(text).toISOString()).toBe(time)
  })

  it.each([
    ['no seconds', '2701010000Z'],
    ['an offset', '270101000000+0100'],
    ['an offset of the same length', '2701010000+01'],
    ['a fraction', '270101000000.5Z'],
    ['no Z', '270101000000'],
    ['a small z', '270101000000z'],
    ['30 February', '270230000000Z'],
    ['29 February of a common year', '270229000000Z'],
    ['day 0', '270100000000Z'],
    ['day 32', '270132000000Z'],
    ['month 0', '270001000000Z'],
    ['month 13', '271301000000Z'],
    ['24 hours', '270101240000Z'],
    ['60 minutes', '270101006000Z'],
    ['a leap second', '270101000060Z'],
    ['a space', '27 101000000Z'],
    ['a sign', '27+101000000Z'],
    ['a letter', '27010a000000Z'],
    ['four digits for the year', '20270101000000Z'],
    ['nothing', ''],
  ])('DER-11: refuses %s', (_, text) => {
    expectCode('ERR_DER_TIME', () => utc(text))
  })

  it('DER-11: refuses digits that are not ASCII', () => {
    const digits = Buffer.concat([Buffer.from('27010100000'), Buffer.from([0xb2]), Buffer.from('Z')])
    expectCode('ERR_DER_TIME', () =>
      DerReader.over(Buffer.concat([Buffer.from([TAG.utcTime, digits.length]), digits]), LIMITS).time(),
    )
  })
})

describe('GeneralizedTime (RFC 5280 §4.1.2.5.2)', () => {
  it.each([
    ['20500101000000Z', '2050-01-01T00:00:00.000Z'],
    ['99991231235959Z', '9999-12-31T23:59:59.000Z'],
  ])('DER-11: reads %s', (text, time) => {
    expect(generalized(text).toISOString()).toBe(time)
  })

  it.each([
    ['a year that is UTCTime', '20491231235959Z'],
    ['the year 0', '00000101000000Z'],
    ['a fraction', '20500101000000.0Z'],
    ['no seconds', '205001010000Z'],
    ['an offset', '20500101000000+0000'],
    ['the shape of UTCTime', '500101000000Z'],
    ['29 February of 2100', '21000229000000Z'],
    ['24 hours', '20500101240000Z'],
  ])('DER-11: refuses %s', (_, text) => {
    expectCode('ERR_DER_TIME', () => generalized(text))
  })
})

describe('times', () => {
  it('DER-11: are finite whatever is read', () => {
    const digits = fc.stringMatching(/^[0-9]{10,14}Z?$/)
    fc.assert(
      fc.property(digits, fc.constantFrom(utc, generalized), (text, read) => {
        outcomeOf(() => {
          expect(Number.isFinite(read(text).getTime())).toBe(true)
        })
      }),
      { numRuns: 2000 },
    )
  })

  it('round trip: every second from 1950 to 9999', () => {
    const seconds = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(9999, 11, 31, 23, 59, 59) / 1000 })
    fc.assert(
      fc.property(seconds, (second) => {
        const instant = new Date(second * 1000)
        expect(DerReader.over(encodeTime(instant), LIMITS).time().getTime()).toBe(instant.getTime())
        expect(DerReader.over(encodeGeneralizedTime(instant), LIMITS).generalizedTime().getTime()).toBe(
          instant.getTime(),
        )
      }),
    )
  })

  it('have one form: what is read is written the same way again', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{12}Z$/), (text) => {
        if (outcomeOf(() => utc(text)).code !== 'accepted') return
        expect(
          Buffer.from(encodeTime(utc(text)))
            .subarray(2)
            .toString(),
        ).toBe(text)
      }),
    )
  })
})
