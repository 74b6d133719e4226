/**
 * What a doctor finds.
 *
 * @module agent/finding (floor 7.4)
 */
import { isSignetError, type SignetError } from '../errors/index.js'
import { addSeconds, DAY } from '../time/index.js'

export type Severity = 'ok' | 'soon' | 'broken'

export interface Finding {
  readonly severity: Severity
  /** File, folder or place that it is about. */
  readonly subject: string
  /** What was looked at: `certificate`, `crl`, `key`, … */
  readonly what: string
  readonly message: string
  /** When it breaks, or broke: what the calendar is made of. */
  readonly until?: Date
  readonly hint?: string
}

/** How long before its end something is `soon`, unless that is said: less for what lives shortly and is renewed. */
export const SOON_SECONDS = 14 * DAY
/** A quarter of its life is left of what was not renewed after two thirds. */
const SOON_PART = 0.25

/** When a doctor looks, and how far ahead. */
export interface Outlook {
  readonly at: Date
  /** How long before its end everything is `soon`. Default: {@link SOON_SECONDS}, or a quarter of its life if that is less. */
  readonly withinSeconds?: number | undefined
}

/** A span of time, judged: over, over soon, or good. */
export function judgeSpan(
  { at, withinSeconds }: Outlook,
  begin: Date,
  end: Date,
): { readonly severity: Severity; readonly when: string } {
  if (begin > at) return { severity: 'broken', when: `begins only at ${begin.toISOString()}: is the clock right?` }
  if (end <= at) return { severity: 'broken', when: `ended at ${end.toISOString()}` }
  const life = (end.getTime() - begin.getTime()) / 1000
  const within = withinSeconds ?? Math.min(SOON_SECONDS, life * SOON_PART)
  return { severity: end <= addSeconds(at, within) ? 'soon' : 'ok', when: `until ${end.toISOString()}` }
}

/** Something that cannot be read, or does not hold. */
export function brokenBy(error: unknown, subject: string, what: string): Finding {
  if (!isSignetError(error)) throw error
  const known: SignetError = error
  return {
    severity: 'broken',
    subject,
    what,
    message: `${known.message} [${known.code}]`,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
  }
}

/** The worst first; of equals, what ends first. */
export function worstFirst(findings: readonly Finding[]): readonly Finding[] {
  const rank: Readonly<Record<Severity, number>> = { broken: 0, soon: 1, ok: 2 }
  const time = ({ until }: Finding): number => until?.getTime() ?? 0
  return findings.toSorted((a, b) => rank[a.severity] - rank[b.severity] || time(a) - time(b))
}
