/**
 * The registry: which entities exist, with which names and roles, and in which state. Roles come from here, never from
 * whoever asks for a certificate.
 *
 * @module identity/registry (floor 5)
 */
import { StateError } from '../errors/index.js'
import {
  entityFacts,
  type EntityRecord,
  type EntityState,
  type Store,
  type StoreReader,
  type StoreTransaction,
} from '../store/index.js'

/**
 * Register an entity.
 *
 * @throws {@link StateError} `ERR_ENTITY_EXISTS` if its id or identity is taken; host names may be shared
 */
export async function addEntity(store: Store, entity: EntityRecord, at: Date): Promise<void> {
  await store.transaction(async (transaction) => {
    await refuseTaken(transaction, entity)
    await transaction.insertEntity(entity)
    await transaction.log(at, 'entity.added', entityFacts(entity))
  })
}

async function refuseTaken(transaction: StoreTransaction, entity: EntityRecord): Promise<void> {
  const taken = (what: string, by: EntityRecord): StateError =>
    new StateError('ERR_ENTITY_EXISTS', `${what} belongs to the entity ${by.id}`, {
      details: { entity: by.id },
      hint: `signet entity show ${by.id}`,
    })
  const sameId = await transaction.entity(entity.id)
  if (sameId !== undefined) throw taken(`the id ${entity.id}`, sameId)
  const sameUri = await transaction.entityByUri(entity.uri)
  if (sameUri !== undefined) throw taken(`the identity ${entity.uri}`, sameUri)
}

/** The entity with this id. @throws {@link StateError} `ERR_ENTITY_UNKNOWN` */
export async function requireEntity(reader: StoreReader, id: string): Promise<EntityRecord> {
  const entity = await reader.entity(id)
  if (entity === undefined) {
    throw new StateError('ERR_ENTITY_UNKNOWN', `no entity ${JSON.stringify(id)} is registered`, {
      details: { entity: id },
      hint: 'signet entity list shows those that are',
    })
  }
  return entity
}

/** From which states an entity may go into another. A retired entity stays retired: its names may live on in logs. */
const TRANSITIONS: Readonly<Record<EntityState, readonly EntityState[]>> = {
  active: ['quarantined'],
  quarantined: ['active'],
  retired: ['active', 'quarantined'],
}

/**
 * Bring an entity into another state.
 *
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`, `ERR_ENTITY_STATE`
 */
export async function changeEntityState(
  transaction: StoreTransaction,
  id: string,
  state: EntityState,
  at: Date,
): Promise<EntityRecord> {
  const entity = await requireEntity(transaction, id)
  if (!TRANSITIONS[state].includes(entity.state)) {
    throw new StateError('ERR_ENTITY_STATE', `the entity ${id} is ${entity.state} and cannot become ${state}`, {
      details: { entity: id, state: entity.state },
    })
  }
  await transaction.setEntityState(id, state, at)
  await transaction.log(at, `entity.${state}`, { id })
  return { ...entity, state, updatedAt: at.toISOString() }
}
