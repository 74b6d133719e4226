import { describe, expect, it } from 'vitest'
import { issueCertificates, PROFILES, setEntityState } from '../../src/authority/index.js'
import { verifyAudit } from '../../src/store/index.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeTemplate } from '../support/test-authority.js'

const template = await makeTemplate({ domains: ['example.net'] })

describe('registerEntity', () => {
  it('registers who may be certified, and logs it', async () => {
    const { authority, register } = await template.open()
    const entity = await register('a', {
      dnsNames: ['a.example.net', 'cloud.example'],
      ipAddresses: ['10.0.0.1', '::1'],
    })
    expect(await authority.store.entity('a')).toEqual(entity)
    const [last] = (await authority.store.logEntries(1, 100)).slice(-1)
    expect(last?.event).toBe('entity.added')
    expect(JSON.parse(last?.payload ?? '')).toMatchObject({ id: 'a', uri: entity.uri, dnsNames: entity.dnsNames })
    await verifyAudit(authority.store)
  })

  it('CA-11: refuses one forbidden name at each place, and registers nothing', async () => {
    const { authority, register } = await template.open()
    const good = ['a.cloud.example', 'b.cloud.example', 'c.cloud.example']
    for (const index of good.keys()) {
      await expectCodeAsync('ERR_ISSUE_NAME', () => register('a', { dnsNames: good.with(index, 'evil.test') }))
      const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].with(index, '192.0.2.1')
      await expectCodeAsync('ERR_ISSUE_NAME', () => register('a', { dnsNames: [], ipAddresses: addresses }))
    }
    expect(await authority.store.entities()).toEqual([])
  })

  it('ID-20: an id or an identity is taken once, whatever became of who had it', async () => {
    const { authority, register, clock } = await template.open()
    await register('a')
    await expectCodeAsync('ERR_ENTITY_EXISTS', () => register('a', { service: 'network' }))
    await expectCodeAsync('ERR_ENTITY_EXISTS', () => register('b', { node: 'a' }))
    await setEntityState(authority, 'a', 'retired', clock.now())
    await expectCodeAsync('ERR_ENTITY_EXISTS', () => register('a'))
    await expectCodeAsync('ERR_ENTITY_EXISTS', () => register('b', { node: 'a' }))
    expect(await authority.store.entities()).toHaveLength(1)
  })

  it('requirement 48: an entity is found by its URI, names, subject, fingerprint and key id, with all that happened to it', async () => {
    const test = await template.open()
    const { authority, register, clock } = test
    await register('node-1', { ipAddresses: ['10.0.0.1'], aliases: ['kite:compute.node-1'] })
    await register('node-2')
    const key = { kind: 'generate', algorithm: 'p256' } as const
    const [issued] = await issueCertificates(await test.issuing(), [{ entity: 'node-1', profile: PROFILES.peer, key }])
    const { fingerprint, keyIdentifier, subject } = issued?.certificate ?? expect.fail('it was issued')
    const { store } = authority
    const ids = (found: readonly { readonly id: string }[]): readonly string[] => found.map(({ id }) => id)
    expect(ids(await store.entitiesWith('uri', ['spiffe://cloud.example/compute/node-1']))).toEqual(['node-1'])
    expect(ids(await store.entitiesByName('dns', ['node-1.cloud.example']))).toEqual(['node-1'])
    expect(ids(await store.entitiesByName('ip', ['10.0.0.1']))).toEqual(['node-1'])
    expect(ids(await store.entitiesByName('alias', ['kite:compute.node-1']))).toEqual(['node-1'])
    const [bySubject] = await store.certificatesBySubject(subject.digest)
    const [byKey] = await store.certificatesByKeyIdentifier(keyIdentifier)
    const byFingerprint = await store.certificateByFingerprint(fingerprint)
    for (const found of [bySubject, byKey, byFingerprint]) expect(found?.certificate.entityId).toBe('node-1')
    await setEntityState(authority, 'node-1', 'quarantined', clock.now())
    expect((await store.entityEvents('node-1')).map(({ event }) => event)).toEqual([
      'entity.added',
      'certificate.issued',
      'entity.quarantined',
    ])
    expect((await store.entityEvents('node-2')).map(({ event }) => event)).toEqual(['entity.added'])
    await verifyAudit(store)
  })

  it('CA-20: of two that want one id at once, one gets it', async () => {
    const { register } = await template.open()
    const outcomes = await Promise.allSettled([register('a'), register('a'), register('a')])
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
  })

  it.each([
    ['an id that is none', { id: '../a' }],
    ['the service of the authority', { service: 'signet' }],
    ['a host name that is none', { dnsNames: ['*.cloud.example'] }],
    ['an address that is none', { ipAddresses: ['10.0.0.256'] }],
  ])('KEY-07, ID-20: refuses %s', async (_claim, changes) => {
    const { register } = await template.open()
    await expectCodeAsync('ERR_IDENTITY_INVALID', () => register('a', changes))
  })
})
