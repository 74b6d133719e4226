/**
 * Database files: the SQLite that comes with Node, WAL, every commit durable.
 *
 * @module store/database (floor 4)
 */
import type { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors/index.js'

/** How long to wait for another process that writes. */
const BUSY_MILLISECONDS = 15_000

/** Pages kept in memory: a transaction of a million entities must find those again that it changes again and again. */
const CACHE_KIBIBYTES = 32 * 1024

/**
 * Pages that the write-ahead log takes before they are moved into the database. Many groups of certificates change the same
 * pages of an index: moved once for all of them, they cost half.
 */
const CHECKPOINT_PAGES = 16_384

/** Open (or create) a database file and set it up for durable commits. */
export function openDatabase(path: string): DatabaseSync {
  return translated('ERR_STORE_OPEN', path, () => {
    // Loaded when first needed: most who verify a message open no database.
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
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

/** Say what SQLite says in our words. */
export function translated<T>(code: 'ERR_STORE_OPEN' | 'ERR_STORE_WRITE', path: string, work: () => T): T {
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

export function storeError(code: 'ERR_STORE_OPEN' | 'ERR_STORE_WRITE', path: string, error: unknown): Error {
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
