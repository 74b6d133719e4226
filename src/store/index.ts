export { type AuditReport, verifyAudit } from './audit.js'
export { LOG_START, type LogEntry, type LogFacts, type LogHead, type LogPayload } from './log.js'
export { openDatabase } from './database.js'
export { createStore, openStore, type StorePaths } from './open.js'
export type {
  AcknowledgementRecord,
  CertificateRecord,
  CertificateStatus,
  CrlRecord,
  EntityEvent,
  EntityRecord,
  EntityState,
  Evidence,
  GoodCertificate,
  Holder,
  HolderQuery,
  IntentRecord,
  IssuingCaRecord,
  IssuingCaState,
  ReissueRecord,
  Remainder,
  RevocationRecord,
  RevocationStatus,
  RoleRecord,
  ScopeKind,
  ScopeRecord,
} from './records.js'
export { entityFacts, roleFacts, scopeFacts } from './registry-history.js'
export { acknowledgementFacts, issuingCaFacts } from './rotation-history.js'
export type { EntityNameKind, Store, StoreReader, StoreTransaction } from './store.js'
