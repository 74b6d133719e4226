/**
 * From a validated path, by a Keystone mapping, to a registered entity. Default deny.
 *
 * @module keystone/identity (floor 5.1)
 */
import { DeniedError } from '../errors/index.js'
import { type Identity, identityOf, requireActive, RoleGraph } from '../identity/index.js'
import type { ValidatedPath } from '../path/index.js'
import type { StoreReader } from '../store/index.js'
import { type AttributeForm, mapCertificate } from './attributes.js'
import type { KeystoneIdentity } from './process.js'
import type { StrictMapping } from './safe.js'

/** Which entities there are, by id, and what their roles imply. A store is one. */
export type EntitiesById = Pick<StoreReader, 'entity' | 'roles'>

export interface MappedIdentity {
  /** What the mapping yields: user, groups, projects. */
  readonly outcome: KeystoneIdentity
  readonly identity: Identity
}

/**
 * Resolve the end entity of a validated path: what a strict mapping makes of it, and the entity that is registered under
 * the user's id, or under its name where there is no id.
 *
 * Revocation is not looked at here: the path carries that proof. Roles come from the registry, never from the mapping.
 *
 * @throws {@link DeniedError} what `mapCertificate` throws; `ERR_IDENTITY_UNMAPPED`: no such entity;
 * `ERR_ENTITY_INACTIVE`
 */
export async function keystoneIdentity(
  path: ValidatedPath,
  mapping: StrictMapping,
  form: AttributeForm,
  entities: EntitiesById,
): Promise<MappedIdentity> {
  const outcome = mapCertificate(path.target, mapping, form)
  const id = (outcome.user['id'] ?? outcome.user['name']) as string
  const entity = await entities.entity(id)
  if (entity === undefined) {
    throw new DeniedError('ERR_IDENTITY_UNMAPPED', `no entity is registered as ${JSON.stringify(id)}`, {
      details: { user: id },
      hint: 'signet entity add',
    })
  }
  requireActive(entity)
  return { outcome, identity: identityOf(entity, new RoleGraph(await entities.roles())) }
}
