/**
 * What has to be before a rotation goes on, and what somebody decided not to wait for.
 *
 * @module authority/rotation-gates (floor 7)
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { currentVersion } from '../credential/index.js'
import { StateError, UsageError } from '../errors/index.js'
import { readFileBytes } from '../files/index.js'
import { entityPages, requireEntity } from '../identity/index.js'
import {
  acknowledgementFacts,
  type AcknowledgementRecord,
  type Evidence,
  type Holder,
  type StoreReader,
  type StoreTransaction,
} from '../store/index.js'
import { type Certificate, parseCertificate, parseCertificates, parseCrls } from '../x509/index.js'
import type { Authority } from './authority.js'
import { isBy } from './crls.js'
import { rotationOf, requireState } from './rotation-state.js'

/** A node that is not waited for, and why. */
export interface Exception {
  readonly entity: string
  readonly reason: string
}

/** That a node trusts both issuing CAs. */
export interface Acknowledgement {
  readonly entity: string
  readonly evidence: Exclude<Evidence, 'waived'>
  /** What was seen, such as the folder; may be empty. */
  readonly seen: string
}

/**
 * Record that nodes trust the issuing CA that takes over. Said again, the newest counts.
 *
 * Whether it is true is not checked: see {@link trustsIssuingCa} for what can be.
 *
 * @param by - Who says so.
 * @throws {@link StateError} `ERR_ROTATION_STATE` where no CA is taking over, `ERR_ENTITY_UNKNOWN`
 */
export async function acknowledge(
  { store }: Authority,
  acknowledgements: readonly Acknowledgement[],
  by: string,
  at: Date,
): Promise<readonly AcknowledgementRecord[]> {
  return store.transaction(async (transaction) => {
    const rotation = await rotationOf(transaction)
    const { next } = requireState(rotation, 'acknowledge', 'staged', 'reissuing', 'cut-over')
    const records: AcknowledgementRecord[] = []
    for (const { entity, evidence, seen } of acknowledgements) {
      await requireEntity(transaction, entity)
      records.push({ issuer: next.number, entityId: entity, evidence, by, reason: seen, at: at.toISOString() })
    }
    await record(transaction, records, at)
    return records
  })
}

async function record(
  transaction: StoreTransaction,
  records: readonly AcknowledgementRecord[],
  at: Date,
): Promise<void> {
  for (const one of records) {
    await transaction.putAcknowledgement(one)
    await transaction.log(at, 'rotation.acknowledged', acknowledgementFacts(one))
  }
}

/**
 * Whether a credential directory trusts an issuing CA: its certificate is in the bundle, and a CRL that it signed is there,
 * without which most servers refuse everybody whom it certified.
 *
 * Says nothing of a server that has not read the directory again.
 *
 * @throws {@link StoreError} `ERR_FILE_READ`; what parsing throws
 */
export function trustsIssuingCa(directory: string, authority: Certificate): boolean {
  const folder = currentVersion(directory)
  const [bundle, crls] = [join(folder, 'ca-bundle.pem'), join(folder, 'crls.pem')]
  if (!existsSync(bundle) || !existsSync(crls)) return false
  return (
    parseCertificates(readFileBytes(bundle)).some((one) => one.equals(authority)) &&
    parseCrls(readFileBytes(crls)).some((crl) => isBy(crl, authority))
  )
}

/** The active entities of which nobody said that they trust an issuing CA, by id. */
export async function unacknowledged(reader: StoreReader, issuer: number): Promise<readonly string[]> {
  const known = new Set((await reader.acknowledgements(issuer)).map(({ entityId }) => entityId))
  const missing: string[] = []
  for await (const page of entityPages(reader)) {
    for (const { id, state } of page) if (state === 'active' && !known.has(id)) missing.push(id)
  }
  return missing
}

/**
 * Record that some nodes are not waited for.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` without a reason; {@link StateError} `ERR_ENTITY_UNKNOWN`
 */
export async function waive(
  transaction: StoreTransaction,
  issuer: number,
  exceptions: readonly Exception[],
  by: string,
  at: Date,
): Promise<void> {
  const records: AcknowledgementRecord[] = []
  for (const { entity, reason } of exceptions) {
    requireReason(reason)
    await requireEntity(transaction, entity)
    records.push({ issuer, entityId: entity, evidence: 'waived', by, reason, at: at.toISOString() })
  }
  await record(transaction, records, at)
}

/** Somebody will ask why. @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function requireReason(reason: string): void {
  if (reason.trim() !== '') return
  throw new UsageError('ERR_CONFIG_INVALID', 'whoever is not waited for needs a reason, which is recorded', {
    hint: 'give it with --reason',
  })
}

/** Holders that are read at once. */
const PAGE = 1000

/** Who has good certificates of one issuing CA for a profile, and none of the other; by entity and profile. */
export async function* holdersOf(
  reader: StoreReader,
  issuer: number,
  withoutIssuer: number | undefined,
  at: Date,
  limit: number = PAGE,
): AsyncGenerator<readonly Holder[]> {
  let after: Holder | undefined
  for (;;) {
    const page = await reader.holders({
      issuer,
      at,
      limit,
      ...(withoutIssuer === undefined ? {} : { withoutIssuer }),
      ...(after === undefined ? {} : { after }),
    })
    if (page.length > 0) yield page
    if (page.length < limit) return
    after = page.at(-1)
  }
}

/** As {@link holdersOf}, all of them. */
export async function allHoldersOf(
  reader: StoreReader,
  issuer: number,
  withoutIssuer: number | undefined,
  at: Date,
): Promise<readonly Holder[]> {
  const all: Holder[] = []
  for await (const page of holdersOf(reader, issuer, withoutIssuer, at)) all.push(...page)
  return all
}

/** Of a long list, so many are named. */
const NAMED = 5

/** Say what has to happen first. */
export function blocked(message: string, who: readonly string[], hint: string): StateError {
  const named = who.slice(0, NAMED).join(', ')
  const more = who.length > NAMED ? ` and ${who.length - NAMED} more` : ''
  return new StateError('ERR_ROTATION_BLOCKED', who.length === 0 ? message : `${message}: ${named}${more}`, {
    details: { count: String(who.length), entities: who.slice(0, 100).join(' ') },
    hint,
  })
}

/** The certificate of a record that has one. */
export function certificateOf({ der }: { readonly der: Uint8Array | null }): Certificate {
  return parseCertificate(der ?? new Uint8Array())
}
