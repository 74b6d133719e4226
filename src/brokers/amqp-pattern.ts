/**
 * Patterns of addresses in the words of RabbitMQ: binding keys of topic exchanges, and regular expressions over routing
 * keys and over the text of binding keys.
 *
 * The expressions are PCRE, which RabbitMQ searches anywhere in a text, and in topic permissions fills in `{username}`
 * and its like first: they are anchored, with `\z` because `$` would let a line feed follow, and have no braces.
 *
 * @module brokers/amqp-pattern (floor 7.1)
 */
import {
  type AddressPattern,
  type AddressSegment,
  compareTexts,
  patternText,
  SEGMENT_CHARACTERS,
} from './permissions.js'

/** Matches nothing. An empty expression would be taken for one that matches the empty text. */
export const NOTHING = '(?!)'

/** The binding key that takes exactly the addresses of a pattern: `#` alone would also take none of the segments. */
export function bindingKey(pattern: AddressPattern): string {
  return patternText(pattern, '.', '*', '*.#')
}

/** Exactly the routing keys that are addresses of one of the patterns. */
export function routingKeyExpression(patterns: readonly AddressPattern[]): string {
  const one = `${SEGMENT_CHARACTERS}+`
  return anchored(patterns.map((pattern) => expression(pattern, one, `${one}(?:\\.${one})*`)))
}

/**
 * The texts of binding keys that take nothing beyond one of the patterns: a wildcard only where the pattern has one, and
 * `#` only at the end of one for all the rest.
 */
export function bindingKeyExpression(patterns: readonly AddressPattern[]): string {
  const one = `(?:\\*|${SEGMENT_CHARACTERS}+)`
  return anchored(patterns.map((pattern) => expression(pattern, one, `${one}(?:\\.${one})*(?:\\.#)?`)))
}

/** One of some names, and nothing else. A name is literal, or an expression that begins with one. */
export function nameExpression(names: readonly string[]): string {
  return anchored(names)
}

/** A literal text in an expression. */
export function literal(text: string): string {
  return text.replaceAll('.', '\\.')
}

function expression(pattern: AddressPattern, one: string, rest: string): string {
  const segment = (part: AddressSegment): string =>
    typeof part === 'string' ? literal(part) : part.any === 'one' ? one : rest
  return pattern.map(segment).join('\\.')
}

function anchored(alternatives: readonly string[]): string {
  if (alternatives.length === 0) return NOTHING
  return `\\A(?:${[...new Set(alternatives)].sort(compareTexts).join('|')})\\z`
}
