/**
 * What the store keeps, as the floors above see it.
 *
 * @module store/records (floor 4)
 */
import type { RevocationReason } from '../x509/index.js'

/** `active` may be issued to and is believed; `quarantined` is cut off and may come back; `retired` never does. */
export type EntityState = 'active' | 'quarantined' | 'retired'

export interface EntityRecord {
  readonly id: string
  readonly kind: string
  readonly service: string
  readonly node: string
  readonly scope: string
  readonly uri: string
  /** Sorted, without duplicates. */
  readonly roles: readonly string[]
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
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
}

export interface CertificateRecord {
  readonly serialNumber: string
  readonly entityId: string | null
  readonly profile: string
  readonly keyIdentifier: string
  readonly spkiDigest: string
  readonly fingerprint: string
  readonly notBefore: string
  readonly notAfter: string
  readonly der: Uint8Array
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
