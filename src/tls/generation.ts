/**
 * One generation of a credential directory: key, certificates and CRLs that were there together, read whole or not at all.
 *
 * @module tls/generation (floor 7)
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { currentVersion, loadCredential, readCredentialKey, refuseOlderCrls } from '../credential/index.js'
import { decodePrivateKey, encodePrivateKey, type Passphrase } from '../crypto/index.js'
import { UsageError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { validatePath } from '../path/index.js'
import { type Certificate, type Crl, parseCrls } from '../x509/index.js'

/** What a handshake needs of a key pair, as OpenSSL wants it. Secret: it goes into a context and nowhere else. */
interface KeyPair {
  readonly key: string
  readonly cert: string
}

/** Made by {@link loadGeneration}; never changes. */
export class TlsGeneration {
  /** The folder that was read. */
  readonly folder: string
  /** Of all octets: two generations with one digest are one. */
  readonly digest: string
  readonly certificate: Certificate
  readonly anchors: readonly Certificate[]
  /** CAs between, of our own path and of the bundle. */
  readonly intermediates: readonly Certificate[]
  readonly crls: readonly Crl[]
  readonly #keyPair: KeyPair

  constructor(fields: Omit<TlsGeneration, 'keyPair'>, keyPair: KeyPair) {
    this.folder = fields.folder
    this.digest = fields.digest
    this.certificate = fields.certificate
    this.anchors = fields.anchors
    this.intermediates = fields.intermediates
    this.crls = fields.crls
    this.#keyPair = keyPair
    Object.freeze(this)
  }

  /** For the context of a handshake only. */
  keyPair(): KeyPair {
    return this.#keyPair
  }
}

/**
 * Read what a credential directory holds now, and check that it belongs together: the key to the certificate, the
 * certificate to an anchor of the bundle, and CRLs no older than those before.
 *
 * Does not check that anything is current or not revoked: whoever relies on it does, each time.
 *
 * @param before - The generation in use, which none older may replace.
 * @throws {@link StoreError} `ERR_FILE_READ`, `ERR_KEY_PERMISSIONS`, `ERR_KEY_CERT_MISMATCH`
 * @throws {@link EncodingError} what parsing throws
 * @throws {@link TrustError} `ERR_PATH_*` where the certificate leads to no anchor of the bundle
 * @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR`
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export function loadGeneration(directory: string, passphrase?: Passphrase, before?: TlsGeneration): TlsGeneration {
  const folder = currentVersion(directory)
  const { certificate, chain, caBundle } = loadCredential(folder, passphrase)
  const crls = parseCrls(readFileBytes(join(folder, 'crls.pem')))
  const key = encodePrivateKey(decodePrivateKey(readCredentialKey(folder), passphrase))
  const anchors = caBundle.filter((item) => item.issuer.equals(item.subject))
  if (anchors.length === 0) {
    throw new UsageError('ERR_TRUST_NO_ANCHOR', `ca-bundle.pem in ${folder} holds no root`, { details: { folder } })
  }
  const intermediates = [...chain, ...caBundle.filter((item) => !anchors.includes(item))]
  const cert = [certificate, ...chain].map((item) => item.toPem()).join('')
  // At its end, which its CAs outlive: that it is over already, its peers see for themselves.
  validatePath(certificate, {
    anchors,
    intermediates,
    at: certificate.notAfter,
    purpose: 'allow-any',
    revocation: 'allow-unchecked',
  })
  if (before !== undefined) refuseOlderCrls(before.crls, crls)
  const digest = createHash('sha256')
  for (const { der } of [certificate, ...chain, ...caBundle, ...crls]) digest.update(der)
  const fields = { folder, digest: digest.digest('hex'), certificate, anchors, intermediates, crls }
  return new TlsGeneration(fields, { key, cert })
}
