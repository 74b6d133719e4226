/** The table of docs/kite.md, made from the comparison itself. @module cli/comparison-page (floor 8) */
import { type Answer, type KiteComparison, type Overhead, type SystemName, SYSTEMS } from '../compare/index.js'
import { InternalError } from '../errors/index.js'

export const SYSTEM_TITLES: Readonly<Record<SystemName, string>> = {
  'kite-spec': 'Kite as specified',
  'kite-as-built': 'Kite as built',
  signet: 'signet',
}

export const ANSWERS: Readonly<Record<Answer, string>> = { yes: 'yes', no: 'no', none: '–' }

export type OverheadRow = readonly [number: number, claim: string, of: (overhead: Overhead) => number]

/** The rows whose cells are numbers of octets. */
export const OVERHEAD_ROWS: readonly OverheadRow[] = [
  [15, 'octets that a message is longer, in JSON', ({ inText }) => inText],
  [15, 'octets that a message is longer, in a binary header', ({ beside }) => beside],
]

/** The table in Markdown, with what was seen; times are left out, because they differ from run to run. */
export function comparisonMarkdown({ properties, overheads }: KiteComparison): string {
  const heads = ['#', 'property', ...SYSTEMS.map((name) => SYSTEM_TITLES[name])]
  const rows = [
    ...properties.map(({ number, claim, findings }) => [
      String(number),
      claim,
      ...SYSTEMS.map((name) => `**${ANSWERS[findings[name].answer]}**: ${codes(findings[name].seen)}`),
    ]),
    ...OVERHEAD_ROWS.map(([number, claim, of]) => [
      String(number),
      claim,
      ...SYSTEMS.map((name) => String(of(overheads[name]))),
    ]),
  ]
  const widths = heads.map((_, column) => Math.max(3, ...[heads, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function codes(text: string): string {
  return text.replace(/\bERR_\w+/g, (code) => `\`${code}\``)
}

const MARKS = ['<!-- comparison -->', '<!-- end of comparison -->'] as const

/** docs/kite.md with the table as it came out now. */
export function kitePage(page: string, comparison: KiteComparison): string {
  const [start, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])]
  if (start < 0 || end < start) throw new InternalError('ERR_INTERNAL', 'docs/kite.md has no marks')
  return `${page.slice(0, start + MARKS[0].length)}\n\n${comparisonMarkdown(comparison)}\n\n${page.slice(end)}`
}
