export { type AuditReport, entityFacts, verifyAudit } from './audit.js'
export { LOG_START, type LogEntry, type LogHead, type LogPayload } from './log.js'
export { openDatabase } from './node-sqlite.js'
export { createStore, openStore, type StorePaths } from './open.js'
export type {
  CertificateRecord,
  CertificateStatus,
  CrlRecord,
  EntityRecord,
  EntityState,
  IntentRecord,
  RevocationRecord,
  RevocationStatus,
} from './records.js'
export type { Store, StoreReader, StoreTransaction } from './store.js'
