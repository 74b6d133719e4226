import { describe, expect, it } from 'vitest'
import {
  CMS_LIMITS,
  DerReader,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  OID,
} from '../../src/asn1/index.js'
import { type Attributes, attributeValue, encodeAttribute } from '../../src/cms/index.js'
import { readAttributes, requireSingleValues } from '../../src/cms/attributes.js'
import { EncodingError } from '../../src/errors/index.js'
import { attribute, encodeSetOfAny } from '../support/cms-builder.js'
import { expectCode } from '../support/expect-code.js'

const read = (...attributes: readonly Uint8Array[]): Attributes =>
  readAttributes(DerReader.over(encodeSetOfAny(attributes, true), CMS_LIMITS).set())
const readUnsorted = (...attributes: readonly Uint8Array[]): Attributes =>
  readAttributes(DerReader.over(encodeSetOfAny(attributes, false), CMS_LIMITS).set())
const many = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => encodeInteger(1000 + index))
const manyTypes = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => attribute(`1.2.3.${index}`, encodeNull()))

describe('readAttributes (RFC 5652 §5.3)', () => {
  it('yields each type with its values as they stand', () => {
    const attributes = read(attribute('1.2.3', encodeInteger(1)), attribute('1.2.4', encodeNull(), encodeInteger(2)))
    expect([...attributes.keys()]).toEqual(['1.2.3', '1.2.4'])
    expect(attributes.get('1.2.3')).toEqual([encodeInteger(1)])
    expect(attributes.get('1.2.4')).toHaveLength(2)
  })

  it('reads what encodeAttribute writes', () => {
    expect(read(encodeAttribute('1.2.3', encodeNull())).get('1.2.3')).toEqual([encodeNull()])
  })

  it('yields nothing for an empty set', () => {
    expect(read().size).toBe(0)
  })

  it('refuses one type twice', () => {
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () =>
      read(attribute('1.2.3', encodeInteger(1)), attribute('1.2.3', encodeInteger(2))),
    )
  })

  it('refuses one type twice under another as well', () => {
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () =>
      read(
        attribute('1.2.3', encodeInteger(1)),
        attribute('1.2.3', encodeInteger(200)),
        attribute('1.2.4', encodeNull()),
      ),
    )
  })

  it('refuses the same attribute twice', () => {
    const one = attribute('1.2.3', encodeNull())
    expectCode('ERR_DER_NON_CANONICAL', () => read(one, one))
  })

  it('refuses attributes that are not in ascending order', () => {
    expectCode('ERR_DER_NON_CANONICAL', () =>
      readUnsorted(attribute('1.2.4', encodeNull()), attribute('1.2.3', encodeNull())),
    )
  })

  it('refuses an attribute with something after its values', () => {
    const long = encodeSequence(encodeObjectIdentifier('1.2.3'), encodeSetOf(encodeNull()), encodeNull())
    expectCode('ERR_DER_TRAILING_DATA', () => read(long))
  })

  it('refuses an attribute without a set of values', () => {
    expectCode('ERR_DER_TRUNCATED', () => read(encodeSequence(encodeObjectIdentifier('1.2.3'))))
  })

  it('reads 64 attributes and refuses 65', () => {
    expect(read(...manyTypes(64)).size).toBe(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => read(...manyTypes(65)))
  })

  it('reads 64 values of one attribute and refuses 65', () => {
    expect(read(attribute('1.2.3', ...many(64))).get('1.2.3')).toHaveLength(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => read(attribute('1.2.3', ...many(65))))
  })
})

describe('requireSingleValues', () => {
  it.each([0, 2])('refuses an attribute with %i values, whatever its type', (count) => {
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () => {
      requireSingleValues(read(attribute('1.2.3', ...many(count))))
    })
  })
})

describe('attributeValue', () => {
  const attributes = read(
    attribute(OID.signingTime, encodeInteger(7)),
    attribute('1.2.3', encodeNull(), encodeInteger(1)),
  )

  it('is undefined where there is no such attribute', () => {
    expect(attributeValue(attributes, '1.2.99', (reader) => reader.smallInteger(10))).toBeUndefined()
  })

  it('is what the reader makes of the value', () => {
    expect(attributeValue(attributes, OID.signingTime, (reader) => reader.smallInteger(10))).toBe(7)
  })

  it('refuses several values', () => {
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () =>
      attributeValue(attributes, '1.2.3', (reader) => {
        reader.null()
      }),
    )
  })

  it('names the attribute whose value is malformed', () => {
    const error = expectCode('ERR_CMS_ATTRIBUTE_MALFORMED', () =>
      attributeValue(attributes, OID.signingTime, (reader) => reader.octetString()),
    )
    expect(error.message).toContain('signingTime')
    expect(error.details).toEqual({ oid: OID.signingTime })
  })

  it('refuses what a reader leaves unread', () => {
    expectCode('ERR_CMS_ATTRIBUTE_MALFORMED', () => attributeValue(attributes, OID.signingTime, () => 'nothing read'))
  })

  it('leaves a code that the reader has for its own value', () => {
    expectCode('ERR_MESSAGE_CONTEXT_MALFORMED', () =>
      attributeValue(attributes, OID.signingTime, () => {
        throw new EncodingError('ERR_MESSAGE_CONTEXT_MALFORMED', 'not a context')
      }),
    )
  })

  it('lets what is no refusal through', () => {
    expect(() =>
      attributeValue(attributes, OID.signingTime, () => {
        throw new TypeError('a bug')
      }),
    ).toThrow(TypeError)
  })
})
