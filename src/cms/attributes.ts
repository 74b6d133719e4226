/**
 * CMS attributes (RFC 5652 §5.3, §11): each type once, signed ones with exactly one value, in DER order.
 *
 * @module cms/attributes (floor 5)
 */
import {
  CMS_LIMITS,
  compareBytes,
  DerReader,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  oidName,
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
  let previous: Uint8Array | undefined
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
    const der = set.bytes.subarray(start, set.position)
    if (previous !== undefined && compareBytes(previous, der) >= 0) {
      throw set.error('ERR_DER_NON_CANONICAL', 'attributes are a SET OF in ascending order', start)
    }
    previous = der
    if (attributes.has(type)) throw duplicate(type)
    attributes.set(type, values)
  }
  return attributes
}

/** Refuse attributes with no value or several: all signed ones that are in use have exactly one. */
export function requireSingleValues(attributes: Attributes): void {
  for (const [type, values] of attributes) if (values.length !== 1) throw duplicate(type)
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
  return encodeSequence(encodeObjectIdentifier(type), encodeSetOf(valueDer))
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
