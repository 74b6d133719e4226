/**
 * What may be wrong with a configuration.
 *
 * @module servers/finding (floor 7.2)
 */

/** Something in a configuration that lets somebody in, or locks everybody out. */
export interface ConfigFinding {
  readonly code: ConfigFindingCode
  /** `hole`: somebody gets in. `outage`: nobody does, or will. `note`: worth knowing. */
  readonly severity: 'hole' | 'outage' | 'note'
  readonly file: string
  /** From 1; absent where something is missing. */
  readonly line?: number
  readonly message: string
  readonly hint: string
}

export type ConfigFindingCode =
  /** Clients need not show a certificate, or a wrong one is let through. */
  | 'verification-optional'
  | 'verification-absent'
  /** The other end's name is not compared. */
  | 'host-unchecked'
  /** A word that reads as no and counts as yes, as `insecure: "false"` (CVE-2014-7144). */
  | 'string-boolean'
  /** Sessions outlive revocation. */
  | 'resumption'
  /** A listener or a connection without TLS that more than this machine can reach. */
  | 'clear-text'
  /** Clients can set the header that says who they are. */
  | 'header-spoofing'
  /** No CRL, or not that of every CA that the server wants. */
  | 'revocation-absent'
  /** Old versions, weak ciphers. */
  | 'weak-protocol'
  /** Any certificate of the authority is let in, whoever it is of. */
  | 'anybody-certified'
  /** A key or a folder that others may read. */
  | 'mode'

/** In the order of severity, then of files and lines. */
export function sortedFindings(findings: readonly ConfigFinding[]): readonly ConfigFinding[] {
  const rank = { hole: 0, outage: 1, note: 2 } as const
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return findings.toSorted(
    (a, b) =>
      rank[a.severity] - rank[b.severity] ||
      compare(a.file, b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      compare(a.code, b.code),
  )
}
