/**
 * One version of a credential directory: its files, written once and read back before anybody else sees them.
 *
 * @module credential/version (floor 5)
 */
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { equalBytes, OID } from '../asn1/index.js'
import { type PublicKey, samePublicKey } from '../crypto/index.js'
import { StoreError } from '../errors/index.js'
import {
  PUBLIC_DIRECTORY_MODE,
  PUBLIC_MODE,
  readFileBytes,
  readFileText,
  SECRET_MODE,
  writeUnsynced,
} from '../files/index.js'
import { type Purpose, validatePath } from '../path/index.js'
import { type Certificate, type Crl, opensslNameHash, parseCertificates, parseCrls } from '../x509/index.js'
import { openSecret, type Readers } from './readers.js'

/** What goes into a version. */
export interface VersionContent {
  /** Absent when the node keeps its key elsewhere. */
  readonly key?: {
    readonly pem: string
    /** As OpenSSL works it out of the private half. */
    readonly publicKey: PublicKey
  }
  readonly certificate: Certificate
  /** The CAs between, issuer first. */
  readonly chain: readonly Certificate[]
  /** All CAs to trust, roots among them. */
  readonly caBundle: readonly Certificate[]
  /** The roots to one of which the certificate must lead. */
  readonly anchors: readonly Certificate[]
  /** Full CRLs only: OpenSSL takes a delta CRL for a full one. */
  readonly crls: readonly Crl[]
  readonly identityJson: string
  readonly purpose: Purpose
  readonly readers: Readers | undefined
}

/** Write all files of a version into a folder that nobody else sees yet, for who waits for the disk later. */
export function writeVersion(stage: string, content: VersionContent): void {
  const { key, certificate, chain, caBundle, crls, readers } = content
  const pem = (items: readonly (Certificate | Crl)[]): string => items.map((item) => item.toPem()).join('')
  const secret = (name: string, text: string): void => {
    writeUnsynced(join(stage, name), text, SECRET_MODE)
    openSecret(join(stage, name), readers)
  }
  const fullchain = pem([certificate, ...chain])
  if (key !== undefined) {
    secret('key.pem', key.pem)
    if (isForTls(certificate)) secret('combined.pem', key.pem + fullchain)
  }
  writeUnsynced(join(stage, 'cert.pem'), certificate.toPem(), PUBLIC_MODE)
  writeUnsynced(join(stage, 'chain.pem'), pem(chain), PUBLIC_MODE)
  writeUnsynced(join(stage, 'fullchain.pem'), fullchain, PUBLIC_MODE)
  writeUnsynced(join(stage, 'ca-bundle.pem'), pem(caBundle), PUBLIC_MODE)
  writeUnsynced(join(stage, 'crls.pem'), pem(crls), PUBLIC_MODE)
  writeCrlFolder(join(stage, 'crls'), crls)
  writeUnsynced(join(stage, 'identity.json'), content.identityJson, PUBLIC_MODE)
}

/** Whether a certificate is for TLS. Of a key that only signs messages, or reads them, one file is enough. */
export function isForTls({ extKeyUsage }: Certificate): boolean {
  return extKeyUsage === undefined || [OID.kpServerAuth, OID.kpClientAuth].some((usage) => extKeyUsage.has(usage))
}

/** As OpenSSL's `-CApath` looks for them: CRLs whose issuers share a hash are numbered. */
function writeCrlFolder(folder: string, crls: readonly Crl[]): void {
  mkdirSync(folder)
  chmodSync(folder, PUBLIC_DIRECTORY_MODE)
  for (const [hash, same] of Map.groupBy(crls, ({ issuer }) => opensslNameHash(issuer))) {
    same.forEach((crl, index) => {
      writeUnsynced(join(folder, `${hash}.r${index}`), crl.toPem(), PUBLIC_MODE)
    })
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

/**
 * Read back what was written, and judge it as whoever will rely on it does.
 *
 * @throws {@link StoreError} `ERR_KEY_CERT_MISMATCH`
 * @throws {@link TrustError} what path validation refuses
 */
export function checkVersion(stage: string, { key, certificate, anchors, ...content }: VersionContent, at: Date): void {
  const fullchain = readFileBytes(join(stage, 'fullchain.pem'))
  const [written, ...chain] = parseCertificates(fullchain)
  const bundle = readBundle(readFileBytes(join(stage, 'ca-bundle.pem')))
  if (written === undefined || (key !== undefined && !samePublicKey(key.publicKey, written.publicKey))) {
    throw new StoreError('ERR_KEY_CERT_MISMATCH', 'the private key is not the key of the certificate', {
      details: { certificate: certificate.fingerprint },
    })
  }
  const known = (one: Certificate): Certificate => bundle.find((item) => item.equals(one)) ?? one
  validatePath(written, {
    anchors: anchors.map(known),
    // The same octets are the same certificate, of which is known already who signed it.
    intermediates: chain.map(known),
    at,
    purpose: content.purpose,
    revocation: { crls: readCrls(readFileBytes(join(stage, 'crls.pem'))) },
  })
  if (key !== undefined && isForTls(certificate)) requireWhole(stage, fullchain)
}

/** Servers read the key in either of two files. */
function requireWhole(stage: string, fullchain: Uint8Array): void {
  const [pem, combined] = [readFileText(join(stage, 'key.pem')), readFileText(join(stage, 'combined.pem'))]
  if (combined === pem + Buffer.from(fullchain).toString('latin1')) return
  throw new StoreError('ERR_KEY_CERT_MISMATCH', 'combined.pem is not key and certificates together', {
    details: { path: join(stage, 'combined.pem') },
  })
}
