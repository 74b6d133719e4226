/**
 * Facts of a verified identity that a field of a message can be compared with.
 *
 * @module policy/fact (floor 6)
 */
import type { Identity } from '../identity/index.js'

const FACTS = {
  entity: (identity) => identity.entity,
  uri: (identity) => identity.uri,
  scope: (identity) => identity.scope,
  service: (identity) => identity.service,
  node: (identity) => identity.node,
} as const satisfies Record<string, (identity: Identity) => string>

export type Fact = keyof typeof FACTS

export const FACT_NAMES = Object.keys(FACTS) as readonly Fact[]

export function isFact(text: string): text is Fact {
  return Object.hasOwn(FACTS, text)
}

export function factOf(fact: Fact, identity: Identity): string {
  return FACTS[fact](identity)
}
