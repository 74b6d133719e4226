/**
 * Playing clients against a server, one after another.
 *
 * @module probe/probe (floor 7.3)
 */
import { UsageError } from '../errors/index.js'
import { instantText } from '../time/index.js'
import type { Attempt } from './attempt.js'
import { clearText, noneResumed, revokedSession, spoofedHeaders, spoofedHeadersNone, tlsVersion } from './cases.js'
import type { KitClients, ProbeClient } from './client.js'
import { dial, type Line } from './dial.js'
import { foreignLike, selfSignedLike } from './forge.js'
import { PROBE_CASES, type ProbeCase, type ProbeRow, rowOf } from './row.js'
import { DEFAULT_PROBE_SECONDS, judgeServed, noHandshake, servedCertificate, type ServerTrust } from './served.js'
import { type SavedSessions, takeSessions } from './session.js'
import { checkQuestion, checkTarget, type ProbeTarget, type Question, usualQuestion } from './target.js'
import { goodAgainRow, goodRow, refusalRow } from './verdict.js'

/** Who tries. What is left out is not tested; the strangers are made of the good client. */
export interface ProbeClients extends KitClients {
  readonly good: ProbeClient
  /** Sessions of somebody who was revoked since; the server must have got the CRL. */
  readonly sessions?: SavedSessions
}

export interface ProbeOptions {
  /** By whom the server's own certificate is judged. */
  readonly trust: ServerTrust
  readonly at: Date
  /** Default: what the port suggests. */
  readonly question?: Question
  /** Seconds for each step of a try. Default {@link DEFAULT_PROBE_SECONDS}. */
  readonly timeoutSeconds?: number
  /** For whom the server must take the good client. Default: for anybody. */
  readonly identity?: string
  /** Whom spoofed headers claim to be. Default: somebody whom nobody knows. */
  readonly spoofAs?: string
  /** What is accepted on purpose: reported, and no hole. */
  readonly allow?: readonly ProbeCase[]
  /** Told of each row as soon as it is there. */
  readonly watch?: (row: ProbeRow) => void
}

/**
 * Play clients against a server, and say what came of each.
 *
 * The server is not changed; it sees some thirty connections, of which most are to be refused. Says nothing of what an
 * accepted client may do there, of other ports, nor of connections that were open before.
 *
 * @returns A row for each case that the protocol knows, in their order.
 * @throws {@link StoreError} `ERR_TLS_CONNECTION` where there is no server
 * @throws {@link TrustError} `ERR_TLS_HANDSHAKE` where it speaks no TLS with the good client
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export async function probeServer(
  target: ProbeTarget,
  clients: ProbeClients,
  options: ProbeOptions,
): Promise<readonly ProbeRow[]> {
  const line = lineOf(target, clients.good, options)
  if (options.spoofAs !== undefined && !/^[\x21-\x7e]{1,64}$/.test(options.spoofAs)) {
    throw new UsageError('ERR_CONFIG_INVALID', 'not a name that a header could claim', {
      hint: 'at most 64 printable characters of ASCII, without spaces',
    })
  }
  const rows: ProbeRow[] = []
  const add = (row: ProbeRow): void => {
    const isMeant = row.verdict === 'hole' && options.allow?.includes(row.case) === true
    const kept: ProbeRow = isMeant ? { ...row, verdict: 'allowed' } : row
    rows.push(kept)
    options.watch?.(kept)
  }
  const { good: client } = clients
  const { timeoutSeconds = DEFAULT_PROBE_SECONDS, trust, at } = options
  const served = await servedCertificate(target, { client, timeoutSeconds })
  for (const row of judgeServed(served, target, trust, at)) add(row)

  const as = async (who: ProbeClient | undefined): Promise<Attempt> =>
    dial(line, { end: 'goodbye', ...(who === undefined ? {} : { client: who }) })
  const good = await as(client)
  if (good.stage === 'network') throw noHandshake(good)
  const base = { line, client, good }
  add(goodRow(good, options.identity))
  const none = await as(undefined)
  add(refusalRow('none', none, good))
  add(await noneResumed(base, none))
  add(refusalRow('self-signed', await as(selfSignedLike(client)), good))
  const authorities = [...trust.intermediates, ...trust.anchors]
  add(refusalRow('foreign-ca', await as(foreignLike(client, authorities)), good))
  for (const row of await kitRows(clients, as, good, at, async () => revokedSession(base, clients.sessions))) add(row)
  if (line.question.protocol === 'http') {
    add(await spoofedHeaders(base, options.spoofAs))
    add(await spoofedHeadersNone(base))
  }
  add(await clearText(base))
  for (const version of ['tls1.0', 'tls1.1', 'tls1.2'] as const) add(await tlsVersion(base, version))
  add(goodAgainRow(await as(client), good))
  return rows
}

/** For `revoked-session`: shake hands as somebody who is about to be revoked, and keep what comes of it. */
export async function beginSessions(
  target: ProbeTarget,
  client: ProbeClient,
  options: Pick<ProbeOptions, 'question' | 'timeoutSeconds'>,
): Promise<SavedSessions> {
  return (await takeSessions(lineOf(target, client, options), client)).sessions
}

function lineOf(
  target: ProbeTarget,
  client: ProbeClient,
  {
    question = usualQuestion(target),
    timeoutSeconds = DEFAULT_PROBE_SECONDS,
  }: Pick<ProbeOptions, 'question' | 'timeoutSeconds'>,
): Line {
  checkTarget(target)
  checkQuestion(question)
  if (!(timeoutSeconds > 0 && timeoutSeconds <= 300)) {
    throw new UsageError('ERR_CONFIG_INVALID', 'the time limit of a try is more than none and at most 300 seconds')
  }
  const { user = client.commonName } = question
  return { target, question, user, milliseconds: timeoutSeconds * 1000 }
}

/** Of each, the alert by which a server says that it is for this (RFC 8446 §6.2). */
const KIT = [
  ['expired', 'expired', 'certificate_expired'],
  ['revoked', 'revoked', 'certificate_revoked'],
  ['wrong-purpose', 'wrongPurpose', 'unsupported_certificate'],
] as const

/** Those that only an authority can make. The unmapped one tries first: beside it the others are judged. */
async function kitRows(
  clients: ProbeClients,
  as: (who: ProbeClient) => Promise<Attempt>,
  good: Attempt,
  at: Date,
  session: () => Promise<ProbeRow>,
): Promise<readonly ProbeRow[]> {
  const isOver = ({ certificate }: ProbeClient): boolean => certificate.notAfter < at
  const { unmapped: nobody } = clients
  const unmapped = nobody === undefined || isOver(nobody) ? undefined : await as(nobody)
  const rows: ProbeRow[] = []
  for (const [name, member, alert] of KIT) {
    const who = clients[member]
    if (who === undefined) rows.push(missing(name))
    else if (isOver(who) !== (name === 'expired')) rows.push(untimely(name, who))
    else {
      const unlike = who.hasNamesOf(clients.good) ? {} : { unlike: { unmapped, alert } }
      rows.push(refusalRow(name, await as(who), good, unlike))
    }
    if (name === 'revoked') rows.push(await session())
  }
  if (unmapped !== undefined) rows.push(refusalRow('unmapped', unmapped, good))
  else rows.push(nobody === undefined ? missing('unmapped') : untimely('unmapped', nobody))
  return rows
}

/** Who is refused for being late shows nothing else. */
function untimely(name: ProbeCase, { certificate }: ProbeClient): ProbeRow {
  const until = instantText(certificate.notAfter)
  return rowOf(name, 'not-tested', name === 'expired' ? `not expired before ${until}` : `expired itself, at ${until}`)
}

function missing(name: ProbeCase): ProbeRow {
  return rowOf(name, 'not-tested', `there is no client for this: ${PROBE_CASES[name].about}`)
}
