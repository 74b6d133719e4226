import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { issueCertificates, PROFILES } from '../../src/authority/index.js'
import { createStore, entityFacts, type EntityRecord, openStore, verifyAudit } from '../../src/store/index.js'
import { NOW } from '../support/certificates.js'
import { temporaryFolder } from '../support/temporary.js'
import { makeTemplate } from '../support/test-authority.js'

/** Bring a store back to what it was before scopes and roles were registered. */
function forgetRegistry(database: string): void {
  const old = new DatabaseSync(database)
  for (const statement of [
    'DROP INDEX certificateBysubjectDigestStart',
    'DROP INDEX entityNameByentityId',
    'ALTER TABLE certificate DROP COLUMN subjectDigest',
    'ALTER TABLE entity DROP COLUMN aliases',
    'DROP TABLE scope',
    'DROP TABLE role',
    'DROP TABLE entityName',
    'DROP TABLE entityEvent',
    // Later steps are taken back by name only: they can be done twice.
    "DELETE FROM kysely_migration WHERE name >= '0003'",
    "UPDATE setting SET value = '0002-delta-crls' WHERE name = 'schema'",
  ]) {
    old.exec(statement)
  }
  old.close()
}

describe('the step to the registry', () => {
  it('registers the scopes and roles that entities had, indexes their names, and says so in the log', async () => {
    const home = join(temporaryFolder(), 'store')
    mkdirSync(home)
    const paths = { database: join(home, 'store.db'), head: join(home, 'store.head') }
    const entity: EntityRecord = {
      id: 'a',
      kind: 'compute',
      service: 'compute',
      node: 'a',
      scope: 'region-one/nova',
      uri: 'spiffe://cloud.example/region-one/nova/compute/a',
      roles: ['worker'],
      dnsNames: ['a.cloud.example'],
      ipAddresses: ['10.0.0.1'],
      aliases: [],
      state: 'active',
      createdAt: NOW.toISOString(),
      updatedAt: NOW.toISOString(),
    }
    const store = await createStore(paths)
    await store.transaction(async (transaction) => {
      await transaction.insertEntities([entity])
      await transaction.log(NOW, 'entity.added', entityFacts(entity))
    })
    await store.close()
    forgetRegistry(paths.database)

    for (let opened = 0; opened < 2; opened++) {
      const again = await openStore(paths)
      expect((await again.scopes()).map(({ path, kind }) => [path, kind])).toEqual([
        ['region-one', 'region'],
        ['region-one/nova', 'service'],
      ])
      expect((await again.roles()).map(({ name }) => name)).toEqual(['worker'])
      expect(await again.entitiesByName('dns', ['a.cloud.example'])).toEqual([entity])
      await verifyAudit(again)
      await again.close()
    }
  })

  it('finds certificates of before by their subject', async () => {
    const template = await makeTemplate()
    const test = await template.open()
    await test.register('node-1')
    const key = { kind: 'generate', algorithm: 'p256' } as const
    const [issued] = await issueCertificates(await test.issuing(), [{ entity: 'node-1', profile: PROFILES.peer, key }])
    await test.authority.close()
    const paths = { database: join(test.home, 'store.db'), head: join(test.home, 'store.head') }
    forgetRegistry(paths.database)
    const again = await openStore(paths)
    const found = await again.certificatesBySubject(issued?.certificate.subject.digest ?? '')
    expect(found.map(({ certificate }) => certificate.entityId)).toEqual(['node-1'])
    await again.close()
  })
})
