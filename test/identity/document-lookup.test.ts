import { describe, expect, it } from 'vitest'
import { entitiesOfDocument, parseRegistryDocument } from '../../src/identity/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const lookup = (text: string): ReturnType<typeof entitiesOfDocument> =>
  entitiesOfDocument(parseRegistryDocument(text), 'cloud.example', NOW)

describe('entitiesOfDocument', () => {
  const entities = lookup(`
version: 1
roles: { admin: [reader], reader: }
entities:
  node-1: { kind: node, service: compute, scope: region-one, roles: [admin] }
  node-2: { kind: node, service: compute, state: quarantined }
`)

  it('finds entities by id and by URI, as a store does', async () => {
    const uri = 'spiffe://cloud.example/region-one/compute/node-1'
    expect(await entities.entity('node-1')).toMatchObject({ uri, roles: ['admin'], state: 'active' })
    expect(await entities.entityByUri(uri)).toMatchObject({ id: 'node-1' })
    expect(await entities.entity('node-2')).toMatchObject({ state: 'quarantined' })
    expect(await entities.entity('node-3')).toBeUndefined()
    expect(await entities.entityByUri('spiffe://other.example/region-one/compute/node-1')).toBeUndefined()
  })

  it('knows which roles imply which', async () => {
    expect((await entities.roleGraph()).implied('admin')).toEqual(['admin', 'reader'])
  })

  it('refuses names that nobody may have, and roles that imply themselves', () => {
    expectCode('ERR_IDENTITY_INVALID', () => lookup('{ version: 1, entities: { "a b": { kind: node } } }'))
    expectCode('ERR_ROLE_INVALID', () => lookup('{ version: 1, roles: { a: [b], b: [a] } }'))
  })
})
