/**
 * The checks of OpenStack's oslo.policy as a tree, and how oslo.policy prints them.
 *
 * @module oslo/check (floor 5)
 */

/** Why a text is a check that denies. */
export type OsloFault =
  /** There are only spaces, which is no empty rule. */
  | 'blank'
  /** One check has no colon, and is neither `@` nor `!`. */
  | 'no-colon'
  /** A quoted text stands where a check belongs. */
  | 'quoted'
  /** Parentheses do not pair. */
  | 'parenthesis'
  /** Checks and operators do not alternate. */
  | 'operator'
  /** A rule in the form of lists has no check. */
  | 'no-check'

/** One rule, or a part of one. */
export type OsloCheck =
  /** `@`; or an empty rule, which allows as well. */
  | { readonly kind: 'true'; readonly why?: 'empty' }
  /** `!`; or what could not be read. */
  | { readonly kind: 'false'; readonly why?: OsloFault; readonly text?: string }
  | { readonly kind: 'and' | 'or'; readonly of: readonly OsloCheck[] }
  | { readonly kind: 'not'; readonly of: OsloCheck }
  /** `role:MATCH`: one of the caller's roles is MATCH, a template. */
  | { readonly kind: 'role'; readonly match: string }
  /** `rule:NAME`: what another rule says. */
  | { readonly kind: 'rule'; readonly name: string }
  /** `http:…` and `https:…`: what a server says. Never asked by us. */
  | { readonly kind: 'http'; readonly scheme: 'http' | 'https'; readonly match: string }
  /** `LEFT:RIGHT`: a literal or a credential as text equals RIGHT, a template. */
  | { readonly kind: 'generic'; readonly left: string; readonly right: string }

/** How deep checks may be nested, and how deep rules may lead to each other when they are asked. */
export const MAX_OSLO_DEPTH = 400

/** The text that oslo.policy prints for a rule: one form for all ways to write it. What could not be read is `!`. */
export function formatOsloRule(check: OsloCheck): string {
  switch (check.kind) {
    case 'true':
      return '@'
    case 'false':
      return '!'
    case 'and':
    case 'or':
      return `(${check.of.map(formatOsloRule).join(` ${check.kind} `)})`
    case 'not':
      return `not ${formatOsloRule(check.of)}`
    case 'role':
      return `role:${check.match}`
    case 'rule':
      return `rule:${check.name}`
    case 'http':
      return `${check.scheme}:${check.match}`
    case 'generic':
      return `${check.left}:${check.right}`
  }
}

/** A check and all those within it. */
export function* checksWithin(check: OsloCheck): Generator<OsloCheck> {
  const open = [check]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    for (const one of partsOf(next).toReversed()) open.push(one)
  }
}

/** The checks directly below one. */
export function partsOf(check: OsloCheck): readonly OsloCheck[] {
  if (check.kind === 'not') return [check.of]
  return check.kind === 'and' || check.kind === 'or' ? check.of : []
}
