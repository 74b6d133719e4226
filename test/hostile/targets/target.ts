/**
 * A kind of object that is mutated, and what must be so of whatever comes out.
 *
 * @module test/hostile/targets/target
 */
import { mutate, type Mutated } from '../mutate.js'
import type { Random } from '../random.js'

/** How far a changed object got. */
export type Verdict = 'refused' | 'parsed' | 'verified'

export interface Target {
  readonly name: string
  /** How often, against others. */
  readonly weight: number
  /** Valid ones. */
  readonly originals: readonly Uint8Array[]
  readonly mutate: (random: Random) => Mutated
  /**
   * Read and verify it.
   *
   * @throws {@link Violation} where something that must be so is not
   */
  readonly check: (bytes: Uint8Array, random: Random) => Promise<Verdict>
}

/** Objects in DER of which one is chosen and changed, with parts of it and of others. */
export function derObjects(
  originals: readonly Uint8Array[],
  pool: readonly Uint8Array[],
): Pick<Target, 'originals' | 'mutate'> {
  return { originals, mutate: (random) => mutate(random, random.pick(originals), [...originals, ...pool]) }
}
