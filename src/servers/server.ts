/**
 * A kind of server that signet writes configurations for, and what is known about it: one value of this per file of this
 * folder.
 *
 * @module servers/server (floor 7.2)
 */
import type { ConfigFinding } from './finding.js'
import type { Admitted, ServerPlan } from './plan.js'

/** How a server behaves, as seen on the version that is named. Whoever renews, revokes or rotates relies on it. */
export interface ServerFacts {
  /** The version that the facts are of; `'documentation'` where none was tried. */
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
  /** Who had connected before is cut off by a reload, by these words (see `disconnectWords`), or only by a restart. */
  readonly disconnect: readonly string[] | 'on-reload' | 'restart'
}

/** How it is installed where nothing else is said: by the Debian package, or by its image. */
export interface Installation {
  readonly directory: string
  readonly state: string
  readonly user: string
  readonly group: string
  /** Where it listens. */
  readonly port: number
  readonly unit: {
    /** Without `.service`. */
    readonly name: string
    /** `'own'`: there is no unit of a package, so that a whole one is written, not a drop-in. */
    readonly from: 'package' | 'own'
    /** How the configured start words behave. Default `'exec'`: in the foreground. */
    readonly type?: 'exec' | 'notify' | 'forking'
    /** `'root'`: it gives up its rights by itself, once it has read the key. Default `'user'`. */
    readonly startsAs?: 'root' | 'user'
  }
  readonly image: string
  /** Whom the image runs as, who must be able to read the key. */
  readonly imageUid: number
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
  /** Program and words, without a shell: runs the server in the foreground with the files. */
  readonly start: readonly string[]
  /** Programs and their words, without a shell: makes the server take up new files of the credential directory. */
  readonly reload: readonly (readonly string[])[]
  /** The signal to its main process that does the same, where there is one. */
  readonly reloadSignal?: 'HUP' | 'USR2'
  /** Looks whether the server would take the files, before it is asked to; absent where it cannot. */
  readonly test?: readonly string[]
  /** What it cannot do, said to whoever installs it. */
  readonly notes: readonly string[]
}

/** The configuration files of a server as they lie there, by path. */
export type ConfigTexts = ReadonlyMap<string, string>

/** One kind of server. */
export interface ServerKind {
  /** As on the command line: `nginx`. */
  readonly name: string
  /** As people write it: `PostgreSQL`. */
  readonly title: string
  /** Whether it is a proxy, which needs a backend, or a service, which has none. */
  readonly role: 'proxy' | 'service'
  readonly facts: ServerFacts
  readonly installation: Installation
  /**
   * Write its configuration. Called by `configure`, with a plan that has been checked: nothing in it means anything in any
   * configuration language.
   *
   * @throws {@link UsageError} `ERR_CONFIG_INVALID`: the plan asks for what this kind cannot do
   */
  readonly generate: (plan: ServerPlan) => ServerConfiguration
  /** What is wrong with a configuration that somebody has. Reads what decides; does not parse the whole language. */
  readonly lint: (texts: ConfigTexts) => readonly ConfigFinding[]
  /** How the server itself writes an identity, for comparing with what it reports. */
  readonly nameOf: (admitted: Admitted) => string
}
