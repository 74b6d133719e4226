import type { TlsOptions, TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { probeServer } from '../../src/probe/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { createMutualHttpsServer, peerOf } from '../../src/tls/index.js'
import { hear } from '../tls/meeting.js'
import { TestClock } from '../support/test-authority.js'
import { LONG_PAST, pems } from '../support/tls-pki.js'
import {
  bad,
  type Believe,
  careful,
  clientOf,
  clients,
  fakeBoth,
  fakeHttps,
  later,
  listening,
  options,
  pki,
  server,
} from './fakes.js'
import { notOk } from './rows.js'

/** Errors of OpenSSL that a server overlooks, besides being careful. */
const overlooking =
  (...overlooked: readonly string[]): Believe =>
  (caller) =>
    careful(overlooked.includes(caller.error ?? '') ? { ...caller, error: undefined } : caller)

const EVERYBODY = {
  none: 'hole',
  'none-resumed': 'hole',
  'self-signed': 'hole',
  'foreign-ca': 'hole',
  expired: 'hole',
  revoked: 'hole',
  'wrong-purpose': 'hole',
  unmapped: 'hole',
  'spoofed-headers-none': 'hole',
}

const wrong: readonly {
  readonly claim: string
  readonly believe?: Believe
  readonly tls?: TlsOptions
  readonly found: Readonly<Record<string, string>>
}[] = [
  { claim: 'asks for a certificate and does not care what comes', believe: () => 'somebody', found: EVERYBODY },
  {
    claim: 'asks for no certificate at all',
    believe: () => 'somebody',
    tls: { requestCert: false },
    found: EVERYBODY,
  },
  {
    claim: 'takes whoever has none for an anonymous user',
    believe: (caller) => (caller.error === 'none' ? 'anonymous' : careful(caller)),
    found: { none: 'hole', 'none-resumed': 'hole', 'spoofed-headers-none': 'hole' },
  },
  { claim: 'overlooks expiry', believe: overlooking('CERT_HAS_EXPIRED'), found: { expired: 'hole' } },
  { claim: 'overlooks revocation', believe: overlooking('CERT_REVOKED'), found: { revoked: 'hole' } },
  {
    claim: 'has no CRL',
    tls: { crl: [] },
    found: { revoked: 'hole' },
  },
  { claim: 'takes any purpose', believe: overlooking('INVALID_PURPOSE'), found: { 'wrong-purpose': 'hole' } },
  {
    claim: 'takes anybody of its CA',
    believe: ({ error, commonName }) => (error === undefined ? commonName : undefined),
    found: { unmapped: 'hole' },
  },
  {
    claim: 'goes by the name, whoever signed it',
    believe: ({ commonName }) => (commonName === 'compute-07' ? commonName : undefined),
    found: {
      'self-signed': 'hole',
      'foreign-ca': 'hole',
      expired: 'hole',
      revoked: 'hole',
      'wrong-purpose': 'hole',
    },
  },
  {
    claim: 'speaks TLS 1.0 and 1.1',
    tls: { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
    found: { 'tls1.0': 'hole', 'tls1.1': 'hole' },
  },
  {
    claim: 'believes a header of who has a certificate',
    believe: (caller) =>
      careful(caller) === undefined ? undefined : String(caller.request.headers['x-client-identity'] ?? 'compute-07'),
    found: { 'spoofed-headers': 'hole' },
  },
  {
    claim: 'believes a header of who has none',
    believe: (caller) => (caller.request.headers['x-ssl-client-verify'] === 'SUCCESS' ? 'compute-07' : careful(caller)),
    found: { 'spoofed-headers-none': 'hole' },
  },
]

describe('probeServer: what a server accepts', () => {
  it('requirement 75: finds nothing at one that is careful, and says whom it takes the good client for', async () => {
    const { target } = await fakeHttps()
    const rows = await probeServer(target, clients, options)
    expect(notOk(rows)).toEqual({})
    expect(rows.find((row) => row.case === 'good')).toMatchObject({ identity: 'compute-07', protocol: 'TLSv1.3' })
  })

  it.each(wrong)('SVC-17: finds that a server $claim', async ({ believe, tls, found }) => {
    const { target } = await fakeHttps(believe, tls)
    expect(notOk(await probeServer(target, clients, options))).toEqual(found)
  })

  it('SVC-03: finds a header that is believed where nobody is of the name that it claims', async () => {
    const known = (caller: Parameters<Believe>[0]): string | undefined => {
      const claimed = String(caller.request.headers['x-client-identity'] ?? 'compute-07')
      return careful(caller) !== undefined && claimed === 'compute-07' ? claimed : undefined
    }
    const { target } = await fakeHttps(known)
    expect(notOk(await probeServer(target, clients, options))).toEqual({ 'spoofed-headers': 'hole' })
    // Whoever takes no such header from anybody is right.
    const strict = await fakeHttps((caller) =>
      'x-client-identity' in caller.request.headers ? undefined : known(caller),
    )
    expect(notOk(await probeServer(strict.target, clients, options))).toEqual({})
  })

  it('SVC-03: claims the name by which the server knows the good client, for who has no certificate', async () => {
    const { target } = await fakeHttps((caller) =>
      caller.request.headers['x-client-identity'] === 'compute-07' ? 'compute-07' : careful(caller),
    )
    expect(notOk(await probeServer(target, clients, options))).toEqual({ 'spoofed-headers-none': 'hole' })
  })

  it('SVC-03: says which header is believed', async () => {
    const { target } = await fakeHttps((caller) => {
      const { 'x-ssl-client-s-dn': dn } = caller.request.headers
      return careful(caller) === undefined ? undefined : String(dn ?? 'compute-07')
    })
    const row = (await probeServer(target, clients, options)).find((one) => one.case === 'spoofed-headers')
    expect(row?.happened).toBe('believed: X-SSL-Client-S-DN')
  })

  it('SVC-03: finds a header that comes through where nothing says where the identity is', async () => {
    const { target } = await fakeHttps((caller) =>
      careful(caller) === undefined ? undefined : String(caller.request.headers['x-client-identity'] ?? 'nobody'),
    )
    const question = { protocol: 'http' } as const
    const found = notOk(await probeServer(target, clients, { ...options, question }))
    expect(found).toEqual({ 'spoofed-headers': 'hole' })
    const honest = await fakeHttps()
    expect(notOk(await probeServer(honest.target, clients, { ...options, question }))).toEqual({
      'spoofed-headers': 'not-tested',
    })
  })

  it('SVC-01: finds that who resumes a session without a certificate counts as authorized', async () => {
    // Versions of Node say `authorized` then (nodejs/node#35317).
    const { target } = await fakeHttps(
      (caller) => ((caller.request.socket as TLSSocket).isSessionReused() ? 'somebody' : careful(caller)),
      { secureOptions: 0 },
    )
    expect(notOk(await probeServer(target, clients, options))).toEqual({
      'none-resumed': 'hole',
      'revoked-session': 'not-tested',
    })
  })

  it('finds clear text on the port', async () => {
    const { target } = await fakeBoth()
    expect(notOk(await probeServer(target, clients, options))).toEqual({ 'clear-text': 'hole' })
  })

  it('asks for an identity in a JSON body as well', async () => {
    const { target } = await fakeHttps()
    const question = { protocol: 'http', identity: { json: ['you', 'are'] } } as const
    const rows = await probeServer(target, clients, { ...options, question, identity: 'compute-07' })
    expect(notOk(rows)).toEqual({})
    const other = await probeServer(target, clients, { ...options, question, identity: 'compute-08' })
    expect(notOk(other)).toEqual({ good: 'fault' })
  })

  it('reports what is accepted on purpose, and calls it no hole', async () => {
    const { target } = await fakeHttps(overlooking('CERT_HAS_EXPIRED'))
    const rows = await probeServer(target, clients, { ...options, allow: ['expired'] })
    expect(notOk(rows)).toEqual({ expired: 'allowed' })
  })

  it('tells each row as soon as it is there', async () => {
    const { target } = await fakeHttps()
    const told: string[] = []
    const rows = await probeServer(target, clients, { ...options, watch: (row) => told.push(row.case) })
    expect(told).toEqual(rows.map((row) => row.case))
  })
})

describe('probeServer: what shows nothing', () => {
  it('is not tested where there is no client for it', async () => {
    const { target } = await fakeHttps()
    expect(notOk(await probeServer(target, { good: clients.good }, options))).toEqual({
      expired: 'not-tested',
      revoked: 'not-tested',
      'wrong-purpose': 'not-tested',
      unmapped: 'not-tested',
    })
  })

  it('is a certificate that has not expired yet', async () => {
    const { target } = await fakeHttps()
    const row = (await probeServer(target, { ...clients, expired: clients.good }, options)).find(
      (one) => one.case === 'expired',
    )
    expect(row).toMatchObject({ verdict: 'not-tested', happened: 'not expired before 2120-01-01T00:00:00.000Z' })
  })

  it('is a certificate that has expired, of whoever is refused for something else', async () => {
    const { target } = await fakeHttps()
    const { expired } = clients
    const late = { ...clients, revoked: expired, wrongPurpose: expired, unmapped: expired }
    const rows = await probeServer(target, late, options)
    expect(notOk(rows)).toEqual({ revoked: 'not-tested', 'wrong-purpose': 'not-tested', unmapped: 'not-tested' })
    expect(rows.find((row) => row.case === 'unmapped')?.happened).toContain('expired itself')
  })

  it('is a refusal where the good client is refused as well', async () => {
    const { target } = await fakeHttps(() => undefined)
    const rows = await probeServer(target, clients, options)
    expect(rows.filter(({ verdict }) => verdict === 'ok').map((row) => row.case)).toEqual([
      'server-name',
      'server-chain',
      'server-purpose',
      'server-validity',
      'server-revocation',
      'server-key',
      'clear-text',
      'tls1.2',
    ])
    expect(notOk(rows)).toMatchObject({ good: 'fault', none: 'not-tested', revoked: 'not-tested' })
  })

  it('is a refusal of somebody else, who may be refused for the names alone', async () => {
    const { target } = await fakeHttps()
    const others = { expired: clientOf(pki.leaf('compute-08', LONG_PAST)), revoked: clients.unmapped }
    expect(notOk(await probeServer(target, { ...clients, ...others }, options))).toEqual({
      expired: 'not-tested',
      revoked: 'not-tested',
    })
  })

  it('is told from a refusal of the certificate where the server says what it is for', async () => {
    // Who is not mapped hears 403, whose certificate does not hold is cut off in the handshake.
    const { target } = await fakeHttps(careful, { rejectUnauthorized: true })
    const others = { expired: clientOf(pki.leaf('compute-08', LONG_PAST)), unmapped: clients.unmapped }
    expect(notOk(await probeServer(target, { good: clients.good, ...others }, options))).toEqual({
      revoked: 'not-tested',
      'wrong-purpose': 'not-tested',
    })
  })

  it('is anything at a server that shuts out who fails often', async () => {
    let failures = 0
    const { target } = await fakeHttps((caller) => {
      const who = careful(caller)
      if (who === undefined) failures += 1
      return failures > 3 ? undefined : who
    })
    expect(notOk(await probeServer(target, clients, options))).toMatchObject({ 'good-again': 'fault' })
  })

  it('is what headers do where the good client gets no answer either', async () => {
    const { target } = await fakeHttps()
    const question = { protocol: 'http', path: '/needs-a-token' } as const
    const rows = await probeServer(target, clients, { ...options, question })
    expect(notOk(rows)).toMatchObject({ 'spoofed-headers': 'not-tested' })
  })

  it('is no server at all', async () => {
    const { target, server: made } = await fakeHttps()
    await new Promise((resolve) => made.close(resolve))
    await expectCodeAsync('ERR_TLS_CONNECTION', () => probeServer(target, clients, options))
  })

  it.each([
    ['time limit', {}, { timeoutSeconds: 0 }],
    ['port', { port: 70_000 }, {}],
    ['path', {}, { question: { protocol: 'http', path: '/a\r\nX: y' } as const }],
    ['user', {}, { question: { protocol: 'mysql', user: 'a\0b' } as const }],
    ['name to claim', {}, { spoofAs: 'a b' }],
  ])('is nothing to be had with a wrong %s', async (_, place, more) => {
    const target = { host: '127.0.0.1', port: 1, ...place }
    await expectCodeAsync('ERR_CONFIG_INVALID', () => probeServer(target, clients, { ...options, ...more }))
  })
})

describe('probeServer: servers of signet', () => {
  it('requirement 75: refuse everybody but the good client', async () => {
    const { listener } = hear()
    const directory = pki.deliver(server, { crls: pems(await pki.crls([bad.revoked], { crlNumber: 2 })) })
    const { identify } = pki
    const made = createMutualHttpsServer(
      {
        credential: directory,
        clock: new TestClock(),
        listener,
        identify,
        allow: { entities: ['compute-07'] },
        reload: 'explicit',
      },
      (request, response) => response.writeHead(200, { 'x-who': peerOf(request.socket).entity }).end(),
    )
    later(() => made.close())
    const { target } = await listening(made.server)
    const rows = await probeServer(target, clients, options)
    expect(notOk(rows)).toEqual({})
    expect(rows.find((row) => row.case === 'good')?.identity).toBe('compute-07')
  })
})
