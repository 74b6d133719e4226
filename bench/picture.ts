/** Ratios as a picture: a bar for each contender of a row, on a scale of factors, and a line where both are equally fast. */
import type { Row } from './harness.ts'

const MARGIN = 16
const LINE = 20
const BAR = 13
const LABELS = 270
const WIDTH = 420
/** Room behind the longest bar, for its number. */
const NUMBERS = 64
const FONT = 12
const HEAD = 30
const GAP = 24
/** The ends of the scale: what is beyond them stops there. */
const LEAST = 0.25
const MOST = 200

/** Rows without peers are left out. */
export function performanceSvg(rows: readonly Row[]): string {
  const parts = rows.filter(({ ratios }) => Object.keys(ratios).length > 0)
  const width = MARGIN + LABELS + WIDTH + NUMBERS + MARGIN
  let top = MARGIN + HEAD
  const drawn = parts.map((row) => {
    const part = `<g transform="translate(${MARGIN} ${top})">\n${drawRow(row).join('\n')}\n</g>`
    top += HEAD + Object.keys(row.ratios).length * LINE + GAP
    return part
  })
  const height = top - GAP + MARGIN
  const title = 'how many times as fast signet is (logarithmic)'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .title { font-weight: bold } .page { fill: #fff } .faster { fill: #17594a } .slower { fill: #b4571b } .even { stroke: #8a94a3; stroke-width: 1.5; stroke-dasharray: 4 3 } .number { paint-order: stroke; stroke: #fff; stroke-width: 4 }
</style>
<rect class="page" width="${width}" height="${height}"/>
<text class="title" x="${MARGIN}" y="${MARGIN + FONT}">${title}</text>
${drawn.join('\n')}
</svg>
`
}

function drawRow({ name, ratios }: Row): readonly string[] {
  const bars = Object.entries(ratios)
  const even = place(1)
  return [
    `<text class="title" x="0" y="${FONT}">${escape(name)}</text>`,
    ...bars.flatMap(([peer, ratio], index) => {
      const y = HEAD + index * LINE
      const [from, to] = [Math.min(even, place(ratio)), Math.max(even, place(ratio))]
      return [
        `<text x="0" y="${y + BAR - 2}">${escape(peer)}</text>`,
        `<rect class="${ratio < 1 ? 'slower' : 'faster'}" x="${from}" y="${y}" width="${to - from}" height="${BAR}"/>`,
        `<text class="number" x="${to + 6}" y="${y + BAR - 2}">${ratio} ×</text>`,
      ]
    }),
    `<line class="even" x1="${even}" y1="${HEAD - 8}" x2="${even}" y2="${HEAD + bars.length * LINE}"/>`,
  ]
}

/** On a scale of factors, as far as it goes. */
function place(ratio: number): number {
  const within = Math.min(MOST, Math.max(LEAST, ratio))
  return LABELS + Math.round((WIDTH * Math.log(within / LEAST)) / Math.log(MOST / LEAST))
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
