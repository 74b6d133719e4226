/**
 * Programs that the agent runs: without a shell, for a limited time, with nothing of our environment but `PATH` and `HOME`.
 *
 * @module agent/command (floor 7.4)
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { StoreError } from '../errors/index.js'

/** Most that a program may print. */
const MAX_OUTPUT_BYTES = 256 * 1024
/** How much of what it printed is kept to tell of a failure. */
const KEPT_CHARACTERS = 2000

export interface CommandOptions {
  readonly timeoutSeconds: number
  /** Default: nothing. */
  readonly input?: string
}

/**
 * Run a program, and wait for its end.
 *
 * @param command - The program and its words; no shell sees them.
 * @returns What it printed to standard output.
 * @throws {@link StoreError} `ERR_AGENT_COMMAND`, with the end of what it printed
 */
export function runCommand(
  command: readonly string[],
  { timeoutSeconds, input = '' }: CommandOptions,
): Promise<string> {
  const [program = '', ...words] = command
  return new Promise((resolve, reject) => {
    const pieces = { out: [] as Buffer[], err: [] as Buffer[], length: 0 }
    const fail = (reason: string, cause?: unknown): void => {
      reject(failure(program, reason, Buffer.concat([...pieces.err, ...pieces.out]).toString('utf8'), cause))
    }
    let isLate = false
    let child: ReturnType<typeof start>
    try {
      child = start(program, words)
    } catch (cause) {
      // What no program can be given at all, such as a NUL in a word, is thrown and not emitted.
      fail('it cannot be started', cause)
      return
    }
    // Its own group: a program that a reload script started ends with it.
    const kill = (): void => {
      try {
        process.kill(-(child.pid ?? NaN), 'SIGKILL')
      } catch {
        child.kill('SIGKILL')
      }
    }
    const timer = setTimeout(() => {
      isLate = true
      kill()
    }, timeoutSeconds * 1000)
    const collect = (into: Buffer[]) => (piece: Buffer) => {
      pieces.length += piece.length
      if (pieces.length > MAX_OUTPUT_BYTES) kill()
      else into.push(piece)
    }
    child.stdout.on('data', collect(pieces.out))
    child.stderr.on('data', collect(pieces.err))
    child.on('error', (cause) => {
      clearTimeout(timer)
      fail('it cannot be started', cause)
    })
    // A program that does not read its input closes the pipe; its exit code tells whether that is well.
    child.stdin.on('error', () => undefined)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (isLate) fail(`it did not end within ${timeoutSeconds} s`)
      else if (pieces.length > MAX_OUTPUT_BYTES) fail('it printed too much')
      else if (code !== 0) fail(code === null ? `it was ended by ${signal ?? 'a signal'}` : `it exited with ${code}`)
      else resolve(Buffer.concat(pieces.out).toString('utf8'))
    })
    child.stdin.end(input)
  })
}

function start(program: string, words: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
  return spawn(program, words, {
    shell: false,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  })
}

function failure(program: string, reason: string, output: string, cause: unknown): StoreError {
  const kept = output.trim().slice(-KEPT_CHARACTERS)
  return new StoreError('ERR_AGENT_COMMAND', `${program} failed: ${reason}`, {
    details: { program, reason, ...(kept === '' ? {} : { output: kept }) },
    hint: 'run it by hand, as the user of the agent',
    cause,
  })
}
