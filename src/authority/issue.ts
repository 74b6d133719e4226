/**
 * A certificate is born: approved → intent recorded → signed → read and validated as a stranger would → recorded.
 * Only then is it handed out.
 *
 * @module authority/issue (floor 7)
 */
import { hash, type KeyObject } from 'node:crypto'
import { equalBytes } from '../asn1/index.js'
import {
  generatePrivateKey,
  type KeyAlgorithmName,
  type KeyProvider,
  type PublicKey,
  publicKeyOf,
  samePublicKey,
} from '../crypto/index.js'
import { DeniedError, InternalError } from '../errors/index.js'
import {
  AUTHORITY_SERVICE,
  type Identity,
  identityOf,
  identityUri,
  requireActive,
  RoleGraph,
  requireEntity,
} from '../identity/index.js'
import { validatePath } from '../path/index.js'
import type { CertificateRecord, EntityRecord, StoreReader, StoreTransaction } from '../store/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import {
  type Certificate,
  type CertificationRequest,
  type Crl,
  encodeSigned,
  generateSerial,
  parseCertificate,
  serialText,
} from '../x509/index.js'
import { type ApprovedCertificate, approveCertificate, type Issuer } from './approve.js'
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

export interface IssuedCertificate {
  readonly certificate: Certificate
  /** Present when the key was generated here; kept nowhere else. */
  readonly privateKey?: KeyObject
  readonly identity: Identity
  readonly profile: Profile
  /** Whether the issuer's life cut the certificate's short. */
  readonly shortened: boolean
}

/** An authority whose issuing key is open. */
export interface IssuingAuthority {
  readonly authority: Authority
  readonly key: KeyProvider
  /** CRLs of root and issuing CA that are current: what a verifier will use. */
  readonly crls: readonly Crl[]
  readonly at: Date
}

/** A certificate between approval and record. */
interface Pending {
  readonly approved: ApprovedCertificate
  readonly serialNumber: string
  readonly tbsDer: Uint8Array
  readonly entityId: string | null
  readonly identity: Identity
  readonly privateKey?: KeyObject
}

/**
 * Issue certificates: all of one call share two durable commits, one before the first signature and one after the last.
 *
 * If anything fails, none of them is handed out, and those that were planned stay in the log as abandoned.
 *
 * @returns In the order of the requests.
 * @throws {@link DeniedError} `ERR_ISSUE_*`, `ERR_CSR_EXTENSION`, `ERR_ENTITY_INACTIVE`
 * @throws {@link StateError} `ERR_ENTITY_UNKNOWN`
 * @throws {@link StoreError} `ERR_STORE_WRITE`; then nothing was signed, or what was signed is not handed out
 */
export async function issueCertificates(
  issuing: IssuingAuthority,
  requests: readonly IssueRequest[],
): Promise<readonly IssuedCertificate[]> {
  const { store } = issuing.authority
  const roles = new RoleGraph(await store.roles())
  const pending: Pending[] = []
  for (const request of requests) pending.push(await prepare(issuing, request, roles))
  await recordIntents(issuing, pending)
  try {
    const certificates: Certificate[] = []
    for (const item of pending) certificates.push(await signApproved(issuing, item))
    await store.transaction(async (transaction) => {
      for (const [index, item] of pending.entries()) {
        // Once more, where nobody else can write: another request for the same key may have come meanwhile.
        await recheckKey(transaction, issuing, requests[index] as IssueRequest)
        await recordCertificate(transaction, item, certificates[index] as Certificate, issuing.at)
      }
    })
    return pending.map((item, index) => issued(item, certificates[index] as Certificate))
  } catch (error) {
    await abandon(issuing, pending).catch(() => undefined)
    throw error
  }
}

/**
 * Issue a certificate to the authority itself: to sign its trust directory, or OCSP responses. It is named after its
 * profile and maps to no role.
 */
export async function issueOwnCertificate(
  issuing: IssuingAuthority,
  name: 'trust-publisher' | 'ocsp-responder',
  publicKey: PublicKey,
): Promise<IssuedCertificate> {
  const { trustDomain } = issuing.authority.deployment
  const { scope, service, node, text } = identityUri({ trustDomain, scope: '', service: AUTHORITY_SERVICE, node: name })
  const identity: Identity = { entity: name, uri: text, scope, service, node, roles: [], grants: [], groups: [] }
  const profile = PROFILES[name]
  const item = plan(issuing, { profile, identity, dnsNames: [], ipAddresses: [], publicKey, entityId: null })
  await recordIntents(issuing, [item])
  const certificate = await signApproved(issuing, item)
  await issuing.authority.store.transaction((transaction) =>
    recordCertificate(transaction, item, certificate, issuing.at),
  )
  return issued(item, certificate)
}

async function prepare(issuing: IssuingAuthority, request: IssueRequest, roles: RoleGraph): Promise<Pending> {
  const { profile, key, validitySeconds } = request
  if (profile.holder !== 'entity') {
    throw new DeniedError('ERR_ISSUE_PROFILE', `the profile ${profile.name} is the authority's own`)
  }
  const { store } = issuing.authority
  const entity = await requireEntity(store, request.entity)
  requireActive(entity)
  const privateKey = key.kind === 'generate' ? generatePrivateKey(key.algorithm) : undefined
  const publicKey = key.kind === 'request' ? key.request.publicKey : publicKeyOf(privateKey as KeyObject)
  if (key.kind === 'request') await checkKeyIsFree(store, issuing, publicKey, entity, profile)
  return plan(issuing, {
    profile,
    identity: identityOf(entity, roles),
    dnsNames: entity.dnsNames,
    ipAddresses: entity.ipAddresses,
    publicKey,
    entityId: entity.id,
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(key.kind === 'request' ? { certificationRequest: key.request } : {}),
    ...(validitySeconds === undefined ? {} : { validitySeconds }),
  })
}

function plan(
  { authority, key, at }: IssuingAuthority,
  request: Omit<Parameters<typeof approveCertificate>[1], 'serialNumberOctets' | 'at'> & {
    readonly entityId: string | null
    readonly privateKey?: KeyObject
  },
): Pending {
  const issuer: Issuer = {
    certificate: authority.issuing,
    signatureAlgorithm: key.signatureAlgorithm,
    organization: authority.deployment.trustDomain,
  }
  const serialNumberOctets = generateSerial()
  const approved = approveCertificate(issuer, { ...request, serialNumberOctets, at })
  return {
    approved,
    serialNumber: serialText(serialNumberOctets),
    tbsDer: approved.take(),
    entityId: request.entityId,
    identity: request.identity,
    ...(request.privateKey === undefined ? {} : { privateKey: request.privateKey }),
  }
}

/**
 * A key from outside may be certified for one holder and one use only, and never once it was given up as compromised.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_KEY`
 */
async function checkKeyIsFree(
  reader: StoreReader,
  { authority }: IssuingAuthority,
  publicKey: PublicKey,
  entity: EntityRecord,
  profile: Profile,
): Promise<void> {
  const refuse = (why: string): DeniedError =>
    new DeniedError('ERR_ISSUE_KEY', `the public key of the request may not be certified: ${why}`, {
      hint: 'make a new key',
    })
  for (const own of [authority.root, authority.issuing, authority.publisher]) {
    if (samePublicKey(own.publicKey, publicKey)) throw refuse("it is the authority's own")
  }
  for (const { certificate, revocation } of await reader.certificatesBySpkiDigest(spkiDigest(publicKey))) {
    if (certificate.entityId !== entity.id) throw refuse('it is the key of another entity')
    if (revocation?.reason === 'keyCompromise') throw refuse('it was revoked as compromised')
    const use = PROFILES[certificate.profile as Profile['name']].keyUse
    if (use !== profile.keyUse) throw refuse(`the entity uses it for ${use} already`)
  }
}

async function recheckKey(
  transaction: StoreTransaction,
  issuing: IssuingAuthority,
  { entity, key, profile }: IssueRequest,
): Promise<void> {
  if (key.kind !== 'request') return
  await checkKeyIsFree(transaction, issuing, key.request.publicKey, await requireEntity(transaction, entity), profile)
}

async function recordIntents({ authority, at }: IssuingAuthority, pending: readonly Pending[]): Promise<void> {
  await authority.store.transaction(async (transaction) => {
    for (const { serialNumber, entityId, approved, tbsDer } of pending) {
      const intent = {
        serialNumber,
        entityId,
        profile: approved.profile.name,
        tbsDigest: hash('sha256', tbsDer, 'hex'),
      }
      await transaction.insertIntent({ ...intent, createdAt: at.toISOString() })
      await transaction.log(at, 'certificate.intended', { ...intent, entityId: entityId ?? undefined })
    }
  })
}

async function signApproved(
  { authority, key, crls, at }: IssuingAuthority,
  { approved, tbsDer }: Pending,
): Promise<Certificate> {
  const signature = await key.sign(tbsDer)
  const certificate = parseCertificate(encodeSigned(tbsDer, key.signatureAlgorithm, signature))
  if (!equalBytes(certificate.tbsDer, tbsDer)) {
    throw new InternalError('ERR_ISSUE_TBS_MISMATCH', 'the signed certificate is not the one that was approved')
  }
  for (const purpose of approved.profile.purposes) {
    validatePath(certificate, {
      anchors: authority.anchors,
      intermediates: [authority.issuing],
      at,
      purpose,
      revocation: { crls },
    })
  }
  return certificate
}

async function recordCertificate(
  transaction: StoreTransaction,
  item: Pending,
  certificate: Certificate,
  at: Date,
): Promise<void> {
  const record = certificateRecord(item, certificate)
  // It may have been quarantined or retired while the key was signing.
  if (record.entityId !== null) requireActive(await requireEntity(transaction, record.entityId))
  await transaction.insertCertificate(record)
  await transaction.log(at, 'certificate.issued', {
    serialNumber: record.serialNumber,
    entityId: record.entityId ?? undefined,
    profile: record.profile,
    keyIdentifier: record.keyIdentifier,
    fingerprint: record.fingerprint,
    notAfter: record.notAfter,
  })
}

function certificateRecord({ entityId, approved }: Pending, certificate: Certificate): CertificateRecord {
  return {
    serialNumber: certificate.serialNumber,
    entityId,
    profile: approved.profile.name,
    keyIdentifier: certificate.keyIdentifier,
    spkiDigest: spkiDigest(certificate.publicKey),
    fingerprint: certificate.fingerprint,
    subjectDigest: certificate.subject.digest,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    der: certificate.der,
  }
}

function issued({ privateKey, identity, approved }: Pending, certificate: Certificate): IssuedCertificate {
  const { profile, shortened } = approved
  return { certificate, identity, profile, shortened, ...(privateKey === undefined ? {} : { privateKey }) }
}

async function abandon({ authority, at }: IssuingAuthority, pending: readonly Pending[]): Promise<void> {
  await authority.store.transaction((transaction) =>
    abandonAll(
      transaction,
      pending.map((item) => item.serialNumber),
      at,
    ),
  )
}

/** After this time a pending intent belongs to a process that died: no key answers later. */
const ABANDONED_AFTER_SECONDS = 10 * MINUTE

/** Mark what dead processes planned and did not record. Their certificates never left; they can still be revoked. */
export async function abandonStaleIntents(authority: Authority, at: Date): Promise<void> {
  const before = addSeconds(at, -ABANDONED_AFTER_SECONDS).toISOString()
  const stale = async (reader: StoreReader): Promise<readonly string[]> =>
    (await reader.pendingIntents()).filter((intent) => intent.createdAt < before).map((intent) => intent.serialNumber)
  if ((await stale(authority.store)).length === 0) return
  // Asked again where nobody else can write: two processes may have seen the same left-overs.
  await authority.store.transaction(async (transaction) => abandonAll(transaction, await stale(transaction), at))
}

async function abandonAll(transaction: StoreTransaction, serialNumbers: readonly string[], at: Date): Promise<void> {
  for (const serialNumber of serialNumbers) {
    await transaction.abandonIntent(serialNumber)
    await transaction.log(at, 'certificate.abandoned', { serialNumber })
  }
}

/** How the store names a public key: SHA-256 of its SubjectPublicKeyInfo. */
export function spkiDigest(publicKey: PublicKey): string {
  return hash('sha256', publicKey.spkiDer, 'hex')
}
