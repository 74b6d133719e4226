/**
 * What differs between the signers of two trust directories, and one made of the other by it. Both lists are ascending,
 * so that each is walked once.
 *
 * @module trust/difference (floor 6)
 */
import { compareBytes, equalBytes } from '../asn1/index.js'
import type { Steps } from '../time/index.js'
import { type SignerList, SIGNERS_AT_ONCE } from './signer-list.js'

export interface SignerChanges {
  /** Key identifiers, ascending. */
  readonly removed: readonly Uint8Array[]
  /** New ones and changed ones, in DER, ascending. */
  readonly signers: readonly Uint8Array[]
}

export function changesBetween(base: SignerList, result: SignerList): SignerChanges {
  const removed: Uint8Array[] = []
  const signers: Uint8Array[] = []
  let [old, next] = [0, 0]
  while (old < base.size || next < result.size) {
    const order = orderOf(base, old, result, next)
    if (order < 0) removed.push(base.keyIdentifierAt(old))
    else if (order > 0 || !equalBytes(base.slice(old, old + 1), result.slice(next, next + 1)))
      signers.push(result.slice(next, next + 1))
    if (order <= 0) old++
    if (order >= 0) next++
  }
  return { removed, signers }
}

/** Which comes first; 0 where both are of one key. */
function orderOf(base: SignerList, old: number, result: SignerList, next: number): number {
  if (old === base.size) return 1
  if (next === result.size) return -1
  return compareBytes(base.keyIdentifierAt(old), result.keyIdentifierAt(next))
}

/**
 * The signers after a change, in pieces: whatever stays between two changes is one.
 *
 * @param removed - Ascending. One that is not there changes nothing.
 * @param changed - None of them is removed.
 */
export function* mergedSigners(
  base: SignerList,
  removed: readonly Uint8Array[],
  changed: SignerList,
): Steps<readonly Uint8Array[]> {
  const pieces: Uint8Array[] = []
  let kept = 0
  const replace = (keyIdentifier: Uint8Array, piece: Uint8Array | undefined): void => {
    const place = base.lowerBound(keyIdentifier)
    if (place > kept) pieces.push(base.slice(kept, place))
    if (piece !== undefined) pieces.push(piece)
    const isThere = place < base.size && equalBytes(base.keyIdentifierAt(place), keyIdentifier)
    kept = isThere ? place + 1 : place
  }
  let [gone, came] = [0, 0]
  while (gone < removed.length || came < changed.size) {
    const next = removed[gone]
    const keyIdentifier = came < changed.size ? changed.keyIdentifierAt(came) : undefined
    const isRemoved = next !== undefined && (keyIdentifier === undefined || compareBytes(next, keyIdentifier) < 0)
    if (isRemoved) replace(next, undefined)
    else if (keyIdentifier !== undefined) replace(keyIdentifier, changed.slice(came, came + 1))
    if (isRemoved) gone++
    else came++
    if ((gone + came) % SIGNERS_AT_ONCE === 0) yield
  }
  pieces.push(base.slice(kept, base.size))
  return pieces
}
