/**
 * Using a credential directory.
 *
 * @module credential/load (floor 5)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type DecryptionKey, type KeyProvider, openKeyFile, type Passphrase, samePublicKey } from '../crypto/index.js'
import { EncodingError, StoreError } from '../errors/index.js'
import { readFileBytes, readFileText } from '../files/index.js'
import { parseStrictJson } from '../json/index.js'
import { type Certificate, parseCertificates } from '../x509/index.js'

/** A key and its certificate, ready to sign, to decrypt or to speak TLS. */
export interface LoadedCredential {
  readonly key: KeyProvider & DecryptionKey
  readonly certificate: Certificate
  /** The CAs between, issuer first. */
  readonly chain: readonly Certificate[]
  /** Issuing CA and root. */
  readonly caBundle: readonly Certificate[]
  /** The identity URI that the directory states; the certificate has the last word. */
  readonly identity: string
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
  const version = existsSync(join(directory, 'current')) ? join(directory, 'current') : directory
  const [certificate, ...chain] = parseCertificates(readFileBytes(join(version, 'fullchain.pem')))
  const caBundle = parseCertificates(readFileBytes(join(version, 'ca-bundle.pem')))
  const keyPath = join(version, 'key.pem')
  if (!existsSync(keyPath)) {
    throw new StoreError('ERR_FILE_READ', `there is no private key in ${version}`, {
      details: { path: keyPath },
      hint: 'a credential made from a request has its key where the request was made',
    })
  }
  const key = openKeyFile(keyPath, passphrase)
  if (certificate === undefined || !samePublicKey(key.publicKey, certificate.publicKey)) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', `key and certificate in ${version} do not belong together`, {
      details: { path: version },
      hint: 'issue the credential again',
    })
  }
  return { key, certificate, chain, caBundle, identity: statedIdentity(join(version, 'identity.json')) }
}

function statedIdentity(path: string): string {
  const document = parseStrictJson(readFileText(path, { maxBytes: 64 * 1024 }))
  const uri = typeof document === 'object' && document !== null && 'uri' in document ? document.uri : undefined
  if (typeof uri !== 'string')
    throw new EncodingError('ERR_CREDENTIAL_MALFORMED', `${path} states no identity`, { details: { path } })
  return uri
}
