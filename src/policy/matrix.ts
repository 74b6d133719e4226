/**
 * A policy as a picture: which role may send which messages.
 *
 * @module policy/matrix (floor 6)
 */
import type { Policy } from './policy.js'
import { isAlways, type Ways, waysOf } from './reach.js'

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
  /** `bound`: only where checks hold that are not about its role. */
  readonly may: 'always' | 'bound' | 'never'
  /** Where to, and by which checks. */
  readonly to: readonly { readonly destination: string; readonly ways: Ways }[]
}

/** Work out what each role may send. */
export function matrixOf(policy: Policy): Matrix {
  const { messages, destinations } = policy.document
  const roles = [...policy.document.roles]
  const rows = messages.map((kind): MatrixRow => {
    const cells = roles.map((role): Cell => {
      const holder = new Set([role])
      const to = destinations.all
        .map((destination) => ({ destination: destination.name, ways: waysOf(policy, holder, kind, destination) }))
        .filter(({ ways }) => ways.length > 0)
      return { may: to.length === 0 ? 'never' : to.some(({ ways }) => isAlways(ways)) ? 'always' : 'bound', to }
    })
    return { type: kind.pattern.text, cells }
  })
  return { roles, rows }
}

/** What a cell says, for people: the checks by which a role may. */
function explanation({ to }: Cell): string {
  return to
    .map(
      ({ destination, ways }) =>
        `${destination}${isAlways(ways) ? '' : `: ${ways.map((way) => way.join(' and ')).join(', or ')}`}`,
    )
    .join('; ')
}

const CELL = 22
const LEFT = 8
const FONT = 12
/** Width of a character of the font at this size, nearly. */
const CHARACTER = 7.3

/**
 * Draw a matrix: a filled disc may always, a ring where more must hold, nothing may not. Every cell says more when it is
 * pointed at.
 */
export function matrixSvg({ roles, rows }: Matrix): string {
  const width = (texts: readonly string[]): number =>
    // Not Math.max(...): there may be more types than a call may have arguments.
    Math.ceil(texts.reduce((most, { length }) => Math.max(most, length), 0) * CHARACTER)
  const left = LEFT + width(rows.map(({ type }) => type)) + 12
  const top = width(roles) + 24
  const [x, y] = [(column: number): number => left + column * CELL, (row: number): number => top + row * CELL]
  const heads = roles.map(
    (role, column) =>
      `<text transform="translate(${x(column) + CELL / 2 + 4} ${top - 8}) rotate(-90)">${escape(role)}</text>`,
  )
  const lines = rows.flatMap(({ type, cells }, row) => [
    ...(row % 2 === 0
      ? [`<rect class="band" x="0" y="${y(row)}" width="${x(roles.length) + LEFT}" height="${CELL}"/>`]
      : []),
    `<text x="${LEFT}" y="${y(row) + CELL - 7}">${escape(type)}</text>`,
    ...cells.flatMap((cell, column) => {
      if (cell.may === 'never') return []
      const title = `<title>${escape(`${roles[column] ?? ''} → ${explanation(cell)}`)}</title>`
      return [
        `<circle class="${cell.may}" cx="${x(column) + CELL / 2}" cy="${y(row) + CELL / 2}" r="6">${title}</circle>`,
      ]
    }),
  ])
  const [w, h] = [x(roles.length) + LEFT, y(rows.length) + 40]
  const legend = `<circle class="always" cx="${LEFT + 6}" cy="${h - 18}" r="6"/><text x="${LEFT + 18}" y="${h - 14}">may send</text><circle class="bound" cx="${LEFT + 106}" cy="${h - 18}" r="6"/><text x="${LEFT + 118}" y="${h - 14}">only as itself</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="which role may send which messages" font-family="ui-monospace, monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .band { fill: #f3f5f8 } .always { fill: #17594a } .bound { fill: #fff; stroke: #b4571b; stroke-width: 3 } rect.page { fill: #fff }
</style>
<rect class="page" width="${w}" height="${h}"/>
${[...heads, ...lines, legend].join('\n')}
</svg>
`
}

/** A matrix as a page that needs nothing else: the picture, and the same as a table. */
export function matrixHtml(matrix: Matrix, title: string): string {
  const { roles, rows } = matrix
  const head = `<tr><th>type</th>${roles.map((role) => `<th>${escape(role)}</th>`).join('')}</tr>`
  const body = rows.map(
    ({ type, cells }) =>
      `<tr><th>${escape(type)}</th>${cells.map((cell) => `<td class="${cell.may}">${escape(explanation(cell))}</td>`).join('')}</tr>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(title)}</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 2rem; color: #1d2733 }
table { border-collapse: collapse; font: 12px ui-monospace, monospace }
th, td { border: 1px solid #d7dde5; padding: 2px 6px; text-align: left; vertical-align: top }
td.always { background: #dcefe9 } td.bound { background: #fbe9dc }
</style>
<h1>${escape(title)}</h1>
${matrixSvg(matrix)}
<h2>In words</h2>
<table>
${[head, ...body].join('\n')}
</table>
</html>
`
}

const MARKS: Readonly<Record<Cell['may'], string>> = { always: '●', bound: '○', never: '·' }

/** The cells of a matrix as text: ● may always, ○ only where more holds, · never. */
export function matrixText({ roles, rows }: Matrix): readonly (readonly string[])[] {
  return [['type', ...roles], ...rows.map(({ type, cells }) => [type, ...cells.map(({ may }) => MARKS[may])])]
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
