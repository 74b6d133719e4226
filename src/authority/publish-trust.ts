/**
 * Publishing the trust directory: every signer that may be believed now.
 *
 * @module authority/publish-trust (floor 7)
 */
import type { KeyProvider } from '../crypto/index.js'
import { type EntityLookup, type Identity, registryOf, resolveIdentity } from '../identity/index.js'
import { InternalError, isSignetError } from '../errors/index.js'
import { validatePath } from '../path/index.js'
import { addSeconds, DAY } from '../time/index.js'
import {
  applyTrustDelta,
  type DocumentSigner,
  openTrustDelta,
  openTrustDirectory,
  signTrustDelta,
  signTrustDirectory,
  type TrustDirectory,
} from '../trust/index.js'
import { type Certificate, type Crl, parseCertificate } from '../x509/index.js'
import type { Authority } from './authority.js'

/** How long a trust directory is current unless said otherwise. */
export const TRUST_VALIDITY_SECONDS = DAY

export interface TrustPublication {
  readonly der: Uint8Array
  /** As a receiver reads it. */
  readonly directory: TrustDirectory
}

const SEQUENCE_SETTING = 'trustSequence'

/**
 * Sign the next trust directory: the good signing certificates of active entities, with the identity and roles to
 * which they map now.
 *
 * The sequence number is recorded before anything is signed, so that no two directories ever share one.
 *
 * @param crls - Current CRLs of root and issuing CAs; they travel in the directory.
 * @param found - Directories that were published before, as far as they are at hand. The new one gets a higher number
 * than all of them, also where the store is an older one from a backup: receivers would refuse it otherwise.
 */
export async function publishTrustDirectory(
  authority: Authority,
  publisherKey: KeyProvider,
  crls: readonly Crl[],
  at: Date,
  validitySeconds: number = TRUST_VALIDITY_SECONDS,
  found: readonly TrustDirectory[] = [],
): Promise<TrustPublication> {
  const signers = await currentSigners(authority, crls, at)
  const sequence = await authority.store.transaction(async (transaction) => {
    const last = Number((await transaction.setting(SEQUENCE_SETTING)) ?? '0')
    const next = Math.max(last, ...found.map((directory) => directory.sequence)) + 1
    await transaction.setSetting(SEQUENCE_SETTING, String(next))
    await transaction.log(at, 'trust.published', { sequence: next, signers: signers.length })
    return next
  })
  const der = await signTrustDirectory(
    {
      trustDomain: authority.deployment.trustDomain,
      sequence,
      issuedAt: at,
      nextUpdate: addSeconds(at, validitySeconds),
      anchors: authority.anchors,
      authorities: authority.authorities,
      crls,
      signers,
    },
    { key: publisherKey, certificate: authority.publisher },
  )
  const directory = openTrustDirectory(der, { pin: authority.root.fingerprint, at, memory: 'allow-forgetting' })
  return { der, directory }
}

/**
 * Sign what makes a publication of a directory that receivers have. It is applied before it is handed out.
 *
 * @param base - What receivers have; it may be past its end.
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` where it is not an earlier directory of this trust domain
 */
export async function publishTrustDelta(
  authority: Authority,
  publisherKey: KeyProvider,
  base: TrustDirectory,
  { der, directory }: TrustPublication,
): Promise<Uint8Array> {
  const delta = await signTrustDelta(base, directory, der, { key: publisherKey, certificate: authority.publisher })
  const request = { pin: authority.root.fingerprint, at: directory.issuedAt, memory: 'allow-forgetting' } as const
  const applied = applyTrustDelta(base, openTrustDelta(delta, request), request)
  if (Buffer.compare(applied.der, der) !== 0)
    throw new InternalError('ERR_INTERNAL', 'a trust delta does not make the trust directory that it was made for')
  return delta
}

async function currentSigners(
  authority: Authority,
  crls: readonly Crl[],
  at: Date,
): Promise<readonly DocumentSigner[]> {
  const mapping = authority.mapping()
  const registry = registryOf(authority.store)
  const signers: DocumentSigner[] = []
  for (const { certificate: record, revocation } of await authority.store.certificates()) {
    if (record.profile !== 'signer' || revocation !== undefined || Date.parse(record.notAfter) < at.getTime()) continue
    const certificate = parseCertificate(record.der)
    const identity = await identityIfGood(authority, mapping, registry, certificate, crls, at)
    if (identity !== undefined) signers.push({ certificate, identity })
  }
  return signers
}

/** A certificate that nobody would believe is left out: not in the directory means not trusted. */
async function identityIfGood(
  authority: Authority,
  mapping: ReturnType<Authority['mapping']>,
  registry: EntityLookup,
  certificate: Certificate,
  crls: readonly Crl[],
  at: Date,
): Promise<Identity | undefined> {
  try {
    const path = validatePath(certificate, {
      anchors: authority.anchors,
      intermediates: authority.authorities,
      at,
      purpose: 'message-signing',
      revocation: { crls },
    })
    return await resolveIdentity(path, mapping, registry)
  } catch (error) {
    if (isSignetError(error) && (error.category === 'untrusted' || error.category === 'denied')) return undefined
    throw error
  }
}
