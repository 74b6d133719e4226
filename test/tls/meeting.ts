/** Servers and clients that meet on loopback. Nothing counts but an answer: in TLS 1.3 a client is connected before it is judged. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach } from 'vitest'
import { isSignetError, type SignetError } from '../../src/errors/index.js'
import {
  createMutualTlsClient,
  createMutualTlsServer,
  type MutualTlsClient,
  type MutualTlsServer,
  type MutualTlsServerOptions,
  type Peer,
  peerOf,
  type ServerTarget,
  type TlsListener,
  type TlsOptions,
} from '../../src/tls/index.js'
import { TestClock } from '../support/test-authority.js'
import type { TlsPki } from '../support/tls-pki.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Close it when the test is over. */
export function later(close: () => unknown): void {
  closers.push(close)
}

/** Whatever a listener was told. */
export interface Heard {
  readonly refused: SignetError[]
  readonly stale: SignetError[]
  readonly peerRefused: SignetError[]
  readonly peerClosed: { readonly error: SignetError; readonly peer: Peer }[]
  readonly reloaded: string[]
  readonly listener: TlsListener
}

export function hear(): Heard {
  const heard: Omit<Heard, 'listener'> = { refused: [], stale: [], peerRefused: [], peerClosed: [], reloaded: [] }
  return {
    ...heard,
    listener: {
      refused: (error) => heard.refused.push(error),
      stale: (error) => heard.stale.push(error),
      peerRefused: (error) => heard.peerRefused.push(error),
      peerClosed: (error, peer) => heard.peerClosed.push({ error, peer }),
      reloaded: (serial) => heard.reloaded.push(serial),
    },
  }
}

export interface Served extends MutualTlsServer {
  readonly heard: Heard
  readonly clock: TestClock
  readonly port: number
  readonly peers: Peer[]
}

/** A server that answers each message with who sent it: entity and roles, as of then. */
export async function serve(
  pki: TlsPki,
  credential: string,
  changes: Partial<MutualTlsServerOptions> = {},
): Promise<Served> {
  const [heard, clock, peers] = [hear(), new TestClock(), new Array<Peer>()]
  const { listener } = heard
  const usual = { allow: { roles: ['compute_node'] }, reload: 'explicit', identify: pki.identify } as const
  const made = createMutualTlsServer({ credential, clock, listener, ...usual, ...changes }, (socket, peer) => {
    peers.push(peer)
    socket.on('data', () => {
      const { entity, roles } = peerOf(socket)
      socket.write(`${entity} ${roles.join(' ')}\n`)
    })
  })
  made.server.listen(0, '127.0.0.1')
  await once(made.server, 'listening')
  later(() => made.close())
  return { ...made, heard, clock, peers, port: (made.server.address() as AddressInfo).port }
}

export function client(
  pki: TlsPki,
  credential: string,
  changes: Partial<TlsOptions> = {},
): MutualTlsClient & { heard: Heard } {
  const heard = hear()
  const usual = { credential, clock: new TestClock(), listener: heard.listener, identify: pki.identify } as const
  const made = createMutualTlsClient({ ...usual, reload: 'explicit', ...changes })
  later(() => made.close())
  return Object.assign(made, { heard })
}

/** The next answer on a connection, or why there is none. */
export function ask(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let reason = 'closed'
    const end = (): void => resolve(reason)
    socket.once('error', (error: NodeJS.ErrnoException) => (reason = error.code ?? error.message))
    socket.once('close', end)
    socket.once('data', (data: Buffer) => {
      socket.off('close', end)
      resolve(data.toString('utf8').trim())
    })
    if (socket.destroyed) end()
    else socket.write('who am I?\n')
  })
}

/** Connect and ask: the answer, or the code that a client or the network ended it with. */
export async function meet(from: MutualTlsClient, target: ServerTarget): Promise<string> {
  try {
    const socket = await from.connect(target)
    later(() => socket.destroy())
    return await ask(socket)
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
}

export const at = (port: number): ServerTarget => ({
  host: '127.0.0.1',
  port,
  server: { hostName: 'api-01.cloud.example' },
})
