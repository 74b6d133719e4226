import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { connectMutualTls, HYBRID_GROUP, peerOf, type ServerTarget } from '../../src/tls/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { TestClock } from '../support/test-authority.js'
import { LONG_PAST, makeTlsPki, pems } from '../support/tls-pki.js'
import { ask, at, client, hear, later, meet, serve } from './meeting.js'

const pki = await makeTlsPki()
const foreign = await makeTlsPki('foreign')
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const nodeDirectory = pki.deliver(node)
const apiDirectory = pki.deliver(api)
const listing = pems(await pki.crls([api], { crlNumber: 2 }))
const API_URI = 'spiffe://cloud.example/api/api-01'

describe('connect: which server', () => {
  const accepted: readonly (readonly [string, ServerTarget['server']])[] = [
    ['by host name', { hostName: 'api-01.cloud.example' }],
    ['by identity URI', { hostName: 'localhost', uri: API_URI }],
    ['by entity', { hostName: 'localhost', allow: { entities: ['api-01'] } }],
  ]
  it.each(accepted)('requirement 4: knows the server %s', async (_, server) => {
    const { port } = await serve(pki, apiDirectory)
    const from = client(pki, nodeDirectory)
    const socket = await from.connect({ host: '127.0.0.1', port, server: server ?? {} })
    later(() => socket.destroy())
    expect(peerOf(socket).identity.uri).toBe(API_URI)
    expect(await ask(socket)).toBe('compute-07 compute_node')
  })

  const refused: readonly {
    readonly claim: string
    readonly code: ErrorCode
    readonly directory?: () => string
    readonly from?: () => string
    readonly server?: ServerTarget['server']
  }[] = [
    { claim: 'another host name', code: 'ERR_PATH_HOST_NAME', server: { hostName: 'api-02.cloud.example' } },
    { claim: 'another identity URI', code: 'ERR_PATH_IDENTITY', server: { hostName: 'localhost', uri: `${API_URI}2` } },
    {
      claim: 'another role',
      code: 'ERR_TLS_PEER_DENIED',
      server: { hostName: 'localhost', allow: { roles: ['operator'] } },
    },
    { claim: 'a name that only its subject has', code: 'ERR_PATH_HOST_NAME', server: { hostName: 'api-01' } },
    {
      claim: 'an expired certificate',
      code: 'ERR_PATH_EXPIRED',
      directory: () => pki.deliver(pki.leaf('api-01', LONG_PAST)),
    },
    { claim: 'a revoked certificate', code: 'ERR_REVOKED', from: () => pki.deliver(node, { crls: listing }) },
    {
      claim: 'a certificate for clients only',
      code: 'ERR_PATH_PURPOSE',
      directory: () => pki.deliver(pki.leaf('api-01', { purposes: [OID.kpClientAuth] })),
    },
    {
      claim: 'a foreign CA with the same subjects',
      code: 'ERR_PATH_NOT_FOUND',
      directory: () => {
        const leaf = foreign.leaf('api-01')
        return foreign.deliver(leaf, {
          fullchain: pems([leaf.certificate, foreign.issuing.certificate]),
          caBundle: pems([foreign.issuing.certificate, foreign.root.certificate]),
          crls: pems(foreignCrls),
        })
      },
    },
  ]
  const foreignCrls = [] as { toPem(): string }[]

  it.each(refused)('requirement 4: refuses $claim with $code', async ({ code, directory, from, server }) => {
    if (foreignCrls.length === 0) foreignCrls.push(...(await foreign.crls()))
    const { port } = await serve(pki, directory?.() ?? apiDirectory)
    const dialler = client(pki, from?.() ?? nodeDirectory)
    const target = { host: '127.0.0.1', port, server: server ?? { hostName: 'localhost' } }
    const answer = await meet(dialler, target)
    // Which of the two CRLs OpenSSL misses first is its own business.
    if (code === 'ERR_PATH_NOT_FOUND') expect([code, 'ERR_REVOCATION_UNKNOWN']).toContain(answer)
    else expect(answer).toBe(code)
  })

  it('KEY-11: nothing in the environment makes it believe more', async () => {
    const name = 'NODE_TLS_REJECT_UNAUTHORIZED'
    const before = process.env[name]
    process.env[name] = '0'
    try {
      const { port } = await serve(pki, apiDirectory)
      const target = { host: '127.0.0.1', port, server: { hostName: 'api-02.cloud.example' } }
      expect(await meet(client(pki, nodeDirectory), target)).toBe('ERR_PATH_HOST_NAME')
      const expired = await serve(pki, pki.deliver(pki.leaf('api-01', LONG_PAST)))
      expect(await meet(client(pki, nodeDirectory), at(expired.port))).toBe('ERR_PATH_EXPIRED')
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = before
    }
  })

  it('wants to be told which server is meant', async () => {
    const from = client(pki, nodeDirectory)
    await expectCodeAsync('ERR_CONFIG_INVALID', () => from.connect({ path: '/nowhere' }))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => from.connect({ host: 'localhost', port: 65_536 }))
    const target = { host: 'localhost', port: 1, server: { allow: { roles: [] } } }
    await expectCodeAsync('ERR_CONFIG_INVALID', () => from.connect(target))
  })

  it('says what kept it from connecting', async () => {
    const from = client(pki, nodeDirectory)
    await expectCodeAsync('ERR_TLS_CONNECTION', () => from.connect({ host: '127.0.0.1', port: 1 }))
    const plain = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('220 not TLS\r\n')
    })
    plain.listen(0, '127.0.0.1')
    await once(plain, 'listening')
    later(() => plain.close())
    const { port } = plain.address() as AddressInfo
    await expectCodeAsync('ERR_TLS_HANDSHAKE', () => from.connect({ host: '127.0.0.1', port }))
  })

  it('sees that the server refused it, when it asks', async () => {
    const { port } = await serve(pki, apiDirectory, { allow: { roles: ['operator'] } })
    const socket = await client(pki, nodeDirectory).connect(at(port))
    expect(await ask(socket)).toMatch(/^(closed|ECONNRESET|EPIPE)$/)
  })
})

describe('connectMutualTls', () => {
  it('connects once, and is gone with its connection', async () => {
    const { port } = await serve(pki, apiDirectory)
    const { listener } = hear()
    const clock = new TestClock()
    const options = { credential: nodeDirectory, identify: pki.identify, clock, listener }
    const socket = await connectMutualTls(options, at(port))
    expect(await ask(socket)).toBe('compute-07 compute_node')
    socket.destroy()
    await once(socket, 'close')
    const wrong = { ...at(port), server: { hostName: 'x.example' } }
    await expectCodeAsync('ERR_PATH_HOST_NAME', () => connectMutualTls(options, wrong))
  })
})

describe('the handshake', () => {
  it('is of TLS 1.3, with a hybrid key exchange where the runtime has one', async () => {
    const { port } = await serve(pki, apiDirectory)
    const socket = await client(pki, nodeDirectory).connect(at(port))
    later(() => socket.destroy())
    expect(socket.getProtocol()).toBe('TLSv1.3')
    const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number)
    if (major > 3 || (major === 3 && minor >= 5)) {
      expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: HYBRID_GROUP })
    }
  })

  it('agrees on an application protocol', async () => {
    const { port } = await serve(pki, apiDirectory, { alpnProtocols: ['signet/1', 'other'] })
    const socket = await client(pki, nodeDirectory, { alpnProtocols: ['other', 'signet/1'] }).connect(at(port))
    later(() => socket.destroy())
    expect(socket.alpnProtocol).toBe('signet/1')
    const stranger = client(pki, nodeDirectory, { alpnProtocols: ['h2'] })
    expect(await meet(stranger, at(port))).toBe('ERR_TLS_HANDSHAKE')
  })
})
