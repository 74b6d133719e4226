/**
 * Scopes: everything that can contain things, in one tree. The deployment is its root and has the path `''`.
 *
 * @module identity/scope (floor 5)
 */
import { DeniedError } from '../errors/index.js'
import type { ScopeKind, ScopeRecord } from '../store/index.js'
import { isSegment } from './identity-uri.js'

/** The kinds of scopes, and what may contain each. */
const CONTAINERS: Readonly<Record<ScopeKind, readonly (ScopeKind | 'deployment')[]>> = {
  domain: ['deployment'],
  region: ['deployment', 'domain', 'region'],
  project: ['deployment', 'domain', 'region', 'project'],
  service: ['deployment', 'domain', 'region', 'project'],
  endpoint: ['service'],
}

export const SCOPE_KINDS = Object.keys(CONTAINERS) as readonly ScopeKind[]

/** Keystone allows five projects below a domain; regions and services come on top. */
const MAX_DEPTH = 8

/** Whether a text is the path of a scope; `''` is the deployment. */
export function isScopePath(path: string): boolean {
  if (path === '') return true
  const segments = path.split('/')
  return segments.length <= MAX_DEPTH && segments.every(isSegment)
}

/** The path of the scope that contains this one. The deployment is in none. */
export function parentScope(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** Whether a scope lies below another one; no scope lies below itself. */
export function isBelow(path: string, ancestor: string): boolean {
  return path !== ancestor && (ancestor === '' || path.startsWith(`${ancestor}/`))
}

/**
 * Check a new scope.
 *
 * @param parentKind - Kind of the scope that contains it.
 * @throws {@link DeniedError} `ERR_SCOPE_INVALID`: the path is malformed, or a scope of this kind cannot be there
 */
export function scopeRecord(
  path: string,
  kind: ScopeKind,
  parentKind: ScopeKind | 'deployment',
  at: Date,
): ScopeRecord {
  if (path === '' || !isScopePath(path)) {
    throw new DeniedError('ERR_SCOPE_INVALID', `not the path of a scope: ${JSON.stringify(path)}`, {
      hint: `names joined by /, outermost first, at most ${MAX_DEPTH}: region-one/nova`,
    })
  }
  if (!CONTAINERS[kind].includes(parentKind)) {
    throw new DeniedError('ERR_SCOPE_INVALID', `the kind ${kind} cannot be in the kind ${parentKind}: ${path}`, {
      details: { path, kind, parent: parentKind },
      hint: `${kind} may be in ${CONTAINERS[kind].join(' or ')}`,
    })
  }
  return { path, kind, createdAt: at.toISOString() }
}
