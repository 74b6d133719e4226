/**
 * Many processes, a few at a time, without standing in the way of the test runner meanwhile.
 *
 * @module test/interop/paths/process
 */
import { execFile } from 'node:child_process'
import type { Ran } from '../programs.js'

/** As many as the smallest machine has cores. */
const AT_A_TIME = 2
const MAX_MILLISECONDS = 120_000

/** Run a program, however it ends by itself. */
export function start(program: string, words: readonly string[], input = ''): Promise<Ran> {
  const options = {
    // Verdicts in English.
    env: { ...process.env, LC_ALL: 'C', LANG: 'C' },
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
    timeout: MAX_MILLISECONDS,
  } as const
  return new Promise((resolve, reject) => {
    const child = execFile(program, words, options, (error, stdout, stderr) => {
      const isEnd = error === null || typeof error.code === 'number'
      if (!isEnd) reject(new Error(`${program} did not start, crashed or took too long`, { cause: error }))
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr, output: `${stdout}\n${stderr}` })
    })
    // Whoever does not read it may be gone already.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** Do something for each, a few at a time. @returns The results in the order of the list. */
export async function forEachOf<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = []
  const queue = list.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return results
}
