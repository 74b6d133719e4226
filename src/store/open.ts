/**
 * Opening the store of a home, and noticing one that was put back.
 *
 * Beside the database lies a small file with the head of the issuance log as of the last use. A database whose log
 * does not contain that head was restored from a backup or copied: CRL numbers would be used twice, and revocations
 * forgotten.
 *
 * @module store/open (floor 4)
 */
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isSignetError, StoreError } from '../errors/index.js'
import { purgeTemporaries, readFileText, SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { openDatabase } from './database.js'
import { KyselyStore } from './kysely-store.js'
import { LOG_START, type LogHead } from './log.js'
import { kyselyOver } from './node-sqlite.js'
import { migrate } from './schema.js'
import type { Schema } from './tables.js'
import type { Store, StoreTransaction } from './store.js'

/** Where a home keeps its database, and the head of its log. */
export interface StorePaths {
  readonly database: string
  readonly head: string
}

/** Make a new, empty store. */
export async function createStore(paths: StorePaths): Promise<Store> {
  writeFileAtomic(paths.database, '', { mode: SECRET_MODE })
  return openStore(paths)
}

/**
 * Open a store.
 *
 * @throws {@link StoreError} `ERR_STORE_OPEN`, `ERR_STORE_ROLLBACK`
 */
export async function openStore(paths: StorePaths): Promise<Store> {
  if (!existsSync(paths.database)) {
    throw new StoreError('ERR_STORE_OPEN', `there is no store at ${paths.database}`, {
      details: { path: paths.database },
    })
  }
  purgeTemporaries(dirname(paths.head), basename(paths.head))
  const db = kyselyOver<Schema>(openDatabase(paths.database), paths.database)
  const store = new HeadKeepingStore(db, paths.head)
  try {
    await migrate(db)
    await checkNotRolledBack(store, paths)
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

class HeadKeepingStore extends KyselyStore {
  readonly #headPath: string

  constructor(db: ConstructorParameters<typeof KyselyStore>[0], headPath: string) {
    super(db)
    this.#headPath = headPath
  }

  override async transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    const result = await super.transaction(work)
    await this.#keepHead()
    return result
  }

  /**
   * The transaction is durable already: a head that could not be kept (a full disk, a crash) only leaves an older one,
   * which the log still contains.
   */
  async #keepHead(): Promise<void> {
    const head = await this.logHead()
    try {
      writeFileAtomic(this.#headPath, `${head.sequence} ${head.hash}\n`, {
        mode: SECRET_MODE,
        existing: 'replace',
        olderContent: 'allow-older',
      })
    } catch (error) {
      if (!isSignetError(error)) throw error
    }
  }
}

async function checkNotRolledBack(store: Store, paths: StorePaths): Promise<void> {
  if (!existsSync(paths.head)) return
  const kept = readHead(paths.head)
  if (kept.sequence === LOG_START.sequence) return
  const [entry] = await store.logEntries(kept.sequence, 1)
  if (entry?.sequence !== kept.sequence || entry.hash !== kept.hash) {
    throw new StoreError('ERR_STORE_ROLLBACK', 'the store is older than its last use, or another one', {
      details: { lastUsedAt: String(kept.sequence), path: paths.database },
      hint: `revoke what was issued since the backup, then remove ${paths.head} to go on with this store`,
    })
  }
}

function readHead(path: string): LogHead {
  let text: string
  try {
    text = readFileText(path, { maxBytes: 1024 })
  } catch (error) {
    if (isSignetError(error)) throw unreadable(path, error)
    throw error
  }
  const match = /^([0-9]{1,15}) ([0-9a-f]{64})\n$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) throw unreadable(path)
  return { sequence: Number(match[1]), hash: match[2] }
}

function unreadable(path: string, cause?: unknown): StoreError {
  return new StoreError('ERR_STORE_ROLLBACK', `the kept head of the issuance log cannot be read: ${path}`, {
    details: { path },
    hint: `check the log with signet audit verify after you removed ${path}`,
    cause,
  })
}
