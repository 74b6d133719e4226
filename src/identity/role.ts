/**
 * Roles, and which roles they imply: whoever holds one holds those, too, wherever it reaches.
 *
 * @module identity/role (floor 5)
 */
import { DeniedError } from '../errors/index.js'
import type { RoleRecord } from '../store/index.js'
import { formatGrant, parseGrant } from './grant.js'
import { isSegment } from './identity-uri.js'

const MAX_IMPLIED = 64

/** Check a role. @throws {@link DeniedError} `ERR_ROLE_INVALID` */
export function roleRecord(name: string, implies: readonly string[], at: Date): RoleRecord {
  for (const text of [name, ...implies]) {
    if (!isSegment(text)) throw invalid(`not the name of a role: ${JSON.stringify(text)}`)
  }
  if (implies.length > MAX_IMPLIED) throw invalid(`a role implies at most ${MAX_IMPLIED} others: ${name}`)
  return { name, implies: [...new Set(implies)].sort(), createdAt: at.toISOString() }
}

/** All roles of a deployment. */
export class RoleGraph {
  /** Each role with all that it implies, itself included, sorted. */
  readonly #closure: ReadonlyMap<string, readonly string[]>

  /**
   * Work out which roles imply which. Keystone breaks a circle when it meets one; here it is refused, because two roles
   * that imply each other are one role with two names.
   *
   * @throws {@link DeniedError} `ERR_ROLE_INVALID`: a role implies itself, or one that there is not
   */
  constructor(roles: readonly RoleRecord[]) {
    const implied = new Map(roles.map(({ name, implies }) => [name, implies]))
    const closure = new Map<string, readonly string[]>()
    const open = new Set<string>()
    const visit = (name: string): readonly string[] => {
      const known = closure.get(name)
      if (known !== undefined) return known
      if (open.has(name)) throw invalid(`the role ${name} implies itself, through others`)
      open.add(name)
      const next = implied.get(name)
      if (next === undefined) throw invalid(`a role is implied that is not registered: ${name}`)
      const all = [...new Set([name, ...next.flatMap(visit)])].sort()
      open.delete(name)
      closure.set(name, all)
      return all
    }
    for (const name of implied.keys()) visit(name)
    this.#closure = closure
  }

  get names(): readonly string[] {
    return [...this.#closure.keys()]
  }

  has(name: string): boolean {
    return this.#closure.has(name)
  }

  /** The role and all that it implies, sorted. Of a role that is not registered, nothing. */
  implied(name: string): readonly string[] {
    return this.#closure.get(name) ?? []
  }

  /** Grants with those that they imply: each implied role is held where the one that implies it is. */
  expand(grants: readonly string[], home: string): readonly string[] {
    const expanded = grants
      .map((text) => parseGrant(text, home))
      .flatMap((grant) => this.implied(grant.role).map((role) => formatGrant({ ...grant, role }, home)))
    return [...new Set(expanded)].sort()
  }
}

function invalid(message: string): DeniedError {
  return new DeniedError('ERR_ROLE_INVALID', message, { hint: 'signet role list shows the roles and what they imply' })
}
