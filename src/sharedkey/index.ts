export { allowKeyServerAsBuilt, allowKiteAsBuilt, type KiteAsBuilt, plainEnvelope } from './as-built.js'
export {
  encodeEnvelope,
  type Envelope,
  ENVELOPE_VERSION,
  type EnvelopeMetadata,
  parseEnvelope,
  verifyEnvelope,
} from './envelope.js'
export { DEFAULT_TICKET_SECONDS, KeyServer, type KeyServerOptions, type KeyService } from './key-server.js'
export { createKeyMemory, type KeyStorage, openKeyStorage, readMasterKey } from './key-storage.js'
export {
  createMigrationMemory,
  type MigratingSender,
  type MigrationMemory,
  type MigrationReceiver,
  migrationVerifier,
  protectByBoth,
} from './migration.js'
export { formatKeyName, formatTimestamp, type KeyName, parseKeyName } from './names.js'
export {
  decrypt,
  deriveKeys,
  encrypt,
  expandKey,
  extractKey,
  KEY_OCTETS,
  keyFromBase64,
  macOf,
  requireMac,
  type SessionKeys,
} from './primitives.js'
export {
  SharedKeyProtection,
  type SharedKeyProtectionOptions,
  type SharedKeyReceiver,
} from './shared-key-protection.js'
export { TicketClient } from './ticket-client.js'
export {
  type Esek,
  type GroupKeyResponse,
  type NamedKey,
  openEsek,
  openGroupKey,
  openTicket,
  sealEsek,
  sessionInfo,
  sessionKeys,
  type SignedRequest,
  signRequest,
  type Ticket,
  type TicketResponse,
} from './tickets.js'
