/**
 * A client for those who speak HTTP: an agent for `node:https`, a connector for undici.
 *
 * @module tls/agent (floor 7)
 */
import { Agent, type AgentOptions, type RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { refusalOf } from './refusal.js'
import type { ExpectedServer, MutualTlsClient, ServerPlace } from './client.js'

/** Settings of connections that are kept; those of TLS are the client's. */
export type MutualTlsAgentOptions = Pick<
  AgentOptions,
  'keepAlive' | 'maxSockets' | 'maxFreeSockets' | 'scheduling' | 'timeout'
>

/** See {@link mutualTlsAgent}. */
class MutualTlsAgent extends Agent {
  readonly #client: MutualTlsClient
  readonly #server: ExpectedServer

  constructor(client: MutualTlsClient, server: ExpectedServer, options: MutualTlsAgentOptions) {
    super({ keepAlive: true, ...options, maxCachedSessions: 0 })
    this.#client = client
    this.#server = server
  }

  override createConnection(
    options: RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { host, port, socketPath } = options
    const place = typeof socketPath === 'string' ? { path: socketPath } : { host: host ?? '', port: Number(port) }
    hand(this.#client, place, this.#server, callback as Callback | undefined)
    return undefined
  }
}

/**
 * An agent for `https.request`: every connection of it is one of the client's. Nothing of a request is sent before the
 * server was validated. What is said of TLS in the options of a request does not count.
 *
 * @param server - Who must answer, at whatever host. Default: whose certificate is for the host.
 */
export function mutualTlsAgent(
  client: MutualTlsClient,
  server: ExpectedServer = {},
  options: MutualTlsAgentOptions = {},
): Agent {
  return new MutualTlsAgent(client, server, options)
}

/** What undici says of a place, as far as it matters. */
export interface ConnectorTarget {
  readonly hostname: string
  readonly port: string
  readonly protocol: string
  readonly socketPath?: string | null
}

type Callback = (error: Error | null, socket: TLSSocket | null) => void

/**
 * A function for the option `connect` of undici's `Agent`, `Pool` and `Client`: as {@link mutualTlsAgent}. Anything but
 * `https:` is refused.
 */
export function mutualTlsConnector(
  client: MutualTlsClient,
  server: ExpectedServer = {},
): (target: ConnectorTarget, callback: Callback) => void {
  return ({ hostname, port, protocol, socketPath }, callback) => {
    if (protocol !== 'https:') {
      callback(refusalOf(Object.assign(new Error(`${protocol} is not TLS`), { code: 'EPERM' })), null)
      return
    }
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const place =
      typeof socketPath === 'string' ? { path: socketPath } : { host, port: port === '' ? 443 : Number(port) }
    hand(client, place, server, callback)
  }
}

function hand(
  client: MutualTlsClient,
  place: ServerPlace,
  server: ExpectedServer,
  callback: Callback | undefined,
): void {
  client.connect({ ...place, server }).then(
    (socket) => callback?.(null, socket),
    (error: unknown) => callback?.(refusalOf(error), null),
  )
}
