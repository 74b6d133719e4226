/**
 * Every channel of a deployment: what protects it on each network, where it is decrypted, who believes whom, and what is
 * wrong with that.
 *
 * @module channels/plan (floor 7.3)
 */
import { checkClientProfiles } from './client-profile.js'
import type { Channel, Deployment, Protocol, TlsMode, ZoneKind } from './document.js'
import { type ChannelFinding, sortedFindings } from './finding.js'
import { checkKeys, keysOf, type PlannedKey } from './keys.js'
import { type Leg, legsOf, placeText, type Session, sessionsOf } from './session.js'
import { checkTransport } from './transport.js'
import { checkTrust } from './trust.js'

/** One network that a channel crosses. */
export interface PlannedHop {
  readonly from: string
  readonly to: string
  /** Where the other end listens. */
  readonly places: readonly string[]
  readonly zone: string
  readonly network: ZoneKind
  readonly tls: TlsMode
  readonly encrypted: boolean
  /** Who decrypts what is on this network; `undefined` where nothing encrypts it. */
  readonly decryptedAt: string | undefined
  /** Whose certificate the client sees, and by which trust anchors it believes it. */
  readonly serverCertificate: { readonly endpoint: string; readonly domain: string } | undefined
  /** Whose certificate the server sees. */
  readonly clientCertificate: { readonly endpoint: string; readonly domain: string } | undefined
  /** The name that the client looks for in it. */
  readonly hostName: string | undefined
}

export interface PlannedChannel {
  readonly name: string
  readonly protocol: Protocol
  readonly hops: readonly PlannedHop[]
  /** Who has it in clear text on the way and at its end, in order. */
  readonly decryptedAt: readonly string[]
}

export interface ChannelPlan {
  readonly channels: readonly PlannedChannel[]
  readonly keys: readonly PlannedKey[]
  /** The worst first. */
  readonly findings: readonly ChannelFinding[]
}

/**
 * Plan the channels of a deployment.
 *
 * It is what the document says that is judged: whether servers do what it says is asked of them by `signet probe`, and of
 * their files by `signet config --check`.
 */
export function planChannels(deployment: Deployment): ChannelPlan {
  const legs = deployment.channels.map((channel) => legsOf(channel, deployment))
  const sessions = legs.map(sessionsOf)
  return {
    channels: deployment.channels.map((channel, index) =>
      plannedChannel(channel, legs[index] ?? [], sessions[index] ?? []),
    ),
    keys: keysOf(deployment),
    findings: sortedFindings([
      ...legs.flat().flatMap(checkTransport),
      ...sessions.flat().flatMap((session) => checkTrust(session, deployment)),
      ...checkClientProfiles(sessions.flat(), deployment),
      ...checkKeys(deployment),
      ...checkSettings(sessions.flat()),
      ...checkCoverage(deployment),
    ]),
  }
}

function plannedChannel(
  { name, protocol }: Channel,
  legs: readonly Leg[],
  sessions: readonly Session[],
): PlannedChannel {
  const hops = legs.map((leg): PlannedHop => {
    const session = sessions.find((one) => one.legs.includes(leg))
    const isMutual = session?.tls === 'mutual-tls'
    return {
      from: leg.from.name,
      to: leg.to.name,
      places: leg.to.listen.map(placeText),
      zone: leg.zone,
      network: leg.network,
      tls: leg.hop.tls,
      encrypted: session !== undefined,
      decryptedAt: session?.server.name,
      serverCertificate: session === undefined ? undefined : { endpoint: session.server.name, domain: session.domain },
      clientCertificate: isMutual ? { endpoint: session.client.name, domain: session.clients } : undefined,
      hostName: session?.name,
    }
  })
  const isCarried = new Set(legs.filter(({ hop }) => hop.tls === 'passthrough').map(({ to }) => to.name))
  return { name, protocol, hops, decryptedAt: hops.map(({ to }) => to).filter((to) => !isCarried.has(to)) }
}

/** Proxies that differ are attacked at the weakest of them. */
function checkSettings(sessions: readonly Session[]): readonly ChannelFinding[] {
  const proxies = new Map(
    sessions.flatMap(({ server }) => (server.kind === undefined ? [] : [[server.name, server] as const])),
  )
  const settings = new Set([...proxies.values()].map(({ kind, versions }) => `${kind ?? ''} ${versions}`))
  if (settings.size < 2) return []
  return [
    {
      code: 'settings-differ',
      severity: 'note',
      where: [...proxies.keys()].join(', '),
      message: `proxies are of ${settings.size} kinds or settings: ${[...settings].join(', ')}`,
      hint: 'the same proxy with the same settings everywhere is learnt, and mended, once',
    },
  ]
}

/** What listens and is on no channel is not known to be protected. */
function checkCoverage({ endpoints, channels }: Deployment): readonly ChannelFinding[] {
  const met = new Set(channels.flatMap(({ hops }) => hops.map(({ to }) => to)))
  return [...endpoints.values()]
    .filter(({ name, listen }) => listen.length > 0 && !met.has(name))
    .map(({ name }) => ({
      code: 'endpoint-unlisted',
      severity: 'note',
      where: name,
      message: `${name} listens, and no channel leads to it`,
      hint: 'write down who speaks to it, or turn it off',
    }))
}
