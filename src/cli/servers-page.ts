/** The tables of docs/servers.md: what is known of each server, and how it did in its trial. @module cli/servers-page (floor 8) */
import { InternalError } from '../errors/index.js'
import { SERVER_KINDS } from '../servers/index.js'
import { factWords } from './config.js'

/** How a claim came out on a server. */
export type TrialOutcome =
  'holds' | { readonly diverges: string } | { readonly varies: string } | { readonly untried: string }

/** `test/interop/servers/outcomes.json`: the tests hold it to the servers. */
export interface TrialOutcomes {
  readonly claims: Readonly<Record<string, string>>
  readonly servers: Readonly<Record<string, Readonly<Record<string, TrialOutcome>>>>
}

/** docs/servers.md with the tables as they are now. */
export function serversPage(page: string, outcomes: TrialOutcomes): string {
  return between(between(page, 'facts', factsMarkdown()), 'outcomes', outcomesMarkdown(outcomes))
}

function factsMarkdown(): string {
  const heads = [
    'server',
    'as seen on',
    'knows clients by',
    'CRLs',
    'new ones count',
    'broken pair',
    'who is connected',
  ]
  const rows = SERVER_KINDS.map(({ name, title, facts }) => [
    `${title} (\`${name}\`)`,
    facts.version,
    ...factWords(facts),
  ])
  return markdownTable(heads, rows)
}

/** A reason for each mark that is not plain. */
function outcomesMarkdown({ claims, servers }: TrialOutcomes): string {
  const tried = SERVER_KINDS.filter(({ name }) => servers[name] !== undefined)
  const notes: string[] = []
  const cell = (title: string, outcome: TrialOutcome | undefined): string => {
    if (outcome === undefined || outcome === 'holds') return outcome === undefined ? '' : 'yes'
    const [[how, why] = ['', '']] = Object.entries(outcome)
    const note = `${title}: ${why}.`
    if (!notes.includes(note)) notes.push(note)
    const word = { diverges: 'no', varies: 'by chance', untried: '–' }[how] ?? how
    return `${word} (${notes.indexOf(note) + 1})`
  }
  const rows = Object.entries(claims).map(([id, claim]) => [
    claim,
    ...tried.map(({ name, title }) => cell(title, servers[name]?.[id])),
  ])
  const table = markdownTable(['', ...tried.map(({ title }) => title)], rows)
  return [table, ...(notes.length === 0 ? [] : ['', ...notes.map((note, index) => `${index + 1}. ${note}`)])].join('\n')
}

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((_, column) => Math.max(3, ...[heads, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function between(page: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const [start, end] = [page.indexOf(open), page.indexOf(close)]
  if (start < 0 || end < start) throw new InternalError('ERR_INTERNAL', `docs/servers.md has no marks for ${name}`)
  return `${page.slice(0, start + open.length)}\n\n${content}\n\n${page.slice(end)}`
}
