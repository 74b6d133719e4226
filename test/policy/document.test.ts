import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'
import { CLOUD, type Part, read } from './policies.js'

const [RULE] = CLOUD.rules
const withRule = (changes: Part, without: readonly string[] = []): Part => ({
  rules: [Object.fromEntries(Object.entries({ ...RULE, ...changes }).filter(([key]) => !without.includes(key)))],
})
const deny = (changes: Part = {}): Part => withRule({ deny: ['compute'], ...changes }, ['allow', 'bind'])

describe('parsePolicy: what is valid', () => {
  it('reads YAML and JSON alike', () => {
    const yaml = `
version: 1
roles: [compute, scheduler]
messages:
  rpc.scheduler.update: [args.host_name]
  notify.*:
destinations:
  scheduler: { receivers: [scheduler], scope: region-one }
  compute.{node}:
rules:
  - { name: reports, allow: compute, send: rpc.scheduler.update, to: scheduler, bind: args.host_name == node }
`
    const json = JSON.stringify({
      version: 1,
      roles: ['compute', 'scheduler'],
      messages: { 'rpc.scheduler.update': ['args.host_name'], 'notify.*': null },
      destinations: { scheduler: { receivers: ['scheduler'], scope: 'region-one' }, 'compute.{node}': null },
      rules: [
        {
          name: 'reports',
          allow: 'compute',
          send: 'rpc.scheduler.update',
          to: 'scheduler',
          bind: 'args.host_name == node',
        },
      ],
    })
    const [first, second] = [yaml, json].map((text) => parsePolicy(text).document.rules[0])
    expect(JSON.stringify(first)).toBe(JSON.stringify(second))
    expect(first?.destinations).toEqual(new Set(['scheduler']))
  })

  it.each<[string, Part]>([
    ['the cloud', {}],
    ['a rule for all destinations', withRule({ to: '*' })],
    ['a rule for all types', withRule({ send: '*' }, ['bind'])],
    ['a rule that denies', deny()],
    ['a rule that denies everybody', deny({ deny: '*' })],
    ['a role in a scope', withRule({ at: { scope: 'region-one/nova' } })],
    ['a role in the deployment', withRule({ at: { scope: '' } })],
    ['a role at the destination, whose receivers have a scope', withRule({ at: 'destination' })],
    ['a role where the sender is', withRule({ at: 'home' })],
    ['a field below one that is declared', withRule({ send: 'notify.a', bind: 'payload.a.b == node' })],
    ['roles that are called like what objects have', { roles: [...CLOUD.roles, 'constructor', 'toString'] }],
    [
      'a destination of which another one is a name',
      { destinations: { ...CLOUD.destinations, 'compute.special': null } },
    ],
    [
      'a longer destination beside one with a capture',
      { destinations: { ...CLOUD.destinations, 'compute.a.{node}': {} } },
    ],
  ])('takes %s', (_, changes) => {
    expect(read(changes).document.rules.length).toBeGreaterThan(0)
  })
})

describe('parsePolicy: what is not', () => {
  it.each<[string, Part]>([
    ['another version', { version: 2 }],
    ['a version that is text', { version: '1' }],
    ['an unknown key', { default: 'allow' }],
    ['no roles', { roles: [] }],
    ['roles that are null', { roles: null }],
    ['a role that is no name', { roles: ['compute node'] }],
    ['a role that is a star', { roles: ['*'] }],
    ['a role that is a number', { roles: [7] }],
    ['no messages', { messages: {} }],
    ['messages that are a list', { messages: ['notify.*'] }],
    ['a message that is no pattern', { messages: { 'notify.**': [] } }],
    ['a field that is no path', { messages: { ...CLOUD.messages, a: ['b..c'] } }],
    ['a field with a line break', { messages: { ...CLOUD.messages, a: ['"b\nc"'] } }],
    ['fields that are no list', { messages: { ...CLOUD.messages, a: 'b' } }],
    ['no destinations', { destinations: {} }],
    ['a destination with a space', { destinations: { ...CLOUD.destinations, 'a b': {} } }],
    ['a destination with a capture in the middle', { destinations: { ...CLOUD.destinations, '{node}.a': {} } }],
    ['a destination with an unknown capture', { destinations: { ...CLOUD.destinations, 'a.{role}': {} } }],
    ['a destination twice, with two captures', { destinations: { ...CLOUD.destinations, 'compute.{entity}': {} } }],
    ['an unknown key of a destination', { destinations: { ...CLOUD.destinations, a: { receiver: ['api'] } } }],
    ['a receiver that is an unknown role', { destinations: { ...CLOUD.destinations, a: { receivers: ['nobody'] } } }],
    ['a scope that is none', { destinations: { ...CLOUD.destinations, a: { scope: 'region one' } } }],
    ['a scope that is a number', { destinations: { ...CLOUD.destinations, a: { scope: 1 } } }],
    ['no rules', { rules: [] }],
    ['rules that are null', { rules: null }],
    ['rules that are a map', { rules: { a: RULE } }],
    ['a rule that is text', { rules: ['allow everything'] }],
    ['two rules of one name', { rules: [RULE, { ...RULE, to: '*' }] }],
    ['a rule without a name', withRule({}, ['name'])],
    ['a rule with a name that is none', withRule({ name: 'a b' })],
    ['a rule with an unknown key', withRule({ unless: 'x' })],
    ['a rule that neither allows nor denies', withRule({}, ['allow'])],
    ['a rule that does both', withRule({ deny: ['api'] })],
    ['a rule that allows nobody', withRule({ allow: [] })],
    ['a rule that allows null', withRule({ allow: null })],
    ['a rule that allows a map', withRule({ allow: { role: 'compute' } })],
    ['a rule that allows everybody', withRule({ allow: '*' })],
    ['a rule that allows everybody in a list', withRule({ allow: ['*'] })],
    ['a rule that denies everybody in a list', deny({ deny: ['*'] })],
    ['a rule that denies nobody', deny({ deny: [] })],
    ['a rule that denies everybody somewhere', deny({ deny: '*', at: { scope: 'region-one' } })],
    ['an unknown role', withRule({ allow: ['compute', 'root'] })],
    ['a role in capitals', withRule({ allow: ['Compute'] })],
    ['a role that every object has', withRule({ allow: ['constructor'] })],
    ['a role with a scope', withRule({ allow: ['compute@region-one'] })],
    ['no type', withRule({ send: [] })],
    ['a type that no message has', withRule({ send: ['rpc.scheduler.updateinstance_info'] })],
    ['a type that every object has', withRule({ send: ['constructor'] })],
    ['a type that is no pattern', withRule({ send: ['rpc.sched*'] })],
    ['no destination', withRule({ to: [] })],
    ['an unknown destination', withRule({ to: ['schedular'] })],
    ['a destination that is one of another one', withRule({ to: ['compute.compute-07'] })],
    ['all destinations in a list', withRule({ to: ['*'] })],
    ['a destination that every object has', withRule({ to: ['constructor'] })],
    ['an unknown place', withRule({ at: 'anywhere' })],
    ['a place that is null', withRule({ at: null })],
    ['a place that is no scope', withRule({ at: { scope: 'a//b' } })],
    ['a place with an unknown key', withRule({ at: { scope: 'a', below: true } })],
    [
      'a role at a destination that has no place',
      { ...withRule({ at: 'destination', to: 'nowhere' }), destinations: { nowhere: {}, ...CLOUD.destinations } },
    ],
    ['no binding', withRule({ bind: [] })],
    ['a binding that is none', withRule({ bind: ['args.host_name = node'] })],
    ['a binding to a role', withRule({ bind: ['args.host_name == roles'] })],
    ['a binding of a field that the message has not', withRule({ bind: ['args.hostname == node'] })],
    ['a binding of the prefix of a field', withRule({ bind: ['args == node'] })],
    ['a binding of a field with a dot in its name', withRule({ bind: ['"args.host_name" == node'] })],
    ['a binding of a field that some of the messages have not', withRule({ send: ['rpc.*'] })],
    ['a rule that denies with a binding', withRule({ deny: ['compute'] }, ['allow'])],
  ])('refuses %s', (_, changes) => {
    const { hint } = expectCode('ERR_POLICY_INVALID', () => read(changes))
    expect(hint).toBeDefined()
  })

  it.each(Object.keys(CLOUD))('refuses a policy without %s', (key) => {
    expectCode('ERR_POLICY_INVALID', () => read({ [key]: undefined as never }))
  })

  it.each(['', 'null', '[]', '"allow"', '{', '{"version":1', 'version: 1\nversion: 1', 'a: &a 1\nb: *a', '\u0000'])(
    'refuses the text %j',
    (text) => {
      expectCode('ERR_POLICY_INVALID', () => parsePolicy(text))
    },
  )

  it('refuses a policy in YAML that is too long as a limit', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parsePolicy(`version: 1 #${' '.repeat(300_000)}`))
  })

  it('refuses more rules than it says', () => {
    const rules = Array.from({ length: 100_001 }, () => 0)
    expectCode('ERR_POLICY_INVALID', () => read({ rules }))
  })

  it('ID-19: takes nothing that every object has for a declared name', () => {
    const rule = '{"name":"a","allow":["compute"],"send":"notify.a","to":"scheduler","__proto__":{"bind":[]}}'
    const text = JSON.stringify(CLOUD).replace(JSON.stringify(RULE), rule)
    expect(text).toContain('__proto__')
    expectCode('ERR_POLICY_INVALID', () => parsePolicy(text))
    const messages = JSON.parse('{"__proto__":["a"],"constructor":["b"]}') as Part
    const policy = read({ messages, rules: [{ name: 'r', allow: 'api', send: '__proto__', to: '*' }] })
    expect(policy.kindOf('__proto__')?.fields).toEqual(['a'])
    expect(policy.kindOf('toString')).toBeUndefined()
    expect(policy.destinationOf('constructor')).toBeUndefined()
    expect(policy.destinationOf('__proto__')).toBeUndefined()
  })
})

describe('parsePolicy: many rules', () => {
  it.each<[string, (index: number) => string]>([
    // Once this took the square of their number: a minute.
    ['of one type', () => 'rpc.conductor.ping'],
    ['of one pattern', () => 'rpc.*'],
    ['of a type each', (index) => `notify.x${index}`],
  ])('reads 100,000 of them %s', { timeout: 60_000 }, (_, type) => {
    const rules = Array.from({ length: 100_000 }, (__, index) => ({
      name: `r${index}`,
      allow: 'compute',
      send: type(index),
      to: '*',
    }))
    const policy = read({ rules })
    const { all } = policy.document.destinations
    const [first] = all
    expect(policy.document.rules).toHaveLength(100_000)
    expect(first === undefined ? undefined : policy.rulesFor(type(7), first).at(-1)?.name).toBe(
      type(7) === type(8) ? 'r99999' : 'r7',
    )
  })
})
