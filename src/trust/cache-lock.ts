/**
 * One writer of a trust cache at a time, of any number of processes.
 *
 * @module trust/cache-lock (floor 6)
 */
import { DatabaseSync } from 'node:sqlite'
import { StoreError } from '../errors/index.js'

/** How long to wait for another process that updates. */
const LOCK_MILLISECONDS = 15_000
/** How often to ask whether it is done. */
const RETRY_MILLISECONDS = 20
/** SQLITE_BUSY (sqlite.org/rescode.html); what is above the lowest octet says more of it. */
const BUSY = 5

/**
 * Work while no other process does under the same lock.
 *
 * The lock is an SQLite database with nothing in it: the kernel frees it whatever becomes of who holds it, and no file
 * that a killed process left behind can keep it.
 *
 * @throws {@link StoreError} `ERR_STORE_LOCKED`; and what the work throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = await lock(path)
  try {
    return await work()
  } finally {
    database.close()
  }
}

/** SQLite would wait by itself, and all of this process with it. */
async function lock(path: string): Promise<DatabaseSync> {
  for (let waited = 0; waited < LOCK_MILLISECONDS; waited += RETRY_MILLISECONDS) {
    const database = tryLock(path, 'wait')
    if (database !== undefined) return database
    await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS))
  }
  return tryLock(path, 'refuse')
}

function tryLock(path: string, busy: 'refuse'): DatabaseSync
function tryLock(path: string, busy: 'wait'): DatabaseSync | undefined
function tryLock(path: string, busy: 'wait' | 'refuse'): DatabaseSync | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    database.exec('BEGIN IMMEDIATE')
    return database
  } catch (cause) {
    database?.close()
    if (busy === 'wait' && isBusy(cause)) return undefined
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new StoreError('ERR_STORE_LOCKED', `the lock ${path} cannot be had: ${reason}`, {
      details: { path, reason },
      hint: 'see that the folder can be written, and which process holds the lock',
      cause,
    })
  }
}

function isBusy(cause: unknown): boolean {
  const { errcode = 0 } = cause as { readonly errcode?: number }
  return (errcode & 0xff) === BUSY
}
