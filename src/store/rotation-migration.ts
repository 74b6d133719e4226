/**
 * The step by which a store learns that there may be several issuing CAs.
 *
 * @module store/rotation-migration (floor 4)
 */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Schema } from './tables.js'

/** Everything there is so far is of the first issuing CA. Each part can be done twice. */
export const rotation: Migration = {
  async up(db: Kysely<Schema>) {
    const tables = await db.introspection.getTables()
    const has = (table: string, column: string): boolean =>
      tables.find(({ name }) => name === table)?.columns.some(({ name }) => name === column) === true
    for (const table of ['intent', 'certificate'] as const) {
      if (has(table, 'issuer')) continue
      const change = db.schema.alterTable(table)
      await change.addColumn('issuer', 'integer', (column) => column.notNull().defaultTo(1)).execute()
    }
    if (!has('certificate', 'keySource')) {
      await db.schema.alterTable('certificate').addColumn('keySource', 'text').execute()
    }
    await createTables(db)
  },
}

async function createTables(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('issuingCa')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('keyIdentifier', 'text', (column) => column.notNull())
    .addColumn('der', 'blob')
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('createdAt', 'text', (column) => column.notNull())
    .addColumn('updatedAt', 'text', (column) => column.notNull())
    .addColumn('revokedAt', 'text')
    .execute()
  await db.schema
    .createTable('acknowledgement')
    .ifNotExists()
    .addColumn('issuer', 'integer', (column) => column.notNull())
    .addColumn('entityId', 'text', (column) => column.notNull())
    .addColumn('evidence', 'text', (column) => column.notNull())
    .addColumn('by', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('acknowledgementKey', ['issuer', 'entityId'])
    .execute()
  await db.schema
    .createTable('reissue')
    .ifNotExists()
    .addColumn('issuer', 'integer', (column) => column.notNull())
    .addColumn('entityId', 'text', (column) => column.notNull())
    .addColumn('profile', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('reissueKey', ['issuer', 'entityId', 'profile'])
    .execute()
}
