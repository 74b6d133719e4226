/**
 * A deployment as it is written: its trust domains, networks and endpoints, and every channel between them.
 *
 * ```yaml
 * version: 1
 * domains:                                   # whose certificates count, and in which zones
 *   inside: { authority: own, zones: [rack] }
 * zones: { rack: internal }                  # public, internal, or host-local
 * endpoints:
 *   nodes:
 *     zone: rack
 *     credentials:
 *       inside: { directory: /etc/signet/tls, identities: [{ uri: spiffe://cloud.example/compute/compute-07 }] }
 *   proxy:
 *     host: api-01
 *     zone: rack
 *     kind: nginx
 *     listen: { address: 192.0.2.11, port: 8774 }
 *     credentials: { inside: { directory: /var/lib/signet/api-01, names: [api.cloud.example] } }
 *   api:
 *     host: api-01
 *     zone: rack
 *     listen: { address: 127.0.0.1, port: 8775 }
 * channels:
 *   node-api:
 *     protocol: rest
 *     from: nodes
 *     hops:
 *       - { to: proxy, tls: mutual-tls, domain: inside }
 *       - { to: api, tls: clear }
 * ```
 *
 * @module channels/document (floor 7.3)
 */
import type { Listener } from '../servers/index.js'

/** Who can be on a network: anybody, those of the deployment, or only this machine. */
export type ZoneKind = 'public' | 'internal' | 'host-local'

/** A set of authorities that are believed together. */
export interface TrustDomain {
  /** `own`: certifies only who is of the deployment. `public`: certifies anybody. */
  readonly authority: 'own' | 'public'
  /** Where its certificates count, by the names of zones. */
  readonly zones: readonly string[]
}

/** A certificate of an endpoint in one trust domain, and who may read its key. */
export interface EndpointCredential {
  /** The credential directory on its machine. */
  readonly directory: string
  /** What the certificate says as a server. */
  readonly names: readonly string[]
  /** Who it says that its holders are: several for a set of clients. */
  readonly identities: readonly EndpointIdentity[]
  /** Who owns the key. Default `root`. */
  readonly owner: string
  /** A group that may read it. Default: none. */
  readonly group?: string
}

export interface EndpointIdentity {
  readonly uri: string
  readonly roles: readonly string[]
  readonly dnsNames: readonly string[]
}

export interface Endpoint {
  readonly name: string
  /** The machine. Absent: others than those that are named. */
  readonly host?: string
  /** The network at which it listens, or from which it comes. */
  readonly zone: string
  /** The server that signet writes a configuration for; absent for services and clients. */
  readonly kind?: string
  /** Several: the same service on as many machines. Empty for clients. */
  readonly listen: readonly Listener[]
  readonly user?: string
  /** Groups of that user, beside one of the same name. */
  readonly groups: readonly string[]
  readonly versions: 'TLSv1.3' | 'allow-TLSv1.2'
  /** By trust domain. */
  readonly credentials: ReadonlyMap<string, EndpointCredential>
  /** The profile of {@link Deployment.clients} by which it connects. */
  readonly client?: string
  /** `required`: it must not be able to read any key of the machine. */
  readonly separation: 'required' | 'not-required'
  /** Where generated files lie, and where what runs writes. Default: as its kind is installed. */
  readonly directory?: string
  readonly state?: string
}

/** `passthrough`: carried on unopened. */
export type TlsMode = 'mutual-tls' | 'tls' | 'passthrough' | 'clear'

export interface Hop {
  readonly to: string
  readonly tls: TlsMode
  /** The trust domain of the server's certificate. Absent where there is none to see. */
  readonly domain?: string
  /** That of the client's. Default: the same. */
  readonly clients?: string
  /** The name that the client looks for. Default: the first of the server's certificate. */
  readonly name?: string
}

export type Protocol = 'rest' | 'rpc' | 'database' | 'queue' | 'other'

export interface Channel {
  readonly name: string
  readonly protocol: Protocol
  readonly from: string
  readonly hops: readonly Hop[]
}

/** How a client connects: one form for all, whatever its program calls these. Not yet judged: see `lintClientProfile`. */
export type ClientProfile = Readonly<Record<(typeof CLIENT_OPTIONS)[number], unknown>>

/** What a profile may say. */
export const CLIENT_OPTIONS = ['ca', 'certificate', 'key', 'crls', 'insecure', 'check-host'] as const

export interface Deployment {
  readonly domains: ReadonlyMap<string, TrustDomain>
  readonly zones: ReadonlyMap<string, ZoneKind>
  readonly clients: ReadonlyMap<string, ClientProfile>
  readonly endpoints: ReadonlyMap<string, Endpoint>
  readonly channels: readonly Channel[]
}
