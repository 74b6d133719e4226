import { describe, expect, it } from 'vitest'
import {
  documentMember,
  entityRecord,
  parseRegistryDocument,
  parseRegistryLine,
  registryDocument,
  roleRecord,
  scopeRecord,
} from '../../src/identity/index.js'
import { formatYaml } from '../../src/yaml/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const PARTS = {
  version: 'version: 1',
  scopes: 'scopes: { region-one: region }',
  roles: 'roles: { compute_node: , admin: [compute_node] }',
  kind: 'kind: node',
  rest: 'scope: region-one',
}

function document(changes: Partial<typeof PARTS> = {}): string {
  const { version, scopes, roles, kind, rest } = { ...PARTS, ...changes }
  return `${version}\n${scopes}\n${roles}\nentities:\n  compute-07:\n    ${kind}\n    ${rest}\n`
}

describe('parseRegistryDocument', () => {
  it('reads scopes, roles and entities', () => {
    const { scopes, roles, entities } = parseRegistryDocument(document())
    expect([...scopes]).toEqual([['region-one', 'region']])
    expect([...roles]).toEqual([
      ['compute_node', []],
      ['admin', ['compute_node']],
    ])
    expect(entities.get('compute-07')).toEqual({
      request: {
        id: 'compute-07',
        kind: 'node',
        scope: 'region-one',
        roles: [],
        dnsNames: [],
        ipAddresses: [],
        aliases: [],
      },
      state: 'active',
    })
  })

  it('takes JSON, and a document that says nothing of a part', () => {
    expect(parseRegistryDocument('{"version": 1}').entities.size).toBe(0)
    expect(parseRegistryDocument('version: 1\nentities:\n').entities.size).toBe(0)
  })

  it.each<[string, Partial<typeof PARTS>]>([
    ['another version', { version: 'version: 2' }],
    ['no version', { version: '' }],
    ['an unknown part', { version: 'version: 1\nusers: {}' }],
    ['a scope of an unknown kind', { scopes: 'scopes: { a: country }' }],
    ['scopes that are a list', { scopes: 'scopes: [a]' }],
    ['a scope twice', { scopes: 'scopes: { a: region, a: region }' }],
    ['a role that implies a text', { roles: 'roles: { a: b }' }],
    ['no kind', { kind: 'service: x' }],
    ['an unknown kind', { kind: 'kind: compute' }],
    ['an unknown member', { rest: 'dnsNames: [a]' }],
    ['roles that are a text', { rest: 'roles: admin' }],
    ['a number for a name', { rest: 'node: 7' }],
    ['an unknown state', { rest: 'state: asleep' }],
    ['an alias of YAML', { rest: 'roles: &a [x]' }],
  ])('refuses %s', (_claim, changes) => {
    const error = expectCode('ERR_REGISTRY_DOCUMENT', () => parseRegistryDocument(document(changes)))
    expect(error.hint).toContain('docs/registry.md')
  })

  it('ID-19: `__proto__` is a name like any other, and no id', () => {
    const { entities } = parseRegistryDocument('{"version": 1, "entities": {"__proto__": {"kind": "node"}}}')
    expect([...entities.keys()]).toEqual(['__proto__'])
    const [wanted] = entities.values()
    if (wanted === undefined) throw new Error('it is there')
    expectCode('ERR_IDENTITY_INVALID', () => entityRecord(wanted.request, 'cloud.example', NOW))
  })
})

describe('registryDocument', () => {
  const scopes = [scopeRecord('region-one', 'region', 'deployment', NOW)]
  const roles = [roleRecord('a', [], NOW), roleRecord('b', ['a'], NOW)]
  const entities = [
    entityRecord({ id: 'n-1', kind: 'node' }, 'cloud.example', NOW),
    {
      ...entityRecord(
        {
          id: 'n-2',
          kind: 'broker',
          service: 's',
          node: 'x',
          scope: 'region-one',
          roles: ['b', 'a@/**'],
          dnsNames: ['x.cloud.example'],
          ipAddresses: ['10.0.0.1'],
          aliases: ['kite:x.y'],
        },
        'cloud.example',
        NOW,
      ),
      state: 'retired' as const,
    },
  ]

  it('writes what is read back as the same, in YAML and JSON and in lines', () => {
    const written = registryDocument(scopes, roles, entities)
    for (const text of [formatYaml(written), JSON.stringify(written)]) {
      const read = parseRegistryDocument(text)
      expect([...read.scopes]).toEqual([['region-one', 'region']])
      expect([...read.roles]).toEqual([
        ['a', []],
        ['b', ['a']],
      ])
      for (const entity of entities) {
        const wanted = read.entities.get(entity.id)
        if (wanted === undefined) throw new Error('it is there')
        expect({ ...entityRecord(wanted.request, 'cloud.example', NOW), state: wanted.state }).toEqual(entity)
      }
    }
    for (const [index, entity] of entities.entries()) {
      const line = JSON.stringify({ entity: entity.id, ...documentMember(entity) })
      const wanted = parseRegistryLine(line, index + 1).entities.get(entity.id)
      expect(wanted?.state).toBe(entity.state)
    }
  })

  it.each([
    '',
    '[]',
    'null',
    '7',
    '{}',
    '{"entity": 7}',
    '{"scope": "a"}',
    '{"role": "a"}',
    '{"scope": "a", "kind": "x"}',
    '{"entity": "a", "kind": "node", "x": 1}',
  ])('refuses the line %j, and says which it is', (line) => {
    const error = expectCode('ERR_REGISTRY_DOCUMENT', () => parseRegistryLine(line, 7))
    expect(error.message).toMatch(/line 7|the entity a|scope a/)
  })
})
