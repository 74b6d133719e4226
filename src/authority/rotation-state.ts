/**
 * Where a rotation of the issuing CA is: read off the states of the issuing CAs, kept nowhere else.
 *
 * ```
 * none → requested → staged → reissuing → cut-over → none
 *          the root   both      the new     nothing    the old one
 *          has to     are       one         but CRLs   is trusted
 *          sign       trusted   issues      of the old no more
 * ```
 *
 * @module authority/rotation-state (floor 7)
 */
import { StateError } from '../errors/index.js'
import type { IssuingCaRecord, IssuingCaState, StoreReader } from '../store/index.js'

export type RotationState = 'none' | 'requested' | 'staged' | 'reissuing' | 'cut-over'

/** The issuing CAs of a rotation. */
export interface Rotation {
  readonly state: RotationState
  /** The one that was there before; where there is no rotation, the one that issues. */
  readonly old: IssuingCaRecord | undefined
  /** The one that takes over; `undefined` where there is no rotation. */
  readonly next: IssuingCaRecord | undefined
  /** All there ever were, by number. */
  readonly all: readonly IssuingCaRecord[]
}

/** Read the rotation that is under way. */
export async function rotationOf(reader: StoreReader): Promise<Rotation> {
  const all = await reader.issuingCas()
  const of = (state: IssuingCaState): IssuingCaRecord | undefined => all.find((record) => record.state === state)
  const issuing = of('issuing')
  for (const [state, next] of [
    ['requested', of('requested')],
    ['staged', of('staged')],
  ] as const) {
    // Taken back while the new one issued: then the old one issues again, and nothing else is different.
    if (next !== undefined) return { state, old: issuing, next, all }
  }
  for (const [state, old] of [
    ['reissuing', of('replaced')],
    ['cut-over', of('retiring')],
  ] as const) {
    if (old !== undefined) return { state, old, next: issuing, all }
  }
  return { state: 'none', old: issuing, next: undefined, all }
}

/** Both issuing CAs of a rotation in one of these states. */
export interface RotationPair {
  readonly state: RotationState
  readonly old: IssuingCaRecord
  readonly next: IssuingCaRecord
}

/**
 * The rotation, in one of some states.
 *
 * @param step - What is about to be done, as it is called on the command line.
 * @throws {@link StateError} `ERR_ROTATION_STATE`
 */
export function requireState({ state, old, next }: Rotation, step: string, ...wanted: RotationState[]): RotationPair {
  if (old !== undefined && next !== undefined && wanted.includes(state)) return { state, old, next }
  throw new StateError(
    'ERR_ROTATION_STATE',
    state === 'none' ? `no rotation is under way, so there is nothing to ${step}` : `${state} is no time to ${step}`,
    {
      details: { state, wanted: wanted.join(' ') },
      hint: 'signet rotate status says what is next',
    },
  )
}
