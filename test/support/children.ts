/** Child processes that run src, and may be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NOW } from './certificates.js'
import { temporaryFolder } from './temporary.js'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const HOOK = path('source-hook.mjs')
/** Many children run the same code. */
const COMPILE_CACHE = temporaryFolder()

export interface Child {
  readonly process: ChildProcess
  /** Whole lines printed so far. */
  readonly lines: readonly string[]
  /** Resolves when it ended. `code` is null where a signal ended it. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>
  /** Resolves when so many lines were printed, or it ended. */
  printed(count: number): Promise<void>
}

/** Start a script of this folder. */
export function startScript(name: string, words: readonly string[], environment: Record<string, string> = {}): Child {
  const child = spawn(process.execPath, ['--import', HOOK, path(name), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      TEST_CLOCK: NOW.toISOString(),
      ...environment,
    },
  })
  let stdout = ''
  let stderr = ''
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const resolve of waiting) resolve()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    // What has no end of line may be half a line.
    lines.splice(0, lines.length, ...stdout.split('\n').slice(0, -1))
    wake()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
  let over = false
  void ended.then(() => {
    over = true
    wake()
  })
  return {
    process: child,
    lines,
    ended,
    printed: async (count) => {
      while (lines.length < count && !over) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve)
        })
      }
    },
  }
}

/** Run a command line of signet to its end. */
export function runSignet(words: readonly string[], environment: Record<string, string> = {}): Child['ended'] {
  return startScript('source-cli.mjs', words, environment).ended
}

/** Numbers that look random and are the same in every run (mulberry32). Each from 0 to 1. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })
}
