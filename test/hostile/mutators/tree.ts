/**
 * Mutations of the structure: values that are missing, twice, elsewhere, tagged otherwise or measured wrongly.
 *
 * @module test/hostile/mutators/tree
 */
import { nested } from '../../support/der.js'
import type { Random } from '../random.js'
import { constructed, copyOf, encodeTlvs, primitive, shortestLength, type Spot, spotsOf, type Tlv } from '../tlv.js'

/** What a mutation works on. */
export interface Workpiece {
  readonly random: Random
  /** The place that was chosen. */
  readonly spot: Spot
  /** A value of this or another object. */
  readonly donor: () => Tlv
}

export type Mutator = (piece: Workpiece) => void

/** Content octets that say what is inside, so that they can be changed as octets. */
export function flattened(value: Tlv, content: Uint8Array): void {
  value.children = undefined
  value.content = content
}

/** No more values and octets than these are made at once: limits are passed with fewer, and time is better spent. */
const MANY = 5000
const MANY_OCTETS = 400_000

function place(random: Random, siblings: readonly Tlv[]): number {
  return random.below(siblings.length + 1)
}

export const TREE_MUTATORS: Readonly<Record<string, Mutator>> = {
  remove: ({ spot: { siblings, index } }) => void siblings.splice(index, 1),
  duplicate: ({ spot: { siblings, index, value } }) => void siblings.splice(index, 0, copyOf(value)),
  'duplicate often': ({ random, spot: { siblings, index, value } }) => {
    const values = 1 + spotsOf(value.children ?? []).length
    const room = Math.min(MANY / values, MANY_OCTETS / encodeTlvs([value]).length)
    const count = Math.min(random.pick([16, 65, 300, 1100]), Math.ceil(room))
    siblings.splice(index, 0, ...Array.from({ length: count }, () => copyOf(value)))
  },
  'swap with a sibling': ({ random, spot: { siblings, index, value } }) => {
    const other = random.below(siblings.length)
    siblings[index] = siblings[other] ?? value
    siblings[other] = value
  },
  'move elsewhere': ({ random, spot: { siblings, index, value }, donor }) => {
    siblings.splice(index, 1)
    const target = donor()
    if (target !== value) target.children?.splice(place(random, target.children), 0, value)
  },
  'shuffle what is inside': ({ random, spot: { value } }) => {
    if (value.children !== undefined) value.children = random.shuffled(value.children)
  },
  'splice in': ({ random, spot: { siblings, index }, donor }) => {
    siblings.splice(index, random.below(2), copyOf(donor()))
  },
  'replace by content of another': ({ spot: { value }, donor }) => {
    const other = copyOf(donor())
    value.children = other.children
    value.content = other.content
  },
  'take the wrapping off': ({ spot: { siblings, index, value } }) => {
    if (value.children !== undefined) siblings.splice(index, 1, ...value.children)
  },
  wrap: ({ random, spot: { siblings, index, value } }) => {
    siblings[index] = constructed(random.pick([0x30, 0x31, 0xa0, 0xa1, 0xa3, 0x24, 0x23]), [value])
  },
  'wrap deeply': ({ random, spot: { siblings, index, value } }) => {
    let wrapped = value
    for (let level = random.pick([5, 20, 40]); level > 0; level--) wrapped = constructed(0x30, [wrapped])
    siblings[index] = wrapped
  },
  'bury a hole': ({ random, spot: { value } }) => {
    flattened(value, nested(random.pick([0x30, 0x31, 0xa0, 0x24]), random.pick([12, 33, 100, 5000, 20_000])))
  },
  empty: ({ spot: { value } }) => {
    flattened(value, new Uint8Array())
  },
  'turn constructed': ({ spot: { value } }) => {
    value.identifier = value.identifier.with(0, (value.identifier[0] ?? 0) ^ 0x20)
  },
  'of another class': ({ random, spot: { value } }) => {
    value.identifier = value.identifier.with(0, (value.identifier[0] ?? 0) ^ random.pick([0x40, 0x80, 0xc0]))
  },
  'of another number': ({ random, spot: { value } }) => {
    value.identifier = value.identifier.with(0, ((value.identifier[0] ?? 0) & 0xe0) | random.below(31))
  },
  'of any tag': ({ random, spot: { value } }) => {
    value.identifier = Uint8Array.of(random.below(256))
  },
  'of a high tag number': ({ random, spot: { value } }) => {
    const first = (value.identifier[0] ?? 0) | 0x1f
    value.identifier = Uint8Array.from(random.pick([[first, 0x1f], [first, 0x81, 0x00], [first, 0x80, 0x02], [first]]))
  },
  'long length': ({ random, spot: { value } }) => {
    const octets = 1 + random.below(6)
    value.length = (actual) => Uint8Array.from([0x80 | octets, ...bigEndian(actual, octets)])
  },
  'indefinite length': ({ random, spot: { value } }) => {
    value.length = () => Uint8Array.of(0x80)
    if (random.chance(0.7)) value.suffix = new Uint8Array(2)
    if (random.chance(0.5)) value.identifier = value.identifier.with(0, (value.identifier[0] ?? 0) | 0x20)
  },
  'wrong length': ({ random, spot: { value } }) => {
    const difference = random.pick([1, 2, 3, 10, 1000, -1, -2, -3, -10])
    value.length = (actual) => shortestLength(Math.max(0, actual + difference))
  },
  'absurd length': ({ random, spot: { value } }) => {
    const octets = random.pick(ABSURD_LENGTHS)
    value.length = () => Uint8Array.from(octets)
  },
  'in pieces': ({ random, spot: { value } }) => {
    // The constructed form of a string (X.690 §8.7).
    const tag = (value.identifier[0] ?? 0) & 0x1f
    if (value.children !== undefined) return
    const cut = random.below(value.content.length + 1)
    value.children = [primitive(tag, value.content.slice(0, cut)), primitive(tag, value.content.slice(cut))]
    value.identifier = value.identifier.with(0, (value.identifier[0] ?? 0) | 0x20)
  },
}

const ABSURD_LENGTHS: readonly (readonly number[])[] = [
  [0x84, 0xff, 0xff, 0xff, 0xff],
  [0x84, 0x7f, 0xff, 0xff, 0xff],
  [0x84, 0x80, 0x00, 0x00, 0x00],
  [0x88, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
  [0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x87, 0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01],
  [0xff],
  [0x80],
  [0x81],
  [],
]

function bigEndian(value: number, octets: number): number[] {
  return Array.from({ length: octets }, (_, index) => Math.floor(value / 256 ** (octets - 1 - index)) & 0xff)
}
