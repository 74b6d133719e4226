/**
 * Mutual TLS 1.3 on loopback with credentials of signet, between OpenSSL and Node in all four pairings. Nothing counts
 * but an answer of the application: in TLS 1.3 a client is connected before the server has judged it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { type CredentialFiles, makeDeployment, type TestDeployment } from '../support/deployment.js'
import { available } from './programs.js'

const hasOpenssl = available('openssl')

const SERVER = 'broker-01.cloud.example'
const ENTITIES = ['broker-01', 'broker-02', 'compute-07', 'compute-08'].map((id) => ({ id }))
const cloud = await makeDeployment({ entities: ENTITIES })
const webOnly = await cloud.issue('broker-02', 'server-only', { profile: 'server' })
const clientOnly = await cloud.issue('broker-01', 'client-only', { profile: 'client' })
/** The same names, other keys. */
const twin = await makeDeployment({ entities: ENTITIES })

const before = trustOf(cloud, 'before')
await cloud.signet(['revoke', '--cert', cloud.credential('compute-08/tls').certificate, '--reason', 'keyCompromise'])
await cloud.signet(['revoke', 'broker-02', '--reason', 'superseded'])
await cloud.publishCrls()
const after = trustOf(cloud, 'after')

/** What one side believes. */
interface Trust {
  readonly root: string
  /** Of the issuing CA and of the root, apart: Node reads only the first of several in one text. */
  readonly crls: readonly string[]
  /** All in one file, as OpenSSL takes it. */
  readonly file: string
}

function trustOf(deployment: TestDeployment, name: string): Trust {
  const root = readFileSync(deployment.rootFile, 'utf8')
  const crls = deployment.crls.map((crl) => crl.toPem())
  return { root, crls, file: deployment.write(`trust-${name}.pem`, root + crls.join('')) }
}

interface Side {
  readonly credential: CredentialFiles
  readonly trust: Trust
}

/** A server that answers each line reversed, to clients with a good certificate only. */
interface Listening {
  readonly port: number
  /** What it says of clients that it refused, so far. */
  readonly refusal: () => string
}
type Listen = (side: Side) => Promise<Listening>

/** How an exchange went: the answer of the application, or what ended it. */
interface Exchange {
  readonly answer: string | undefined
  readonly reason: string
}
type Exchanger = (port: number, side: Side, name: string) => Promise<Exchange>

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const listenNode: Listen = async ({ credential, trust }) => {
  const refusals: string[] = []
  const server = createServer({
    key: readFileSync(credential.key),
    cert: readFileSync(credential.fullchain),
    ca: trust.root,
    crl: [...trust.crls],
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      if (socket.authorized) socket.end(`${reversed(data.toString('utf8').trim())}\n`)
    })
  })
  server.on('tlsClientError', (error, socket) => {
    refusals.push(`${error.message} ${String((socket as TLSSocket | undefined)?.authorizationError ?? '')}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    server.close()
    await once(server, 'close')
  })
  return { port: (server.address() as AddressInfo).port, refusal: () => refusals.join('\n') }
}

const listenOpenssl: Listen = async ({ credential, trust }) => {
  const words = ['s_server', '-accept', '127.0.0.1:0', '-tls1_3', '-rev', '-verify_return_error', '-Verify', '1']
  const child = spawn('openssl', [...words, ...opensslFiles(credential, trust)])
  let [stdout, stderr] = ['', '']
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString('utf8')))
  closers.push(async () => {
    if (child.exitCode !== null) return
    child.kill()
    await once(child, 'close')
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString('utf8')
      const [, found] = /^ACCEPT 127\.0\.0\.1:(\d+)$/m.exec(stdout) ?? []
      if (found !== undefined) resolve(Number(found))
    })
    child.once('close', () => {
      reject(new Error(`s_server ended: ${stderr}`))
    })
  })
  return { port, refusal: () => stderr }
}

const exchangeNode: Exchanger = (port, { credential, trust }, name) =>
  new Promise((resolve) => {
    let answer = ''
    let reason = 'closed without an answer'
    const socket = connect({
      ...{ host: '127.0.0.1', port, servername: name },
      key: readFileSync(credential.key),
      cert: readFileSync(credential.fullchain),
      ca: trust.root,
      crl: [...trust.crls],
      minVersion: 'TLSv1.3',
    })
    socket.on('secureConnect', () => socket.write('hello\n'))
    socket.on('data', (data: Buffer) => {
      answer += data.toString('utf8')
      if (answer.endsWith('\n')) socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      reason = `${error.code ?? ''} ${error.message}`
    })
    socket.on('close', () => {
      resolve({ answer: answer === '' ? undefined : answer.trim(), reason })
    })
  })

const exchangeOpenssl: Exchanger = (port, { credential, trust }, name) =>
  new Promise((resolve) => {
    const words = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', name, '-verify_hostname', name]
    const child = spawn('openssl', [
      ...words,
      ...['-tls1_3', '-quiet', '-verify_return_error'],
      ...opensslFiles(credential, trust),
    ])
    let [stdout, stderr] = ['', '']
    child.stdin.on('error', () => undefined)
    child.stdin.write('hello\n')
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString('utf8')))
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString('utf8')
      if (stdout.endsWith('\n')) child.kill()
    })
    child.on('close', () => {
      resolve({ answer: stdout === '' ? undefined : stdout.trim(), reason: stderr })
    })
  })

function opensslFiles(credential: CredentialFiles, trust: Trust): readonly string[] {
  return [
    ...['-cert', credential.certificate, '-key', credential.key, '-cert_chain', credential.chain],
    ...['-CAfile', trust.file, '-crl_check_all', '-x509_strict'],
  ]
}

function reversed(text: string): string {
  return Buffer.from(text).reverse().toString()
}

const GOOD = { answer: 'olleh' }
/** Alerts and words of OpenSSL and Node for each reason. A reset may overtake the alert. */
const REASONS = {
  revoked: /revoked/i,
  purpose: /unsupported certificate|unsuitable certificate purpose|unsupported certificate purpose|INVALID_PURPOSE/i,
  unknown:
    /unknown ca|unable to (get|verify)|UNABLE_TO|signature failure|CERT_SIGNATURE_FAILURE|bad certificate|decrypt error/i,
  name: /hostname mismatch|ERR_TLS_CERT_ALTNAME_INVALID/i,
} as const

const pairs: readonly {
  readonly pair: string
  readonly listen: Listen
  readonly exchange: Exchanger
  readonly needs: boolean
}[] = [
  { pair: 'Node client, Node server', listen: listenNode, exchange: exchangeNode, needs: true },
  { pair: 'OpenSSL client, OpenSSL server', listen: listenOpenssl, exchange: exchangeOpenssl, needs: hasOpenssl },
  { pair: 'Node client, OpenSSL server', listen: listenOpenssl, exchange: exchangeNode, needs: hasOpenssl },
  { pair: 'OpenSSL client, Node server', listen: listenNode, exchange: exchangeOpenssl, needs: hasOpenssl },
]

describe.each(pairs)('mutual TLS 1.3: $pair', ({ listen, exchange, needs }) => {
  const broker = cloud.credential('broker-01/tls')
  const node = cloud.credential('compute-07/tls')
  const revokedNode = cloud.credential('compute-08/tls')
  const revokedBroker = cloud.credential('broker-02/tls')

  interface Meeting extends Exchange {
    readonly refusal: () => string
  }

  async function meet(server: Side, client: Side, name = SERVER): Promise<Meeting> {
    const listening = await listen(server)
    const exchanged = await exchange(listening.port, client, name)
    return { ...exchanged, refusal: listening.refusal }
  }

  /** Refused, and for the reason that one of the two sides names. */
  async function expectRefused({ answer, reason, refusal }: Meeting, why: RegExp): Promise<void> {
    expect(answer).toBeUndefined()
    // The client may have ended before the server said why.
    await expect.poll(() => `${reason}\n${refusal()}`, { timeout: 5000 }).toMatch(why)
  }

  it.skipIf(!needs)('talks when both have credentials of one deployment', async () => {
    expect(await meet({ credential: broker, trust: after }, { credential: node, trust: after })).toMatchObject(GOOD)
  })

  it.skipIf(!needs)('refuses a client that was revoked, from the new CRL on', async () => {
    const client = { credential: revokedNode, trust: after }
    expect(await meet({ credential: broker, trust: before }, client)).toMatchObject(GOOD)
    await expectRefused(await meet({ credential: broker, trust: after }, client), REASONS.revoked)
  })

  it.skipIf(!needs)('refuses a server that was revoked, from the new CRL on', async () => {
    const server = { credential: revokedBroker, trust: after }
    const name = 'broker-02.cloud.example'
    expect(await meet(server, { credential: node, trust: before }, name)).toMatchObject(GOOD)
    await expectRefused(await meet(server, { credential: node, trust: after }, name), REASONS.revoked)
  })

  it.skipIf(!needs)('refuses a certificate for servers only that a client shows', async () => {
    const client = { credential: webOnly, trust: before }
    await expectRefused(await meet({ credential: broker, trust: before }, client), REASONS.purpose)
  })

  it.skipIf(!needs)('requirement 4: refuses a certificate for clients only that a server shows', async () => {
    const server = { credential: clientOnly, trust: before }
    await expectRefused(await meet(server, { credential: node, trust: before }), REASONS.purpose)
  })

  it.skipIf(!needs)('refuses a certificate for signing messages that a client shows', async () => {
    const client = { credential: cloud.credential('compute-07/signer'), trust: after }
    await expectRefused(await meet({ credential: broker, trust: after }, client), REASONS.purpose)
  })

  it.skipIf(!needs)('refuses a client of another deployment with the same names', async () => {
    const client = { credential: twin.credential('compute-07/tls'), trust: after }
    await expectRefused(await meet({ credential: broker, trust: after }, client), REASONS.unknown)
  })

  it.skipIf(!needs)('requirement 4: refuses a server of another deployment with the same names', async () => {
    const server = { credential: twin.credential('broker-01/tls'), trust: after }
    await expectRefused(await meet(server, { credential: node, trust: after }), REASONS.unknown)
  })

  it.skipIf(!needs)('requirement 4: refuses a server that has another name than was dialled', async () => {
    const name = 'compute-07.cloud.example'
    await expectRefused(
      await meet({ credential: broker, trust: after }, { credential: node, trust: after }, name),
      REASONS.name,
    )
  })
})

describe('mutual TLS 1.3: a Node server that is given both CRLs in one text', () => {
  it('reads only the first, and so refuses everybody', async () => {
    const trust = { ...after, crls: [after.crls.join('')] }
    const { port, refusal } = await listenNode({ credential: cloud.credential('broker-01/tls'), trust })
    const client = { credential: cloud.credential('compute-07/tls'), trust: after }
    expect(await exchangeNode(port, client, SERVER)).toMatchObject({ answer: undefined })
    await expect.poll(refusal).toContain('UNABLE_TO_GET_CRL')
  })
})
