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
  for (let index = 0; index < content.length - 1; index++) {
    const octet = content[index] as number
    if (octet < 0x30 || octet > 0x39) throw fail('a time is made of digits')
  }
  let year = twoDigits(content, 0)
  // RFC 5280 §4.1.2.5.1: 50 to 99 are 1950 to 1999.
  if (tag === TAG.utcTime) year += year >= 50 ? 1900 : 2000
  else year = year * 100 + twoDigits(content, 2)
  const month = twoDigits(content, yearDigits)
  const day = twoDigits(content, yearDigits + 2)
  const hour = twoDigits(content, yearDigits + 4)
  const minute = twoDigits(content, yearDigits + 6)
  const second = twoDigits(content, yearDigits + 8)
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)
  if (!exists || hour > 23 || minute > 59 || second > 59) throw fail('there is no such day or time of day')
  const instant = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // Date.UTC takes the years 0 to 99 for those of the last century.
  if (year < 100) instant.setUTCFullYear(year, month - 1, day)
  return instant
}

/** Two characters that are digits. */
function twoDigits(content: Uint8Array, start: number): number {
  return (content[start] as number) * 10 + (content[start + 1] as number) - 0x30 * 11
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
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
  const text = instant.toISOString()
  const day = text.slice(0, 4) + text.slice(5, 7) + text.slice(8, 10)
  return `${day}${text.slice(11, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
}
