/**
 * What must not creep, counted and not timed: instructions of one message, by callgrind, and what it allocates.
 *
 * Both as the difference between many operations and fewer, so that the start of the process is in neither.
 */
import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { BenchContext } from './context.ts'
import { exportFor, publish, signMany } from './deployment.ts'

const TASKS = ['verifyMessage', 'bare crypto.verify', 'signMessage', 'bare crypto.sign'] as const
export type CreepTask = (typeof TASKS)[number]
const FEWER = 1500
const MORE = 3000

export interface Creep {
  readonly name: CreepTask
  /** `null` where valgrind is not installed. */
  readonly instructions: number | null
  readonly allocatedBytes: number
}

const run = promisify(execFile)

export async function measureCreep(context: BenchContext): Promise<readonly Creep[]> {
  const deployment = await context.deployment()
  const signer = await context.signer('p256')
  const { der } = await publish(deployment)
  const files = await exportFor(deployment, signer, await signMany(signer, deployment.at, MORE))
  writeFileSync(join(files, 'trust.p7'), der)
  const header = { pin: deployment.authority.root.fingerprint, at: deployment.at.toISOString() }
  writeFileSync(join(files, 'header.json'), JSON.stringify(header))
  const child = resolve('bench/creep-child.ts')
  const results: Creep[] = []
  for (const name of TASKS) {
    const words = [child, name, files]
    const allocating = ['--expose-gc', '--max-semi-space-size=256', '--no-warnings']
    const { stdout } = await run(process.execPath, [...allocating, ...words, String(MORE), 'allocations'])
    results.push({ name, instructions: await instructions(words, files), allocatedBytes: Number(stdout) })
  }
  return results
}

async function instructions(words: readonly string[], folder: string): Promise<number | null> {
  if (!hasValgrind()) return null
  const of = async (count: number): Promise<number> => {
    const own = [
      '--tool=callgrind',
      '--smc-check=all-non-file',
      `--callgrind-out-file=${join(folder, 'callgrind.out')}`,
    ]
    // One thread, so that the compiler's work is done at the same places.
    const node = [process.execPath, '--single-threaded', '--no-warnings']
    const { stderr } = await run('valgrind', [...own, ...node, ...words, String(count)])
    return Number(/Collected : (\d+)/.exec(stderr)?.[1] ?? Number.NaN)
  }
  return Math.round(((await of(MORE)) - (await of(FEWER))) / (MORE - FEWER))
}

function hasValgrind(): boolean {
  try {
    execFileSync('valgrind', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export function printCreep(results: readonly Creep[]): void {
  console.log('of one message (P-256, 1 KiB):')
  for (const { name, instructions: count, allocatedBytes } of results) {
    const text = count === null ? 'not counted: valgrind is not installed' : `${count} instructions`
    console.log(`  ${name.padEnd(24)} ${text}, ${allocatedBytes} bytes on the heap`)
  }
}
