import { describe, expect, it } from 'vitest'
import { entityRecord, type EntityRequest } from '../../src/identity/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const make = (changes: Partial<EntityRequest> = {}): ReturnType<typeof entityRecord> =>
  entityRecord({ id: 'compute-07', kind: 'node', service: 'compute', ...changes }, 'cloud.example', NOW)

describe('entityRecord', () => {
  it('fills in what is left out', () => {
    expect(make()).toEqual({
      id: 'compute-07',
      kind: 'node',
      service: 'compute',
      node: 'compute-07',
      scope: '',
      uri: 'spiffe://cloud.example/compute/compute-07',
      roles: [],
      dnsNames: [],
      ipAddresses: [],
      aliases: [],
      state: 'active',
      createdAt: NOW.toISOString(),
      updatedAt: NOW.toISOString(),
    })
  })

  it('brings lists into one form: sorted, without duplicates, names lower case, addresses canonical', () => {
    const record = make({
      scope: 'region-one/nova',
      roles: ['b', 'a', 'b'],
      dnsNames: ['B.Example', 'a.example', 'b.example'],
      ipAddresses: ['FC00:0:0::1', 'fc00::1', '10.0.0.1'],
    })
    expect(record).toMatchObject({
      uri: 'spiffe://cloud.example/region-one/nova/compute/compute-07',
      roles: ['a', 'b'],
      dnsNames: ['a.example', 'b.example'],
      ipAddresses: ['10.0.0.1', 'fc00::1'],
    })
  })

  it('ID-19: names of what every object inherits are names like any other, or none', () => {
    for (const id of ['constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      expect(make({ id, service: id, roles: [id] })).toMatchObject({ id, roles: [id] })
    }
    expectCode('ERR_IDENTITY_INVALID', () => make({ id: '__proto__' }))
    expectCode('ERR_IDENTITY_INVALID', () => make({ roles: ['__proto__'] }))
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  const bad = [
    '',
    '.',
    '..',
    '../x',
    '/abs',
    'C:\\x',
    'a/b',
    'a%2fb',
    'a\0b',
    'a b',
    'a\n',
    'trailing.',
    ' a',
    'ä',
    '\u202ea',
    '<a>',
    "' OR 1=1",
    'a'.repeat(300),
  ]

  it.each(bad)('KEY-07: refuses the id %j', (id) => {
    expectCode('ERR_IDENTITY_INVALID', () => make({ id }))
  })

  it.each(['kind', 'service', 'node', 'scope'] as const)('refuses a bad %s', (field) => {
    for (const text of bad) {
      if (text === '' && field === 'scope') continue
      expectCode('ERR_IDENTITY_INVALID', () => make({ [field]: text.replace('a/b', '//') }))
    }
  })

  it('refuses bad roles', () => {
    for (const role of bad) expectCode('ERR_IDENTITY_INVALID', () => make({ roles: ['good', role] }))
  })

  it('keeps the service of the authority for the authority', () => {
    expectCode('ERR_IDENTITY_INVALID', () => make({ service: 'signet' }))
    expectCode('ERR_IDENTITY_INVALID', () => make({ kind: 'node', service: 'signet' }))
    expectCode('ERR_IDENTITY_INVALID', () => make({ service: 'signet', scope: 'a' }))
  })

  it.each([
    '*.cloud.example',
    'a..b',
    '-a.example',
    'a-.example',
    'a_b.example',
    'a.example.',
    '10.0.0.1',
    '1.2',
    'a.1',
    '',
    'a b',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}aa`,
    'b\u00fccher.example',
    'a\0.example',
    'a,DNS:b',
  ])('CA-02: refuses the DNS name %j', (name) => {
    expectCode('ERR_IDENTITY_INVALID', () => make({ dnsNames: ['good.example', name] }))
  })

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1/8',
    '0x0a000001',
    '::1::',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '[::1]',
    'localhost',
  ])('refuses the address %j', (address) => {
    expectCode('ERR_IDENTITY_INVALID', () => make({ ipAddresses: ['10.0.0.1', address] }))
  })

  it.each([
    ['roles', 64],
    ['dnsNames', 100],
    ['ipAddresses', 100],
  ] as const)('takes at most so many %s: %i', (field, limit) => {
    const many = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => (field === 'ipAddresses' ? `10.0.0.${index}` : `n${index}`))
    expect(make({ [field]: many(limit) })[field]).toHaveLength(limit)
    expectCode('ERR_IDENTITY_INVALID', () => make({ [field]: many(limit + 1) }))
  })
})
