/** The library's mutual TLS against OpenSSL's own client and server. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { LONG_PAST, makeTlsPki, pems } from '../support/tls-pki.js'
import { temporaryFolder } from '../support/temporary.js'
import { client, later, meet, serve } from '../tls/meeting.js'
import { available } from './programs.js'

const hasOpenssl = available('openssl')
const pki = await makeTlsPki()
const foreign = await makeTlsPki('foreign')
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const gone = pki.leaf('compute-08')
const listing = pems(await pki.crls([gone], { crlNumber: 2 }))
const apiDirectory = pki.deliver(api, { crls: listing })
const nodeDirectory = pki.deliver(node)
const folder = temporaryFolder()
const file = (directory: string, name: string): string => join(directory, 'current', name)

/** s_client prints answers where its own words end, whether or not a line does. */
const ANSWER = /(compute-\d+ [a-z_]+)\n/

interface Told {
  readonly answer: string
  readonly output: string
}

/** `openssl s_client`, which asks one question once it is connected, and waits for an answer or the end. */
function dial(
  port: number,
  directory: string | undefined,
  words: readonly string[] = [],
  question = 'who am I?\n',
): Promise<Told> {
  const identity =
    directory === undefined
      ? []
      : [
          '-cert',
          file(directory, 'fullchain.pem'),
          '-cert_chain',
          file(directory, 'fullchain.pem'),
          '-key',
          file(directory, 'key.pem'),
        ]
  const trust = [
    '-CAfile',
    file(nodeDirectory, 'ca-bundle.pem'),
    '-verify_return_error',
    '-verify_hostname',
    'localhost',
  ]
  const child = spawn('openssl', [
    's_client',
    '-connect',
    `127.0.0.1:${port}`,
    '-servername',
    'localhost',
    ...trust,
    ...identity,
    ...words,
  ])
  return new Promise((resolve) => {
    let output = ''
    let asked = false
    const hear = (data: Buffer): void => {
      output += data.toString('utf8')
      // The tickets of TLS 1.3 come after the handshake: whoever asks too soon keeps none.
      if (!asked && /(---\n$|Verify return code)/.test(output)) {
        asked = true
        child.stdin.write(question)
      }
      if (ANSWER.test(output)) child.kill()
    }
    child.stdin.on('error', () => undefined)
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('close', () => resolve({ answer: ANSWER.exec(output)?.[1] ?? '', output }))
  })
}

describe.skipIf(!hasOpenssl)('our server, openssl s_client', () => {
  it('agree, in TLS 1.3 alone', async () => {
    const { port } = await serve(pki, apiDirectory)
    const { answer, output } = await dial(port, nodeDirectory)
    expect(answer).toBe('compute-07 compute_node')
    expect(output).toMatch(/TLSv1\.3/)
    expect((await dial(port, nodeDirectory, ['-tls1_2'])).answer).toBe('')
  })

  it('agree in TLS 1.2 where that is allowed', async () => {
    const { port } = await serve(pki, apiDirectory, { versions: 'allow-TLSv1.2' })
    expect((await dial(port, nodeDirectory, ['-tls1_2'])).answer).toBe('compute-07 compute_node')
    expect((await dial(port, nodeDirectory, ['-tls1_2', '-cipher', 'AES128-SHA'])).answer).toBe('')
    expect((await dial(port, nodeDirectory, ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'])).answer).toBe('')
  })

  it('SVC-02: refuse to renegotiate, which could put another certificate under the connection', async () => {
    const { port } = await serve(pki, apiDirectory, { versions: 'allow-TLSv1.2' })
    const { output, answer } = await dial(port, nodeDirectory, ['-tls1_2'], 'R\n')
    expect(output).toContain('RENEGOTIATING')
    expect(output).toMatch(/no renegotiation|alert/i)
    expect(answer).toBe('')
  })

  const twin = foreign.leaf('compute-07')
  it.each<[string, string, () => string | undefined]>([
    ['shows no certificate', 'ERR_TLS_HANDSHAKE', () => undefined],
    ['is revoked', 'ERR_REVOKED', () => pki.deliver(gone)],
    ['is expired', 'ERR_PATH_EXPIRED', () => pki.deliver(pki.leaf('compute-07', LONG_PAST))],
    [
      'is for servers only',
      'ERR_PATH_PURPOSE',
      () => pki.deliver(pki.leaf('compute-07', { purposes: [OID.kpServerAuth] })),
    ],
    [
      'is of a foreign CA with the same subjects',
      'ERR_REVOCATION_UNKNOWN',
      () => foreign.deliver(twin, { fullchain: pems([twin.certificate, foreign.issuing.certificate]) }),
    ],
    ['is not registered', 'ERR_IDENTITY_UNMAPPED', () => pki.deliver(pki.leaf('stranger-01'))],
    ['has another role', 'ERR_TLS_PEER_DENIED', () => pki.deliver(pki.leaf('operator-01'))],
  ])('SVC-17: refuse a client that %s with %s', async (_, code, directory) => {
    const server = await serve(pki, apiDirectory)
    expect((await dial(server.port, directory())).answer).toBe('')
    await expect.poll(() => server.heard.peerRefused.map((error) => error.code)).toEqual([code])
    expect(server.peers).toEqual([])
  })

  it.each([
    ['TLSv1.3', 'refuse'],
    ['TLSv1.2', 'refuse'],
    ['TLSv1.3', 'allow-within-generation'],
    ['TLSv1.2', 'allow-within-generation'],
  ] as const)(
    'SVC-02: a session of %s that was kept (%s) is worth nothing once its owner is revoked',
    async (version, resumption) => {
      const credential = pki.deliver(api)
      const server = await serve(pki, credential, { resumption, versions: 'allow-TLSv1.2' })
      const session = join(folder, `${version}-${resumption}`)
      const only = version === 'TLSv1.3' ? ['-tls1_3'] : ['-tls1_2']
      const first = await dial(server.port, nodeDirectory, [...only, '-sess_out', session])
      expect(first.answer).toBe('compute-07 compute_node')
      if (existsSync(session)) {
        const again = await dial(server.port, nodeDirectory, [...only, '-sess_in', session])
        expect(again.answer).toBe('compute-07 compute_node')
        expect(again.output.includes('Reused, ')).toBe(resumption === 'allow-within-generation')
        // With the session, and without the certificate: only its owner has both the session and its secret.
        const bare = await dial(server.port, undefined, [...only, '-sess_in', session])
        if (resumption === 'refuse') expect(bare.answer).toBe('')
      } else expect(resumption).toBe('refuse')
      pki.redeliver(credential, api, { crls: pems(await pki.crls([node], { crlNumber: 2 })) })
      await server.reload()
      const last = await dial(server.port, nodeDirectory, [
        ...only,
        ...(existsSync(session) ? ['-sess_in', session] : []),
      ])
      expect(last.answer).toBe('')
      expect(last.output).not.toContain('Reused, ')
      await expect.poll(() => server.heard.peerRefused.at(-1)?.code).toBe('ERR_REVOKED')
    },
  )
})

/** `openssl s_server`, which answers each line backwards. */
async function openServer(directory: string, words: readonly string[] = []): Promise<number> {
  const identity = ['-cert', file(directory, 'fullchain.pem'), '-key', file(directory, 'key.pem')]
  const chain = ['-cert_chain', file(directory, 'fullchain.pem')]
  const trust = ['-CAfile', file(nodeDirectory, 'ca-bundle.pem'), '-Verify', '2', '-verify_return_error']
  const args = ['s_server', '-accept', '127.0.0.1:0', '-rev', ...identity, ...chain, ...trust, ...words]
  const child: ChildProcessWithoutNullStreams = spawn('openssl', args)
  later(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'close')
  })
  let output = ''
  return new Promise((resolve, reject) => {
    child.stderr.on('data', (data: Buffer) => (output += data.toString('utf8')))
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString('utf8')
      const [, found] = /^ACCEPT 127\.0\.0\.1:(\d+)$/m.exec(output) ?? []
      if (found !== undefined) resolve(Number(found))
    })
    child.once('close', () => reject(new Error(`s_server ended: ${output}`)))
  })
}

describe.skipIf(!hasOpenssl)('our client, openssl s_server', () => {
  const target = (port: number, hostName = 'api-01.cloud.example') => ({
    host: '127.0.0.1',
    port,
    server: { hostName },
  })

  it('requirement 4: talk, when the server is the one that was meant', async () => {
    const port = await openServer(apiDirectory)
    expect(await meet(client(pki, nodeDirectory), target(port))).toBe('?I ma ohw')
  })

  it.each<[string, string, () => string, string?]>([
    ['has another name', 'ERR_PATH_HOST_NAME', () => apiDirectory, 'api-02.cloud.example'],
    ['is expired', 'ERR_PATH_EXPIRED', () => pki.deliver(pki.leaf('api-01', LONG_PAST))],
    [
      'is for clients only',
      'ERR_PATH_PURPOSE',
      () => pki.deliver(pki.leaf('api-01', { purposes: [OID.kpClientAuth] })),
    ],
    [
      'is of a foreign CA with the same subjects',
      'ERR_REVOCATION_UNKNOWN',
      () => foreign.deliver(foreign.leaf('api-01')),
    ],
    ['is not registered', 'ERR_IDENTITY_UNMAPPED', () => pki.deliver(pki.leaf('stranger-01')), 'localhost'],
  ])('requirement 4: refuse a server that %s with %s', async (_, code, directory, name) => {
    const port = await openServer(directory())
    const answer = await meet(client(pki, nodeDirectory), target(port, name))
    expect(answer === 'ERR_PATH_NOT_FOUND' ? 'ERR_REVOCATION_UNKNOWN' : answer).toBe(code)
  })

  it('requirement 4: refuse a server that is revoked', async () => {
    const port = await openServer(apiDirectory)
    const knowing = pki.deliver(node, { crls: pems(await pki.crls([api], { crlNumber: 2 })) })
    expect(await meet(client(pki, knowing), target(port))).toBe('ERR_REVOKED')
  })
})
