import { inspect } from 'node:util'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect } from 'node:tls'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { type ErrorCode } from '../../src/errors/index.js'
import { createMutualTlsServer, type MutualTlsServerOptions, peerOf } from '../../src/tls/index.js'
import type { Certificate } from '../../src/x509/index.js'
import { makeCertificate, privateKeyFor } from '../support/certificates.js'
import { encodePrivateKey } from '../../src/crypto/index.js'
import { expectCode } from '../support/expect-code.js'
import { TestClock } from '../support/test-authority.js'
import { EVER, LONG_PAST, makeTlsPki, pems } from '../support/tls-pki.js'
import { at, client, hear, meet, serve } from './meeting.js'

const pki = await makeTlsPki()
/** Another deployment: the same names, other keys. */
const foreign = await makeTlsPki('foreign')
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const gone = pki.leaf('compute-08')
const after = pems(await pki.crls([gone], { crlNumber: 2 }))
const apiDirectory = pki.deliver(api)
const nodeDirectory = pki.deliver(node)
/** Trusts our server, whoever it is itself. */
const trusting = { caBundle: pems([pki.issuing.certificate, pki.root.certificate]), crls: pems(await pki.crls()) }
const NODE_NAMES = [{ kind: 'uri', value: 'spiffe://cloud.example/compute/compute-07' }] as const
const bundle = (certificates: readonly Certificate[]): string => pems(certificates)

describe('createMutualTlsServer: who gets in', () => {
  it('hands over who is at the other end, by mapping and registry, from the certificate alone', async () => {
    const server = await serve(pki, apiDirectory)
    expect(await meet(client(pki, nodeDirectory), at(server.port))).toBe('compute-07 compute_node')
    const [peer] = server.peers
    expect(peer?.entity).toBe('compute-07')
    expect(peer?.identity.uri).toBe('spiffe://cloud.example/compute/compute-07')
    expect(peer?.roles).toEqual(['compute_node'])
    expect(peer?.certificate.fingerprint).toBe(node.certificate.fingerprint)
    expect(peer?.path.revocation).toBe('checked')
  })

  const refusals: readonly {
    readonly claim: string
    readonly code: ErrorCode
    readonly directory: () => string
    readonly options?: Partial<MutualTlsServerOptions>
    readonly crls?: string
  }[] = [
    {
      claim: 'a certificate of a foreign CA with the same subjects',
      // OpenSSL looks for the CRL first, and has none of that CA.
      code: 'ERR_REVOCATION_UNKNOWN',
      directory: () => foreignDirectory(),
    },
    {
      claim: 'an expired certificate',
      code: 'ERR_PATH_EXPIRED',
      directory: () => pki.deliver(pki.leaf('compute-07', LONG_PAST)),
    },
    { claim: 'a revoked certificate', code: 'ERR_REVOKED', directory: () => pki.deliver(gone), crls: after },
    {
      claim: 'a certificate for servers only',
      code: 'ERR_PATH_PURPOSE',
      directory: () => pki.deliver(pki.leaf('compute-07', { purposes: [OID.kpServerAuth] })),
    },
    {
      claim: 'a certificate that says nothing of its purpose',
      code: 'ERR_PATH_PURPOSE',
      directory: () => pki.deliver(pki.leaf('compute-07', { purposes: [] })),
    },
    {
      claim: 'an entity that nobody registered',
      code: 'ERR_IDENTITY_UNMAPPED',
      directory: () => pki.deliver(pki.leaf('stranger-01')),
    },
    { claim: 'a retired entity', code: 'ERR_ENTITY_INACTIVE', directory: () => pki.deliver(pki.leaf('retired-01')) },
    {
      claim: 'an entity with another role',
      code: 'ERR_TLS_PEER_DENIED',
      directory: () => pki.deliver(pki.leaf('operator-01')),
    },
  ]

  /** Signed by the twin of our CA: its holder trusts us, and hopes that names are enough. */
  function foreignDirectory(): string {
    const leaf = foreign.leaf('compute-07')
    return foreign.deliver(leaf, {
      fullchain: pems([leaf.certificate, foreign.issuing.certificate]),
      // Its own root first, for its own path; ours, for our server.
      caBundle: bundle([
        foreign.root.certificate,
        foreign.issuing.certificate,
        pki.root.certificate,
        pki.issuing.certificate,
      ]),
      crls: pems(foreignCrls) + trusting.crls,
    })
  }
  const foreignCrls = [] as { toPem(): string }[]

  it.each(refusals)('SVC-17: refuses $claim with $code', async ({ code, directory, options, crls }) => {
    if (foreignCrls.length === 0) foreignCrls.push(...(await foreign.crls()))
    const credential = crls === undefined ? apiDirectory : pki.deliver(api, { crls })
    const server = await serve(pki, credential, options)
    // With names of their own nobody would get as far as to be refused.
    const answer = await meet(client(pki, directory(), { identify: 'allow-unregistered' }), at(server.port))
    expect(answer).not.toContain('compute')
    await expect.poll(() => server.heard.peerRefused.map((error) => error.code)).toEqual([code])
    expect(server.peers).toEqual([])
  })

  const self = makeCertificate({ ...EVER, subject: 'compute-07', purposes: [OID.kpClientAuth], names: NODE_NAMES })
  const selfPair = {
    key: encodePrivateKey(privateKeyFor(self.certificate.subject.toString())),
    cert: self.certificate.toPem(),
  }
  it.each([
    ['no certificate', {}, 'ERR_TLS_HANDSHAKE'],
    ['a certificate that signed itself', selfPair, 'ERR_REVOCATION_UNKNOWN'],
  ])('SVC-01: refuses who shows %s', async (_, pair, code) => {
    const server = await serve(pki, apiDirectory)
    const answer = await new Promise((resolve) => {
      const { caBundle: ca } = trusting
      const socket = connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca, ...pair })
      socket.on('secureConnect', () => socket.write('who am I?'))
      socket.on('data', resolve)
      socket.on('error', () => resolve('ended'))
      socket.on('close', () => resolve('ended'))
    })
    expect(answer).toBe('ended')
    await expect.poll(() => server.heard.peerRefused.map((error) => error.code)).toEqual([code])
    expect(server.peers).toEqual([])
  })

  it('by entity and by identity URI as well as by role', async () => {
    for (const allow of [
      { entities: ['compute-07'] },
      { uris: ['spiffe://cloud.example/compute/compute-07'] },
      'allow-any-identified',
    ] as const) {
      const server = await serve(pki, apiDirectory, { allow })
      expect(await meet(client(pki, nodeDirectory), at(server.port))).toBe('compute-07 compute_node')
    }
    const server = await serve(pki, apiDirectory, { allow: { entities: ['compute-08'] } })
    await meet(client(pki, nodeDirectory), at(server.port))
    await expect.poll(() => server.heard.peerRefused.map(({ code }) => code)).toEqual(['ERR_TLS_PEER_DENIED'])
  })

  it('SVC-19: takes nobody for somebody whose certificate they send along', async () => {
    const server = await serve(pki, apiDirectory, { allow: 'allow-any-identified' })
    const [own, victim] = [pki.leaf('compute-07'), pki.leaf('operator-01')]
    const chain = pems([own.certificate, victim.certificate, pki.issuing.certificate])
    const directory = pki.deliver(own, { fullchain: chain })
    expect(await meet(client(pki, directory), at(server.port))).toBe('compute-07 compute_node')
  })

  it('SVC-05: waits for nobody who stalls the handshake, and answers others meanwhile', async () => {
    const server = await serve(pki, apiDirectory, { handshakeSeconds: 1 })
    const stalled = connectTcp(server.port, '127.0.0.1')
    // The beginning of a ClientHello.
    stalled.write(Buffer.from('1603010200010001fc0303', 'hex'))
    const ended = new Promise((resolve) => stalled.once('close', resolve))
    stalled.on('error', () => undefined)
    expect(await meet(client(pki, nodeDirectory), at(server.port))).toBe('compute-07 compute_node')
    await ended
    expect(server.heard.peerRefused.map((error) => error.code)).toEqual(['ERR_TLS_HANDSHAKE'])
  })

  it('SVC-09: survives whoever breaks off in the middle of a handshake', async () => {
    const server = await serve(pki, apiDirectory)
    for (const start of ['', '16', '1603010200010001fc0303', '485454502f312e31', 'ff'.repeat(64)]) {
      const socket = connectTcp(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(Buffer.from(start, 'hex'))
      socket.resetAndDestroy()
    }
    expect(await meet(client(pki, nodeDirectory), at(server.port))).toBe('compute-07 compute_node')
  })

  it('knows nobody at a socket that it did not hand over', () => {
    expectCode('ERR_TLS_PEER_DENIED', () => peerOf({}))
  })
})

describe('createMutualTlsServer: what must be said', () => {
  const options = {
    credential: apiDirectory,
    identify: pki.identify,
    clock: new TestClock(),
    listener: hear().listener,
    allow: { roles: ['compute_node'] },
    reload: 'explicit',
  } as const
  it.each<[string, object]>([
    ['nobody who is allowed', { allow: undefined }],
    ['an empty list of who is allowed', { allow: { roles: [] } }],
    ['another way to name peers', { allow: { names: ['x'] } }],
    ['nobody who says who is who', { identify: undefined }],
    ['no clock', { clock: undefined }],
    ['nobody who listens', { listener: {} }],
    ['an option that there is not', { rejectUnauthorized: false }],
    ['a grace without end', { staleCrlGraceSeconds: Infinity }],
    ['a version that there is not', { versions: 'TLSv1' }],
    ['resumption as a switch', { resumption: true }],
  ])('SVC-17: refuses %s', (_, changes) => {
    const wrong = { ...options, ...changes } as MutualTlsServerOptions
    expectCode('ERR_CONFIG_INVALID', () => createMutualTlsServer(wrong, () => undefined))
  })

  it('KEY-10: shows no key when it is printed', async () => {
    const server = await serve(pki, apiDirectory)
    const from = client(pki, nodeDirectory)
    const socket = await from.connect(at(server.port))
    const shown = [server.server, from, socket].map((item) => inspect(item, { depth: 12, showHidden: true })).join('\n')
    for (const directory of [apiDirectory, nodeDirectory]) {
      const [, line = ''] = readFileSync(join(directory, 'current/key.pem'), 'utf8').split('\n')
      expect(line.length).toBeGreaterThan(40)
      expect(shown).not.toContain(line.slice(0, 40))
    }
    socket.destroy()
  })
})
