/** As much of etcd's protocol, gRPC over HTTP/2, as it takes to find out whose keys one may read. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import { connect, type TLSSocket } from 'node:tls'
import { refusalOf, sessionOf } from './starttls.js'
import { type RunningServer, serialAt, tlsOptions } from './trial.js'
import type { ClientTls } from './world.js'

const HTTP2 = { ALPNProtocols: ['h2'] }

async function open(port: number, client: ClientTls, session?: Buffer): Promise<ClientHttp2Session> {
  const socket = await secured(port, client, session)
  // From here on it is HTTP/2 that hears answers.
  socket.setTimeout(0)
  const http = connectHttp2('https://localhost', { createConnection: () => socket })
  http.on('error', () => undefined)
  return http
}

async function secured(port: number, client: ClientTls, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({ ...tlsOptions(port, client, session), ...HTTP2 })
  socket.once('timeout', () => socket.destroy(new Error('no answer')))
  await once(socket, 'secureConnect')
  return socket
}

/** Read a key. @returns The status of gRPC: 0 it was read (or is not there), 7 permission denied. */
function range(http: ClientHttp2Session, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      ...{ ':method': 'POST', ':path': '/etcdserverpb.KV/Range' },
      ...{ 'content-type': 'application/grpc', te: 'trailers' },
    })
    let status = ''
    const take = (headers: IncomingHttpHeaders): void => {
      status = headers['grpc-status']?.toString() ?? status
    }
    request.on('response', take)
    request.on('trailers', take)
    request.on('data', () => undefined)
    request.once('error', reject)
    request.once('close', () => (status === '' ? reject(new Error('closed')) : resolve(status)))
    // A message that is not compressed: its length, and field 1, the key.
    const octets = Buffer.from(key)
    request.end(Buffer.concat([Buffer.from([0, 0, 0, 0, octets.length + 2, 0x0a, octets.length]), octets]))
  })
}

/** What the trial needs, without how it is started. @param names - Users, each with the keys below its name. */
export function etcdServer(port: number, names: readonly string[]): Omit<RunningServer, 'reload'> {
  const whoAmI: RunningServer['whoAmI'] = async (client, session) => {
    let http: ClientHttp2Session | undefined
    try {
      http = await open(port, client, session)
      const allowed: string[] = []
      for (const name of names) if ((await range(http, `${name}/x`)) === '0') allowed.push(name)
      return allowed.length === 0 ? { refused: 'permission denied' } : { identity: allowed.join(', ') }
    } catch (error) {
      return refusalOf(error)
    } finally {
      http?.destroy()
    }
  }
  return {
    whoAmI: async (client, session) => {
      const answer = await whoAmI(client, session)
      // It reads certificate and key one after the other, and they may be swapped between: clients of gRPC try again.
      return 'refused' in answer && /internal error/.test(answer.refused) ? whoAmI(client, session) : answer
    },
    servedSerial: (client) => serialAt(port, client),
    session: async (client) => {
      const socket = await secured(port, client)
      return sessionOf({ socket }, () => once(socket, 'data'))
    },
    hold: async (client) => {
      const http = await open(port, client)
      return () =>
        range(http, `${names[2] ?? ''}/x`).then(
          (status) => status === '0',
          () => false,
        )
    },
  }
}
