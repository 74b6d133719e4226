/**
 * Using a credential directory.
 *
 * @module credential/load (floor 5)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  decodePrivateKey,
  type DecryptionKey,
  type KeyProvider,
  MemoryKeyProvider,
  type Passphrase,
  samePublicKey,
} from '../crypto/index.js'
import { EncodingError, StateError, StoreError } from '../errors/index.js'
import { decodeUtf8, readFileBytes, readFileText, readSecretFile } from '../files/index.js'
import { parseStrictJson } from '../json/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'
import { currentVersion } from './directory.js'
import type { Readers } from './readers.js'

/** A key and its certificate, ready to sign, to decrypt or to speak TLS. */
export interface LoadedCredential {
  /** The folder of the version that was read. */
  readonly folder: string
  readonly key: KeyProvider & DecryptionKey
  readonly certificate: Certificate
  /** The CAs between, issuer first. */
  readonly chain: readonly Certificate[]
  /** Issuing CA and root. */
  readonly caBundle: readonly Certificate[]
  /** The identity URI that the directory states; the certificate has the last word. */
  readonly identity: string
  /** The id of the entity that the directory states, if it does. */
  readonly entity: string | undefined
  /** The profile that the directory states, if it does. */
  readonly profile: string | undefined
  /** The group that may read the directory beside its owner. */
  readonly readers: Readers | undefined
}

/**
 * Load the current version of a credential directory, or a folder that is itself a version.
 *
 * Checks that the key is secret and belongs to the certificate. Does not validate the path: whoever verifies does.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_CERT_MISMATCH`
 * @throws {@link EncodingError} `ERR_CREDENTIAL_MALFORMED` and what parsing throws
 */
export function loadCredential(directory: string, passphrase?: Passphrase): LoadedCredential {
  const folder = currentVersion(directory)
  const [certificate, ...chain] = parseCertificates(readFileBytes(join(folder, 'fullchain.pem')))
  const caBundle = parseCertificates(readFileBytes(join(folder, 'ca-bundle.pem')))
  const key = new MemoryKeyProvider(decodePrivateKey(readCredentialKey(folder), passphrase))
  if (certificate === undefined || !samePublicKey(key.publicKey, certificate.publicKey)) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', `key and certificate in ${folder} do not belong together`, {
      details: { path: folder },
      hint: 'issue the credential again',
    })
  }
  return { folder, key, certificate, chain, caBundle, ...readStatement(folder) }
}

/**
 * Read the private key of a version, as it is in its file: secret, and open to no group but the one that the version
 * states.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_PATH_UNSAFE`
 */
export function readCredentialKey(folder: string): string {
  const path = join(folder, 'key.pem')
  if (!existsSync(path)) {
    throw new StoreError('ERR_FILE_READ', `there is no private key in ${folder}`, {
      details: { path },
      hint: 'a credential made from a request has its key where the request was made',
    })
  }
  const { readers } = readStatement(folder)
  const limit = { maxBytes: 64 * 1024 }
  return decodeUtf8(
    readSecretFile(path, readers === undefined ? limit : { ...limit, readersGid: readers.gid }),
    'the private key',
  )
}

/** What a version says of itself. */
export type Statement = Pick<LoadedCredential, 'identity' | 'entity' | 'profile' | 'readers'>

/** @throws {@link EncodingError} `ERR_CREDENTIAL_MALFORMED` */
export function readStatement(folder: string): Statement {
  const path = join(folder, 'identity.json')
  const malformed = (what: string): EncodingError =>
    new EncodingError('ERR_CREDENTIAL_MALFORMED', `${path} states ${what}`, { details: { path } })
  const document = parseStrictJson(readFileText(path, { maxBytes: 64 * 1024 }))
  const stated = typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {}
  const { uri, entity, profile, readersGid } = stated
  if (typeof uri !== 'string') throw malformed('no identity')
  if (readersGid !== undefined && !(Number.isSafeInteger(readersGid) && Number(readersGid) >= 0)) {
    throw malformed('readers that are no group')
  }
  return {
    identity: uri,
    entity: typeof entity === 'string' ? entity : undefined,
    profile: typeof profile === 'string' ? profile : undefined,
    readers: readersGid === undefined ? undefined : { gid: Number(readersGid) },
  }
}

/**
 * The readers that the current version of a credential directory states, so that the next one has them, too.
 *
 * @returns `undefined` where it has none, or there is no version yet.
 */
export function readersOf(directory: string): Readers | undefined {
  return statementOf(directory)?.readers
}

/**
 * A credential directory of one entity is not given to another, which a slip of the pen would do: whoever runs there would
 * speak as that other one.
 *
 * @throws {@link StateError} `ERR_OUTPUT_EXISTS`
 * @throws {@link EncodingError} `ERR_CREDENTIAL_MALFORMED`
 */
export function refuseOfAnother(directory: string, entity: string): void {
  const found = statementOf(directory)?.entity
  if (found === undefined || found === entity) return
  throw new StateError('ERR_OUTPUT_EXISTS', `${directory} holds credentials of ${found}, not of ${entity}`, {
    details: { path: directory, found, entity },
    hint: 'name a folder of its own, or remove that one first',
  })
}

function statementOf(directory: string): Statement | undefined {
  return existsSync(join(directory, 'current', 'identity.json')) ? readStatement(currentVersion(directory)) : undefined
}
