/**
 * Grants: a role, where it is held, and how far it reaches.
 *
 * ```
 * compute_node             in the scope that the entity is in
 * auditor@region-one       in region-one itself, and not below it
 * auditor@region-one/*     in everything below region-one, and not in it: Keystone's inherited assignment
 * auditor@region-one/**    in both
 * auditor@/**              everywhere: the deployment is /
 * ```
 *
 * @module identity/grant (floor 5)
 */
import { DeniedError } from '../errors/index.js'
import { isSegment } from './identity-uri.js'
import { isBelow, isScopePath } from './scope.js'

/** `scope`: there and nowhere else. `below`: in all that it contains, now and later. `tree`: both. */
export type Reach = 'scope' | 'below' | 'tree'

export interface Grant {
  readonly role: string
  /** Path of the scope. */
  readonly scope: string
  readonly reach: Reach
}

const SUFFIX: Readonly<Record<Reach, string>> = { scope: '', below: '/*', tree: '/**' }

/**
 * Parse a grant.
 *
 * @param home - The scope that its holder is in.
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`
 */
export function parseGrant(text: string, home: string): Grant {
  const at = text.indexOf('@')
  const grant = at === -1 ? { role: text, scope: home, reach: 'scope' as const } : { ...placed(text, at) }
  if (!isSegment(grant.role) || !isScopePath(grant.scope)) {
    throw new DeniedError('ERR_IDENTITY_INVALID', `not a role, or a role at a scope: ${JSON.stringify(text)}`, {
      hint: 'write ROLE, ROLE@SCOPE, ROLE@SCOPE/* (below it) or ROLE@SCOPE/** (both)',
    })
  }
  return grant
}

function placed(text: string, at: number): Grant {
  const place = text.slice(at + 1)
  const reach = place.endsWith('/**') ? 'tree' : place.endsWith('/*') ? 'below' : 'scope'
  const path = place.slice(0, place.length - SUFFIX[reach].length)
  // The deployment is written as /, and its tree as /**; an empty path would be a slip of the pen.
  const scope = reach === 'scope' ? (path === '/' ? '' : path || '?') : path
  return { role: text.slice(0, at), scope, reach }
}

/** The one form of a grant: two grants that mean the same for somebody at `home` have one text. */
export function formatGrant({ role, scope, reach }: Grant, home: string): string {
  if (scope === home && reach === 'scope') return role
  return `${role}@${scope === '' && reach === 'scope' ? '/' : scope}${SUFFIX[reach]}`
}

/** Whether a grant is one for this scope. */
export function reaches({ scope, reach }: Pick<Grant, 'scope' | 'reach'>, path: string): boolean {
  return (reach !== 'below' && path === scope) || (reach !== 'scope' && isBelow(path, scope))
}

/**
 * The roles that somebody with these grants has at a scope. Implied roles must be in the grants already: see
 * {@link RoleGraph.expand}.
 *
 * @param home - The scope that the holder is in.
 * @returns Sorted, without duplicates.
 */
export function rolesAt(grants: readonly string[], home: string, path: string): readonly string[] {
  const held = grants.map((text) => parseGrant(text, home)).filter((grant) => reaches(grant, path))
  return [...new Set(held.map(({ role }) => role))].sort()
}
