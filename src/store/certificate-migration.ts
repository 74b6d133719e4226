/**
 * The step by which a certificate costs the store less: a random value dirties a page of each index that it stands in.
 *
 * @module store/certificate-migration (floor 4)
 */
import { type Kysely, sql, type Transaction } from 'kysely'
import type { Migration } from 'kysely/migration'
import { digestStart } from './kysely-bulk.js'
import type { Schema } from './tables.js'

/**
 * Where there is a certificate, its intent goes: the log keeps both. Digests are found by their beginning, and keys by one
 * digest only. What is nothing but a key is stored once.
 *
 * Each part can be done twice, and whoever does it at the same time has done it.
 */
export const fewerIndexes: Migration = {
  async up(db: Kysely<Schema>) {
    // In one transaction: a table that is half copied is no table, whoever dies here.
    await db.transaction().execute(async (transaction) => {
      // Whether a certificate may be without intent, the database does not say any more: tables that do are of before.
      if (await isDefined(transaction, 'certificate', '%references%')) {
        await copyCertificates(transaction)
        await copyRevocations(transaction)
        await dropIssuedIntents(transaction)
      }
      if (!(await isDefined(transaction, 'entityEvent', '%without rowid'))) await copyEntityEvents(transaction)
      await replaceIndexes(transaction)
    })
  },
}

/**
 * Intents come and go in groups, and are found by their serial number: one tree of them, not three. Those that are pending are few among
 * few.
 */
export const intentsByKey: Migration = {
  async up(db: Kysely<Schema>) {
    await db.transaction().execute(async (transaction) => {
      // Whoever does it at the same time has done it.
      if (await isDefined(transaction, 'intent', '%without rowid')) return
      await transaction.schema
        .createTable('newIntent')
        .addColumn('serialNumber', 'text', (column) => column.primaryKey())
        .addColumn('entityId', 'text')
        .addColumn('profile', 'text', (column) => column.notNull())
        .addColumn('tbsDigest', 'text', (column) => column.notNull())
        .addColumn('createdAt', 'text', (column) => column.notNull())
        .addColumn('issuer', 'integer', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .modifyEnd(sql`without rowid`)
        .execute()
      const columns = sql`serialNumber, entityId, profile, tbsDigest, createdAt, issuer, state`
      await sql`insert into newIntent (${columns}) select ${columns} from intent order by serialNumber`.execute(
        transaction,
      )
      await replaceTable(transaction, 'intent', 'newIntent')
    })
  },
}

/** Whether the statement that made a table is like this. */
async function isDefined(db: Transaction<Schema>, table: string, like: string): Promise<boolean> {
  const found = await sql`select 1 from sqlite_schema where name = ${table} and sql like ${like}`.execute(db)
  return found.rows.length > 0
}

async function copyCertificates(db: Transaction<Schema>): Promise<void> {
  await db.schema
    .createTable('newCertificate')
    .addColumn('serialNumber', 'text', (column) => column.primaryKey())
    .addColumn('entityId', 'text')
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('keyIdentifier', 'text', (column) => column.notNull())
    .addColumn('spkiDigest', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('subjectDigest', 'text', (column) => column.notNull())
    .addColumn('notBefore', 'text', (column) => column.notNull())
    .addColumn('notAfter', 'text', (column) => column.notNull())
    .addColumn('issuer', 'integer', (column) => column.notNull())
    .addColumn('keySource', 'text')
    .addColumn('der', 'blob', (column) => column.notNull())
    .execute()
  const columns = sql`serialNumber, entityId, profile, keyIdentifier, spkiDigest, fingerprint, subjectDigest, notBefore,
    notAfter, issuer, keySource, der`
  await sql`insert into newCertificate (${columns}) select ${columns} from certificate order by rowid`.execute(db)
  await replaceTable(db, 'certificate', 'newCertificate')
}

async function copyRevocations(db: Transaction<Schema>): Promise<void> {
  await db.schema
    .createTable('newRevocation')
    .addColumn('serialNumber', 'text', (column) => column.primaryKey())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('revokedAt', 'text', (column) => column.notNull())
    .execute()
  await sql`insert into newRevocation select serialNumber, reason, revokedAt from revocation`.execute(db)
  await replaceTable(db, 'revocation', 'newRevocation')
}

/** To empty a table costs nothing; to take most of its rows out, a minute for a million. */
async function dropIssuedIntents(db: Transaction<Schema>): Promise<void> {
  await sql`create temporary table openIntent as select * from intent where state <> 'issued'`.execute(db)
  await sql`delete from intent`.execute(db)
  await sql`insert into intent select * from openIntent`.execute(db)
  await sql`drop table openIntent`.execute(db)
}

/** Of a table that is nothing but its key, SQLite keeps two copies unless it is told not to. */
async function copyEntityEvents(db: Transaction<Schema>): Promise<void> {
  await db.schema
    .createTable('newEntityEvent')
    .addColumn('entityId', 'text', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('entityEventKey', ['entityId', 'sequence'])
    .modifyEnd(sql`without rowid`)
    .execute()
  await sql`insert into newEntityEvent select entityId, sequence from entityEvent order by 1, 2`.execute(db)
  await replaceTable(db, 'entityEvent', 'newEntityEvent')
}

async function replaceTable(db: Transaction<Schema>, table: string, copy: string): Promise<void> {
  await db.schema.dropTable(table).execute()
  await db.schema.alterTable(copy).renameTo(table).execute()
}

/** Those of a table that was replaced went with it. */
async function replaceIndexes(db: Transaction<Schema>): Promise<void> {
  for (const column of ['keyIdentifier', 'spkiDigest', 'subjectDigest']) {
    await db.schema.dropIndex(`certificateBy${column}`).ifExists().execute()
  }
  await db.schema.createIndex('certificateByentityId').ifNotExists().on('certificate').column('entityId').execute()
  for (const column of ['keyIdentifier', 'fingerprint', 'subjectDigest'] as const) {
    await db.schema
      .createIndex(`certificateBy${column}Start`)
      .ifNotExists()
      .on('certificate')
      .column(digestStart(sql.ref(column)))
      .execute()
  }
}
