/**
 * The cases that take more than one try, or are judged in a way of their own.
 *
 * @module probe/cases (floor 7.3)
 */
import type { SecureVersion } from 'node:tls'
import { type Attempt, isUnclear } from './attempt.js'
import type { ProbeClient } from './client.js'
import { dial, type Line } from './dial.js'
import { stranger } from './forge.js'
import { identityHeaders } from './headers.js'
import { type ProbeCase, type ProbeRow, rowOf } from './row.js'
import { resume, type SavedSessions, takeSessions } from './session.js'
import { happened, isAccepted, moreOf, refusalRow } from './verdict.js'

/** What every case knows. */
export interface Baseline {
  readonly line: Line
  readonly client: ProbeClient
  /** What came of the good client. */
  readonly good: Attempt
}

/** SVC-01: a session that was begun without a certificate must not let anybody in, either. */
export async function noneResumed({ line, good }: Baseline, none: Attempt): Promise<ProbeRow> {
  const session = none.sessions.at(-1)
  if (session === undefined) {
    if (isUnclear(none)) return rowOf('none-resumed', 'not-tested', happened(none))
    return rowOf('none-resumed', 'ok', 'no session is given without a certificate')
  }
  return refusalRow('none-resumed', await dial(line, { session }), good)
}

/** SVC-02. */
export async function revokedSession(
  { line, client, good }: Baseline,
  saved: SavedSessions | undefined,
): Promise<ProbeRow> {
  if (!isAccepted(good, good)) return rowOf('revoked-session', 'not-tested', 'the good client is refused, too')
  if (saved === undefined) return resumption({ line, client, good })
  if (saved.forms.length === 0) return rowOf('revoked-session', 'ok', 'the server had given no session')
  const rows: ProbeRow[] = []
  for (const form of saved.forms) {
    const session = saved.session(form)
    if (session === undefined) continue
    const row = refusalRow('revoked-session', await resume(line, form, session), good)
    rows.push({ ...row, happened: `${form}: ${row.happened}` })
  }
  const worst = worstOf(rows)
  if (worst?.verdict !== 'ok') return worst ?? rowOf('revoked-session', 'not-tested', 'there is no session')
  return { ...worst, happened: rows.map((row) => row.happened).join('; ') }
}

/** Where nothing is resumed, nothing outlives a revocation. */
async function resumption({ line, client }: Baseline): Promise<ProbeRow> {
  const row = (verdict: ProbeRow['verdict'], text: string): ProbeRow => rowOf('revoked-session', verdict, text)
  const { sessions, unclear } = await takeSessions(line, client)
  const resumed: string[] = []
  for (const form of sessions.forms) {
    const session = sessions.session(form)
    if (session === undefined) continue
    const attempt = await resume(line, form, session)
    if (attempt.isResumed) resumed.push(form)
    else if (isUnclear(attempt)) return row('not-tested', `${form}: ${happened(attempt)}`)
  }
  if (resumed.length > 0) {
    const advice = 'save one before a revocation, come back with it after'
    return row('not-tested', `sessions are resumed (${resumed.join(', ')}): ${advice}`)
  }
  if (unclear !== undefined) return row('not-tested', happened(unclear))
  return row('ok', 'no session is resumed, not even that of the good client')
}

/** Whom headers claim to be that come with the good client's own certificate. */
const SPOOFED = 'signet-probe-spoofed'

/** SVC-03: headers must not change for whom the server takes the good client. */
export async function spoofedHeaders({ line, client, good }: Baseline, spoofAs = SPOOFED): Promise<ProbeRow> {
  const row = (verdict: ProbeRow['verdict'], text: string, attempt = good): ProbeRow =>
    rowOf('spoofed-headers', verdict, text, moreOf(attempt))
  if (good.outcome === 'asked-for-more') return row('not-tested', 'the good client gets no answer that would show it')
  if (!isAccepted(good, good)) return row('not-tested', 'the good client is refused without them')
  const uri = spoofAs.includes(':') ? spoofAs : `spiffe://${SPOOFED}.invalid/x/${spoofAs}`
  const claimant = stranger(spoofAs.slice(0, 64), uri, client.certificate)
  const attempts: Attempt[] = []
  for (const headers of identityHeaders(claimant)) {
    const attempt = await dial(line, { client, headers })
    if (isDeceived(attempt, good, spoofAs)) {
      const believed: string[] = []
      for (const header of headers) {
        if (isDeceived(await dial(line, { client, headers: [header] }), good, spoofAs)) believed.push(header[0])
      }
      return row('hole', `believed: ${believed.length === 0 ? 'several together' : believed.join(', ')}`, attempt)
    }
    attempts.push(attempt)
  }
  const unclear = attempts.find(isUnclear)
  if (unclear !== undefined) return row('not-tested', happened(unclear))
  if (attempts.some(({ outcome }) => outcome !== 'let-in') && (await isValueDecisive({ line, client, good }))) {
    return row('hole', 'refused as somebody whom the headers name: they are believed')
  }
  const answered = attempts.find(({ outcome }) => outcome === 'let-in')
  if (answered === undefined) return row('ok', attempts.map(happened).at(-1) ?? '')
  if (answered.identity === undefined) {
    return row('not-tested', 'the server does not say whom it takes a client for: --identity-header, --identity-json')
  }
  return row('ok', 'the identity stays that of the certificate', answered)
}

/** Whether the same headers do no harm that name the good client itself: then it is not for being there that they did. */
async function isValueDecisive({ line, client, good }: Baseline): Promise<boolean> {
  for (const headers of identityHeaders(client, good.identity)) {
    if ((await dial(line, { client, headers })).outcome === 'let-in') return true
  }
  return false
}

/** Either the identity is another, or what was claimed got to where answers are made. */
function isDeceived(attempt: Attempt, good: Attempt, claimed: string): boolean {
  if (attempt.outcome !== 'let-in') return false
  if (good.identity !== undefined || attempt.identity !== undefined) return attempt.identity !== good.identity
  return attempt.whole?.includes(claimed) === true && good.whole?.includes(claimed) !== true
}

/** SVC-03, SVC-17: who has no certificate must not get in by saying whose it would be. */
export async function spoofedHeadersNone({ line, client, good }: Baseline): Promise<ProbeRow> {
  const rows: ProbeRow[] = []
  for (const headers of identityHeaders(client, good.identity)) {
    const attempt = await dial(line, { headers })
    rows.push(refusalRow('spoofed-headers-none', attempt, good))
    // Nothing of the request was read.
    if (attempt.stage !== 'application') break
  }
  return worstOf(rows) ?? rowOf('spoofed-headers-none', 'not-tested', 'nothing was tried')
}

/** A hole counts most, then what is not known. */
function worstOf(rows: readonly ProbeRow[]): ProbeRow | undefined {
  return (
    rows.find(({ verdict }) => verdict === 'hole') ?? rows.find(({ verdict }) => verdict === 'not-tested') ?? rows[0]
  )
}

export async function clearText({ line }: Baseline): Promise<ProbeRow> {
  const attempt = await dial(line, { channel: 'clear' })
  if (attempt.outcome === 'let-in' || attempt.outcome === 'asked-for-more') {
    return rowOf('clear-text', 'hole', happened(attempt), moreOf(attempt))
  }
  return rowOf('clear-text', attempt.outcome === 'refused' ? 'ok' : 'not-tested', happened(attempt))
}

const VERSIONS = {
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
} as const satisfies Partial<Record<ProbeCase, SecureVersion>>

/** A handshake that is done in an old version is too much, whatever comes after it. */
export async function tlsVersion({ line, client, good }: Baseline, name: keyof typeof VERSIONS): Promise<ProbeRow> {
  const attempt = await dial(line, { client, version: VERSIONS[name] })
  if (name === 'tls1.2') {
    return rowOf(name, attempt.outcome === 'failed' ? 'not-tested' : 'ok', happened(attempt), moreOf(attempt))
  }
  if (attempt.protocol !== undefined) return rowOf(name, 'hole', happened(attempt), moreOf(attempt))
  if (attempt.outcome === 'failed') {
    return rowOf(name, 'not-tested', `this runtime does not get so far: ${attempt.said}`)
  }
  return refusalRow(name, attempt, good)
}
