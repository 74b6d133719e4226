/**
 * Kysely over the SQLite that comes with Node: one connection, WAL, every commit durable.
 *
 * @module store/node-sqlite (floor 4)
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
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

/** How long to wait for another process that writes. */
const BUSY_MILLISECONDS = 15_000

/** Pages kept in memory: a transaction of a million entities must find those again that it changes again and again. */
const CACHE_KIBIBYTES = 32 * 1024

/**
 * Pages that the write-ahead log takes before they are moved into the database. Many groups of certificates change the same
 * pages of an index: moved once for all of them, they cost half.
 */
const CHECKPOINT_PAGES = 8192

/** Open (or create) a database file and set it up for durable commits. */
export function openDatabase(path: string): DatabaseSync {
  return translated('ERR_STORE_OPEN', path, () => {
    const database = new DatabaseSync(path, { timeout: BUSY_MILLISECONDS })
    try {
      database.exec('PRAGMA journal_mode = WAL')
      // FULL: a commit is on the disk before it is reported. The default of WAL is not.
      database.exec('PRAGMA synchronous = FULL')
      database.exec('PRAGMA foreign_keys = ON')
      database.exec(`PRAGMA cache_size = -${CACHE_KIBIBYTES}`)
      database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
      database.exec('PRAGMA trusted_schema = OFF')
    } catch (error) {
      database.close()
      throw error
    }
    return database
  })
}

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

function translated<T>(code: 'ERR_STORE_OPEN' | 'ERR_STORE_WRITE', path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storeError(code, path, error)
  }
}

/** Primary SQLite result codes (sqlite.org/rescode.html) that have a meaning of their own for people. */
const SQLITE_BUSY = 5
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

function storeError(code: 'ERR_STORE_OPEN' | 'ERR_STORE_WRITE', path: string, error: unknown): Error {
  const sqlite = error as Error & { code?: string; errcode?: number; errstr?: string }
  if (sqlite.code !== 'ERR_SQLITE_ERROR') return sqlite
  const details = { path, reason: sqlite.errstr ?? 'unknown' }
  switch ((sqlite.errcode ?? 0) & 0xff) {
    case SQLITE_BUSY:
      return new StoreError('ERR_STORE_LOCKED', 'another process keeps the store locked', {
        details,
        hint: 'wait for the other command to end, then try again',
        cause: error,
      })
    case SQLITE_FULL:
      return new StoreError('ERR_STORE_WRITE', 'the disk of the store is full', {
        details,
        hint: 'free some space, then try again; nothing was changed',
        cause: error,
      })
    case SQLITE_NOTADB:
      return new StoreError('ERR_STORE_OPEN', 'the file of the store is not a database', { details, cause: error })
    default:
      return new StoreError(code, `the store failed: ${sqlite.errstr ?? 'unknown reason'}`, { details, cause: error })
  }
}
