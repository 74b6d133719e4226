/**
 * Redis, NATS, MQTT, AMQP 0-9-1: the first exchange that only those get who were let in.
 *
 * @module probe/ask-brokers (floor 7.3)
 */
import { randomBytes } from 'node:crypto'
import { type Answer, type Asking, askedForMore, letIn, refused } from './answer.js'
import type { Talk } from './talk.js'

/** PING, then ACL WHOAMI, which versions before 6 do not know. */
export async function askRedis(talk: Talk): Promise<Answer> {
  talk.write('PING\r\n')
  const pong = await talk.line()
  if (/^-(?:NOAUTH|WRONGPASS)/.test(pong)) return askedForMore(pong.slice(1))
  if (pong.startsWith('-')) return refused(pong.slice(1))
  if (pong !== '+PONG') return refused('an answer that is none of the protocol')
  talk.write('ACL WHOAMI\r\n')
  const line = await talk.line()
  return letIn('PONG', line.startsWith('$') && line !== '$-1' ? await talk.line() : undefined)
}

/** CONNECT without a user: only the certificate speaks. */
export async function askNats(talk: Talk, { channel }: Asking): Promise<Answer> {
  if (channel === 'clear') await talk.lineLike(/^INFO /)
  const words = { verbose: false, pedantic: false, tls_required: channel !== 'clear', lang: 'signet', version: '1' }
  talk.write(`CONNECT ${JSON.stringify(words)}\r\nPING\r\n`)
  const answer = await talk.lineLike(/^(?:PONG|-ERR)/)
  if (answer !== 'PONG') return refused(answer.slice(5).replaceAll("'", ''))
  const inbox = `_INBOX.${randomBytes(8).toString('hex')}`
  talk.write(`SUB ${inbox} 1\r\nPUB $SYS.REQ.USER.INFO ${inbox} 0\r\n\r\nPING\r\n`)
  // Who may not ask that is told so; servers before 2.10 say nothing.
  const told = await talk.lineLike(/^(?:PONG|MSG |HMSG |-ERR)/)
  const user = told.startsWith('MSG ') ? /"user":\s*"((?:[^"\\]|\\.)*)"/.exec(await talk.line())?.[1] : undefined
  return letIn('PONG', user)
}

/** MQTT 3.1.1 §3.2.2.3. */
const CONNACK: readonly string[] = [
  'accepted',
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad user name or password',
  'not authorized',
]

export async function askMqtt(talk: Talk): Promise<Answer> {
  const id = Buffer.from(`probe-${randomBytes(6).toString('hex')}`)
  const variable = Buffer.concat([
    Buffer.of(0, 4),
    Buffer.from('MQTT'),
    // Version 3.1.1, a clean session, a keep-alive of 30 seconds.
    Buffer.of(4, 2, 0, 30, 0, id.length),
    id,
  ])
  talk.write(Buffer.concat([Buffer.of(0x10, variable.length), variable]))
  const [kind, , , code = 255] = await talk.octets(4)
  if (kind !== 0x20) return refused('an answer that is none of the protocol')
  const said = `CONNACK ${code}: ${CONNACK[code] ?? 'unknown'}`
  talk.write(Uint8Array.of(0xe0, 0))
  return code === 0 ? letIn(said) : refused(said)
}

const CONNECTION = 10
const START = 10
const START_OK = 11
const TUNE = 30
const CLOSE = 50

/** AMQP 0-9-1 §2.2.4: the server begins; we say EXTERNAL; who is let in is told how large frames may be. */
export async function askAmqp(talk: Talk): Promise<Answer> {
  talk.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'))
  for (;;) {
    const { classId, methodId, body } = await readMethod(talk)
    if (classId !== CONNECTION) return refused('an answer that is none of the protocol')
    if (methodId === TUNE) return letIn('logged in by EXTERNAL')
    if (methodId === CLOSE) return refused(`${body.readUInt16BE(0)} ${shortText(body, 2)}`)
    if (methodId !== START) return refused('an answer that is none of the protocol')
    const mechanisms = longText(body, 2 + 4 + body.readUInt32BE(2))
    if (!mechanisms.split(' ').includes('EXTERNAL')) return askedForMore(`a login is asked for: ${mechanisms}`)
    talk.write(startOk())
  }
}

async function readMethod(talk: Talk): Promise<{ classId: number; methodId: number; body: Buffer }> {
  const head = await talk.octets(7)
  const payload = await talk.octets((head[0] === 0x41 ? 0 : head.readUInt32BE(3)) + 1)
  if (head[0] !== 1 || payload.length < 8) return { classId: 0, methodId: 0, body: Buffer.alloc(0) }
  return { classId: payload.readUInt16BE(0), methodId: payload.readUInt16BE(2), body: payload.subarray(4, -1) }
}

const short = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])
const long = (content: Buffer): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([length, content])
}

/** EXTERNAL, an empty response, a locale; and that we would like to be told of a refusal, as RabbitMQ offers. */
function startOk(): Buffer {
  const told = Buffer.concat([short('authentication_failure_close'), Buffer.from('t\x01')])
  const properties = Buffer.concat([short('capabilities'), Buffer.from('F'), long(told)])
  const words = [long(properties), short('EXTERNAL'), long(Buffer.alloc(0)), short('en_US')]
  const body = Buffer.concat([Buffer.of(0, CONNECTION, 0, START_OK), ...words])
  // A frame of a method, on channel 0.
  return Buffer.concat([Buffer.of(1, 0, 0), long(body), Buffer.of(0xce)])
}

function shortText(body: Buffer, at: number): string {
  return body.subarray(at + 1, at + 1 + (body[at] ?? 0)).toString('utf8')
}

function longText(body: Buffer, at: number): string {
  return at + 4 > body.length ? '' : body.subarray(at + 4, at + 4 + body.readUInt32BE(at)).toString('utf8')
}
