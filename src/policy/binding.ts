/**
 * Binding rules: what a message says about its sender must be what its certificate says (`args.host_name == node`).
 *
 * @module policy/binding (floor 6)
 */
import { DeniedError, UsageError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { formatJsonPath, jsonAt, type JsonPath, type JsonValue, parseJsonPath } from '../json/index.js'
import { type Fact, FACT_NAMES, factOf, isFact } from './fact.js'

export interface Binding {
  /** In its one form. */
  readonly text: string
  /** The field in the JSON content. */
  readonly field: JsonPath
  /** The text that the field must be for this identity. */
  readonly wanted: (identity: Identity) => string
}

/**
 * Parse a binding rule: a field, `==`, and one fact of the signer or several joined by colons.
 *
 * `publisher_id == service:node` says that the content's `publisher_id` is the signer's service, a colon, and its
 * node. Facts: entity, uri, scope, service, node; `signer.` may stand before the first.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`
 */
export function parseBinding(text: string): Binding {
  const match = /^\s*(\S+?)\s*==\s*(?:signer\.)?([a-z]+(?::[a-z]+)*)\s*$/.exec(text)
  const [path, words] = [match?.[1], match?.[2]?.split(':')]
  if (path === undefined || words === undefined || !words.every(isFact)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a binding rule: ${JSON.stringify(text)}`, {
      hint: `write FIELD == FACT, where a fact is one of ${FACT_NAMES.join(', ')}, or several joined by colons`,
    })
  }
  return bindingTo(parseJsonPath(path), words)
}

/** The binding of a field to facts that are joined by colons. */
export function bindingTo(field: JsonPath, facts: readonly Fact[]): Binding {
  const wanted = (identity: Identity): string => facts.map((fact) => factOf(fact, identity)).join(':')
  return { text: `${formatJsonPath(field)} == ${facts.join(':')}`, field, wanted }
}

/** Whether the content of a message is as a binding wants it. A field that is missing, or is no text, breaks its rule. */
export function isBound({ field, wanted }: Binding, content: JsonValue, identity: Identity): boolean {
  return jsonAt(content, field) === wanted(identity)
}

/**
 * Check the content of a verified message against binding rules.
 *
 * @throws {@link DeniedError} `ERR_MESSAGE_BINDING`
 */
export function checkBindings(content: JsonValue, identity: Identity, bindings: readonly Binding[]): void {
  for (const binding of bindings) {
    if (isBound(binding, content, identity)) continue
    const field = formatJsonPath(binding.field)
    const found = JSON.stringify(jsonAt(content, binding.field) ?? null).slice(0, 200)
    throw new DeniedError(
      'ERR_MESSAGE_BINDING',
      `the message's ${field} is not that of its signer ${identity.entity}`,
      {
        details: { rule: binding.text, field, found, wanted: binding.wanted(identity) },
        hint: 'the message claims to be from somebody else',
      },
    )
  }
}
