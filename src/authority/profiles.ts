/**
 * Profiles: what goes into a certificate, as data. Nothing else ever does.
 *
 * @module authority/profiles (floor 7)
 */
import { OID } from '../asn1/index.js'
import type { KeyFamily, PublicKey } from '../crypto/index.js'
import { DeniedError, UsageError } from '../errors/index.js'
import type { PurposeName } from '../path/index.js'
import { DAY } from '../time/index.js'
import type { KeyUsage } from '../x509/index.js'

export interface Profile {
  readonly name: ProfileName
  readonly summary: string
  /** What the key may do; a key gets those of these that its kind can do. */
  readonly keyUsage: readonly KeyUsage[]
  readonly extKeyUsage: readonly string[]
  /** `hosts`: identity URI, DNS names and addresses; `identity`: the identity URI alone. */
  readonly names: 'hosts' | 'identity'
  /** Whether a host name or address must be there: a server without one cannot be checked by its clients. */
  readonly needsHost: boolean
  readonly validitySeconds: number
  /** Purposes as which path validation must accept the result. */
  readonly purposes: readonly PurposeName[]
  /** Whether clients need not ask if it is revoked: only for who answers that question (RFC 6960 §4.2.2.2.1). */
  readonly ocspNoCheck?: true
  /** Keys for TLS, for signing and for encryption are different keys. */
  readonly keyUse: 'tls' | 'signing' | 'encryption'
  /** `entity`: for registered entities. `authority`: for the authority itself, never on request. */
  readonly holder: 'entity' | 'authority'
}

export type ProfileName = 'server' | 'client' | 'peer' | 'signer' | 'recipient' | 'trust-publisher' | 'ocsp-responder'

/** Node certificates live 30 days. */
export const NODE_VALIDITY_SECONDS = 30 * DAY

/** serverAuth and clientAuth: digitalSignature is all that TLS 1.3 and ECDHE need (RFC 8446 §4.4.2.2). */
const TLS = {
  keyUsage: ['digitalSignature'],
  names: 'hosts',
  validitySeconds: NODE_VALIDITY_SECONDS,
  keyUse: 'tls',
  holder: 'entity',
} as const

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  server: {
    ...TLS,
    name: 'server',
    summary: 'TLS server',
    extKeyUsage: [OID.kpServerAuth],
    needsHost: true,
    purposes: ['server'],
  },
  client: {
    ...TLS,
    name: 'client',
    summary: 'TLS client',
    extKeyUsage: [OID.kpClientAuth],
    needsHost: false,
    purposes: ['client'],
  },
  peer: {
    ...TLS,
    name: 'peer',
    summary: 'TLS server and client',
    extKeyUsage: [OID.kpServerAuth, OID.kpClientAuth],
    needsHost: false,
    purposes: ['server', 'client'],
  },
  signer: {
    name: 'signer',
    summary: 'signs messages',
    keyUsage: ['digitalSignature'],
    // emailProtection lets stock `openssl cms -verify` accept the signatures.
    extKeyUsage: [OID.kpEmailProtection, OID.signetKpMessageSigning],
    names: 'identity',
    needsHost: false,
    validitySeconds: NODE_VALIDITY_SECONDS,
    purposes: ['message-signing', 'email'],
    keyUse: 'signing',
    holder: 'entity',
  },
  recipient: {
    name: 'recipient',
    summary: 'reads encrypted messages',
    keyUsage: ['keyAgreement', 'keyEncipherment'],
    extKeyUsage: [OID.kpEmailProtection, OID.signetKpMessageEncryption],
    names: 'identity',
    needsHost: false,
    validitySeconds: NODE_VALIDITY_SECONDS,
    purposes: ['message-encryption', 'email-encryption'],
    keyUse: 'encryption',
    holder: 'entity',
  },
  'trust-publisher': {
    name: 'trust-publisher',
    summary: 'signs the trust directory',
    keyUsage: ['digitalSignature'],
    extKeyUsage: [OID.signetKpTrustDirectory],
    names: 'identity',
    needsHost: false,
    // As long as its issuer, to which it is cut.
    validitySeconds: 3 * 365 * DAY,
    purposes: ['trust-directory'],
    keyUse: 'signing',
    holder: 'authority',
  },
  'ocsp-responder': {
    name: 'ocsp-responder',
    summary: 'signs OCSP responses',
    keyUsage: ['digitalSignature'],
    extKeyUsage: [OID.kpOcspSigning],
    names: 'identity',
    needsHost: false,
    // Nobody asks whether it is revoked, so its life is what limits the harm of a stolen key.
    validitySeconds: NODE_VALIDITY_SECONDS,
    purposes: ['ocsp-signing'],
    ocspNoCheck: true,
    keyUse: 'signing',
    holder: 'authority',
  },
}

/** Key usages that not every key can have: RFC 5480 §3, RFC 4055 §1.2. */
const FAMILY_OF_USAGE: Readonly<Partial<Record<KeyUsage, KeyFamily>>> = { keyAgreement: 'ec', keyEncipherment: 'rsa' }

/**
 * What a key gets to do under a profile.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_PROFILE` for a key that can do nothing of it
 */
export function keyUsageFor(profile: Profile, key: PublicKey): readonly KeyUsage[] {
  const usages = profile.keyUsage.filter((usage) => (FAMILY_OF_USAGE[usage] ?? key.family) === key.family)
  if (usages.length > 0) return usages
  throw new DeniedError(
    'ERR_ISSUE_PROFILE',
    `a key of the kind ${key.name} is of no use for the profile ${profile.name}`,
    {
      details: { profile: profile.name, key: key.name },
      hint: 'use a key of the kind p256, p384, rsa2048 or rsa3072',
    },
  )
}

/** Profiles that may be asked for. */
export const ENTITY_PROFILES: readonly ProfileName[] = Object.values(PROFILES)
  .filter((profile) => profile.holder === 'entity')
  .map((profile) => profile.name)

/** The profile that a person named. */
export function profileNamed(name: string): Profile {
  if (!ENTITY_PROFILES.includes(name as ProfileName)) {
    throw new UsageError('ERR_CONFIG_INVALID', `there is no profile ${JSON.stringify(name)} to issue`, {
      hint: `choose one of ${ENTITY_PROFILES.join(', ')}`,
    })
  }
  return PROFILES[name as ProfileName]
}
