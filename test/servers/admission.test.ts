import { describe, expect, it } from 'vitest'
import { RoleGraph } from '../../src/identity/index.js'
import { admittedOf } from '../../src/servers/index.js'
import type { EntityRecord } from '../../src/store/index.js'
import { expectCode } from '../support/expect-code.js'

function record(id: string, changes: Partial<EntityRecord> = {}): EntityRecord {
  return {
    id,
    kind: 'node',
    service: 'compute',
    node: id,
    scope: '',
    uri: `spiffe://cloud.example/compute/${id}`,
    roles: [],
    dnsNames: [`${id}.cloud.example`],
    ipAddresses: [],
    aliases: [],
    state: 'active',
    createdAt: '2026-11-22T00:00:00Z',
    updatedAt: '2026-11-22T00:00:00Z',
    ...changes,
  }
}

const graph = new RoleGraph([
  { name: 'operator', implies: ['reader'], createdAt: '' },
  { name: 'reader', implies: [], createdAt: '' },
])
const records = [
  record('one', { roles: ['operator'] }),
  record('two', { roles: ['reader'] }),
  record('three'),
  record('gone', { roles: ['reader'], state: 'retired' }),
  record('held', { roles: ['reader'], state: 'quarantined' }),
]

describe('admittedOf', () => {
  it('takes who holds a role, implied or not, and who is named; nobody twice', () => {
    const found = admittedOf(records, graph, { roles: ['reader'], entities: ['three', 'two'] })
    expect(found.map(({ entity }) => entity)).toEqual(['one', 'two', 'three'])
    expect(found[0]).toEqual({
      entity: 'one',
      uri: 'spiffe://cloud.example/compute/one',
      roles: ['operator', 'reader'],
      subject: { organization: 'cloud.example', organizationalUnit: 'compute', commonName: 'one' },
      dnsNames: ['one.cloud.example'],
    })
  })

  it.each([
    ['nobody is named', {}],
    ['nobody is in the list', { roles: [], entities: [] }],
    ['an entity is named that there is not', { entities: ['nobody'] }],
    ['an entity is named that is retired', { entities: ['gone'] }],
    ['an entity is named that is quarantined', { entities: ['held'] }],
    ['nobody holds the role', { roles: ['auditor'] }],
  ])('refuses where %s', (_, choice) => {
    expectCode('ERR_CONFIG_INVALID', () => admittedOf(records, graph, choice))
  })
})
