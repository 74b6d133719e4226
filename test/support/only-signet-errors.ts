import { isSignetError } from '../../src/errors/index.js'

/** What became of a piece of work: how it ended, and the processor time that it took. */
export interface Outcome {
  /** An error code, or `'accepted'`. */
  readonly code: string
  readonly cpuMilliseconds: number
}

/** Run a parser over hostile input. An error that is not ours is thrown on; it is a defect. */
export function outcomeOf(work: () => unknown): Outcome {
  const start = process.cpuUsage()
  let code = 'accepted'
  try {
    work()
  } catch (error) {
    if (!isSignetError(error) || error.code === 'ERR_INTERNAL') throw error
    code = error.code
  }
  const used = process.cpuUsage(start)
  return { code, cpuMilliseconds: (used.user + used.system) / 1000 }
}
