/**
 * The same certificate once more, with newer CRLs or other CAs beside it: as a version of its own, so that servers get
 * everything of one moment.
 *
 * @module credential/redeliver (floor 5)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { decodePrivateKey, type Passphrase, publicKeyOf } from '../crypto/index.js'
import { StateError, UsageError } from '../errors/index.js'
import { readFileBytes, readFileText } from '../files/index.js'
import { type Certificate, type Crl, parseCertificates, parseCrls } from '../x509/index.js'
import { crlSeries, refuseOlderCrls } from './crl-numbers.js'
import { currentVersion, nextGenerationName, placeVersion } from './directory.js'
import { readCredentialKey, readStatement } from './load.js'
import type { Readers } from './readers.js'
import { isForTls, type VersionContent } from './version.js'

/** What changes. What is left out stays as it is. */
export interface Redelivery {
  /** All CRLs, those that did not change among them. */
  readonly crls?: readonly Crl[]
  /** All CAs to trust. */
  readonly caBundle?: readonly Certificate[]
  readonly readers?: Readers
  /** Of the key, if it is encrypted. */
  readonly passphrase?: Passphrase
}

/**
 * Deliver the current certificate of a credential directory again, key and identity as they are.
 *
 * No CRL may be older than the one in use, or be missing where there was one whose CA is still trusted; the certificate
 * must lead to one of the roots and not be revoked. Where nothing differs, nothing is written.
 *
 * @returns The folder that is current then.
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`; with what `deliverCredential` and `loadCredential` throw
 * @throws {@link UsageError} `ERR_TRUST_NO_ANCHOR`
 */
export function redeliverCredential(directory: string, changes: Redelivery, at: Date): string {
  const folder = currentVersion(directory)
  const [certificate, ...chain] = parseCertificates(readFileBytes(join(folder, 'fullchain.pem')))
  const before = {
    caBundle: parseCertificates(readFileBytes(join(folder, 'ca-bundle.pem'))),
    crls: parseCrls(readFileBytes(join(folder, 'crls.pem'))),
    readers: readStatement(folder).readers,
  }
  const after = { ...before, ...changes }
  const anchors = after.caBundle.filter(({ issuer, subject }) => issuer.equals(subject))
  if (certificate === undefined || anchors.length === 0) {
    throw new UsageError('ERR_TRUST_NO_ANCHOR', `no root would be left in ${directory}`, {
      details: { path: directory },
    })
  }
  refuseOlderCrls(before.crls, after.crls)
  refuseMissing(before.crls, after)
  if (isWhole(folder, certificate) && isSame(before, after)) return folder
  const content: VersionContent = {
    ...keyIn(folder, changes.passphrase),
    certificate,
    chain,
    caBundle: after.caBundle,
    anchors,
    crls: after.crls,
    identityJson: identityWith(folder, after.readers),
    // What it is for was decided when it was first delivered.
    purpose: 'allow-any',
    readers: after.readers,
  }
  return placeVersion(directory, nextGenerationName(directory, certificate.serialNumber), content, at)
}

type Trusted = Pick<VersionContent, 'caBundle' | 'crls' | 'readers'>

/** A CRL that is left out takes back what it said as one that is older does. */
function refuseMissing(before: readonly Crl[], { caBundle, crls }: Trusted): void {
  const there = new Set(crls.map(crlSeries))
  const missing = before.find(
    (crl) => !there.has(crlSeries(crl)) && caBundle.some(({ subject }) => subject.equals(crl.issuer)),
  )
  if (missing === undefined) return
  throw new StateError('ERR_CRL_ROLLBACK', `the CRL of ${missing.issuer.toString()} would be missing`, {
    details: { issuer: missing.issuer.toString() },
    hint: 'give the CRLs of all CAs',
  })
}

/** Whether it has the files that versions have had since there are several ways to read them. */
function isWhole(folder: string, certificate: Certificate): boolean {
  const isKeyThere = existsSync(join(folder, 'key.pem'))
  return (
    existsSync(join(folder, 'crls')) &&
    (!isForTls(certificate) || existsSync(join(folder, 'combined.pem')) === isKeyThere)
  )
}

function isSame(before: Trusted, after: Trusted): boolean {
  const texts = (items: readonly (Certificate | Crl)[]): string => items.map((item) => item.toPem()).join('')
  return (
    texts(before.caBundle) === texts(after.caBundle) &&
    texts(before.crls) === texts(after.crls) &&
    before.readers?.gid === after.readers?.gid
  )
}

function keyIn(folder: string, passphrase: Passphrase | undefined): Pick<VersionContent, 'key'> {
  if (!existsSync(join(folder, 'key.pem'))) return {}
  const pem = readCredentialKey(folder)
  return { key: { pem, publicKey: publicKeyOf(decodePrivateKey(pem, passphrase)) } }
}

/** As it was written, but for the readers. */
function identityWith(folder: string, readers: Readers | undefined): string {
  const document = JSON.parse(readFileText(join(folder, 'identity.json'))) as Record<string, unknown>
  return `${JSON.stringify({ ...document, readersGid: readers?.gid }, null, 2)}\n`
}
