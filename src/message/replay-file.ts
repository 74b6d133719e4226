/**
 * Replay memory in an SQLite file: survives a restart, and several processes may share it.
 *
 * @module message/replay-file (floor 7)
 */
import { existsSync } from 'node:fs'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isSignetError, StoreError } from '../errors/index.js'
import { SECRET_MODE, writeFileAtomic } from '../files/index.js'
import { openDatabase } from '../store/index.js'
import { CLOCK_STEP_SECONDS, type ReplayStore, replayText } from './replay.js'

export interface FileReplayStore extends ReplayStore {
  remember(...question: Parameters<ReplayStore['remember']>): Promise<boolean>
  close(): void
}

/** Every so many messages, what has expired is deleted. */
const SWEEP_INTERVAL = 1000

/**
 * Open a replay memory, or make one where nothing is.
 *
 * A file that is there but cannot be used is a refusal, never an empty memory.
 *
 * @throws {@link StoreError} `ERR_REPLAY_STORE`
 */
export function openReplayFile(path: string): FileReplayStore {
  const { database, insert, latest, forget } = guarded(path, () => {
    makeSecret(path)
    return prepare(openDatabase(path))
  })
  let count = 0
  return {
    remember: async (key, until, now) =>
      Promise.resolve().then(() =>
        guarded(path, () =>
          inTransaction(database, () => {
            const time = now.getTime()
            keepClock(database, Number(latest.get()?.['latest'] ?? 0), time)
            const { changes } = insert.run(replayText(key), until.getTime())
            if (count++ % SWEEP_INTERVAL === 0) forget.run(time - CLOCK_STEP_SECONDS * 1000)
            return changes === 1
          }),
        ),
      ),
    close: () => {
      database.close()
    },
  }
}

interface Prepared {
  readonly database: DatabaseSync
  readonly insert: StatementSync
  readonly latest: StatementSync
  readonly forget: StatementSync
}

function prepare(database: DatabaseSync): Prepared {
  try {
    database.exec('CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID')
    database.exec('CREATE TABLE IF NOT EXISTS clock (latest INTEGER NOT NULL)')
    database.exec('CREATE INDEX IF NOT EXISTS messageByUntil ON message (until)')
    return {
      database,
      insert: database.prepare('INSERT INTO message (id, until) VALUES (?, ?) ON CONFLICT DO NOTHING'),
      latest: database.prepare('SELECT max(latest) AS latest FROM clock'),
      forget: database.prepare('DELETE FROM message WHERE until < ?'),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/** SQLite would make the file with whatever the umask leaves, and who can write it can make us forget. */
function makeSecret(path: string): void {
  if (existsSync(path)) return
  try {
    writeFileAtomic(path, '', { mode: SECRET_MODE })
  } catch (error) {
    // Another process was faster, and made it the same way.
    if (!(isSignetError(error) && error.code === 'ERR_OUTPUT_EXISTS')) throw error
  }
}

/** Messages are forgotten by the clock; one that goes back would let them in again. */
function keepClock(database: DatabaseSync, latest: number, time: number): void {
  if (!(time >= latest - CLOCK_STEP_SECONDS * 1000)) {
    throw new StoreError('ERR_CLOCK_SUSPECT', 'the clock is behind the last use of the replay memory', {
      details: { clock: new Date(time).toISOString(), latest: new Date(latest).toISOString() },
      hint: 'set the clock of this machine, then try again',
    })
  }
  if (time > latest) {
    database.exec('DELETE FROM clock')
    database.prepare('INSERT INTO clock (latest) VALUES (?)').run(time)
  }
}

function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    if (isSignetError(cause) && cause.code === 'ERR_CLOCK_SUSPECT') throw cause
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new StoreError('ERR_REPLAY_STORE', `the replay memory ${path} cannot be used: ${reason}`, {
      details: { path, reason },
      hint: 'repair or replace the file only after every message that it may know has expired',
      cause,
    })
  }
}
