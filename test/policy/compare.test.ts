import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findWider, type Policy, type Wider } from '../../src/policy/index.js'
import { allowedBeyond, allowRule, denyRule, policyOf, senderOf, type Written, written } from './arbitrary.js'
import { CLOUD, type Part, read } from './policies.js'

const [report, , ping] = CLOUD.rules
const PING = 'rpc.conductor.ping'
const pinging = (changes: Part, ...more: readonly Part[]): Policy =>
  read({
    rules: [
      { ...ping, ...changes },
      ...more.map((rule, i) => ({ name: `r${i}`, send: PING, to: 'conductor', ...rule })),
    ],
  })
const texts = (wider: readonly Wider[]): readonly string[] =>
  wider.map(
    ({ role, type, destination, ways }) =>
      `${role} ${type} ${destination}: ${ways.map((way) => way.join(' and ') || 'always').join(' or ')}`,
  )

describe('findWider', () => {
  it('finds nothing between a policy and itself, or a narrower one', () => {
    expect(findWider(read(), read())).toEqual([])
    expect(findWider(read({ rules: [report] }), read())).toEqual([])
    expect(findWider(pinging({ allow: 'api' }), pinging({}))).toEqual([])
    expect(findWider(pinging({}, { deny: '*' }), pinging({}))).toEqual([])
  })

  it.each<[string, Policy, Policy, readonly string[]]>([
    [
      'another role',
      pinging({ allow: ['compute', 'api', 'scheduler'] }),
      pinging({}),
      [`scheduler ${PING} conductor: always`],
    ],
    [
      'another destination',
      pinging({ to: ['conductor', 'scheduler'], allow: 'api' }),
      pinging({}),
      [`api ${PING} scheduler: always`],
    ],
    [
      'another type',
      pinging({ send: [PING, 'notify.a'], allow: 'api' }),
      pinging({}),
      ['api notify.a conductor: always'],
    ],
    [
      'fewer checks',
      read({ rules: [{ ...report, bind: undefined as never }] }),
      read({ rules: [report] }),
      ['compute rpc.scheduler.update_instance_info scheduler: always'],
    ],
    [
      'other checks',
      read({ rules: [{ ...report, bind: 'args.host_name == service' }] }),
      read({ rules: [report] }),
      ['compute rpc.scheduler.update_instance_info scheduler: args.host_name == service'],
    ],
    [
      'a role elsewhere',
      pinging({ allow: 'api', at: { scope: 'a' } }),
      pinging({ allow: 'api' }),
      [`api ${PING} conductor: role api at a`],
    ],
    [
      'a type within a kind of which another one was allowed',
      read({ rules: [{ name: 'r', allow: 'api', send: ['notify.a', 'notify.b'], to: 'notifications' }] }),
      read({ rules: [{ name: 'r', allow: 'api', send: ['notify.a'], to: 'notifications' }] }),
      ['api notify.b notifications: always'],
    ],
    [
      'a type within a kind that is denied no more',
      read({ rules: [{ name: 'r', allow: 'api', send: 'notify.*', to: 'notifications' }] }),
      read({
        rules: [
          { name: 'r', allow: 'api', send: 'notify.*', to: 'notifications' },
          { name: 'd', deny: 'api', send: 'notify.a', to: '*' },
        ],
      }),
      ['api notify.a notifications: always'],
    ],
    [
      'what is denied no more to holders of another role',
      pinging({ allow: 'api' }),
      pinging({ allow: 'api' }, { deny: 'compute' }),
      [`api ${PING} conductor: role compute`],
    ],
    [
      'what is denied no more to holders of the role elsewhere',
      pinging({ allow: 'api' }),
      pinging({ allow: 'api' }, { deny: 'api', at: { scope: 'a' } }),
      [`api ${PING} conductor: role api at a`],
    ],
    [
      'what is denied no more to anybody',
      pinging({ allow: 'api' }),
      pinging({ allow: 'api' }, { deny: '*' }),
      [`api ${PING} conductor: always`],
    ],
    [
      'a destination that is elsewhere now',
      read({
        rules: [{ ...ping, allow: 'api', at: 'destination' }],
        destinations: { ...CLOUD.destinations, conductor: { receivers: ['conductor'], scope: 'region-two' } },
      }),
      read({ rules: [{ ...ping, allow: 'api', at: 'destination' }] }),
      [`api ${PING} conductor: role api at the destination (region-two)`],
    ],
    [
      'what went to a destination that there is no more',
      read({ rules: [{ ...ping, allow: 'api', to: 'compute.{node}' }] }),
      read({
        rules: [{ ...ping, allow: 'api', to: 'compute.{node}' }],
        destinations: { ...CLOUD.destinations, 'compute.special': null },
      }),
      [`api ${PING} compute.{node}: always`],
    ],
    [
      'a message that there was not',
      read({ messages: { ...CLOUD.messages, new: [] }, rules: [{ ...ping, send: 'new', allow: 'api' }] }),
      read(),
      ['api new conductor: always'],
    ],
    [
      'a role that there was not',
      read({ roles: [...CLOUD.roles, 'root'], rules: [{ ...ping, allow: 'root' }] }),
      read(),
      [`root ${PING} conductor: always`],
    ],
  ])('finds %s', (_, policy, baseline, expected) => {
    expect(texts(findWider(policy, baseline))).toEqual(expected)
  })

  /** A policy, and what somebody may have made of it. */
  const edited: fc.Arbitrary<readonly [Written, Written]> = written().chain((text) => {
    const { messages, destinations, rules } = text
    const kept = fc.subarray([...rules])
    return fc.tuple(
      fc.constant(text),
      fc.oneof(
        fc.oneof(allowRule, denyRule).map((rule): Written => ({ ...text, rules: [...rules, rule] })),
        kept.map((some): Written => ({ ...text, rules: some })),
        fc.tuple(kept, denyRule).map(([some, rule]): Written => ({ ...text, rules: [...some, rule] })),
        fc.subarray([...messages], { minLength: 1 }).map((some): Written => ({ ...text, messages: some })),
        fc
          .subarray(Object.entries(destinations), { minLength: 1 })
          .map((some): Written => ({ ...text, destinations: Object.fromEntries(some) })),
        written().map((other): Written => ({ ...text, destinations: other.destinations })),
        written().map((other): Written => ({ ...text, rules: [...rules, ...other.rules] })),
        written(),
      ),
    )
  })

  it('finds nothing between any policy and itself', () => {
    fc.assert(
      fc.property(written(), (text) => {
        expect(findWider(policyOf(text), policyOf(text))).toEqual([])
      }),
      { seed: 20261122, numRuns: 500 },
    )
  })

  it('misses nothing: if it finds nothing, nobody may do more', { timeout: 120_000 }, () => {
    const senders = fc.array(senderOf(), { minLength: 6, maxLength: 6 })
    const seen = { nothing: 0, wider: 0 }
    fc.assert(
      fc.property(edited, fc.boolean(), senders, (pair, turned, asked) => {
        const [policy, baseline] = (turned ? pair : [pair[1], pair[0]]).map(policyOf)
        if (policy === undefined || baseline === undefined) return
        const wider = findWider(policy, baseline)
        const more = allowedBeyond(policy, baseline, asked)
        seen[wider.length === 0 ? 'nothing' : 'wider'] += 1
        if (wider.length === 0) expect(more).toEqual([])
      }),
      { seed: 20261122, numRuns: 1500 },
    )
    expect(seen.nothing).toBeGreaterThan(200)
    expect(seen.wider).toBeGreaterThan(200)
  })
})
