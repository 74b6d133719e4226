/** Servers that do what they are told: careful ones, and ones that are wrong in one way. */
import { once } from 'node:events'
import { constants } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer as createPlainServer } from 'node:http'
import { createServer as createHttpsServer, type Server } from 'node:https'
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls'
import { afterEach } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { loadProbeClient, type ProbeClient, type ProbeClients, type ProbeOptions } from '../../src/probe/index.js'
import { NOW } from '../support/certificates.js'
import { type Leaf, LONG_PAST, makeTlsPki, pems } from '../support/tls-pki.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

export function later(close: () => unknown): void {
  closers.push(close)
}

export const pki = await makeTlsPki('probe')
export const server = pki.leaf('api-01')
export const good = pki.leaf('compute-07')
/** Certificates of the good client's names, each with something wrong. */
export const bad = {
  expired: pki.leaf('compute-07', LONG_PAST),
  revoked: pki.leaf('compute-07'),
  wrongPurpose: pki.leaf('compute-07', { purposes: [OID.kpServerAuth] }),
  unmapped: pki.leaf('compute-08'),
}
export const goodDirectory = pki.deliver(good)
const CRLS = (await pki.crls([bad.revoked])).map((crl) => crl.toPem())

export const clientOf = (leaf: Leaf): ProbeClient => loadProbeClient(pki.deliver(leaf)).client

export const clients = {
  good: loadProbeClient(goodDirectory).client,
  expired: clientOf(bad.expired),
  revoked: clientOf(bad.revoked),
  wrongPurpose: clientOf(bad.wrongPurpose),
  unmapped: clientOf(bad.unmapped),
} satisfies ProbeClients

const { caBundle, crls } = loadProbeClient(goodDirectory)
export const trust = {
  anchors: caBundle.filter((ca) => ca.issuer.equals(ca.subject)),
  intermediates: caBundle.filter((ca) => !ca.issuer.equals(ca.subject)),
  crls,
}
export const options: ProbeOptions = {
  trust,
  at: NOW,
  // Nobody waits for so long: all servers here answer, or go away.
  timeoutSeconds: 30,
  question: { protocol: 'http', identity: { header: 'x-who' } },
}

/** What a server of Node is told to serve carefully. */
export function tlsOptions(changes: TlsOptions = {}, leaf: Leaf = server): TlsOptions {
  const { key, cert } = clientOf(leaf).keyPair()
  return {
    key,
    cert,
    ca: pems([pki.root.certificate, pki.issuing.certificate]),
    crl: [...CRLS],
    requestCert: true,
    rejectUnauthorized: false,
    // No session is resumed: Node has no cache of its own.
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...changes,
  }
}

/** Who is at the other end of a request, as OpenSSL has it. */
export interface Caller {
  readonly request: IncomingMessage
  readonly commonName: string | undefined
  readonly error: string | undefined
  readonly authorized: boolean
}

/** Whom to take them for; nobody is refused with 403. */
export type Believe = (caller: Caller) => string | undefined

/** Only compute-07 is known, by a certificate that holds. */
export const careful: Believe = ({ error, commonName }) =>
  error === undefined && commonName === 'compute-07' ? commonName : undefined

export interface Fake<S extends NetServer = Server> {
  readonly server: S
  readonly target: { readonly host: string; readonly port: number; readonly serverName: string }
}

/** An HTTPS server that believes what it is told to. */
export async function fakeHttps(believe: Believe = careful, changes: TlsOptions = {}): Promise<Fake> {
  const made = createHttpsServer(tlsOptions(changes), (request, response) => {
    const socket = request.socket as TLSSocket
    const certificate = socket.getPeerX509Certificate()
    const commonName = certificate === undefined ? undefined : /^CN=(.+)$/m.exec(certificate.subject)?.[1]
    const error = socket.authorized ? undefined : String(socket.authorizationError)
    const none = certificate === undefined ? 'none' : undefined
    const who = believe({ request, commonName, error: none ?? error, authorized: socket.authorized })
    const yes = request.url === '/needs-a-token' ? 401 : 200
    response.writeHead(who === undefined ? 403 : yes, who === undefined ? {} : { 'x-who': who })
    response.end(JSON.stringify({ you: { are: who ?? null } }))
  })
  return listening(made)
}

/** A server of anything over TLS. */
export async function fakeTls(speak: (socket: TLSSocket) => void, changes: TlsOptions = {}): Promise<Fake<NetServer>> {
  return listening(
    createTlsServer(tlsOptions({ rejectUnauthorized: true, ...changes }), (socket) => {
      socket.on('error', () => undefined)
      speak(socket)
    }),
  )
}

/** TLS and clear text on one port. */
export async function fakeBoth(): Promise<Fake<NetServer>> {
  const secure = await fakeHttps()
  const plain = await listening(createPlainServer((_, response) => response.end('hello')))
  return listening(
    createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (first: Buffer) => {
        const to = connect(first[0] === 0x16 ? secure.target : plain.target)
        to.on('error', () => socket.destroy())
        to.write(first)
        socket.pipe(to).pipe(socket)
      })
    }),
  )
}

export async function listening<S extends NetServer>(made: S): Promise<Fake<S>> {
  const open = new Set<Socket>()
  made.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  made.on('tlsClientError', () => undefined)
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  later(async () => {
    const closed = new Promise((resolve) => made.close(resolve))
    for (const socket of open) socket.destroy()
    await closed
  })
  const { port } = made.address() as AddressInfo
  return { server: made, target: { host: '127.0.0.1', port, serverName: 'localhost' } }
}
