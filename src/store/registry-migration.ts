/**
 * The step by which a store learns of scopes, roles and the names of entities.
 *
 * @module store/registry-migration (floor 4)
 */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import { parseCertificate } from '../x509/index.js'
import { LOG_START, type LogPayload, nextLogEntry } from './log.js'
import { entityNames } from './records.js'
import type { Schema } from './tables.js'

export const registry: Migration = {
  async up(db: Kysely<Schema>) {
    await createTables(db)
    await addColumns(db)
    await fillNames(db)
    await fillSubjects(db)
    await recordScopesAndRoles(db)
  },
}

async function createTables(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('scope')
    .ifNotExists()
    .addColumn('path', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('createdAt', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('role')
    .ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('implies', 'text', (column) => column.notNull())
    .addColumn('createdAt', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('entityName')
    .ifNotExists()
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('entityId', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('entityNameKey', ['kind', 'name', 'entityId'])
    .execute()
  await db.schema
    .createTable('entityEvent')
    .ifNotExists()
    .addColumn('entityId', 'text', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('entityEventKey', ['entityId', 'sequence'])
    .execute()
}

/** Whoever died after this step, or does it at the same time, has done it. */
async function addColumns(db: Kysely<Schema>): Promise<void> {
  const tables = await db.introspection.getTables()
  const has = (table: string, column: string): boolean =>
    tables.find(({ name }) => name === table)?.columns.some(({ name }) => name === column) === true
  if (!has('entity', 'aliases')) {
    await db.schema
      .alterTable('entity')
      .addColumn('aliases', 'text', (column) => column.notNull().defaultTo('[]'))
      .execute()
  }
  if (!has('certificate', 'subjectDigest')) {
    await db.schema
      .alterTable('certificate')
      .addColumn('subjectDigest', 'text', (column) => column.notNull().defaultTo(''))
      .execute()
  }
  for (const [index, table, column] of [
    ['certificateBysubjectDigest', 'certificate', 'subjectDigest'],
    ['entityNameByentityId', 'entityName', 'entityId'],
  ] as const) {
    await db.schema.createIndex(index).ifNotExists().on(table).column(column).execute()
  }
}

async function fillNames(db: Kysely<Schema>): Promise<void> {
  const texts = (text: string): readonly string[] => JSON.parse(text) as string[]
  for (const row of await db.selectFrom('entity').select(['id', 'dnsNames', 'ipAddresses']).execute()) {
    const lists = { dnsNames: texts(row.dnsNames), ipAddresses: texts(row.ipAddresses), aliases: [] }
    const names = entityNames({ id: row.id, ...lists })
    if (names.length === 0) continue
    await db
      .insertInto('entityName')
      .values([...names])
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}

async function fillSubjects(db: Kysely<Schema>): Promise<void> {
  for (const { serialNumber, der } of await db.selectFrom('certificate').select(['serialNumber', 'der']).execute()) {
    const subjectDigest = parseCertificate(new Uint8Array(der)).subject.digest
    await db.updateTable('certificate').set({ subjectDigest }).where('serialNumber', '=', serialNumber).execute()
  }
}

/** Scopes and roles were words that entities had; now they are registered, and the log says so. */
async function recordScopesAndRoles(db: Kysely<Schema>): Promise<void> {
  const newest = await db.selectFrom('log').selectAll().orderBy('sequence', 'desc').limit(1).executeTakeFirst()
  const createdAt = newest?.at ?? new Date(0).toISOString()
  let head = newest ?? LOG_START
  const log = async (event: string, payload: LogPayload): Promise<void> => {
    const entry = nextLogEntry(head, new Date(createdAt), event, payload)
    await db.insertInto('log').values(entry).execute()
    head = entry
  }
  const known = new Set((await db.selectFrom('scope').select('path').execute()).map(({ path }) => path))
  const entities = await db.selectFrom('entity').select(['scope', 'roles']).execute()
  for (const path of [...new Set(entities.flatMap(({ scope }) => prefixes(scope)))].sort()) {
    if (known.has(path)) continue
    const kind = path.includes('/') ? 'service' : 'region'
    await db.insertInto('scope').values({ path, kind, createdAt }).execute()
    await log('scope.added', { path, kind })
  }
  const roles = new Set(entities.flatMap(({ roles: list }) => JSON.parse(list) as string[]))
  for (const { name } of await db.selectFrom('role').select('name').execute()) roles.delete(name)
  for (const name of [...roles].sort()) {
    await db.insertInto('role').values({ name, implies: '[]', createdAt }).execute()
    await log('role.set', { name, implies: [] })
  }
}

/** A path and all that contain it: `a/b` is in `a`. */
function prefixes(path: string): readonly string[] {
  if (path === '') return []
  const segments = path.split('/')
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
}
