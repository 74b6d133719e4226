/**
 * From what came of a try to a verdict on the server.
 *
 * @module probe/verdict (floor 7.3)
 */
import { type Attempt, isUnclear } from './attempt.js'
import { type ProbeCase, type ProbeRow, type ProbeVerdict, rowOf } from './row.js'

/** Whether somebody got as far as the good client: who is asked for a password where the good one is, is not refused. */
export function isAccepted(attempt: Attempt, good: Attempt): boolean {
  return attempt.outcome === 'let-in' || (attempt.outcome === 'asked-for-more' && good.outcome === 'asked-for-more')
}

/** The good client. @param identity - For whom the server must take it. Default: for anybody. */
export function goodRow(good: Attempt, identity?: string): ProbeRow {
  if (!isAccepted(good, good)) return rowOf('good', 'fault', happened(good), moreOf(good))
  if (identity === undefined || good.identity === identity) return rowOf('good', 'ok', happened(good), moreOf(good))
  return rowOf('good', 'fault', `${happened(good)}; but it is taken for ${good.identity ?? 'nobody'}`, moreOf(good))
}

/** Once more at the end: servers that shut out whoever fails often would refuse everybody from then on. */
export function goodAgainRow(again: Attempt, good: Attempt): ProbeRow {
  if (!isAccepted(good, good)) return rowOf('good-again', 'not-tested', happened(again))
  if (isAccepted(again, good)) return rowOf('good-again', 'ok', happened(again), moreOf(again))
  return rowOf('good-again', 'fault', `${happened(again)}: refusals before this show nothing`)
}

/** What is known of one who must be refused, besides what came of it. */
export interface Suspicion {
  /**
   * Somebody with other names than the good client's is perhaps refused for these alone. Whoever is refused like the
   * unmapped client shows nothing, unless the server says what it is for.
   */
  readonly unlike?: { readonly unmapped: Attempt | undefined; readonly alert: string }
}

/** Somebody who must be refused. */
export function refusalRow(name: ProbeCase, attempt: Attempt, good: Attempt, { unlike }: Suspicion = {}): ProbeRow {
  const row = (verdict: ProbeVerdict, text: string): ProbeRow => rowOf(name, verdict, text, moreOf(attempt))
  if (isAccepted(attempt, good)) return row('hole', happened(attempt))
  if (isUnclear(attempt)) return row('not-tested', happened(attempt))
  if (!isAccepted(good, good)) return row('not-tested', `${happened(attempt)}; but so is the good client`)
  if (unlike === undefined || isFor(attempt, unlike)) return row('ok', happened(attempt))
  return row(
    'not-tested',
    `${happened(attempt)}; but perhaps as one that is mapped to nobody: that client fares no better`,
  )
}

/** Whether it is seen that the certificate was refused, and not only its names. */
function isFor(attempt: Attempt, { unmapped, alert }: NonNullable<Suspicion['unlike']>): boolean {
  if (attempt.said.includes(alert)) return true
  if (unmapped === undefined || isUnclear(unmapped)) return false
  if (unmapped.outcome !== 'refused') return true
  if (unmapped.stage !== attempt.stage) return true
  // A reset may overtake an alert, so that two refusals of one kind look like two kinds.
  return attempt.stage === 'application' && unmapped.said !== attempt.said
}

/** In words, what came of it. */
export function happened({ outcome, said, isResumed }: Attempt): string {
  const words = {
    'let-in': 'accepted',
    'asked-for-more': 'let through',
    refused: 'refused',
    silent: 'no answer',
    failed: 'failed',
  }
  return `${words[outcome]}: ${said}${isResumed ? ' (session resumed)' : ''}`
}

export function moreOf({ identity, protocol }: Attempt): Pick<ProbeRow, 'identity' | 'protocol'> {
  return { ...(identity === undefined ? {} : { identity }), ...(protocol === undefined ? {} : { protocol }) }
}
