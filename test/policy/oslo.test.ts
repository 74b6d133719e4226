import { describe, expect, it } from 'vitest'
import { isSignetError } from '../../src/errors/index.js'
import { type Identity } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import { parsePolicy, parseSender, type Policy } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'

const HEAD = {
  version: 1,
  roles: ['compute', 'conductor', 'reader'],
  messages: {
    'rpc.scheduler.update_instance_info': ['args.host_name'],
    'rpc.compute.live_migration': ['args.instance'],
    'rpc.conductor.compute_task.migrate_server': ['args.instance'],
    'notify.instance.*': ['publisher_id'],
  },
  destinations: { scheduler: { receivers: ['conductor'] }, 'compute.{node}': { receivers: ['compute'] } },
}

function policy(oslo: Readonly<Record<string, JsonValue>>): Policy {
  return parsePolicy(JSON.stringify({ ...HEAD, oslo }))
}

const compute: Identity = parseSender(
  { roles: ['compute'], service: 'nova-compute', node: 'c7', scope: 'region-one/nova' },
  'these tests',
)
const conductor: Identity = parseSender({ roles: ['conductor'], scope: 'region-one/nova' }, 'these tests')

function outcome(
  rules: Readonly<Record<string, JsonValue>>,
  sender: Identity,
  type: string,
  content?: JsonValue,
): string {
  const { outcome: found } = policy(rules).decide({
    sender,
    type,
    destination: 'scheduler',
    ...(content === undefined ? {} : { content }),
  })
  return found
}

describe('compileOslo', () => {
  const REPORT = 'rpc.scheduler.update_instance_info'
  const RULES = {
    'rpc:scheduler:-:update_instance_info': 'role:compute and node:%(args.host_name)s',
    'rpc:conductor:compute_task:migrate_server': 'role:compute or rule:deciders',
    'notify:instance.*': 'role:compute and publisher:%(publisher_id)s',
    'notify:instance.delete': '!',
    deciders: 'role:conductor and not service:nova-compute',
    default: '!',
  }

  it('requirement 37: compares credentials of the certificate with fields of the message', () => {
    expect(outcome(RULES, compute, REPORT, { args: { host_name: 'c7' } })).toBe('allowed')
    expect(outcome(RULES, compute, REPORT, { args: { host_name: 'c8' } })).toBe('denied')
    expect(outcome(RULES, compute, REPORT, { args: {} })).toBe('denied')
    expect(outcome(RULES, compute, REPORT)).toBe('denied')
    expect(outcome(RULES, conductor, REPORT, { args: { host_name: 'c7' } })).toBe('denied')
  })

  it('joins service and node for publisher', () => {
    const type = 'notify.instance.create'
    expect(outcome(RULES, compute, type, { publisher_id: 'nova-compute:c7' })).toBe('allowed')
    expect(outcome(RULES, compute, type, { publisher_id: 'nova-compute:c8' })).toBe('denied')
  })

  it('lets the most specific name decide alone', () => {
    expect(outcome(RULES, compute, 'notify.instance.delete', { publisher_id: 'nova-compute:c7' })).toBe('denied')
  })

  it('takes namespaces as segments, follows rules, and denies what has none', () => {
    const type = 'rpc.conductor.compute_task.migrate_server'
    expect(outcome(RULES, compute, type)).toBe('allowed')
    expect(outcome(RULES, conductor, type)).toBe('allowed')
    expect(outcome(RULES, conductor, 'rpc.compute.live_migration')).toBe('denied')
  })

  it('compares destinations and fields with texts', () => {
    const rules = {
      'rpc:compute:-:live_migration': "role:conductor and 'scheduler':%(destination)s and 'a':%(args.instance)s",
    }
    const type = 'rpc.compute.live_migration'
    expect(outcome(rules, conductor, type, { args: { instance: 'a' } })).toBe('allowed')
    expect(outcome(rules, conductor, type, { args: { instance: 'b' } })).toBe('denied')
    const elsewhere = policy(rules).decide({
      sender: conductor,
      type,
      destination: 'compute.c7',
      content: { args: { instance: 'a' } },
    })
    expect(elsewhere.outcome).toBe('denied')
  })

  it('requirement 39: leaving the content out makes no `not` true', () => {
    const rules = { 'rpc:compute:-:live_migration': "role:conductor and not 'a':%(args.instance)s" }
    expect(outcome(rules, conductor, 'rpc.compute.live_migration')).toBe('denied')
    expect(outcome(rules, conductor, 'rpc.compute.live_migration', { args: { instance: 'b' } })).toBe('allowed')
  })

  it.each([
    ['ERR_POLICY_OSLO', ''],
    ['ERR_POLICY_OSLO', []],
    ['ERR_POLICY_OSLO', [['role:compute']]],
    ['ERR_POLICY_OSLO', 'role:compute and'],
    ['ERR_POLICY_OSLO', 'garbage'],
    ['ERR_POLICY_OSLO', 'rule:nobody'],
    ['ERR_POLICY_OSLO', 'rule:rpc:compute:-:live_migration'],
    ['ERR_POLICY_OSLO', 'role:unknown'],
    ['ERR_POLICY_OSLO', 'role:%(args.instance)s'],
    ['ERR_POLICY_OSLO', 'http://policy.example/%(args.instance)s'],
    ['ERR_POLICY_OSLO', 'project_id:%(args.instance)s'],
    ['ERR_POLICY_OSLO', 'node:%(args.unknown)s'],
    ['ERR_POLICY_INVALID', 'role:Compute'],
    ['ERR_POLICY_INVALID', 'node:%(args.instance)s-x'],
    ['ERR_POLICY_INVALID', "'a':b"],
    ['ERR_POLICY_INVALID', 'node:%(destination)s'],
    ['ERR_POLICY_OSLO', 7],
  ] as const)('refuses with %s the rule %j', (code, rule) => {
    const error = expectCode('ERR_POLICY_INVALID', () => policy({ 'rpc:compute:-:live_migration': rule }))
    const cause = isSignetError(error.cause) ? error.cause.code : error.code
    expect(cause).toBe(code)
  })

  it('refuses names that are about no message, unclear ones, other defaults, and rules without end', () => {
    expectCode('ERR_POLICY_INVALID', () => policy({ 'rpc:compute:-:reboot': 'role:compute' }))
    expectCode('ERR_POLICY_INVALID', () => policy({ helper: 'role:compute' }))
    expectCode('ERR_POLICY_INVALID', () => policy({ ...RULES, default: '@' }))
    expectCode('ERR_POLICY_INVALID', () => policy({ 'rpc:*:live_migration': 'role:compute', 'rpc:compute:*': '!' }))
    const growing = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        `r${index}`,
        index === 0 ? 'role:compute' : `rule:r${index - 1} or rule:r${index - 1}`,
      ]),
    )
    expectCode('ERR_POLICY_INVALID', () => policy({ ...growing, 'rpc:compute:-:live_migration': 'rule:r39' }))
    expectCode('ERR_POLICY_INVALID', () =>
      policy({ a: 'rule:b', b: 'rule:a', 'rpc:compute:-:live_migration': 'rule:a' }),
    )
  })

  it('stands beside rules of our own, which may deny what it allows', () => {
    const both = {
      ...HEAD,
      rules: [{ name: 'no-migration', deny: 'compute', send: 'rpc.conductor.*', to: '*' }],
      oslo: { 'rpc:conductor:compute_task:migrate_server': 'role:compute' },
    }
    const decision = parsePolicy(JSON.stringify(both)).decide({
      sender: compute,
      type: 'rpc.conductor.compute_task.migrate_server',
      destination: 'scheduler',
    })
    expect(decision).toMatchObject({ outcome: 'denied', rule: 'no-migration' })
  })
})
