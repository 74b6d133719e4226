/** Servers that speak HTTP over TLS: what clients ask them, and the backend that tells what it was told. */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { Agent, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll } from 'vitest'
import { IDENTITY_HEADERS } from '../../../src/servers/index.js'
import { type Answer, type RunningServer, serialAt, tlsOptions } from './trial.js'
import type { ClientTls } from './world.js'

/** Answers with the headers that it got, whoever sent them. */
export const tellHeaders: RequestListener = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(request.headers))
}

/** A backend in clear text, on a port of this machine or a socket. It ends after the tests of the file. */
export async function serveBackend(place: number | string = 0): Promise<number> {
  const server: Server = createServer(tellHeaders)
  if (typeof place === 'string') server.listen(place)
  else server.listen(place, '127.0.0.1')
  await once(server, 'listening')
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return typeof address === 'string' ? 0 : (address as AddressInfo).port
}

export type Told = Answer & { readonly headers?: Readonly<Record<string, string>> }

export interface AskOptions {
  readonly session?: Buffer | undefined
  readonly agent?: Agent
  readonly headers?: Readonly<Record<string, string>>
  /** A Unix socket to connect to. */
  readonly socket?: string
  /** The newest version to speak. */
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly heard?: (socket: TLSSocket) => void
}

/** Ask who this is: the entity that the backend was told, or the status or error of a refusal. */
export function ask(port: number, client: ClientTls, options: AskOptions = {}): Promise<Told> {
  return new Promise((resolve) => {
    const refuse = (error: NodeJS.ErrnoException): void => resolve({ refused: error.code ?? error.message })
    const request = get(
      {
        ...tlsOptions(port, client, options.session),
        ...(options.socket === undefined ? {} : { socketPath: options.socket }),
        ...(options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion }),
        agent: options.agent ?? false,
        headers: { host: 'localhost', ...options.headers },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (piece: string) => (text += piece))
        response.once('error', refuse)
        response.once('end', () => {
          if (response.statusCode !== 200) {
            resolve({ refused: `HTTP ${response.statusCode ?? 0}` })
            return
          }
          const headers = JSON.parse(text) as Record<string, string>
          resolve({ identity: headers[IDENTITY_HEADERS.entity.toLowerCase()] ?? 'nobody', headers })
        })
      },
    )
    request.once('socket', (socket) => options.heard?.(socket as TLSSocket))
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', refuse)
  })
}

/** What the trial needs of such a server, without how it is started. */
export function httpServer(port: number): Omit<RunningServer, 'reload'> {
  return {
    whoAmI: (client, session) => ask(port, client, { session }),
    servedSerial: (client) => serialAt(port, client),
    session: async (client) => {
      let session: Buffer | undefined
      await ask(port, client, { heard: (socket) => socket.on('session', (data) => (session = data)) })
      return session
    },
    hold: async (client) => {
      // One connection, that is used again.
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      let local = 0
      const again = async (): Promise<boolean> => {
        let used = 0
        const answer = await ask(port, client, { agent, heard: (socket) => (used = socket.localPort ?? 0) })
        const isSame = local === 0 || used === local
        local ||= used
        return isSame && 'identity' in answer
      }
      await again()
      afterAll(() => agent.destroy())
      return again
    },
  }
}
