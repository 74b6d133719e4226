/**
 * The migrations that make the tables of the store, and bring old ones up.
 *
 * @module store/schema (floor 4)
 */
import { setTimeout } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration'
import { StoreError } from '../errors/index.js'
import { fewerIndexes, intentsByKey } from './certificate-migration.js'
import { registry } from './registry-migration.js'
import { rotation } from './rotation-migration.js'
import type { Schema } from './tables.js'

const first: Migration = {
  async up(db: Kysely<Schema>) {
    await db.schema
      .createTable('entity')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('service', 'text', (column) => column.notNull())
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('scope', 'text', (column) => column.notNull())
      .addColumn('uri', 'text', (column) => column.notNull().unique())
      .addColumn('roles', 'text', (column) => column.notNull())
      .addColumn('dnsNames', 'text', (column) => column.notNull())
      .addColumn('ipAddresses', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('createdAt', 'text', (column) => column.notNull())
      .addColumn('updatedAt', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('intent')
      .addColumn('serialNumber', 'text', (column) => column.primaryKey())
      .addColumn('entityId', 'text')
      .addColumn('profile', 'text', (column) => column.notNull())
      .addColumn('tbsDigest', 'text', (column) => column.notNull())
      .addColumn('createdAt', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('certificate')
      .addColumn('serialNumber', 'text', (column) => column.primaryKey().references('intent.serialNumber'))
      .addColumn('entityId', 'text')
      .addColumn('profile', 'text', (column) => column.notNull())
      .addColumn('keyIdentifier', 'text', (column) => column.notNull())
      .addColumn('spkiDigest', 'text', (column) => column.notNull())
      .addColumn('fingerprint', 'text', (column) => column.notNull().unique())
      .addColumn('notBefore', 'text', (column) => column.notNull())
      .addColumn('notAfter', 'text', (column) => column.notNull())
      .addColumn('der', 'blob', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('revocation')
      .addColumn('serialNumber', 'text', (column) => column.primaryKey().references('intent.serialNumber'))
      .addColumn('reason', 'text', (column) => column.notNull())
      .addColumn('revokedAt', 'text', (column) => column.notNull())
      .execute()
    await db.schema
      .createTable('crl')
      .addColumn('issuer', 'text', (column) => column.notNull())
      .addColumn('number', 'integer', (column) => column.notNull())
      .addColumn('thisUpdate', 'text', (column) => column.notNull())
      .addColumn('nextUpdate', 'text', (column) => column.notNull())
      .addColumn('der', 'blob', (column) => column.notNull())
      .addPrimaryKeyConstraint('crlKey', ['issuer', 'number'])
      .execute()
    await db.schema
      .createTable('log')
      .addColumn('sequence', 'integer', (column) => column.primaryKey())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('event', 'text', (column) => column.notNull())
      .addColumn('payload', 'text', (column) => column.notNull())
      .addColumn('previousHash', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull().unique())
      .execute()
    await db.schema
      .createTable('setting')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'text', (column) => column.notNull())
      .execute()
    for (const [table, column] of [
      ['intent', 'state'],
      ['certificate', 'entityId'],
      ['certificate', 'keyIdentifier'],
      ['certificate', 'spkiDigest'],
    ] as const) {
      await db.schema.createIndex(`${table}By${column}`).on(table).column(column).execute()
    }
  },
}

const deltaCrls: Migration = {
  async up(db: Kysely<Schema>) {
    // Whoever died after this step, or does it at the same time, has done it.
    const tables = await db.introspection.getTables()
    const columns = tables.find(({ name }) => name === 'crl')?.columns ?? []
    if (columns.some(({ name }) => name === 'baseNumber')) return
    await db.schema.alterTable('crl').addColumn('baseNumber', 'integer').execute()
  },
}

/**
 * Nobody looks up entries by their hash, and the chain proves that hashes differ. An index of a million random values cost
 * half of a large import.
 */
const logWithoutIndex: Migration = {
  async up(db: Kysely<Schema>) {
    // In one transaction: a log that is half copied is no log, whoever dies here.
    await db.transaction().execute(async (transaction) => {
      // Whoever does it at the same time has done it.
      const unique = await sql`select 1 from sqlite_schema where type = 'index' and tbl_name = 'log'`.execute(
        transaction,
      )
      if (unique.rows.length === 0) return
      await transaction.schema
        .createTable('newLog')
        .addColumn('sequence', 'integer', (column) => column.primaryKey())
        .addColumn('at', 'text', (column) => column.notNull())
        .addColumn('event', 'text', (column) => column.notNull())
        .addColumn('payload', 'text', (column) => column.notNull())
        .addColumn('previousHash', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .execute()
      await sql`insert into newLog select sequence, at, event, payload, previousHash, hash from log`.execute(
        transaction,
      )
      await transaction.schema.dropTable('log').execute()
      await transaction.schema.alterTable('newLog').renameTo('log').execute()
    })
  },
}

/** Every migration, oldest first. Only ever appended to. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-delta-crls': deltaCrls,
  '0003-registry': registry,
  '0004-log-without-index': logWithoutIndex,
  '0005-rotation': rotation,
  '0006-fewer-indexes': fewerIndexes,
  '0007-intents-by-key': intentsByKey,
}

/** Several processes may open an old store at once; one of them brings it up. */
const MIGRATION_ATTEMPTS = 5
const MIGRATION_PAUSE_MILLISECONDS = 100

/** Bring a database to the newest schema. */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  // Opening is frequent, migrating rare: one cheap question decides.
  const applied = await sql<{ value: string }>`select value from setting where name = 'schema'`
    .execute(db)
    .catch(() => undefined)
  const newest = Object.keys(MIGRATIONS).at(-1) ?? ''
  if (applied?.rows[0]?.value === newest) return
  const provider: MigrationProvider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) }
  let { error } = await new Migrator({ db, provider }).migrateToLatest()
  for (let attempt = 1; error !== undefined && attempt < MIGRATION_ATTEMPTS; attempt++) {
    // Another process may have been at it: then there is nothing left to do.
    await setTimeout(MIGRATION_PAUSE_MILLISECONDS)
    error = (await new Migrator({ db, provider }).migrateToLatest()).error
  }
  if (error !== undefined) {
    throw new StoreError('ERR_STORE_OPEN', 'the store cannot be brought to this version of signet', {
      hint: 'use the version of signet that wrote it last, or a newer one',
      cause: error,
    })
  }
  await db
    .insertInto('setting')
    .values({ name: 'schema', value: newest })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: newest }))
    .execute()
}
