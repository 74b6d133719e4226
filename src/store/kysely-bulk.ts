/**
 * Many rows of one statement, for registries of a million entities. Building a statement costs more than running it:
 * here each is built once and run often. What only SQLite understands is in {@link oneOf}.
 *
 * @module store/kysely-bulk (floor 4)
 */
import { type CompiledQuery, type Kysely, type RawBuilder, sql } from 'kysely'
import { ParameterRows } from './node-sqlite.js'
import type { Schema } from './tables.js'

/** The tables that grow with the registry, and with what is issued. */
type BulkTable = 'entity' | 'entityName' | 'entityEvent' | 'log' | 'intent' | 'certificate'

const COLUMNS: { readonly [T in BulkTable]: readonly (keyof Schema[T] & string)[] } = {
  entity: [
    'id',
    'kind',
    'service',
    'node',
    'scope',
    'uri',
    'roles',
    'dnsNames',
    'ipAddresses',
    'aliases',
    'state',
    'createdAt',
    'updatedAt',
  ],
  entityName: ['kind', 'name', 'entityId'],
  entityEvent: ['entityId', 'sequence'],
  log: ['sequence', 'at', 'event', 'payload', 'previousHash', 'hash'],
  intent: ['serialNumber', 'entityId', 'profile', 'tbsDigest', 'createdAt', 'issuer', 'state'],
  certificate: [
    'serialNumber',
    'entityId',
    'profile',
    'keyIdentifier',
    'spkiDigest',
    'fingerprint',
    'subjectDigest',
    'notBefore',
    'notAfter',
    'issuer',
    'keySource',
    'der',
  ],
}

/** Statements that were built, of one store. */
export type BulkStatements = Map<string, CompiledQuery>

/** Inserts rows into one database. */
export class BulkInsert {
  readonly #db: Kysely<Schema>
  readonly #compiled: BulkStatements

  /** @param compiled - Kept from one transaction to the next. */
  constructor(db: Kysely<Schema>, compiled: BulkStatements) {
    this.#db = db
    this.#compiled = compiled
  }

  /** Insert rows in order. @throws {@link StoreError} `ERR_STORE_WRITE` */
  async insert<T extends BulkTable>(table: T, rows: readonly Schema[T][]): Promise<void> {
    const columns = COLUMNS[table]
    const parameters = new ParameterRows(rows.map((row) => columns.map((column) => row[column])))
    await this.#db.executeQuery({ ...this.#statement(table, columns), parameters: [parameters] })
  }

  #statement(table: string, columns: readonly string[]): CompiledQuery {
    const known = this.#compiled.get(table)
    if (known !== undefined) return known
    const names = sql.join(columns.map((column) => sql.ref(column)))
    const values = sql.join(columns.map(() => null))
    const compiled = sql`insert into ${sql.table(table)} (${names}) values (${values})`.compile(this.#db)
    this.#compiled.set(table, compiled)
    return compiled
  }
}

/** What `in` compares with, as one parameter, however many there are: SQLite's `json_each`, PostgreSQL would say `unnest`. */
export function oneOf(values: readonly string[]): RawBuilder<string> {
  return sql<string>`(select value from json_each(${JSON.stringify(values)}))`
}

/**
 * By how much of a digest in hexadecimal it is looked up: an index of whole digests is five times as large, and of ten
 * million certificates hardly one begins like the one that is asked for. Indexes are made of it: it stays as it is.
 */
export function digestStart(digest: RawBuilder<unknown>): RawBuilder<string> {
  return sql<string>`substr(${digest}, 1, 8)`
}
