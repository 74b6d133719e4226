/**
 * Delivering a certificate that was issued.
 *
 * @module credential/deliver (floor 5)
 */
import type { KeyObject } from 'node:crypto'
import { encodePrivateKey, GeneratedKey, publicKeyOf } from '../crypto/index.js'
import type { Identity } from '../identity/index.js'
import type { Purpose } from '../path/index.js'
import type { Certificate, Crl } from '../x509/index.js'
import { placeVersion } from './directory.js'
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
  const { certificate, chain, anchor, furtherCas = [], crls, purpose } = credential
  const content: VersionContent = {
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
  return placeVersion(directory, certificate.serialNumber, content, at)
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
