import { describe, expect, it } from 'vitest'
import type { Identity } from '../../src/identity/index.js'
import { formatJsonPath, type JsonValue } from '../../src/json/index.js'
import { checkBindings, parseBinding } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'

const identity: Identity = {
  entity: 'nova-compute.compute-07',
  uri: 'spiffe://cloud.example/region-one/nova-compute/compute-07',
  scope: 'region-one',
  service: 'nova-compute',
  node: 'compute-07',
  grants: [],
  groups: [],
  roles: ['compute'],
}

describe('parseBinding', () => {
  it.each([
    ['publisher_id == service:node', 'publisher_id', 'nova-compute:compute-07'],
    ['args.host_name == node', 'args.host_name', 'compute-07'],
    ['a==entity', 'a', 'nova-compute.compute-07'],
    ['  a-b_c.d0  ==  uri  ', 'a-b_c.d0', 'spiffe://cloud.example/region-one/nova-compute/compute-07'],
    ['region == scope', 'region', 'region-one'],
    ['args.host_name == signer.node', 'args.host_name', 'compute-07'],
    ['args."a.b".c == node', 'args."a.b".c', 'compute-07'],
    ['all == scope:service:node', 'all', 'region-one:nova-compute:compute-07'],
  ])('reads %j', (text, field, wanted) => {
    const binding = parseBinding(text)
    expect(formatJsonPath(binding.field)).toBe(field)
    expect(binding.wanted(identity)).toBe(wanted)
    expect(parseBinding(binding.text).text).toBe(binding.text)
  })

  it.each([
    '',
    'publisher_id',
    'publisher_id ==',
    '== node',
    'a = node',
    'a === node',
    'a != node',
    'a == nodes',
    'a == roles',
    'a == Node',
    'a == constructor',
    'a == toString',
    'a == node:',
    'a == :node',
    'a == node:nothing',
    'a == "compute-07"',
    'a. == node',
    '.a == node',
    'a..b == node',
    'a[0] == node',
    'a b == node',
    'a == node b == node',
    'a == node\nb == node',
    'a == node || true',
    'ä == node',
  ])('refuses %j', (text) => {
    expectCode('ERR_CONFIG_INVALID', () => parseBinding(text))
  })
})

describe('checkBindings', () => {
  const binding = parseBinding('publisher_id == service:node')

  it('lets content through that says who signed it', () => {
    expect(() => {
      checkBindings({ publisher_id: 'nova-compute:compute-07', more: 1 }, identity, [binding])
    }).not.toThrow()
  })

  it.each<[string, JsonValue]>([
    ['another node', { publisher_id: 'nova-compute:compute-08' }],
    ['another service', { publisher_id: 'nova-api:compute-07' }],
    ['the same in capitals', { publisher_id: 'Nova-Compute:compute-07' }],
    ['a space behind', { publisher_id: 'nova-compute:compute-07 ' }],
    ['a prefix', { publisher_id: 'nova-compute:compute-0' }],
    ['a letter that looks the same', { publisher_id: 'nova-compute:соmpute-07' }],
    ['nothing', {}],
    ['null', { publisher_id: null }],
    ['a number', { publisher_id: 7 }],
    ['a list of it', { publisher_id: ['nova-compute:compute-07'] }],
    ['an object', { publisher_id: { toString: 'nova-compute:compute-07' } }],
    ['it further in', { payload: { publisher_id: 'nova-compute:compute-07' } }],
    ['it in a list', [{ publisher_id: 'nova-compute:compute-07' }]],
    ['text alone', 'nova-compute:compute-07'],
    ['null alone', null],
  ])('refuses content that says %s', (_, content) => {
    const error = expectCode('ERR_MESSAGE_BINDING', () => {
      checkBindings(content, identity, [binding])
    })
    expect(error.exitCode).toBe(5)
    expect(error.details).toMatchObject({ rule: 'publisher_id == service:node', wanted: 'nova-compute:compute-07' })
  })

  it('wants every rule to hold', () => {
    const second = parseBinding('payload.host == node')
    const content = { publisher_id: 'nova-compute:compute-07', payload: { host: 'compute-08' } }
    for (const bindings of [
      [binding, second],
      [second, binding],
    ]) {
      expectCode('ERR_MESSAGE_BINDING', () => {
        checkBindings(content, identity, bindings)
      })
    }
  })

  it('does not take an inherited field for one of the content', () => {
    expectCode('ERR_MESSAGE_BINDING', () => {
      checkBindings({}, { ...identity, node: 'Object' }, [parseBinding('constructor.name == node')])
    })
  })

  it('shows no more than 200 characters of what it found', () => {
    const error = expectCode('ERR_MESSAGE_BINDING', () => {
      checkBindings({ publisher_id: 'x'.repeat(5000) }, identity, [binding])
    })
    expect(error.details['found']).toHaveLength(200)
  })
})
