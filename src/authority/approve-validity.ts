/**
 * How long a certificate lives.
 *
 * @module authority/approve-validity (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import { addSeconds, formatDuration, MINUTE } from '../time/index.js'
import type { Certificate } from '../x509/index.js'
import type { Profile } from './profiles.js'

/** Clocks differ: certificates begin this long before they are made. */
export const BACKDATE_SECONDS = 5 * MINUTE

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
  /** Whether the life of the issuer cut the profile's short. */
  readonly shortened: boolean
}

/**
 * The validity that a certificate gets.
 *
 * @param validitySeconds - Lifetime asked for. Default: that of the profile, cut to the life of the issuer.
 * @throws {@link DeniedError} `ERR_ISSUE_VALIDITY`
 */
export function validityFor(
  issuer: Certificate,
  { profile, validitySeconds, at }: { readonly profile: Profile; readonly validitySeconds?: number; readonly at: Date },
): Validity {
  const details = { issuer: issuer.subject.toString(), issuerNotAfter: issuer.notAfter.toISOString() }
  if (!(at >= issuer.notBefore && at <= issuer.notAfter)) {
    const expired = at > issuer.notAfter
    throw new DeniedError(
      'ERR_ISSUE_VALIDITY',
      expired ? 'the issuing CA has expired' : 'the issuing CA is not valid yet',
      {
        details: { ...details, issuerNotBefore: issuer.notBefore.toISOString(), at: at.toISOString() },
        hint: expired ? 'make a new issuing CA' : 'check the clock of this machine',
      },
    )
  }
  if (validitySeconds !== undefined && !(Number.isSafeInteger(validitySeconds) && validitySeconds > 0)) {
    throw new DeniedError('ERR_ISSUE_VALIDITY', 'a certificate lives for a whole number of seconds, at least one', {
      details: { ...details, validitySeconds: String(validitySeconds) },
    })
  }
  const notBefore = new Date(Math.max(addSeconds(at, -BACKDATE_SECONDS).getTime(), issuer.notBefore.getTime()))
  const wanted = addSeconds(at, validitySeconds ?? profile.validitySeconds)
  if (wanted <= issuer.notAfter) return { notBefore, notAfter: wanted, shortened: false }
  // Asked for by name, a longer life is refused; the profile's is cut, which the caller is told.
  if (validitySeconds !== undefined) {
    throw new DeniedError(
      'ERR_ISSUE_VALIDITY',
      `a certificate of ${formatDuration(validitySeconds)} would outlive its issuer`,
      {
        details,
        hint: 'ask for a shorter life',
      },
    )
  }
  return { notBefore, notAfter: issuer.notAfter, shortened: true }
}
