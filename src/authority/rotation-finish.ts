/**
 * What follows from a step of a rotation, besides the step: another publisher's certificate, a last CRL, files that go.
 * All of it can be done again after a crash, and then does what is left.
 *
 * @module authority/rotation-finish (floor 7)
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyProvider } from '../crypto/index.js'
import { PUBLIC_MODE, readFileText, writeFileAtomic } from '../files/index.js'
import { type Certificate, type Crl, parseCertificate } from '../x509/index.js'
import type { Authority } from './authority.js'
import { latestCrl, publishCrlOf } from './crls.js'
import { HOME_FILES, issuingCaFiles } from './home-files.js'
import { issueOwnCertificate } from './issue.js'
import { type IssuingCa, issuingCasOf, keyLocationOf } from './issuing-cas.js'
import { removeIssuerKey } from './mapping-issuers.js'
import { type IssuingAuthority, spkiDigest } from './plan.js'
import { recordRevocations } from './revoke.js'
import { issuerKeyOf } from './rotation-stage.js'
import { rotationOf } from './rotation-state.js'

/** Certificates that are revoked in one transaction. */
const ROWS = 500

/**
 * Have the trust directory signed under the CA that issues: the publisher gets a certificate of it for the key that it has,
 * and those of other CAs are superseded. Where it has one, nothing happens.
 *
 * @returns The certificate in use.
 */
export async function ensurePublisher(issuing: IssuingAuthority): Promise<Certificate> {
  const { authority, at } = issuing
  const { publisher, store, home } = authority
  const { number } = authority.issuingCa
  const digest = spkiDigest(publisher.publicKey)
  const own = (await store.goodCertificates(number, 'authority', at, ROWS)).find(
    (one) => one.profile === 'trust-publisher' && one.spkiDigest === digest,
  )
  const certificate =
    own === undefined
      ? (await issueOwnCertificate(issuing, 'trust-publisher', publisher.publicKey)).certificate
      : parseCertificate(own.der)
  if (!certificate.equals(publisher)) {
    writeFileAtomic(join(home, HOME_FILES.publisher), certificate.toPem(), { mode: PUBLIC_MODE, existing: 'replace' })
    await authority.refreshIssuingCas()
  }
  for (const { number: other } of authority.issuingCas.slice(1)) {
    await authority.store.transaction(async (transaction) => {
      const superseded = await transaction.goodCertificates(other, 'authority', at, ROWS)
      await recordRevocations(
        transaction,
        superseded.filter(({ profile }) => profile === 'trust-publisher'),
        'superseded',
        at,
      )
    })
  }
  return certificate
}

/**
 * Revoke as superseded everything that an issuing CA issued and that is good.
 *
 * @returns How many certificates.
 */
export async function supersedeAll({ store }: Authority, issuer: number, at: Date): Promise<number> {
  for (let count = 0; ;) {
    const some = await store.transaction(async (transaction) => {
      const good = await transaction.goodCertificates(issuer, 'anybody', at, ROWS)
      await recordRevocations(transaction, good, 'superseded', at)
      return good.length
    })
    count += some
    if (some < ROWS) return count
  }
}

/**
 * The last CRL of an issuing CA that is going to be retired: current as long as its certificate, so that nobody who still
 * trusts it is locked out for want of one. Made once.
 *
 * @param key - Its own.
 */
export async function lastCrl(authority: Authority, ca: IssuingCa, key: KeyProvider, at: Date): Promise<Crl> {
  const { certificate } = ca
  const latest = await latestCrl(authority, certificate)
  if (latest !== undefined && latest.currentUntil.getTime() === certificate.notAfter.getTime()) {
    const revoked = await authority.store.revocations(ca.number)
    if (revoked.every(({ serialNumber }) => latest.find(serialNumber) !== undefined)) return latest
  }
  const validitySeconds = Math.max(1, Math.ceil((certificate.notAfter.getTime() - at.getTime()) / 1000))
  return publishCrlOf(authority, ca, key, at, { validitySeconds })
}

/**
 * Remove what nobody needs any more of issuing CAs that were retired or withdrawn: key files, certificates that never
 * counted, their keys in the mapping.
 *
 * What is removed is gone from this file system; not from backups, nor, for certain, from the disk.
 *
 * @returns The files that were removed.
 */
export async function removeForgotten(authority: Authority): Promise<readonly string[]> {
  const { home, store } = authority
  const removed: string[] = []
  const rotation = await rotationOf(store)
  const gone = rotation.all.filter(({ state }) => state === 'retired' || state === 'withdrawn')
  for (const { number, state } of gone) {
    const files = issuingCaFiles(number)
    for (const name of state === 'withdrawn' ? [files.key, files.certificate] : [files.key]) {
      const path = join(home, name)
      if (!existsSync(path)) continue
      rmSync(path)
      removed.push(path)
    }
  }
  forgetInMapping(
    authority,
    issuingCasOf(gone).map(({ certificate }) => certificate),
  )
  return removed
}

function forgetInMapping({ home }: Authority, gone: readonly Certificate[]): void {
  const path = join(home, HOME_FILES.mapping)
  const text = readFileText(path)
  const changed = gone.reduce((current, certificate) => removeIssuerKey(current, issuerKeyOf(certificate)), text)
  if (changed !== text) writeFileAtomic(path, changed, { mode: PUBLIC_MODE, existing: 'replace' })
}

/** Where the key of an issuing CA is, for people. */
export function keyPlace(key: string): string {
  const location = keyLocationOf(key)
  if (location === undefined) return 'destroyed'
  return location.kind === 'file' ? location.path : location.command.join(' ')
}
