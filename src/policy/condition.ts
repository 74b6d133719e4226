/**
 * Conditions of rules, as trees: what must hold of a verified sender and of the message for a rule to decide.
 *
 * Roles and facts come from the verified identity only. A field of the message is never a role and never a fact: it can
 * only be compared with one.
 *
 * @module policy/condition (floor 6)
 */
import { type Identity, parseGrant, rolesAt } from '../identity/index.js'
import { formatJsonPath, jsonAt, type JsonPath, type JsonValue } from '../json/index.js'
import { type Binding, isBound } from './binding.js'
import { type Fact, factOf } from './fact.js'

/** Where a role must be held: in the sender's own scope, in that of the destination, or in a scope that is named. */
export type Place = { readonly kind: 'home' | 'destination' } | { readonly kind: 'scope'; readonly path: string }

export type Condition =
  | { readonly kind: 'constant'; readonly holds: boolean }
  | { readonly kind: 'role'; readonly role: string; readonly at: Place }
  | { readonly kind: 'fact'; readonly fact: Fact; readonly text: string }
  | ({ readonly kind: 'binding' } & Binding)
  | { readonly kind: 'field'; readonly field: JsonPath; readonly text: string }
  | { readonly kind: 'destination'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }

/** What a condition is asked about. */
export interface Subject {
  readonly identity: Identity
  /** Scope in which the message takes effect, where that is known. */
  readonly scope: string | undefined
  /** The name at which the message arrives, where that is known. */
  readonly destination: string | undefined
  /** The parsed content; `undefined` where it is not JSON or was not looked at: then no binding holds, nor its contrary. */
  readonly content: JsonValue | undefined
}

/**
 * Whether a condition holds, `undefined` where what it asks for is not known.
 *
 * What is not known is never taken for its contrary: `not` of it is not known either, so that leaving the content out
 * gives nobody more.
 */
export function holds(condition: Condition, subject: Subject): boolean | undefined {
  switch (condition.kind) {
    case 'constant':
      return condition.holds
    case 'role':
      return hasRole(condition, subject)
    case 'fact':
      return factOf(condition.fact, subject.identity) === condition.text
    case 'binding':
      return subject.content === undefined ? undefined : isBound(condition, subject.content, subject.identity)
    case 'field':
      return subject.content === undefined ? undefined : jsonAt(subject.content, condition.field) === condition.text
    case 'destination':
      return subject.destination === undefined ? undefined : subject.destination === condition.text
    case 'and':
    case 'or':
      return several(condition.kind === 'or', condition.of, subject)
    case 'not': {
      const inner = holds(condition.of, subject)
      return inner === undefined ? undefined : !inner
    }
  }
}

/** One that is `decisive` decides; else one that is not known leaves it open. */
function several(decisive: boolean, conditions: readonly Condition[], subject: Subject): boolean | undefined {
  let result: boolean | undefined = !decisive
  for (const condition of conditions) {
    const held = holds(condition, subject)
    if (held === decisive) return decisive
    if (held === undefined) result = undefined
  }
  return result
}

function hasRole(
  { role, at }: Extract<Condition, { kind: 'role' }>,
  { identity, scope }: Subject,
): boolean | undefined {
  if (at.kind === 'home') return identity.roles.includes(role)
  const path = at.kind === 'scope' ? at.path : scope
  if (path !== undefined) return heldAt(identity, path).has(role)
  // Who has it nowhere has it there, too: not.
  return identity.grants.some((grant) => parseGrant(grant, identity.scope).role === role) ? undefined : false
}

/** A signer's identity is one object for all of its messages, so its roles at a scope are worked out once. */
const heldRoles = new WeakMap<Identity, Map<string, ReadonlySet<string>>>()
/** Destinations come from messages, but scopes from configurations: there are few. */
const MAX_SCOPES = 256

function heldAt(identity: Identity, path: string): ReadonlySet<string> {
  const scopes = heldRoles.get(identity) ?? new Map<string, ReadonlySet<string>>()
  heldRoles.set(identity, scopes)
  let roles = scopes.get(path)
  if (roles === undefined) {
    roles = new Set(rolesAt(identity.grants, identity.scope, path))
    if (scopes.size < MAX_SCOPES) scopes.set(path, roles)
  }
  return roles
}

/** A condition for people. */
export function formatCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'constant':
      return condition.holds ? 'always' : 'never'
    case 'role':
      return `role ${condition.role}${formatPlace(condition.at)}`
    case 'fact':
      return `${condition.fact} is ${JSON.stringify(condition.text)}`
    case 'binding':
      return condition.text
    case 'field':
      return `${formatJsonPath(condition.field)} is ${JSON.stringify(condition.text)}`
    case 'destination':
      return `the destination is ${JSON.stringify(condition.text)}`
    case 'and':
    case 'or':
      return condition.of.length === 0
        ? formatCondition({ kind: 'constant', holds: condition.kind === 'and' })
        : `(${condition.of.map(formatCondition).join(` ${condition.kind} `)})`
    case 'not':
      return `not ${formatCondition(condition.of)}`
  }
}

export function formatPlace(at: Place): string {
  if (at.kind === 'scope') return ` at ${at.path || '/'}`
  return at.kind === 'home' ? '' : ' at the destination'
}

/** The roles that a condition asks for. */
export function rolesIn(condition: Condition): readonly string[] {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.of.flatMap(rolesIn)
  if (condition.kind === 'not') return rolesIn(condition.of)
  return condition.kind === 'role' ? [condition.role] : []
}

/** The smallest parts of a condition, with what each says of a subject: why it holds, or does not. */
export function checksOf(condition: Condition, subject: Subject): readonly Check[] {
  if (condition.kind === 'and' || condition.kind === 'or')
    return condition.of.flatMap((part) => checksOf(part, subject))
  if (condition.kind === 'not') return checksOf(condition.of, subject)
  return [{ check: formatCondition(condition), held: holds(condition, subject) ?? null }]
}

export interface Check {
  readonly check: string
  /** `null`: what it asks for is not known. */
  readonly held: boolean | null
}
