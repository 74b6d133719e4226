/**
 * File systems that fail: which system call of a writer does, and how. A test that uses it says
 * `vi.mock('node:fs', async () => (await import('../support/failing-files.js')).failingFiles())`.
 *
 * @module test/support/failing-files
 */
import { vi } from 'vitest'

/** Which system call fails: the nth of all that a writer makes. After a crash every later one fails, too. */
const plan = {
  enabled: false,
  calls: [] as { name: string; argumentList: readonly unknown[] }[],
  failAt: -1,
  code: 'EIO',
  crash: false,
  late: false,
}

/** `node:fs`, with calls that fail as planned. */
export async function failingFiles(): Promise<Record<string, unknown>> {
  const actual = await vi.importActual<typeof import('node:fs')>('node:fs')
  const wrapped: Record<string, unknown> = { ...actual }
  for (const name of [
    'openSync',
    'fchmodSync',
    'chmodSync',
    'writeSync',
    'fsyncSync',
    'renameSync',
    'linkSync',
    'unlinkSync',
    'mkdirSync',
    'symlinkSync',
    'rmSync',
  ] as const) {
    const real = actual[name] as (...argumentList: unknown[]) => unknown
    wrapped[name] = (...argumentList: unknown[]): unknown => {
      if (!plan.enabled) return real(...argumentList)
      const number = plan.calls.length
      plan.calls.push({ name, argumentList })
      if (number === plan.failAt || (plan.crash && number > plan.failAt && plan.failAt >= 0)) {
        // A write that fails may have written some of it.
        if (name === 'writeSync') real(argumentList[0], (argumentList[1] as Uint8Array).subarray(0, 3))
        else if (plan.late) real(...argumentList)
        throw Object.assign(new Error(`${plan.code}: injected`), { code: plan.code })
      }
      return real(...argumentList)
    }
  }
  return wrapped
}

export interface Fault {
  readonly failAt: number
  readonly code?: string
  readonly crash?: boolean
  /** What was asked for is there all the same. */
  readonly late?: boolean
}

/** Run a writer, failing at one call; the calls that it made. */
export function under(fault: Fault, work: () => void): { calls: typeof plan.calls; thrown: unknown } {
  Object.assign(plan, { enabled: true, calls: [], code: 'EIO', crash: false, late: false, ...fault })
  let thrown: unknown
  try {
    work()
  } catch (error) {
    thrown = error
  } finally {
    plan.enabled = false
  }
  return { calls: plan.calls, thrown }
}

/** For `expectCode`, of what {@link under} caught. */
export function throwIt(thrown: unknown): never {
  throw thrown
}
