/**
 * What the store is asked about certificates and revocations.
 *
 * @module store/kysely-certificates (floor 4)
 */
import { type Kysely, type Selectable, sql } from 'kysely'
import { digestStart, oneOf } from './kysely-bulk.js'
import type { CertificateRecord, CertificateStatus, RevocationRecord, RevocationStatus } from './records.js'
import type { CertificateTable, RevocationTable, Schema } from './tables.js'

type Database = Kysely<Schema>

/** Digests by which certificates are found. */
export type CertificateDigest = 'keyIdentifier' | 'fingerprint' | 'subjectDigest'

/** The one with a serial number, those of an entity, or all: newest first. */
export async function certificatesWith(
  db: Database,
  column?: 'serialNumber' | 'entityId',
  value = '',
): Promise<readonly CertificateStatus[]> {
  const all = statuses(db)
  return statusesOf(await (column === undefined ? all : all.where(`certificate.${column}`, '=', value)).execute())
}

/** Those with a digest, newest first. */
export async function certificatesByDigest(
  db: Database,
  column: CertificateDigest,
  digest: string,
): Promise<readonly CertificateStatus[]> {
  const name = `certificate.${column}` as const
  const some = statuses(db).where(digestStart(sql.ref(name)), '=', digestStart(sql.val(digest)))
  return statusesOf(await some.where(name, '=', digest).execute())
}

/** By serial number, those after one. */
export async function certificatesAfter(
  db: Database,
  serialNumber: string,
  limit: number,
): Promise<readonly CertificateRecord[]> {
  const rows = db.selectFrom('certificate').selectAll().where('serialNumber', '>', serialNumber)
  return (await rows.orderBy('serialNumber').limit(limit).execute()).map(certificateOf)
}

/** Whether any of these is the serial number of a certificate. */
export async function isAnyIssued(db: Database, serialNumbers: readonly string[]): Promise<boolean> {
  const found = db.selectFrom('certificate').select('serialNumber').where('serialNumber', 'in', oneOf(serialNumbers))
  return (await found.limit(1).executeTakeFirst()) !== undefined
}

export async function revocation(db: Database, serialNumber: string): Promise<RevocationRecord | undefined> {
  const rows = db.selectFrom('revocation').selectAll().where('serialNumber', '=', serialNumber)
  const row = await rows.executeTakeFirst()
  return row === undefined ? undefined : revocationOf(row)
}

/** By serial number; of one issuing CA, or all. Of what was abandoned, the intent says which CA was going to sign. */
export async function revocations(db: Database, issuer?: number): Promise<readonly RevocationStatus[]> {
  const all = db
    .selectFrom('revocation')
    .leftJoin('certificate', 'certificate.serialNumber', 'revocation.serialNumber')
    .leftJoin('intent', 'intent.serialNumber', 'revocation.serialNumber')
    .select(['revocation.serialNumber', 'reason', 'revokedAt', 'notAfter'])
    .orderBy('revocation.serialNumber')
  const query =
    issuer === undefined ? all : all.where(({ fn }) => fn.coalesce('certificate.issuer', 'intent.issuer'), '=', issuer)
  return (await query.execute()).map((row) => ({ ...revocationOf(row), notAfter: row.notAfter }))
}

/** Newest first. */
function statuses(db: Database) {
  return db
    .selectFrom('certificate')
    .leftJoin('revocation', 'revocation.serialNumber', 'certificate.serialNumber')
    .selectAll('certificate')
    .select(['revocation.reason', 'revocation.revokedAt'])
    .orderBy('certificate.notBefore', 'desc')
    .orderBy('certificate.serialNumber')
}

type StatusRow = Selectable<CertificateTable> & { readonly reason: string | null; readonly revokedAt: string | null }

function statusesOf(rows: readonly StatusRow[]): readonly CertificateStatus[] {
  return rows.map(({ reason, revokedAt, ...certificate }) => ({
    certificate: certificateOf(certificate),
    revocation:
      reason === null || revokedAt === null
        ? undefined
        : revocationOf({ serialNumber: certificate.serialNumber, reason, revokedAt }),
  }))
}

function certificateOf(row: Selectable<CertificateTable>): CertificateRecord {
  return { ...row, der: new Uint8Array(row.der), keySource: row.keySource as CertificateRecord['keySource'] }
}

function revocationOf(row: Selectable<RevocationTable>): RevocationRecord {
  const { serialNumber, reason, revokedAt } = row
  return { serialNumber, reason: reason as RevocationRecord['reason'], revokedAt }
}
