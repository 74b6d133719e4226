/**
 * The authority's CRLs: numbered, growing, renewed before they end.
 *
 * @module authority/crls (floor 7)
 */
import { isSignetError, StateError } from '../errors/index.js'
import { type KeyProvider, signatureAlgorithmOf, verifySignature } from '../crypto/index.js'
import type { StoreReader } from '../store/index.js'
import { addSeconds, DAY } from '../time/index.js'
import { type Certificate, createCrl, Crl, parseCrl, type RevokedCertificate } from '../x509/index.js'
import { BACKDATE_SECONDS } from './approve-validity.js'
import type { Authority } from './authority.js'
import { changesSince, entriesToList, listsWhatItMust, type Published, refuseRollback } from './crl-contents.js'
import type { IssuingCa } from './issuing-cas.js'

/** How long a CRL of the issuing CA is current. */
export const CRL_VALIDITY_SECONDS = 7 * DAY
/** How long a delta CRL is current. */
export const DELTA_CRL_VALIDITY_SECONDS = DAY
/** How long a CRL of the root is current: its key is offline. */
export const ROOT_CRL_VALIDITY_SECONDS = 365 * DAY

export interface PublicationOptions {
  readonly validitySeconds?: number
  /**
   * What receivers have now, whatever the store remembers: CRLs found where they are published. Those of other issuers,
   * and those that this authority did not sign, are passed over. Default: none.
   */
  readonly found?: readonly Crl[]
}

/**
 * The current CRLs of all issuing CAs that others are to trust, and of the root; first that of the CA that issues. An
 * issuing CA's is made anew when it does not say what the store says, or when half of its life is over.
 *
 * @param key - That of the CA that issues; of others see {@link Authority.crlKey}.
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 * @throws {@link UsageError} `ERR_PASSPHRASE_REQUIRED` where another CA has to sign whose key is not open
 */
export async function currentCrls(authority: Authority, key: KeyProvider, at: Date): Promise<readonly Crl[]> {
  const crls = await ofEachCa(authority, (ca) => currentCrl(authority, ca, key, at))
  const root = await latestCrl(authority, authority.root)
  return root === undefined ? crls : [...crls, root]
}

/** One after the other: each is a transaction. */
async function ofEachCa(authority: Authority, make: (ca: IssuingCa) => Promise<Crl>): Promise<readonly Crl[]> {
  const crls: Crl[] = []
  for (const ca of authority.issuingCas) crls.push(await make(ca))
  return crls
}

async function currentCrl(authority: Authority, ca: IssuingCa, key: KeyProvider, at: Date): Promise<Crl> {
  const { store } = authority
  const latest = await latestCrl(authority, ca.certificate)
  const needed = await entriesToList(store, at, latest, ca.number)
  const allowed = await entriesToList(store, at, undefined, ca.number)
  const isGood = latest !== undefined && isFresh(latest, at) && listsWhatItMust(latest, needed, allowed)
  return isGood ? latest : publishCrlOf(authority, ca, authority.crlKey(ca, key), at)
}

/**
 * Make the next full CRL of every issuing CA that others are to trust, and record them.
 *
 * @param key - As of {@link currentCrls}.
 * @throws as {@link currentCrls}
 */
export async function publishCrls(
  authority: Authority,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<readonly Crl[]> {
  return ofEachCa(authority, (ca) => publishCrlOf(authority, ca, authority.crlKey(ca, key), at, options))
}

/**
 * Make the next delta CRL of every issuing CA that others are to trust.
 *
 * @param key - As of {@link currentCrls}.
 * @throws {@link StateError} `ERR_CRL_NO_BASE`; as {@link currentCrls}
 */
export async function publishDeltaCrls(
  authority: Authority,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<readonly Crl[]> {
  return ofEachCa(authority, (ca) => publishDeltaCrlOf(authority, ca, authority.crlKey(ca, key), at, options))
}

/**
 * Make the next full CRL of the CA that issues and record it.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export async function publishCrl(
  authority: Authority,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<Crl> {
  return publishCrlOf(authority, authority.issuingCa, key, at, options)
}

/**
 * Make the next full CRL of one issuing CA and record it.
 *
 * @param key - Its own.
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`
 */
export async function publishCrlOf(
  authority: Authority,
  { number, certificate }: IssuingCa,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<Crl> {
  const plan = async (reader: StoreReader, { received }: Published): Promise<Plan> => {
    const entries = await entriesToList(reader, at, received, number)
    return { entries, written: entries }
  }
  return nextCrl(authority, certificate, key, at, plan, { validitySeconds: CRL_VALIDITY_SECONDS, ...options })
}

/**
 * Make the next delta CRL of the CA that issues: what changed since the last full one.
 *
 * @throws {@link StateError} `ERR_CRL_ROLLBACK`; `ERR_CRL_NO_BASE` where there is no current full CRL to change
 */
export async function publishDeltaCrl(
  authority: Authority,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<Crl> {
  return publishDeltaCrlOf(authority, authority.issuingCa, key, at, options)
}

async function publishDeltaCrlOf(
  authority: Authority,
  { number, certificate }: IssuingCa,
  key: KeyProvider,
  at: Date,
  options: PublicationOptions,
): Promise<Crl> {
  const plan = async (reader: StoreReader, { full, delta, received }: Published): Promise<Plan> => {
    if (full === undefined || full.currentUntil < at) {
      throw new StateError('ERR_CRL_NO_BASE', 'there is no current full CRL for a delta CRL to change', {
        hint: 'signet crl publish without --delta makes one',
      })
    }
    const entries = await entriesToList(reader, at, received, number)
    return { entries, written: changesSince(full, delta, entries, at), baseCrlNumber: numberOf(full) }
  }
  const defaults = { validitySeconds: DELTA_CRL_VALIDITY_SECONDS }
  return nextCrl(authority, certificate, key, at, plan, { ...defaults, ...options })
}

/**
 * Make the next CRL of the root with its offline key, and record it: what it listed before, and the issuing CAs that were
 * given up as compromised.
 */
export async function publishRootCrl(
  authority: Authority,
  rootKey: KeyProvider,
  at: Date,
  options: PublicationOptions = {},
): Promise<Crl> {
  const plan = (_reader: StoreReader, { full }: Published): Promise<Plan> => {
    const entries = new Map((full?.revokedCertificates ?? []).map((entry) => [entry.serialNumber, entry]))
    for (const { certificate, revokedAt } of authority.allIssuingCas) {
      const { serialNumber } = certificate
      if (revokedAt === undefined || entries.has(serialNumber)) continue
      entries.set(serialNumber, { serialNumber, revocationDate: revokedAt, reason: 'keyCompromise' })
    }
    const sorted = [...entries.values()].sort((a, b) => (a.serialNumber < b.serialNumber ? -1 : 1))
    return Promise.resolve({ entries: sorted, written: sorted })
  }
  return nextCrl(authority, authority.root, rootKey, at, plan, {
    validitySeconds: ROOT_CRL_VALIDITY_SECONDS,
    ...options,
  })
}

/** The newest full CRL of a CA that was recorded. */
export async function latestCrl(authority: Authority, issuer: Certificate): Promise<Crl | undefined> {
  const record = await authority.store.latestCrl(issuer.keyIdentifier)
  return record === undefined ? undefined : parseCrl(record.der)
}

/** The newest delta CRL of a CA, where that is newer than its full ones. */
export async function latestDeltaCrl(authority: Authority, issuer: Certificate): Promise<Crl | undefined> {
  const record = await authority.store.latestDeltaCrl(issuer.keyIdentifier)
  return record === undefined ? undefined : parseCrl(record.der)
}

/** The entries that shall be in force, and those that say so: in a delta CRL only what changes. */
interface Plan {
  readonly entries: readonly RevokedCertificate[]
  readonly written: readonly RevokedCertificate[]
  readonly baseCrlNumber?: number
}

async function nextCrl(
  authority: Authority,
  issuer: Certificate,
  key: KeyProvider,
  at: Date,
  plan: (reader: StoreReader, published: Published) => Promise<Plan>,
  { validitySeconds, found = [] }: PublicationOptions & { readonly validitySeconds: number },
): Promise<Crl> {
  const { store } = authority
  const elsewhere = found.filter((crl) => isBy(crl, issuer))
  // Receivers whose clocks are a little behind must not find a CRL of the future, as with certificates.
  const thisUpdate = addSeconds(at, -BACKDATE_SECONDS)
  for (;;) {
    const full = await latestCrl(authority, issuer)
    const published = { full, delta: await latestDeltaCrl(authority, issuer), received: receivedOf(full, elsewhere) }
    const known = [published.full, published.delta, ...elsewhere].filter((crl) => crl !== undefined)
    const { entries, written, baseCrlNumber } = await plan(store, published)
    await refuseRollback(store, known, published.received, thisUpdate, entries)
    const floor = Number((await store.setting(floorSetting(issuer))) ?? '0')
    const number = Math.max(floor, ...known.map(numberOf)) + 1
    const crl = await createCrl(
      {
        issuer: issuer.subject,
        authorityKeyIdentifier: issuer.subjectKeyIdentifier ?? new Uint8Array(),
        crlNumber: number,
        ...(baseCrlNumber === undefined ? {} : { baseCrlNumber }),
        thisUpdate,
        // A CRL is of use only while its issuer is.
        nextUpdate: new Date(Math.min(addSeconds(at, validitySeconds).getTime(), issuer.notAfter.getTime())),
        revokedCertificates: written,
      },
      key,
    )
    // Another process may have published meanwhile: then the number is taken, and everything is looked at again.
    if (await recordCrl(authority, issuer, crl, { number, baseNumber: baseCrlNumber ?? null }, at)) return crl
  }
}

async function recordCrl(
  authority: Authority,
  issuer: Certificate,
  crl: Crl,
  { number, baseNumber }: { readonly number: number; readonly baseNumber: number | null },
  at: Date,
): Promise<boolean> {
  return authority.store.transaction(async (transaction) => {
    const { keyIdentifier } = issuer
    const latest = [await transaction.latestCrl(keyIdentifier), await transaction.latestDeltaCrl(keyIdentifier)]
    if (latest.some((record) => record !== undefined && record.number >= number)) return false
    await transaction.insertCrl({
      issuer: keyIdentifier,
      number,
      baseNumber,
      thisUpdate: crl.thisUpdate.toISOString(),
      nextUpdate: crl.currentUntil.toISOString(),
      der: crl.der,
    })
    const base = baseNumber === null ? {} : { baseNumber }
    await transaction.log(at, 'crl.published', { issuer: keyIdentifier, number, ...base, entries: crl.size })
    return true
  })
}

/** Of the full CRL of the store, and the newest one found where receivers get theirs, the older. */
function receivedOf(full: Crl | undefined, found: readonly Crl[]): Crl | undefined {
  const newest = found
    .filter((crl) => crl.baseCrlNumber === undefined)
    .sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime())[0]
  if (newest === undefined || full === undefined) return full
  return newest.thisUpdate < full.thisUpdate ? newest : full
}

/** Whether a CA of this authority signed a CRL that was found somewhere. */
export function isBy(crl: Crl, issuer: Certificate): boolean {
  if (!crl.issuer.equals(issuer.subject)) return false
  try {
    const algorithm = signatureAlgorithmOf(crl.signatureAlgorithm)
    return verifySignature(algorithm, issuer.publicKey, crl.tbsDer, crl.signatureValue)
  } catch (error) {
    if (isSignetError(error)) return false
    throw error
  }
}

/** Name of the setting that keeps the highest number that others have seen, where the store forgot making it. */
export function floorSetting(issuer: Certificate): string {
  return `crlNumberFloor:${issuer.keyIdentifier}`
}

/** The cRLNumber: this authority counts in whole numbers. */
export function numberOf(crl: Crl): number {
  return Number(BigInt(`0x${crl.crlNumber ?? '00'}`))
}

function isFresh(crl: Crl, at: Date): boolean {
  const half = (crl.thisUpdate.getTime() + crl.currentUntil.getTime()) / 2
  return at >= crl.thisUpdate && at.getTime() < half
}
