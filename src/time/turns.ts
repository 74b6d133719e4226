/**
 * Work that takes long, in steps: a script does them all at once; a service lets others have a turn between two.
 *
 * @module time/turns (floor 0)
 */

/** Each step is some half a millisecond of work; what comes after the last is the result. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Do all steps, one right after the other. */
export function atOnce<T>(steps: Steps<T>): T {
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return step.value
}

/**
 * Do all steps, and after each let everybody else have a turn of the event loop.
 *
 * Whatever the steps look at must be their own: what others can change may be another thing after each of them.
 */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value
    await new Promise((resolve) => setImmediate(resolve))
  }
}
