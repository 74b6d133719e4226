/**
 * How clients connect: one form for all services, in which nothing that turns a check off passes for nothing.
 *
 * @module channels/client-profile (floor 7.3)
 */
import type { ClientProfile, Deployment } from './document.js'
import type { ChannelFinding } from './finding.js'
import type { Session } from './session.js'

/**
 * Look for what makes a client believe too much. Files are not read.
 *
 * @param where - Names the profile in the findings.
 * @see CVE-2014-7144: `insecure = false`, as a text, was true
 */
export function lintClientProfile(profile: ClientProfile, where: string): readonly ChannelFinding[] {
  const { ca, certificate, key, crls, insecure, 'check-host': checkHost } = profile
  const finding = (
    code: ChannelFinding['code'],
    severity: ChannelFinding['severity'],
    message: string,
    hint: string,
  ): ChannelFinding => ({ code, severity, where, message, hint })
  const isSaid = (value: unknown): boolean => value !== undefined && value !== null
  const truths = Object.entries({ insecure, 'check-host': checkHost })
  return [
    ...truths
      .filter(([, value]) => isSaid(value) && typeof value !== 'boolean')
      .map(([option, value]) =>
        finding(
          'string-boolean',
          'hole',
          `${option} is ${JSON.stringify(value)}: to some programs that is yes, to others no`,
          `leave ${option} out`,
        ),
      ),
    ...(insecure === true
      ? [finding('client-insecure', 'hole', 'insecure: it believes any certificate', 'leave insecure out')]
      : []),
    ...(checkHost === false
      ? [finding('host-unchecked', 'hole', 'check-host is off: any server of the domain will do', 'leave it out')]
      : []),
    ...(isPath(ca)
      ? []
      : [finding('ca-missing', 'hole', 'no ca: it believes the authorities of its system', 'name the ca-bundle.pem')]),
    ...(isPath(crls)
      ? []
      : [finding('revocation-absent', 'note', 'no crls: a revoked server is believed', 'name the crls.pem')]),
    ...(isPath(certificate) === isPath(key)
      ? []
      : [finding('credential-missing', 'outage', 'a certificate without its key, or a key without', 'name both')]),
  ]
}

/** The profiles in use, and who connects without one, or otherwise than the others. */
export function checkClientProfiles(sessions: readonly Session[], { clients }: Deployment): readonly ChannelFinding[] {
  // Proxies connect as their configuration says, which is written for them.
  const ends = sessions.filter(({ client }) => client.kind === undefined)
  const used = new Map(
    ends.flatMap(({ client: { client: name = '' } }) => {
      const profile = clients.get(name)
      return profile === undefined ? [] : [[name, profile] as const]
    }),
  )
  const unstated = [
    ...new Set(ends.filter(({ client }) => client.client === undefined).map(({ client }) => client.name)),
  ]
  const silent = ends.filter(({ client, tls }) => {
    const profile = clients.get(client.client ?? '')
    return tls === 'mutual-tls' && profile !== undefined && !isPath(profile.certificate)
  })
  return [
    ...[...used].flatMap(([name, profile]) => lintClientProfile(profile, `client profile ${name}`)),
    ...unstated.map((name) =>
      differing(name, 'nothing is said of how it connects', 'give it a client profile: client'),
    ),
    ...silent.map(({ client, server }): ChannelFinding => ({
      code: 'credential-missing',
      severity: 'outage',
      where: client.name,
      message: `its client profile has no certificate to show to ${server.name}`,
      hint: 'name certificate and key in the profile',
    })),
    ...(new Set([...used.values()].map(settingsOf)).size < 2
      ? []
      : [
          differing(
            [...used.keys()].map((name) => `client profile ${name}`).join(', '),
            'clients do not all connect with the same checks',
            'say the same in every profile',
          ),
        ]),
  ]
}

function differing(where: string, message: string, hint: string): ChannelFinding {
  return { code: 'client-options-differ', severity: 'note', where, message, hint }
}

/** What is checked, without where the files lie. */
function settingsOf(profile: ClientProfile): string {
  const { ca, crls, insecure = false, 'check-host': checkHost = true } = profile
  return JSON.stringify([isPath(ca), isPath(crls), insecure, checkHost])
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/')
}
