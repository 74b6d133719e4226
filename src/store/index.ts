export { type AuditReport, verifyAudit } from './audit.js'
export { LOG_START, type LogEntry, type LogHead, type LogPayload } from './log.js'
export { openDatabase } from './database.js'
export { createStore, openStore, type StorePaths } from './open.js'
export type {
  CertificateRecord,
  CertificateStatus,
  CrlRecord,
  EntityEvent,
  EntityRecord,
  EntityState,
  IntentRecord,
  RevocationRecord,
  RevocationStatus,
  RoleRecord,
  ScopeKind,
  ScopeRecord,
} from './records.js'
export { entityFacts, roleFacts, scopeFacts } from './registry-history.js'
export type { EntityNameKind, Store, StoreReader, StoreTransaction } from './store.js'
