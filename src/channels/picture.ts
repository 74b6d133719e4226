/**
 * A plan as a picture: a row for each channel, from who asks to who answers; lines say what is encrypted, boxes who
 * decrypts it.
 *
 * @module channels/picture (floor 7.3)
 */
import type { Deployment, Endpoint } from './document.js'
import type { ChannelPlan, PlannedChannel, PlannedHop } from './plan.js'

const BOX = { width: 176, height: 58 }
const GAP = 164
const MARGIN = 20
/** Room for the legend. */
const HEAD = 58
/** Title, frame of the machine, box, and the name of the machine below. */
const ROW = 128
const TITLE = 16
const FRAME = 9
const FONT = 12

/** Draw the channels of a plan. Every line says more when it is pointed at. */
export function channelsSvg(plan: ChannelPlan, deployment: Deployment): string {
  const hops = Math.max(...plan.channels.map((channel) => channel.hops.length))
  const w = 2 * MARGIN + (hops + 1) * BOX.width + hops * GAP
  const h = MARGIN + HEAD + plan.channels.length * ROW
  const rows = plan.channels.map(
    (channel, index) =>
      `<g transform="translate(${MARGIN} ${HEAD + MARGIN + index * ROW})">\n${drawChannel(channel, deployment).join('\n')}\n</g>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="the channels of a deployment, and where each is decrypted" font-family="ui-monospace, 'DejaVu Sans Mono', monospace" font-size="${FONT}">
<style>
text { fill: #1d2733 } .title { font-weight: bold } .small { font-size: 10.5px; fill: #55616f } .page { fill: #fff } .host { fill: none; stroke: #9aa5b1; stroke-dasharray: 2 3 } .opens { fill: #dcefe9; stroke: #17594a; stroke-width: 1.5 } .carries { fill: #fff; stroke: #17594a; stroke-dasharray: 5 4 } .asks { fill: #f3f5f8; stroke: #55616f } .encrypted { stroke: #17594a; stroke-width: 3.5 } .local { stroke: #b4571b; stroke-width: 2; stroke-dasharray: 6 4 } .hole { stroke: #c01c28; stroke-width: 3.5; stroke-dasharray: 6 4 }
</style>
<rect class="page" width="${w}" height="${h}"/>
${legend().join('\n')}
${rows.join('\n')}
</svg>
`
}

function legend(): readonly string[] {
  const lines = [
    ['encrypted', 'encrypted'],
    ['local', 'clear, inside one machine'],
    ['hole', 'clear, on a network'],
  ].flatMap(([name = '', text = ''], index) => {
    const x = MARGIN + index * 210
    return [
      `<line class="${name}" x1="${x}" y1="${MARGIN}" x2="${x + 26}" y2="${MARGIN}"/>`,
      `<text class="small" x="${x + 34}" y="${MARGIN + 4}">${text}</text>`,
    ]
  })
  const boxes = [
    ['opens', 'decrypts'],
    ['carries', 'carries on unopened'],
  ].flatMap(([name = '', text = ''], index) => {
    const x = MARGIN + index * 210
    return [
      `<rect class="${name}" x="${x}" y="${MARGIN + 14}" width="26" height="13" rx="3"/>`,
      `<text class="small" x="${x + 34}" y="${MARGIN + 25}">${text}</text>`,
    ]
  })
  return [...lines, ...boxes]
}

const left = (column: number): number => column * (BOX.width + GAP)

function drawChannel({ name, protocol, hops, decryptedAt }: PlannedChannel, deployment: Deployment): readonly string[] {
  const names = [...hops.slice(0, 1).map(({ from }) => from), ...hops.map(({ to }) => to)]
  const ends = names.flatMap((end) => deployment.endpoints.get(end) ?? [])
  return [
    `<text class="title" x="0" y="0">${escape(name)}</text>`,
    `<text class="small" x="${name.length * 7.4 + 10}" y="0">${escape(protocol)}</text>`,
    ...machines(ends),
    ...hops.flatMap(drawHop),
    ...ends.flatMap((end, column) => drawEnd(end, column, hops[column - 1], decryptedAt.includes(end.name))),
  ]
}

/** A frame around what is on one machine. */
function machines(ends: readonly Endpoint[]): readonly string[] {
  const frames: string[] = []
  for (let column = 0, end = 1; column < ends.length; column = end) {
    const host = ends[column]?.host
    for (end = column + 1; host !== undefined && ends[end]?.host === host;) end++
    if (host === undefined) continue
    const [x, width] = [left(column) - FRAME, left(end - 1) - left(column) + BOX.width + 2 * FRAME]
    frames.push(
      `<rect class="host" x="${x}" y="${TITLE - FRAME}" width="${width}" height="${BOX.height + 2 * FRAME}" rx="8"/>`,
      `<text class="small" x="${x + 6}" y="${TITLE + BOX.height + FRAME + 13}">${escape(host)}</text>`,
    )
  }
  return frames
}

function drawHop(hop: PlannedHop, column: number): readonly string[] {
  const [from, to, y] = [left(column) + BOX.width, left(column + 1), TITLE + BOX.height / 2]
  const name = hop.encrypted ? 'encrypted' : hop.network === 'host-local' ? 'local' : 'hole'
  const middle = (from + to) / 2
  const label = (text: string, at: number): string =>
    `<text class="small" x="${middle}" y="${at}" text-anchor="middle">${escape(text)}</text>`
  return [
    `<line class="${name}" x1="${from}" y1="${y}" x2="${to}" y2="${y}"><title>${escape(wordsOf(hop))}</title></line>`,
    label(
      `${hop.tls === 'passthrough' ? 'TLS' : hop.tls} · ${hop.network === 'host-local' ? 'this machine' : hop.zone}`,
      y - 8,
    ),
    ...(hop.serverCertificate === undefined ? [] : [label(`trust: ${hop.serverCertificate.domain}`, y + 16)]),
    ...(hop.hostName === undefined ? [] : [label(hop.hostName, y + 29)]),
  ]
}

function drawEnd(
  { name, kind }: Endpoint,
  column: number,
  hop: PlannedHop | undefined,
  opens: boolean,
): readonly string[] {
  const [x, role] = [left(column), hop === undefined ? 'asks' : opens ? 'opens' : 'carries']
  const at = (text: string, y: number, style: string): string =>
    `<text class="${style}" x="${x + 10}" y="${TITLE + y}">${escape(text)}</text>`
  return [
    `<rect class="${role}" x="${x}" y="${TITLE}" width="${BOX.width}" height="${BOX.height}" rx="6"/>`,
    at(name, 18, 'title'),
    at(kind ?? (hop === undefined ? 'client' : 'service'), 33, 'small'),
    ...(hop === undefined
      ? []
      : [at(hop.places.length > 1 ? `${hop.places.length} machines` : (hop.places[0] ?? ''), 48, 'small')]),
  ]
}

function wordsOf({ from, to, tls, encrypted, decryptedAt, clientCertificate, hostName }: PlannedHop): string {
  if (!encrypted) return `${from} → ${to}: ${tls}`
  const who = clientCertificate === undefined ? 'shows no certificate' : `shows one of ${clientCertificate.domain}`
  return `${from} → ${to}: decrypted at ${decryptedAt ?? to}, which is known as ${hostName ?? 'nobody'}; the client ${who}`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
