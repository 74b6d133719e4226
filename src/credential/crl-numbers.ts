/**
 * CRLs after CRLs: none may be older than one that was in use.
 *
 * @module credential/crl-numbers (floor 5)
 */
import { OID } from '../asn1/index.js'
import { StateError } from '../errors/index.js'
import { type Crl, hex } from '../x509/index.js'

/** What CRLs are numbered together by: issuer, key, scope and kind (RFC 5280 §5.2.3). A key for maps. */
export function crlSeries(crl: Crl): string {
  const key = hex(crl.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array())
  const scope = hex(crl.extensions.get(OID.issuingDistributionPoint)?.value ?? new Uint8Array())
  return JSON.stringify([crl.issuer.key, key, scope, crl.baseCrlNumber !== undefined])
}

/** The CRL with the highest number of each series. Of two with one number, the first. */
export function newestOfSeries(crls: readonly Crl[]): ReadonlyMap<string, Crl> {
  const newest = new Map<string, Crl>()
  for (const crl of crls) {
    const series = crlSeries(crl)
    const before = newest.get(series)
    if (before === undefined || numberOf(crl) > numberOf(before)) newest.set(series, crl)
  }
  return newest
}

/**
 * REV-05: a CRL that was seen takes back nothing that it said, whatever is at hand now.
 *
 * Does not ask whether one is missing, or signed: whoever validates a path with them does.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export function refuseOlderCrls(before: readonly Crl[], after: readonly Crl[]): void {
  const seen = newestOfSeries(before)
  for (const [series, crl] of newestOfSeries(after)) {
    const inUse = seen.get(series)
    if (inUse === undefined || numberOf(crl) >= numberOf(inUse)) continue
    const [number, highest] = [String(numberOf(crl)), String(numberOf(inUse))]
    throw new StateError('ERR_CRL_ROLLBACK', `a CRL has the number ${number}, and ${highest} is in use`, {
      details: { issuer: crl.issuer.toString(), crlNumber: number, seen: highest },
      hint: 'get the newest CRLs',
    })
  }
}

function numberOf({ crlNumber }: Crl): bigint {
  return BigInt(`0x${crlNumber ?? '00'}`)
}
