/**
 * Object identifiers: strict decoding (X.690 §8.19) and encoding.
 *
 * The dotted text of a strictly decoded OID is one-to-one with its octets, so comparing texts compares octets.
 *
 * @module asn1/oid (floor 1)
 */
import { UsageError } from '../errors/index.js'
import { asBuffer } from './memory.js'
import { OctetTable } from './octet-table.js'
import { hasName } from './oids.js'

/** Longest OID in content octets. The longest in use here has 14; this also keeps decoding cheap. */
const MAX_OID_OCTETS = 64

/** An arc below this may grow by seven bits and still be a number. */
const SHORT_ARC = 2 ** 40

const decoded = new Map<string, string>()
/** Attackers choose OIDs: the memory for decoded ones is bounded. */
const MAX_REMEMBERED = 1024

/** Those that have a name here, by their content octets: as they are met, for to encode all takes longer than many need. */
const named = new OctetTable<string>()

/** Dotted text of the content octets from `start` to before `end`, of an object identifier that has a name and was met. */
export function namedOid(bytes: Uint8Array, start: number, end: number): string | undefined {
  return named.get(bytes, start, end)
}

/** Content octets → dotted text. `fail` makes the error to throw. */
export function decodeOid(content: Uint8Array, fail: (message: string) => Error): string {
  if (content.length === 0 || content.length > MAX_OID_OCTETS) {
    throw fail(`an object identifier has 1 to ${MAX_OID_OCTETS} octets`)
  }
  const key = asBuffer(content).toString('latin1')
  const known = decoded.get(key)
  if (known !== undefined) return known
  const text = decodeArcs(content, fail)
  // A copy: to slice a Buffer is none.
  if (hasName(text)) named.add(new Uint8Array(content), text)
  else if (decoded.size < MAX_REMEMBERED) decoded.set(key, text)
  return text
}

function decodeArcs(content: Uint8Array, fail: (message: string) => Error): string {
  const arcs: (number | bigint)[] = []
  let arc: number | bigint = 0
  let continued = false
  for (const octet of content) {
    if (!continued && octet === 0x80) throw fail('an arc of an object identifier is padded')
    // Practically all arcs are short, and numbers are there at once.
    if (arc < SHORT_ARC) arc = Number(arc) * 128 + (octet & 0x7f)
    else arc = (BigInt(arc) << 7n) | BigInt(octet & 0x7f)
    continued = (octet & 0x80) !== 0
    if (!continued) {
      arcs.push(arc)
      arc = 0
    }
  }
  if (continued) throw fail('an object identifier is cut off')
  const [first = 0, ...rest] = arcs
  const root = first >= 80 ? 2 : Math.floor(Number(first) / 40)
  return [root, typeof first === 'bigint' ? first - 80n : first - root * 40, ...rest].join('.')
}

/**
 * Dotted text → content octets.
 *
 * @throws {@link UsageError} `ERR_CONFIG_INVALID` if the text is not an object identifier
 */
export function encodeOid(text: string): Uint8Array {
  if (text.length > 200 || !/^[0-2](\.(0|[1-9][0-9]*))+$/.test(text)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an object identifier: ${JSON.stringify(text.slice(0, 60))}`)
  }
  const [root = '', second = '', ...rest] = text.split('.')
  if (root !== '2' && !(Number(second) < 40)) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an object identifier: ${JSON.stringify(text)}`)
  }
  const octets: number[] = []
  pushArc(octets, second, Number(root) * 40)
  for (const arc of rest) pushArc(octets, arc, 0)
  if (octets.length > MAX_OID_OCTETS) {
    throw new UsageError('ERR_CONFIG_INVALID', `an object identifier is longer than ${MAX_OID_OCTETS} octets`)
  }
  return Uint8Array.from(octets)
}

/** Add the octets of one arc: seven bits each, the leading ones first. */
function pushArc(octets: number[], text: string, more: number): void {
  const low: number[] = []
  if (text.length < 10) {
    let arc = Number(text) + more
    do low.push((arc % 128) | 0x80)
    while ((arc = Math.floor(arc / 128)) > 0)
  } else {
    let arc = BigInt(text) + BigInt(more)
    do low.push(Number(arc & 0x7fn) | 0x80)
    while ((arc >>= 7n) > 0n)
  }
  low[0] = (low[0] ?? 0) & 0x7f
  octets.push(...low.reverse())
}
