/**
 * Binding rules: what a message says about its sender must be what its certificate says (`args.host_name == node`).
 *
 * @module policy/binding (floor 6)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { jsonAt, type JsonValue } from '../json/index.js'

/** Facts of a verified identity that a field can be compared with. */
const FACTS = {
  entity: (identity) => identity.entity,
  uri: (identity) => identity.uri,
  scope: (identity) => identity.scope,
  service: (identity) => identity.service,
  node: (identity) => identity.node,
} as const satisfies Record<string, (identity: Identity) => string>

export interface Binding {
  /** As it was written. */
  readonly text: string
  /** Dotted path of a field in the JSON content. */
  readonly field: string
  /** The text that the field must be for this identity. */
  readonly wanted: (identity: Identity) => string
}

/**
 * Parse a binding rule: a field, `==`, and one fact of the signer or two joined by a colon.
 *
 * `publisher_id == service:node` says that the content's `publisher_id` is the signer's service, a colon, and its
 * node. Facts: entity, uri, scope, service, node.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseBinding(text: string): Binding {
  const match = /^\s*([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\s*==\s*([a-z]+(?::[a-z]+)*)\s*$/.exec(text)
  const [field, facts] = [match?.[1], match?.[2]?.split(':')]
  const unknown = facts?.find((fact) => !Object.hasOwn(FACTS, fact))
  if (field === undefined || facts === undefined || unknown !== undefined) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a binding rule: ${JSON.stringify(text)}`, {
      hint: `write FIELD == FACT, where a fact is one of ${Object.keys(FACTS).join(', ')}, or two joined by a colon`,
    })
  }
  const wanted = (identity: Identity): string =>
    facts.map((fact) => FACTS[fact as keyof typeof FACTS](identity)).join(':')
  return { text: `${field} == ${facts.join(':')}`, field, wanted }
}

/**
 * Check the content of a verified message against binding rules. A field that is missing, or is no text, breaks its
 * rule.
 *
 * @throws {@link DeniedError} `ERR_MESSAGE_BINDING`
 */
export function checkBindings(content: JsonValue, identity: Identity, bindings: readonly Binding[]): void {
  for (const { text, field, wanted } of bindings) {
    const found = jsonAt(content, field)
    if (found !== wanted(identity)) {
      throw new DeniedError(
        'ERR_MESSAGE_BINDING',
        `the message's ${field} is not that of its signer ${identity.entity}`,
        {
          details: { rule: text, field, found: JSON.stringify(found ?? null).slice(0, 200), wanted: wanted(identity) },
          hint: 'the message claims to be from somebody else',
        },
      )
    }
  }
}
