/** Where and when something was measured. */
import { cpus, loadavg, release, totalmem } from 'node:os'

export interface Machine {
  readonly at: string
  readonly processor: string
  readonly processors: number
  readonly memoryGigabytes: number
  readonly kernel: string
  readonly node: string
  readonly openssl: string
  /** Of the minute before: what other programs did. */
  readonly loadBefore: number
}

export function describeMachine(): Machine {
  const [first] = cpus()
  return {
    at: new Date().toISOString().slice(0, 16) + 'Z',
    processor: first?.model.trim() ?? 'unknown',
    processors: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.versions.node,
    openssl: process.versions.openssl,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(1)),
  }
}
