import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { type ProbeRow, probeServer, requireSound, servedCertificate } from '../../src/probe/index.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'
import { type Leaf, LONG_PAST } from '../support/tls-pki.js'
import { clients, fakeHttps, listening, options, pki, server, tlsOptions } from './fakes.js'
import { notOk } from './rows.js'

describe('servedCertificate', () => {
  it('yields what a server shows, in the order of issue, to whoever asks', async () => {
    const { target } = await fakeHttps()
    const served = await servedCertificate(target)
    expect(served.certificate.fingerprint).toBe(server.certificate.fingerprint)
    expect(served.chain.map((ca) => ca.fingerprint)).toEqual([pki.issuing.certificate.fingerprint])
    expect(served.protocol).toBe('TLSv1.3')
  })

  it('shakes hands as a client where the server insists on one in TLS 1.2', async () => {
    const { target } = await fakeHttps(undefined, { rejectUnauthorized: true, maxVersion: 'TLSv1.2' })
    const { certificate } = await servedCertificate(target, { client: clients.good })
    expect(certificate.fingerprint).toBe(server.certificate.fingerprint)
    await expectCodeAsync('ERR_TLS_HANDSHAKE', () => servedCertificate(target))
  })

  it('goes by a Unix socket as well', async () => {
    const path = join(temporaryFolder(), 'server.sock')
    const made = createTlsServer(tlsOptions())
    made.listen(path)
    await once(made, 'listening')
    const { certificate } = await servedCertificate({ path })
    expect(certificate.fingerprint).toBe(server.certificate.fingerprint)
    made.close()
  })

  it('says whether there is nobody, no TLS, or nothing but silence', async () => {
    const { target, server: made } = await fakeHttps()
    await new Promise((resolve) => made.close(resolve))
    await expectCodeAsync('ERR_TLS_CONNECTION', () => servedCertificate(target))
    const rude = await listening(createServer((socket) => socket.end('220 hello\r\n')))
    await expectCodeAsync('ERR_TLS_HANDSHAKE', () => servedCertificate(rude.target))
    const silent = await listening(createServer((socket: Socket) => void socket.on('error', () => undefined)))
    const codes: unknown[] = []
    // With more and more time: the connection alone may take some.
    for (const timeoutSeconds of [0.2, 2, 20]) {
      if (codes.at(-1) === 'ERR_TLS_HANDSHAKE') break
      await servedCertificate(silent.target, { timeoutSeconds }).catch((error: unknown) => {
        codes.push(isSignetError(error) ? error.code : error)
      })
    }
    expect(codes.at(-1)).toBe('ERR_TLS_HANDSHAKE')
  })
})

describe("probeServer: the server's own certificate", () => {
  const rowsOf = async (leaf: Leaf, chain: string): Promise<readonly ProbeRow[]> => {
    // OpenSSL would send a CA that it trusts.
    const base = tlsOptions({ ca: pki.root.certificate.toPem() }, leaf)
    const made = createHttpsServer({ ...base, cert: leaf.certificate.toPem() + chain }, (_, response) => {
      response.writeHead(200, { 'x-who': 'x' }).end()
    })
    const { target } = await listening(made)
    return (await probeServer(target, clients, options)).filter((row) => row.case.startsWith('server-'))
  }
  const issuing = pki.issuing.certificate.toPem()

  it.each([
    [
      'another host',
      { names: [{ kind: 'dns', value: 'elsewhere.example' }] as const },
      'server-name',
      'ERR_PATH_HOST_NAME',
    ],
    ['clients only', { purposes: [OID.kpClientAuth] }, 'server-purpose', 'ERR_PATH_PURPOSE'],
    ['a time that is over', LONG_PAST, 'server-validity', 'ERR_PATH_EXPIRED'],
  ])('finds one for %s', async (_, changes, name, code) => {
    const rows = await rowsOf(pki.leaf('api-01', changes), issuing)
    expect(notOk(rows.filter((row) => row.case !== 'server-revocation'))).toEqual({ [name]: 'fault' })
    expect(rows.find((row) => row.case === name)?.happened).toContain(code)
    expectCode('ERR_PROBE_FAULT', () => requireSound(rows))
  })

  it('finds a chain that is not whole', async () => {
    const rows = await rowsOf(pki.leaf('api-01'), '')
    expect(notOk(rows)).toEqual({ 'server-chain': 'fault' })
    expect(rows.find((row) => row.case === 'server-chain')?.happened).toContain('does not send a CA')
  })

  it('finds a chain to nobody whom the client trusts', async () => {
    const { target } = await fakeHttps()
    const trust = { anchors: [clients.good.certificate], intermediates: [], crls: [] }
    const rows = await probeServer(target, clients, { ...options, trust })
    expect(notOk(rows)).toMatchObject({ 'server-chain': 'fault', 'server-revocation': 'not-tested' })
  })

  it('finds one that is revoked', async () => {
    const leaf = pki.leaf('api-01')
    const { target } = await listening(createHttpsServer(tlsOptions({}, leaf), (_, response) => response.end()))
    const trust = { ...options.trust, crls: await pki.crls([leaf]) }
    const rows = await probeServer(target, clients, { ...options, trust })
    expect(notOk(rows.filter((row) => row.case.startsWith('server-')))).toEqual({ 'server-revocation': 'fault' })
  })

  it('does not know the name of a Unix socket', async () => {
    const path = join(temporaryFolder(), 'server.sock')
    const made = createHttpsServer(tlsOptions(), (_, response) => response.writeHead(200, { 'x-who': 'x' }).end())
    made.listen(path)
    await once(made, 'listening')
    const rows = await probeServer({ path }, clients, options)
    expect(notOk(rows.slice(0, 6))).toEqual({ 'server-name': 'not-tested' })
    made.close()
  })
})
