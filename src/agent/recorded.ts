/**
 * What is written down of a credential when a pass over it ends.
 *
 * @module agent/recorded (floor 7.4)
 */
import type { SignetError } from '../errors/index.js'
import { addSeconds } from '../time/index.js'
import type { CredentialConfiguration } from './configuration.js'
import type { Present } from './present.js'
import { renewalTime, retrySeconds } from './schedule.js'
import type { CredentialStatus } from './status.js'
import type { Surroundings } from './surroundings.js'

/** How a pass over a credential ended. */
export interface Ended {
  readonly present: Present | undefined
  readonly reloadOwed: boolean
  /** What failed of what was tried. */
  readonly failed: SignetError | undefined
  /** What is wrong besides. */
  readonly wrong: SignetError | undefined
  /** Whether nothing was tried, as it was too early to try again what failed before: that stands. */
  readonly isStanding: boolean
}

/** The status of a credential after a pass. */
export function recorded(
  { directory, entity, profile, renewAt, jitter }: CredentialConfiguration,
  memory: CredentialStatus,
  { present, reloadOwed, failed, wrong, isStanding }: Ended,
  { at, random }: Pick<Surroundings, 'at' | 'random'>,
): CredentialStatus {
  const certificate = present?.certificate
  const left = certificate === undefined ? undefined : (certificate.notAfter.getTime() - at.getTime()) / 1000
  const before = isStanding ? memory : undefined
  const failures = failed === undefined ? (before?.failures ?? 0) : memory.failures + 1
  const wait = failed === undefined ? undefined : retrySeconds(failures, random(), left)
  const error = failed ?? wrong
  return {
    directory,
    entity,
    profile: profile.name,
    serialNumber: certificate?.serialNumber ?? null,
    uri: present?.uri ?? null,
    notAfter: certificate?.notAfter.toISOString() ?? null,
    renewAt: certificate === undefined ? null : renewalTime(certificate, renewAt, jitter).toISOString(),
    crlNextUpdate: firstOver(present)?.toISOString() ?? null,
    lastError:
      error === undefined
        ? (before?.lastError ?? null)
        : { code: error.code, message: error.message, exitCode: error.exitCode, at: at.toISOString() },
    failures,
    nextAttempt: wait === undefined ? (before?.nextAttempt ?? null) : addSeconds(at, wait).toISOString(),
    reloadOwed,
  }
}

/** When the first of the CRLs is over. */
export function firstOver(present: Present | undefined): Date | undefined {
  return present?.crls.map(({ currentUntil }) => currentUntil).sort((a, b) => a.getTime() - b.getTime())[0]
}
