import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { issueCertificates, PROFILES, revokeCertificates } from '../../src/authority/index.js'
import { openStore, verifyAudit } from '../../src/store/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate, openHome, type TestAuthority } from '../support/test-authority.js'

const template = await makeTemplate()

/** Bring the tables back to what they were: an intent for each certificate, by its rowid, and whole digests in indexes. */
const OLD_TABLES = [
  'CREATE TABLE oldCertificate AS SELECT * FROM certificate',
  'CREATE TABLE oldRevocation AS SELECT * FROM revocation',
  'DROP TABLE certificate',
  'DROP TABLE revocation',
  'CREATE TABLE oldIntent AS SELECT * FROM intent',
  'DROP TABLE intent',
  `CREATE TABLE intent (serialNumber text PRIMARY KEY, entityId text, profile text NOT NULL, tbsDigest text NOT NULL,
    createdAt text NOT NULL, state text NOT NULL, issuer integer NOT NULL DEFAULT 1)`,
  `INSERT INTO intent SELECT serialNumber, entityId, profile, tbsDigest, createdAt, state, issuer FROM oldIntent`,
  'DROP TABLE oldIntent',
  'CREATE INDEX intentBystate ON intent (state)',
  `INSERT INTO intent (serialNumber, entityId, profile, tbsDigest, createdAt, issuer, state)
    SELECT serialNumber, entityId, profile, 'd', notBefore, issuer, 'issued' FROM oldCertificate`,
  `CREATE TABLE certificate (serialNumber text PRIMARY KEY REFERENCES intent (serialNumber), entityId text,
    profile text NOT NULL, keyIdentifier text NOT NULL, spkiDigest text NOT NULL, fingerprint text NOT NULL UNIQUE,
    notBefore text NOT NULL, notAfter text NOT NULL, der blob NOT NULL, subjectDigest text NOT NULL DEFAULT '',
    issuer integer NOT NULL DEFAULT 1, keySource text)`,
  `INSERT INTO certificate SELECT serialNumber, entityId, profile, keyIdentifier, spkiDigest, fingerprint, notBefore,
    notAfter, der, subjectDigest, issuer, keySource FROM oldCertificate`,
  `CREATE TABLE revocation (serialNumber text PRIMARY KEY REFERENCES intent (serialNumber), reason text NOT NULL,
    revokedAt text NOT NULL)`,
  'INSERT INTO revocation SELECT * FROM oldRevocation',
  'DROP TABLE oldCertificate',
  'DROP TABLE oldRevocation',
  'CREATE INDEX certificateByentityId ON certificate (entityId)',
  'CREATE INDEX certificateBykeyIdentifier ON certificate (keyIdentifier)',
  'CREATE INDEX certificateByspkiDigest ON certificate (spkiDigest)',
  'CREATE INDEX certificateBysubjectDigest ON certificate (subjectDigest)',
  'CREATE TABLE oldEvent (entityId text NOT NULL, sequence integer NOT NULL, PRIMARY KEY (entityId, sequence))',
  'INSERT INTO oldEvent SELECT * FROM entityEvent',
  'DROP TABLE entityEvent',
  'ALTER TABLE oldEvent RENAME TO entityEvent',
  "DELETE FROM kysely_migration WHERE name >= '0006'",
  "UPDATE setting SET value = '0005-rotation' WHERE name = 'schema'",
]

function downgrade(home: string): void {
  const database = new DatabaseSync(join(home, 'store.db'))
  for (const statement of OLD_TABLES) database.exec(statement)
  database.close()
}

/** A home with a good certificate, a revoked one, and an abandoned intent that is revoked. */
async function oldHome(): Promise<{ test: TestAuthority; serialNumbers: readonly string[] }> {
  const test = await template.open()
  await test.register('node-1')
  const request = { entity: 'node-1', profile: PROFILES.peer, key: { kind: 'generate', algorithm: 'p256' } } as const
  const issued = await issueCertificates(await test.issuing(), [request, request])
  const serialNumbers = issued.map(({ certificate }) => certificate.serialNumber)
  await test.authority.store.transaction(async (transaction) => {
    const intent = { serialNumber: '4711', entityId: null, profile: 'signer', tbsDigest: 'd', issuer: 1 }
    await transaction.insertIntents([{ ...intent, createdAt: NOW.toISOString() }])
    await transaction.abandonIntents(['4711'])
  })
  for (const serialNumber of ['4711', serialNumbers[0] ?? '']) {
    await revokeCertificates(test.authority, { kind: 'serialNumber', serialNumber }, 'keyCompromise', NOW)
  }
  await test.authority.close()
  downgrade(test.home)
  return { test, serialNumbers }
}

describe('the steps to fewer indexes', () => {
  it('keeps every certificate and revocation, and finds them as before', async () => {
    const { test, serialNumbers } = await oldHome()
    for (let opened = 0; opened < 2; opened++) {
      const store = await openStore({ database: join(test.home, 'store.db'), head: join(test.home, 'store.head') })
      for (const [index, serialNumber] of serialNumbers.entries()) {
        const found = await store.certificate(serialNumber)
        expect(found?.revocation?.reason).toBe(index === 0 ? 'keyCompromise' : undefined)
        const { keyIdentifier = '', fingerprint = '', subjectDigest = '' } = found?.certificate ?? {}
        expect(await store.certificatesByKeyIdentifier(keyIdentifier)).toEqual([found])
        expect(await store.certificateByFingerprint(fingerprint)).toEqual(found)
        expect(await store.certificatesBySubject(subjectDigest)).toContainEqual(found)
        // What only begins alike is something else.
        expect(await store.certificateByFingerprint(fingerprint.slice(0, -1) + 'x')).toBeUndefined()
      }
      expect(await store.certificates('node-1')).toHaveLength(2)
      expect((await store.revocations(1)).map(({ serialNumber }) => serialNumber).sort()).toEqual(
        ['4711', serialNumbers[0]].sort(),
      )
      expect((await store.abandonedIntent('4711'))?.profile).toBe('signer')
      expect(await store.pendingIntents()).toEqual([])
      await verifyAudit(store)
      await store.close()
    }
  })

  it('leaves tables as a new store has them', async () => {
    const { test } = await oldHome()
    const paths = { database: join(test.home, 'store.db'), head: join(test.home, 'store.head') }
    await (await openStore(paths)).close()
    const made = join(template.copyHome(), 'store.db')
    const schema = (path: string): unknown[] => {
      const database = new DatabaseSync(path)
      const rows = database.prepare('select name, sql from sqlite_schema order by name').all()
      database.close()
      return rows
    }
    expect(schema(paths.database)).toEqual(schema(made))
  })

  it('CA-08: a serial number of before is not planned again', async () => {
    const { test, serialNumbers } = await oldHome()
    const { authority } = await openHome(test.home, template.keys, test.clock)
    for (const serialNumber of [...serialNumbers, '4711']) {
      const intent = { serialNumber, entityId: null, profile: 'peer', tbsDigest: '', issuer: 1, createdAt: '' }
      await expectCodeAsync('ERR_STORE_WRITE', () =>
        authority.store.transaction((transaction) => transaction.insertIntents([intent])),
      )
    }
    await authority.close()
  })

  it('whoever looks for a digest reads an index', async () => {
    const { test } = await oldHome()
    await (await openStore({ database: join(test.home, 'store.db'), head: join(test.home, 'store.head') })).close()
    const database = new DatabaseSync(join(test.home, 'store.db'))
    for (const column of ['keyIdentifier', 'fingerprint', 'subjectDigest']) {
      const query = `select * from certificate where substr(certificate.${column}, 1, 8) = substr(?, 1, 8) and ${column} = ?`
      const [step] = database.prepare(`explain query plan ${query}`).all('a', 'a')
      expect(step?.['detail']).toContain(`USING INDEX certificateBy${column}Start`)
    }
    database.close()
  })
})
