import { describe, expect, it } from 'vitest'
import { permissionsOf } from '../../src/brokers/index.js'
import { formatPattern } from '../../src/brokers/permissions.js'
import type { Identity } from '../../src/identity/index.js'
import { parsePolicy, parseSender } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'

const POLICY = `version: 1
roles: [compute, conductor, observer, idle]
messages:
  rpc.scheduler.update: [args.host_name]
  rpc.scheduler.ping: []
  rpc.compute.build: []
  notify.*: [publisher_id]
destinations:
  scheduler: { receivers: [conductor] }
  'compute.{node}': { receivers: [compute] }
  notifications: { receivers: [observer], scope: region-one }
rules:
  - { name: report, allow: compute, send: rpc.scheduler.*, to: scheduler }
  - { name: build, allow: conductor, send: rpc.compute.build, to: 'compute.{node}' }
  - { name: tell, allow: compute, send: notify.instance.*, to: notifications, bind: publisher_id == service:node }
  - { name: tell-there, allow: conductor, send: notify.*, to: notifications, at: destination }
  - { name: no-ping, deny: compute, send: rpc.scheduler.ping, to: '*' }
`

function sender(roles: readonly string[], node: string, scope = 'region-one'): Identity {
  return parseSender({ roles: [...roles], node, scope, entity: node.replaceAll('.', '-') }, 'these tests')
}
const compute = sender(['compute'], 'c7')
const conductor = sender(['conductor'], 'k1')
const observer = sender(['observer'], 'o1')

function derived(senders: readonly Identity[], receivers: 'any' | 'named' = 'any', text = POLICY): unknown {
  return permissionsOf(parsePolicy(text), senders, { receivers }).users.map(({ entity, publish, consume }) => ({
    entity,
    publish: publish.map(formatPattern),
    consume: consume.map(formatPattern),
  }))
}

describe('permissionsOf', () => {
  it('requirement 53: each may publish what the policy might allow it, and consume where it receives', () => {
    expect(derived([compute, conductor, observer])).toEqual([
      {
        entity: 'c7',
        publish: ['scheduler.rpc.scheduler.update', 'notifications.notify.instance.**'],
        consume: ['compute.c7.**'],
      },
      {
        entity: 'k1',
        publish: ['compute.*.rpc.compute.build', 'notifications.notify.**'],
        consume: ['scheduler.**'],
      },
      { entity: 'o1', publish: [], consume: ['notifications.**'] },
    ])
  })

  it('leaves out who may nothing', () => {
    expect(derived([sender(['idle'], 'x'), observer])).toEqual([
      { entity: 'o1', publish: [], consume: ['notifications.**'] },
    ])
  })

  it('requirement 52: a role in another region is none at a destination with a scope', () => {
    expect(derived([sender(['conductor'], 'k2', 'region-two')])).toEqual([
      { entity: 'k2', publish: ['compute.*.rpc.compute.build'], consume: ['scheduler.**'] },
    ])
  })

  it('names receivers where a broker has no wildcard for one segment', () => {
    expect(derived([compute, conductor], 'named')).toMatchObject([
      {},
      { publish: ['compute.c7.rpc.compute.build', 'notifications.notify.**'] },
    ])
  })

  it('refuses nodes with a dot in a destination, and wildcards next to a colon', () => {
    expectCode('ERR_BROKER_NAME', () => derived([sender(['compute'], 'c7.example')]))
    const colon = POLICY.replace('notify.*:', 'notify:*:')
      .replaceAll('notify.instance.*', 'notify:*')
      .replace('send: notify.*', "send: 'notify:*'")
    expectCode('ERR_BROKER_PATTERN', () => derived([compute], 'any', colon))
  })
})
