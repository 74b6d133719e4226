/**
 * Whether both ends of a session show and believe certificates of the right trust domain.
 *
 * @module channels/trust (floor 7.3)
 */
import type { Deployment } from './document.js'
import type { ChannelFinding, ChannelFindingCode } from './finding.js'
import type { Session } from './session.js'

type Report = (
  code: ChannelFindingCode,
  severity: ChannelFinding['severity'],
  message: string,
  hint: string,
) => ChannelFinding

/** Look at one session. Whether the certificates exist is not looked at. */
export function checkTrust(session: Session, deployment: Deployment): readonly ChannelFinding[] {
  const where = session.legs[0]?.channel.name ?? ''
  const report: Report = (code, severity, message, hint) => ({ code, severity, where, message, hint })
  return [
    ...checkDomains(session, deployment, report),
    ...checkEnds(session, report),
    ...checkName(session, report),
    ...checkClients(session, deployment, report),
  ]
}

function checkDomains(session: Session, { domains }: Deployment, report: Report): readonly ChannelFinding[] {
  const { client, server, domain, clients, tls } = session
  const used = tls === 'mutual-tls' ? [...new Set([domain, clients])] : [domain]
  return used.flatMap((name) => {
    const { authority, zones } = domains.get(name) ?? { authority: 'public', zones: [] }
    const between = `${client.name} and ${server.name}`
    return session.legs.flatMap(({ zone, network }) => [
      ...(zones.includes(zone)
        ? []
        : [
            report(
              'domain-outside-zone',
              'hole',
              `certificates of ${name} count between ${between} in ${zone}, where the domain does not`,
              'give that network a domain of its own, and re-encrypt at the boundary',
            ),
          ]),
      ...(authority === 'public' && network !== 'public'
        ? [
            report(
              'public-authority-inside',
              'hole',
              `${name} certifies anybody, and is believed between ${between} in ${zone}`,
              'inside, believe only an authority of the deployment',
            ),
          ]
        : []),
    ])
  })
}

function checkEnds({ client, server, domain, clients, tls }: Session, report: Report): readonly ChannelFinding[] {
  const missing = (who: string, of: string): ChannelFinding =>
    report('credential-missing', 'outage', `${who} has no credential of ${of}`, 'signet issue; name its directory')
  const findings = server.credentials.has(domain) ? [] : [missing(server.name, domain)]
  if (tls === 'tls') return findings
  if (domain !== clients) {
    return [
      ...findings,
      report(
        'domains-crossed',
        'hole',
        `one session from ${client.name} of ${clients} to ${server.name} of ${domain}`,
        're-encrypt at the boundary: a proxy with a credential of either domain',
      ),
    ]
  }
  if (client.credentials.has(clients)) return findings
  const [own] = client.credentials.keys()
  if (own === undefined) return [...findings, missing(client.name, clients)]
  return [
    ...findings,
    report(
      'domains-crossed',
      'hole',
      `${client.name} is of ${own}, and ${server.name} shows it a certificate of ${domain}`,
      're-encrypt at the boundary: a proxy with a credential of either domain',
    ),
  ]
}

function checkName({ client, server, domain, name }: Session, report: Report): readonly ChannelFinding[] {
  const credential = server.credentials.get(domain)
  if (credential === undefined) return []
  if (name === undefined) {
    return [
      report(
        'host-unchecked',
        'hole',
        `the certificate of ${server.name} has no name for ${client.name} to look for`,
        'give its credential names',
      ),
    ]
  }
  if (credential.names.includes(name)) return []
  return [
    report(
      'name-mismatch',
      'outage',
      `${client.name} looks for ${name}, which the certificate of ${server.name} does not say`,
      `it says ${credential.names.join(', ') || 'no name'}`,
    ),
  ]
}

function checkClients(
  { client, server, clients, tls, legs }: Session,
  { domains }: Deployment,
  report: Report,
): readonly ChannelFinding[] {
  if (tls === 'tls') {
    const isPublic = legs.every(({ network }) => network === 'public')
    return [
      report(
        'client-unauthenticated',
        isPublic ? 'note' : 'hole',
        `${server.name} asks ${client.name} for no certificate`,
        isPublic ? 'the service must find out by itself who asks' : 'tls: mutual-tls',
      ),
    ]
  }
  if (domains.get(clients)?.authority !== 'public') return []
  return [
    report(
      'anybody-certified',
      'hole',
      `${server.name} takes it from ${clients}, which certifies anybody, who its clients are`,
      'ask for certificates of an authority of the deployment',
    ),
  ]
}
