/** The tables of docs/sizes.md, made from what was measured. @module cli/sizes-page (floor 8) */
import { KITE_OCTETS, type MeasuredForm, SIZE_ALGORITHMS, type SizeComparison } from '../compare/index.js'
import { InternalError } from '../errors/index.js'

/** What the page is made from: all messages together, and each kind by P-256. */
export interface PageSizes {
  readonly all: SizeComparison
  readonly notifications: SizeComparison
  readonly requests: SizeComparison
}

/** The form of each system that is alike: beside the payload, which stays as it is, and without certificates. */
const BESIDE = ['detached', 'cose-detached', 'jws-detached'] as const

/** Every row that was measured. */
export function sizesMarkdown({ forms }: SizeComparison): string {
  return markdownTable(
    ['of', 'algorithm', 'form', 'min', 'median', 'p95', 'max', 'of the payload'],
    forms.map(({ system, algorithm = '–', title, overhead, share }) => [
      system,
      algorithm,
      title,
      ...[overhead.min, overhead.median, overhead.p95, overhead.max].map(String),
      `${share.toFixed(1)} %`,
    ]),
  )
}

/** Medians: forms below each other, algorithms beside each other. */
function matrix({ forms }: SizeComparison): string {
  const algorithms = SIZE_ALGORITHMS.filter((name) => forms.some(({ algorithm }) => algorithm === name))
  const rows = forms.filter(({ algorithm }) => algorithm === algorithms[0])
  return markdownTable(
    ['of', 'form', ...algorithms],
    rows.map(({ system, form, title }) => [
      system,
      title,
      ...algorithms.map((name) => String(find(forms, form, name)?.overhead.median ?? '–')),
    ]),
  )
}

/** What is alike, beside Kite. */
function byKind({ all, notifications, requests }: PageSizes): string {
  const kinds = [notifications, requests, all]
  const shown = all.forms.filter(
    ({ system, form, algorithm }) =>
      (algorithm === 'p256' && BESIDE.some((name) => name === form)) || (system === 'kite' && algorithm === undefined),
  )
  const heads = [`${notifications.messages} notifications`, `${requests.messages} RPC messages`, 'all']
  const cell = (kind: SizeComparison, { form, algorithm }: MeasuredForm): string => {
    const { overhead, share } = find(kind.forms, form, algorithm) ?? missing()
    return `${overhead.median} (${overhead.min}–${overhead.max}), ${share.toFixed(1)} %`
  }
  return markdownTable(
    ['', ...heads],
    shown.map((row) => [titleOf(row), ...kinds.map((kind) => cell(kind, row))]),
  )
}

function titleOf({ system, title, algorithm }: MeasuredForm): string {
  const name = system === 'signet' ? `signet, ${title}` : title
  return algorithm === undefined ? name : `${name}, P-256`
}

function find(
  forms: readonly MeasuredForm[],
  form: string,
  algorithm: MeasuredForm['algorithm'],
): MeasuredForm | undefined {
  return forms.find((row) => row.form === form && row.algorithm === algorithm)
}

function generated(sizes: PageSizes): string {
  const { all } = sizes
  const { median, p95 } = (find(all.forms, 'detached', 'p256') ?? missing()).overhead
  return [
    `By P-256, detached, with all its context, a signature adds at most **${median} octets** to half of the ${all.messages} messages, and ${p95} to 95 of 100. Kite's envelope was said to add ${KITE_OCTETS}. The payloads have ${all.payload.min} to ${all.payload.max} octets, half of them up to ${all.payload.median}.`,
    '![Octets beside the payload, by form and by algorithm](sizes.svg)',
    'Median, smallest and largest, and the median as a share of the median payload:',
    byKind(sizes),
    '## Every form, every algorithm',
    'Octets beside the payload, median of all messages.',
    matrix(all),
    '<details>\n<summary>The same with smallest, 95 of 100, and largest</summary>',
    sizesMarkdown(all),
    '</details>',
  ].join('\n\n')
}

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((_, column) => Math.max(3, ...[heads, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

const MARKS = ['<!-- sizes -->', '<!-- end of sizes -->'] as const

/** docs/sizes.md with the numbers as they came out now. */
export function sizesPage(page: string, sizes: PageSizes): string {
  const [start, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])]
  if (start < 0 || end < start) throw new InternalError('ERR_INTERNAL', 'docs/sizes.md has no marks')
  return `${page.slice(0, start + MARKS[0].length)}\n\n${generated(sizes)}\n\n${page.slice(end)}`
}

function missing(): never {
  throw new InternalError('ERR_INTERNAL', 'docs/sizes.md is made of P-256, too')
}
