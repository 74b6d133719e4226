/**
 * What revocation is checked against, and what its sources answer.
 *
 * @module path/revocation-sources (floor 4)
 */
import type { AlgorithmPolicy } from '../crypto/index.js'
import type { Certificate, Crl, OcspResponse, RevocationReason } from '../x509/index.js'
import type { Budget } from './budget.js'

/** What to check against. */
export interface RevocationSources {
  readonly crls: readonly Crl[]
  /** Default: none. */
  readonly ocspResponses?: readonly OcspResponse[]
  /** What was sent with the OCSP request: only responses that repeat it count (RFC 9654). Default: any do. */
  readonly ocspNonce?: Uint8Array
  /**
   * Seconds after its thisUpdate for which a CRL or response is current at most, whatever its nextUpdate. Without it,
   * one that has no nextUpdate is never current.
   */
  readonly maxAgeSeconds?: number
  /** Seconds after its nextUpdate for which a CRL or response counts as current all the same. Default 0. */
  readonly allowStaleSeconds?: number
  /**
   * Remembers the newest CRL of each kind that was believed: an older one is refused from then on. Default: nothing is
   * remembered, and an old CRL counts until its nextUpdate.
   */
  readonly crlMemory?: CrlMemory
  /** When nothing current says whether a certificate is revoked. Default `'refuse'`. */
  readonly unknownStatus?: 'refuse' | 'allow'
}

/** The highest cRLNumber that was seen of each series: an issuer's CRLs of one scope, full or delta. */
export interface CrlMemory {
  /** Take note of a number, and say whether it is not lower than the highest of its series. */
  accept(series: string, crlNumber: bigint): boolean
}

/** A memory for as long as the process lives. */
export function createCrlMemory(): CrlMemory {
  const highest = new Map<string, bigint>()
  return {
    accept(series, crlNumber) {
      if (crlNumber < (highest.get(series) ?? 0n)) return false
      highest.set(series, crlNumber)
      return true
    },
  }
}

/** What to check against; or, spelt out, that revocation is not checked. */
export type RevocationPolicy = RevocationSources | 'allow-unchecked'

/** What a question about revocation has at hand besides the sources. */
export interface RevocationContext {
  readonly at: Date
  readonly algorithms: AlgorithmPolicy
  readonly budget: Budget
  /** Certificates whose keys may have signed a CRL: the issuer first, then others that are believed as far as the path. */
  readonly crlSigners: (crl: Crl) => Iterable<Certificate>
}

/** What the sources of one kind say. */
export type Answer =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revocationDate: Date; readonly reason: RevocationReason }
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * Whether what was issued at `thisUpdate` is current: begun, not over, and not older than allowed.
 *
 * @returns What is wrong, or nothing.
 */
export function whyNotCurrent(
  { thisUpdate, nextUpdate }: { readonly thisUpdate: Date; readonly nextUpdate: Date | undefined },
  at: Date,
  { maxAgeSeconds, allowStaleSeconds = 0 }: Pick<RevocationSources, 'maxAgeSeconds' | 'allowStaleSeconds'>,
): string | undefined {
  // Written so that an invalid date is refused, too.
  if (!(thisUpdate <= at)) return `begins only at ${thisUpdate.toISOString()}`
  const instant = at.getTime() - allowStaleSeconds * 1000
  if (nextUpdate !== undefined && !(instant <= nextUpdate.getTime())) return `ended at ${nextUpdate.toISOString()}`
  if (maxAgeSeconds === undefined) return nextUpdate === undefined ? 'does not say when it ends' : undefined
  const age = (at.getTime() - thisUpdate.getTime()) / 1000
  return age <= maxAgeSeconds ? undefined : `is of ${thisUpdate.toISOString()}, older than allowed`
}
