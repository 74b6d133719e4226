/**
 * What a CRL has to list, and what may never vanish from one.
 *
 * @module authority/crl-contents (floor 7)
 */
import { StateError } from '../errors/index.js'
import type { StoreReader } from '../store/index.js'
import type { Crl, RevokedCertificate } from '../x509/index.js'

/** What was published last under one issuer. */
export interface Published {
  readonly full: Crl | undefined
  /** The delta CRL that is newer, if there is one. */
  readonly delta: Crl | undefined
  /**
   * The full CRL that receivers have for certain: that of the store, unless an older one was found where CRLs are
   * published.
   */
  readonly received: Crl | undefined
}

/**
 * Everything of one issuing CA that is revoked, and the certificates of quarantined entities on hold. Sorted by serial
 * number.
 *
 * A certificate that had ended when the full CRL was made that receivers have was listed by a CRL made after its end;
 * that is all that RFC 5280 §3.3 asks for.
 */
export async function entriesToList(
  reader: StoreReader,
  at: Date,
  received: Crl | undefined,
  issuer: number,
): Promise<readonly RevokedCertificate[]> {
  const entries = new Map<string, RevokedCertificate>()
  for (const entity of await reader.entities()) {
    if (entity.state !== 'quarantined') continue
    for (const { certificate } of await reader.certificates(entity.id)) {
      if (certificate.issuer !== issuer || Date.parse(certificate.notAfter) < at.getTime()) continue
      const { serialNumber } = certificate
      entries.set(serialNumber, { serialNumber, revocationDate: new Date(entity.updatedAt), reason: 'certificateHold' })
    }
  }
  for (const { serialNumber, reason, revokedAt, notAfter } of await reader.revocations(issuer)) {
    if (hadEnded(notAfter, received)) continue
    entries.set(serialNumber, { serialNumber, revocationDate: new Date(revokedAt), reason })
  }
  return [...entries.values()].sort((a, b) => (a.serialNumber < b.serialNumber ? -1 : 1))
}

function hadEnded(notAfter: string | null, received: Crl | undefined): boolean {
  return notAfter !== null && received !== undefined && Date.parse(notAfter) < received.thisUpdate.getTime()
}

/**
 * What changes a full CRL into a list of these entries. A hold that was lifted is removed, whether the full CRL told of it
 * or a delta CRL since (RFC 5280 §5.2.4).
 *
 * @param delta - The newest delta CRL that changes the same full CRL.
 */
export function changesSince(
  full: Crl,
  delta: Crl | undefined,
  entries: readonly RevokedCertificate[],
  at: Date,
): readonly RevokedCertificate[] {
  const listed = new Set(entries.map((entry) => entry.serialNumber))
  const added = entries.filter((entry) => full.find(entry.serialNumber)?.reason !== entry.reason)
  const held = [...full.revokedCertificates, ...(delta?.revokedCertificates ?? [])]
    .filter(({ reason }) => reason === 'certificateHold' || reason === 'removeFromCRL')
    .map(({ serialNumber }) => serialNumber)
  const lifted = [...new Set(held)]
    .filter((serialNumber) => !listed.has(serialNumber))
    .map((serialNumber) => ({ serialNumber, revocationDate: at, reason: 'removeFromCRL' as const }))
  return [...added, ...lifted].sort((a, b) => (a.serialNumber < b.serialNumber ? -1 : 1))
}

/** Whether a full CRL lists all that it needs to, and nothing that it may not. */
export function listsWhatItMust(
  crl: Crl,
  needed: readonly RevokedCertificate[],
  allowed: readonly RevokedCertificate[],
): boolean {
  const isAllowed = new Map(allowed.map(({ serialNumber, reason }) => [serialNumber, reason]))
  return (
    needed.every((entry) => crl.find(entry.serialNumber)?.reason === entry.reason) &&
    crl.revokedCertificates.every(({ serialNumber, reason }) => isAllowed.get(serialNumber) === reason)
  )
}

/**
 * A revocation that was once published stays until its certificate has ended; only a hold can be lifted.
 *
 * @param published - CRLs of this issuer that others have: those of the store, and those found where they are published.
 * @param received - The full CRL that they have for certain.
 * @param entries - What the next CRL would list.
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export async function refuseRollback(
  reader: StoreReader,
  published: readonly Crl[],
  received: Crl | undefined,
  thisUpdate: Date,
  entries: readonly RevokedCertificate[],
): Promise<void> {
  // A hold is no revocation: it could be lifted next.
  const listed = new Set(
    entries.flatMap(({ serialNumber, reason }) => (reason === 'certificateHold' ? [] : [serialNumber])),
  )
  for (const crl of published) {
    if (thisUpdate < crl.thisUpdate) {
      throw new StateError('ERR_CRL_ROLLBACK', 'the CRL would begin before the one published last', {
        details: { last: crl.thisUpdate.toISOString(), thisUpdate: thisUpdate.toISOString() },
        hint: 'check the clock of this machine',
      })
    }
    for (const { serialNumber, reason } of crl.revokedCertificates) {
      if (reason === 'certificateHold' || reason === 'removeFromCRL' || listed.has(serialNumber)) continue
      const status = await reader.certificate(serialNumber)
      if (status?.revocation !== undefined && hadEnded(status.certificate.notAfter, received)) continue
      throw new StateError('ERR_CRL_ROLLBACK', 'a certificate that was revoked would no longer be', {
        details: { serialNumber, published: crl.thisUpdate.toISOString() },
        hint: 'the store is older than what it published: restore a newer backup, or signet crl recover FILE',
      })
    }
  }
}
