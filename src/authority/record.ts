/**
 * What the store is told of a certificate: that it is going to be signed, that it was, or that it came to nothing.
 *
 * @module authority/record (floor 7)
 */
import { hash } from 'node:crypto'
import { StateError } from '../errors/index.js'
import { requireActive, requireEntity } from '../identity/index.js'
import type { CertificateRecord, IntentRecord, StoreReader, StoreTransaction } from '../store/index.js'
import { addSeconds, MINUTE } from '../time/index.js'
import type { Authority } from './authority.js'
import { issuingNumber } from './issuing-cas.js'
import { breathe, checkKeyIsFree, type IssuingAuthority, type Planned } from './plan.js'
import type { SignedPlan } from './sign.js'

/** Rows that are written in one go: about two milliseconds of work. */
const ROWS = 100

/** Record what is going to be signed: durable when the call returns. */
export async function recordIntents({ authority, at }: IssuingAuthority, planned: readonly Planned[]): Promise<void> {
  const createdAt = at.toISOString()
  const issuer = authority.issuingCa.number
  const logged = loggedIssuer(issuer)
  await authority.store.transaction(async (transaction) => {
    for (const some of inParts(planned)) {
      const intents = some.map(({ serialNumber, entityId, profile, tbsDer }): IntentRecord => {
        const tbsDigest = hash('sha256', tbsDer, 'hex')
        return { serialNumber, entityId, profile: profile.name, tbsDigest, createdAt, issuer }
      })
      await transaction.insertIntents(intents)
      const certificates = intents.map(({ serialNumber, entityId, profile, tbsDigest }) => {
        return { serialNumber, entityId: entityId ?? undefined, profile, tbsDigest }
      })
      // One entry for all: of each there is another one soon, which says what became of it.
      await transaction.log(at, 'certificate.intended', { certificates, ...logged })
      await breathe()
    }
  })
}

/**
 * Record what was signed: durable when the call returns. What may have changed while the key was signing is asked again,
 * where nobody else can write.
 *
 * @throws {@link DeniedError} `ERR_ENTITY_INACTIVE`, `ERR_ISSUE_KEY`
 * @throws {@link StateError} `ERR_ROTATION_STATE` where another CA issues meanwhile
 */
export async function recordCertificates(issuing: IssuingAuthority, signed: readonly SignedPlan[]): Promise<void> {
  const { authority, at } = issuing
  const { number } = authority.issuingCa
  const logged = loggedIssuer(number)
  await authority.store.transaction(async (transaction) => {
    await recheckIssuer(transaction, number)
    await recheckEntities(transaction, signed)
    await recheckKeys(transaction, issuing, signed)
    for (const some of inParts(signed)) {
      const records = some.map((one) => certificateRecord(one, number))
      await transaction.insertCertificates(records)
      const facts = records.map(({ serialNumber, entityId, profile, keyIdentifier, fingerprint, notAfter }) => {
        return {
          serialNumber,
          entityId: entityId ?? undefined,
          profile,
          keyIdentifier,
          fingerprint,
          notAfter,
          ...logged,
        }
      })
      await transaction.logAll(at, 'certificate.issued', facts)
      await breathe()
    }
  })
}

/** They may have been quarantined or retired. */
async function recheckEntities(transaction: StoreTransaction, signed: readonly SignedPlan[]): Promise<void> {
  const ids = [...new Set(signed.flatMap(({ item }) => item.entityId ?? []))]
  const states = await transaction.entityStates(ids)
  for (const id of ids) {
    const state = states.get(id)
    requireActive(state === undefined ? await requireEntity(transaction, id) : { id, state })
  }
}

/** Another request for the same key may have come, or be among these. */
async function recheckKeys(
  transaction: StoreTransaction,
  issuing: IssuingAuthority,
  signed: readonly SignedPlan[],
): Promise<void> {
  const seen = new Map<string, Planned[]>()
  for (const { item } of signed) {
    if (!item.isRequested) continue
    const { spkiDigest, publicKey, entityId, profile } = item
    const mates = seen.get(spkiDigest) ?? []
    await checkKeyIsFree(transaction, issuing, publicKey, entityId, profile, mates)
    seen.set(spkiDigest, [...mates, item])
  }
}

/** Another process may have gone on with a rotation: what a CA signed that no longer issues is not handed out. */
async function recheckIssuer(transaction: StoreTransaction, number: number): Promise<void> {
  const now = await issuingNumber(transaction)
  if (now === number) return
  throw new StateError('ERR_ROTATION_STATE', 'another CA issues now than a moment ago: nothing was issued', {
    details: { issuingCa: String(now), before: String(number) },
    hint: 'try again',
  })
}

/** The log names every issuing CA but the first, of which there was no other for long. */
function loggedIssuer(number: number): { readonly issuer?: number } {
  return number === 1 ? {} : { issuer: number }
}

function certificateRecord({ item, der, reading }: SignedPlan, issuer: number): CertificateRecord {
  const { entityId, profile, spkiDigest, isRequested } = item
  const keySource = isRequested ? 'request' : 'generate'
  return { ...reading, entityId, profile: profile.name, spkiDigest, der, issuer, keySource }
}

/** Give up what was planned, without hiding why: a store that fails now leaves it to {@link abandonStaleIntents}. */
export async function abandon({ authority, at }: IssuingAuthority, planned: readonly Planned[]): Promise<void> {
  const serialNumbers = planned.map(({ serialNumber }) => serialNumber)
  await authority.store.transaction((transaction) => abandonAll(transaction, serialNumbers, at)).catch(() => undefined)
}

/** After this time a pending intent belongs to a process that died: no key answers later. */
const ABANDONED_AFTER_SECONDS = 10 * MINUTE

/** Mark what dead processes planned and did not record. Their certificates never left; they can still be revoked. */
export async function abandonStaleIntents(authority: Authority, at: Date): Promise<void> {
  const before = addSeconds(at, -ABANDONED_AFTER_SECONDS).toISOString()
  const stale = async (reader: StoreReader): Promise<readonly string[]> =>
    (await reader.pendingIntents()).filter((intent) => intent.createdAt < before).map((intent) => intent.serialNumber)
  if ((await stale(authority.store)).length === 0) return
  // Asked again where nobody else can write: two processes may have seen the same left-overs.
  await authority.store.transaction(async (transaction) => abandonAll(transaction, await stale(transaction), at))
}

async function abandonAll(transaction: StoreTransaction, serialNumbers: readonly string[], at: Date): Promise<void> {
  await transaction.abandonIntents(serialNumbers)
  await transaction.logAll(
    at,
    'certificate.abandoned',
    serialNumbers.map((serialNumber) => ({ serialNumber })),
  )
}

function* inParts<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += ROWS) yield items.slice(start, start + ROWS)
}
