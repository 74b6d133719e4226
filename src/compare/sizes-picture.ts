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
  const [w, drawn, h] = [MARGIN + LABELS + WIDTH + NUMBERS + MARGIN, [] as string[], { top: MARGIN }]
  for (const part of parts) {
    drawn.push(`<g transform="translate(${MARGIN} ${h.top})">\n${drawPart(part).join('\n')}\n</g>`)
    h.top += HEAD + part.bars.length * LINE + GAP
  }
  const height = h.top - GAP + MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${height}" width="${w}" height="${height}" role="img" aria-label="how many octets protection adds to a message" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .title { font-weight: bold } .page { fill: #fff } .signet { fill: #17594a } .cms { fill: #7fb3a5 } .jws, .cose { fill: #8a94a3 } .kite { fill: #b4571b } .limit { stroke: #b4571b; stroke-width: 1.5; stroke-dasharray: 4 3 } .word { fill: #b4571b }
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
        `<text x="${x(octets) + 6}" y="${y + BAR - 2}">${octets}</text>`,
      ]
    }),
    `<line class="limit" x1="${limit}" y1="${HEAD - 18}" x2="${limit}" y2="${HEAD + bars.length * LINE - LINE + BAR}"/>`,
  ]
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
