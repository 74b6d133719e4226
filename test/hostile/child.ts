/**
 * Child processes that read what is hostile: bounded in memory, and killed when they fall silent.
 *
 * @module test/hostile/child
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Everything that a process may write to, in KiB: what runs away is stopped before it takes the machine along. */
const DATA_LIMIT = 2 * 1024 * 1024

export interface Ending {
  /** `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

/**
 * Run a script of this folder.
 *
 * @param onLine - Gets each line that it prints.
 * @param silenceSeconds - How long it may print nothing before it is killed.
 */
export function runChild(
  script: string,
  words: readonly string[],
  onLine: (line: string) => void,
  options: { readonly flags: readonly string[]; readonly silenceSeconds: number },
): Promise<Ending> {
  const node = [process.execPath, ...options.flags, '--import', path('hook.mjs'), path(script), ...words]
  const child = spawn('/bin/sh', ['-c', `ulimit -c 0; ulimit -d ${DATA_LIMIT} 2>/dev/null; exec "$0" "$@"`, ...node], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
  })
  const kill = (): void => void child.kill('SIGKILL')
  // The child has no life of its own.
  process.once('exit', kill)
  let silence = setTimeout(kill, options.silenceSeconds * 1000)
  createInterface({ input: child.stdout }).on('line', (line) => {
    clearTimeout(silence)
    silence = setTimeout(kill, options.silenceSeconds * 1000)
    onLine(line)
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = `${stderr}${text}`.slice(-20_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(silence)
      process.off('exit', kill)
      resolve({ code, signal, stderr })
    })
  })
}
