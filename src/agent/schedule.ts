/**
 * When to renew, and when to try again.
 *
 * @module agent/schedule (floor 7.4)
 */
import { createHash } from 'node:crypto'
import { addSeconds, HOUR, MINUTE } from '../time/index.js'
import type { Certificate } from '../x509/index.js'

/** The first wait after a failure; each further one is twice as long. */
export const FIRST_RETRY_SECONDS = MINUTE
export const LONGEST_RETRY_SECONDS = 6 * HOUR

/**
 * When a certificate is to be renewed: after a part of its life, and a little more, so that certificates of one hour are
 * not all renewed in one.
 *
 * How much more, its serial number says: it is random, and the same whenever it is asked, also after a restart.
 */
export function renewalTime(
  { notBefore, notAfter, serialNumber }: Pick<Certificate, 'notBefore' | 'notAfter' | 'serialNumber'>,
  renewAt: number,
  jitter: number,
): Date {
  const life = (notAfter.getTime() - notBefore.getTime()) / 1000
  const spread = createHash('sha256').update(serialNumber).digest().readUInt32BE(0) / 2 ** 32
  return addSeconds(notBefore, Math.floor(life * (renewAt + spread * jitter)))
}

/**
 * How many seconds to wait after so many failures: twice as long each time, half of it left to chance, and never so long
 * that less than nine tenths of the time that is left are used.
 *
 * @param random - From 0, below 1.
 * @param secondsLeft - Until what is renewed ends; `undefined` where nothing ends.
 */
export function retrySeconds(failures: number, random: number, secondsLeft: number | undefined): number {
  const doubled = FIRST_RETRY_SECONDS * 2 ** Math.min(Math.max(failures, 1) - 1, 30)
  const longest = Math.min(LONGEST_RETRY_SECONDS, Math.max(FIRST_RETRY_SECONDS, (secondsLeft ?? Infinity) / 10))
  return Math.ceil(Math.min(doubled, longest) * (0.5 + random / 2))
}
