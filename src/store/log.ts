/**
 * The issuance log: every change, each entry chained to the one before by its hash. Whoever changes, drops or inserts
 * an entry must change every later hash, and the head that operators keep elsewhere.
 *
 * @module store/log (floor 4)
 */
import { hash } from 'node:crypto'
import { StoreError } from '../errors/index.js'

export interface LogEntry {
  /** 1, 2, 3 … without gaps. */
  readonly sequence: number
  readonly at: string
  readonly event: string
  /** JSON text, exactly as hashed. */
  readonly payload: string
  readonly previousHash: string
  readonly hash: string
}

/** The newest entry's place and hash: what to keep elsewhere to notice a rewritten log. */
export interface LogHead {
  readonly sequence: number
  readonly hash: string
}

/** What precedes the first entry. */
export const LOG_START: LogHead = { sequence: 0, hash: '0'.repeat(64) }

/** Facts of an event. No secrets; absent values are left out. */
export type LogFacts = Readonly<Record<string, LogFact>>
type LogFact = string | number | readonly string[] | undefined

/** What an entry says: facts, and lists of facts where it is about several. */
export type LogPayload = Readonly<Record<string, LogFact | readonly LogFacts[]>>

/** The entry that follows `head`. */
export function nextLogEntry(head: LogHead, at: Date, event: string, payload: LogPayload): LogEntry {
  const fields = {
    sequence: head.sequence + 1,
    at: at.toISOString(),
    event,
    payload: JSON.stringify(payload),
    previousHash: head.hash,
  }
  return { ...fields, hash: logEntryHash(fields) }
}

/** SHA-256 over the fields in order, each preceded by its length in octets, so that none can run into the next. */
export function logEntryHash(entry: Omit<LogEntry, 'hash'>): string {
  const fields = [String(entry.sequence), entry.at, entry.event, entry.payload, entry.previousHash]
  return hash('sha256', fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join(''), 'hex')
}

/**
 * Verify one entry against the head before it.
 *
 * @returns The new head.
 * @throws {@link StoreError} `ERR_AUDIT_CHAIN` naming the first entry that does not fit
 */
export function verifyLogEntry(head: LogHead, entry: LogEntry): LogHead {
  const fault =
    entry.sequence !== head.sequence + 1
      ? 'an entry is missing or out of order'
      : entry.previousHash !== head.hash
        ? 'an entry does not follow the one before it'
        : entry.hash !== logEntryHash(entry)
          ? 'an entry was changed'
          : undefined
  if (fault !== undefined) {
    throw new StoreError('ERR_AUDIT_CHAIN', `the issuance log was changed: ${fault}`, {
      details: { sequence: String(entry.sequence), expected: String(head.sequence + 1) },
      hint: 'compare with a backup and with heads of the log kept elsewhere; trust no certificate issued after this entry',
    })
  }
  return { sequence: entry.sequence, hash: entry.hash }
}
