/**
 * A registry document as what identities are looked up in: for receivers that have no store.
 *
 * @module identity/document-lookup (floor 5)
 */
import { entityRecord } from './entity.js'
import type { RegistryDocument } from './registry-document.js'
import type { EntityLookup } from './resolve.js'
import { RoleGraph, roleRecord } from './role.js'

/**
 * Look entities up in a registry document, as {@link registryOf} does in a store.
 *
 * The document is believed: where it comes from is for the caller to say. That scopes and granted roles exist is not
 * checked, and a role that does not exist means nothing.
 *
 * @throws {@link DeniedError} `ERR_IDENTITY_INVALID`, `ERR_ROLE_INVALID`, `ERR_SCOPE_INVALID`
 */
export function entitiesOfDocument(document: RegistryDocument, trustDomain: string, at: Date): EntityLookup {
  const graph = new RoleGraph([...document.roles].map(([name, implies]) => roleRecord(name, implies, at)))
  const records = [...document.entities.values()].map(({ request, state }) => ({
    ...entityRecord(request, trustDomain, at),
    state,
  }))
  const byId = new Map(records.map((record) => [record.id, record]))
  const byUri = new Map(records.map((record) => [record.uri, record]))
  return {
    entity: (id) => Promise.resolve(byId.get(id)),
    entityByUri: (uri) => Promise.resolve(byUri.get(uri)),
    roleGraph: () => Promise.resolve(graph),
  }
}
