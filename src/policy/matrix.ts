/**
 * A policy as a table: which role may send which messages.
 *
 * @module policy/matrix (floor 6)
 */
import type { Policy } from './policy.js'
import { isAlways, isByRole, type Ways, waysOfRest } from './reach.js'

export interface Matrix {
  /** Columns. */
  readonly roles: readonly string[]
  readonly rows: readonly MatrixRow[]
}

export interface MatrixRow {
  readonly type: string
  /** For each role in order. */
  readonly cells: readonly Cell[]
}

export interface Cell {
  /** `always`: the role suffices, where it must be held. `bound`: only where more holds of the message or its sender. */
  readonly may: 'always' | 'bound' | 'never'
  /** Where to, and by which checks. */
  readonly to: readonly { readonly destination: string; readonly ways: Ways }[]
}

/** Rows whose types begin alike. */
export interface MatrixGroup {
  /** What they begin with, and a dot. */
  readonly prefix: string
  readonly rows: readonly MatrixRow[]
}

/** Work out what each role may send, if it is the only one that somebody has. */
export function matrixOf(policy: Policy): Matrix {
  const { messages, destinations } = policy.document
  const roles = [...policy.document.roles]
  const rows = messages.map((kind): MatrixRow => {
    const cells = roles.map((role): Cell => {
      const holder = new Set([role])
      const to = destinations.all
        .map((destination) => ({ destination: destination.name, ways: waysOfRest(policy, holder, kind, destination) }))
        .filter(({ ways }) => ways.length > 0)
      return { may: to.length === 0 ? 'never' : to.some(({ ways }) => isByRole(ways)) ? 'always' : 'bound', to }
    })
    return { type: kind.pattern.text, cells }
  })
  return { roles, rows }
}

/** Sort rows under the longest beginnings that they share with others; within a group, in the order of the policy. */
export function groupsOf({ rows }: Matrix): readonly MatrixGroup[] {
  const shared = new Map<string, number>()
  for (const { type } of rows) {
    for (const prefix of prefixesOf(type)) shared.set(prefix, (shared.get(prefix) ?? 0) + 1)
  }
  // Those that share nothing stand before the first beginning, not below the last one.
  const groups = new Map<string, MatrixRow[]>([['', []]])
  for (const row of rows) {
    const prefix = prefixesOf(row.type).findLast((item) => (shared.get(item) ?? 0) > 1) ?? ''
    const group = groups.get(prefix) ?? []
    groups.set(prefix, group)
    group.push(row)
  }
  return [...groups].flatMap(([prefix, members]) => (members.length === 0 ? [] : [{ prefix, rows: members }]))
}

/** `a.b.c`: `a.`, `a.b.` */
function prefixesOf(type: string): readonly string[] {
  return [...type.matchAll(/[.:]/g)].map(({ index }) => type.slice(0, index + 1))
}

/** What a cell says, for people: where to, and by which checks. Destinations of the same checks are named together. */
export function explain({ to }: Cell): readonly string[] {
  const texts = new Map<string, string[]>()
  for (const { destination, ways } of to) {
    const checks = isAlways(ways) ? '' : `: ${ways.map((way) => way.join(' and ')).join(', or ')}`
    texts.set(checks, [...(texts.get(checks) ?? []), destination])
  }
  return [...texts].map(([checks, names]) => `${names.join(', ')}${checks}`)
}

const MARKS: Readonly<Record<Cell['may'], string>> = { always: '●', bound: '○', never: '·' }
const COLUMN = 3

/**
 * A matrix as text: ● may, ○ only where more holds, · may not. The roles stand above their columns as steps, so that
 * their names make nothing wider.
 */
export function matrixText(matrix: Matrix): string {
  const { roles, rows } = matrix
  const groups = groupsOf(matrix)
  const labels = groups.flatMap(({ prefix, rows: members }) => members.map(({ type }) => type.length - prefix.length))
  // Not Math.max(...): there may be more rows than a call may have arguments.
  const left = labels.reduce((width, length) => Math.max(width, length), 0) + 4
  const heads = roles.map((role, column) => `${' '.repeat(left)}${'│'.padEnd(COLUMN).repeat(column)}${role}`)
  const lines = groups.flatMap(({ prefix, rows: members }) => [
    ...(prefix === '' ? [] : [prefix]),
    ...members.map(({ type, cells }) => {
      const marks = cells.map(({ may }) => MARKS[may]).join(' '.repeat(COLUMN - 1))
      return `  ${type.slice(prefix.length).padEnd(left - 2)}${marks}`
    }),
  ])
  const legend = `${rows.length} types: ● may, ○ only where more holds, · may not`
  return [...heads, ...lines, '', legend].join('\n')
}
