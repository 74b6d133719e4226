/**
 * Sizes as a picture: bars of medians, and a line where Kite's envelope is.
 *
 * @module compare/sizes-picture (floor 7.2)
 */
import { KITE_OCTETS } from './kite-sizes.js'
import type { MeasuredForm, SizeComparison } from './sizes.js'

const MARGIN = 16
const LINE = 20
const BAR = 13
const LABELS = 400
const WIDTH = 480
/** Room behind the longest bar, for its number. */
const NUMBERS = 64
const FONT = 12
/** Width of a character of the font at this size, nearly. */
const CHARACTER = 7.4
/** Of the heading of a part, and of the words at its line. */
const HEAD = 44
const GAP = 24

interface Part {
  readonly title: string
  readonly bars: readonly Bar[]
}

interface Bar {
  readonly label: string
  readonly octets: number
  readonly system: MeasuredForm['system']
}

/** Draw two parts: each form by the first algorithm, beside shared keys; and the default form by each algorithm. */
export function sizesSvg({ messages, forms }: SizeComparison): string {
  const [first] = forms
  const byFirst = forms.filter(({ algorithm }) => algorithm === first?.algorithm || algorithm === undefined)
  const byDefault = forms.filter(({ form }) => form === first?.form)
  const parts: readonly Part[] = [
    {
      title: `octets beside the payload, by form, ${first?.algorithm ?? ''}: median of ${messages} messages`,
      bars: byFirst.map(({ title, overhead, system }) => ({ label: title, octets: overhead.median, system })),
    },
    {
      title: `by algorithm: ${first?.title ?? ''}`,
      bars: byDefault.map(({ algorithm, overhead, system }) => ({
        label: algorithm ?? '',
        octets: overhead.median,
        system,
      })),
    },
  ]
  const w = MARGIN + LABELS + WIDTH + NUMBERS + MARGIN
  const drawn = [`<g transform="translate(${MARGIN} ${MARGIN})">\n${drawLegend().join('\n')}\n</g>`]
  let top = MARGIN + BAR + GAP
  for (const part of parts) {
    drawn.push(`<g transform="translate(${MARGIN} ${top})">\n${drawPart(part).join('\n')}\n</g>`)
    top += HEAD + part.bars.length * LINE + GAP
  }
  const height = top - GAP + MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${height}" width="${w}" height="${height}" role="img" aria-label="how many octets protection adds to a message" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .title { font-weight: bold } .page { fill: #fff } .signet { fill: #17594a } .cms { fill: #7fb3a5 } .jws, .cose { fill: #8a94a3 } .kite { fill: #b4571b } .limit { stroke: #b4571b; stroke-width: 1.5; stroke-dasharray: 4 3 } .word { fill: #b4571b } .number { paint-order: stroke; stroke: #fff; stroke-width: 4 }
</style>
<rect class="page" width="${w}" height="${height}"/>
${drawn.join('\n')}
</svg>
`
}

function drawPart({ title, bars }: Part): readonly string[] {
  const most = Math.max(KITE_OCTETS, ...bars.map(({ octets }) => octets))
  const x = (octets: number): number => LABELS + Math.round((WIDTH * octets) / most)
  const limit = x(KITE_OCTETS)
  return [
    `<text class="title" x="0" y="${FONT}">${escape(title)}</text>`,
    `<text class="word" x="${limit + 4}" y="${HEAD - 8}">Kite: ${KITE_OCTETS}</text>`,
    ...bars.flatMap(({ label, octets, system }, index) => {
      const y = HEAD + index * LINE
      return [
        `<text x="0" y="${y + BAR - 2}">${escape(label)}</text>`,
        `<rect class="${system}" x="${LABELS}" y="${y}" width="${x(octets) - LABELS}" height="${BAR}"/>`,
      ]
    }),
    `<line class="limit" x1="${limit}" y1="${HEAD - 18}" x2="${limit}" y2="${HEAD + bars.length * LINE - LINE + BAR}"/>`,
    // Above the line, with a rim that keeps it off them.
    ...bars.map(({ octets }, index) => {
      const y = HEAD + index * LINE + BAR - 2
      return `<text class="number" x="${x(octets) + 6}" y="${y}">${octets}</text>`
    }),
  ]
}

const LEGEND: readonly (readonly [system: MeasuredForm['system'], words: string])[] = [
  ['signet', 'signet'],
  ['cms', 'CMS that signet does not send'],
  ['jws', 'JWS, COSE'],
  ['kite', 'Kite'],
]

function drawLegend(): readonly string[] {
  let x = 0
  return LEGEND.flatMap(([system, words]) => {
    const start = x
    x += 20 + words.length * CHARACTER + GAP
    return [
      `<rect class="${system}" x="${Math.round(start)}" y="0" width="${BAR}" height="${BAR}"/>`,
      `<text x="${Math.round(start) + 20}" y="${BAR - 2}">${words}</text>`,
    ]
  })
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
