/**
 * Object identifiers: strict decoding (X.690 §8.19) and encoding.
 *
 * The dotted text of a strictly decoded OID is one-to-one with its octets, so comparing texts compares octets.
 *
 * @module asn1/oid (floor 1)
 */
import { Buffer } from 'node:buffer'
import { UsageError } from '../errors/index.js'
import { OctetTable } from './octet-table.js'
import { OID } from './oids.js'

/** Longest OID in content octets. The longest in use here has 14; this also keeps decoding cheap. */
const MAX_OID_OCTETS = 64

const decoded = new Map<string, string>()
/** Attackers choose OIDs: the memory for decoded ones is bounded. */
const MAX_REMEMBERED = 1024

/** Those that have a name here, by their content octets; made when first asked for. */
let named: OctetTable<string> | undefined

/** Dotted text of the content octets from `start` to before `end`, of an object identifier that has a name here. */
export function namedOid(bytes: Uint8Array, start: number, end: number): string | undefined {
  named ??= new OctetTable(Object.values(OID).map((text) => [encodeOid(text), text]))
  return named.get(bytes, start, end)
}

/** Content octets → dotted text. `fail` makes the error to throw. */
export function decodeOid(content: Uint8Array, fail: (message: string) => Error): string {
  if (content.length === 0 || content.length > MAX_OID_OCTETS) {
    throw fail(`an object identifier has 1 to ${MAX_OID_OCTETS} octets`)
  }
  const key = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')
  const known = decoded.get(key)
  if (known !== undefined) return known
  const text = decodeArcs(content, fail)
  if (decoded.size < MAX_REMEMBERED) decoded.set(key, text)
  return text
}

function decodeArcs(content: Uint8Array, fail: (message: string) => Error): string {
  const arcs: bigint[] = []
  let arc = 0n
  let continued = false
  for (const octet of content) {
    if (!continued && octet === 0x80) throw fail('an arc of an object identifier is padded')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    continued = (octet & 0x80) !== 0
    if (!continued) {
      arcs.push(arc)
      arc = 0n
    }
  }
  if (continued) throw fail('an object identifier is cut off')
  const [first = 0n, ...rest] = arcs
  const root = first >= 80n ? 2n : first / 40n
  return [root, first - root * 40n, ...rest].join('.')
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
  const [root = 0n, second = 0n, ...rest] = text.split('.').map(BigInt)
  if (root < 2n && second > 39n) {
    throw new UsageError('ERR_CONFIG_INVALID', `not an object identifier: ${JSON.stringify(text)}`)
  }
  const octets: number[] = []
  for (let arc of [root * 40n + second, ...rest]) {
    const low: number[] = [Number(arc & 0x7fn)]
    while ((arc >>= 7n) > 0n) low.push(Number(arc & 0x7fn) | 0x80)
    octets.push(...low.reverse())
  }
  if (octets.length > MAX_OID_OCTETS) {
    throw new UsageError('ERR_CONFIG_INVALID', `an object identifier is longer than ${MAX_OID_OCTETS} octets`)
  }
  return Uint8Array.from(octets)
}
