/**
 * A kind of server that signet writes configurations for, and what is known about it: one value of this per file of this
 * folder.
 *
 * @module servers/server (floor 7.2)
 */
import type { Admitted, ServerPlan } from './plan.js'

/** How a server behaves, as seen on the version that is named. Whoever renews, revokes or rotates relies on it. */
export interface ServerFacts {
  /** The version that the facts are of. */
  readonly version: string
  /** The profile of its certificate: `peer` where the server is a client, too. */
  readonly profile: 'server' | 'peer'
  /** What it takes an identity from. */
  readonly identity: 'uri' | 'dns' | 'subject' | 'common-name' | 'none'
  /** Whose CRLs it must have: those of every CA of the path, of the issuing one, serial numbers only, or it knows none. */
  readonly crls: 'every-ca' | 'issuing-ca' | 'serials-only' | 'none'
  /** When new CRLs count. */
  readonly crlsCount: 'on-reload' | 'at-once' | 'never'
  /** What a key that does not fit its certificate does on reload. */
  readonly brokenPair: 'old-stays' | 'outage'
  /** Who had connected before is cut off by a reload, by {@link ServerFacts.disconnect}, or only by a restart. */
  readonly disconnect: readonly string[] | 'on-reload' | 'restart'
}

/** A file for the machine of the server. */
export interface GeneratedFile {
  /** Absolute. */
  readonly path: string
  readonly content: string
  /** 0o644 unless it holds a secret. */
  readonly mode: number
  readonly owner: string
  readonly group: string
}

/** Everything that a server needs besides its credential directory. The same octets for the same plan. */
export interface ServerConfiguration {
  readonly files: readonly GeneratedFile[]
  /** Programs and their words, without a shell: makes the server take up new files of the credential directory. */
  readonly reload: readonly (readonly string[])[]
  /** Looks whether the server would take the files, before it is asked to; absent where it cannot. */
  readonly test?: readonly string[]
  /** What it cannot do, said to whoever installs it. */
  readonly notes: readonly string[]
}

/** Something in a configuration that lets somebody in, or locks everybody out. */
export interface ConfigFinding {
  readonly code: ConfigFindingCode
  readonly severity: 'hole' | 'outage' | 'note'
  readonly file: string
  /** From 1; absent where something is missing. */
  readonly line?: number
  readonly message: string
  readonly hint: string
}

export type ConfigFindingCode =
  /** Clients need not show a certificate, or a wrong one is let through. */
  | 'verification-optional'
  | 'verification-absent'
  /** The other end's name is not compared. */
  | 'host-unchecked'
  /** A word that reads as no and counts as yes, as `insecure: "false"` (CVE-2014-7144). */
  | 'string-boolean'
  /** Sessions outlive revocation. */
  | 'resumption'
  /** A listener without TLS that more than this machine can reach. */
  | 'clear-text'
  /** Clients can set the header that says who they are. */
  | 'header-spoofing'
  /** No CRL, or not that of every CA that the server wants. */
  | 'revocation-absent'
  /** Old versions, weak ciphers. */
  | 'weak-protocol'
  /** Any certificate of the authority is let in, whoever it is of. */
  | 'anybody-certified'
  /** A key or a folder that others may read. */
  | 'mode'

/** The configuration files of a server as they lie there, by path. */
export type ConfigTexts = ReadonlyMap<string, string>

/** One kind of server. */
export interface ServerKind {
  /** As on the command line: `nginx`. */
  readonly name: string
  /** As people write it: `PostgreSQL`. */
  readonly title: string
  readonly facts: ServerFacts
  /**
   * Write its configuration.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID`: the plan asks for what this kind cannot do
   */
  readonly generate: (plan: ServerPlan) => ServerConfiguration
  /** What is wrong with a configuration that somebody has. Reads what decides; does not parse the whole language. */
  readonly lint: (texts: ConfigTexts) => readonly ConfigFinding[]
  /** How the server itself writes an identity, for comparing with what it reports. */
  readonly nameOf: (admitted: Admitted) => string
}
