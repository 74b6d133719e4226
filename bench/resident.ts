/**
 * A stranger in a process of its own, which stays: it says that it is ready, then does as many operations as each line that
 * it reads says, after half as many that are not measured, and answers with the nanoseconds by its own clock.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Stranger } from './harness.ts'

export interface Resident extends Stranger {
  /** What it said of itself. */
  readonly version: string
  readonly close: () => void
}

/** Until it is ready; a virtual machine on a busy one takes its time. */
const START_MILLISECONDS = 60_000

export interface ResidentOptions {
  readonly name: string
  readonly program: string
  readonly words: readonly string[]
  readonly warmUpMilliseconds?: number
}

/** Start it. @returns Why it cannot, where it says so. */
export async function startResident(options: ResidentOptions): Promise<Resident | string> {
  const { name, program, words, warmUpMilliseconds } = options
  // What it complains about is in its answer.
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'ignore'] })
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`cannot: ${error.message}`))
    child.on('close', (code) => resolve(`cannot: ended with ${String(code)}`))
  })
  // Whoever is gone reads nothing.
  child.stdin.on('error', () => undefined)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const answer = async (): Promise<string> =>
    Promise.race([lines.next().then(({ value, done }) => (done === true ? ended : (value as string))), ended])
  const timer = setTimeout(() => child.kill(), START_MILLISECONDS)
  const first = await answer()
  clearTimeout(timer)
  if (!first.startsWith('ready')) {
    child.kill()
    return first.replace(/^cannot: /, '')
  }
  return {
    name,
    version: first.replace(/^ready ?/, ''),
    ...(warmUpMilliseconds === undefined ? {} : { warmUpMilliseconds }),
    batch: async (count) => {
      child.stdin.write(`${count}\n`)
      const line = await answer()
      if (!/^\d+$/.test(line)) throw new Error(`${name}: ${line}`)
      return Number(line)
    },
    close: () => {
      child.stdin.end()
      child.kill()
    },
  }
}
