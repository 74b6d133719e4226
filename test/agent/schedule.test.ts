import { describe, expect, it } from 'vitest'
import { renewalTime, retrySeconds } from '../../src/agent/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'

const certificate = (serialNumber: string): Parameters<typeof renewalTime>[0] => ({
  notBefore: NOW,
  notAfter: addSeconds(NOW, 30 * DAY),
  serialNumber,
})
const day = (serialNumber: string): number =>
  (renewalTime(certificate(serialNumber), 2 / 3, 0.1).getTime() - NOW.getTime()) / 1000 / DAY

describe('renewalTime', () => {
  it('is after a part of the life, and is put off by what the serial number says', () => {
    const days = Array.from({ length: 200 }, (_, index) => day(index.toString(16)))
    expect(Math.min(...days)).toBeGreaterThanOrEqual(20)
    expect(Math.max(...days)).toBeLessThanOrEqual(23)
    expect(Math.max(...days) - Math.min(...days)).toBeGreaterThan(2)
    expect(new Set(days).size).toBeGreaterThan(190)
    expect(day('ab')).toBe(day('ab'))
  })

  it('is exact without jitter', () => {
    expect(renewalTime(certificate('ab'), 0.5, 0)).toEqual(addSeconds(NOW, 15 * DAY))
  })
})

describe('retrySeconds', () => {
  it('doubles, up to six hours, and leaves half of it to chance', () => {
    expect([1, 2, 3, 4].map((failures) => retrySeconds(failures, 0.999_999, undefined))).toEqual([60, 120, 240, 480])
    expect([1, 2, 3, 4].map((failures) => retrySeconds(failures, 0, undefined))).toEqual([30, 60, 120, 240])
    expect(retrySeconds(1000, 0.999_999_999, undefined)).toBe(6 * 3600)
    expect(retrySeconds(0, 0, undefined)).toBe(30)
  })

  it('leaves time for nine more before the end, and never asks more than twice a minute', () => {
    expect(retrySeconds(20, 0.999_999_999, 36_000)).toBe(3600)
    expect(retrySeconds(20, 0, 10)).toBe(30)
    expect(retrySeconds(20, 0, -10)).toBe(30)
  })
})
