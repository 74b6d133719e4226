/**
 * What the store keeps, as the floors above see it.
 *
 * @module store/records (floor 4)
 */
import type { RevocationReason } from '../x509/index.js'

/** `active` may be issued to and is believed; `quarantined` is cut off and may come back; `retired` never does. */
export type EntityState = 'active' | 'quarantined' | 'retired'

/** What contains things: entities, and scopes. */
export type ScopeKind = 'domain' | 'region' | 'project' | 'service' | 'endpoint'

export interface ScopeRecord {
  /** Segments joined by `/`, outermost first: `region-one/nova`. The deployment itself, `''`, has no record. */
  readonly path: string
  readonly kind: ScopeKind
  readonly createdAt: string
}

export interface RoleRecord {
  readonly name: string
  /** Roles that whoever holds this one holds, too. Sorted, without duplicates. */
  readonly implies: readonly string[]
  readonly createdAt: string
}

export interface EntityRecord {
  readonly id: string
  readonly kind: string
  readonly service: string
  readonly node: string
  readonly scope: string
  readonly uri: string
  /** What it was granted: `compute_node`, `auditor@region-one/**`. Sorted, without duplicates. */
  readonly roles: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** Its names in other systems: `kite:compute.compute-07`. Unique in the deployment. */
  readonly aliases: readonly string[]
  readonly state: EntityState
  readonly createdAt: string
  readonly updatedAt: string
}

export interface IntentRecord {
  readonly serialNumber: string
  readonly entityId: string | null
  readonly profile: string
  /** SHA-256 of the TBSCertificate in hexadecimal. */
  readonly tbsDigest: string
  readonly createdAt: string
  /** Number of the issuing CA that is going to sign. */
  readonly issuer: number
}

export interface CertificateRecord {
  readonly serialNumber: string
  readonly entityId: string | null
  readonly profile: string
  readonly keyIdentifier: string
  readonly spkiDigest: string
  readonly fingerprint: string
  /** SHA-256 of the subject as names are compared (RFC 5280 §7.1), in hexadecimal. */
  readonly subjectDigest: string
  readonly notBefore: string
  readonly notAfter: string
  readonly der: Uint8Array
  /** Number of the issuing CA that signed. */
  readonly issuer: number
  /** Whether the key was made here, or by whoever sent a request; `null` for what was issued before this was kept. */
  readonly keySource: 'generate' | 'request' | null
}

/** Something that happened to an entity, as the log has it. */
export interface EntityEvent {
  readonly sequence: number
  readonly at: string
  readonly event: string
}

export interface RevocationRecord {
  readonly serialNumber: string
  readonly reason: RevocationReason
  readonly revokedAt: string
}

/** A revocation, and when its certificate ends; `null` where only an intent to issue it is known. */
export interface RevocationStatus extends RevocationRecord {
  readonly notAfter: string | null
}

export interface CrlRecord {
  /** Key identifier of the issuing CA. */
  readonly issuer: string
  readonly number: number
  /** Number of the CRL that this one only changes; `null` for a full one. */
  readonly baseNumber: number | null
  readonly thisUpdate: string
  readonly nextUpdate: string
  readonly der: Uint8Array
}

/** A certificate together with what the store knows about it. */
export interface CertificateStatus {
  readonly certificate: CertificateRecord
  readonly revocation: RevocationRecord | undefined
}

/**
 * `requested`: its key was made, the root has not signed yet · `staged`: trusted, issues nothing · `issuing`: the one
 * that issues · `replaced`: trusted, issues nothing, can be brought back · `retiring`: trusted, signs nothing but CRLs for
 * good · `retired`: trusted no more · `withdrawn`: given up before it ever counted.
 */
export type IssuingCaState = 'requested' | 'staged' | 'issuing' | 'replaced' | 'retiring' | 'retired' | 'withdrawn'

export interface IssuingCaRecord {
  /** 1, 2, 3 … */
  readonly number: number
  readonly state: IssuingCaState
  /** Key identifier in hexadecimal. */
  readonly keyIdentifier: string
  /** The certificate; `null` while only its key was made. */
  readonly der: Uint8Array | null
  /** Where its key is, as JSON. */
  readonly key: string
  readonly createdAt: string
  readonly updatedAt: string
  /** Since when its certificate is revoked by the root; `null`: it is not. */
  readonly revokedAt: string | null
}

/** `stated`: somebody said so · `credential`: its credential directory was looked at · `waived`: gone on without it. */
export type Evidence = 'stated' | 'credential' | 'waived'

/** That a node trusts an issuing CA, or that nobody waits for it. */
export interface AcknowledgementRecord {
  readonly issuer: number
  readonly entityId: string
  readonly evidence: Evidence
  /** Who recorded it. */
  readonly by: string
  /** Why nobody waits; otherwise what was seen, or empty. */
  readonly reason: string
  readonly at: string
}

/** `begun`: may have been issued, and was not handed out for certain · `done`: was, or need not be. */
export type ReissueState = 'begun' | 'done'

export interface ReissueRecord {
  readonly issuer: number
  readonly entityId: string
  readonly profile: string
  readonly state: ReissueState
}

/** An active entity that has good certificates of a profile from an issuing CA. */
export interface Holder {
  readonly entityId: string
  readonly profile: string
  /** How the key of any of them came to be: `request` if one was requested. */
  readonly keySource: 'generate' | 'request' | null
  /** When the last of them ends. */
  readonly notAfter: string
}

/** Which holders. */
export interface HolderQuery {
  readonly issuer: number
  /** Leave out those who have a good certificate of the same profile from this issuing CA, too. */
  readonly withoutIssuer?: number
  readonly at: Date
  /** Those after this one, in the order of entity and profile. */
  readonly after?: Pick<Holder, 'entityId' | 'profile'>
  readonly limit: number
}

/** A certificate that has neither ended nor been revoked. */
export type GoodCertificate = Pick<CertificateRecord, 'serialNumber' | 'entityId' | 'profile' | 'spkiDigest' | 'der'>

/** What is left of an issuing CA: certificates that have neither ended nor been revoked. */
export interface Remainder {
  readonly count: number
  /** When the last of them ends. */
  readonly notAfter: string | undefined
}

/** The names by which an entity is found, each with the list that it is in. */
export function entityNames(
  entity: Pick<EntityRecord, 'id' | 'dnsNames' | 'ipAddresses' | 'aliases'>,
): readonly { readonly kind: 'dns' | 'ip' | 'alias'; readonly name: string; readonly entityId: string }[] {
  const { id: entityId, dnsNames, ipAddresses, aliases } = entity
  return [
    ...dnsNames.map((name) => ({ kind: 'dns' as const, name, entityId })),
    ...ipAddresses.map((name) => ({ kind: 'ip' as const, name, entityId })),
    ...aliases.map((name) => ({ kind: 'alias' as const, name, entityId })),
  ]
}
