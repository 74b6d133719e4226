/**
 * One agent at a time for a credential directory, of any number of processes.
 *
 * @module agent/lock (floor 7.4)
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LOCK_FILE, refuseForeign } from '../credential/index.js'
import { StoreError } from '../errors/index.js'
import { makeDirectory, SECRET_DIRECTORY_MODE } from '../files/index.js'

/** A lock that is held until it is released, or its process ends. */
export interface Lock {
  release(): void
}

/**
 * Hold a credential directory. It is made if missing.
 *
 * The lock is an SQLite database with nothing in it: the kernel frees it whatever becomes of who holds it.
 *
 * @throws {@link StoreError} `ERR_STORE_LOCKED`, `ERR_FILE_WRITE`; {@link StateError} `ERR_OUTPUT_EXISTS`
 */
export function lockDirectory(directory: string): Lock {
  makeDirectory(directory, SECRET_DIRECTORY_MODE)
  refuseForeign(directory)
  const path = join(directory, LOCK_FILE)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    // Nothing is written, and so nothing lies beside it.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE')
  } catch (cause) {
    database?.close()
    throw new StoreError('ERR_STORE_LOCKED', `another agent keeps ${directory} fresh, or its lock cannot be had`, {
      details: { path, reason: cause instanceof Error ? cause.message : 'unknown' },
      hint: 'one agent for a directory: stop the other, or wait for its end',
      cause,
    })
  }
  const held = database
  return {
    release: () => {
      held.close()
    },
  }
}
