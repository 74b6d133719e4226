/**
 * A progress bar on a terminal, and silence elsewhere.
 *
 * @module cli/progress (floor 8)
 */
import type { Terminal } from './environment.js'
import type { Output } from './output.js'

export interface Progress {
  /** Say how much is done. */
  advance(done: number): void
  finish(): void
}

const BAR_WIDTH = 30
const MEGABYTE = 1_000_000

/** How amounts are written: as they are, or octets in megabytes. */
export type ProgressUnit = 'count' | 'bytes'

/** @param total - What there is to do; `undefined` where nobody knows, as of a stream. */
export function startProgress(
  stderr: Terminal<Output>,
  label: string,
  total: number | undefined,
  unit: ProgressUnit = 'count',
): Progress {
  if (stderr.isTTY !== true || (total !== undefined && total <= 1)) {
    return { advance: () => undefined, finish: () => undefined }
  }
  let drawn: string | undefined
  const advance = (done: number): void => {
    const [percent, text] = drawing(label, done, total, unit)
    // A terminal takes longer to draw than most of what is counted takes to do.
    if (percent === drawn) return
    drawn = percent
    stderr.write(`\r${text}`)
  }
  return { advance, finish: () => void stderr.write('\r\x1b[K') }
}

/** What is drawn, and what of it must change for it to be drawn again. */
function drawing(
  label: string,
  done: number,
  total: number | undefined,
  unit: ProgressUnit,
): readonly [percent: string, text: string] {
  const amount = (value: number): string => (unit === 'bytes' ? (value / MEGABYTE).toFixed(1) : String(value))
  const suffix = unit === 'bytes' ? ' MB' : ''
  if (total === undefined) return [amount(done), `${label} ${amount(done)}${suffix}`]
  // A file may grow while it is read.
  const share = Math.min(1, done / total)
  const percent = `${String(Math.floor(100 * share)).padStart(3)} %`
  const filled = Math.round(BAR_WIDTH * share)
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
  return [percent, `${label} ${bar} ${percent} ${amount(done)}/${amount(total)}${suffix}`]
}
