/**
 * From channels to what is seen on each network, and to the TLS sessions that protect it: one may pass several proxies
 * unopened.
 *
 * @module channels/session (floor 7.3)
 */
import { isIP } from 'node:net'
import type { Listener } from '../servers/index.js'
import type { Channel, Deployment, Endpoint, Hop, ZoneKind } from './document.js'

/** One network, between two endpoints. */
export interface Leg {
  readonly channel: Channel
  readonly index: number
  readonly from: Endpoint
  readonly to: Endpoint
  readonly hop: Hop
  readonly zone: string
  readonly network: ZoneKind
}

/** What is encrypted as one, from an end to the other. */
export interface Session {
  readonly client: Endpoint
  readonly server: Endpoint
  readonly domain: string
  readonly clients: string
  readonly tls: 'mutual-tls' | 'tls'
  /** What the client looks for: what the hop says, or the first name of the server's certificate. */
  readonly name: string | undefined
  readonly legs: readonly Leg[]
}

/** The legs of a channel, in order. */
export function legsOf(channel: Channel, deployment: Deployment): readonly Leg[] {
  return channel.hops.map((hop, index) => {
    const to = endpointOf(deployment, hop.to)
    const from = endpointOf(deployment, channel.hops[index - 1]?.to ?? channel.from)
    const network = isLocal(to) ? 'host-local' : networkOf(deployment, to)
    return { channel, index, from, to, hop, zone: to.zone, network }
  })
}

/** A zone of one machine says nothing of what others can reach: then it is a network. */
function networkOf({ zones }: Deployment, { zone }: Endpoint): ZoneKind {
  const kind = zones.get(zone) ?? 'public'
  return kind === 'host-local' ? 'internal' : kind
}

/** The sessions that some legs of one channel are protected by. */
export function sessionsOf(legs: readonly Leg[]): readonly Session[] {
  const sessions: Session[] = []
  let carried: Leg[] = []
  for (const leg of legs) {
    carried.push(leg)
    const { hop, to } = leg
    if (hop.tls === 'passthrough') continue
    const [first] = carried
    if (first !== undefined && hop.domain !== undefined && (hop.tls === 'mutual-tls' || hop.tls === 'tls')) {
      sessions.push({
        client: first.from,
        server: to,
        domain: hop.domain,
        clients: hop.clients ?? hop.domain,
        tls: hop.tls,
        name: hop.name ?? to.credentials.get(hop.domain)?.names[0],
        legs: carried,
      })
    }
    carried = []
  }
  return sessions
}

/** @param name - Of the document, which has been parsed: it is declared. */
export function endpointOf({ endpoints }: Deployment, name: string): Endpoint {
  const found = endpoints.get(name)
  if (found === undefined) throw new RangeError(`no endpoint ${name}`)
  return found
}

/** Whether only its own machine can reach it. */
export function isLocal({ listen }: Endpoint): boolean {
  return listen.length > 0 && listen.every((place) => 'socket' in place || isLoopback(place.address))
}

function isLoopback(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1'
}

/** Where it listens, for people. */
export function placeText(place: Listener): string {
  if ('socket' in place) return place.socket
  return `${isIP(place.address) === 6 ? `[${place.address}]` : place.address}:${place.port}`
}
