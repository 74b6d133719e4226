/**
 * One writer of a trust cache at a time, of any number of processes.
 *
 * @module trust/cache-lock (floor 6)
 */
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors/index.js'

/** How long to wait for another process that updates. */
const LOCK_MILLISECONDS = 15_000

/**
 * Work while no other process does under the same lock.
 *
 * The lock is an SQLite database with nothing in it: the kernel frees it whatever becomes of who holds it, and no file
 * that a killed process left behind can keep it.
 *
 * @throws {@link StoreError} `ERR_STORE_LOCKED`; and what the work throws
 */
export function withLock<T>(path: string, work: () => T): T {
  const database = lock(path)
  try {
    return work()
  } finally {
    database.close()
  }
}

function lock(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: LOCK_MILLISECONDS })
    database.exec('BEGIN IMMEDIATE')
    return database
  } catch (cause) {
    database?.close()
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new StoreError('ERR_STORE_LOCKED', `the lock ${path} cannot be had: ${reason}`, {
      details: { path, reason },
      hint: 'see that the folder can be written, and which process holds the lock',
      cause,
    })
  }
}
