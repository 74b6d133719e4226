/**
 * A valid DER object, changed where its structure is: one to five mutations of the tree, with the lengths around them
 * right or as they were, and sometimes of the octets besides.
 *
 * @module test/hostile/mutate
 */
import { type Workpiece, TREE_MUTATORS } from './mutators/tree.js'
import { mutateValue } from './mutators/value.js'
import type { Random } from './random.js'
import { encodeTlvs, parseTlvs, type Spot, spotsOf, type Tlv } from './tlv.js'

export interface Mutated {
  readonly bytes: Uint8Array
  /** What was done. */
  readonly steps: readonly string[]
}

/**
 * Change an object.
 *
 * @param pool - Objects of which parts may be put into it.
 */
export function mutate(random: Random, original: Uint8Array, pool: readonly Uint8Array[]): Mutated {
  const tree = treeOf(original)
  const steps: string[] = []
  // Mostly one: two faults hide each other.
  for (let count = random.chance(0.6) ? 1 : 2 + random.below(4); count > 0; count--) {
    steps.push(mutateOnce(random, tree, pool))
  }
  const lengths = random.chance(0.15) ? 'before' : 'actual'
  const bytes = encodeTlvs(tree, lengths)
  if (lengths === 'before') steps.push('lengths as before')
  if (!random.chance(0.05)) return { bytes, steps }
  steps.push('octets')
  return { bytes: mutateOctets(random, bytes), steps }
}

/** A tree of values that is known to be well-formed. */
export function treeOf(der: Uint8Array): Tlv[] {
  const tree = parseTlvs(der)
  if (tree === undefined) throw new Error('what is to be mutated is no DER')
  return tree
}

/** A tree that has grown beyond these is not changed further. */
const MAX_VALUES = 20_000
const MAX_OCTETS = 1_000_000

const TREE_ENTRIES = Object.entries(TREE_MUTATORS)

function mutateOnce(random: Random, tree: Tlv[], pool: readonly Uint8Array[]): string {
  const spots = spotsOf(tree)
  if (spots.length === 0) return 'nothing is left'
  if (spots.length > MAX_VALUES || encodeTlvs(tree).length > MAX_OCTETS) return 'enough'
  const spot = random.pick(spots)
  const piece: Workpiece = { random, spot, donor: () => donor(random, spots, pool) }
  if (random.chance(0.5)) return mutateValue(piece)
  const [name, mutator] = random.pick(TREE_ENTRIES)
  mutator(piece)
  return name
}

function donor(random: Random, spots: readonly Spot[], pool: readonly Uint8Array[]): Tlv {
  const from = random.chance(0.5) || pool.length === 0 ? spots : spotsOf(treeOf(random.pick(pool)))
  return random.pick(from).value
}

/** Octets changed, cut, put in or doubled, whatever they mean. */
export function mutateOctets(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1)
  const until = Math.min(bytes.length, at + random.pick([0, 1, 2, 4, 16, 100]))
  const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, until), bytes.subarray(until)]
  const pieces = random.pick([
    [before, after],
    [before, middle, middle, after],
    [before, random.octets(middle.length), after],
    [before, random.octets(1 + random.below(8)), middle, after],
    [before],
    [before, middle, after, random.octets(1 + random.below(8))],
  ])
  return new Uint8Array(Buffer.concat(pieces))
}
