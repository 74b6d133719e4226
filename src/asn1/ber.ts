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
    decoded = asn1js.fromBER(new Uint8Array(bytes), {
      maxNodes: MAX_BER_NODES,
      // The top of it counts here and not there.
      maxDepth: MAX_BER_DEPTH + 1,
      // What is inside a primitive string is nobody's business, and an OID there could take seconds.
      parseEmbedded: false,
    })
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
    if (tag === 0x10 || tag === 0x11) throw unsupported('a SEQUENCE or SET is primitive')
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
      // Or after the value that holds it: asn1js would read on, and what is written then is not what was there.
      const bound = ends.findLast((end) => end !== 'indefinite') ?? bytes.length
      if (length > bound - position) throw unsupported('a value ends after the input does')
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
  if (ends.some((end) => end !== position)) throw unsupported('the input ends inside of a value')
}

/** Types whose BER form may be constructed of pieces and is found so: BIT STRING and OCTET STRING. */
const PIECED: ReadonlySet<number> = new Set([3, 4])

function encodeNode(node: asn1js.AsnType): Uint8Array {
  const { tagClass, tagNumber, isConstructed } = node.idBlock
  const identifier = ((tagClass - 1) << 6) | (isConstructed ? 0x20 : 0) | tagNumber
  if (!isConstructed) return encodeValue(identifier, primitiveContent(node))
  const children = childrenOf(node)
  if (tagClass === 1 && PIECED.has(tagNumber)) {
    return encodeValue(tagNumber, ...joinPieces(tagNumber, piecesOf(children)))
  }
  const encoded = children.filter((child) => !(child instanceof asn1js.EndOfContent)).map(encodeNode)
  return encodeValue(identifier, ...(identifier === TAG.set ? encoded.toSorted(compareBytes) : encoded))
}

/** The content of a constructed string: its pieces, of which a BIT STRING's each say their unused bits. */
function joinPieces(tagNumber: number, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  if (tagNumber !== TAG.bitString) return pieces
  const unused = pieces.at(-1)?.[0] ?? 0
  // X.690 §8.6.4: only the last piece may have unused bits.
  if (pieces.some((piece, index) => piece[0] !== (index === pieces.length - 1 ? unused : 0))) {
    throw new EncodingError('ERR_BER_UNSUPPORTED', 'a piece of a BIT STRING does not end with an octet')
  }
  return [Uint8Array.of(unused), ...pieces.map((piece) => piece.subarray(1))]
}

/** The contents of the primitive pieces of a constructed string, however deep, in order. */
function piecesOf(children: readonly asn1js.AsnType[]): Uint8Array[] {
  return children
    .filter((child) => !(child instanceof asn1js.EndOfContent))
    .flatMap((child) => (child.idBlock.isConstructed ? piecesOf(childrenOf(child)) : [primitiveContent(child)]))
}

function childrenOf(node: asn1js.AsnType): readonly asn1js.AsnType[] {
  const children: unknown = (node.valueBlock as { value?: unknown }).value
  // asn1js takes no other type apart, and has something else there.
  if (!Array.isArray(children))
    throw new EncodingError('ERR_BER_UNSUPPORTED', 'a value that should be primitive is constructed')
  return children as asn1js.AsnType[]
}

/** The content octets exactly as they stood in the input. */
function primitiveContent(node: asn1js.AsnType): Uint8Array {
  const whole = new Uint8Array(node.valueBeforeDecodeView)
  const start = whole.length - node.lenBlock.length
  return whole.subarray(start)
}
