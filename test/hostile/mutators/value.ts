/**
 * Mutations of primitive values: numbers, identifiers, texts, times and bits in forms that nobody should write.
 *
 * @module test/hostile/mutators/value
 */
import { encodeObjectIdentifier, OID, TAG } from '../../../src/asn1/index.js'
import { flattened, type Mutator, type Workpiece } from './tree.js'
import type { Random } from '../random.js'
import { encodeTlvs, type Tlv } from '../tlv.js'

/** The content octets, those inside included. */
function contentOf(value: Tlv): Uint8Array {
  return value.children === undefined
    ? value.content
    : new Uint8Array(Buffer.concat([value.prefix, encodeTlvs(value.children)]))
}

function octets(change: (content: Uint8Array, random: Random) => Uint8Array): Mutator {
  return ({ random, spot: { value } }) => {
    flattened(value, change(contentOf(value), random))
  }
}

const joined = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))))

/** Another piece of text, or octets that are none, put somewhere. */
function inserted(pieces: readonly (readonly number[])[]): Mutator {
  return octets((content, random) => {
    const at = random.below(content.length + 1)
    return joined(content.subarray(0, at), random.pick(pieces), content.subarray(at))
  })
}

const ANY: Readonly<Record<string, Mutator>> = {
  'flip a bit': octets((content, random) => {
    const copy = Uint8Array.from(content)
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
    return copy
  }),
  'random octets': octets((_, random) => random.octets(random.pick([0, 1, 2, 4, 8, 20, 32, 64, 200]))),
  'cut off': octets((content, random) => content.subarray(0, random.below(content.length + 1))),
  lengthen: octets((content, random) => joined(content, random.octets(1 + random.below(40)))),
  'lengthen much': octets((content, random) => joined(content, new Uint8Array(random.pick([1000, 70_000, 300_000])))),
}

const INTEGERS: Readonly<Record<string, Mutator>> = {
  'pad with zeros': octets((content, random) => joined(new Uint8Array(1 + random.below(3)), content)),
  'pad with ones': octets((content) => joined([0xff], content)),
  negate: octets((content) => joined([(content[0] ?? 0) | 0x80], content.subarray(1))),
  'a special number': octets((_, random) => Uint8Array.from(random.pick(NUMBERS))),
  'a huge number': octets((_, random) => joined([0x7f], random.octets(random.pick([7, 19, 20, 21, 128, 1000, 5000])))),
  'one more or less': octets((content, random) => {
    const copy = Uint8Array.from(content)
    const last = copy.length - 1
    if (last >= 0) copy[last] = (copy[last] ?? 0) + random.pick([1, 255])
    return copy
  }),
}

const NUMBERS: readonly (readonly number[])[] = [
  [],
  [0],
  [1],
  [2],
  [3],
  [4],
  [0x7f],
  [0x80],
  [0xff],
  [0x00, 0x80],
  [0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff],
  [0x00, 0xff, 0xff, 0xff, 0xff],
  [0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
]

const KNOWN_OIDS = Object.values(OID).map((oid) => encodeObjectIdentifier(oid).subarray(2))

const OIDS: Readonly<Record<string, Mutator>> = {
  'another identifier': octets((_, random) => random.pick(KNOWN_OIDS)),
  'a padded arc': octets((content, random) => {
    const at = random.below(content.length + 1)
    return joined(content.subarray(0, at), new Uint8Array(1 + random.below(3)).fill(0x80), content.subarray(at))
  }),
  'a long arc': octets((content, random) =>
    joined(content, new Uint8Array(random.pick([5, 9, 40, 100, 5000])).fill(0xff), [0x7f]),
  ),
  'many arcs': octets((content, random) =>
    joined(
      content,
      random.octets(random.pick([50, 64, 500])).map((o) => o & 127),
    ),
  ),
  'an arc cut off': octets((content) => joined(content.subarray(0, -1), [(content.at(-1) ?? 0) | 0x80])),
}

const STRING_TAGS = [
  TAG.utf8String,
  TAG.numericString,
  TAG.printableString,
  TAG.teletexString,
  TAG.ia5String,
  TAG.visibleString,
  TAG.universalString,
  TAG.bmpString,
  0x19,
  0x1b,
] as const

const ODD_TEXT: readonly (readonly number[])[] = [
  [0],
  [0x0a],
  [0x1b, 0x5b, 0x32, 0x4a],
  [0x20],
  [0x20, 0x20],
  [0x2a],
  [0x2e],
  [0x2f],
  [0x2f, 0x2f],
  [0x2f, 0x2e, 0x2e, 0x2f],
  [0x25, 0x30, 0x30],
  [0x7f],
  [0x80],
  [0xc0, 0x80],
  [0xc2, 0xad],
  [0xe2, 0x80, 0xae],
  [0xed, 0xa0, 0x80],
  [0xef, 0xbb, 0xbf],
  [0xef, 0xbc, 0xa1],
  [0xf4, 0x90, 0x80, 0x80],
  [0xff],
]

const STRINGS: Readonly<Record<string, Mutator>> = {
  'an odd character': inserted(ODD_TEXT),
  'of another string type': ({ random, spot: { value } }) => {
    value.identifier = Uint8Array.of(random.pick(STRING_TAGS))
  },
  'in UTF-16': ({ spot: { value } }) => {
    flattened(value, new Uint8Array(Buffer.from(Buffer.from(contentOf(value)).toString('latin1'), 'utf16le').swap16()))
    value.identifier = Uint8Array.of(TAG.bmpString)
  },
  'in other case': octets((content) => content.map((octet) => (octet >= 0x41 && octet < 0x7b ? octet ^ 0x20 : octet))),
  'without end': octets((content, random) => {
    const copies = Array.from({ length: random.pick([2, 10, 300]) }, () => content)
    return new Uint8Array(Buffer.concat(copies).subarray(0, 100_000))
  }),
}

const TIMES: readonly string[] = [
  '270101000000Z',
  '2701010000Z',
  '270101000000+0000',
  '270101000000-2359',
  '270101000000',
  '270101000000z',
  '27010100000aZ',
  '270230000000Z',
  '270101240000Z',
  '270101235960Z',
  '270101000060Z',
  '270101006000Z',
  '260431000000Z',
  '271301000000Z',
  '490101000000Z',
  '500101000000Z',
  '27010100000\0Z',
  '-70101000000Z',
  '20270101000000Z',
  '20270101000000.5Z',
  '20270101000000.0Z',
  '20270101000000,5Z',
  '20270101000000z',
  '202701010000Z',
  '20270229000000Z',
  '00000101000000Z',
  '00000000000000Z',
  '20500101000000Z',
  '99991231235959Z',
  '99991231235960Z',
  '２０２７0101000000Z',
  '',
  'Z',
]

const TIME_MUTATORS: Readonly<Record<string, Mutator>> = {
  'an odd time': octets((_, random) => new Uint8Array(Buffer.from(random.pick(TIMES), 'utf8'))),
  'the other time type': ({ random, spot: { value } }) => {
    const text = Buffer.from(contentOf(value)).toString('latin1')
    const wasUtc = value.identifier[0] === TAG.utcTime
    if (random.chance(0.7)) value.identifier = Uint8Array.of(wasUtc ? TAG.generalizedTime : TAG.utcTime)
    if (random.chance(0.7))
      flattened(value, new Uint8Array(Buffer.from(wasUtc ? `20${text}` : text.slice(2), 'latin1')))
  },
}

const BITS: Readonly<Record<string, Mutator>> = {
  'unused bits': octets((content, random) => joined([random.pick([1, 4, 7, 8, 127, 255])], content.subarray(1))),
  'unused bits that are zero': octets((content, random) => {
    const count = 1 + random.below(7)
    return joined([count], content.subarray(1, -1), [((content.at(-1) ?? 0) >> count) << count])
  }),
  'no octets': octets((_, random) => Uint8Array.from(random.pick([[], [0], [7], [0, 0], [7, 0x80], [0, 0x80]]))),
  'more bits': octets((content, random) => joined([0], content.subarray(1), random.octets(1 + random.below(3)))),
}

const TRUTHS: Readonly<Record<string, Mutator>> = {
  'another truth': octets((_, random) => Uint8Array.from(random.pick([[], [0], [1], [0x80], [0xff], [0xff, 0xff]]))),
}

const NULLS: Readonly<Record<string, Mutator>> = { 'something in nothing': octets((_, random) => random.octets(1)) }

/** What suits the type of a value; of implicitly tagged values the type is anybody's guess. */
function suitable(tag: number, random: Random): Readonly<Record<string, Mutator>> {
  const groups: Readonly<Record<number, Readonly<Record<string, Mutator>>>> = {
    [TAG.integer]: INTEGERS,
    [TAG.enumerated]: INTEGERS,
    [TAG.oid]: OIDS,
    [TAG.bitString]: BITS,
    [TAG.boolean]: TRUTHS,
    [TAG.null]: NULLS,
    [TAG.utcTime]: TIME_MUTATORS,
    [TAG.generalizedTime]: TIME_MUTATORS,
  }
  if (STRING_TAGS.some((type) => type === tag)) return STRINGS
  if ((tag & 0xc0) === 0x80) return random.pick([STRINGS, INTEGERS, OIDS, BITS, TRUTHS, ANY])
  return groups[tag] ?? ANY
}

/** A mutation of the value that was chosen. @returns Its name. */
export function mutateValue(piece: Workpiece): string {
  const { random, spot } = piece
  const tag = spot.value.identifier[0] ?? 0
  const [name, mutator] = random.pick(Object.entries(random.chance(0.8) ? suitable(tag, random) : ANY))
  mutator(piece)
  return name
}
