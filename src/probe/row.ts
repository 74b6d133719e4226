/**
 * The rows of a probe: what was tried, what had to come of it, and what did.
 *
 * @module probe/row (floor 7.3)
 */
import { StateError, TrustError } from '../errors/index.js'

/** Every case, in the order in which they are tried. */
export const PROBE_CASES = {
  'server-name': { about: "the server's certificate is for its name", expected: 'holds' },
  'server-chain': { about: 'its chain leads to what the client trusts', expected: 'holds' },
  'server-purpose': { about: 'it is for servers', expected: 'holds' },
  'server-validity': { about: 'it is valid now', expected: 'holds' },
  'server-revocation': { about: 'it is not revoked', expected: 'holds' },
  'server-key': { about: 'its key is of an allowed kind', expected: 'holds' },
  good: { about: 'the good client', expected: 'accepted' },
  none: { about: 'no certificate', expected: 'refused' },
  'none-resumed': { about: 'no certificate, session resumed', expected: 'refused' },
  'self-signed': { about: 'self-signed, same names', expected: 'refused' },
  'foreign-ca': { about: 'another CA, same names and key identifiers', expected: 'refused' },
  expired: { about: 'expired certificate', expected: 'refused' },
  revoked: { about: 'revoked certificate', expected: 'refused' },
  'revoked-session': { about: 'revoked, session from before', expected: 'refused' },
  'wrong-purpose': { about: 'certificate for servers only', expected: 'refused' },
  unmapped: { about: 'certificate of nobody in particular', expected: 'refused' },
  'spoofed-headers': { about: 'good client, headers of another', expected: 'ignored' },
  'spoofed-headers-none': { about: 'no certificate, headers of the good client', expected: 'refused' },
  'clear-text': { about: 'no TLS', expected: 'refused' },
  'tls1.0': { about: 'TLS 1.0', expected: 'refused' },
  'tls1.1': { about: 'TLS 1.1', expected: 'refused' },
  'tls1.2': { about: 'TLS 1.2', expected: 'either' },
  'good-again': { about: 'the good client, at the end', expected: 'accepted' },
} as const

export type ProbeCase = keyof typeof PROBE_CASES

/**
 * `hole`: somebody got in who must not. `fault`: the good client did not, or the server's own certificate does not hold.
 * `allowed`: would be a hole, and was said to be meant. `not-tested`: nothing is known, which is never good news.
 */
export type ProbeVerdict = 'ok' | 'hole' | 'fault' | 'allowed' | 'not-tested'

export interface ProbeRow {
  readonly case: ProbeCase
  readonly about: string
  readonly expected: 'holds' | 'accepted' | 'refused' | 'ignored' | 'either'
  readonly happened: string
  readonly verdict: ProbeVerdict
  /** Whom the server said that it takes the client for; absent where it did not say. */
  readonly identity?: string
  /** The version of TLS, where there was a handshake. */
  readonly protocol?: string
}

export function rowOf(
  name: ProbeCase,
  verdict: ProbeVerdict,
  happened: string,
  more: Pick<ProbeRow, 'identity' | 'protocol'> = {},
): ProbeRow {
  const { about, expected } = PROBE_CASES[name]
  return { case: name, about, expected, happened, verdict, ...more }
}

/**
 * Refuse what a probe found, worst first.
 *
 * @param untested - Whether a case may be left out. Default `'allow'`.
 * @throws {@link TrustError} `ERR_PROBE_HOLE`, `ERR_PROBE_FAULT`
 * @throws {@link StateError} `ERR_PROBE_UNTESTED`
 */
export function requireSound(rows: readonly ProbeRow[], untested: 'allow' | 'refuse' = 'allow'): void {
  const names = (verdict: ProbeVerdict): string =>
    rows
      .filter((row) => row.verdict === verdict)
      .map((row) => row.case)
      .join(', ')
  const [holes, faults, open] = [names('hole'), names('fault'), names('not-tested')]
  if (holes !== '') {
    throw new TrustError('ERR_PROBE_HOLE', `the server accepts what it must refuse: ${holes}`, {
      details: { cases: holes },
      hint: 'see docs/probe.md for what closes each',
    })
  }
  if (faults !== '') {
    throw new TrustError('ERR_PROBE_FAULT', `the server does not serve its good client as it should: ${faults}`, {
      details: { cases: faults },
    })
  }
  if (untested === 'refuse' && open !== '') {
    throw new StateError('ERR_PROBE_UNTESTED', `cases that were not tested: ${open}`, {
      details: { cases: open },
      hint: 'a probe kit has most of the clients that are missing: signet probe kit',
    })
  }
}
