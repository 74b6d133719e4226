/**
 * What the log says of the registry, held against its tables: names and roles come from there.
 *
 * @module store/registry-history (floor 4)
 */
import { hash } from 'node:crypto'
import { StoreError } from '../errors/index.js'
import type { LogFacts } from './log.js'
import type { EntityRecord, RoleRecord, ScopeRecord } from './records.js'
import type { StoreReader } from './store.js'

/** Entities that are read at once. */
const PAGE = 1000

/** Events that bring an entity into the state of their name. */
const STATE_EVENT = /^entity\.(active|quarantined|retired)$/

type Payload = Readonly<Record<string, unknown>>

/** Entities, scopes and roles as a log leaves them. Of an entity only a digest and its state are kept: there may be many. */
export class RegistryHistory {
  readonly #entities = new Map<string, string>()
  /** States other than `active`. */
  readonly #states = new Map<string, string>()
  readonly #scopes = new Map<string, string>()
  readonly #roles = new Map<string, string>()

  /** Take the next entry of the log. */
  follow(event: string, payload: Payload): void {
    if (event.startsWith('entity.')) this.#followEntity(event, payload)
    else if (event === 'scope.added') this.#scopes.set(String(payload['path']), JSON.stringify(payload))
    else if (event === 'scope.removed') this.#scopes.delete(String(payload['path']))
    else if (event === 'role.set') this.#roles.set(String(payload['name']), JSON.stringify(payload))
    else if (event === 'role.removed') this.#roles.delete(String(payload['name']))
  }

  #followEntity(event: string, payload: Payload): void {
    const id = String(payload['id'])
    const known = this.#entities.get(id)
    // Nothing but being added makes an entity: of one that never was, no state and no digest fits.
    const state = event === 'entity.added' ? 'active' : known === undefined ? '' : STATE_EVENT.exec(event)?.[1]
    if (state === 'active') this.#states.delete(id)
    else if (state !== undefined) this.#states.set(id, state)
    const hasFacts = event === 'entity.added' || event === 'entity.changed'
    this.#entities.set(id, hasFacts ? digestOf(payload) : (known ?? ''))
  }

  /**
   * Hold the tables against it.
   *
   * @throws {@link StoreError} `ERR_AUDIT_CHAIN` naming the first entity, scope or role that differs
   */
  async check(store: StoreReader): Promise<void> {
    let found = 0
    for (let page = await store.entitiesAfter('', PAGE); page.length > 0;) {
      for (const entity of page) {
        const state = this.#states.get(entity.id) ?? 'active'
        if (entity.state !== state || this.#entities.get(entity.id) !== digestOf(entityFacts(entity))) {
          throw tampered('an entity is not the one of the log', entity.id, 'entity')
        }
        found++
      }
      page = await store.entitiesAfter(page.at(-1)?.id ?? '', PAGE)
    }
    if (found !== this.#entities.size) throw await this.#gone(store)
    same(this.#scopes, new Map((await store.scopes()).map((scope) => [scope.path, scopeFacts(scope)])), 'scope')
    same(this.#roles, new Map((await store.roles()).map((role) => [role.name, roleFacts(role)])), 'role')
  }

  async #gone(store: StoreReader): Promise<StoreError> {
    for (const id of this.#entities.keys()) {
      if ((await store.entity(id)) === undefined) return tampered('an entity of the log is gone', id, 'entity')
    }
    return tampered('an entity of the log is gone', '', 'entity')
  }
}

function same(logged: ReadonlyMap<string, string>, found: ReadonlyMap<string, LogFacts>, what: string): void {
  for (const [name, facts] of found) {
    if (logged.get(name) !== JSON.stringify(facts)) throw tampered(`a ${what} is not the one of the log`, name, what)
  }
  for (const name of logged.keys()) if (!found.has(name)) throw tampered(`a ${what} of the log is gone`, name, what)
}

function digestOf(facts: Payload): string {
  return hash('sha256', JSON.stringify(facts), 'base64url')
}

/** What the log keeps of an entity when it is registered or changed. */
export function entityFacts(entity: EntityRecord): LogFacts {
  const { id, uri, kind, scope, service, node, roles, dnsNames, ipAddresses, aliases } = entity
  const names = { roles, dnsNames, ipAddresses, ...(aliases.length === 0 ? {} : { aliases }) }
  return { id, uri, kind, scope, service, node, ...names }
}

/** What the log keeps of a scope. */
export function scopeFacts({ path, kind }: Pick<ScopeRecord, 'path' | 'kind'>): LogFacts {
  return { path, kind }
}

/** What the log keeps of a role. */
export function roleFacts({ name, implies }: Pick<RoleRecord, 'name' | 'implies'>): LogFacts {
  return { name, implies }
}

export function tampered(fault: string, which: string, kind = 'serialNumber'): StoreError {
  return new StoreError('ERR_AUDIT_CHAIN', `store and issuance log disagree: ${fault}`, {
    details: { [kind]: which },
    hint: 'compare with a backup',
  })
}
