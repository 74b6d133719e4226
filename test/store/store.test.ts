import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import {
  type CertificateRecord,
  createStore,
  type EntityRecord,
  openDatabase,
  openStore,
  type Store,
  type StorePaths,
  type StoreTransaction,
} from '../../src/store/index.js'
import { KyselyStore } from '../../src/store/kysely-store.js'
import { kyselyOver } from '../../src/store/node-sqlite.js'
import { migrate } from '../../src/store/schema.js'
import type { Schema } from '../../src/store/tables.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
let count = 0
const open: Store[] = []
afterAll(async () => {
  for (const store of open) await store.close()
})

function newPaths(): StorePaths {
  const home = join(folder, `store-${count++}`)
  mkdirSync(home)
  return { database: join(home, 'store.db'), head: join(home, 'store.head') }
}

async function makeStore(paths: StorePaths = newPaths()): Promise<Store> {
  const store = await createStore(paths)
  open.push(store)
  return store
}

function entity(id: string, changes: Partial<EntityRecord> = {}): EntityRecord {
  return {
    id,
    kind: 'compute',
    service: 'compute',
    node: id,
    scope: '',
    uri: `spiffe://cloud.example/compute/${id}`,
    roles: ['b', 'a'],
    dnsNames: [`${id}.cloud.example`],
    ipAddresses: ['10.0.0.1'],
    aliases: [],
    state: 'active',
    createdAt: NOW.toISOString(),
    updatedAt: NOW.toISOString(),
    ...changes,
  }
}

function certificate(serialNumber: string, changes: Partial<CertificateRecord> = {}): CertificateRecord {
  return {
    serialNumber,
    entityId: 'a',
    profile: 'peer',
    keyIdentifier: `k${serialNumber}`,
    spkiDigest: `s${serialNumber}`,
    fingerprint: `f${serialNumber}`,
    subjectDigest: `n${serialNumber}`,
    notBefore: '2027-01-01T00:00:00.000Z',
    notAfter: '2027-02-01T00:00:00.000Z',
    der: Uint8Array.of(1, 2, 3),
    issuer: 1,
    keySource: 'generate',
    ...changes,
  }
}

const intent = (
  serialNumber: string,
  createdAt = NOW.toISOString(),
): Parameters<StoreTransaction['insertIntents']>[0][number] => ({
  serialNumber,
  entityId: 'a',
  profile: 'peer',
  tbsDigest: 'd',
  createdAt,
  issuer: 1,
})

async function record(store: Store, ...serials: readonly string[]): Promise<void> {
  await store.transaction(async (transaction) => {
    for (const serial of serials) {
      await transaction.insertIntents([intent(serial)])
      await transaction.insertCertificates([certificate(serial)])
      await transaction.log(NOW, 'test', { serial })
    }
  })
}

describe('the store: records', () => {
  it('keeps entities, and finds them by id and by identity', async () => {
    const store = await makeStore()
    const [b, a] = [entity('b', { roles: [], ipAddresses: [] }), entity('a')]
    await store.transaction(async (transaction) => {
      await transaction.insertEntities([b])
      await transaction.insertEntities([a])
    })
    expect(await store.entity('a')).toEqual(a)
    expect(await store.entityByUri(b.uri)).toEqual(b)
    expect(await store.entities()).toEqual([a, b])
    expect(await store.entity('A')).toBeUndefined()
    expect(await store.entityByUri('spiffe://cloud.example/compute/c')).toBeUndefined()
  })

  it('changes an entity, and its state', async () => {
    const store = await makeStore()
    await store.transaction(async (transaction) => {
      await transaction.insertEntities([entity('a')])
      await transaction.updateEntity(entity('a', { roles: ['c'] }))
      await transaction.setEntityState('a', 'quarantined', new Date('2027-01-02T00:00:00Z'))
    })
    expect(await store.entity('a')).toEqual(
      entity('a', { roles: ['c'], state: 'quarantined', updatedAt: '2027-01-02T00:00:00.000Z' }),
    )
  })

  it('finds certificates in every way, newest first, with their revocation', async () => {
    const store = await makeStore()
    const [old, young] = [
      certificate('01'),
      certificate('02', { notBefore: '2027-01-05T00:00:00.000Z', entityId: null }),
    ]
    await store.transaction(async (transaction) => {
      for (const item of [old, young]) {
        await transaction.insertIntents([intent(item.serialNumber)])
        await transaction.insertCertificates([item])
      }
      await transaction.insertRevocation({ serialNumber: '01', reason: 'superseded', revokedAt: NOW.toISOString() })
    })
    const revocation = { serialNumber: '01', reason: 'superseded', revokedAt: NOW.toISOString() }
    expect(await store.certificates()).toEqual([
      { certificate: young, revocation: undefined },
      { certificate: old, revocation },
    ])
    expect(await store.certificates('a')).toEqual([{ certificate: old, revocation }])
    expect(await store.certificate('02')).toEqual({ certificate: young, revocation: undefined })
    expect(await store.certificateByFingerprint('f01')).toEqual({ certificate: old, revocation })
    expect(await store.certificatesByKeyIdentifier('k02')).toHaveLength(1)
    expect(await store.certificatesBySubject('n02')).toHaveLength(1)
    expect(await store.certificate('03')).toBeUndefined()
    expect(await store.revocations()).toEqual([{ ...revocation, notAfter: old.notAfter }])
  })

  it('keeps CRLs and settings, the newest of each', async () => {
    const store = await makeStore()
    const crl = { issuer: 'i', number: 9, baseNumber: null, thisUpdate: 'a', nextUpdate: 'b', der: Uint8Array.of(1) }
    await store.transaction(async (transaction) => {
      for (const number of [9, 10, 8]) await transaction.insertCrl({ ...crl, number })
      await transaction.setSetting('x', '1')
      await transaction.setSetting('x', '2')
    })
    expect((await store.latestCrl('i'))?.number).toBe(10)
    expect(await store.latestCrl('j')).toBeUndefined()
    expect(await store.setting('x')).toBe('2')
    expect(await store.setting('y')).toBeUndefined()
  })

  it('keeps many entities and entries, whatever their number, and yields them in pages', async () => {
    const store = await makeStore()
    const many = Array.from({ length: 1234 }, (_, index) => entity(`n-${String(index).padStart(4, '0')}`))
    const added = many.map(({ id }) => ({ id }))
    await store.transaction(async (transaction) => {
      await transaction.insertEntities([])
      await transaction.insertEntities(many)
      await transaction.logAll(NOW, 'entity.added', added)
      await transaction.logAll(NOW, 'nothing', [])
    })
    expect(await store.entityCount()).toBe(1234)
    expect(await store.entities()).toEqual(many)
    expect(await store.entitiesAfter('n-0099', 3)).toEqual(many.slice(100, 103))
    expect(await store.entitiesAfter('n-1233', 3)).toEqual([])
    expect(await store.entitiesWith('id', ['n-0007', 'nobody', 'n-0003'])).toEqual([many[3], many[7]])
    const names = many.flatMap(({ dnsNames }) => dnsNames)
    expect(await store.entitiesByName('dns', names)).toEqual(many)
    expect(await store.entitiesByName('dns', [])).toEqual([])
    expect((await store.logEntries(1, 2000)).map(({ payload }) => JSON.parse(payload) as unknown)).toEqual(added)
    expect(await store.entityEvents('n-1233')).toMatchObject([{ sequence: 1234, event: 'entity.added' }])
  })

  it('yields certificates in pages, by serial number', async () => {
    const store = await makeStore()
    await record(store, '03', '01', '02')
    expect(await store.certificatesAfter('', 2)).toEqual([certificate('01'), certificate('02')])
    expect(await store.certificatesAfter('02', 2)).toEqual([certificate('03')])
    expect(await store.certificatesAfter('03', 2)).toEqual([])
  })

  it('ID-17: keeps hostile text as it is', async () => {
    const store = await makeStore()
    for (const id of [`' OR 1=1 --`, `"; drop table log; --`, '%', '*)(uid=*', '${jndi:x}', '\u202e', '__proto__']) {
      await store.transaction((transaction) => transaction.insertEntities([entity(id)]))
      expect((await store.entity(id))?.id).toBe(id)
    }
    expect(await store.entities()).toHaveLength(7)
    expect(await store.entity('_')).toBeUndefined()
  })
})

describe('the store: what it refuses', () => {
  it('CA-08: a serial number is planned once, for ever', async () => {
    const store = await makeStore()
    await record(store, '01')
    await expectCodeAsync('ERR_STORE_WRITE', () =>
      store.transaction((transaction) => transaction.insertIntents([intent('01')])),
    )
    await store.transaction(async (transaction) => {
      await transaction.insertIntents([intent('02')])
      await transaction.abandonIntents(['02'])
    })
    await expectCodeAsync('ERR_STORE_WRITE', () =>
      store.transaction((transaction) => transaction.insertIntents([intent('02')])),
    )
  })

  it('CA-09: a certificate without a pending intent cannot be recorded', async () => {
    const store = await makeStore()
    const insert = (serial: string): Promise<void> =>
      store.transaction((transaction) => transaction.insertCertificates([certificate(serial)]))
    await expectCodeAsync('ERR_STORE_WRITE', () => insert('01'))
    await record(store, '01')
    await expectCodeAsync('ERR_STORE_WRITE', () => insert('01'))
    await store.transaction(async (transaction) => {
      await transaction.insertIntents([intent('02')])
      await transaction.abandonIntents(['02'])
    })
    await expectCodeAsync('ERR_STORE_WRITE', () => insert('02'))
    expect(await store.abandonedIntent('02')).toEqual(intent('02'))
    expect(await store.abandonedIntent('01')).toBeUndefined()
  })

  it.each([
    [
      'an entity with an id twice',
      (transaction: StoreTransaction) => transaction.insertEntities([entity('a', { uri: 'other' })]),
    ],
    [
      'an entity with an identity twice',
      (transaction: StoreTransaction) => transaction.insertEntities([entity('b', { uri: entity('a').uri })]),
    ],
    [
      'an intent that is abandoned and was never planned',
      (transaction: StoreTransaction) => transaction.abandonIntents(['99']),
    ],
    [
      'a revocation of nothing',
      (transaction: StoreTransaction) =>
        transaction.insertRevocation({ serialNumber: '99', reason: 'unspecified', revokedAt: '' }),
    ],
    [
      'a CRL number twice',
      (transaction: StoreTransaction) =>
        transaction.insertCrl({
          issuer: 'i',
          number: 1,
          baseNumber: null,
          thisUpdate: '',
          nextUpdate: '',
          der: Uint8Array.of(1),
        }),
    ],
  ])('refuses %s', async (_claim, work) => {
    const store = await makeStore()
    await store.transaction(async (transaction) => {
      await transaction.insertEntities([entity('a')])
      await transaction.insertCrl({
        issuer: 'i',
        number: 1,
        baseNumber: null,
        thisUpdate: '',
        nextUpdate: '',
        der: Uint8Array.of(1),
      })
    })
    const error = await expectCodeAsync('ERR_STORE_WRITE', () => store.transaction(work))
    expect(error.exitCode).toBe(8)
  })

  it('lists pending intents, oldest first', async () => {
    const store = await makeStore()
    await store.transaction(async (transaction) => {
      await transaction.insertIntents([intent('02', '2027-01-02')])
      await transaction.insertIntents([intent('01', '2027-01-01')])
    })
    expect((await store.pendingIntents()).map((item) => item.serialNumber)).toEqual(['01', '02'])
  })
})

describe('the store: transactions', () => {
  it('are all or nothing', async () => {
    const store = await makeStore()
    await record(store, '01')
    const before = await store.logHead()
    await expect(
      store.transaction(async (transaction) => {
        await transaction.insertEntities([entity('a')])
        await transaction.insertIntents([intent('02')])
        await transaction.setSetting('x', 'y')
        await transaction.log(NOW, 'lost', {})
        throw new RangeError('changed my mind')
      }),
    ).rejects.toThrow(RangeError)
    expect(await store.entities()).toEqual([])
    expect(await store.pendingIntents()).toEqual([])
    expect(await store.setting('x')).toBeUndefined()
    expect(await store.logHead()).toEqual(before)
    await record(store, '02')
    expect((await store.logHead()).sequence).toBe(before.sequence + 1)
  })

  it('are not seen by whoever began to read before, and do not wait for it', async () => {
    const paths = newPaths()
    const [reading, writing] = [await makeStore(paths), await openStore(paths)]
    open.push(writing)
    await record(writing, '01')
    await reading.snapshot(async (reader) => {
      expect(await reader.certificates()).toHaveLength(1)
      await record(writing, '02')
      expect(await reader.certificates()).toHaveLength(1)
      expect((await reader.logHead()).sequence).toBe(1)
    })
    expect(await reading.certificates()).toHaveLength(2)
    await record(reading, '03')
  })

  it('of one process follow each other: what is begun together ends in one order, without gaps', async () => {
    const store = await makeStore()
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.transaction(async (transaction) => {
          const next = Number((await transaction.setting('n')) ?? '0') + 1
          await Promise.resolve()
          await transaction.setSetting('n', String(next))
          await transaction.log(NOW, 'counted', { index })
        }),
      ),
    )
    expect(await store.setting('n')).toBe('20')
    expect((await store.logEntries(1, 100)).map((entry) => entry.sequence)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
  })

  it('of a failed one nothing hinders the next', async () => {
    const store = await makeStore()
    for (let turn = 0; turn < 3; turn++) {
      await expectCodeAsync('ERR_STORE_WRITE', () =>
        store.transaction((transaction) => transaction.abandonIntents(['x'])),
      )
      await record(store, `0${turn}`)
    }
    expect(await store.certificates()).toHaveLength(3)
  })

  it('are durable: WAL, and a commit that is on the disk (synchronous = FULL)', async () => {
    const paths = newPaths()
    await makeStore(paths)
    const database = openDatabase(paths.database)
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    expect(database.prepare('PRAGMA foreign_keys').get()).toEqual({ foreign_keys: 1 })
    database.close()
  })

  it('a store that was closed does nothing more', async () => {
    const store = await createStore(newPaths())
    await store.close()
    await expect(store.logHead()).rejects.toThrow()
  })
})

describe('the store: opening', () => {
  it('KEY-01: its files are for the owner alone, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      const paths = newPaths()
      await record(await makeStore(paths), '01')
      for (const path of [paths.database, paths.head, `${paths.database}-wal`, `${paths.database}-shm`]) {
        expect(`${path} ${(statSync(path).mode & 0o777).toString(8)}`).toBe(`${path} 600`)
      }
    } finally {
      process.umask(before)
    }
  })

  it('refuses where there is none', async () => {
    await expectCodeAsync('ERR_STORE_OPEN', () => openStore(newPaths()))
  })

  it('refuses to make one where one is', async () => {
    const paths = newPaths()
    await makeStore(paths)
    await expectCodeAsync('ERR_OUTPUT_EXISTS', () => createStore(paths))
  })

  it.each([
    ['text', Buffer.from('this is no database, though it is long enough to be read as one'.repeat(20))],
    ['a damaged header', Buffer.concat([Buffer.from('SQLite format 4\0'), Buffer.alloc(4096)])],
  ])('refuses a file that is no database: %s', async (_claim, content) => {
    const paths = newPaths()
    writeFileSync(paths.database, content)
    const error = await expectCodeAsync('ERR_STORE_OPEN', () => openStore(paths))
    expect(error.exitCode).toBe(8)
    expect(readFileSync(paths.database)).toEqual(content)
  })

  it('refuses a folder in its place', () => {
    const paths = newPaths()
    mkdirSync(paths.database)
    expectCode('ERR_STORE_OPEN', () => openDatabase(paths.database))
  })

  it('refuses a database with other tables of the same names', async () => {
    const paths = newPaths()
    const database = new DatabaseSync(paths.database)
    database.exec('create table entity (x text)')
    database.close()
    await expectCodeAsync('ERR_STORE_OPEN', () => openStore(paths))
  })

  it('refuses a database that a newer signet wrote', async () => {
    const paths = newPaths()
    await (await createStore(paths)).close()
    const database = new DatabaseSync(paths.database)
    database.exec(`insert into kysely_migration (name, timestamp) values ('9999-newer', '2099')`)
    database.exec(`update setting set value = '9999-newer' where name = 'schema'`)
    database.close()
    const error = await expectCodeAsync('ERR_STORE_OPEN', () => openStore(paths))
    expect(error.hint).toContain('newer')
  })

  it('migrates once: opening again changes nothing, and migrating again neither', async () => {
    const paths = newPaths()
    const store = await createStore(paths)
    await record(store, '01')
    await store.close()
    const schema = (): unknown[] => {
      const database = new DatabaseSync(paths.database)
      const rows = database.prepare('select type, name, sql from sqlite_master order by name').all()
      database.close()
      return rows
    }
    const before = schema()
    const again = await openStore(paths)
    open.push(again)
    const db = kyselyOver<Schema>(openDatabase(paths.database), paths.database)
    await db.deleteFrom('setting').where('name', '=', 'schema').execute()
    await migrate(db)
    await migrate(db)
    await db.destroy()
    expect(schema()).toEqual(before)
    expect(await again.certificates()).toHaveLength(1)
  })

  it('takes the index of hashes from an old log, and keeps every entry', async () => {
    const paths = newPaths()
    const store = await createStore(paths)
    await record(store, '01', '02')
    const entries = await store.logEntries(1, 100)
    await store.close()
    const database = new DatabaseSync(paths.database)
    database.exec('create unique index "old" on log (hash)')
    // Later steps are taken back by name only: they can be done twice.
    database.exec(`delete from kysely_migration where name >= '0004'`)
    database.exec(`update setting set value = '0003-registry' where name = 'schema'`)
    database.close()
    const again = await openStore(paths)
    open.push(again)
    expect(await again.logEntries(1, 100)).toEqual(entries)
    const after = new DatabaseSync(paths.database)
    expect(after.prepare(`select name from sqlite_schema where tbl_name = 'log'`).all()).toEqual([{ name: 'log' }])
    after.close()
    await record(again, '03')
    expect((await again.logHead()).sequence).toBe(entries.length + 1)
  })

  it('removes what a killed process left of its head, and nothing else', async () => {
    const paths = newPaths()
    await (await createStore(paths)).close()
    const home = join(paths.head, '..')
    const left = join(home, '.signet-tmp-00aa-store.head')
    const other = join(home, '.signet-tmp-00aa-crls.pem')
    for (const path of [left, other]) writeFileSync(path, 'half')
    open.push(await openStore(paths))
    expect(existsSync(left)).toBe(false)
    expect(existsSync(other)).toBe(true)
  })

  it('does not stream', async () => {
    const database = openDatabase(newPaths().database)
    const db = kyselyOver<Schema>(database, 'x')
    await expectCodeAsync('ERR_STORE_OPEN', async () => {
      for await (const row of db.selectFrom('log').selectAll().stream()) expect(row).toBeUndefined()
    })
    await db.destroy()
  })
})

describe('the store: another process writes', () => {
  it('waits no longer than the busy timeout, then says so', async () => {
    const paths = newPaths()
    await (await createStore(paths)).close()
    const database = openDatabase(paths.database)
    // As in openDatabase, but shorter: nobody waits 15 seconds in a test.
    database.exec('PRAGMA busy_timeout = 50')
    const store = new KyselyStore(kyselyOver<Schema>(database, paths.database))
    open.push(store)
    const other = new DatabaseSync(paths.database)
    other.exec('BEGIN IMMEDIATE')
    const error = await expectCodeAsync('ERR_STORE_LOCKED', () => record(store, '01'))
    expect(error.exitCode).toBe(8)
    // Reading goes on meanwhile, and writing afterwards.
    expect(await store.certificates()).toEqual([])
    other.exec('ROLLBACK')
    other.close()
    await record(store, '01')
    expect(await store.certificates()).toHaveLength(1)
  })
})

describe('the store: put back from a backup', () => {
  async function used(): Promise<{ paths: StorePaths; backup: string }> {
    const paths = newPaths()
    const store = await createStore(paths)
    await record(store, '01')
    await store.close()
    const backup = `${paths.database}.yesterday`
    copyFileSync(paths.database, backup)
    const again = await openStore(paths)
    await record(again, '02')
    await again.close()
    return { paths, backup }
  }

  it('CA-08: a database of yesterday beside the head of today is refused', async () => {
    const { paths, backup } = await used()
    copyFileSync(backup, paths.database)
    const error = await expectCodeAsync('ERR_STORE_ROLLBACK', () => openStore(paths))
    expect(error).toMatchObject({ exitCode: 8, details: { lastUsedAt: '2' } })
    // And again, until a person decides.
    await expectCodeAsync('ERR_STORE_ROLLBACK', () => openStore(paths))
    rmSync(paths.head)
    open.push(await openStore(paths))
  })

  it('CA-08: so is one that went on from the backup on another machine', async () => {
    const { paths, backup } = await used()
    const elsewhere = newPaths()
    copyFileSync(backup, elsewhere.database)
    const other = await openStore(elsewhere)
    await record(other, '03', '04', '05')
    await other.close()
    copyFileSync(elsewhere.database, paths.database)
    await expectCodeAsync('ERR_STORE_ROLLBACK', () => openStore(paths))
  })

  it('an empty database in its place is refused', async () => {
    const { paths } = await used()
    writeFileSync(paths.database, '')
    await expectCodeAsync('ERR_STORE_ROLLBACK', () => openStore(paths))
  })

  it.each([
    ['text', 'x'],
    ['an empty file', ''],
    ['a number alone', '2\n'],
    ['two lines', `2 ${'a'.repeat(64)}\n3 ${'a'.repeat(64)}\n`],
    ['a hash that is another', `2 ${'a'.repeat(64)}\n`],
    ['a head that is far ahead', `999999 ${'a'.repeat(64)}\n`],
  ])('a head that cannot be is refused, not ignored: %s', async (_claim, text) => {
    const { paths } = await used()
    writeFileSync(paths.head, text)
    await expectCodeAsync('ERR_STORE_ROLLBACK', () => openStore(paths))
  })

  it('a head that is older than the log is what a crash leaves: nothing is wrong', async () => {
    const { paths } = await used()
    const store = await openStore(paths)
    const [first] = await store.logEntries(1, 1)
    await store.close()
    writeFileSync(paths.head, `1 ${first?.hash ?? ''}\n`)
    open.push(await openStore(paths))
  })

  it('a head that cannot be kept is no failure of what was committed', async () => {
    const paths = newPaths()
    const store = await makeStore(paths)
    await record(store, '01')
    rmSync(paths.head)
    mkdirSync(join(paths.head, 'in the way'), { recursive: true })
    await record(store, '02')
    expect(await store.certificates()).toHaveLength(2)
  })

  it('a new store has no head to compare, and takes the head of a log without entries', async () => {
    const paths = newPaths()
    await (await createStore(paths)).close()
    writeFileSync(paths.head, `0 ${'0'.repeat(64)}\n`)
    open.push(await openStore(paths))
  })
})
