/** Reading what a probe found. */
import type { ProbeRow } from '../../src/probe/index.js'

/** The verdicts that are not `ok`. */
export function notOk(rows: readonly ProbeRow[]): Readonly<Record<string, string>> {
  return Object.fromEntries(rows.filter(({ verdict }) => verdict !== 'ok').map((row) => [row.case, row.verdict]))
}
