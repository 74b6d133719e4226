import { once } from 'node:events'
import { get, type RequestOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Agent } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { isSignetError } from '../../src/errors/index.js'
import {
  createMutualHttpsServer,
  type MutualHttpsServerOptions,
  type MutualTlsServer,
  mutualTlsAgent,
  mutualTlsConnector,
  peerOf,
} from '../../src/tls/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { TestClock } from '../support/test-authority.js'
import { makeTlsPki, pems } from '../support/tls-pki.js'
import { client, hear, type Heard, later } from './meeting.js'

const pki = await makeTlsPki()
const api = pki.leaf('api-01')
const node = pki.leaf('compute-07')
const nodeDirectory = pki.deliver(node)

interface ServedHttps extends MutualTlsServer {
  readonly port: number
  readonly heard: Heard
  readonly clock: TestClock
  readonly requests: string[]
}

async function serveHttps(credential: string, changes: Partial<MutualHttpsServerOptions> = {}): Promise<ServedHttps> {
  const [heard, clock, requests] = [hear(), new TestClock(), new Array<string>()]
  const usual = { credential, clock, listener: heard.listener, identify: pki.identify, reload: 'explicit' } as const
  const made = createMutualHttpsServer(
    { ...usual, allow: 'allow-any-identified', ...changes },
    (request, response, peer) => {
      requests.push(`${peer.entity} ${request.url ?? ''}`)
      response.end(`${peer.entity} ${peer.roles.join(' ')}`)
    },
  )
  made.server.listen(0, '127.0.0.1')
  await once(made.server, 'listening')
  later(() => made.close())
  return { ...made, heard, clock, requests, port: (made.server.address() as AddressInfo).port }
}

const NAMED = { hostName: 'api-01.cloud.example' }

function agent(directory: string, options: { keepAlive?: boolean } = {}): Agent {
  const made = mutualTlsAgent(client(pki, directory), NAMED, { keepAlive: true, ...options })
  later(() => made.destroy())
  return made
}

interface Answer {
  readonly status: number
  readonly text: string
}

function fetchText(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', ...options }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    }).on('error', reject)
  })
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (isSignetError(error) ? error.code : ((error as NodeJS.ErrnoException).code ?? '')),
  )

describe('createMutualHttpsServer', () => {
  it('answers whoever is identified, who is asked with the agent', async () => {
    const { port } = await serveHttps(pki.deliver(api))
    const from = agent(nodeDirectory)
    for (let count = 0; count < 3; count++) {
      expect(await fetchText({ port, agent: from })).toEqual({ status: 200, text: 'compute-07 compute_node' })
    }
    expect(Object.values(from.freeSockets).flat()).toHaveLength(1)
  })

  it('SVC-17: decides about each request by role', async () => {
    const { port, requests } = await serveHttps(pki.deliver(api), {
      allowRequest: ({ url }) => {
        if (url === '/health') return 'allow-any-identified'
        return url === '/state' ? { roles: ['compute_node'] } : url === '/admin' ? { roles: ['operator'] } : undefined
      },
    })
    const statuses = async (directory: string): Promise<readonly number[]> => {
      const from = agent(directory)
      const answers = ['/health', '/state', '/admin', '/undeclared'].map(async (path) =>
        fetchText({ port, agent: from, path }),
      )
      return (await Promise.all(answers)).map(({ status }) => status)
    }
    expect(await statuses(nodeDirectory)).toEqual([200, 200, 403, 403])
    expect(await statuses(pki.deliver(pki.leaf('operator-01')))).toEqual([200, 403, 200, 403])
    expect(requests.toSorted()).toEqual([
      'compute-07 /health',
      'compute-07 /state',
      'operator-01 /admin',
      'operator-01 /health',
    ])
  })

  it('SVC-13: says the code to whoever is refused, and nothing else', async () => {
    const { port } = await serveHttps(pki.deliver(api), { allowRequest: () => undefined })
    const answer = await fetchText({ port, agent: agent(nodeDirectory) })
    expect(answer).toEqual({ status: 403, text: '{"code":"ERR_TLS_PEER_DENIED"}' })
  })

  it('SVC-03: believes no header', async () => {
    const { port } = await serveHttps(pki.deliver(api))
    const headers = {
      'x-ssl-client-s-dn': 'CN=operator-01',
      'x-forwarded-client-cert': 'URI=spiffe://x/operator/operator-01',
    }
    const answer = await fetchText({ port, agent: agent(nodeDirectory), headers })
    expect(answer.text).toBe('compute-07 compute_node')
  })

  it('drops no request while everything is reloaded under load', async () => {
    const directory = pki.deliver(api)
    const server = await serveHttps(directory)
    const [kept, fresh] = [agent(nodeDirectory), agent(nodeDirectory, { keepAlive: false })]
    const answers: Promise<Answer>[] = []
    for (let round = 0; round < 8; round++) {
      for (let count = 0; count < 5; count++) {
        answers.push(fetchText({ port: server.port, agent: kept }), fetchText({ port: server.port, agent: fresh }))
      }
      pki.redeliver(directory, pki.leaf('api-01'), { crls: pems(await pki.crls([], { crlNumber: round + 2 })) })
      await server.reload()
    }
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(statuses).toHaveLength(80)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect(server.heard.reloaded).toHaveLength(8)
    expect(server.heard.peerClosed).toEqual([])
  })

  it('SVC-02: ends connections that are kept once their certificate is over, whether or not anybody looked', async () => {
    const server = await serveHttps(pki.deliver(api))
    const short = pki.leaf('compute-07', { notAfter: addSeconds(NOW, HOUR) })
    const from = agent(pki.deliver(short))
    expect(await fetchText({ port: server.port, agent: from })).toMatchObject({ status: 200 })
    server.clock.set(addSeconds(NOW, HOUR + 1))
    expect(await codeOf(fetchText({ port: server.port, agent: from }))).not.toBe('answered')
    expect(server.heard.peerClosed.map(({ error }) => error.code)).toEqual(['ERR_PATH_EXPIRED'])
    expect(server.requests).toHaveLength(1)
  })

  it('SVC-02: ends connections that are kept of who was revoked', async () => {
    const directory = pki.deliver(api)
    const server = await serveHttps(directory)
    const from = agent(nodeDirectory)
    await fetchText({ port: server.port, agent: from })
    pki.redeliver(directory, api, { crls: pems(await pki.crls([node], { crlNumber: 2 })) })
    await server.reload()
    expect(await codeOf(fetchText({ port: server.port, agent: from }))).not.toBe('answered')
    expect(server.requests).toHaveLength(1)
  })

  it('SVC-09: survives whoever breaks off', async () => {
    const { port, heard } = await serveHttps(pki.deliver(api))
    const from = client(pki, nodeDirectory)
    for (const text of ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', 'no HTTP at all\r\n\r\n', '']) {
      const socket = await from.connect({ host: '127.0.0.1', port, server: NAMED })
      socket.write(text)
      socket.destroy()
    }
    expect(await fetchText({ port, agent: agent(nodeDirectory) })).toMatchObject({ status: 200 })
    expect(heard.refused).toEqual([])
  })
})

describe('mutualTlsAgent and mutualTlsConnector', () => {
  it('send nothing to a server that is not the one meant', async () => {
    const server = await serveHttps(pki.deliver(api))
    const wrong = mutualTlsAgent(client(pki, nodeDirectory), { hostName: 'other.cloud.example' })
    // Options of a request say nothing of TLS here.
    const loose = { rejectUnauthorized: false, checkServerIdentity: () => undefined, servername: 'other.cloud.example' }
    expect(await codeOf(fetchText({ port: server.port, agent: wrong, ...loose }))).toBe('ERR_PATH_HOST_NAME')
    // Without a name, the host that is connected to must be in the certificate; 127.0.0.1 is not.
    const plain = mutualTlsAgent(client(pki, nodeDirectory))
    expect(await codeOf(fetchText({ port: server.port, agent: plain }))).toBe('ERR_PATH_HOST_NAME')
    expect(await fetchText({ port: server.port, agent: plain, host: 'localhost' })).toMatchObject({ status: 200 })
    plain.destroy()
    expect(server.requests).toHaveLength(1)
  })

  const dial = (port: number, hostname: string, protocol = 'https:'): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const connector = mutualTlsConnector(client(pki, nodeDirectory), hostname === 'localhost' ? {} : NAMED)
      connector({ hostname, port: String(port), protocol }, (error, socket) => {
        if (socket === null) reject(error ?? new Error('neither a socket nor an error'))
        else resolve(socket)
      })
    })

  it('hand undici sockets to servers that were validated, and nothing else', async () => {
    const server = await serveHttps(pki.deliver(api))
    for (const hostname of ['127.0.0.1', 'localhost']) {
      const socket = await dial(server.port, hostname)
      later(() => socket.destroy())
      expect(peerOf(socket).entity).toBe('api-01')
    }
    expect(await codeOf(dial(server.port, '127.0.0.1', 'http:'))).toBe('ERR_TLS_CONNECTION')
    expect(await codeOf(dial(1, '127.0.0.1'))).toBe('ERR_TLS_CONNECTION')
  })
})
