/** From a validated path, by a Keystone mapping, to a registered entity. */
import { describe, expect, it } from 'vitest'
import { entityRecord, roleRecord } from '../../src/identity/index.js'
import { type EntitiesById, keystoneIdentity, parseKeystoneMapping, requireSafe } from '../../src/keystone/index.js'
import type { EntityRecord, EntityState } from '../../src/store/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { hierarchy, validate } from '../support/hierarchy.js'

const path = validate(hierarchy())

function lookup(...records: readonly EntityRecord[]): EntitiesById {
  return {
    entity: (id) => Promise.resolve(records.find((record) => record.id === id)),
    roles: () => Promise.resolve([roleRecord('compute', [], NOW)]),
  }
}

function record(id: string, state: EntityState = 'active'): EntityRecord {
  return { ...entityRecord({ id, kind: 'node', service: 'compute', roles: ['compute'] }, 'cloud.example', NOW), state }
}

function mapping(user: object, more: object = { any_one_of: ['CN=Issuing'] }) {
  const remote = [{ type: 'SSL_CLIENT_S_DN_CN' }, { type: 'SSL_CLIENT_I_DN', ...more }]
  return requireSafe(parseKeystoneMapping({ rules: [{ local: [{ user }, { group: { id: 'g' } }], remote }] }))
}

describe('keystoneIdentity', () => {
  it('requirement 50: is the registered entity with the name of the user', async () => {
    const { outcome, identity } = await keystoneIdentity(
      path,
      mapping({ name: '{0}' }),
      'tokenless',
      lookup(record('node')),
    )
    expect(outcome).toMatchObject({ user: { name: 'node', type: 'ephemeral' }, group_ids: ['g'] })
    expect(identity).toMatchObject({ entity: 'node', uri: 'spiffe://cloud.example/compute/node', roles: ['compute'] })
  })

  it('is that with its id, where there is one', async () => {
    const both = mapping({ id: 'other', name: '{0}' })
    const { identity } = await keystoneIdentity(path, both, 'tokenless', lookup(record('node'), record('other')))
    expect(identity.entity).toBe('other')
  })

  it('is nobody that is not registered, or not active', async () => {
    const by = mapping({ name: '{0}' })
    const resolve = (entities: EntitiesById) => () => keystoneIdentity(path, by, 'tokenless', entities)
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', resolve(lookup(record('other'))))
    await expectCodeAsync('ERR_ENTITY_INACTIVE', resolve(lookup(record('node', 'quarantined'))))
    await expectCodeAsync('ERR_ENTITY_INACTIVE', resolve(lookup(record('node', 'retired'))))
  })

  it('is nobody whose issuer is another', async () => {
    const other = mapping({ name: '{0}' }, { any_one_of: ['CN=Other'] })
    await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () =>
      keystoneIdentity(path, other, 'tokenless', lookup(record('node'))),
    )
  })
})
