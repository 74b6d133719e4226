/**
 * Getting back what a store forgot: revocations that were published and that a restored backup does not know.
 *
 * @module authority/recover (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import type { StoreTransaction } from '../store/index.js'
import type { Crl, RevokedCertificate } from '../x509/index.js'
import type { Authority } from './authority.js'
import { floorSetting, isBy, numberOf } from './crls.js'

/** As which profile a certificate is recorded of which only its revocation is known. */
const UNKNOWN_PROFILE = 'unknown'

/**
 * Record every revocation that a CRL of an issuing CA lists and the store does not know. Holds are not recorded: they
 * are those of entities that are quarantined.
 *
 * @returns The revocations recorded, by serial number.
 * @throws {@link DeniedError} `ERR_CRL_FOREIGN` for a CRL that no issuing CA signed
 */
export async function recoverRevocations(
  authority: Authority,
  crl: Crl,
  at: Date,
): Promise<readonly RevokedCertificate[]> {
  const ca = authority.allIssuingCas.find(({ certificate }) => isBy(crl, certificate))
  if (ca === undefined) {
    throw new DeniedError('ERR_CRL_FOREIGN', `the CRL of ${crl.issuer.toString()} is not signed by this authority`, {
      details: { issuer: crl.issuer.toString() },
    })
  }
  const listed = crl.revokedCertificates.filter(
    ({ reason }) => reason !== 'certificateHold' && reason !== 'removeFromCRL',
  )
  return authority.store.transaction(async (transaction) => {
    const known = new Set((await transaction.revocations()).map(({ serialNumber }) => serialNumber))
    const forgotten = listed.filter(({ serialNumber }) => !known.has(serialNumber))
    for (const entry of forgotten) await recover(transaction, entry, ca.number, at)
    // Numbers only grow, also those that the store forgot.
    const setting = floorSetting(ca.certificate)
    const floor = Math.max(numberOf(crl), Number((await transaction.setting(setting)) ?? '0'))
    await transaction.setSetting(setting, String(floor))
    return forgotten
  })
}

async function recover(
  transaction: StoreTransaction,
  entry: RevokedCertificate,
  issuer: number,
  at: Date,
): Promise<void> {
  const { serialNumber, reason, revocationDate } = entry
  const isKnown =
    (await transaction.certificate(serialNumber)) !== undefined ||
    (await transaction.abandonedIntent(serialNumber)) !== undefined ||
    (await transaction.pendingIntents()).some((intent) => intent.serialNumber === serialNumber)
  if (!isKnown) {
    const intent = { serialNumber, entityId: null, profile: UNKNOWN_PROFILE, tbsDigest: '', issuer }
    await transaction.insertIntents([{ ...intent, createdAt: at.toISOString() }])
    await transaction.abandonIntents([serialNumber])
  }
  await transaction.insertRevocation({ serialNumber, reason, revokedAt: revocationDate.toISOString() })
  await transaction.log(at, 'certificate.revoked', { serialNumber, reason, recovered: 'from a CRL' })
}
