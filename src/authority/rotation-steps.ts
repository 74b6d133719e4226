/**
 * The steps of a rotation after staging. Each is one durable transaction, in which its gate is asked again, and then files
 * that follow from it: done again, a step finishes what a process left that died.
 *
 * @module authority/rotation-steps (floor 7)
 */
import { StateError } from '../errors/index.js'
import type { IssuingCaRecord, StoreReader, StoreTransaction } from '../store/index.js'
import { parseCrl } from '../x509/index.js'
import type { Authority } from './authority.js'
import { recordIssuingCa } from './issuing-cas.js'
import {
  allHoldersOf,
  blocked,
  certificateOf,
  type Exception,
  requireReason,
  unacknowledged,
  waive,
} from './rotation-gates.js'
import { rotationOf, requireState, type RotationPair } from './rotation-state.js'

/** How a gate is passed. */
export interface StepOptions {
  /** Who does it. */
  readonly by: string
  /** Nodes that are not waited for. Default: none. */
  readonly exceptions?: readonly Exception[]
  /**
   * `key-compromise`: the key of the old one is in other hands. Nobody is waited for: every day that the old one counts is
   * worse than an outage. Default: everybody is.
   */
  readonly urgency?: 'wait' | 'key-compromise'
}

/**
 * Let the staged issuing CA issue: from now on every certificate is its own, and the old one signs nothing but CRLs. Done
 * already, nothing happens.
 *
 * @throws {@link StateError} `ERR_ROTATION_STATE`; `ERR_ROTATION_BLOCKED` while an active entity has not acknowledged that
 * it trusts both
 */
export async function beginReissue(authority: Authority, options: StepOptions, at: Date): Promise<void> {
  const { by, exceptions = [], urgency = 'wait' } = options
  await authority.store.transaction(async (transaction) => {
    const pair = requireState(await rotationOf(transaction), 'reissue', 'staged', 'reissuing', 'cut-over')
    const { state, next } = pair
    await waive(transaction, next.number, exceptions, by, at)
    if (state !== 'staged') return
    const missing = await unacknowledged(transaction, next.number)
    if (missing.length > 0 && urgency === 'wait') {
      throw blocked(
        'nobody said that these trust the new issuing CA',
        missing,
        'signet rotate acknowledge NODE; or go on without them: --without NODE --reason WHY',
      )
    }
    if (missing.length > 0) await logForced(transaction, pair, 'reissue', by, missing.length, at)
    await put(transaction, pair.old, 'replaced', at)
    await put(transaction, next, 'issuing', at)
  })
  await authority.refreshIssuingCas()
}

/** What {@link cutOver} found: who is cut off when the old one is trusted no more. */
export interface CutOver {
  /** Entities whose certificates of the old one nobody replaced. */
  readonly left: readonly string[]
}

/**
 * End what the old issuing CA does: it signs nothing but CRLs, for good. With `key-compromise` its certificate counts as
 * revoked since now, which others learn from the next CRL of the root; and it may follow on staging at once.
 *
 * @throws {@link StateError} `ERR_ROTATION_STATE`; `ERR_ROTATION_BLOCKED` while an active entity has a good certificate of
 * the old one, and none of the new one for the same
 */
export async function cutOver(authority: Authority, options: StepOptions, at: Date): Promise<CutOver> {
  const { by, exceptions = [], urgency = 'wait' } = options
  const result = await authority.store.transaction(async (transaction) => {
    const early = urgency === 'wait' ? [] : (['staged'] as const)
    const pair = requireState(await rotationOf(transaction), 'cut over', ...early, 'reissuing', 'cut-over')
    const { old, next } = pair
    const holders = await allHoldersOf(transaction, old.number, next.number, at)
    const begun = await transaction.reissuesBegun(next.number)
    const left = [...new Set([...holders, ...begun].map(({ entityId }) => entityId))].sort()
    if (pair.state === 'cut-over' && (urgency === 'wait' || old.revokedAt !== null)) return { left }
    for (const { entity, reason } of exceptions) {
      requireReason(reason)
      await transaction.log(at, 'rotation.left', { issuer: old.number, entityId: entity, by, reason })
    }
    const excepted = new Set(exceptions.map(({ entity }) => entity))
    const waiting = left.filter((entity) => !excepted.has(entity))
    if (waiting.length > 0 && urgency === 'wait') {
      throw blocked(
        'these have no certificate of the new issuing CA',
        waiting,
        'signet rotate reissue; a node with a key of its own renews with a request; or go on without them: --even-with NODE --reason WHY',
      )
    }
    if (waiting.length > 0) await logForced(transaction, pair, 'cut-over', by, waiting.length, at)
    const revokedAt = urgency === 'wait' ? old.revokedAt : at.toISOString()
    await put(transaction, { ...old, revokedAt }, 'retiring', at)
    if (pair.state === 'staged') await put(transaction, next, 'issuing', at)
    return { left }
  })
  await authority.refreshIssuingCas()
  return result
}

/** What {@link rollBack} did. */
export interface RolledBack {
  readonly from: RotationPair['state']
  readonly to: 'none' | 'staged' | 'reissuing'
  /** The issuing CA that was withdrawn, if one was. */
  readonly withdrawn: IssuingCaRecord | undefined
}

/**
 * Take back the last step. What was issued meanwhile stays good: both are trusted until the new one is withdrawn, which it
 * can be only when nothing of it is good any more.
 *
 * Files are left as they are: see `removeForgotten`.
 *
 * @throws {@link StateError} `ERR_ROTATION_STATE` where there is nothing to take back; `ERR_ROTATION_BLOCKED` where the old
 * one is revoked, or the new one has good certificates
 */
export async function rollBack(authority: Authority, { by }: Pick<StepOptions, 'by'>, at: Date): Promise<RolledBack> {
  const result = await authority.store.transaction(async (transaction): Promise<RolledBack> => {
    const rotation = await rotationOf(transaction)
    const pair = requireState(rotation, 'roll back', 'requested', 'staged', 'reissuing', 'cut-over')
    const { state: from, old, next } = pair
    await transaction.log(at, 'rotation.taken-back', { issuer: next.number, from, by })
    if (from === 'cut-over') {
      if (old.revokedAt !== null) {
        throw blocked('the old issuing CA is revoked as compromised', [], 'go on: signet rotate retire')
      }
      await put(transaction, old, 'replaced', at)
      return { from, to: 'reissuing', withdrawn: undefined }
    }
    if (from === 'reissuing') {
      await put(transaction, next, 'staged', at)
      await put(transaction, old, 'issuing', at)
      return { from, to: 'staged', withdrawn: undefined }
    }
    const { count } = await transaction.remainder(next.number, at)
    if (count > 0) {
      const who = await allHoldersOf(transaction, next.number, undefined, at)
      throw blocked(
        `the new issuing CA has ${count} good certificates`,
        [...new Set(who.map(({ entityId }) => entityId))],
        'issue to these again, and revoke what the new one issued: signet issue, signet revoke --serial',
      )
    }
    await put(transaction, { ...next, key: '' }, 'withdrawn', at)
    return { from, to: 'none', withdrawn: next }
  })
  await authority.refreshIssuingCas()
  return result
}

/** What {@link retire} found. */
export interface Retired {
  readonly number: number
  /** The record as it was before: where its key was. */
  readonly before: IssuingCaRecord
}

/**
 * Have the old issuing CA trusted no more: bundles, CRLs and trust directories that are made from now on have the new one
 * alone. Its key is forgotten; `removeForgotten` then removes the file.
 *
 * @throws {@link StateError} `ERR_ROTATION_STATE`; `ERR_ROTATION_BLOCKED` while a certificate of it is good
 */
export async function retire(authority: Authority, at: Date): Promise<Retired> {
  const retired = await authority.store.transaction(async (transaction) => {
    const { old } = requireState(await rotationOf(transaction), 'retire', 'cut-over')
    const { count, notAfter } = await transaction.remainder(old.number, at)
    if (count > 0 && old.revokedAt === null) {
      throw new StateError('ERR_ROTATION_BLOCKED', `${count} certificates of the old issuing CA are good`, {
        details: { count: String(count), until: notAfter ?? '' },
        hint: `wait until ${notAfter ?? 'they end'}, or revoke them: signet rotate cut-over --revoke`,
      })
    }
    if (old.revokedAt !== null) await requireRevoked(transaction, authority, old)
    await put(transaction, { ...old, key: '' }, 'retired', at)
    return { number: old.number, before: old }
  })
  await authority.refreshIssuingCas()
  return retired
}

/** A CA that is revoked is no danger once others can know it: from the root. */
async function requireRevoked(reader: StoreReader, { root }: Authority, old: IssuingCaRecord): Promise<void> {
  const latest = await reader.latestCrl(root.keyIdentifier)
  const { serialNumber } = certificateOf(old)
  if (latest !== undefined && parseCrl(latest.der).find(serialNumber) !== undefined) return
  throw blocked(
    'the CRL of the root does not say yet that the old issuing CA is revoked',
    [],
    'signet rotate cut-over --reason keyCompromise --root DIR',
  )
}

async function put(
  transaction: StoreTransaction,
  record: IssuingCaRecord,
  state: IssuingCaRecord['state'],
  at: Date,
): Promise<void> {
  await recordIssuingCa(transaction, { ...record, state, updatedAt: at.toISOString() }, at)
}

/** That nobody was waited for is not forgotten. */
async function logForced(
  transaction: StoreTransaction,
  { next }: RotationPair,
  step: string,
  by: string,
  count: number,
  at: Date,
): Promise<void> {
  await transaction.log(at, 'rotation.forced', { issuer: next.number, step, by, reason: 'keyCompromise', count })
}
