/**
 * Servers that hand over nobody but those who were identified and are allowed.
 *
 * @module tls/server (floor 7)
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { createServer as createTlsServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { InternalError, isSignetError, type SignetError } from '../errors/index.js'
import { TlsEndpoint } from './endpoint.js'
import { checkServerOptions, DEFAULT_HANDSHAKE_SECONDS, type MutualTlsServerOptions } from './options.js'
import { type AllowedPeers, type Peer, peerOf, requireAllowed } from './peer.js'
import { refusalOf } from './refusal.js'

/** A server, and what keeps it up to date. */
export interface MutualTlsServer<S extends Server = Server> {
  /** Node's own: `listen` on it, at a port; for a Unix socket see {@link listenOnSocket}. */
  readonly server: S
  /** Use what the credential directory holds now. @throws why not; then what was used before stays. */
  reload(): Promise<void>
  /** Judge everyone anew who is connected: after a change of the registry, for instance. */
  recheck(): Promise<void>
  /** Stop listening, and end every connection. */
  close(): Promise<void>
}

/**
 * Make a server for mutual TLS.
 *
 * OpenSSL verifies the handshake, CRLs included; then the path is validated as everywhere in signet, the identity resolved
 * and asked for in `allow`. Only then is the connection handed over. Everyone who is connected is judged again whenever
 * files, trust directory or CRLs change, and from time to time; {@link peerOf} is always the newest verdict.
 *
 * Says nothing of what a peer may do beyond being connected: see {@link requireAllowed}.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`, `ERR_TRUST_NO_ANCHOR`
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_CERT_MISMATCH`
 */
export function createMutualTlsServer(
  options: MutualTlsServerOptions,
  onConnection: (socket: TLSSocket, peer: Peer) => void,
): MutualTlsServer {
  checkServerOptions(options)
  return guarded(createTlsServer(handshake(options, [])), options, onConnection)
}

/** What an HTTPS server is told besides. */
export interface MutualHttpsServerOptions extends MutualTlsServerOptions {
  /**
   * Who may make this request, of those who may connect. Where nothing is said of a request it is refused, with 403.
   * Default: whoever may connect may make every request.
   */
  readonly allowRequest?: (request: IncomingMessage) => AllowedPeers | 'allow-any-identified' | undefined
}

/**
 * Make an HTTPS server for mutual TLS: as {@link createMutualTlsServer}, and each request is judged, too.
 *
 * @throws as that does
 */
export function createMutualHttpsServer(
  { allowRequest, ...options }: MutualHttpsServerOptions,
  onRequest: (request: IncomingMessage, response: ServerResponse, peer: Peer) => void,
): MutualTlsServer<HttpsServer> {
  checkServerOptions(options)
  const server = createHttpsServer(handshake(options, ['http/1.1']))
  // What makes HTTP of a connection is the listener that Node has put there. It gets those only who were let in.
  const [speakHttp] = server.listeners('secureConnection')
  if (speakHttp === undefined) throw new InternalError('ERR_INTERNAL', 'the HTTPS server of Node has no listener')
  server.removeAllListeners('secureConnection')
  const made = guarded(server, options, (socket) => void Reflect.apply(speakHttp, server, [socket]))
  server.on('request', (request, response) => {
    let peer: Peer
    try {
      // Ended while it was being asked: there is nobody to answer.
      if (made.hasEnded(request.socket)) return
      peer = peerOf(request.socket)
      requireAllowed(peer.identity, allowRequest === undefined ? 'allow-any-identified' : allowRequest(request))
    } catch (error) {
      if (!isSignetError(error)) throw error
      forbid(response, error)
      return
    }
    onRequest(request, response, peer)
  })
  return made
}

/** SVC-13: the code, and nothing else. */
function forbid(response: ServerResponse, { code }: SignetError): void {
  response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify({ code }))
}

interface HandshakeOptions {
  readonly requestCert: true
  readonly rejectUnauthorized: true
  readonly handshakeTimeout: number
  readonly ALPNProtocols?: string[]
}

function handshake(
  { handshakeSeconds = DEFAULT_HANDSHAKE_SECONDS, alpnProtocols }: MutualTlsServerOptions,
  usual: readonly string[],
): HandshakeOptions {
  const protocols = [...(alpnProtocols ?? usual)]
  return {
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: handshakeSeconds * 1000,
    ...(protocols.length === 0 ? {} : { ALPNProtocols: protocols }),
  }
}

interface GuardedServer<S extends Server> extends MutualTlsServer<S> {
  hasEnded(socket: Socket): boolean
}

function guarded<S extends Server>(
  server: S,
  options: MutualTlsServerOptions,
  deliver: (socket: TLSSocket, peer: Peer) => void,
): GuardedServer<S> {
  const { allow, listener, resumption = 'refuse', handshakeSeconds = DEFAULT_HANDSHAKE_SECONDS } = options
  const sessions = resumption === 'refuse' ? 'none' : 'tickets'
  const endpoint = new TlsEndpoint(options, sessions, (context, made) => setContext(server, context, made))
  const open = new Set<Socket>()
  // Of the transport: whoever never finishes a handshake is there, too.
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('tlsClientError', (error, socket) => {
    // SVC-05: Node only tells that a handshake took too long.
    socket.destroy()
    listener.peerRefused?.(refusalOf(error, socket.authorizationError))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    // SVC-09: a peer that breaks off is no reason to end the process.
    socket.on('error', () => socket.destroy())
    const timer = setTimeout(() => socket.destroy(), handshakeSeconds * 1000)
    endpoint.admit(socket, { purpose: 'client', allow }).then(
      (peer) => {
        clearTimeout(timer)
        deliver(socket, peer)
      },
      (error: unknown) => {
        clearTimeout(timer)
        socket.destroy()
        listener.peerRefused?.(refusalOf(error))
      },
    )
  })
  return {
    server,
    reload: async () => endpoint.reload(),
    recheck: async () => endpoint.recheck(),
    hasEnded: (socket) => endpoint.hasEnded(socket),
    close: async () => {
      endpoint.close()
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/**
 * A new context makes new ticket keys, and the context of sessions is that of the generation: what was begun under
 * another one is not resumed (SVC-02).
 */
function setContext(server: Server, context: SecureContextOptions, made: string): void {
  server.setSecureContext({ ...context, sessionIdContext: sessionContext(made) })
  // KEY-10: Node keeps what it was told as properties that inspection prints, and never reads them again.
  Object.assign(server, { key: undefined })
}

function sessionContext(made: string): string {
  return createHash('sha256').update(made).digest('hex').slice(0, 32)
}
