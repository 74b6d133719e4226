/**
 * A matrix as a picture, and as a page.
 *
 * @module policy/matrix-picture (floor 6)
 */
import { type Cell, explain, groupsOf, type Matrix, type MatrixRow } from './matrix.js'

const CELL = 22
const LINE = 18
const MARGIN = 16
const INDENT = 12
const GAP = 36
const FONT = 12
/** Width of a character of the font at this size, nearly: no font that is likely has a wider one. */
const CHARACTER = 7.4
/** Room for the legend, before the heads. */
const LEGEND = { width: 172, height: 44 }
const SLANT = -45
/** More lines than that stand in two halves beside each other: a picture that is not much higher than wide. */
const MAX_LINES = 48

/** A line of the picture: the beginning of a group, or a row of it. */
type Line = { readonly title: string } | { readonly label: string; readonly row: MatrixRow }

/**
 * Draw a matrix: a disc may, a ring only where more holds, nothing may not. Types are grouped by what they begin with.
 * Every mark says more when it is pointed at.
 */
export function matrixSvg(matrix: Matrix): string {
  const { roles } = matrix
  const halves = halvesOf(linesOf(matrix))
  const slanted = Math.ceil(longest(roles) * CHARACTER * Math.SQRT1_2)
  const left = Math.max(Math.ceil(Math.max(...halves.map(widthOfLabels))) + INDENT, LEGEND.width)
  const head = Math.max(slanted + 14, LEGEND.height) + MARGIN
  // The last head leans over the edge.
  const width = left + roles.length * CELL + slanted
  const w = MARGIN + halves.length * width + (halves.length - 1) * GAP + MARGIN
  const h = head + Math.max(...halves.map(({ length }) => length)) * LINE + MARGIN
  const body = halves.map((lines, index) => {
    const x = MARGIN + index * (width + GAP)
    return `<g transform="translate(${x} ${head})">\n${drawHalf(lines, roles, left).join('\n')}\n</g>`
  })
  const legend = [
    `<circle class="always" cx="6" cy="6" r="5.5"/><text x="20" y="10">may send</text>`,
    `<circle class="bound" cx="6" cy="${6 + LINE}" r="4.5"/><text x="20" y="${10 + LINE}">may where more holds</text>`,
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="which role may send which messages" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .title { font-weight: bold } .page { fill: #fff } .band { fill: #f3f5f8 } .guide { stroke: #dde2e9 } .always { fill: #17594a } .bound { fill: #fff; stroke: #b4571b; stroke-width: 2.5 }
</style>
<rect class="page" width="${w}" height="${h}"/>
<g transform="translate(${MARGIN} ${MARGIN})">
${legend.join('\n')}
</g>
${body.join('\n')}
</svg>
`
}

function linesOf(matrix: Matrix): readonly Line[] {
  return groupsOf(matrix).flatMap(({ prefix, rows }): readonly Line[] => [
    ...(prefix === '' ? [] : [{ title: prefix }]),
    ...rows.map((row) => ({ label: row.type.slice(prefix.length), row })),
  ])
}

/** One half, or two. A group that is cut goes on under its title. */
function halvesOf(lines: readonly Line[]): readonly (readonly Line[])[] {
  if (lines.length <= MAX_LINES) return [lines]
  const middle = Math.ceil(lines.length / 2)
  // No title stands alone at the end.
  const cut = 'title' in (lines[middle - 1] ?? {}) ? middle - 1 : middle
  const [first, second] = [lines.slice(0, cut), lines.slice(cut)]
  const title = first.findLast((line) => 'title' in line)
  const isCut = title !== undefined && second[0] !== undefined && !('title' in second[0])
  return [first, isCut ? [{ title: `${title.title} …` }, ...second] : second]
}

function longest(texts: readonly string[]): number {
  // Not Math.max(...): there may be more rows than a call may have arguments.
  return texts.reduce((width, text) => Math.max(width, text.length), 0)
}

function widthOfLabels(lines: readonly Line[]): number {
  const labels = lines.map((line) => ('title' in line ? line.title : `  ${line.label}`))
  return longest(labels) * CHARACTER
}

function drawHalf(lines: readonly Line[], roles: readonly string[], left: number): readonly string[] {
  const center = (column: number): number => left + column * CELL + CELL / 2
  const heads = roles.flatMap((role, column) => [
    `<text transform="translate(${center(column) + 3} -8) rotate(${SLANT})">${escape(role)}</text>`,
    `<line class="guide" x1="${center(column)}" y1="-4" x2="${center(column)}" y2="${lines.length * LINE}"/>`,
  ])
  const bands: string[] = []
  const marks = lines.flatMap((line, index) => {
    const y = index * LINE
    if ('title' in line) return [`<text class="title" x="0" y="${y + 13}">${escape(line.title)}</text>`]
    if (index % 2 === 0) {
      bands.push(`<rect class="band" x="0" y="${y}" width="${left + roles.length * CELL}" height="${LINE}"/>`)
    }
    return [
      `<text x="${INDENT}" y="${y + 13}">${escape(line.label)}</text>`,
      ...line.row.cells.flatMap((cell, column) => drawCell(cell, roles[column] ?? '', center(column), y + LINE / 2)),
    ]
  })
  // What is drawn later lies above.
  return [...bands, ...heads, ...marks]
}

function drawCell(cell: Cell, role: string, x: number, y: number): readonly string[] {
  if (cell.may === 'never') return []
  const title = `<title>${escape(`${role} → ${explain(cell).join('; ')}`)}</title>`
  return [`<circle class="${cell.may}" cx="${x}" cy="${y}" r="${cell.may === 'always' ? 5.5 : 4.5}">${title}</circle>`]
}

/** A matrix as a page that needs nothing else: the picture, and the same in words. */
export function matrixHtml(matrix: Matrix, title: string): string {
  const { roles } = matrix
  const head = `<tr><th>type</th>${roles.map((role) => `<th>${escape(role)}</th>`).join('')}</tr>`
  const body = groupsOf(matrix).flatMap(({ prefix, rows }) => [
    ...(prefix === '' ? [] : [`<tr class="group"><th colspan="${roles.length + 1}">${escape(prefix)}</th></tr>`]),
    ...rows.map(
      ({ type, cells }) => `<tr><th>${escape(type.slice(prefix.length))}</th>${cells.map(tableCell).join('')}</tr>`,
    ),
  ])
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>
body { background: #fff; color: #1d2733; font: 14px system-ui, sans-serif; margin: 2rem }
svg { height: auto; max-width: 100% }
table { border-collapse: collapse; font: 12px ui-monospace, monospace }
th, td { border: 1px solid #d7dde5; padding: 3px 8px; text-align: left; vertical-align: top }
thead th { background: #fff; position: sticky; top: 0 }
tbody th { font-weight: normal; white-space: nowrap }
tr.group th { background: #f3f5f8; font-weight: bold }
td.always, td.bound { min-width: 24ch }
td.always { background: #dcefe9 } td.bound { background: #fbe9dc }
</style>
<h1>${escape(title)}</h1>
${matrixSvg(matrix)}
<h2>In words</h2>
<table>
<thead>
${head}
</thead>
<tbody>
${body.join('\n')}
</tbody>
</table>
</html>
`
}

function tableCell(cell: Cell): string {
  return `<td class="${cell.may}">${explain(cell).map(escape).join('<br>')}</td>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
