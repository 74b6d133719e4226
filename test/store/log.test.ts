import { describe, expect, it } from 'vitest'
import { LOG_START, type LogEntry, type LogHead } from '../../src/store/index.js'
import { logEntryHash, nextLogEntry, verifyLogEntry } from '../../src/store/log.js'
import { addSeconds } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

function makeLog(count: number): LogEntry[] {
  const entries: LogEntry[] = []
  let head = LOG_START
  for (let index = 0; index < count; index++) {
    const entry = nextLogEntry(head, addSeconds(NOW, index), `event.${index}`, { index, text: `value ${index}` })
    entries.push(entry)
    head = { sequence: entry.sequence, hash: entry.hash }
  }
  return entries
}

/** The head after all entries; throws what the first bad one throws. */
function verifyAll(entries: readonly LogEntry[]): LogHead {
  return entries.reduce((head, entry) => verifyLogEntry(head, entry), LOG_START)
}

describe('the issuance log: a chain of hashes', () => {
  const log = makeLog(5)

  it('starts at nothing, and every entry continues the one before', () => {
    expect(LOG_START).toEqual({ sequence: 0, hash: '0'.repeat(64) })
    expect(log.map((entry) => entry.sequence)).toEqual([1, 2, 3, 4, 5])
    log.slice(1).forEach((entry, index) => {
      expect(entry.previousHash).toBe(log[index]?.hash)
    })
    expect(verifyAll(log)).toEqual({ sequence: 5, hash: log[4]?.hash })
  })

  const flips: Readonly<Record<keyof LogEntry, (entry: LogEntry) => LogEntry>> = {
    sequence: (entry) => ({ ...entry, sequence: entry.sequence + 1 }),
    at: (entry) => ({ ...entry, at: '2027-01-01T00:00:09.000Z' }),
    event: (entry) => ({ ...entry, event: `${entry.event}x` }),
    payload: (entry) => ({ ...entry, payload: entry.payload.replace('value', 'valve') }),
    previousHash: (entry) => ({ ...entry, previousHash: 'f'.repeat(64) }),
    hash: (entry) => ({ ...entry, hash: `${entry.hash.slice(0, 63)}${entry.hash.endsWith('0') ? '1' : '0'}` }),
  }

  it.each(Object.keys(flips) as (keyof LogEntry)[])('notices a change of %s in any entry', (field) => {
    log.forEach((entry, index) => {
      const error = expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.with(index, flips[field](entry))))
      expect(Number(error.details['expected'])).toBeGreaterThanOrEqual(index + 1)
    })
  })

  it.each(Object.keys(flips).filter((field) => field !== 'hash') as (keyof LogEntry)[])(
    'notices a change of %s whose hash was made anew, at the next entry at the latest',
    (field) => {
      log.slice(0, -1).forEach((entry, index) => {
        const changed = flips[field](entry)
        expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.with(index, { ...changed, hash: logEntryHash(changed) })))
      })
    },
  )

  it('notices an entry that was dropped, doubled, inserted or moved', () => {
    log.slice(0, -1).forEach((entry, index) => {
      expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.toSpliced(index, 1)))
      expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.toSpliced(index, 0, entry)))
      const next = log[index + 1]
      if (next !== undefined) expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.toSpliced(index, 2, next, entry)))
      const inserted = nextLogEntry({ sequence: entry.sequence, hash: entry.hash }, NOW, 'inserted', {})
      expectCode('ERR_AUDIT_CHAIN', () => verifyAll(log.toSpliced(index + 1, 0, inserted)))
    })
  })

  it('notices payloads that changed places', () => {
    const [first, second] = log
    if (first === undefined || second === undefined) throw new Error('the log has five entries')
    const swapped = log.with(0, { ...first, payload: second.payload }).with(1, { ...second, payload: first.payload })
    expectCode('ERR_AUDIT_CHAIN', () => verifyAll(swapped))
  })

  it('a log cut at its end is whole: only a head that was kept elsewhere tells', () => {
    expect(verifyAll(log.slice(0, 3))).toEqual({ sequence: 3, hash: log[2]?.hash })
  })

  it('no two entries have one hash by moving text from one field to the next', () => {
    const base = { sequence: 1, at: 'a', event: 'bc', payload: 'd', previousHash: 'e' }
    const hashes = [
      base,
      { ...base, at: 'ab', event: 'c' },
      { ...base, at: 'a1:b', event: 'c' },
      { ...base, event: 'b', payload: 'cd' },
      { ...base, event: 'bc1:d', payload: '' },
      { ...base, payload: 'de', previousHash: '' },
      { ...base, payload: 'ä' },
      { ...base, payload: 'a\u0308' },
    ].map(logEntryHash)
    expect(new Set(hashes).size).toBe(hashes.length)
  })

  it('leaves out of the payload what is absent', () => {
    expect(nextLogEntry(LOG_START, NOW, 'x', { a: undefined, b: ['c'] }).payload).toBe('{"b":["c"]}')
  })
})
