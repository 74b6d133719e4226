import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAlways, type Policy, TypePattern, type Ways, waysOf } from '../../src/policy/index.js'
import { piecesOf } from '../../src/policy/reach.js'
import { expectCode } from '../support/expect-code.js'
import { boundContent, isAllowed, policyOf, questions, ROLES, senderOf, TYPES, written } from './arbitrary.js'
import { type Part, read } from './policies.js'

function ways(role: string, type: string, destination: string, policy: Policy = read()): Ways | undefined {
  const kind = policy.document.messages.find(({ pattern }) => pattern.text === type)
  const place = policy.document.destinations.named(destination)
  return kind === undefined || place === undefined ? undefined : waysOf(policy, new Set([role]), kind, place)
}

const PING = 'rpc.conductor.ping'
const pinging = (...rules: readonly Part[]): Policy =>
  read({ rules: rules.map((rule, index) => ({ name: `r${index}`, send: PING, to: 'conductor', ...rule })) })

describe('waysOf', () => {
  it.each([
    ['compute', 'rpc.scheduler.update_instance_info', 'scheduler', [['args.host_name == node']]],
    ['compute', 'rpc.scheduler.update_instance_info', 'conductor', []],
    ['compute', 'notify.*', 'notifications', [['publisher_id == service:node']]],
    ['api', PING, 'conductor', [[]]],
    ['scheduler', PING, 'conductor', []],
    ['conductor', 'rpc.compute.live_migration', 'compute.{node}', [[]]],
    ['constructor', PING, 'conductor', []],
  ])('of %s for %s to %s', (role, type, destination, expected) => {
    expect(ways(role, type, destination)).toEqual(expected)
  })

  it.each<[string, Policy, Ways]>([
    ['two rules', pinging({ allow: 'api' }, { allow: 'api', at: { scope: 'a' } }), [[]]],
    ['a role elsewhere', pinging({ allow: 'api', at: { scope: 'a' } }), [['role api at a']]],
    [
      'a role at the destination, which says where that is',
      pinging({ allow: 'api', at: 'destination' }),
      [['role api at the destination (region-one)']],
    ],
    ['what everybody is denied', pinging({ allow: 'api' }, { deny: '*' }), []],
    ['what it is denied', pinging({ allow: 'api' }, { deny: 'api' }), []],
    ['what others are denied', pinging({ allow: 'api' }, { deny: 'compute' }), [[]]],
    ['what it is denied elsewhere', pinging({ allow: 'api' }, { deny: 'api', at: { scope: 'a' } }), [[]]],
    // Somebody may hold the role there and not at home.
    [
      'elsewhere what it is denied at home',
      pinging({ allow: 'api', at: { scope: 'a' } }, { deny: 'api' }),
      [['role api at a']],
    ],
    [
      'at the destination what it is denied there',
      pinging({ allow: 'api', at: 'destination' }, { deny: 'api', at: 'destination' }),
      [],
    ],
  ])('of %s', (_, policy, expected) => {
    expect(ways('api', PING, 'conductor', policy)).toEqual(expected)
  })

  it('of a kind are those of all its types, and of those that are denied none', () => {
    const rule = { to: 'notifications' }
    const notify = (...rules: readonly Part[]) =>
      ways(
        'api',
        'notify.*',
        'notifications',
        read({ rules: rules.map((one, i) => ({ name: `r${i}`, ...rule, ...one })) }),
      )
    const [some, all] = [{ send: 'notify.a' }, { send: 'notify.*' }]
    expect(notify({ allow: 'api', ...some })).toEqual([[]])
    expect(notify({ allow: 'api', ...all }, { deny: 'api', ...some })).toEqual([[]])
    expect(notify({ allow: 'api', ...some }, { deny: 'api', ...all })).toEqual([])
    expect(notify({ allow: 'api', ...some }, { deny: 'api', send: '*' })).toEqual([])
    expect(notify({ allow: 'api', send: 'notify.a.*' }, { deny: 'api', send: 'notify.*.b' })).toEqual([[]])
  })

  it('are never too few: what somebody with one role may send, has a way', () => {
    const anybody = fc.constantFrom(...ROLES).chain((role) => fc.tuple(fc.constant(role), senderOf([role])))
    let allowed = 0
    fc.assert(
      fc.property(written(), anybody, (text, [role, sender]) => {
        const policy = policyOf(text)
        for (const question of questions(sender, [undefined, boundContent(sender)])) {
          if (!isAllowed(policy, question)) continue
          allowed++
          const kinds = policy.document.messages.filter(({ pattern }) => pattern.matches(question.type))
          const place = policy.destinationOf(question.destination)
          if (place === undefined) throw new Error('allowed to nowhere')
          for (const kind of kinds) expect(waysOf(policy, new Set([role]), kind, place)).not.toEqual([])
        }
      }),
      { seed: 20261122, numRuns: 500 },
    )
    expect(allowed).toBeGreaterThan(1000)
  })

  it('are always only where a holder may without more', () => {
    let always = 0
    fc.assert(
      fc.property(written(), fc.constantFrom(...ROLES), senderOf([]), (text, role, nobody) => {
        const policy = policyOf(text)
        const sender = { ...nobody, roles: [role], grants: [role] }
        for (const question of questions(sender, [undefined])) {
          const kind = policy.document.messages.find(({ pattern }) => pattern.text === question.type)
          const place = policy.destinationOf(question.destination)
          if (kind === undefined || place === undefined) continue
          // What is denied in some place only is left to the decision.
          if (policy.rulesFor(question.type, place).some(({ effect }) => effect === 'deny')) continue
          if (!isAlways(waysOf(policy, new Set([role]), kind, place))) continue
          always++
          expect(isAllowed(policy, question)).toBe(true)
        }
      }),
      { seed: 20261122, numRuns: 500 },
    )
    expect(always).toBeGreaterThan(100)
  })
})

describe('piecesOf', () => {
  it('leaves a type whole', () => {
    const type = new TypePattern('notify.a')
    expect(piecesOf(type, [read()])).toEqual([type])
  })

  it('takes a pattern apart where patterns cross', () => {
    const messages = { '*': [] }
    const send = ['x.*', '*.a', 'x.b.c', '*.*.c']
    const policy = read({ messages, rules: [{ name: 'r', allow: 'api', send, to: '*' }] })
    const pieces = piecesOf(new TypePattern('x.*'), [policy]).map(({ text }) => text)
    expect([...pieces].sort()).toEqual(['x.*', 'x.*.c', 'x.a', 'x.b.c'])
  })

  it('tells all types apart that some rule tells apart', () => {
    fc.assert(
      fc.property(written(), (text) => {
        const policy = policyOf(text)
        const about = (type: string) =>
          policy.document.destinations.all.map((place) => policy.rulesFor(type, place).map(({ name }) => name))
        for (const { pattern } of policy.document.messages) {
          const pieces = piecesOf(pattern, [policy])
          for (const type of TYPES.filter((one) => pattern.matches(one))) {
            // The smallest piece that a type is of stands for it.
            const own = pieces.filter((piece) => piece.matches(type))
            const smallest = own.find((piece) => own.every((other) => other.includes(piece)))
            expect([type, about(smallest?.text ?? '')]).toEqual([type, about(type)])
          }
        }
      }),
      { seed: 20261122, numRuns: 300 },
    )
  })

  it('gives up where patterns cross too often', () => {
    const segments = Array.from({ length: 16 }, (_, index) => index)
    const send = segments.map((place) => segments.map((index) => (index === place ? 'a' : '*')).join('.'))
    const policy = read({ messages: { '*': [] }, rules: [{ name: 'r', allow: 'api', send, to: '*' }] })
    expectCode('ERR_LIMIT_EXCEEDED', () => piecesOf(new TypePattern('*'), [policy]))
    const [kind] = policy.document.messages
    const [place] = policy.document.destinations.all
    if (kind === undefined || place === undefined) throw new Error('there is nothing to ask for')
    expectCode('ERR_LIMIT_EXCEEDED', () => waysOf(policy, new Set(['api']), kind, place))
  })
})
