/**
 * Clients that talk to nobody but the server that was meant.
 *
 * @module tls/client (floor 7)
 */
import { isIP } from 'node:net'
import { connect, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls'
import { InternalError, isSignetError, UsageError } from '../errors/index.js'
import { checkHostName, checkUri, type ReferenceIdentity } from '../path/index.js'
import { parseCertificate } from '../x509/index.js'
import { TlsEndpoint } from './endpoint.js'
import { checkTlsOptions, DEFAULT_HANDSHAKE_SECONDS, requireNamed, type TlsOptions } from './options.js'
import type { AllowedPeers } from './peer.js'
import { refusalOf } from './refusal.js'

/** Which server is meant. Each that is given must hold. */
export interface ExpectedServer {
  /** Host name or IP address that its certificate must be for. Default: the host that is connected to. */
  readonly hostName?: string
  /** Its identity URI. */
  readonly uri?: string
  /** Who it must be by the registry. Default: whoever is identified, as its names were checked. */
  readonly allow?: AllowedPeers
}

/** Where the server is. */
export type ServerPlace = { readonly host: string; readonly port: number } | { readonly path: string }

/** A server to connect to, and who it must be. */
export type ServerTarget = ServerPlace & { readonly server?: ExpectedServer }

/**
 * A client with a credential directory, for any number of connections. Close it when done; until then it reloads its files,
 * and ends connections to servers that are revoked meanwhile.
 */
export class MutualTlsClient {
  readonly #options: TlsOptions
  readonly #endpoint: TlsEndpoint
  #context: SecureContext | undefined

  /** Made by {@link createMutualTlsClient}. */
  constructor(options: TlsOptions) {
    checkTlsOptions(options)
    this.#options = options
    this.#endpoint = new TlsEndpoint(options, 'none', (context) => {
      this.#context = createSecureContext(context)
    })
  }

  /**
   * Connect, and validate the server: OpenSSL its handshake, then its names, its path and its identity as everywhere in
   * signet. {@link peerOf} says who it is.
   *
   * That the server accepts us is not known yet: in TLS 1.3 it says so only with its first answer (RFC 8446 §4.4.2.4), or
   * by breaking off.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID` where nothing says who is meant
   * @throws {@link StoreError} `ERR_TLS_CONNECTION`
   * @throws {@link TrustError} `ERR_TLS_HANDSHAKE`, `ERR_PATH_*`, `ERR_REVOKED`, `ERR_REVOCATION_UNKNOWN`
   * @throws {@link DeniedError} `ERR_TLS_PEER_DENIED`, `ERR_IDENTITY_*`
   */
  async connect(target: ServerTarget): Promise<TLSSocket> {
    const { allow } = target.server ?? {}
    if (allow !== undefined) requireNamed(allow)
    const reference = referenceOf(target)
    const socket = await this.#handshake(target, reference)
    try {
      const wanted = { purpose: 'server', allow: allow ?? 'allow-any-identified', reference } as const
      await this.#endpoint.admit(socket, wanted)
      return socket
    } catch (error) {
      socket.destroy()
      throw refusalOf(error)
    }
  }

  /** As of a server: use what the credential directory holds now. */
  async reload(): Promise<void> {
    return this.#endpoint.reload()
  }

  /** As of a server: judge every server anew that we are connected to. */
  async recheck(): Promise<void> {
    return this.#endpoint.recheck()
  }

  /** Stop reloading, and end every connection. */
  close(): void {
    this.#endpoint.close()
    for (const socket of this.#endpoint.live) socket.destroy()
  }

  #handshake(target: ServerTarget, reference: ReferenceIdentity): Promise<TLSSocket> {
    const { hostName } = reference
    const secureContext = this.#context
    // Without one, Node would believe the roots of the operating system.
    if (secureContext === undefined) throw new InternalError('ERR_INTERNAL', 'a client has no context')
    const { alpnProtocols = [] } = this.#options
    return new Promise((resolve, reject) => {
      const socket = connect({
        ...('path' in target ? { path: target.path } : { host: target.host, port: target.port }),
        ...(hostName === undefined || isIP(hostName) !== 0 ? {} : { servername: hostName }),
        secureContext,
        ...(alpnProtocols.length === 0 ? {} : { ALPNProtocols: [...alpnProtocols] }),
        rejectUnauthorized: true,
        checkServerIdentity: (_, { raw }) => whyNotMeant(raw, reference),
      })
      const timer = setTimeout(() => {
        socket.destroy()
        reject(refusalOf(Object.assign(new Error('the handshake took too long'), { code: 'ETIMEDOUT' })))
      }, DEFAULT_HANDSHAKE_SECONDS * 1000)
      const settle = (end: () => void) => () => {
        clearTimeout(timer)
        end()
      }
      let failure: unknown = new Error('the server broke off')
      // Stays: a server that breaks off later is no reason to end the process. Whoever reads sees the end.
      socket.on('error', (error) => {
        failure = error
      })
      socket.once(
        'close',
        settle(() => reject(refusalOf(failure))),
      )
      socket.once(
        'secureConnect',
        settle(() => resolve(socket)),
      )
    })
  }
}

/**
 * Make a client for mutual TLS.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`, `ERR_TRUST_NO_ANCHOR`
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_CERT_MISMATCH`
 */
export function createMutualTlsClient(options: TlsOptions): MutualTlsClient {
  return new MutualTlsClient(options)
}

/**
 * Connect once, with a client that is closed with the connection.
 *
 * @throws as {@link createMutualTlsClient} and {@link MutualTlsClient.connect}
 */
export async function connectMutualTls(options: TlsOptions, target: ServerTarget): Promise<TLSSocket> {
  const client = createMutualTlsClient(options)
  try {
    const socket = await client.connect(target)
    socket.once('close', () => client.close())
    return socket
  } catch (error) {
    client.close()
    throw error
  }
}

function referenceOf(target: ServerTarget): ReferenceIdentity {
  const { hostName = 'host' in target ? target.host : undefined, uri } = target.server ?? {}
  if ('port' in target && !(Number.isInteger(target.port) && target.port > 0 && target.port < 65_536)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a port: ${String(target.port)}`)
  }
  if (hostName === undefined && uri === undefined) {
    throw new UsageError('ERR_CONFIG_INVALID', 'nothing says which server is meant', {
      hint: 'at a Unix socket there is no host name: give server.uri or server.hostName',
    })
  }
  return { ...(hostName === undefined ? {} : { hostName }), ...(uri === undefined ? {} : { uri }) }
}

/** Ours, not Node's: no common name, no partial wildcards, and URIs. */
function whyNotMeant(der: Uint8Array, { hostName, uri }: ReferenceIdentity): Error | undefined {
  try {
    const certificate = parseCertificate(der)
    if (hostName !== undefined) checkHostName(certificate, hostName)
    if (uri !== undefined) checkUri(certificate, uri)
    return undefined
  } catch (error) {
    if (isSignetError(error)) return error
    throw error
  }
}
