/**
 * What is to be configured: one server of the deployment, and who may come in.
 *
 * @module servers/plan (floor 7.2)
 */
import type { BrokerPermissions, Subject } from '../brokers/index.js'

/** An entity that is let in, in the forms by which servers know it. */
export interface Admitted {
  readonly entity: string
  readonly uri: string
  /** In its own scope, sorted. */
  readonly roles: readonly string[]
  /** The subject of every certificate of it. */
  readonly subject: Subject
  readonly dnsNames: readonly string[]
  /** SHA-256 of the public keys of its good certificates, in hex: for servers that read no CRLs. */
  readonly pins?: readonly string[]
}

/** Where a server listens. */
export type Listener =
  | { readonly address: string; readonly port: number }
  /** A Unix socket: who may connect is a matter of owner and mode. */
  | { readonly socket: string; readonly mode: number; readonly owner: string; readonly group: string }

/** What a proxy hands on to. */
export type Backend =
  /** In clear text: of this machine, so that it has a port and no address. */
  | { readonly kind: 'loopback'; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string }
  /** Encrypted again, with the proxy's own certificate, the backend's verified by name. */
  | {
      readonly kind: 'mutual-tls'
      readonly host: string
      readonly port: number
      /** What its certificate must say. */
      readonly name: string
      /** Credential directory of the inner trust domain, on the proxy's machine. */
      readonly credential: string
    }
  /** Not opened: chosen by the name in the ClientHello. */
  | { readonly kind: 'passthrough'; readonly routes: readonly SniRoute[] }

export interface SniRoute {
  readonly serverName: string
  readonly host: string
  readonly port: number
  /** Others that serve the same: who resumes a TLS session gets to the server that gave it. HAProxy only. */
  readonly replicas?: readonly { readonly host: string; readonly port: number }[]
}

export interface ServerPlan {
  /** Credential directory on the server's machine. */
  readonly credential: string
  /** Where the files will lie on the server's machine. */
  readonly directory: string
  /** What it writes itself lies in here: its process id, its sockets, its data. It is there before the server starts. */
  readonly state: string
  readonly listen: Listener
  /** For proxies. */
  readonly backend?: Backend
  /** Everybody else is refused, also with a good certificate. Empty: nobody. Sorted by entity, each once. */
  readonly admitted: readonly Admitted[]
  /** For brokers: what each may publish and consume. Without it those who are admitted may do nothing. */
  readonly permissions?: BrokerPermissions
  /**
   * For MariaDB, which can ask for it: the subject of the issuing CA as OpenSSL writes it on one line (`/O=…/CN=…`). Where it
   * is named, nobody comes in with a certificate of the next issuing CA until the configuration is written again.
   */
  readonly issuer?: string
  /** Whom the server runs as. */
  readonly user: string
  readonly group: string
  readonly versions: 'TLSv1.3' | 'allow-TLSv1.2'
}
