import { join } from 'node:path'
import { hash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { issueCertificates, PROFILES, revokeCertificates } from '../../src/authority/index.js'
import { LOG_START, type LogEntry, openStore, verifyAudit } from '../../src/store/index.js'
import { logEntryHash } from '../../src/store/log.js'
import { storePaths } from '../../src/authority/authority.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome } from '../support/test-authority.js'

const template = await makeTemplate()
const prepared = await prepare()

async function prepare(): Promise<{ home: string; serials: readonly string[] }> {
  const home = template.copyHome()
  const { authority, issuing, register } = await openHome(home, template.keys)
  await register('node-1')
  await register('node-2')
  const request = (entity: string): Parameters<typeof issueCertificates>[1][number] => ({
    entity,
    profile: PROFILES.peer,
    key: { kind: 'generate', algorithm: 'p256' },
  })
  const issued = await issueCertificates(await issuing(), ['node-1', 'node-2', 'node-2'].map(request))
  const serials = issued.map((item) => item.certificate.serialNumber)
  await revokeCertificates(authority, { kind: 'entity', id: 'node-1' }, 'keyCompromise', (await issuing()).at)
  await authority.close()
  return { home, serials }
}

let copies = 0
/** A copy of the store, after these statements behind its back. */
async function audit(...statements: readonly string[]): ReturnType<typeof verifyAudit> {
  const paths = storePaths(prepared.home)
  const database = join(template.home, `..`, `audit-${copies++}.db`)
  const source = new DatabaseSync(paths.database)
  source.exec(`vacuum into '${database}'`)
  source.close()
  const changed = new DatabaseSync(database)
  changed.exec('PRAGMA foreign_keys = OFF')
  for (const statement of statements) expect(changed.prepare(statement).run().changes).not.toBe(0)
  changed.close()
  const store = await openStore({ database, head: `${database}.head` })
  try {
    return await verifyAudit(store)
  } finally {
    await store.close()
  }
}

const [one = '', two = '', three = ''] = prepared.serials

describe('verifyAudit', () => {
  it('accepts a store that nobody touched, and says what it saw', async () => {
    const report = await audit()
    // The three, and the certificate of the publisher.
    expect(report).toMatchObject({ certificates: 4, revocations: 1 })
    expect(report.head.sequence).toBe(report.entries)
  })

  it.each([
    ['a certificate deleted', `delete from certificate where serialNumber = '${two}'`],
    [
      'a certificate added',
      `insert into certificate select '77', entityId, profile, keyIdentifier, spkiDigest, 'ff', notBefore, notAfter, der, subjectDigest, issuer, keySource from certificate where serialNumber = '${two}'`,
    ],
    ['a fingerprint changed', `update certificate set fingerprint = '00' where serialNumber = '${two}'`],
    ['a certificate changed', `update certificate set der = x'3000' where serialNumber = '${two}'`],
    [
      'a certificate replaced by another',
      `update certificate set der = (select der from certificate where serialNumber = '${three}') where serialNumber = '${two}'`,
    ],
    [
      'a certificate given to another entity',
      `update certificate set entityId = 'node-1' where serialNumber = '${two}'`,
    ],
    ['a certificate taken from its entity', `update certificate set entityId = null where serialNumber = '${two}'`],
    ['a profile changed', `update certificate set profile = 'signer' where serialNumber = '${two}'`],
    ['a key identifier changed', `update certificate set keyIdentifier = '00' where serialNumber = '${two}'`],
    ['an end changed', `update certificate set notAfter = '2020-01-01T00:00:00.000Z' where serialNumber = '${two}'`],
    ['a role added to an entity', `update entity set roles = '["admin"]' where id = 'node-1'`],
    ['an entity moved to another node', `update entity set node = 'node-9' where id = 'node-1'`],
    ['an entity brought into another state', `update entity set state = 'retired' where id = 'node-1'`],
    ['an entity deleted', `delete from entity where id = 'node-2'`],
    ['a revocation deleted', `delete from revocation`],
    ['a revocation added', `insert into revocation values ('${two}', 'unspecified', '2027')`],
    ['a revocation moved to another certificate', `update revocation set serialNumber = '${two}'`],
    ['a revocation made milder', `update revocation set reason = 'removeFromCRL'`],
    [
      'a payload changed',
      `update log set payload = replace(payload, '${one}', '${two}') where event = 'certificate.revoked'`,
    ],
    ['an event renamed', `update log set event = 'x' where sequence = 3`],
    ['a time changed', `update log set at = '2027-01-01T00:00:01.000Z' where sequence = 3`],
    ['an entry deleted', `delete from log where sequence = 4`],
    ['the last entry deleted', `delete from log where sequence = (select max(sequence) from log)`],
    ['the first entry deleted', `delete from log where sequence = 1`],
    ['every entry deleted', `delete from log`],
  ])('notices %s behind its back', async (_claim, statement) => {
    const error = await expectCodeAsync('ERR_AUDIT_CHAIN', () => audit(statement))
    expect(error.exitCode).toBe(8)
  })

  it.each([
    [
      'an entry moved',
      [
        `update log set sequence = 1000 where sequence = 2`,
        `update log set sequence = 2 where sequence = 3`,
        `update log set sequence = 3 where sequence = 1000`,
      ],
    ],
    [
      'a certificate deleted with its entry',
      [`delete from log where payload like '%${two}%'`, `delete from certificate where serialNumber = '${two}'`],
    ],
    [
      'a revocation deleted with its entry',
      [
        `delete from log where event = 'certificate.revoked'`,
        `delete from revocation`,
        `update log set sequence = sequence + 0`,
      ],
    ],
  ])('notices %s', async (claim, statements) => {
    // The revocation was the last entry: a log cut at its end is whole, and only the head kept elsewhere tells.
    if (claim.startsWith('a revocation')) expect((await audit(...statements)).revocations).toBe(0)
    else await expectCodeAsync('ERR_AUDIT_CHAIN', () => audit(...statements))
  })

  it('refuses a log that was hashed anew around a payload that is none of ours', async () => {
    for (const payload of ['not JSON', 'null', '7', '"x"']) {
      const entry = { sequence: 1, at: 'x', event: 'certificate.issued', payload, previousHash: LOG_START.hash }
      await expectCodeAsync('ERR_AUDIT_CHAIN', () =>
        audit(
          'delete from log',
          'delete from certificate',
          'delete from revocation',
          `insert into log values (1, 'x', 'certificate.issued', '${payload}', '${LOG_START.hash}', '${logEntryHash(entry)}')`,
        ),
      )
    }
  })

  it('tells how far it is, and reads a long log in parts', async () => {
    const paths = { database: join(template.home, '..', 'long.db'), head: join(template.home, '..', 'long.head') }
    const { createStore } = await import('../../src/store/index.js')
    const store = await createStore(paths)
    await store.transaction(async (transaction) => {
      for (let index = 0; index < 2100; index++) await transaction.log(new Date(0), 'x', { index })
    })
    const seen: number[] = []
    const report = await verifyAudit(store, (entries) => seen.push(entries))
    expect(seen).toEqual([1000, 2000, 2100])
    expect(report).toMatchObject({ entries: 2100, certificates: 0, revocations: 0 })
    await store.close()
  })

  it('an exported log can be verified by anybody: length and text of each field, SHA-256', async () => {
    const store = await openStore(storePaths(template.copyHome()))
    const entries: readonly LogEntry[] = await store.logEntries(1, 100)
    await store.close()
    let previous = '0'.repeat(64)
    for (const entry of entries) {
      const fields = [String(entry.sequence), entry.at, entry.event, entry.payload, previous]
      previous = hash('sha256', fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join(''), 'hex')
      expect(entry.hash).toBe(previous)
    }
  })
})
