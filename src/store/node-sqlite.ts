/**
 * Kysely over the SQLite that comes with Node: one connection.
 *
 * @module store/node-sqlite (floor 4)
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely'
import { StoreError } from '../errors/index.js'
import { storeError, translated } from './database.js'

export function kyselyOver<Schema>(database: DatabaseSync, path: string): Kysely<Schema> {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new NodeSqliteDriver(new Connection(database, path)),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
  return new Kysely<Schema>({ dialect })
}

/** One connection, lent to one user at a time. */
class NodeSqliteDriver implements Driver {
  readonly #connection: Connection
  #free: Promise<void> = Promise.resolve()
  #release: (() => void) | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    while (this.#release !== undefined) await this.#free
    this.#free = new Promise((resolve) => (this.#release = resolve))
    return this.#connection
  }

  async beginTransaction(_connection: DatabaseConnection, { accessMode }: TransactionSettings): Promise<void> {
    // IMMEDIATE: what is read in a transaction is still true when it writes. One that only reads hinders nobody.
    this.#connection.run(accessMode === 'read only' ? 'begin' : 'begin immediate')
    return Promise.resolve()
  }

  async commitTransaction(): Promise<void> {
    this.#connection.run('commit')
    return Promise.resolve()
  }

  async rollbackTransaction(): Promise<void> {
    this.#connection.rollback()
    return Promise.resolve()
  }

  async releaseConnection(): Promise<void> {
    const release = this.#release
    this.#release = undefined
    release?.()
    return Promise.resolve()
  }

  async destroy(): Promise<void> {
    this.#connection.close()
    return Promise.resolve()
  }
}

/** As the only parameter of a statement: it is run once with each of these. */
export class ParameterRows {
  readonly rows: readonly (readonly unknown[])[]

  constructor(rows: readonly (readonly unknown[])[]) {
    this.rows = rows
  }
}

class Connection implements DatabaseConnection {
  readonly #database: DatabaseSync
  readonly #path: string
  readonly #statements = new Map<string, Prepared>()

  constructor(database: DatabaseSync, path: string) {
    this.#database = database
    this.#path = path
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const { statement, yieldsRows } = this.#prepare(query.sql)
      const [many] = query.parameters
      if (many instanceof ParameterRows) {
        for (const row of many.rows) statement.run(...(row as SQLInputValue[]))
        return Promise.resolve({ rows: [] })
      }
      const parameters = query.parameters as SQLInputValue[]
      if (yieldsRows) return Promise.resolve({ rows: statement.all(...parameters) as Row[] })
      const { changes } = statement.run(...parameters)
      return Promise.resolve({ rows: [], numAffectedRows: BigInt(changes) })
    } catch (error) {
      return Promise.reject(storeError('ERR_STORE_WRITE', this.#path, error))
    }
  }

  // Kysely asks for it; nothing here streams.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    await Promise.reject(new StoreError('ERR_STORE_OPEN', 'the store does not stream'))
  }

  run(sql: string): void {
    translated('ERR_STORE_WRITE', this.#path, () => {
      this.#database.exec(sql)
    })
  }

  rollback(): void {
    // After some failures (a full disk) SQLite has rolled back by itself.
    if (this.#database.isTransaction) this.run('rollback')
  }

  close(): void {
    this.#statements.clear()
    if (this.#database.isOpen) this.#database.close()
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql)
    if (prepared === undefined) {
      const statement = this.#database.prepare(sql)
      prepared = { statement, yieldsRows: statement.columns().length > 0 }
      if (this.#statements.size < 200) this.#statements.set(sql, prepared)
    }
    return prepared
  }
}

interface Prepared {
  readonly statement: StatementSync
  readonly yieldsRows: boolean
}
