/**
 * Replay memory in an SQLite file: survives a restart, and several processes may share it.
 *
 * @module message/replay-file (floor 7)
 */
import type { DatabaseSync } from 'node:sqlite'
import { isSignetError, StoreError } from '../errors/index.js'
import { openDatabase } from '../store/index.js'
import { MINUTE } from '../time/index.js'
import { type ReplayStore, replayText } from './replay.js'

export interface FileReplayStore extends ReplayStore {
  close(): void
}

/** How far the clock may go back before what was forgotten could be replayed. */
const CLOCK_STEP_SECONDS = MINUTE
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
  const database = guarded(path, () => {
    const opened = openDatabase(path)
    opened.exec('CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID')
    opened.exec('CREATE TABLE IF NOT EXISTS clock (latest INTEGER NOT NULL)')
    opened.exec('CREATE INDEX IF NOT EXISTS messageByUntil ON message (until)')
    return opened
  })
  const insert = database.prepare('INSERT INTO message (id, until) VALUES (?, ?) ON CONFLICT DO NOTHING')
  const latest = database.prepare('SELECT max(latest) AS latest FROM clock')
  const forget = database.prepare('DELETE FROM message WHERE until < ?')
  let count = 0
  return {
    remember: async (key, until, now) =>
      Promise.resolve().then(() =>
        guarded(path, () =>
          inTransaction(database, () => {
            const time = now.getTime()
            keepClock(database, Number(latest.get()?.['latest'] ?? 0), time)
            const { changes } = insert.run(replayText(key), until.getTime())
            if (count++ % SWEEP_INTERVAL === 0) forget.run(time)
            return changes === 1
          }),
        ),
      ),
    close: () => {
      database.close()
    },
  }
}

/** Messages are forgotten by the clock; one that goes back would let them in again. */
function keepClock(database: DatabaseSync, latest: number, time: number): void {
  if (time < latest - CLOCK_STEP_SECONDS * 1000) {
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
    throw new StoreError('ERR_REPLAY_STORE', `the replay memory ${path} cannot be used`, {
      details: { path, reason: cause instanceof Error ? cause.message : 'unknown' },
      hint: 'repair or replace the file only after every message that it may know has expired',
      cause,
    })
  }
}
