/**
 * The store over Kysely: the same queries for every database.
 *
 * @module store/kysely-store (floor 4)
 */
import type { Kysely, Selectable } from 'kysely'
import { StoreError } from '../errors/index.js'
import { BulkInsert, type BulkStatements, oneOf } from './kysely-bulk.js'
import {
  certificatesAfter,
  certificatesByDigest,
  certificatesWith,
  isAnyIssued,
  revocation,
  revocations,
} from './kysely-certificates.js'
import { LOG_START, type LogEntry, type LogHead, type LogPayload, nextLogEntry } from './log.js'
import { acknowledgements, goodCertificates, holders, issuingCas, reissuesBegun, remainder } from './kysely-rotation.js'
import type {
  AcknowledgementRecord,
  CertificateRecord,
  CertificateStatus,
  CrlRecord,
  EntityEvent,
  EntityRecord,
  EntityState,
  GoodCertificate,
  Holder,
  HolderQuery,
  IntentRecord,
  IssuingCaRecord,
  ReissueRecord,
  Remainder,
  RevocationRecord,
  RevocationStatus,
  RoleRecord,
  ScopeKind,
  ScopeRecord,
} from './records.js'
import { entityNames } from './records.js'
import type { EntityTable, Schema } from './tables.js'
import type { EntityNameKind, Store, StoreReader, StoreTransaction } from './store.js'

const INTENT_COLUMNS = ['serialNumber', 'entityId', 'profile', 'tbsDigest', 'createdAt', 'issuer'] as const

class KyselyReader implements StoreReader {
  protected readonly db: Kysely<Schema>

  constructor(db: Kysely<Schema>) {
    this.db = db
  }

  async entity(id: string): Promise<EntityRecord | undefined> {
    const row = await this.db.selectFrom('entity').selectAll().where('id', '=', id).executeTakeFirst()
    return row === undefined ? undefined : entityOf(row)
  }

  async entityByUri(uri: string): Promise<EntityRecord | undefined> {
    const row = await this.db.selectFrom('entity').selectAll().where('uri', '=', uri).executeTakeFirst()
    return row === undefined ? undefined : entityOf(row)
  }

  async entities(): Promise<readonly EntityRecord[]> {
    const rows = await this.db.selectFrom('entity').selectAll().orderBy('id').execute()
    return rows.map(entityOf)
  }

  async entityCount(): Promise<number> {
    const counted = this.db.selectFrom('entity').select((columns) => columns.fn.countAll<number>().as('count'))
    return (await counted.executeTakeFirstOrThrow()).count
  }

  async entitiesAfter(id: string, limit: number): Promise<readonly EntityRecord[]> {
    const rows = this.db.selectFrom('entity').selectAll().where('id', '>', id).orderBy('id').limit(limit)
    return (await rows.execute()).map(entityOf)
  }

  async entitiesWith(column: 'id' | 'uri', values: readonly string[]): Promise<readonly EntityRecord[]> {
    const rows = this.db.selectFrom('entity').selectAll().where(column, 'in', oneOf(values)).orderBy('id')
    return (await rows.execute()).map(entityOf)
  }

  async entityStates(ids: readonly string[]): Promise<ReadonlyMap<string, EntityState>> {
    const rows = this.db.selectFrom('entity').select(['id', 'state']).where('id', 'in', oneOf(ids))
    return new Map((await rows.execute()).map(({ id, state }) => [id, state as EntityState]))
  }

  async entitiesByName(kind: EntityNameKind, names: readonly string[]): Promise<readonly EntityRecord[]> {
    const rows = await this.db
      .selectFrom('entityName')
      .innerJoin('entity', 'entity.id', 'entityName.entityId')
      .selectAll('entity')
      .where('entityName.kind', '=', kind)
      .where('entityName.name', 'in', oneOf(names))
      .distinct()
      .orderBy('entity.id')
      .execute()
    return rows.map(entityOf)
  }

  async entityEvents(id: string): Promise<readonly EntityEvent[]> {
    return this.db
      .selectFrom('entityEvent')
      .innerJoin('log', 'log.sequence', 'entityEvent.sequence')
      .select(['log.sequence', 'at', 'event'])
      .where('entityId', '=', id)
      .orderBy('log.sequence')
      .execute()
  }

  async scope(path: string): Promise<ScopeRecord | undefined> {
    const row = await this.db.selectFrom('scope').selectAll().where('path', '=', path).executeTakeFirst()
    return row === undefined ? undefined : { ...row, kind: row.kind as ScopeKind }
  }

  async scopes(): Promise<readonly ScopeRecord[]> {
    const rows = await this.db.selectFrom('scope').selectAll().orderBy('path').execute()
    return rows.map((row) => ({ ...row, kind: row.kind as ScopeKind }))
  }

  async roles(): Promise<readonly RoleRecord[]> {
    const rows = await this.db.selectFrom('role').selectAll().orderBy('name').execute()
    return rows.map((row) => ({ ...row, implies: JSON.parse(row.implies) as string[] }))
  }

  async certificate(serialNumber: string): Promise<CertificateStatus | undefined> {
    return (await certificatesWith(this.db, 'serialNumber', serialNumber))[0]
  }

  async certificateByFingerprint(fingerprint: string): Promise<CertificateStatus | undefined> {
    return (await certificatesByDigest(this.db, 'fingerprint', fingerprint))[0]
  }

  async certificatesByKeyIdentifier(keyIdentifier: string): Promise<readonly CertificateStatus[]> {
    return certificatesByDigest(this.db, 'keyIdentifier', keyIdentifier)
  }

  async certificatesBySubject(subjectDigest: string): Promise<readonly CertificateStatus[]> {
    return certificatesByDigest(this.db, 'subjectDigest', subjectDigest)
  }

  async certificatesAfter(serialNumber: string, limit: number): Promise<readonly CertificateRecord[]> {
    return certificatesAfter(this.db, serialNumber, limit)
  }

  async certificates(entityId?: string): Promise<readonly CertificateStatus[]> {
    return entityId === undefined ? certificatesWith(this.db) : certificatesWith(this.db, 'entityId', entityId)
  }

  async abandonedIntent(serialNumber: string): Promise<IntentRecord | undefined> {
    return this.db
      .selectFrom('intent')
      .select(INTENT_COLUMNS)
      .where('serialNumber', '=', serialNumber)
      .where('state', '=', 'abandoned')
      .executeTakeFirst()
  }

  async pendingIntents(): Promise<readonly IntentRecord[]> {
    return this.db
      .selectFrom('intent')
      .select(INTENT_COLUMNS)
      .where('state', '=', 'pending')
      .orderBy('createdAt')
      .execute()
  }

  async revocation(serialNumber: string): Promise<RevocationRecord | undefined> {
    return revocation(this.db, serialNumber)
  }

  async revocations(issuer?: number): Promise<readonly RevocationStatus[]> {
    return revocations(this.db, issuer)
  }

  async latestCrl(issuer: string): Promise<CrlRecord | undefined> {
    return this.#crls(issuer).where('baseNumber', 'is', null).executeTakeFirst()
  }

  async latestDeltaCrl(issuer: string): Promise<CrlRecord | undefined> {
    const newest = await this.#crls(issuer).executeTakeFirst()
    return newest === undefined || newest.baseNumber === null ? undefined : newest
  }

  /** Newest first. */
  #crls(issuer: string) {
    return this.db.selectFrom('crl').selectAll().where('issuer', '=', issuer).orderBy('number', 'desc').limit(1)
  }

  async issuingCas(): Promise<readonly IssuingCaRecord[]> {
    return issuingCas(this.db)
  }

  async acknowledgements(issuer: number): Promise<readonly AcknowledgementRecord[]> {
    return acknowledgements(this.db, issuer)
  }

  async reissuesBegun(issuer: number): Promise<readonly ReissueRecord[]> {
    return reissuesBegun(this.db, issuer)
  }

  async holders(query: HolderQuery): Promise<readonly Holder[]> {
    return holders(this.db, query)
  }

  async goodCertificates(
    issuer: number,
    of: 'anybody' | 'authority',
    at: Date,
    limit: number,
  ): Promise<readonly GoodCertificate[]> {
    return goodCertificates(this.db, issuer, of, at, limit)
  }

  async remainder(issuer: number, at: Date): Promise<Remainder> {
    return remainder(this.db, issuer, at)
  }

  async setting(name: string): Promise<string | undefined> {
    const row = await this.db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst()
    return row?.value
  }

  async logHead(): Promise<LogHead> {
    const row = await this.db
      .selectFrom('log')
      .select(['sequence', 'hash'])
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row ?? LOG_START
  }

  async logEntries(from: number, limit: number): Promise<readonly LogEntry[]> {
    return this.db
      .selectFrom('log')
      .selectAll()
      .where('sequence', '>=', from)
      .orderBy('sequence')
      .limit(limit)
      .execute()
  }
}

class KyselyTransaction extends KyselyReader implements StoreTransaction {
  readonly #bulk: BulkInsert
  #head: LogHead | undefined

  constructor(db: Kysely<Schema>, statements: BulkStatements) {
    super(db)
    this.#bulk = new BulkInsert(db, statements)
  }

  async insertEntities(entities: readonly EntityRecord[]): Promise<void> {
    await this.#bulk.insert('entity', entities.map(entityRow))
    await this.#bulk.insert('entityName', entities.flatMap(entityNames))
  }

  async updateEntity(entity: EntityRecord): Promise<void> {
    await this.db.updateTable('entity').set(entityRow(entity)).where('id', '=', entity.id).execute()
    await this.db.deleteFrom('entityName').where('entityId', '=', entity.id).execute()
    await this.#bulk.insert('entityName', entityNames(entity))
  }

  async insertScope(scope: ScopeRecord): Promise<void> {
    await this.db.insertInto('scope').values(scope).execute()
  }

  async deleteScope(path: string): Promise<void> {
    await this.db.deleteFrom('scope').where('path', '=', path).execute()
  }

  async putRole(role: RoleRecord): Promise<void> {
    const { name, createdAt } = role
    const implies = JSON.stringify(role.implies)
    await this.db
      .insertInto('role')
      .values({ name, implies, createdAt })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ implies }))
      .execute()
  }

  async deleteRole(name: string): Promise<void> {
    await this.db.deleteFrom('role').where('name', '=', name).execute()
  }

  async setEntityState(id: string, state: EntityState, at: Date): Promise<void> {
    await this.db.updateTable('entity').set({ state, updatedAt: at.toISOString() }).where('id', '=', id).execute()
  }

  async insertIntents(intents: readonly IntentRecord[]): Promise<void> {
    const serialNumbers = intents.map(({ serialNumber }) => serialNumber)
    if (await isAnyIssued(this.db, serialNumbers))
      throw refused('a serial number is that of a certificate', serialNumbers)
    await this.#bulk.insert(
      'intent',
      intents.map((intent) => ({ ...intent, state: 'pending' })),
    )
  }

  async abandonIntents(serialNumbers: readonly string[]): Promise<void> {
    const { numUpdatedRows } = await this.db
      .updateTable('intent')
      .set({ state: 'abandoned' })
      .where('serialNumber', 'in', oneOf(serialNumbers))
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow()
    if (numUpdatedRows !== BigInt(serialNumbers.length)) throw notPending(serialNumbers)
  }

  async insertCertificates(certificates: readonly CertificateRecord[]): Promise<void> {
    const serialNumbers = certificates.map(({ serialNumber }) => serialNumber)
    const { numDeletedRows } = await this.db
      .deleteFrom('intent')
      .where('serialNumber', 'in', oneOf(serialNumbers))
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow()
    if (numDeletedRows !== BigInt(serialNumbers.length)) throw notPending(serialNumbers)
    await this.#bulk.insert('certificate', certificates)
  }

  async insertRevocation(revocation: RevocationRecord): Promise<void> {
    const { serialNumber } = revocation
    const intent = this.db.selectFrom('intent').select('serialNumber').where('serialNumber', '=', serialNumber)
    if ((await intent.executeTakeFirst()) === undefined && !(await isAnyIssued(this.db, [serialNumber]))) {
      throw refused('nothing was ever planned under this serial number', [serialNumber])
    }
    await this.db.insertInto('revocation').values(revocation).execute()
  }

  async insertCrl(crl: CrlRecord): Promise<void> {
    await this.db.insertInto('crl').values(crl).execute()
  }

  async putIssuingCa(record: IssuingCaRecord): Promise<void> {
    await this.db.replaceInto('issuingCa').values(record).execute()
  }

  async putAcknowledgement(record: AcknowledgementRecord): Promise<void> {
    await this.db.replaceInto('acknowledgement').values(record).execute()
  }

  async putReissues(records: readonly ReissueRecord[]): Promise<void> {
    for (const record of records) await this.db.replaceInto('reissue').values(record).execute()
  }

  async setSetting(name: string, value: string): Promise<void> {
    await this.db
      .insertInto('setting')
      .values({ name, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute()
  }

  async log(at: Date, event: string, payload: LogPayload): Promise<void> {
    await this.logAll(at, event, [payload])
  }

  async logAll(at: Date, event: string, payloads: readonly LogPayload[]): Promise<void> {
    // One transaction at a time writes, so the head read once stays the head.
    let head = (this.#head ??= await this.logHead())
    const entries = payloads.map((payload) => (head = nextLogEntry(head, at, event, payload)))
    await this.#bulk.insert('log', entries)
    const about = entries.flatMap(({ sequence }, index) => {
      const entityId = entityConcerned(event, payloads[index] ?? {})
      return entityId === undefined ? [] : [{ entityId, sequence }]
    })
    await this.#bulk.insert('entityEvent', about)
    this.#head = { sequence: head.sequence, hash: head.hash }
  }
}

export class KyselyStore extends KyselyReader implements Store {
  readonly #statements: BulkStatements = new Map()

  async transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    return this.db.transaction().execute((db) => work(new KyselyTransaction(db, this.#statements)))
  }

  async snapshot<T>(work: (reader: StoreReader) => Promise<T>): Promise<T> {
    const transaction = this.db.transaction().setAccessMode('read only')
    return transaction.execute((db) => work(new KyselyReader(db)))
  }

  async close(): Promise<void> {
    await this.db.destroy()
  }
}

/** Whom an entry of the log is about: the entity's own events call it `id`, all others `entityId`. */
function entityConcerned(event: string, payload: LogPayload): string | undefined {
  const id = event.startsWith('entity.') ? payload['id'] : payload['entityId']
  return typeof id === 'string' ? id : undefined
}

function entityRow(entity: EntityRecord): EntityTable {
  return {
    ...entity,
    roles: JSON.stringify(entity.roles),
    dnsNames: JSON.stringify(entity.dnsNames),
    ipAddresses: JSON.stringify(entity.ipAddresses),
    aliases: JSON.stringify(entity.aliases),
  }
}

function entityOf(row: Selectable<EntityTable>): EntityRecord {
  return {
    ...row,
    state: row.state as EntityState,
    roles: textsOf(row.roles),
    dnsNames: textsOf(row.dnsNames),
    ipAddresses: textsOf(row.ipAddresses),
    aliases: textsOf(row.aliases),
  }
}

/** Most lists are empty, and need no parser. */
function textsOf(json: string): readonly string[] {
  return json === '[]' ? [] : (JSON.parse(json) as string[])
}

function notPending(serialNumbers: readonly string[]): StoreError {
  return refused('the intent to issue this certificate is not pending', serialNumbers)
}

function refused(why: string, serialNumbers: readonly string[]): StoreError {
  return new StoreError('ERR_STORE_WRITE', why, { details: { serialNumber: serialNumbers.join(' ') } })
}
