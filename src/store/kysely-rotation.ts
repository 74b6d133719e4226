/**
 * What the store is asked while one issuing CA takes over from another.
 *
 * @module store/kysely-rotation (floor 4)
 */
import { type Kysely, sql } from 'kysely'
import type {
  AcknowledgementRecord,
  Evidence,
  GoodCertificate,
  Holder,
  HolderQuery,
  IssuingCaRecord,
  IssuingCaState,
  ReissueRecord,
  ReissueState,
  Remainder,
} from './records.js'
import type { Schema } from './tables.js'

type Database = Kysely<Schema>

export async function issuingCas(db: Database): Promise<readonly IssuingCaRecord[]> {
  const rows = await db.selectFrom('issuingCa').selectAll().orderBy('number').execute()
  return rows.map((row) => ({
    ...row,
    state: row.state as IssuingCaState,
    der: row.der === null ? null : new Uint8Array(row.der),
  }))
}

export async function acknowledgements(db: Database, issuer: number): Promise<readonly AcknowledgementRecord[]> {
  const rows = db.selectFrom('acknowledgement').selectAll().where('issuer', '=', issuer).orderBy('entityId')
  return (await rows.execute()).map((row) => ({ ...row, evidence: row.evidence as Evidence }))
}

export async function reissuesBegun(db: Database, issuer: number): Promise<readonly ReissueRecord[]> {
  const rows = db.selectFrom('reissue').selectAll().where('issuer', '=', issuer).where('state', '=', 'begun')
  const found = await rows.orderBy('entityId').orderBy('profile').execute()
  return found.map((row) => ({ ...row, state: row.state as ReissueState }))
}

/** Written in SQL: pages in the order of two columns, and what is not there. The index by entity gives the order. */
export async function holders(
  db: Database,
  { issuer, withoutIssuer, at, after, limit }: HolderQuery,
): Promise<readonly Holder[]> {
  const now = at.toISOString()
  const page =
    after === undefined ? sql`` : sql`and (own.entityId, own.profile) > (${after.entityId}, ${after.profile})`
  const others =
    withoutIssuer === undefined
      ? sql``
      : sql`and not exists (
          select 1 from certificate as other
          left join revocation as gone on gone.serialNumber = other.serialNumber
          where other.entityId = own.entityId and other.profile = own.profile and other.issuer = ${withoutIssuer}
            and other.notAfter >= ${now} and gone.serialNumber is null)`
  const { rows } = await sql<Holder>`
    select own.entityId as entityId, own.profile as profile, max(own.keySource) as keySource, max(own.notAfter) as notAfter
    from certificate as own
    join entity on entity.id = own.entityId and entity.state = 'active'
    left join revocation on revocation.serialNumber = own.serialNumber
    where own.issuer = ${issuer} and own.notAfter >= ${now} and revocation.serialNumber is null ${page} ${others}
    group by own.entityId, own.profile order by own.entityId, own.profile limit ${limit}`.execute(db)
  return rows.map(({ entityId, profile, keySource, notAfter }) => ({ entityId, profile, keySource, notAfter }))
}

export async function goodCertificates(
  db: Database,
  issuer: number,
  of: 'anybody' | 'authority',
  at: Date,
  limit: number,
): Promise<readonly GoodCertificate[]> {
  const rows = db
    .selectFrom('certificate')
    .leftJoin('revocation', 'revocation.serialNumber', 'certificate.serialNumber')
    .select(['certificate.serialNumber', 'entityId', 'profile', 'spkiDigest', 'der'])
    .where('issuer', '=', issuer)
    .where('notAfter', '>=', at.toISOString())
    .where('revocation.serialNumber', 'is', null)
    .orderBy('certificate.serialNumber')
    .limit(limit)
  const found = await (of === 'anybody' ? rows : rows.where('entityId', 'is', null)).execute()
  return found.map((row) => ({ ...row, der: new Uint8Array(row.der) }))
}

export async function remainder(db: Database, issuer: number, at: Date): Promise<Remainder> {
  const row = await db
    .selectFrom('certificate')
    .leftJoin('revocation', 'revocation.serialNumber', 'certificate.serialNumber')
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max<string | null>('notAfter').as('notAfter')])
    .where('issuer', '=', issuer)
    .where('notAfter', '>=', at.toISOString())
    .where('revocation.serialNumber', 'is', null)
    .executeTakeFirstOrThrow()
  return { count: row.count, notAfter: row.notAfter ?? undefined }
}
