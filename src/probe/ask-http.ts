/**
 * HTTP/1.1: one GET, and whom the answer says that it is for.
 *
 * @module probe/ask-http (floor 7.3)
 */
import { isSignetError } from '../errors/index.js'
import { jsonAt, parseStrictJson } from '../json/index.js'
import { type Answer, type Ask, askedForMore } from './answer.js'
import type { Talk } from './talk.js'
import type { IdentityPlace } from './target.js'

export type Header = readonly [name: string, value: string]

/**
 * 400: nginx says so to whom it would refuse in the handshake (495, 496 inside). 421: the certificate is for another host.
 * 426: TLS wanted. A redirection is an answer like any other: to a login, perhaps, but not by certificate.
 */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 421, 426, 495, 496])
/** Another proof is wanted besides. */
const MORE: ReadonlySet<number> = new Set([401, 407])

/** @param headers - Sent besides. */
export function askHttp(headers: readonly Header[] = []): Ask {
  return async (talk, { question, host, channel }) => {
    const { path = '/', identity } = question
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'User-Agent: signet-probe',
      'Accept: */*',
      'Connection: close',
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ]
    talk.write(`${lines.join('\r\n')}\r\n\r\n`)
    const answer = await readAnswer(talk)
    if (answer === undefined) return { standing: 'refused', said: 'an answer that is not HTTP' }
    const to = answer.headers.find(([name]) => name === 'location')?.[1] ?? ''
    // Who is sent to TLS got nothing without it.
    if (channel === 'clear' && answer.status >= 300 && answer.status < 400 && /^https:/i.test(to)) {
      return { standing: 'refused', said: `HTTP ${answer.status}: come by TLS` }
    }
    return judge(answer, identity)
  }
}

interface HttpAnswer {
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: string
}

function judge({ status, headers, body }: HttpAnswer, place: IdentityPlace | undefined): Answer {
  const said = `HTTP ${status}`
  if (REFUSALS.has(status)) {
    // nginx, of a certificate that it does not take.
    const why = /<title>\d{3} ([^<]{1,80})<\/title>/.exec(body)?.[1]
    return { standing: 'refused', said: why === undefined ? said : `${said} ${why}` }
  }
  if (MORE.has(status)) return askedForMore(said)
  const who = place === undefined ? undefined : identityIn(headers, body, place)
  const whole = `${headers.map((header) => header.join(': ')).join('\n')}\n\n${body}`
  return { standing: 'let-in', said, whole, ...(who === undefined ? {} : { identity: who }) }
}

function identityIn(headers: readonly Header[], body: string, place: IdentityPlace): string | undefined {
  if ('header' in place) {
    const values = headers
      .filter(([name]) => name.toLowerCase() === place.header.toLowerCase())
      .map(([, value]) => value)
    return values.length === 0 || values.join('') === '' ? undefined : values.join(', ')
  }
  try {
    const value = jsonAt(parseStrictJson(body), place.json)
    return typeof value === 'string' ? value : value === undefined ? undefined : JSON.stringify(value)
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

async function readAnswer(talk: Talk): Promise<HttpAnswer | undefined> {
  for (;;) {
    const head = (await talk.take(headLength)).toString('latin1')
    const [first = '', ...lines] = head.split(/\r?\n/)
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1] ?? Number.NaN)
    if (Number.isNaN(status)) return undefined
    if (status < 200) continue
    const headers = lines.flatMap((line): readonly Header[] => {
      const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value]]
    })
    return { status, headers, body: await readBody(talk, new Map(headers)) }
  }
}

/** What is no HTTP is seen at once, not at the end of a header that never ends. */
function headLength(heard: Buffer): number | undefined {
  const start = heard.subarray(0, 5).toString('latin1')
  if (!'HTTP/'.startsWith(start)) return heard.length
  const end = /\r?\n\r?\n/.exec(heard.toString('latin1'))
  return end === null ? undefined : end.index + end[0].length
}

async function readBody(talk: Talk, headers: ReadonlyMap<string, string>): Promise<string> {
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
    return dechunked(
      (await talk.rest((heard) => /(?:^|\n)0\r?\n\r?\n$/.test(heard.toString('latin1')))).toString('utf8'),
    )
  }
  const length = headers.get('content-length')
  const isWhole = (heard: Buffer): boolean => length !== undefined && heard.length >= Number(length)
  return (await talk.rest(isWhole)).toString('utf8')
}

function dechunked(text: string): string {
  const octets = Buffer.from(text)
  const pieces: Buffer[] = []
  let position = 0
  for (;;) {
    const end = octets.indexOf('\n', position)
    const length = end < 0 ? 0 : Number.parseInt(octets.subarray(position, end).toString('latin1'), 16)
    if (!(length > 0)) return Buffer.concat(pieces).toString('utf8')
    pieces.push(octets.subarray(end + 1, end + 1 + length))
    position = octets.indexOf('\n', end + 1 + length) + 1
    if (position === 0) return Buffer.concat(pieces).toString('utf8')
  }
}
