/**
 * Whom a destination means: an entity, everybody with a role, everybody in a scope, or whoever listens to a topic.
 *
 * ```
 * compute-07                        that entity (its identity URI means it, too)
 * role:compute_node                 everybody who has the role in their own scope
 * role:compute_node@region-one      everybody who has it at that scope
 * scope:region-one/nova             everybody who is in that scope, or below it
 * notifications                     a topic: whoever says that it is one of theirs
 * ```
 *
 * The sender signs the name. Any number of receivers verify the message, each for itself, and each learns who sent it: a
 * member of a group cannot speak as another.
 *
 * @module message/names (floor 7)
 */
import { type Identity, isBelow, isScopePath, isSegment, parentScope, rolesAt } from '../identity/index.js'
import { UsageError } from '../errors/index.js'

const ROLE = 'role:'
const SCOPE = 'scope:'

/** A destination for everybody who has a role: at a scope, or each in their own. */
export function roleDestination(role: string, scope?: string): string {
  if (!isSegment(role) || (scope !== undefined && !isScopePath(scope))) {
    throw new UsageError('ERR_CONFIG_INVALID', `not a role, or not a scope: ${role} ${scope ?? ''}`)
  }
  return `${ROLE}${role}${scope === undefined ? '' : `@${scope || '/'}`}`
}

/** A destination for everybody in a scope. */
export function scopeDestination(scope: string): string {
  if (!isScopePath(scope)) throw new UsageError('ERR_CONFIG_INVALID', `not the path of a scope: ${scope}`)
  return `${SCOPE}${scope || '/'}`
}

/**
 * Every name by which a receiver may be meant: what it gives {@link MessagePolicy.destinations}.
 *
 * The names of roles at scopes are those at its own scope and at the scopes that contain it; whoever needs others names
 * them.
 *
 * @param topics - The topics, queues and other names at which it listens.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID`: a topic that would be taken for a role or a scope
 */
export function receiverNames(receiver: Identity, topics: readonly string[] = []): readonly string[] {
  const pretender = topics.find((topic) => topic.startsWith(ROLE) || topic.startsWith(SCOPE))
  if (pretender !== undefined) {
    throw new UsageError('ERR_CONFIG_INVALID', `a topic does not begin like a role or a scope: ${pretender}`, {
      hint: 'roles and scopes come from the identity of the receiver',
    })
  }
  const scopes = scopesAround(receiver.scope)
  return [
    receiver.entity,
    receiver.uri,
    ...receiver.roles.map((role) => roleDestination(role)),
    ...scopes.flatMap((scope) =>
      rolesAt(receiver.grants, receiver.scope, scope).map((role) => roleDestination(role, scope)),
    ),
    ...scopes.map(scopeDestination),
    ...topics,
  ]
}

/** A scope, and all that contain it. */
function scopesAround(scope: string): readonly string[] {
  const scopes = [scope]
  for (let path = scope; path !== '' && isBelow(path, '');) scopes.push((path = parentScope(path)))
  return scopes
}
