/** Scopes and roles for entities of tests. */
import type { Authority } from '../../src/authority/index.js'
import { addScope, type EntityRequest, isSegment, setRoles } from '../../src/identity/index.js'

/** Register the scopes and roles that somebody needs, where they are not there. */
export async function ensurePlaces(
  authority: Authority,
  { scope = '', roles = [] }: Pick<EntityRequest, 'scope' | 'roles'>,
  at: Date,
): Promise<void> {
  await authority.store.transaction(async (transaction) => {
    const segments = scope === '' ? [] : scope.split('/')
    for (const index of segments.keys()) {
      const path = segments.slice(0, index + 1).join('/')
      if ((await transaction.scope(path)) !== undefined) continue
      await addScope(transaction, path, index === 0 ? 'region' : 'project', at)
    }
    const known = new Set((await transaction.roles()).map(({ name }) => name))
    const missing = [...new Set(roles.map((role) => role.replace(/@.*/, '')))].filter((name) => !known.has(name))
    await setRoles(
      transaction,
      missing.filter((name) => isSegment(name)).map((name) => ({ name, implies: [] })),
      at,
    )
  })
}
