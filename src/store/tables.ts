/**
 * The tables of the store, as Kysely types. Written so that PostgreSQL can take them: text, integers, blobs; times as
 * ISO 8601 text; lists as JSON text.
 *
 * @module store/tables (floor 4)
 */

export interface EntityTable {
  id: string
  kind: string
  service: string
  node: string
  scope: string
  /** Identity URI: unique. */
  uri: string
  roles: string
  dnsNames: string
  ipAddresses: string
  aliases: string
  state: string
  createdAt: string
  updatedAt: string
}

/** Each name of each entity once more, to be found by. */
export interface EntityNameTable {
  kind: string
  name: string
  entityId: string
}

/** Which entries of the log are about an entity. */
export interface EntityEventTable {
  entityId: string
  sequence: number
}

export interface ScopeTable {
  path: string
  kind: string
  createdAt: string
}

export interface RoleTable {
  name: string
  implies: string
  createdAt: string
}

/** What was planned and is no certificate: where one is recorded, its intent goes. */
export interface IntentTable {
  /** Canonical serial number: unique over everything that this store ever planned to sign, certificates included. */
  serialNumber: string
  entityId: string | null
  profile: string
  tbsDigest: string
  createdAt: string
  /** Number of the issuing CA that was going to sign. */
  issuer: number
  /** `pending`, or `abandoned` when the process died before it could record. */
  state: string
}

export interface CertificateTable {
  serialNumber: string
  entityId: string | null
  profile: string
  /** Subject key identifier in hexadecimal. */
  keyIdentifier: string
  /** SHA-256 of the SubjectPublicKeyInfo in hexadecimal. */
  spkiDigest: string
  fingerprint: string
  subjectDigest: string
  notBefore: string
  notAfter: string
  der: Uint8Array
  /** Number of the issuing CA that signed. */
  issuer: number
  /** `generate`, `request`; null for what was issued before anybody wrote it down. */
  keySource: string | null
}

export interface RevocationTable {
  serialNumber: string
  reason: string
  revokedAt: string
}

export interface CrlTable {
  issuer: string
  number: number
  baseNumber: number | null
  thisUpdate: string
  nextUpdate: string
  der: Uint8Array
}

/** Issuing CAs, from the first rotation on. */
export interface IssuingCaTable {
  number: number
  state: string
  keyIdentifier: string
  /** The certificate; null while only its key was made. */
  der: Uint8Array | null
  /** Where its key is, as JSON. */
  key: string
  createdAt: string
  updatedAt: string
  /** Since when its certificate is revoked by the root; null: it is not. */
  revokedAt: string | null
}

/** Which nodes are known to trust an issuing CA. */
export interface AcknowledgementTable {
  issuer: number
  entityId: string
  evidence: string
  by: string
  reason: string
  at: string
}

/** How far issuing again has come. */
export interface ReissueTable {
  issuer: number
  entityId: string
  profile: string
  state: string
}

export interface LogTable {
  sequence: number
  at: string
  event: string
  /** JSON text, exactly as hashed. */
  payload: string
  previousHash: string
  hash: string
}

export interface SettingTable {
  name: string
  value: string
}

export interface Schema {
  entity: EntityTable
  entityName: EntityNameTable
  entityEvent: EntityEventTable
  scope: ScopeTable
  role: RoleTable
  intent: IntentTable
  certificate: CertificateTable
  revocation: RevocationTable
  crl: CrlTable
  issuingCa: IssuingCaTable
  acknowledgement: AcknowledgementTable
  reissue: ReissueTable
  log: LogTable
  setting: SettingTable
}
