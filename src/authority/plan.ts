/**
 * From a request to a certificate that was approved and not yet signed.
 *
 * @module authority/plan (floor 7)
 */
import { setImmediate } from 'node:timers/promises'
import { hash } from 'node:crypto'
import {
  GeneratedKey,
  type KeyAlgorithmName,
  keyIdentifierOf,
  type KeyMaker,
  type KeyProvider,
  type PublicKey,
  samePublicKey,
} from '../crypto/index.js'
import { DeniedError } from '../errors/index.js'
import { type Identity, identityOf, requireActive, requireEntity, RoleGraph } from '../identity/index.js'
import type { EntityRecord, StoreReader } from '../store/index.js'
import { type CertificationRequest, type Crl, generateSerial, hex, serialText } from '../x509/index.js'
import { type ApprovedCertificate, Approver } from './approve.js'
import type { Authority } from './authority.js'
import { type Profile, PROFILES } from './profiles.js'

/** Where the key of a new certificate comes from. */
export type KeySource =
  /** Generated here and handed out with the certificate. */
  | { readonly kind: 'generate'; readonly algorithm: KeyAlgorithmName }
  /** Kept by its holder, who sent a request. */
  | { readonly kind: 'request'; readonly request: CertificationRequest }

export interface IssueRequest {
  /** Id of a registered, active entity. */
  readonly entity: string
  readonly profile: Profile
  readonly key: KeySource
  /** Default: that of the profile, cut to the life of the issuer. */
  readonly validitySeconds?: number
}

/** An authority whose issuing key is open. */
export interface IssuingAuthority {
  readonly authority: Authority
  readonly key: KeyProvider
  /** CRLs of root and issuing CA that are current: what a verifier will use. */
  readonly crls: readonly Crl[]
  readonly at: Date
}

/** A certificate between approval and record: no more than is needed, because many are held. */
export interface Planned extends Pick<ApprovedCertificate, 'profile' | 'shortened'> {
  readonly serialNumber: string
  readonly tbsDer: Uint8Array
  readonly entityId: string | null
  readonly identity: Identity
  readonly publicKey: PublicKey
  /** SHA-256 of the key's SubjectPublicKeyInfo: see {@link spkiDigest}. */
  readonly spkiDigest: string
  /** The key, where it was made here. */
  readonly key?: GeneratedKey
  /** Whether the key came from outside, where nobody knows who else has it. */
  readonly isRequested: boolean
}

/** How many certificates are planned, or recorded, in one go: about a millisecond of work. */
export const TURN = 16

/** Let others have a turn: what waits for an answer, and the threads that sign and verify, whose results are collected. */
export function breathe(): Promise<void> {
  return setImmediate()
}

/**
 * Plan certificates for entities of the registry.
 *
 * @param keys - Where keys to generate come from. Default: made when they are needed.
 * @throws {@link DeniedError} `ERR_ISSUE_*`, `ERR_CSR_EXTENSION`, `ERR_ENTITY_INACTIVE`
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`
 */
export async function planCertificates(
  issuing: IssuingAuthority,
  requests: readonly IssueRequest[],
  keys: Pick<KeyMaker, 'take'> = { take: (algorithm) => GeneratedKey.generate(algorithm) },
): Promise<readonly Planned[]> {
  const { store } = issuing.authority
  const roles = new RoleGraph(await store.roles())
  const ids = [...new Set(requests.map(({ entity }) => entity))]
  const entities = new Map((await store.entitiesWith('id', ids)).map((entity) => [entity.id, entity]))
  const approver = approverOf(issuing)
  const planned: Planned[] = []
  for (const request of requests) {
    const entity = entities.get(request.entity) ?? (await requireEntity(store, request.entity))
    planned.push(await planOne(issuing, approver, request, entity, roles, keys))
    if (planned.length % TURN === 0) await breathe()
  }
  return planned
}

export function approverOf({ authority, key, at }: IssuingAuthority): Approver {
  const { issuing, deployment } = authority
  const { signatureAlgorithm } = key
  return new Approver({ certificate: issuing, signatureAlgorithm, organization: deployment.trustDomain }, at)
}

async function planOne(
  issuing: IssuingAuthority,
  approver: Approver,
  { profile, key, validitySeconds }: IssueRequest,
  entity: EntityRecord,
  roles: RoleGraph,
  keys: Pick<KeyMaker, 'take'>,
): Promise<Planned> {
  if (profile.holder !== 'entity') {
    throw new DeniedError('ERR_ISSUE_PROFILE', `the profile ${profile.name} is the authority's own`)
  }
  requireActive(entity)
  const made = key.kind === 'generate' ? keys.take(key.algorithm) : undefined
  const publicKey = key.kind === 'request' ? key.request.publicKey : (made as GeneratedKey).publicKey
  if (key.kind === 'request') await checkKeyIsFree(issuing.authority.store, issuing, publicKey, entity.id, profile)
  return plan(approver, {
    profile,
    identity: identityOf(entity, roles),
    dnsNames: entity.dnsNames,
    ipAddresses: entity.ipAddresses,
    publicKey,
    entityId: entity.id,
    ...(made === undefined ? {} : { key: made }),
    ...(key.kind === 'request' ? { certificationRequest: key.request } : {}),
    ...(validitySeconds === undefined ? {} : { validitySeconds }),
  })
}

/** Have one certificate approved, under a serial number of its own. */
export function plan(
  approver: Approver,
  request: Omit<Parameters<Approver['approve']>[0], 'serialNumberOctets'> & {
    readonly entityId: string | null
    readonly key?: GeneratedKey
  },
): Planned {
  const { identity, publicKey, entityId, key, certificationRequest } = request
  const serialNumberOctets = generateSerial()
  const approved = approver.approve({ ...request, serialNumberOctets })
  const { profile, shortened } = approved
  return {
    profile,
    shortened,
    serialNumber: serialText(serialNumberOctets),
    tbsDer: approved.take(),
    entityId,
    identity,
    publicKey,
    spkiDigest: spkiDigest(publicKey),
    isRequested: certificationRequest !== undefined,
    ...(key === undefined ? {} : { key }),
  }
}

/**
 * A key from outside may be certified for one holder and one use only, and never once it was given up as compromised.
 *
 * @param mates - Certificates for keys from outside that are about to be recorded, too.
 * @throws {@link DeniedError} `ERR_ISSUE_KEY`
 */
export async function checkKeyIsFree(
  reader: StoreReader,
  { authority }: IssuingAuthority,
  publicKey: PublicKey,
  entityId: string | null,
  profile: Profile,
  mates: readonly Planned[] = [],
): Promise<void> {
  const refuse = (why: string): DeniedError =>
    new DeniedError('ERR_ISSUE_KEY', `the public key of the request may not be certified: ${why}`, {
      hint: 'make a new key',
    })
  const authorities = authority.allIssuingCas.map(({ certificate }) => certificate)
  for (const own of [authority.root, ...authorities, authority.publisher]) {
    if (samePublicKey(own.publicKey, publicKey)) throw refuse("it is the authority's own")
  }
  const checkUse = (holder: string | null, use: Profile['keyUse']): void => {
    if (holder !== entityId) throw refuse('it is the key of another entity')
    if (use !== profile.keyUse) throw refuse(`the entity uses it for ${use} already`)
  }
  const digest = spkiDigest(publicKey)
  // Found by its other digest: of one of them there is an index.
  for (const { certificate, revocation } of await reader.certificatesByKeyIdentifier(hex(keyIdentifierOf(publicKey)))) {
    if (certificate.spkiDigest !== digest) continue
    if (certificate.entityId === entityId && revocation?.reason === 'keyCompromise') {
      throw refuse('it was revoked as compromised')
    }
    checkUse(certificate.entityId, PROFILES[certificate.profile as Profile['name']].keyUse)
  }
  for (const mate of mates) checkUse(mate.entityId, mate.profile.keyUse)
}

/** How the store names a public key: SHA-256 of its SubjectPublicKeyInfo. */
export function spkiDigest(publicKey: PublicKey): string {
  return hash('sha256', publicKey.spkiDer, 'hex')
}
