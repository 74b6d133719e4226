import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../src/probe/attempt.js'
import { dial, type Line } from '../../src/probe/dial.js'
import {
  type PreludeName,
  PRELUDES,
  type ProbeTarget,
  probeServer,
  type QuestionName,
  QUESTIONS,
  servedCertificate,
} from '../../src/probe/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { clients, fakeHttps, fakeTls, listening, options, server } from './fakes.js'
import { notOk } from './rows.js'
import { fakeClear, fakeProtocol, fakeWithoutTls, SPEAK, type Taken } from './protocols.js'

const good = { client: clients.good }
const lineTo = (target: ProbeTarget, protocol: QuestionName, milliseconds = 20_000): Line => ({
  target,
  question: { protocol },
  user: 'compute-07',
  milliseconds,
})

/** With more and more time, until there was a handshake: how long one takes is nothing to claim. */
async function patiently(tryFor: (milliseconds: number) => Promise<Attempt>): Promise<Attempt> {
  for (const milliseconds of [200, 1000, 5000]) {
    const attempt = await tryFor(milliseconds)
    if (attempt.protocol !== undefined) return attempt
  }
  return tryFor(20_000)
}

const spoken = QUESTIONS.filter((name) => name !== 'http' && name !== 'raw')
const preluded = new Set<string>(['postgres', 'mysql', 'nats'])
const preludeOf = (name: QuestionName): PreludeName | undefined =>
  preluded.has(name) ? PRELUDES.find((prelude) => prelude === name) : undefined
const withPrelude = (target: ProbeTarget, starttls: PreludeName | undefined): ProbeTarget =>
  starttls === undefined ? target : { ...target, starttls }

/** Those that say for whom they take a client. */
const telling = new Set<string>(['redis', 'postgres', 'mysql', 'nats', 'ldap'])
/** Where a login by password cannot be told from a refusal. */
const curt = new Set<string>(['mysql', 'nats', 'mqtt', 'ldap'])

describe('each question', () => {
  it.each(spoken)('%s: is answered to who is let in, with whom the server takes them for', async (name) => {
    const starttls = preludeOf(name)
    const { target } = await fakeProtocol(SPEAK[name], () => ({ as: 'svc-compute' }), starttls)
    const attempt = await dial(lineTo(withPrelude(target, starttls), name), good)
    expect(attempt).toMatchObject({ outcome: 'let-in', stage: 'application', protocol: 'TLSv1.3' })
    expect(attempt.identity).toBe(telling.has(name) ? 'svc-compute' : undefined)
  })

  it.each(spoken)('%s: is refused to who is not, in the handshake and after it', async (name) => {
    const starttls = preludeOf(name)
    const strict = await fakeProtocol(SPEAK[name], () => ({ as: 'somebody' }), starttls)
    const none = await dial(lineTo(withPrelude(strict.target, starttls), name), {})
    expect(none).toMatchObject({ outcome: 'refused', stage: 'tls' })
    const lax = { rejectUnauthorized: false }
    const late = await fakeProtocol(SPEAK[name], () => 'nobody', starttls, lax)
    const told = await dial(lineTo(withPrelude(late.target, starttls), name), {})
    expect(told).toMatchObject({ outcome: 'refused', stage: 'application' })
    expect(told.said).not.toBe('')
  })

  it.each(spoken)('%s: says whether it is a password that is missing', async (name) => {
    const starttls = preludeOf(name)
    const { target } = await fakeProtocol(SPEAK[name], () => 'password', starttls)
    const { outcome } = await dial(lineTo(withPrelude(target, starttls), name), good)
    expect(outcome).toBe(curt.has(name) ? 'refused' : 'asked-for-more')
  })

  it.each(spoken)('%s: is answered in clear text by who speaks it', async (name) => {
    const { target } = await fakeClear(SPEAK[name], { as: 'somebody' })
    expect(await dial(lineTo(target, name), { channel: 'clear' })).toMatchObject({ outcome: 'let-in' })
    const refusing = await fakeClear(SPEAK[name], 'nobody')
    expect(await dial(lineTo(refusing.target, name), { channel: 'clear' })).toMatchObject({ outcome: 'refused' })
  })

  it.each([...QUESTIONS])('%s: is not taken for answered by noise, silence or a flood', async (name) => {
    const noisy = await fakeTls((socket) => socket.end(Buffer.alloc(200, 0xfd)), { rejectUnauthorized: false })
    const noise = await dial(lineTo(noisy.target, name), good)
    expect(noise.outcome).toBe(name === 'raw' ? 'let-in' : 'refused')
    const silent = await fakeTls(() => undefined)
    const silence = await patiently((limit) => dial(lineTo(silent.target, name, limit), good))
    expect(silence.outcome).toBe(name === 'raw' ? 'let-in' : 'silent')
    const flood = await fakeTls((socket) => socket.write(Buffer.alloc(200_000, 'x')))
    const drowned = await patiently((limit) => dial(lineTo(flood.target, name, limit), good))
    expect(drowned.outcome === 'let-in').toBe(name === 'raw')
  })
})

describe('raw', () => {
  it('is what is heard, or that nothing is, after a handshake that the server did not break off', async () => {
    const { target } = await fakeTls(() => undefined)
    const kept = await patiently((limit) => dial(lineTo(target, 'raw', limit), good))
    expect(kept).toMatchObject({ outcome: 'let-in', said: 'the connection stays, though nothing is said' })
    expect(await dial(lineTo(target, 'raw'), {})).toMatchObject({ outcome: 'refused', stage: 'tls' })
    const clear = await dial(lineTo(target, 'raw', 1000), { channel: 'clear' })
    expect(clear.outcome).not.toBe('let-in')
  })
})

describe('http', () => {
  it('is judged by its status, whatever the form of the body', async () => {
    const answers = [
      ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'let-in'],
      ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\n\r\n', 'let-in'],
      ['HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n', 'let-in'],
      ['HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n', 'asked-for-more'],
      ['HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n', 'refused'],
      ['HTTP/1.1 400 Bad\r\n\r\n<title>400 No required SSL certificate was sent</title>', 'refused'],
      ['SSH-2.0-OpenSSH\r\n', 'refused'],
    ] as const
    for (const [answer, outcome] of answers) {
      const { target } = await fakeTls((socket) => socket.once('data', () => socket.end(answer)))
      expect(await dial(lineTo(target, 'http'), good), answer).toMatchObject({ outcome })
    }
  })

  it('is not answered in clear text by who sends everybody to TLS', async () => {
    const to = async (location: string): Promise<string> => {
      const answer = `HTTP/1.1 301 Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`
      const { target } = await listening(createServer((socket) => socket.once('data', () => socket.end(answer))))
      return (await dial(lineTo(target, 'http'), { channel: 'clear' })).outcome
    }
    expect(await to('https://api.cloud.example/')).toBe('refused')
    expect(await to('/login')).toBe('let-in')
  })

  it('tells what nginx says of a certificate', async () => {
    const body = '<html><head><title>400 The SSL certificate error</title></head></html>'
    const { target } = await fakeTls((socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 400 Bad\r\n\r\n${body}`)),
    )
    expect((await dial(lineTo(target, 'http'), good)).said).toBe('HTTP 400 The SSL certificate error')
  })

  it('reports no identity that is not there', async () => {
    for (const identity of [{ header: 'x-other' }, { json: ['you', 'were'] }, { json: ['you'] }]) {
      const { target } = await fakeHttps()
      const line = { ...lineTo(target, 'http'), question: { protocol: 'http', identity } as const }
      const found = (await dial(line, good)).identity
      expect(found).toBe('json' in identity && identity.json.length === 1 ? '{"are":"compute-07"}' : undefined)
    }
  })
})

describe('preludes', () => {
  it.each([...PRELUDES])('%s: leads to the certificate', async (starttls) => {
    const { target } = await fakeProtocol(SPEAK[starttls], () => ({ as: 'x' }), starttls)
    const { certificate } = await servedCertificate({ ...target, starttls })
    expect(certificate.fingerprint).toBe(server.certificate.fingerprint)
  })

  it.each([...PRELUDES])('%s: says that there is no TLS', async (starttls) => {
    const { target } = await fakeWithoutTls(starttls)
    await expectCodeAsync('ERR_TLS_HANDSHAKE', () => servedCertificate({ ...target, starttls }))
    const attempt = await dial(lineTo({ ...target, starttls }, starttls), good)
    expect(attempt).toMatchObject({ outcome: 'failed', stage: 'prelude' })
  })

  it('takes nothing that was said before TLS for what was said by it', async () => {
    const { target } = await listening(
      createServer((socket) => {
        socket.on('error', () => undefined)
        socket.once('data', () => socket.write('S+OK injected\r\n'))
      }),
    )
    const refusal = await expectCodeAsync('ERR_TLS_HANDSHAKE', () =>
      servedCertificate({ ...target, starttls: 'postgres' }),
    )
    expect(refusal.message).toContain('says more before the TLS handshake')
  })
})

describe('probeServer: other protocols', () => {
  const taken = (): Taken => ({ as: 'svc-compute' })

  it('requirement 75: finds that a broker lets in whoever has no certificate', async () => {
    const { target } = await fakeProtocol(SPEAK.mqtt, taken, undefined, { rejectUnauthorized: false })
    const rows = await probeServer(target, { good: clients.good }, { ...options, question: { protocol: 'mqtt' } })
    expect(notOk(rows)).toMatchObject({ none: 'hole', 'self-signed': 'hole', 'foreign-ca': 'hole' })
    expect(rows.some((row) => row.case.startsWith('spoofed'))).toBe(false)
  })

  it('finds one that takes a password of anybody, where the good client is asked for one as well', async () => {
    const { target } = await fakeProtocol(SPEAK.redis, () => 'password', undefined, { crl: [] })
    const rows = await probeServer(target, clients, { ...options, question: { protocol: 'redis' } })
    expect(notOk(rows)).toEqual({ revoked: 'hole', unmapped: 'hole' })
    expect(rows.find((row) => row.case === 'good')?.happened).toBe('let through: NOAUTH Authentication required.')
  })

  it('finds a database that is careful', async () => {
    const isMapped = (name: string): Taken => (name === 'compute-07' ? { as: 'svc_compute' } : 'nobody')
    const { target } = await fakeProtocol(
      SPEAK.postgres,
      (socket) => isMapped(/^CN=(.*)$/m.exec(socket.getPeerX509Certificate()?.subject ?? '')?.[1] ?? ''),
      'postgres',
    )
    const question = { protocol: 'postgres', user: 'svc_compute' } as const
    const rows = await probeServer({ ...target, starttls: 'postgres' }, clients, {
      ...options,
      question,
    })
    expect(notOk(rows)).toEqual({})
    expect(rows.find((row) => row.case === 'good')?.identity).toBe('svc_compute')
  })
})
