/**
 * The configurations of a deployment's proxies and servers: of each from the same template, filled with what its channels
 * say.
 *
 * @module channels/configure (floor 7.3)
 */
import { subjectOf } from '../brokers/index.js'
import { UsageError } from '../errors/index.js'
import { parseIdentityUri } from '../identity/index.js'
import {
  type Admitted,
  type Backend,
  configure,
  type Listener,
  type ServerConfiguration,
  serverKind,
  type ServerPlan,
  type SniRoute,
} from '../servers/index.js'
import type { Deployment, Endpoint } from './document.js'
import { invalid } from './fields.js'
import { type Leg, legsOf, type Session, sessionsOf } from './session.js'

/** What signet writes for an endpoint. */
export interface ConfiguredEndpoint {
  readonly endpoint: string
  readonly kind: string
  readonly plan: ServerPlan
  readonly configuration: ServerConfiguration
}

interface Passage {
  readonly incoming: Leg
  readonly session: Session | undefined
  /** Absent where the channel ends here. */
  readonly outgoing: Leg | undefined
  readonly next: Session | undefined
}

/**
 * Write the configuration of every endpoint that is of some kind. Nothing is written to disk, and findings are not looked
 * at: see `planChannels`.
 *
 * Who is let in is who is at the other end of the channels, and nobody else.
 *
 * @throws {@link UsageError} `ERR_DEPLOYMENT_INVALID`: channels want an endpoint in several ways · `ERR_CONFIG_INVALID`: its
 * kind cannot do what they want
 */
export function configureDeployment(deployment: Deployment): readonly ConfiguredEndpoint[] {
  const channels = deployment.channels.map((channel) => {
    const legs = legsOf(channel, deployment)
    const sessions = sessionsOf(legs)
    const sessionOf = (leg: Leg | undefined): Session | undefined =>
      leg === undefined ? undefined : sessions.find((session) => session.legs.includes(leg))
    return legs.map((incoming, index): Passage => {
      const outgoing = legs[index + 1]
      return { incoming, session: sessionOf(incoming), outgoing, next: sessionOf(outgoing) }
    })
  })
  return [...deployment.endpoints.values()].flatMap((endpoint) => {
    const passages = channels.flat().filter(({ incoming }) => incoming.to === endpoint)
    if (endpoint.kind === undefined || passages.length === 0) return []
    const kind = serverKind(endpoint.kind)
    const { installation } = kind
    const isOpened = modeOf(endpoint, passages) === 'mutual-tls'
    const user = endpoint.user ?? installation.user
    const backend = kind.role === 'proxy' ? backendOf(endpoint, passages, isOpened) : undefined
    const plan: ServerPlan = {
      // Nothing of it is read where nothing is opened.
      credential: isOpened ? credentialOf(endpoint, passages) : '/nonexistent',
      directory: endpoint.directory ?? installation.directory,
      state: endpoint.state ?? installation.state,
      listen: onlyPlace(endpoint),
      ...(backend === undefined ? {} : { backend }),
      admitted: isOpened ? admittedBy(endpoint, passages) : [],
      user,
      group: endpoint.user === undefined ? installation.group : (endpoint.groups[0] ?? user),
      versions: endpoint.versions,
    }
    return [{ endpoint: endpoint.name, kind: kind.name, plan, configuration: configure(kind, plan) }]
  })
}

function modeOf({ name }: Endpoint, passages: readonly Passage[]): 'mutual-tls' | 'passthrough' {
  const mode = only(
    passages.map(({ incoming }) => incoming.hop.tls),
    `channels reach ${name} in several ways`,
  )
  if (mode === 'mutual-tls' || mode === 'passthrough') return mode
  throw new UsageError('ERR_CONFIG_INVALID', `${name} is reached with ${mode}: no configuration is written for that`, {
    hint: 'tls: mutual-tls, or leave its kind out and write one yourself',
  })
}

function backendOf(endpoint: Endpoint, passages: readonly Passage[], isOpened: boolean): Backend {
  if (!isOpened) return { kind: 'passthrough', routes: routesOf(endpoint, passages) }
  return only(
    passages.map((passage) => openedBackend(endpoint, passage)),
    `channels leave ${endpoint.name} in several ways: one proxy hands on to one service`,
  )
}

function openedBackend({ name, credentials }: Endpoint, { outgoing, next }: Passage): Backend {
  if (outgoing === undefined) throw invalid(`a channel ends at ${name}, which is a proxy`)
  const [place, to] = [onlyPlace(outgoing.to), outgoing.to.name]
  if (outgoing.hop.tls === 'clear') {
    return 'socket' in place ? { kind: 'socket', path: place.socket } : { kind: 'loopback', port: place.port }
  }
  if (next?.tls !== 'mutual-tls' || 'socket' in place) {
    throw new UsageError('ERR_CONFIG_INVALID', `no configuration lets ${name} speak ${outgoing.hop.tls} to ${to}`, {
      hint: 'tls: mutual-tls to a port',
    })
  }
  const credential = credentials.get(next.clients)
  if (next.name === undefined || credential === undefined) {
    throw invalid(`${name} and ${to} do not have what they show each other: signet config plan says what is missing`)
  }
  return {
    kind: 'mutual-tls',
    host: place.address,
    port: place.port,
    name: next.name,
    credential: credential.directory,
  }
}

function routesOf({ name }: Endpoint, passages: readonly Passage[]): readonly SniRoute[] {
  const routes = new Map<string, SniRoute>()
  for (const { outgoing, next } of passages) {
    if (outgoing === undefined || next?.name === undefined) throw invalid(`no server name leads on from ${name}`)
    const [first, ...replicas] = outgoing.to.listen.map((place) => {
      if ('socket' in place) throw invalid(`${name} hands on unopened to ports, not to ${place.socket}`)
      return { host: place.address, port: place.port }
    })
    if (first === undefined) throw invalid(`${outgoing.to.name} does not listen`)
    const route = { serverName: next.name, ...first, ...(replicas.length === 0 ? {} : { replicas }) }
    const others = `${next.name} leads from ${name} to several services`
    routes.set(next.name, only([routes.get(next.name) ?? route, route], others))
  }
  return [...routes.values()]
}

function credentialOf({ name, credentials }: Endpoint, passages: readonly Passage[]): string {
  const domain = only(
    passages.map(({ session }) => session?.domain ?? ''),
    `channels reach ${name} in several trust domains`,
  )
  const credential = credentials.get(domain)
  if (credential === undefined) throw invalid(`${name} has no credential of ${domain}`)
  return credential.directory
}

function admittedBy({ name }: Endpoint, passages: readonly Passage[]): readonly Admitted[] {
  const admitted = passages.flatMap(({ session }) => {
    const identities = session?.client.credentials.get(session.clients)?.identities ?? []
    if (identities.length === 0) throw invalid(`nobody says who ${session?.client.name ?? 'a client'} of ${name} is`)
    return identities.map(({ uri, roles, dnsNames }): Admitted => {
      const { node: entity } = parseIdentityUri(uri)
      return { entity, uri, roles, subject: subjectOf({ entity, uri }), dnsNames }
    })
  })
  // The same client by several channels.
  return [...new Map(admitted.map((one) => [one.uri, one])).values()]
}

function onlyPlace({ name, listen: [place, ...others] }: Endpoint): Listener {
  if (place === undefined) throw invalid(`${name} does not listen`)
  if (others.length > 0) throw invalid(`${name} listens at several places: only what is not opened can be balanced`)
  return place
}

/** What all of them are, compared by what they say. */
function only<T>(values: readonly T[], otherwise: string): T {
  const [first] = values
  const isOne = values.every((value) => JSON.stringify(value) === JSON.stringify(first))
  if (first === undefined || !isOne) throw invalid(otherwise)
  return first
}
