/**
 * Which server is asked, and what: where it is, what is said before TLS, which question shows whether it lets somebody in.
 *
 * @module probe/target (floor 7.3)
 */
import { isIP } from 'node:net'
import { UsageError } from '../errors/index.js'
import type { JsonPath } from '../json/index.js'

/** Protocols in which something is said in clear text before the TLS handshake. */
export const PRELUDES = ['postgres', 'mysql', 'nats', 'smtp', 'imap', 'ldap'] as const
export type PreludeName = (typeof PRELUDES)[number]

/** Protocols of which we know a smallest question. */
export const QUESTIONS = [
  'http',
  'redis',
  'postgres',
  'mysql',
  'nats',
  'mqtt',
  'amqp',
  'smtp',
  'imap',
  'ldap',
  'raw',
] as const
export type QuestionName = (typeof QUESTIONS)[number]

/** Where an HTTP server says whom it takes a client for: a header of its answer, or a field of a JSON body. */
export type IdentityPlace = { readonly header: string } | { readonly json: JsonPath }

/** The smallest question whose answer shows that somebody was let in. */
export interface Question {
  readonly protocol: QuestionName
  /** HTTP: what is asked for. Default `/`. It should be something that the good client gets, and nobody else. */
  readonly path?: string
  /** HTTP: where the answer says who asked. Default: it does not. */
  readonly identity?: IdentityPlace
  /** PostgreSQL, MariaDB: whom the client says that it is. Default: the common name of the good client. */
  readonly user?: string
  /** PostgreSQL. Default `postgres`. */
  readonly database?: string
}

/** Where a server listens. */
export type ProbePlace = { readonly host: string; readonly port: number } | { readonly path: string }

/** A server that is reached by TLS. */
export type ProbeTarget = ProbePlace & {
  /** What its certificate must be for, sent as SNI where it is a host name. Default: the host. */
  readonly serverName?: string
  /** Default: TLS from the first octet on. */
  readonly starttls?: PreludeName
}

/** The name that the server should have. */
export function serverNameOf(target: ProbeTarget): string | undefined {
  return target.serverName ?? ('host' in target ? target.host : undefined)
}

/** What goes into the SNI extension, which has no room for addresses (RFC 6066 §3). */
export function sniOf(target: ProbeTarget): string | undefined {
  const name = serverNameOf(target)
  return name === undefined || isIP(name) !== 0 ? undefined : name
}

/**
 * Parse `host:port`, `[2001:db8::1]:443`, or `unix:/path`.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parsePlace(text: string): ProbePlace {
  const path = /^unix:(\/.{1,100})$/.exec(text)?.[1]
  if (path !== undefined) return { path }
  const [, bracketed, plain, port = ''] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/[\]@]{1,253})):([0-9]{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  if (host !== undefined && (bracketed === undefined || isIP(bracketed) === 6) && isPort(Number(port))) {
    return { host, port: Number(port) }
  }
  throw invalid(`not a server: ${JSON.stringify(text.slice(0, 100))}`, 'write host:port, [address]:port or unix:/path')
}

/**
 * Parse a question: `http`, `http:/path`, `postgres:user/database`, `mysql:user`, or any other protocol by its name.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseQuestion(text: string): Question {
  const [, name = '', rest] = /^([a-z]+)(?::(.*))?$/.exec(text) ?? []
  const protocol = QUESTIONS.find((known) => known === name)
  if (protocol === undefined) {
    throw invalid(`not a question: ${JSON.stringify(text.slice(0, 100))}`, `choose one of ${QUESTIONS.join(', ')}`)
  }
  if (rest === undefined) return { protocol }
  switch (protocol) {
    case 'http':
      if (PATH.test(rest)) return { protocol, path: rest }
      break
    case 'postgres': {
      const [, user, database] = /^([^\0/]{1,63})(?:\/([^\0/]{1,63}))?$/.exec(rest) ?? []
      if (user !== undefined) return { protocol, user, ...(database === undefined ? {} : { database }) }
      break
    }
    case 'mysql':
      if (/^[^\0]{1,80}$/.test(rest)) return { protocol, user: rest }
      break
    default:
  }
  throw invalid(
    `not a question: ${JSON.stringify(text.slice(0, 100))}`,
    'write http:/path, postgres:user/database or mysql:user; the others take nothing more',
  )
}

const PORTS: Readonly<Record<number, QuestionName>> = {
  389: 'ldap',
  636: 'ldap',
  25: 'smtp',
  465: 'smtp',
  587: 'smtp',
  143: 'imap',
  993: 'imap',
  443: 'http',
  8443: 'http',
  3306: 'mysql',
  4222: 'nats',
  5432: 'postgres',
  5671: 'amqp',
  6379: 'redis',
  6380: 'redis',
  8883: 'mqtt',
}

/** The question that the port suggests; where it says nothing, HTTP is only asked of ports that end in 443. */
export function usualQuestion(place: ProbePlace): Question {
  if ('path' in place) return { protocol: 'raw' }
  return { protocol: PORTS[place.port] ?? (place.port % 1000 === 443 ? 'http' : 'raw') }
}

/** Ports on which TLS comes after a prelude, of those protocols that know both. */
const PRELUDE_PORTS: readonly number[] = [25, 587, 143, 389]
const ALWAYS: readonly QuestionName[] = ['postgres', 'mysql', 'nats']

/** What is usually said before TLS to a server that is asked this. */
export function usualPrelude(place: ProbePlace, { protocol }: Question): PreludeName | undefined {
  const prelude = PRELUDES.find((known) => known === protocol)
  const isUsual = ALWAYS.includes(protocol) || ('port' in place && PRELUDE_PORTS.includes(place.port))
  return isUsual ? prelude : undefined
}

const PATH = /^\/[\x21-\x7e]{0,2000}$/

/** Refuse what would say more than a question does. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkQuestion({ protocol, path = '/', user = '', database = '' }: Question): void {
  if (!QUESTIONS.includes(protocol)) {
    throw invalid(`not a question: ${protocol as string}`, `choose one of ${QUESTIONS.join(', ')}`)
  }
  if (!PATH.test(path)) throw invalid('not a path to ask for', 'a path begins with a slash and has no spaces in it')
  if (/\0/.test(user + database)) throw invalid('not the name of a user or a database', 'it has no NUL in it')
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkTarget(target: ProbeTarget): void {
  if ('port' in target && !isPort(target.port)) throw invalid(`not a port: ${target.port}`, 'ports are 1 to 65535')
  if (target.starttls !== undefined && !PRELUDES.includes(target.starttls)) {
    throw invalid(
      `nothing is known of STARTTLS in ${target.starttls as string}`,
      `choose one of ${PRELUDES.join(', ')}`,
    )
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536
}

function invalid(message: string, hint: string): UsageError {
  return new UsageError('ERR_CONFIG_INVALID', message, { hint })
}
