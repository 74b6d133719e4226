/**
 * Policies, questions and cases with a hostile text wherever one may be.
 *
 * @module test/hostile/calls/policies
 */
import {
  findWider,
  isBound,
  lintPolicy,
  matrixHtml,
  matrixOf,
  parseBinding,
  parsePolicy,
  TypePattern,
} from '../../../src/policy/index.js'
import { senders } from '../world.js'

const { identity } = senders[0]

/** A policy that has the text wherever one may be. */
export function inPolicy(text: string): string {
  const rule = { name: text, allow: [text, 'a'], send: [text, 'a.*'], to: [text, 'b'], bind: `${text} == node` }
  return JSON.stringify({
    version: 1,
    roles: ['a', text],
    messages: { 'a.*': ['f', text], [text]: [] },
    destinations: { b: { receivers: ['a'], scope: text }, [text]: {} },
    rules: [rule, { name: 'b', deny: '*', send: text, to: '*' }],
  })
}

/** Read a policy, and ask it everything. */
export function askPolicy(text: string): unknown {
  const policy = parsePolicy(text)
  policy.decide({ sender: identity, type: text, destination: text, scope: text, content: { f: text } })
  return [lintPolicy(policy), matrixHtml(matrixOf(policy), text), findWider(policy, policy)]
}

export const smallPolicy = parsePolicy(
  JSON.stringify({
    version: 1,
    roles: ['a'],
    messages: { 'a.*': ['f'] },
    destinations: { 'b.{node}': { receivers: ['a'] } },
    rules: [{ name: 'r', allow: 'a', send: 'a.*', to: '*', at: 'destination', bind: 'f == node' }],
  }),
)

/** Cases that have the text wherever one may be. */
export function inCases(text: string): string {
  const one = { name: 'a', sender: { roles: ['a'] }, type: 'a.b', to: 'b.c', expect: 'deny' }
  const said = { type: text, to: text, content: text, rule: text }
  const sender = { roles: [text, `a@${text}`], service: text, node: text, scope: text, entity: text }
  return JSON.stringify({ version: 1, cases: [one, { ...one, ...said, name: text, scope: text, sender }] })
}

/** A question that has the text wherever one may be. */
export const decideFor = (text: string): unknown =>
  smallPolicy.decide({ sender: identity, type: text, destination: text, scope: text, content: text })

/** Two patterns that are made of a text. */
export const crossPatterns = (text: string): unknown => {
  const [a, b] = [new TypePattern(`${text}.*`), new TypePattern(`*.${text}`)]
  return [a.includes(b), a.overlaps(b), a.common(b)]
}

const bound = parseBinding('f == node')

/** Content that has the text as a key, and as what a field says. */
export const bindText = (text: string): unknown =>
  [text, { f: text }, { [text]: text }].map((content) => isBound(bound, content, identity))
