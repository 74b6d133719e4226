/**
 * Who is at the other end, and whether they may be there.
 *
 * @module tls/peer (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import type { ValidatedPath } from '../path/index.js'
import type { Certificate } from '../x509/index.js'

/** Who may: by any of these. */
export interface AllowedPeers {
  readonly entities?: readonly string[]
  readonly uris?: readonly string[]
  readonly roles?: readonly string[]
}

let make: (path: ValidatedPath, identity: Identity) => Peer

/** The proof that somebody was identified: only a handshake that was judged makes one. */
export class Peer {
  static {
    make = (path, identity) => new Peer(path, identity)
  }
  readonly identity: Identity
  /** The path for which its certificate was believed. */
  readonly path: ValidatedPath

  private constructor(path: ValidatedPath, identity: Identity) {
    this.path = path
    this.identity = identity
    Object.freeze(this)
  }

  /** The registered entity's id. */
  get entity(): string {
    return this.identity.entity
  }

  get roles(): readonly string[] {
    return this.identity.roles
  }

  /** The only certificate whose names may be taken for the peer's. */
  get certificate(): Certificate {
    return this.path.target
  }

  /** The last instant at which every certificate of the path is valid. */
  get until(): Date {
    return new Date(Math.min(...this.path.certificates.map(({ notAfter }) => notAfter.getTime())))
  }
}

/** For the one place that judges. */
export function provePeer(path: ValidatedPath, identity: Identity): Peer {
  return make(path, identity)
}

const peers = new WeakMap<object, Peer>()

export function rememberPeer(socket: object, peer: Peer): void {
  peers.set(socket, peer)
}

export function forgetPeer(socket: object): void {
  peers.delete(socket)
}

/**
 * Who is at the other end of a socket, as of the newest look: roles that were taken away meanwhile are gone.
 *
 * @param socket - As handed over by a server or client of this module; of an HTTP request, its `socket`.
 * @throws {@link DeniedError} `ERR_TLS_PEER_DENIED` for any other socket
 */
export function peerOf(socket: object): Peer {
  const peer = peers.get(socket)
  if (peer !== undefined) return peer
  throw new DeniedError('ERR_TLS_PEER_DENIED', 'nobody was identified at the other end of this socket')
}

/**
 * Check that a peer is one of those who may. For one request of a connection, as for the whole.
 *
 * @param allow - Nothing said is nobody allowed.
 * @throws {@link DeniedError} `ERR_TLS_PEER_DENIED`
 */
export function requireAllowed(
  { entity, uri, roles }: Identity,
  allow: AllowedPeers | 'allow-any-identified' | undefined,
): void {
  if (allow === 'allow-any-identified') return
  const isAllowed =
    allow?.entities?.includes(entity) === true ||
    allow?.uris?.includes(uri) === true ||
    roles.some((role) => allow?.roles?.includes(role) === true)
  if (isAllowed) return
  throw new DeniedError('ERR_TLS_PEER_DENIED', `${entity} may not do this here`, {
    details: { peer: uri, roles: roles.join(' ') },
  })
}
