/**
 * What may stand in a plan: nothing that means anything in a configuration language.
 *
 * @module servers/checks (floor 7.2)
 */
import { isIP } from 'node:net'
import { subjectOf } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import { isSegment, parseIdentityUri } from '../identity/index.js'
import type { Admitted, Backend, Listener, ServerPlan, SniRoute } from './plan.js'

const MAX_ADMITTED = 10_000

/**
 * Check a plan, and give it its one order: admitted entities by id, routes by name.
 *
 * Whether the files, users and hosts exist is not looked at.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function checkedPlan(plan: ServerPlan): ServerPlan {
  const { credential, directory, state, listen, backend, admitted, user, group } = plan
  for (const path of [credential, directory, state]) checkedPath(path)
  for (const name of [user, group]) checkedAccount(name)
  checkListener(listen)
  if (admitted.length > MAX_ADMITTED) throw invalid('list of entities', `${admitted.length}`, `at most ${MAX_ADMITTED}`)
  const seen = new Set<string>()
  for (const one of admitted) {
    checkAdmitted(one)
    if (seen.has(one.entity)) throw invalid('list of entities', one.entity, 'it stands there twice')
    seen.add(one.entity)
  }
  return {
    ...plan,
    admitted: admitted.toSorted((a, b) => compareTexts(a.entity, b.entity)),
    ...(backend === undefined ? {} : { backend: checkedBackend(backend) }),
  }
}

function checkAdmitted({ entity, uri, roles, subject, dnsNames }: Admitted): void {
  if (!isSegment(entity)) throw invalid('entity id', entity, 'give letters, digits, dots, dashes and underscores')
  parseIdentityUri(uri)
  for (const role of roles) if (!isSegment(role)) throw invalid('role', role, 'as it is registered')
  for (const name of dnsNames) checkedHost(name)
  const known = subjectOf({ entity, uri })
  if (
    known.commonName !== subject.commonName ||
    known.organizationalUnit !== subject.organizationalUnit ||
    known.organization !== subject.organization
  ) {
    throw invalid('subject', subject.commonName, `the certificates of ${entity} have another: see subjectOf`)
  }
}

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkListener(listen: Listener): void {
  if ('socket' in listen) {
    checkedPath(listen.socket)
    // sun_path holds 108 octets, of which the last is zero.
    if (listen.socket.length > 107) throw invalid('path of a socket', listen.socket, 'at most 107 characters')
    for (const name of [listen.owner, listen.group]) checkedAccount(name)
    // Connecting takes the right to write. Others have it only by being of the group.
    if (!Number.isInteger(listen.mode) || (listen.mode & ~0o660) !== 0 || (listen.mode & 0o600) !== 0o600) {
      throw invalid('mode of a socket', `0${listen.mode.toString(8)}`, '0600 or 0660: others come in by the group')
    }
    return
  }
  if (isIP(listen.address) === 0) throw invalid('address', listen.address, 'give an IPv4 or IPv6 address')
  checkedPort(listen.port)
}

function checkedBackend(backend: Backend): Backend {
  switch (backend.kind) {
    case 'loopback':
      checkedPort(backend.port)
      return backend
    case 'socket':
      checkedPath(backend.path)
      return backend
    case 'mutual-tls':
      checkedHost(backend.host)
      checkedHost(backend.name)
      checkedPort(backend.port)
      checkedPath(backend.credential)
      return backend
    case 'passthrough':
      return { ...backend, routes: checkedRoutes(backend.routes) }
  }
}

function checkedRoutes(routes: readonly SniRoute[]): readonly SniRoute[] {
  if (routes.length === 0) throw invalid('list of routes', '[]', 'name at least one server name')
  const seen = new Set<string>()
  for (const { serverName, host, port, replicas = [] } of routes) {
    if (isIP(serverName) !== 0 || checkedHost(serverName) !== serverName.toLowerCase()) {
      throw invalid('server name', serverName, 'ClientHello names hosts, not addresses; write it in lower case')
    }
    for (const place of [{ host, port }, ...replicas]) {
      checkedHost(place.host)
      checkedPort(place.port)
    }
    if (seen.has(serverName)) throw invalid('list of routes', serverName, 'it stands there twice')
    seen.add(serverName)
  }
  return routes.toSorted((a, b) => compareTexts(a.serverName, b.serverName))
}

/**
 * A path that no configuration language takes for anything else, and that is where it says.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function checkedPath(path: string): string {
  if (/^(?:\/[A-Za-z0-9_.-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)) return path
  throw invalid('path', path, 'give an absolute path of letters, digits, dots, dashes and underscores, without ..')
}

/** A name of a host, or an address. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function checkedHost(host: string): string {
  const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
  if (isIP(host) !== 0 || (host.length <= 253 && new RegExp(`^${label}(?:\\.${label})*$`).test(host))) return host
  throw invalid('host', host, 'give a host name or an address')
}

function checkedPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return
  throw invalid('port', String(port), 'give a number from 1 to 65535')
}

/** A user or group, by name. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
function checkedAccount(name: string): void {
  if (/^[a-z_][a-z0-9_-]{0,31}$/.test(name)) return
  throw invalid('user or group', name, 'give its name, in lower case')
}

/** A refusal of something in a plan. */
export function invalid(what: string, value: string, hint: string): UsageError {
  return new UsageError('ERR_CONFIG_INVALID', `not a valid ${what}: ${JSON.stringify(value)}`, { hint })
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** What a proxy hands on to. @throws {@link UsageError} `ERR_CONFIG_INVALID` where nothing is said */
export function backendOf({ backend }: ServerPlan): Backend {
  if (backend !== undefined) return backend
  throw new UsageError('ERR_CONFIG_INVALID', 'a proxy hands on to somebody', {
    hint: 'name a port of this machine, a socket or a TLS server: --backend, or --route for what is not to be opened',
  })
}

/**
 * Who is let in where nothing is opened: that is for others to say.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where somebody is
 */
export function refuseAdmitted({ admitted }: ServerPlan): void {
  if (admitted.length === 0) return
  throw new UsageError('ERR_CONFIG_INVALID', 'nobody can be let in by name where nothing is opened', {
    hint: 'clients show their certificates to the servers behind: leave entities and roles out',
  })
}

/**
 * Who serves the same as another, where the proxy would send sessions to whoever comes next.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where there is somebody
 */
export function refuseReplicas(routes: readonly SniRoute[]): void {
  const found = routes.find(({ replicas = [] }) => replicas.length > 0)
  if (found === undefined) return
  throw invalid('route of one server', found.serverName, 'only HAProxy is configured to balance')
}
