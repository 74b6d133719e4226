/**
 * UTCTime and GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows: seconds, no fraction, `Z`.
 *
 * @module asn1/time (floor 1)
 */
import { InternalError } from '../errors/index.js'
import { TAG } from './tags.js'

/** Content octets → an instant that is always finite. `fail` makes the error to throw. */
export function decodeTime(tag: number, content: Uint8Array, fail: (message: string) => Error): Date {
  const yearDigits = tag === TAG.utcTime ? 2 : 4
  if (content.length !== yearDigits + 11 || content[content.length - 1] !== 0x5a) {
    throw fail('a time has the form [YY]YYMMDDHHMMSSZ')
  }
  const digits = (start: number, count: number): number => {
    let value = 0
    for (let index = start; index < start + count; index++) {
      const digit = (content[index] as number) - 0x30
      if (digit < 0 || digit > 9) throw fail('a time is made of digits')
      value = value * 10 + digit
    }
    return value
  }
  let year = digits(0, yearDigits)
  // RFC 5280 §4.1.2.5.1: 50 to 99 are 1950 to 1999.
  if (tag === TAG.utcTime) year += year >= 50 ? 1900 : 2000
  const month = digits(yearDigits, 2)
  const day = digits(yearDigits + 2, 2)
  const hour = digits(yearDigits + 4, 2)
  const minute = digits(yearDigits + 6, 2)
  const second = digits(yearDigits + 8, 2)
  const instant = new Date(0)
  instant.setUTCFullYear(year, month - 1, day)
  instant.setUTCHours(hour, minute, second)
  const exists =
    instant.getUTCMonth() === month - 1 && instant.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  if (!exists) throw fail('there is no such day or time of day')
  return instant
}

/** An instant as the tag and text that RFC 5280 §4.1.2.5 prescribes: UTCTime through 2049, then GeneralizedTime. */
export function timeText(instant: Date): { readonly tag: number; readonly text: string } {
  const year = instant.getUTCFullYear()
  if (!(year >= 1950 && year <= 9999)) throw new InternalError('ERR_INTERNAL', 'a time is outside 1950 to 9999')
  const full = generalizedTimeText(instant)
  return year < 2050 ? { tag: TAG.utcTime, text: full.slice(2) } : { tag: TAG.generalizedTime, text: full }
}

export function generalizedTimeText(instant: Date): string {
  const year = instant.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new InternalError('ERR_INTERNAL', 'a time is outside the years 0 to 9999')
  return `${instant.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`
}
