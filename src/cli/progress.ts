/**
 * A progress bar on a terminal, and silence elsewhere.
 *
 * @module cli/progress (floor 8)
 */
import type { Writable } from 'node:stream'
import type { Terminal } from './environment.js'

export interface Progress {
  /** Say how much is done. */
  advance(done: number): void
  finish(): void
}

const BAR_WIDTH = 30

/** @param shown - How a number is printed. */
export function startProgress(
  stderr: Terminal<Writable>,
  label: string,
  total: number,
  shown: (count: number) => string = String,
): Progress {
  if (stderr.isTTY !== true || total <= 1) return { advance: () => undefined, finish: () => undefined }
  let drawn = -1
  const advance = (done: number): void => {
    const percent = Math.floor((100 * done) / total)
    if (percent === drawn) return
    drawn = percent
    const filled = Math.round((BAR_WIDTH * done) / total)
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
    stderr.write(`\r${label} ${bar} ${String(percent).padStart(3)} % ${shown(done)}/${shown(total)}`)
  }
  return { advance, finish: () => void stderr.write('\r\x1b[K') }
}

/** A number of octets in a unit that people read. */
export function octets(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1)
  const value = count / 1024 ** power
  return `${power === 0 ? value : value.toFixed(1)} ${units[power] ?? ''}`
}
