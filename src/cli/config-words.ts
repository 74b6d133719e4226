/**
 * The words of `signet config` for places.
 *
 * @module cli/config-words (floor 8)
 */
import { UsageError } from '../errors/index.js'
import type { Backend, Listener, ServerKind, SniRoute } from '../servers/index.js'

export interface ListenWords {
  readonly listen?: string
  readonly socketMode?: string
  readonly socketOwner?: string
  readonly socketGroup?: string
}

/** `10.0.0.1:8443`, `[::]:8443`, `unix:/run/signet-nginx/tls.sock`. Default: every address, the usual port. */
export function listenerOf(words: ListenWords, { installation }: ServerKind): Listener {
  const { listen = `0.0.0.0:${installation.port}` } = words
  if (listen.startsWith('unix:')) {
    const { socketMode = '0660', socketOwner = installation.user, socketGroup = installation.group } = words
    return { socket: listen.slice(5), mode: modeOf(socketMode), owner: socketOwner, group: socketGroup }
  }
  const { host, port } = hostAndPort(listen, '--listen', 'ADDRESS:PORT, or unix:PATH')
  return { address: host, port }
}

function modeOf(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return parseInt(text, 8)
  throw wrong('--socket-mode', text, 'an octal mode such as 0660')
}

export interface BackendWords {
  readonly backend?: string
  readonly backendName?: string
  readonly backendCredential?: string
  readonly route?: readonly string[]
}

const BACKEND = 'http://127.0.0.1:PORT, unix:PATH, or mtls://HOST:PORT'

/**
 * What a proxy hands on to, if anything is said.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` for clear text to another machine; `ERR_USAGE`
 */
export function backendOf(
  { backend, backendName, backendCredential, route = [] }: BackendWords,
  credential: string,
): Backend | undefined {
  if (route.length > 0) {
    if (backend !== undefined) throw wrong('--backend', backend, 'it or --route, not both')
    return { kind: 'passthrough', routes: route.map(routeOf) }
  }
  if (backend === undefined) return undefined
  if (backend.startsWith('unix:')) return { kind: 'socket', path: backend.slice(5) }
  const [, scheme = '', rest = ''] = /^(http|mtls):\/\/([^/]*)\/?$/.exec(backend) ?? []
  if (scheme === '') throw wrong('--backend', backend, BACKEND)
  const { host, port } = hostAndPort(rest, '--backend', BACKEND)
  if (scheme === 'mtls') {
    return { kind: 'mutual-tls', host, port, name: backendName ?? host, credential: backendCredential ?? credential }
  }
  if (host === '127.0.0.1' || host === 'localhost' || host === '::1') return { kind: 'loopback', port }
  throw new UsageError('ERR_CONFIG_INVALID', `what is decrypted would go on to ${host} in the clear`, {
    hint: `put the proxy on the machine of the service (http://127.0.0.1:${port}), or encrypt again (mtls://${host}:${port})`,
  })
}

/** `api.cloud.example=10.0.0.7:8443`. */
function routeOf(text: string): SniRoute {
  const form = 'NAME=HOST:PORT'
  const [, serverName = '', rest = ''] = /^([^=]+)=(.+)$/.exec(text) ?? []
  return { serverName, ...hostAndPort(rest, '--route', form) }
}

function hostAndPort(text: string, option: string, form: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text) ?? []
  if (port === '') throw wrong(option, text, form)
  return { host: bracketed ?? plain, port: Number(port) }
}

function wrong(option: string, value: string, form: string): UsageError {
  return new UsageError('ERR_USAGE', `${option} cannot be ${JSON.stringify(value)}`, { hint: `give ${form}` })
}
