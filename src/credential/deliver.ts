/**
 * A credential directory: what a node gets. Versions lie beside each other, `current` points at one of them, and only
 * ever at a whole one.
 *
 * ```
 * DIR/current -> versions/<serial number>
 * DIR/versions/<serial number>/key.pem         private key, PKCS #8, 0600 (not there when the node kept its key)
 *                              cert.pem        the certificate
 *                              chain.pem       the CAs between it and the root
 *                              fullchain.pem   cert.pem and chain.pem
 *                              ca-bundle.pem   issuing CA and root: what to trust; both issuing CAs during a rotation
 *                              crls.pem        the CRLs of them all
 *                              identity.json   who this is
 * ```
 *
 * @module credential/deliver (floor 5)
 */
import type { KeyObject } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { equalBytes } from '../asn1/index.js'
import { encodePrivateKey, GeneratedKey, type PublicKey, publicKeyOf, samePublicKey } from '../crypto/index.js'
import { StateError, StoreError } from '../errors/index.js'
import {
  placeDirectory,
  PUBLIC_MODE,
  purgeTemporaries,
  SECRET_DIRECTORY_MODE,
  SECRET_MODE,
  stageDirectory,
  discardDirectory,
  lookAt,
  swapLink,
  writeFailure,
  writeNew,
} from '../files/index.js'
import type { Identity } from '../identity/index.js'
import { type Purpose, validatePath } from '../path/index.js'
import { type Certificate, type Crl, parseCertificates, parseCrls } from '../x509/index.js'
import { readFileBytes } from '../files/index.js'

/** What a credential consists of. */
export interface Credential {
  /** Absent when the node made its key itself and sent a request. */
  readonly privateKey?: KeyObject | GeneratedKey
  readonly certificate: Certificate
  /** The CAs between, issuer first, without the trust anchor. */
  readonly chain: readonly Certificate[]
  /** Further CAs to trust, as while one issuing CA takes over from another. Default: none. */
  readonly authorities?: readonly Certificate[]
  readonly anchor: Certificate
  readonly crls: readonly Crl[]
  readonly identity: Identity
  readonly profile: string
  readonly purpose: Purpose
}

/** Older versions that stay, for servers that still have them open. */
const KEPT_VERSIONS = 2
const VERSIONS = 'versions'

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
export function deliverCredential(directory: string, credential: Credential, at: Date): string {
  refuseForeign(directory)
  const versions = join(directory, VERSIONS)
  makeDirectory(directory)
  makeDirectory(versions)
  purgeTemporaries(directory)
  purgeTemporaries(versions)
  const version = join(versions, credential.certificate.serialNumber)
  const stage = stageDirectory(versions, SECRET_DIRECTORY_MODE)
  try {
    writeVersion(stage, credential)
    checkVersion(stage, credential, at)
    placeDirectory(stage, version)
  } catch (error) {
    discardDirectory(stage)
    throw writeFailure(directory, error)
  }
  swapLink(join(directory, 'current'), join(VERSIONS, basename(version)))
  dropOldVersions(directory)
  return version
}

function writeVersion(stage: string, credential: Credential): void {
  const { certificate, chain, authorities = [], anchor, crls } = credential
  const others = authorities.filter((authority) => !chain.some((item) => item.equals(authority)))
  const pem = (certificates: readonly Certificate[]): string => certificates.map((item) => item.toPem()).join('')
  if (credential.privateKey !== undefined) writeNew(join(stage, 'key.pem'), pemOf(credential.privateKey), SECRET_MODE)
  writeNew(join(stage, 'cert.pem'), certificate.toPem(), PUBLIC_MODE)
  writeNew(join(stage, 'chain.pem'), pem(chain), PUBLIC_MODE)
  writeNew(join(stage, 'fullchain.pem'), pem([certificate, ...chain]), PUBLIC_MODE)
  writeNew(join(stage, 'ca-bundle.pem'), pem([...chain, ...others, anchor]), PUBLIC_MODE)
  writeNew(join(stage, 'crls.pem'), crls.map((crl) => crl.toPem()).join(''), PUBLIC_MODE)
  writeNew(join(stage, 'identity.json'), `${JSON.stringify(identityDocument(credential), null, 2)}\n`, PUBLIC_MODE)
}

function pemOf(privateKey: KeyObject | GeneratedKey): string {
  return privateKey instanceof GeneratedKey ? privateKey.toPem() : encodePrivateKey(privateKey)
}

/** As OpenSSL works it out, also for a key that says what it is. */
function publicHalf(privateKey: KeyObject | GeneratedKey): PublicKey {
  return publicKeyOf(privateKey instanceof GeneratedKey ? privateKey.privateKey : privateKey)
}

function identityDocument({ identity, certificate, anchor, profile }: Credential): Record<string, unknown> {
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
  }
}

/**
 * Parse a file that is the same in one credential after another: the same octets are parsed, and their signatures
 * verified, once.
 */
function parsedOnce<T>(parse: (bytes: Uint8Array) => T): (bytes: Uint8Array) => T {
  let last: { readonly bytes: Uint8Array; readonly value: T } | undefined
  return (bytes) => {
    if (last === undefined || !equalBytes(last.bytes, bytes)) last = { bytes, value: parse(bytes) }
    return last.value
  }
}

const readBundle = parsedOnce(parseCertificates)
const readCrls = parsedOnce(parseCrls)

/** Read back what was written, and judge it as whoever will rely on it does. */
function checkVersion(stage: string, credential: Credential, at: Date): void {
  const { privateKey } = credential
  const [certificate, ...chain] = parseCertificates(readFileBytes(join(stage, 'fullchain.pem')))
  const bundle = readBundle(readFileBytes(join(stage, 'ca-bundle.pem')))
  if (
    certificate === undefined ||
    (privateKey !== undefined && !samePublicKey(publicHalf(privateKey), certificate.publicKey))
  ) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the private key is not the key of the certificate', {
      details: { certificate: credential.certificate.fingerprint },
    })
  }
  validatePath(certificate, {
    anchors: bundle.slice(-1),
    // The same octets are the same certificate, of which is known already who signed it.
    intermediates: chain.map((one) => bundle.find((known) => known.equals(one)) ?? one),
    at,
    purpose: credential.purpose,
    revocation: { crls: readCrls(readFileBytes(join(stage, 'crls.pem'))) },
  })
}

/**
 * A directory that holds something else is somebody else's. Asked for again before delivery, so that nothing need be
 * issued first.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 */
export function refuseForeign(directory: string): void {
  const stats = lookAt(directory)
  if (stats === undefined) return
  const foreign = stats.isDirectory()
    ? readdirSync(directory).find((name) => !isOurs(directory, name))
    : basename(directory)
  if (foreign !== undefined) {
    throw new StateError('ERR_OUTPUT_EXISTS', `${directory} is not a credential directory: it holds ${foreign}`, {
      details: { path: directory, found: foreign },
      hint: existsSync(join(directory, foreign, 'current'))
        ? `the credential directories are inside of it: name ${join(directory, foreign)}, or a new folder`
        : 'name a folder that is new, empty, or a credential directory',
    })
  }
}

function isOurs(directory: string, name: string): boolean {
  if (name === 'current') return lstatSync(join(directory, name)).isSymbolicLink()
  // A link would let us set modes and delete elsewhere.
  if (name === VERSIONS) return lstatSync(join(directory, name)).isDirectory()
  return name.startsWith('.signet-tmp-')
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: SECRET_DIRECTORY_MODE })
    chmodSync(path, SECRET_DIRECTORY_MODE)
  } catch (cause) {
    throw new StoreError(
      'ERR_FILE_WRITE',
      `cannot make the folder ${path}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`,
      {
        details: { path },
        cause,
      },
    )
  }
}

/** Private keys that nobody uses any more should not lie about. */
function dropOldVersions(directory: string): void {
  const versions = join(directory, VERSIONS)
  const link = join(directory, 'current')
  const current = existsSync(link) ? basename(readlinkSync(link)) : ''
  const old = readdirSync(versions)
    .filter((name) => name !== current && /^[0-9a-f]+$/.test(name))
    .map((name) => ({ name, age: statSync(join(versions, name)).mtimeMs }))
    .sort((a, b) => b.age - a.age)
    .slice(KEPT_VERSIONS - 1)
  for (const { name } of old) rmSync(join(versions, name), { recursive: true, force: true })
}
