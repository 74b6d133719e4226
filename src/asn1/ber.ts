/**
 * BER into DER, for documents of strangers: OpenSSL's `-stream`, NSS and pkijs write indefinite lengths and
 * constructed strings (X.690 §8), which the strict reader refuses.
 *
 * This is the one place that uses asn1js. It decodes; the DER is written by our own writer, and what comes out is read
 * by the strict reader like any other input. Never used for messages of signet itself.
 *
 * @module asn1/ber (floor 1)
 */
import * as asn1js from 'asn1js'
import { EncodingError, LimitError } from '../errors/index.js'
import { compareBytes, encodeValue } from './der-writer.js'
import { TAG } from './tags.js'

/** Longest BER document: this path is slow, so it stays small. */
export const MAX_BER_BYTES = 16 * 1024 * 1024
const MAX_BER_DEPTH = 32
const MAX_BER_NODES = 50_000

/**
 * Rewrite one BER value as DER: definite shortest lengths, strings in one piece, SET OF in order.
 *
 * Values inside an OCTET STRING are left as they are.
 *
 * @throws {@link EncodingError} `ERR_BER_UNSUPPORTED` if it is not BER, or not one value
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`, `ERR_DER_DEPTH`
 */
export function normalizeBer(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_BER_BYTES) {
    throw new LimitError('ERR_LIMIT_EXCEEDED', `a BER document is longer than ${MAX_BER_BYTES} bytes`)
  }
  checkBerShape(bytes)
  let decoded: ReturnType<typeof asn1js.fromBER>
  try {
    decoded = asn1js.fromBER(new Uint8Array(bytes))
  } catch (cause) {
    throw new EncodingError('ERR_BER_UNSUPPORTED', 'the document is neither DER nor BER', { cause })
  }
  if (decoded.offset !== bytes.length) {
    throw new EncodingError('ERR_BER_UNSUPPORTED', 'the document is neither DER nor one BER value')
  }
  return encodeNode(decoded.result)
}

/**
 * Walk the headers without recursion and bound depth, count and OID length first: asn1js recurses, and is quadratic
 * in the length of an OID.
 */
function checkBerShape(bytes: Uint8Array): void {
  const ends: (number | 'indefinite')[] = []
  let position = 0
  let nodes = 0
  const unsupported = (message: string): EncodingError =>
    new EncodingError('ERR_BER_UNSUPPORTED', message, { details: { offset: String(position) } })
  while (position < bytes.length) {
    while (ends.at(-1) === position) ends.pop()
    if (ends.length === 0 && nodes > 0) return
    const tag = bytes[position++] as number
    if ((tag & 0x1f) === 0x1f) throw unsupported('tag numbers above 30 are not used here')
    if (++nodes > MAX_BER_NODES) throw new LimitError('ERR_LIMIT_EXCEEDED', `more than ${MAX_BER_NODES} BER values`)
    let length = bytes[position++] ?? 0xff
    if (length === 0x80) {
      if ((tag & 0x20) === 0) throw unsupported('a primitive value has an indefinite length')
      ends.push('indefinite')
    } else {
      if (length > 0x80) {
        const octets = length & 0x7f
        if (octets > 4) throw unsupported('a length is too long')
        length = 0
        for (let index = 0; index < octets; index++) length = length * 256 + (bytes[position++] ?? 0)
      }
      if (length > bytes.length - position) throw unsupported('a value ends after the input does')
      if (tag === 0 && length === 0) {
        if (ends.pop() !== 'indefinite') throw unsupported('an end-of-contents mark has no value to end')
      } else if ((tag & 0x20) !== 0) {
        ends.push(position + length)
      } else {
        if (tag === TAG.oid && length > 64) throw unsupported('an object identifier is too long')
        position += length
      }
    }
    if (ends.length > MAX_BER_DEPTH) {
      throw new LimitError('ERR_DER_DEPTH', `BER values are nested deeper than ${MAX_BER_DEPTH}`)
    }
  }
}

/** String types whose BER form may be constructed of pieces, by tag number. */
const PIECED: ReadonlySet<number> = new Set([3, 4, 12, 18, 19, 20, 22, 26, 28, 30])

function encodeNode(node: asn1js.AsnType): Uint8Array {
  const { tagClass, tagNumber, isConstructed } = node.idBlock
  const identifier = ((tagClass - 1) << 6) | (isConstructed ? 0x20 : 0) | tagNumber
  if (!isConstructed) return encodeValue(identifier, primitiveContent(node))
  const children = (node.valueBlock as unknown as { value?: asn1js.AsnType[] }).value ?? []
  if (tagClass === 1 && PIECED.has(tagNumber)) {
    return encodeValue(tagNumber, ...pieces(node, children))
  }
  const encoded = children.filter((child) => !(child instanceof asn1js.EndOfContent)).map(encodeNode)
  return encodeValue(identifier, ...(identifier === TAG.set ? encoded.toSorted(compareBytes) : encoded))
}

/** The content of a constructed string: its pieces, of which a BIT STRING's each say their unused bits. */
function pieces(node: asn1js.AsnType, children: readonly asn1js.AsnType[]): Uint8Array[] {
  const isBitString = node.idBlock.tagNumber === 3
  const contents = children
    .filter((child) => !(child instanceof asn1js.EndOfContent))
    .flatMap((child) => (child.idBlock.isConstructed ? pieces(child, childrenOf(child)) : [primitiveContent(child)]))
  if (!isBitString) return contents
  const unused = contents.at(-1)?.[0] ?? 0
  return [Uint8Array.of(unused), ...contents.map((content) => content.subarray(1))]
}

function childrenOf(node: asn1js.AsnType): readonly asn1js.AsnType[] {
  return (node.valueBlock as unknown as { value?: asn1js.AsnType[] }).value ?? []
}

/** The content octets exactly as they stood in the input. */
function primitiveContent(node: asn1js.AsnType): Uint8Array {
  const whole = new Uint8Array(node.valueBeforeDecodeView)
  const start = whole.length - node.lenBlock.length
  return whole.subarray(start)
}
