import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonValue } from '../../src/json/index.js'
import { type Decision, type PolicyQuestion, why } from '../../src/policy/index.js'
import { expectCode } from '../support/expect-code.js'
import {
  allowedBeyond,
  allowRule,
  boundContent,
  content,
  denyRule,
  isAllowed,
  policyOf,
  questions,
  senderOf,
  written,
} from './arbitrary.js'
import { ask, CLOUD, read, ROLES, somebody } from './policies.js'

const compute = somebody(['compute'])
const REPORT = 'rpc.scheduler.update_instance_info'
const mine = { args: { host_name: 'compute-07' } }

describe('decide', () => {
  it('names the rule that allows, and every check of it', () => {
    expect(ask(compute, REPORT, 'scheduler', { content: mine })).toEqual({
      outcome: 'allowed',
      because: 'rule',
      rule: 'compute-reports-itself',
      considered: [
        {
          rule: 'compute-reports-itself',
          effect: 'allow',
          held: true,
          checks: [
            { check: 'role compute', held: true },
            { check: 'args.host_name == node', held: true },
          ],
        },
      ],
    })
  })

  it.each<[string, Decision['because'], string, PolicyQuestion]>([
    [
      'an unknown type',
      'unknown-type',
      'the policy knows no such message',
      { sender: compute, type: 'rpc.scheduler.destroy', destination: 'scheduler' },
    ],
    [
      'a pattern instead of a type',
      'unknown-type',
      'the policy knows no such message',
      { sender: compute, type: 'notify.*', destination: 'notifications' },
    ],
    [
      'a type that is none',
      'unknown-type',
      'the policy knows no such message',
      { sender: compute, type: 'notify.a b', destination: 'notifications' },
    ],
    [
      'an unknown destination',
      'unknown-destination',
      'the policy knows no such destination',
      { sender: compute, type: REPORT, destination: 'schedular', content: mine },
    ],
    [
      'a declared name instead of a destination',
      'unknown-destination',
      'the policy knows no such destination',
      { sender: somebody(['conductor']), type: 'rpc.compute.live_migration', destination: 'compute.{node}' },
    ],
    [
      'a type for another destination',
      'unmatched',
      'no rule is about it',
      { sender: compute, type: REPORT, destination: 'notifications', content: mine },
    ],
    [
      'another role',
      'unmatched',
      'no rule allows it',
      { sender: somebody(['api']), type: REPORT, destination: 'scheduler', content: mine },
    ],
    [
      'nobody in particular',
      'unmatched',
      'no rule allows it',
      { sender: somebody([]), type: REPORT, destination: 'scheduler', content: mine },
    ],
    [
      'a role held elsewhere',
      'unmatched',
      'no rule allows it',
      { sender: somebody(['compute@region-one/**']), type: REPORT, destination: 'scheduler', content: mine },
    ],
    [
      'a service that is called like the role',
      'unmatched',
      'no rule allows it',
      { sender: somebody([], { service: 'compute', node: 'compute' }), type: REPORT, destination: 'scheduler' },
    ],
  ])('denies %s', (_, because, words, question) => {
    const decision = read().decide(question)
    expect(decision).toMatchObject({ outcome: 'denied', because, rule: undefined })
    expect(why(decision)).toBe(words)
  })

  it('denies what another rule denies, and names that', () => {
    const policy = read({ rules: [...CLOUD.rules, { name: 'no-reports', deny: '*', send: REPORT, to: '*' }] })
    const decision = ask(compute, REPORT, 'scheduler', { content: mine }, policy)
    expect(decision).toMatchObject({ outcome: 'denied', because: 'rule', rule: 'no-reports' })
    expect(decision.considered.map(({ held }) => held)).toEqual([true, true])
    expect(why(decision)).toBe('the rule no-reports denies it')
  })

  it('names the first rule of the file, exact or not', () => {
    const [rule] = CLOUD.rules.slice(2)
    const [open, exact] = [
      { ...rule, name: 'open', send: 'rpc.conductor.*' },
      { ...rule, name: 'exact' },
    ]
    for (const rules of [
      [open, exact],
      [exact, open],
    ]) {
      const decision = ask(compute, 'rpc.conductor.ping', 'conductor', {}, read({ rules }))
      expect(decision.rule).toBe(rules[0]?.name)
      expect(decision.considered.map(({ rule: name }) => name)).toEqual(rules.map(({ name }) => name))
    }
  })

  describe('at the destination', () => {
    const rule = { name: 'there', send: 'rpc.conductor.ping', to: ['conductor', 'scheduler'], at: 'destination' }
    const allow = read({ rules: [{ ...rule, allow: 'api' }] })
    const deny = read({
      rules: [
        { ...rule, deny: 'api' },
        { ...rule, name: 'all', allow: [...ROLES], at: 'home' },
      ],
    })
    const api = (grant: string) => somebody(['compute', grant], { scope: 'region-two' })

    it.each([
      ['api@region-one', 'conductor', undefined, 'allowed', 'denied'],
      ['api@region-two', 'conductor', undefined, 'denied', 'allowed'],
      // The scope of the receiver is what counts, if it says one.
      ['api@region-one', 'conductor', 'region-two', 'denied', 'allowed'],
      ['api@region-two', 'conductor', 'region-two', 'allowed', 'denied'],
      ['api@region-one', 'scheduler', 'region-one', 'allowed', 'denied'],
      // Where it is not known, it allows nothing, and is denied.
      ['api@region-one', 'scheduler', undefined, 'denied', 'denied'],
      ['api@/**', 'scheduler', undefined, 'denied', 'denied'],
    ])('%s to %s in %s: %s if it allows, %s if it denies', (grant, to, scope, allowed, denied) => {
      const more = scope === undefined ? {} : { scope }
      expect(ask(api(grant), 'rpc.conductor.ping', to, more, allow).outcome).toBe(allowed)
      expect(ask(api(grant), 'rpc.conductor.ping', to, more, deny).outcome).toBe(denied)
    })
  })

  it('forgets what it looked up before that fills the memory, and decides the same', () => {
    const policy = read()
    const content = { publisher_id: 'nova-compute:compute-07' }
    const outcomes = (type: string) => [
      ask(compute, type, 'notifications', { content }, policy).outcome,
      ask(somebody(['api']), type, 'notifications', { content }, policy).outcome,
    ]
    for (let index = 0; index < 40_000; index++) {
      if (index % 5000 === 0) expect(outcomes(`notify.instance.x${index}`)).toEqual(['allowed', 'denied'])
      else policy.readsContent(`notify.instance.x${index}`, 'notifications')
    }
    expect(outcomes('notify.instance.x1')).toEqual(['allowed', 'denied'])
  })

  it('does not mix up types and destinations that read the same together', () => {
    const policy = read({
      messages: { 'a.b': [], a: [] },
      destinations: { c: null, 'b.c': null },
      rules: [{ name: 'r', allow: 'api', send: 'a.b', to: 'c' }],
    })
    const api = somebody(['api'])
    expect(ask(api, 'a.b', 'c', {}, policy).outcome).toBe('allowed')
    for (const [type, to] of [
      ['a', 'b.c'],
      ['a', 'c'],
      ['a.b', 'b.c'],
      ['a.b c', 'c'],
      ['a', 'b c'],
    ] as const) {
      expect(ask(api, type, to, {}, policy).outcome).toBe('denied')
    }
  })
})

describe('readsContent', () => {
  it.each([
    [REPORT, 'scheduler', true],
    ['notify.instance.create', 'notifications', true],
    ['notify.volume.create', 'notifications', false],
    ['rpc.conductor.ping', 'conductor', false],
    [REPORT, 'conductor', false],
    ['unknown', 'scheduler', false],
    [REPORT, 'nowhere', false],
  ])('of %s to %s: %s', (type, to, reads) => {
    expect(read().readsContent(type, to)).toBe(reads)
  })

  it('is no question about types that there are not, though a rule would be about them', () => {
    const rules = [{ name: 'r', allow: 'api', send: '*', to: '*', bind: 'f == node' }]
    const policy = read({ rules, messages: { a: ['f'] } })
    expect(policy.readsContent('a', 'scheduler')).toBe(true)
    expect(policy.readsContent('b', 'scheduler')).toBe(false)
  })
})

describe('authorize', () => {
  it('hands the decision back', () => {
    const question = { sender: compute, type: REPORT, destination: 'scheduler', content: mine }
    expect(read().authorize(question)).toEqual(read().decide(question))
  })

  it('says who may not do what, and which checks failed', () => {
    const question = { sender: compute, type: REPORT, destination: 'scheduler' }
    const { details, message, hint, exitCode } = expectCode('ERR_POLICY_DENIED', () => read().authorize(question))
    expect(message).toBe(`compute-07 may not send ${REPORT} to scheduler: no rule allows it`)
    expect(details).toEqual({
      signer: compute.uri,
      roles: 'compute',
      type: REPORT,
      destination: 'scheduler',
      because: 'unmatched',
      'rule compute-reports-itself': 'does not hold: args.host_name == node',
    })
    expect([exitCode, hint]).toEqual([5, 'signet policy explain tells which rules were asked'])
  })

  it('names the rule that denies', () => {
    const policy = read({ rules: [{ name: 'no', deny: 'compute', send: '*', to: '*' }] })
    const { details } = expectCode('ERR_POLICY_DENIED', () =>
      policy.authorize({ sender: compute, type: REPORT, destination: 'scheduler' }),
    )
    expect(details).toMatchObject({ because: 'rule', rule: 'no' })
  })

  it('tells of a few rules at most', () => {
    const rules = Array.from({ length: 50 }, (_, index) => ({ ...CLOUD.rules[0], name: `r${index}` }))
    const { details } = expectCode('ERR_POLICY_DENIED', () =>
      read({ rules }).authorize({ sender: compute, type: REPORT, destination: 'scheduler' }),
    )
    expect(Object.keys(details).filter((name) => name.startsWith('rule '))).toHaveLength(8)
  })
})

describe('the cloud', () => {
  const allowedTo = (type: string, destination: string, said?: JsonValue): readonly string[] =>
    ROLES.filter(
      (role) =>
        ask(somebody([role]), type, destination, said === undefined ? {} : { content: said }).outcome === 'allowed',
    )

  it('requirement 13: who sends what where is decided by role, destination and type together', () => {
    expect(allowedTo('rpc.conductor.ping', 'conductor')).toEqual(['compute', 'api'])
    expect(allowedTo('rpc.conductor.ping', 'scheduler')).toEqual([])
    expect(allowedTo('rpc.compute.live_migration', 'conductor')).toEqual([])
  })

  it('requirement 27: compute has its few types, and nothing else', () => {
    const types = [...Object.keys(CLOUD.messages), 'notify.instance.create', 'notify.volume.create', 'rpc.other']
    const places = ['scheduler', 'conductor', 'compute.compute-07', 'compute.compute-08', 'notifications', 'other']
    const content = { ...mine, publisher_id: 'nova-compute:compute-07' }
    const may = types.flatMap((type) =>
      places
        .filter((place) => ask(compute, type, place, { content }).outcome === 'allowed')
        .map((place) => `${type} to ${place}`),
    )
    expect(may).toEqual([
      `${REPORT} to scheduler`,
      'rpc.conductor.ping to conductor',
      'notify.instance.create to notifications',
    ])
  })

  it('requirement 28: only scheduler and conductor have a machine boot something', () => {
    expect(allowedTo('rpc.compute.build_and_run_instance', 'compute.c7')).toEqual(['conductor', 'scheduler'])
  })

  it('requirement 37: the node that a message names is the one that signed it', () => {
    const said = (host: JsonValue) => ask(compute, REPORT, 'scheduler', { content: { args: { host_name: host } } })
    expect(said('compute-07').outcome).toBe('allowed')
    for (const host of [
      'compute-08',
      'Compute-07',
      'compute-07 ',
      '',
      null,
      7,
      ['compute-07'],
      { node: 'compute-07' },
    ]) {
      expect(said(host).outcome).toBe('denied')
    }
    expect(ask(compute, REPORT, 'scheduler').outcome).toBe('denied')
  })

  it('requirement 40: nobody but the conductor moves a machine', () => {
    expect(allowedTo('rpc.compute.live_migration', 'compute.c8', { args: { dest: 'c9' } })).toEqual(['conductor'])
  })
})

describe('whatever the policy', () => {
  const PARAMETERS = { seed: 20261122, numRuns: 300 }

  it('requirement 39: no field of a message allows more than what its sender truly is', () => {
    fc.assert(
      fc.property(written(), senderOf(), fc.array(content, { minLength: 1, maxLength: 4 }), (text, sender, said) => {
        const policy = policyOf(text)
        const truth = boundContent(sender)
        for (const question of questions(sender, [undefined, ...said])) {
          if (isAllowed(policy, question)) expect(isAllowed(policy, { ...question, content: truth })).toBe(true)
        }
      }),
      PARAMETERS,
    )
  })

  it('requirement 39: content that is missing allows nothing that any content would not', () => {
    fc.assert(
      fc.property(written(), senderOf(), content, (text, sender, said) => {
        const policy = policyOf(text)
        for (const question of questions(sender, [undefined])) {
          if (isAllowed(policy, question)) expect(isAllowed(policy, { ...question, content: said })).toBe(true)
        }
      }),
      PARAMETERS,
    )
  })

  it('a rule that denies, added, never allows more', () => {
    fc.assert(
      fc.property(written(), denyRule, senderOf(), (text, rule, sender) => {
        const more = policyOf({ ...text, rules: [...text.rules, rule] })
        expect(allowedBeyond(more, policyOf(text), [sender])).toEqual([])
      }),
      PARAMETERS,
    )
  })

  it('a rule that allows, taken away, never allows more', () => {
    fc.assert(
      fc.property(written(), allowRule, senderOf(), (text, rule, sender) => {
        const more = policyOf({ ...text, rules: [...text.rules, rule] })
        expect(allowedBeyond(policyOf(text), more, [sender])).toEqual([])
      }),
      PARAMETERS,
    )
  })

  it('the order of rules does not matter', () => {
    const shuffled = written().chain((text) =>
      fc.tuple(
        fc.constant(text),
        fc.shuffledSubarray([...text.rules], { minLength: text.rules.length, maxLength: text.rules.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, senderOf(), ([text, rules], sender) => {
        const [first, second] = [policyOf(text), policyOf({ ...text, rules })]
        expect(allowedBeyond(first, second, [sender])).toEqual([])
        expect(allowedBeyond(second, first, [sender])).toEqual([])
      }),
      PARAMETERS,
    )
  })

  it('without rules that deny, grants taken away from a sender never allow more', () => {
    const fewer = senderOf().chain((sender) => fc.tuple(fc.constant(sender), fc.subarray([...sender.grants])))
    fc.assert(
      fc.property(written(allowRule), fewer, (text, [sender, grants]) => {
        const policy = policyOf(text)
        const less = somebody(grants, sender)
        for (const question of questions(less, [undefined, boundContent(sender)])) {
          if (isAllowed(policy, question)) expect(isAllowed(policy, { ...question, sender })).toBe(true)
        }
      }),
      PARAMETERS,
    )
  })
})
