/**
 * One call with hostile input: a value or a SignetError is well, anything else is a defect; and it must be soon.
 *
 * @module test/hostile/attempt
 */
import { ERROR_CODES, isSignetError } from '../../src/errors/index.js'

/** What must be so is not so. */
export class Violation extends Error {}

/** The longest that a call may keep a processor busy, in milliseconds. */
export const CPU_LIMIT = 1000

export interface Attempt<T> {
  /** An error code, or `'accepted'`. */
  readonly code: string
  /** What was handed back; `undefined` after a refusal. */
  readonly value: T | undefined
  /** Of the call, or of the quicker of two where the first was too slow. */
  readonly cpuMilliseconds: number
}

/**
 * Call something, and a second time where it took too long: what shares a processor is slow once, a defect twice.
 *
 * @param what - Names the call in a violation.
 * @param cpuLimit - Another limit than {@link CPU_LIMIT}, where one is documented.
 * @throws {@link Violation} for an error that is not ours, and for work that takes too long
 */
export async function attempt<T>(
  what: string,
  work: () => T | Promise<T>,
  cpuLimit: number = CPU_LIMIT,
): Promise<Attempt<T>> {
  const first = await once(what, work)
  if (first.cpuMilliseconds <= cpuLimit) return first
  const second = await once(what, work)
  if (second.cpuMilliseconds <= cpuLimit) return second
  const milliseconds = [first, second].map(({ cpuMilliseconds }) => Math.round(cpuMilliseconds))
  throw new Violation(`${what} took ${milliseconds.join(' and ')} ms of processor time`)
}

async function once<T>(what: string, work: () => T | Promise<T>): Promise<Attempt<T>> {
  const start = process.cpuUsage()
  let code = 'accepted'
  let value: T | undefined
  try {
    value = await work()
  } catch (error) {
    code = refusalCode(what, error)
  }
  const used = process.cpuUsage(start)
  return { code, value, cpuMilliseconds: (used.user + used.system) / 1000 }
}

/** The code of a refusal; hostile input is never a broken invariant of ours. */
function refusalCode(what: string, error: unknown): string {
  if (error instanceof Violation) throw error
  if (isSignetError(error) && Object.hasOwn(ERROR_CODES, error.code) && error.category !== 'internal') return error.code
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  throw new Violation(`${what} threw what is no refusal: ${text.split('\n').slice(0, 4).join(' | ')}`, { cause: error })
}
