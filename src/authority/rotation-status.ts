/**
 * Where a rotation is, what it waits for, and what is next.
 *
 * @module authority/rotation-status (floor 7)
 */
import type { AcknowledgementRecord, Holder, IssuingCaRecord, Remainder } from '../store/index.js'
import type { Authority } from './authority.js'
import { latestCrl } from './crls.js'
import { allHoldersOf, certificateOf, unacknowledged } from './rotation-gates.js'
import { type Rotation, type RotationState, rotationOf } from './rotation-state.js'

export interface RotationStatus {
  readonly state: RotationState
  /** All issuing CAs there ever were, by number. Empty where there was never another than the first. */
  readonly issuingCas: readonly IssuingCaRecord[]
  readonly old: IssuingCaRecord | undefined
  readonly next: IssuingCaRecord | undefined
  readonly acknowledged: readonly AcknowledgementRecord[]
  /** Active entities of which nobody said that they trust both; by id. */
  readonly unacknowledged: readonly string[]
  /** Who has good certificates of the old one and none of the new one for the same. */
  readonly left: readonly Holder[]
  /** What of the old one is good. */
  readonly remainder: Remainder
  /** Why the next step would be refused; empty: it would not. */
  readonly blocks: readonly string[]
  /** The next step, as a command. */
  readonly nextStep: string
}

/** Look where a rotation is. Changes nothing. */
export async function rotationStatus(authority: Authority, at: Date): Promise<RotationStatus> {
  // One after the other: what is read belongs together only if nobody takes a step meanwhile, and nothing depends on it.
  const { store } = authority
  const rotation = await rotationOf(store)
  const { state, old, next, all } = rotation
  const isOn = old !== undefined && next !== undefined && state !== 'requested'
  const acknowledged = isOn ? await store.acknowledgements(next.number) : []
  const missing = isOn ? await unacknowledged(store, next.number) : []
  const left = isOn ? await allHoldersOf(store, old.number, next.number, at) : []
  const remainder = isOn ? await store.remainder(old.number, at) : { count: 0, notAfter: undefined }
  const facts = { state, issuingCas: all, old, next, acknowledged, unacknowledged: missing, left, remainder }
  return { ...facts, blocks: await blocksOf(authority, rotation, facts), nextStep: NEXT_STEPS[state] }
}

const NEXT_STEPS: Readonly<Record<RotationState, string>> = {
  none: 'signet rotate stage',
  requested: 'signet rotate stage --certificate FILE',
  staged: 'signet rotate reissue',
  reissuing: 'signet rotate cut-over',
  'cut-over': 'signet rotate retire',
}

async function blocksOf(
  authority: Authority,
  { state, old }: Rotation,
  facts: Pick<RotationStatus, 'unacknowledged' | 'left' | 'remainder'>,
): Promise<readonly string[]> {
  switch (state) {
    case 'none':
      return []
    case 'requested':
      return ['the root has not signed the request yet']
    case 'staged':
      return facts.unacknowledged.length === 0
        ? []
        : [`${facts.unacknowledged.length} active entities have not acknowledged that they trust both`]
    case 'reissuing': {
      const count = new Set(facts.left.map(({ entityId }) => entityId)).size
      return count === 0 ? [] : [`${count} active entities have certificates of the old issuing CA only`]
    }
    case 'cut-over': {
      if (old === undefined || (facts.remainder.count === 0 && old.revokedAt === null)) return []
      if (old.revokedAt === null) {
        return [
          `${facts.remainder.count} certificates of the old one are good, until ${facts.remainder.notAfter ?? ''}`,
        ]
      }
      const crl = await latestCrl(authority, authority.root)
      const isListed = crl?.find(certificateOf(old).serialNumber) !== undefined
      return isListed ? [] : ['the CRL of the root does not list the old issuing CA yet']
    }
  }
}
