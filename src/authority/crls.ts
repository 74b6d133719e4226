/**
 * The authority's CRLs: numbered, growing, renewed before they end.
 *
 * @module authority/crls (floor 7)
 */
import type { KeyProvider } from '../crypto/index.js'
import { StateError } from '../errors/index.js'
import type { CrlRecord } from '../store/index.js'
import { addSeconds, DAY } from '../time/index.js'
import { type Certificate, createCrl, Crl, parseCrl, type RevokedCertificate } from '../x509/index.js'
import { BACKDATE_SECONDS } from './approve.js'
import type { Authority } from './authority.js'

/** How long a CRL of the issuing CA is current. */
export const CRL_VALIDITY_SECONDS = 7 * DAY
/** How long a CRL of the root is current: its key is offline. */
export const ROOT_CRL_VALIDITY_SECONDS = 365 * DAY

/**
 * The current CRLs of root and issuing CA. The issuing CA's is made anew when it does not say what the store says, or
 * when half of its life is over.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export async function currentCrls(authority: Authority, key: KeyProvider, at: Date): Promise<readonly Crl[]> {
  const latest = await latestCrl(authority, authority.issuing)
  const revoked = await revokedCertificates(authority, at)
  const fresh = latest !== undefined && isFresh(latest, at) && listsExactly(latest, revoked)
  const issuing = fresh ? latest : await publishCrl(authority, key, at, revoked)
  const root = await latestCrl(authority, authority.root)
  return root === undefined ? [issuing] : [issuing, root]
}

/** Make the next CRL of the issuing CA and record it. */
export async function publishCrl(
  authority: Authority,
  key: KeyProvider,
  at: Date,
  revoked?: readonly RevokedCertificate[],
  validitySeconds: number = CRL_VALIDITY_SECONDS,
): Promise<Crl> {
  let first = revoked
  const entries = async (): Promise<readonly RevokedCertificate[]> => {
    const known = first ?? (await revokedCertificates(authority, at))
    first = undefined
    return known
  }
  return nextCrl(authority, authority.issuing, key, at, entries, validitySeconds)
}

/** Make the next CRL of the root with its offline key, and record it. The root has revoked nothing but what is given. */
export async function publishRootCrl(authority: Authority, rootKey: KeyProvider, at: Date): Promise<Crl> {
  const entries = async (): Promise<readonly RevokedCertificate[]> =>
    (await latestCrl(authority, authority.root))?.revokedCertificates ?? []
  return nextCrl(authority, authority.root, rootKey, at, entries, ROOT_CRL_VALIDITY_SECONDS)
}

/** The newest CRL of a CA that was recorded. */
export async function latestCrl(authority: Authority, issuer: Certificate): Promise<Crl | undefined> {
  const record = await authority.store.latestCrl(issuer.keyIdentifier)
  return record === undefined ? undefined : parseCrl(record.der)
}

async function nextCrl(
  authority: Authority,
  issuer: Certificate,
  key: KeyProvider,
  at: Date,
  entries: () => Promise<readonly RevokedCertificate[]>,
  validitySeconds: number,
): Promise<Crl> {
  for (;;) {
    const latest = await authority.store.latestCrl(issuer.keyIdentifier)
    const number = (latest?.number ?? 0) + 1
    const revoked = await entries()
    refuseRollback(latest, addSeconds(at, -BACKDATE_SECONDS), revoked)
    const crl = await createCrl(
      {
        issuer: issuer.subject,
        authorityKeyIdentifier: issuer.subjectKeyIdentifier ?? new Uint8Array(),
        crlNumber: number,
        // Receivers whose clocks are a little behind must not find a CRL of the future, as with certificates.
        thisUpdate: addSeconds(at, -BACKDATE_SECONDS),
        // A CRL is of use only while its issuer is.
        nextUpdate: new Date(Math.min(addSeconds(at, validitySeconds).getTime(), issuer.notAfter.getTime())),
        revokedCertificates: revoked,
      },
      key,
    )
    // Another process may have published meanwhile: then the number is taken, and everything is looked at again.
    if (await recordCrl(authority, issuer, crl, number, at)) return crl
  }
}

async function recordCrl(
  authority: Authority,
  issuer: Certificate,
  crl: Crl,
  number: number,
  at: Date,
): Promise<boolean> {
  return authority.store.transaction(async (transaction) => {
    const latest = await transaction.latestCrl(issuer.keyIdentifier)
    if (latest !== undefined && latest.number >= number) return false
    await transaction.insertCrl({
      issuer: issuer.keyIdentifier,
      number,
      thisUpdate: crl.thisUpdate.toISOString(),
      nextUpdate: crl.currentUntil.toISOString(),
      der: crl.der,
    })
    const entries = crl.size
    await transaction.log(at, 'crl.published', { issuer: issuer.keyIdentifier, number, entries })
    return true
  })
}

/**
 * A revocation that was once published stays until its certificate has ended; only a hold can be lifted.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
function refuseRollback(latest: CrlRecord | undefined, thisUpdate: Date, revoked: readonly RevokedCertificate[]): void {
  if (latest === undefined) return
  if (thisUpdate.toISOString() < latest.thisUpdate) {
    throw new StateError('ERR_CRL_ROLLBACK', 'the CRL would begin before the one published last', {
      details: { last: latest.thisUpdate, thisUpdate: thisUpdate.toISOString() },
      hint: 'check the clock of this machine',
    })
  }
  const listed = new Set(revoked.map((entry) => entry.serialNumber))
  const gone = parseCrl(latest.der).revokedCertificates.find(
    (entry) => entry.reason !== 'certificateHold' && !listed.has(entry.serialNumber),
  )
  if (gone !== undefined) {
    throw new StateError('ERR_CRL_ROLLBACK', 'a certificate that was revoked would no longer be', {
      details: { serialNumber: gone.serialNumber },
      hint: 'the store was restored from a backup: revoke the certificate again',
    })
  }
}

/** What a CRL made now has to list: revoked certificates, and those of quarantined entities on hold. */
async function revokedCertificates(authority: Authority, at: Date): Promise<readonly RevokedCertificate[]> {
  const { store } = authority
  const entries = new Map<string, RevokedCertificate>()
  for (const entity of await store.entities()) {
    if (entity.state !== 'quarantined') continue
    for (const { certificate } of await store.certificates(entity.id)) {
      if (Date.parse(certificate.notAfter) < at.getTime()) continue
      const { serialNumber } = certificate
      entries.set(serialNumber, { serialNumber, revocationDate: new Date(entity.updatedAt), reason: 'certificateHold' })
    }
  }
  for (const { serialNumber, reason, revokedAt } of await store.revocations()) {
    entries.set(serialNumber, { serialNumber, revocationDate: new Date(revokedAt), reason })
  }
  return [...entries.values()].sort((a, b) => (a.serialNumber < b.serialNumber ? -1 : 1))
}

function isFresh(crl: Crl, at: Date): boolean {
  const half = (crl.thisUpdate.getTime() + crl.currentUntil.getTime()) / 2
  return at >= crl.thisUpdate && at.getTime() < half
}

function listsExactly(crl: Crl, revoked: readonly RevokedCertificate[]): boolean {
  return crl.size === revoked.length && revoked.every((entry) => crl.find(entry.serialNumber)?.reason === entry.reason)
}
