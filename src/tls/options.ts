/**
 * What an end of a connection wants to be told, and what of it may be left out.
 *
 * @module tls/options (floor 7)
 */
import type { Passphrase } from '../crypto/index.js'
import { type SignetError, UsageError } from '../errors/index.js'
import { type Clock, HOUR, MINUTE } from '../time/index.js'
import type { IdentitySource } from './identity-source.js'
import type { AllowedPeers, Peer } from './peer.js'

/** Who is told of what happens. What would otherwise happen in silence must have somebody to hear it. */
export interface TlsListener {
  /** Files, or a trust directory, are not used: what was used before stays. */
  readonly refused: (error: SignetError) => void
  /** `ERR_CRL_STALE`, at every look: a CRL is over. Within the grace it still counts; after it everybody is refused. */
  readonly stale: (error: SignetError) => void
  /** A new generation of files is in use. */
  readonly reloaded?: (serialNumber: string) => void
  /** A connection was ended before anything of it was handed over. */
  readonly peerRefused?: (error: SignetError) => void
  /** A connection was ended that had been let in. */
  readonly peerClosed?: (error: SignetError, peer: Peer) => void
}

/** What both ends are told. */
export interface TlsOptions {
  /** A credential directory, or a folder that is itself a version of one. */
  readonly credential: string
  /** For a key that is encrypted. */
  readonly passphrase?: Passphrase
  /** From certificates to identities and roles. */
  readonly identify: IdentitySource
  readonly clock: Clock
  readonly listener: TlsListener
  /**
   * Seconds after their nextUpdate for which CRLs still count, so that a publisher who is late locks nobody out. Whoever
   * they list stays revoked. Default 0; at most {@link MAX_STALE_CRL_GRACE_SECONDS}.
   */
  readonly staleCrlGraceSeconds?: number
  /** Default `'TLSv1.3'`. */
  readonly versions?: 'TLSv1.3' | 'allow-TLSv1.2'
  /** Application protocols, the most wanted first (RFC 7301). Default none; HTTPS: `http/1.1`. */
  readonly alpnProtocols?: readonly string[]
  /** Whether changed files are noticed by themselves. Default `'watch'`. */
  readonly reload?: 'watch' | 'explicit'
  /**
   * How often everything is looked at again, also where nothing said that it changed: files, CRLs, everyone who is
   * connected. Default {@link DEFAULT_RECHECK_SECONDS}.
   */
  readonly recheckSeconds?: number
}

/** What a server is told besides. */
export interface MutualTlsServerOptions extends TlsOptions {
  /** Who may connect: everybody else is refused. */
  readonly allow: AllowedPeers | 'allow-any-identified'
  /** Seconds in which a client must have shown who it is. Default {@link DEFAULT_HANDSHAKE_SECONDS}. */
  readonly handshakeSeconds?: number
  /**
   * Whether a session may be resumed. Default `'refuse'`. Otherwise only within one generation of files: a new CRL, key
   * or CA makes new ticket keys; and who resumes is judged like who comes for the first time.
   */
  readonly resumption?: 'refuse' | 'allow-within-generation'
}

export const DEFAULT_RECHECK_SECONDS = 30
export const DEFAULT_HANDSHAKE_SECONDS = 10
/** A week: a publisher who has been silent for longer is not late. */
export const MAX_STALE_CRL_GRACE_SECONDS = 7 * 24 * HOUR
const MAX_RECHECK_SECONDS = HOUR

const TLS_KEYS = [
  'credential',
  'passphrase',
  'identify',
  'clock',
  'listener',
  'staleCrlGraceSeconds',
  'versions',
  'alpnProtocols',
  'reload',
  'recheckSeconds',
] as const satisfies readonly (keyof TlsOptions)[]

const SERVER_KEYS = [
  'allow',
  'handshakeSeconds',
  'resumption',
] as const satisfies readonly (keyof MutualTlsServerOptions)[]

/**
 * Refuse options that do not say what they want, for callers that have no compiler to tell them.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function checkTlsOptions(options: TlsOptions, more: readonly string[] = []): void {
  const known: readonly string[] = [...TLS_KEYS, ...more]
  const stranger = Object.keys(options).find((key) => !known.includes(key))
  if (stranger !== undefined) throw invalid(`there is no option ${JSON.stringify(stranger)}`)
  const { credential, identify, clock, listener, versions, reload, recheckSeconds, staleCrlGraceSeconds } = options
  if (typeof credential !== 'string' || credential === '') throw invalid('no credential directory is named')
  if (identify !== 'allow-unregistered' && !isIdentitySource(identify)) throw invalid('nothing says who is who')
  if (typeof (clock as Partial<Clock> | undefined)?.now !== 'function') throw invalid('there is no clock')
  const { refused, stale } = (listener as Partial<TlsListener> | undefined) ?? {}
  if (typeof refused !== 'function' || typeof stale !== 'function') throw invalid('nobody listens to what is refused')
  requireOneOf('versions', versions, ['TLSv1.3', 'allow-TLSv1.2'])
  requireOneOf('reload', reload, ['watch', 'explicit'])
  requireSeconds('recheckSeconds', recheckSeconds, 1, MAX_RECHECK_SECONDS)
  requireSeconds('staleCrlGraceSeconds', staleCrlGraceSeconds, 0, MAX_STALE_CRL_GRACE_SECONDS)
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkServerOptions(options: MutualTlsServerOptions, more: readonly string[] = []): void {
  checkTlsOptions(options, [...SERVER_KEYS, ...more])
  const { allow, handshakeSeconds, resumption } = options
  if (allow !== 'allow-any-identified') requireNamed(allow)
  requireOneOf('resumption', resumption, ['refuse', 'allow-within-generation'])
  requireSeconds('handshakeSeconds', handshakeSeconds, 1, 5 * MINUTE)
}

/** Refuse to allow nobody in particular. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function requireNamed(allow: AllowedPeers): void {
  const lists = isObject(allow) ? Object.entries(allow) : []
  const unknown = lists.find(([name]) => !['entities', 'uris', 'roles'].includes(name))
  if (unknown !== undefined) throw invalid(`peers cannot be named by ${JSON.stringify(unknown[0])}`)
  const isFilled = (list: unknown): boolean =>
    Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string' && item !== '')
  if (lists.length > 0 && lists.every(([, list]) => isFilled(list))) return
  throw invalid('nobody is allowed', 'name entities, uris or roles; or say allow-any-identified')
}

function isIdentitySource(source: unknown): boolean {
  return isObject(source) && ('trust' in source || ('mapping' in source && 'entities' in source))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function requireOneOf(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return
  throw invalid(`${name} is none of ${allowed.join(', ')}`)
}

function requireSeconds(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return
  throw invalid(`${name} is no whole number from ${least} to ${most}`)
}

function invalid(message: string, hint = 'see docs/tls.md'): UsageError {
  return new UsageError('ERR_CONFIG_INVALID', `mutual TLS: ${message}`, { hint })
}
