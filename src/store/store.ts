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
  CertificateRecord,
  CertificateStatus,
  CrlRecord,
  EntityRecord,
  EntityState,
  IntentRecord,
  RevocationRecord,
  RevocationStatus,
} from './records.js'

/** Reading. Lists are in a fixed order that their comment states. */
export interface StoreReader {
  entity(id: string): Promise<EntityRecord | undefined>
  entityByUri(uri: string): Promise<EntityRecord | undefined>
  /** By id. */
  entities(): Promise<readonly EntityRecord[]>
  certificate(serialNumber: string): Promise<CertificateStatus | undefined>
  certificateByFingerprint(fingerprint: string): Promise<CertificateStatus | undefined>
  /** Newest first. */
  certificatesByKeyIdentifier(keyIdentifier: string): Promise<readonly CertificateStatus[]>
  /** Newest first. */
  certificatesBySpkiDigest(spkiDigest: string): Promise<readonly CertificateStatus[]>
  /** Newest first; of one entity, or all. */
  certificates(entityId?: string): Promise<readonly CertificateStatus[]>
  /** An intent that came to nothing: its certificate may have been signed, but was never handed out. */
  abandonedIntent(serialNumber: string): Promise<IntentRecord | undefined>
  pendingIntents(): Promise<readonly IntentRecord[]>
  revocation(serialNumber: string): Promise<RevocationRecord | undefined>
  /** By serial number. */
  revocations(): Promise<readonly RevocationStatus[]>
  /** The full CRL with the highest number. */
  latestCrl(issuer: string): Promise<CrlRecord | undefined>
  /** The delta CRL with the highest number, if it is newer than every full one. */
  latestDeltaCrl(issuer: string): Promise<CrlRecord | undefined>
  setting(name: string): Promise<string | undefined>
  logHead(): Promise<LogHead>
  /** In order, from a sequence number on, at most so many. */
  logEntries(from: number, limit: number): Promise<readonly LogEntry[]>
}

/** Reading and changing, all or nothing. */
export interface StoreTransaction extends StoreReader {
  insertEntity(entity: EntityRecord): Promise<void>
  updateEntity(entity: EntityRecord): Promise<void>
  setEntityState(id: string, state: EntityState, at: Date): Promise<void>
  /** @throws {@link StoreError} `ERR_STORE_WRITE` if the serial number was planned before */
  insertIntent(intent: IntentRecord): Promise<void>
  abandonIntent(serialNumber: string): Promise<void>
  /** Record what was signed; its intent must be pending. */
  insertCertificate(certificate: CertificateRecord): Promise<void>
  insertRevocation(revocation: RevocationRecord): Promise<void>
  insertCrl(crl: CrlRecord): Promise<void>
  setSetting(name: string, value: string): Promise<void>
  /** Append to the issuance log. */
  log(at: Date, event: string, payload: LogPayload): Promise<void>
}

export interface Store extends StoreReader {
  transaction<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T>
  close(): Promise<void>
}
