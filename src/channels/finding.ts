/**
 * What may be wrong with the channels of a deployment.
 *
 * @module channels/finding (floor 7.3)
 */

export interface ChannelFinding {
  readonly code: ChannelFindingCode
  /** `hole`: somebody reads it, or passes for somebody. `outage`: nobody gets through. `note`: worth knowing. */
  readonly severity: 'hole' | 'outage' | 'note'
  /** The channel, endpoint or client profile. */
  readonly where: string
  readonly message: string
  readonly hint: string
}

export type ChannelFindingCode =
  /** Nothing encrypts it, and it leaves the machine. */
  | 'clear-text'
  /** A proxy decrypts it, and sends it on over a network. */
  | 'decrypted-early'
  /** A service behind a proxy of its own machine can be reached from others. */
  | 'listener-exposed'
  /** A socket, or a port on loopback, of another machine. */
  | 'unreachable'
  /** Certificates count where their domain does not. */
  | 'domain-outside-zone'
  /** An authority that certifies anybody is believed inside. */
  | 'public-authority-inside'
  /** One that certifies anybody says who clients are. */
  | 'anybody-certified'
  /** One session with ends in two trust domains. */
  | 'domains-crossed'
  /** An end has no certificate to show, or nothing to believe the other by. */
  | 'credential-missing'
  /** The name that is looked for does not stand in the certificate. */
  | 'name-mismatch'
  /** Clients show no certificate. */
  | 'client-unauthenticated'
  /** The client looks for no name. */
  | 'host-unchecked'
  /** The client believes any certificate. */
  | 'client-insecure'
  /** A word that reads as no and counts as yes, as `insecure: "false"` (CVE-2014-7144). */
  | 'string-boolean'
  /** The client believes whatever authorities its system does. */
  | 'ca-missing'
  /** The client asks for no revocation. */
  | 'revocation-absent'
  /** Nobody says how it connects, or not as the others do. */
  | 'client-options-differ'
  /** A service can read a key that it was to be kept from. */
  | 'key-readable'
  /** Proxies are not all of one kind and one setting. */
  | 'settings-differ'
  /** It listens, and no channel leads there. */
  | 'endpoint-unlisted'

const RANK = { hole: 0, outage: 1, note: 2 } as const

/** The worst first, in the order of the document otherwise; each once. */
export function sortedFindings(findings: readonly ChannelFinding[]): readonly ChannelFinding[] {
  const each = new Map(findings.map((finding) => [`${finding.code} ${finding.where} ${finding.message}`, finding]))
  return [...each.values()].toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
}
