/**
 * Registering an entity whose host names this authority may certify.
 *
 * @module authority/register (floor 7)
 */
import { addEntity, entityRecord, type EntityRequest } from '../identity/index.js'
import type { EntityRecord } from '../store/index.js'
import { type GeneralName, parseIpAddress } from '../x509/index.js'
import { checkNames } from './approve-names.js'
import type { Authority } from './authority.js'

/**
 * Register an entity. Its names are checked now, so that issuing does not refuse them later.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`, `ERR_ISSUE_NAME`
 * @throws {@link StateError} `ERR_ENTITY_EXISTS`, `ERR_SCOPE_UNKNOWN`, `ERR_ROLE_UNKNOWN`
 */
export async function registerEntity(authority: Authority, request: EntityRequest, at: Date): Promise<EntityRecord> {
  const entity = checkedEntity(authority, request, at)
  await addEntity(authority.store, entity, at)
  return entity
}

/** The record of an entity whose names this authority may certify. @throws {@link DeniedError} as above */
export function checkedEntity(authority: Authority, request: EntityRequest, at: Date): EntityRecord {
  const entity = entityRecord(request, authority.deployment.trustDomain, at)
  const names: GeneralName[] = entity.dnsNames.map((value) => ({ kind: 'dns', value }))
  for (const address of entity.ipAddresses) {
    const octets = parseIpAddress(address)
    if (octets !== undefined) names.push({ kind: 'ip', octets })
  }
  checkNames(names, authority.issuing)
  return entity
}
