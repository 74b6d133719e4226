/**
 * Any policy of a small universe, any sender, and any question, for properties that hold of all.
 */
import fc from 'fast-check'
import type { Identity } from '../../src/identity/index.js'
import type { JsonValue } from '../../src/json/index.js'
import { parsePolicy, type Policy, type PolicyQuestion, TypePattern } from '../../src/policy/index.js'
import { type Part, somebody } from './policies.js'

export const ROLES = ['red', 'green', 'blue'] as const
export const TYPES = ['x.a', 'x.b', 'x.q', 'x.q.c', 'x.a.c', 'x.a.c.d', 'y:z', 'y.z', 'y:a', 'w'] as const
/** Names at which messages arrive; the last is nowhere. */
export const PLACES = ['s', 't.n1', 't.n2', 't.u.n3', 'u', 'nowhere'] as const
const PATTERNS = ['*', 'x.*', 'x.*.c', '*.a', 'y:*', 'x.q.*', ...TYPES]
const KINDS = ['x.*', '*', 'x.a', 'y:z', 'x.*.c', 'y:*', 'x.q.c']
const SCOPES = ['', 'r1', 'r1/x', 'r2']

const some = <T>(items: readonly T[], minLength = 1): fc.Arbitrary<T[]> => fc.subarray([...items], { minLength })

/** A rule as it is written. */
export interface WrittenRule {
  readonly allow?: JsonValue
  readonly deny?: JsonValue
  readonly send: readonly string[]
  readonly to: JsonValue
  readonly at: JsonValue
  readonly bind?: readonly string[]
}

/** A policy as it is written, before its rules have names. */
export interface Written {
  readonly messages: readonly string[]
  readonly destinations: Readonly<Record<string, Part>>
  readonly rules: readonly WrittenRule[]
}

const at: fc.Arbitrary<JsonValue> = fc.oneof(
  { arbitrary: fc.constant<JsonValue>('home'), weight: 3 },
  { arbitrary: fc.constant<JsonValue>('destination'), weight: 1 },
  { arbitrary: fc.constantFrom(...SCOPES).map((scope): JsonValue => ({ scope })), weight: 1 },
)
const names = ['s', 't.{node}', 't.n1', 't.u.{node}', 'u'] as const
const to: fc.Arbitrary<JsonValue> = fc.oneof(fc.constant<JsonValue>('*'), some(names))
const about = { send: fc.subarray(PATTERNS, { minLength: 1, maxLength: 3 }), to, at }
const bindings = some(['f == node', 'g == service:node'], 0)

export const allowRule: fc.Arbitrary<WrittenRule> = fc
  .record({ allow: some(ROLES), bind: bindings, ...about })
  .map(({ bind, ...rule }) => (bind.length === 0 ? rule : { ...rule, bind }))
export const denyRule: fc.Arbitrary<WrittenRule> = fc.oneof(
  fc.record({ deny: some(ROLES), ...about }),
  fc.record({ ...about, deny: fc.constant('*'), at: fc.constant('home') }),
)

const destination = fc.oneof(
  fc.constant<Part>({ receivers: ['red'] }),
  fc.constantFrom(...SCOPES).map((scope): Part => ({ receivers: ['red'], scope })),
)
const destinations = fc
  .tuple(some(names), fc.tuple(...names.map(() => destination)))
  .map(([declared, parts]) => Object.fromEntries(declared.map((name, index) => [name, parts[index] ?? {}])))

/** @param rules - What its rules are made of. */
export function written(
  rules: fc.Arbitrary<WrittenRule> = fc.oneof(allowRule, allowRule, denyRule),
): fc.Arbitrary<Written> {
  return fc.record({ messages: some(KINDS), destinations, rules: fc.array(rules, { minLength: 1, maxLength: 5 }) })
}

/** Read a policy, without what would be refused: types and destinations that it does not declare. */
export function policyOf({ messages, destinations: declared, rules }: Written): Policy {
  const kinds = messages.map((kind) => new TypePattern(kind))
  const whole = rules.flatMap((rule, index): readonly Part[] => {
    const send = rule.send.filter((type) => kinds.some((kind) => kind.overlaps(new TypePattern(type))))
    const places =
      rule.to === '*' ? rule.to : (rule.to as readonly string[]).filter((name) => Object.hasOwn(declared, name))
    return send.length === 0 || places.length === 0 ? [] : [{ ...rule, name: `r${index}`, send, to: places }]
  })
  const [first = 'x.a'] = messages
  // One more that never decides anything for anybody whom nothing else concerns: there must be one.
  const nothing: Part = { name: 'nothing', allow: ['nobody'], send: [first], to: '*' }
  return parsePolicy(
    JSON.stringify({
      version: 1,
      roles: [...ROLES, 'nobody'],
      messages: Object.fromEntries(messages.map((kind) => [kind, ['f', 'g']])),
      destinations: declared,
      rules: [...whole, nothing],
    }),
  )
}

const reaches = ['', '@r1', '@r1/*', '@r1/**', '@/**', '@r2'] as const

/** Somebody with some grants of these roles. */
export function senderOf(roles: readonly string[] = ROLES): fc.Arbitrary<Identity> {
  const grants = roles.flatMap((role) => reaches.map((reach) => role + reach))
  return fc
    .record({
      held: fc.subarray(grants, { maxLength: Math.min(3, grants.length) }),
      scope: fc.constantFrom(...SCOPES),
      node: fc.constantFrom('n1', 'n2'),
    })
    .map(({ held, scope, node }) => somebody(held, { scope, node, service: 'sv' }))
}

/** What a sender says of itself, if it says the truth. */
export function boundContent({ node, service }: Identity): JsonValue {
  return { f: node, g: `${service}:${node}` }
}

/** What a sender may say, the truth often among it. */
export const content: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.record(
    {
      f: fc.constantFrom<JsonValue>('n1', 'n2', 'sv:n1', null, ['n1'], { toString: 'n1' }),
      g: fc.constantFrom<JsonValue>('sv:n1', 'sv:n2', 'n1', 7),
      roles: fc.constant([...ROLES]),
      sender: fc.constant({ roles: [...ROLES], node: 'n1' }),
      node: fc.constantFrom('n1', 'n2'),
      scope: fc.constantFrom(...SCOPES),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<JsonValue>,
  fc.jsonValue().map((value) => value as JsonValue),
)

/** Every question of the universe that a sender may raise with some contents; `undefined` is none. */
export function questions(sender: Identity, contents: readonly (JsonValue | undefined)[]): readonly PolicyQuestion[] {
  return TYPES.flatMap((type) =>
    PLACES.flatMap((place) =>
      [undefined, 'r1', 'r1/x'].flatMap((scope) =>
        contents.map((said) => ({
          sender,
          type,
          destination: place,
          ...(scope === undefined ? {} : { scope }),
          ...(said === undefined ? {} : { content: said }),
        })),
      ),
    ),
  )
}

export function isAllowed(policy: Policy, question: PolicyQuestion): boolean {
  return policy.decide(question).outcome === 'allowed'
}

/** Questions that a policy allows and another one does not. */
export function allowedBeyond(policy: Policy, other: Policy, senders: readonly Identity[]): readonly string[] {
  return senders.flatMap((sender) =>
    questions(sender, [undefined, boundContent(sender), { f: sender.node }])
      .filter((question) => isAllowed(policy, question) && !isAllowed(other, question))
      .map(({ type, destination, scope }) => `${sender.grants.join(' ')}: ${type} to ${destination} in ${scope}`),
  )
}
