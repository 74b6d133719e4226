/**
 * CMS attributes (RFC 5652 §5.3, §11): each type once, signed ones with exactly one value, in DER order.
 *
 * @module cms/attributes (floor 5)
 */
import {
  CMS_LIMITS,
  DerReader,
  encodeObjectIdentifier,
  headerOctets,
  oidName,
  TAG,
  writeHeader,
} from '../asn1/index.js'
import { EncodingError, isSignetError, LimitError } from '../errors/index.js'

/** Attribute type → its values, each a whole DER value. */
export type Attributes = ReadonlyMap<string, readonly Uint8Array[]>

const MAX_ATTRIBUTES = 64
const MAX_VALUES = 64

/**
 * Read the content of an implicitly tagged SET OF Attribute.
 *
 * @throws {@link EncodingError} `ERR_CMS_ATTRIBUTE_DUPLICATE`, `ERR_DER_NON_CANONICAL` if the set is out of order
 */
export function readAttributes(set: DerReader): Attributes {
  const attributes = new Map<string, readonly Uint8Array[]>()
  const { bytes } = set
  let [before, beforeEnd] = [-1, -1]
  while (!set.atEnd) {
    if (attributes.size === MAX_ATTRIBUTES) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a signer has more than ${MAX_ATTRIBUTES} attributes`)
    }
    const start = set.position
    const fields = set.sequence()
    const type = fields.oid()
    const valueSet = fields.set()
    const values: Uint8Array[] = []
    while (!valueSet.atEnd) {
      if (values.length === MAX_VALUES)
        throw new LimitError('ERR_LIMIT_EXCEEDED', `an attribute has more than ${MAX_VALUES} values`)
      values.push(valueSet.element())
    }
    fields.finish()
    const end = set.position
    if (before >= 0 && !isAscending(bytes, before, beforeEnd, start, end)) {
      throw set.error('ERR_DER_NON_CANONICAL', 'attributes are a SET OF in ascending order', start)
    }
    before = start
    beforeEnd = end
    if (attributes.has(type)) throw duplicate(type)
    attributes.set(type, values)
  }
  return attributes
}

/** Whether the octets of one range come before those of another (X.690 §11.6). */
export function isAscending(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  return compareRanges(bytes, a, aEnd, bytes, b, bEnd) < 0
}

/** As `compareBytes`, of ranges: attributes differ early, long before a call of Node's would have begun. */
function compareRanges(a: Uint8Array, start: number, end: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const length = Math.min(end - start, bEnd - bStart)
  for (let index = 0; index < length; index++) {
    const difference = (a[start + index] as number) - (b[bStart + index] as number)
    if (difference !== 0) return difference
  }
  return end - start - (bEnd - bStart)
}

/** Refuse attributes with no value or several: all signed ones that are in use have exactly one. */
export function requireSingleValues(attributes: Attributes): void {
  attributes.forEach((values, type) => {
    if (values.length !== 1) throw duplicate(type)
  })
}

/** Read the one value of an attribute; `undefined` if the attribute is not there. */
export function attributeValue<T>(attributes: Attributes, type: string, read: (reader: DerReader) => T): T | undefined {
  const values = attributes.get(type)
  if (values === undefined) return undefined
  const [value] = values
  if (value === undefined || values.length !== 1) throw duplicate(type)
  try {
    const reader = DerReader.over(value, CMS_LIMITS)
    const result = read(reader)
    reader.finish()
    return result
  } catch (error) {
    // A reader that has a code of its own for its value keeps it.
    if (isSignetError(error) && error.category === 'encoding' && error.code.startsWith('ERR_DER_')) {
      throw new EncodingError(
        'ERR_CMS_ATTRIBUTE_MALFORMED',
        `the attribute ${oidName(type)} is malformed: ${error.message}`,
        {
          details: { oid: type },
          cause: error,
        },
      )
    }
    throw error
  }
}

export function encodeAttribute(type: string, valueDer: Uint8Array): Uint8Array {
  const typeDer = encodeObjectIdentifier(type)
  const setOctets = headerOctets(valueDer.length) + valueDer.length
  const length = typeDer.length + setOctets
  const bytes = new Uint8Array(headerOctets(length) + length)
  writeHeader(bytes, 0, TAG.sequence, length)
  bytes.set(typeDer, bytes.length - length)
  writeHeader(bytes, bytes.length - setOctets, TAG.set, valueDer.length)
  bytes.set(valueDer, bytes.length - valueDer.length)
  return bytes
}

/** Attributes in the order of a SET OF (X.690 §11.6): few. */
export function inOrder(attributes: readonly Uint8Array[]): readonly Uint8Array[] {
  const ordered = [...attributes]
  for (let index = 1; index < ordered.length; index++) {
    const attribute = ordered[index] as Uint8Array
    let place = index
    for (; place > 0 && isAbove(ordered[place - 1] as Uint8Array, attribute); place--) {
      ordered[place] = ordered[place - 1] as Uint8Array
    }
    ordered[place] = attribute
  }
  return ordered
}

function isAbove(a: Uint8Array, b: Uint8Array): boolean {
  return compareRanges(a, 0, a.length, b, 0, b.length) > 0
}

function duplicate(type: string): EncodingError {
  return new EncodingError(
    'ERR_CMS_ATTRIBUTE_DUPLICATE',
    `the attribute ${oidName(type)} does not have exactly one value`,
    {
      details: { oid: type },
    },
  )
}
