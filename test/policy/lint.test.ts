import { describe, expect, it } from 'vitest'
import { lintPolicy, type LintOptions } from '../../src/policy/index.js'
import { CLOUD, type Part, read, ROLES } from './policies.js'

const RECEIVED = {
  ...CLOUD,
  destinations: { ...CLOUD.destinations, notifications: { receivers: ['api'] } },
  messages: { ...CLOUD.messages },
}
const found = (changes: Part = {}, options: LintOptions = {}): readonly string[] =>
  lintPolicy(read({ ...RECEIVED, ...changes }), options).map(({ code, what }) => `${code} ${what}`)
const { rules } = CLOUD
const more = (...added: readonly Part[]): Part => ({ rules: [...rules, ...added] })

describe('lintPolicy', () => {
  it('finds nothing in the cloud', () => {
    expect(found()).toEqual([])
    expect(found({}, { registered: [...ROLES, 'more'] })).toEqual([])
  })

  it.each<[string, Part, LintOptions, readonly string[]]>([
    ['a role that is not registered', {}, { registered: ['compute', 'conductor', 'api'] }, ['role-unknown scheduler']],
    ['all roles where none is', {}, { registered: [] }, ROLES.map((role) => `role-unknown ${role}`)],
    ['a role that nothing names', { roles: [...ROLES, 'idle'] }, {}, ['role-unused idle']],
    // It once passed for named by those that begin as it does.
    ['a role of which another one is a prefix', { roles: [...ROLES, 'comp'] }, {}, ['role-unused comp']],
    ['a type that no rule is about', { messages: { ...CLOUD.messages, idle: [] } }, {}, ['type-unsendable idle']],
    [
      'a type that everybody is denied',
      more({ name: 'no', deny: '*', send: 'rpc.conductor.*', to: '*' }),
      {},
      ['type-unsendable rpc.conductor.ping', 'dead anybody-pings-the-conductor'],
    ],
    [
      'a destination that no rule leads to',
      { destinations: { ...CLOUD.destinations, idle: { receivers: ['api'] } } },
      {},
      ['destination-unused idle'],
    ],
    [
      'a destination that a rule only denies',
      {
        destinations: { ...CLOUD.destinations, idle: { receivers: ['api'] } },
        ...more({ name: 'no', deny: 'api', send: 'rpc.conductor.ping', to: ['idle', 'conductor'] }),
      },
      {},
      ['destination-unused idle'],
    ],
    [
      'a destination at which nobody receives',
      { destinations: { ...CLOUD.destinations, notifications: {} } },
      {},
      ['destination-deaf notifications'],
    ],
    ['the later of two rules that say the same', more({ ...rules[2], name: 'again' }), {}, ['redundant again']],
    [
      'a rule that says less, though it is first',
      { rules: [{ ...rules[2], name: 'a', allow: 'api' }, ...rules] },
      {},
      ['redundant a'],
    ],
    [
      'a rule with a check more',
      more({
        ...rules[2],
        name: 'a',
        allow: 'compute',
        send: rules[0].send,
        to: 'scheduler',
        bind: ['args.host_name == node', 'args.host_name == entity'],
      }),
      {},
      ['redundant a'],
    ],
    [
      'a rule for a type of a pattern',
      more({ ...rules[3], name: 'a', send: 'rpc.compute.live_migration' }),
      {},
      ['redundant a'],
    ],
    [
      'a rule that denies what another one denies',
      more(
        { name: 'no', deny: '*', send: 'rpc.compute.live_migration', to: '*' },
        { name: 'no-more', deny: 'scheduler', send: 'rpc.compute.live_migration', to: 'compute.{node}' },
      ),
      {},
      ['type-unsendable rpc.compute.live_migration', 'redundant no-more'],
    ],
    [
      'a rule all of which is denied, though others allow the same to others',
      more(
        { name: 'dead', allow: 'scheduler', send: 'rpc.conductor.ping', to: 'conductor' },
        { name: 'no', deny: 'scheduler', send: '*', to: 'conductor' },
      ),
      {},
      ['dead dead'],
    ],
    [
      'a rule that denies what nobody may',
      more({ name: 'no', deny: '*', send: 'rpc.conductor.ping', to: 'scheduler' }),
      {},
      ['toothless no'],
    ],
  ])('finds %s', (_, changes, options, expected) => {
    expect(found(changes, options)).toEqual(expected)
  })

  it.each<[string, Part]>([
    // Whoever has both roles is denied it, and whoever has one may.
    [
      'a type of which one role is denied what another may',
      more({ name: 'no', deny: 'scheduler', send: 'rpc.conductor.ping', to: '*' }),
    ],
    ['a rule that is denied in part', more({ name: 'no', deny: 'compute', send: 'rpc.conductor.ping', to: '*' })],
    [
      'a rule that is denied elsewhere',
      more({ name: 'no', deny: ['compute', 'api'], send: 'rpc.conductor.ping', to: '*', at: { scope: 'a' } }),
    ],
    ['a rule of which a type is denied', more({ name: 'no', deny: 'compute', send: 'notify.instance.a', to: '*' })],
    ['two rules with other checks', more({ ...rules[0], name: 'a', bind: 'args.host_name == entity' })],
    ['two rules in other places', more({ ...rules[2], name: 'a', at: { scope: 'region-one' } })],
    ['two rules for other destinations', more({ ...rules[2], name: 'a', to: 'scheduler' })],
    [
      'a role that only receives',
      { roles: [...ROLES, 'sink'], destinations: { ...CLOUD.destinations, conductor: { receivers: ['sink'] } } },
    ],
    [
      'a role that is only denied',
      { roles: [...ROLES, 'guest'], ...more({ name: 'no', deny: 'guest', send: 'rpc.*', to: '*' }) },
    ],
  ])('finds nothing in %s', (_, changes) => {
    expect(found(changes)).toEqual([])
  })

  it('says what it is, and what to do', () => {
    const [finding] = lintPolicy(read({ ...RECEIVED, roles: [...ROLES, 'idle'] }))
    expect(finding).toEqual({
      code: 'role-unused',
      what: 'idle',
      message: 'the role idle may send and receive nothing',
      hint: 'leave it out',
    })
  })
})
