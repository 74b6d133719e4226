/**
 * Delivering a certificate that was issued.
 *
 * @module credential/deliver (floor 5)
 */
import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { encodePrivateKey, GeneratedKey, publicKeyOf } from '../crypto/index.js'
import type { Identity } from '../identity/index.js'
import type { Purpose } from '../path/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import { placeVersion, placeVersions, type StagedVersion, stageVersion } from './directory.js'
import type { Readers } from './readers.js'
import type { VersionContent } from './version.js'

/** What a credential consists of. */
export interface Credential {
  /** Absent when the node made its key itself and sent a request. */
  readonly privateKey?: KeyObject | GeneratedKey
  readonly certificate: Certificate
  /** The CAs between, issuer first, without the trust anchor. */
  readonly chain: readonly Certificate[]
  readonly anchor: Certificate
  /** CAs to trust besides, such as those before or after a change of CAs. Default: none. */
  readonly furtherCas?: readonly Certificate[]
  readonly crls: readonly Crl[]
  readonly identity: Identity
  readonly profile: string
  readonly purpose: Purpose
}

export interface DeliveryOptions {
  /** A group that may read the directory, key included. Default: nobody but the owner. */
  readonly readers?: Readers | undefined
}

/**
 * Write a new version into a credential directory, check it as a node would, then point `current` at it.
 *
 * At every instant `current` is missing, the old version or the new one. A version that does not pass is removed.
 *
 * @param directory - Made if missing. Anything in it that is not ours is a refusal.
 * @returns The folder of the new version.
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link StoreError} `ERR_FILE_WRITE`, `ERR_KEY_CERT_MISMATCH`
 * @throws {@link TrustError} what path validation refuses
 */
export function deliverCredential(
  directory: string,
  credential: Credential,
  at: Date,
  { readers }: DeliveryOptions = {},
): string {
  return placeVersion(directory, credential.certificate.serialNumber, contentOf(credential, readers), at)
}

/** A credential, and where it goes. */
export interface Delivery extends DeliveryOptions {
  readonly directory: string
  readonly credential: Credential
}

/**
 * Deliver many as {@link deliverCredential} does, and wait for the disk for all of them together.
 *
 * @param deliveries - All are written before any is seen: a hundred at once are enough.
 * @returns The deliveries, in order, each when it is there and on the disk. Fails after those before the one that cannot be
 *   delivered; what comes after it is not written.
 * @throws as {@link deliverCredential}
 */
export async function* deliverCredentials(
  deliveries: readonly Delivery[],
  at: Date,
): AsyncGenerator<Delivery, void, void> {
  const staged = new Map<string, readonly [Delivery, StagedVersion]>()
  let failure: { readonly error: unknown } | undefined
  for (const delivery of deliveries) {
    const { directory, credential, readers } = delivery
    // Whatever is staged in a directory would be taken for what a killed process left.
    if (staged.has(directory)) yield* placed(staged)
    try {
      const { serialNumber } = credential.certificate
      staged.set(directory, [delivery, stageVersion(directory, serialNumber, contentOf(credential, readers), at)])
    } catch (error) {
      failure = { error }
      break
    }
    await setImmediate()
  }
  yield* placed(staged)
  if (failure !== undefined) throw failure.error
}

/** Place what is staged, and forget it. */
async function* placed(staged: Map<string, readonly [Delivery, StagedVersion]>): AsyncGenerator<Delivery, void, void> {
  const all = [...staged.values()]
  staged.clear()
  await placeVersions(all.map(([, version]) => version))
  for (const [delivery] of all) yield delivery
}

function contentOf(credential: Credential, readers: Readers | undefined): VersionContent {
  const { certificate, chain, anchor, furtherCas = [], crls, purpose } = credential
  return {
    ...keyOf(credential),
    certificate,
    chain,
    caBundle: [...chain, anchor, ...furtherCas],
    anchors: [anchor],
    crls,
    identityJson: `${JSON.stringify(identityDocument(credential, readers), null, 2)}\n`,
    purpose,
    readers,
  }
}

function keyOf({ privateKey }: Credential): Pick<VersionContent, 'key'> {
  if (privateKey === undefined) return {}
  return privateKey instanceof GeneratedKey
    ? // As OpenSSL works it out, also for a key that says what it is.
      { key: { pem: privateKey.toPem(), publicKey: publicKeyOf(privateKey.privateKey) } }
    : { key: { pem: encodePrivateKey(privateKey), publicKey: publicKeyOf(privateKey) } }
}

function identityDocument(
  { identity, certificate, anchor, profile }: Credential,
  readers: Readers | undefined,
): Record<string, unknown> {
  return {
    schema: 1,
    ...identity,
    profile,
    serialNumber: certificate.serialNumber,
    keyIdentifier: certificate.keyIdentifier,
    fingerprint: certificate.fingerprint,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    anchorFingerprint: anchor.fingerprint,
    ...(readers === undefined ? {} : { readersGid: readers.gid }),
  }
}
