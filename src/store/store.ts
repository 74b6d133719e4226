/**
 * The store of an authority: one interface, whatever database is below.
 *
 * Every change goes through {@link Store.transaction}: all of it is durable when the call returns, or none of it ever
 * was, and every transaction appends to the issuance log.
 *
 * @module store/store (floor 4)
 */
import type { LogEntry, LogHead, LogPayload } from './log.js'
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
  ScopeRecord,
} from './records.js'

/** In which of its lists an entity has a name. */
export type EntityNameKind = 'dns' | 'ip' | 'alias'

/** Reading. Lists are in a fixed order that their comment states. */
export interface StoreReader {
  entity(id: string): Promise<EntityRecord | undefined>
  entityByUri(uri: string): Promise<EntityRecord | undefined>
  /** By id. */
  entities(): Promise<readonly EntityRecord[]>
  /** How many entities there are. */
  entityCount(): Promise<number>
  /** By id: those whose id, or identity URI, is one of these. */
  entitiesWith(column: 'id' | 'uri', values: readonly string[]): Promise<readonly EntityRecord[]>
  /** The state of each of these that is registered. */
  entityStates(ids: readonly string[]): Promise<ReadonlyMap<string, EntityState>>
  /** By id, those after one, at most so many: for what must not hold them all. */
  entitiesAfter(id: string, limit: number): Promise<readonly EntityRecord[]>
  /** By id: those with one of these host names, addresses or aliases. */
  entitiesByName(kind: EntityNameKind, names: readonly string[]): Promise<readonly EntityRecord[]>
  /** What happened to an entity, oldest first. */
  entityEvents(id: string): Promise<readonly EntityEvent[]>
  scope(path: string): Promise<ScopeRecord | undefined>
  /** By path. */
  scopes(): Promise<readonly ScopeRecord[]>
  /** By name. */
  roles(): Promise<readonly RoleRecord[]>
  certificate(serialNumber: string): Promise<CertificateStatus | undefined>
  certificateByFingerprint(fingerprint: string): Promise<CertificateStatus | undefined>
  /** Newest first. */
  certificatesByKeyIdentifier(keyIdentifier: string): Promise<readonly CertificateStatus[]>
  /** Newest first. */
  certificatesBySubject(subjectDigest: string): Promise<readonly CertificateStatus[]>
  /** By serial number, those after one, at most so many: for what must not hold them all. */
  certificatesAfter(serialNumber: string, limit: number): Promise<readonly CertificateRecord[]>
  /** Newest first; of one entity, or all. */
  certificates(entityId?: string): Promise<readonly CertificateStatus[]>
  /** An intent that came to nothing: its certificate may have been signed, but was never handed out. */
  abandonedIntent(serialNumber: string): Promise<IntentRecord | undefined>
  pendingIntents(): Promise<readonly IntentRecord[]>
  revocation(serialNumber: string): Promise<RevocationRecord | undefined>
  /** By serial number; of one issuing CA, or all. */
  revocations(issuer?: number): Promise<readonly RevocationStatus[]>
  /** The full CRL with the highest number. */
  latestCrl(issuer: string): Promise<CrlRecord | undefined>
  /** The delta CRL with the highest number, if it is newer than every full one. */
  latestDeltaCrl(issuer: string): Promise<CrlRecord | undefined>
  /** By number. None where there was never another issuing CA than the first. */
  issuingCas(): Promise<readonly IssuingCaRecord[]>
  /** By entity. */
  acknowledgements(issuer: number): Promise<readonly AcknowledgementRecord[]>
  /** What was begun and not finished, by entity and profile. */
  reissuesBegun(issuer: number): Promise<readonly ReissueRecord[]>
  /** By entity and profile. */
  holders(query: HolderQuery): Promise<readonly Holder[]>
  /** Certificates of an issuing CA that are good, by serial number, at most so many: all, or the authority's own. */
  goodCertificates(
    issuer: number,
    of: 'anybody' | 'authority',
    at: Date,
    limit: number,
  ): Promise<readonly GoodCertificate[]>
  /** What of an issuing CA is still good, also the authority's own. */
  remainder(issuer: number, at: Date): Promise<Remainder>
  setting(name: string): Promise<string | undefined>
  logHead(): Promise<LogHead>
  /** In order, from a sequence number on, at most so many. */
  logEntries(from: number, limit: number): Promise<readonly LogEntry[]>
}

/** Reading and changing, all or nothing. */
export interface StoreTransaction extends StoreReader {
  insertEntities(entities: readonly EntityRecord[]): Promise<void>
  updateEntity(entity: EntityRecord): Promise<void>
  setEntityState(id: string, state: EntityState, at: Date): Promise<void>
  /** @throws {@link StoreError} `ERR_STORE_WRITE` if a serial number was planned before */
  insertIntents(intents: readonly IntentRecord[]): Promise<void>
  /** @throws {@link StoreError} `ERR_STORE_WRITE` unless each is pending, and named once */
  abandonIntents(serialNumbers: readonly string[]): Promise<void>
  /** Record what was signed. @throws {@link StoreError} `ERR_STORE_WRITE` unless the intent of each is pending */
  insertCertificates(certificates: readonly CertificateRecord[]): Promise<void>
  /** @throws {@link StoreError} `ERR_STORE_WRITE` unless there is such a certificate or intent, and revoked once */
  insertRevocation(revocation: RevocationRecord): Promise<void>
  insertCrl(crl: CrlRecord): Promise<void>
  /** Insert an issuing CA, or replace the one of its number. */
  putIssuingCa(record: IssuingCaRecord): Promise<void>
  /** Insert an acknowledgement, or replace the one of its entity. */
  putAcknowledgement(record: AcknowledgementRecord): Promise<void>
  putReissues(records: readonly ReissueRecord[]): Promise<void>
  setSetting(name: string, value: string): Promise<void>
  insertScope(scope: ScopeRecord): Promise<void>
  deleteScope(path: string): Promise<void>
  /** Insert a role, or replace the one of its name. */
  putRole(role: RoleRecord): Promise<void>
  deleteRole(name: string): Promise<void>
  /** Append to the issuance log. What is about an entity is found by it later: see {@link StoreReader.entityEvents}. */
  log(at: Date, event: string, payload: LogPayload): Promise<void>
  /** As {@link log}, many of one kind, in order. */
  logAll(at: Date, event: string, payloads: readonly LogPayload[]): Promise<void>
}

export interface Store extends StoreReader {
  transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>
  /** Read for as long as it takes what there was at one instant. Other processes write meanwhile, this one waits. */
  snapshot<T>(work: (reader: StoreReader) => Promise<T>): Promise<T>
  close(): Promise<void>
}
