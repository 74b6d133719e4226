import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareBytes,
  concatBytes,
  encodeBitString,
  encodeBoolean,
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNamedBits,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePrintableString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeTime,
  encodeUnsigned,
  encodeValue,
  equalBytes,
  TAG,
} from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { toHex } from '../support/der.js'

describe('encodeValue', () => {
  it.each([
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
    [65_536, '0483010000'],
    [0xffffff, '0483ffffff'],
    [0x1000000, '048401000000'],
  ])('writes the length %i in its shortest form', (length, header) => {
    const value = encodeValue(0x04, new Uint8Array(length))
    expect(toHex(value.subarray(0, header.length / 2))).toBe(header)
    expect(value.length).toBe(header.length / 2 + length)
  })

  it('joins parts', () => {
    expect(toHex(encodeValue(0x30, Uint8Array.of(5, 0), new Uint8Array(), Uint8Array.of(5, 0)))).toBe('300405000500')
  })
})

describe('the writer functions', () => {
  it.each([
    ['BOOLEAN', encodeBoolean(true), '0101ff'],
    ['BOOLEAN FALSE', encodeBoolean(false), '010100'],
    ['NULL', encodeNull(), '0500'],
    ['INTEGER 0', encodeInteger(0), '020100'],
    ['INTEGER 127', encodeInteger(127), '02017f'],
    ['INTEGER 128 with a zero octet', encodeInteger(128), '02020080'],
    ['INTEGER 2^53 - 1', encodeInteger(Number.MAX_SAFE_INTEGER), '02071fffffffffffff'],
    ['ENUMERATED', encodeEnumerated(10), '0a010a'],
    ['an unsigned magnitude', encodeUnsigned(Uint8Array.of(0, 0, 0x80)), '02020080'],
    ['an unsigned zero', encodeUnsigned(Uint8Array.of(0, 0)), '020100'],
    ['an unsigned nothing', encodeUnsigned(new Uint8Array()), '020100'],
    ['OBJECT IDENTIFIER', encodeObjectIdentifier('2.5.4.3'), '0603550403'],
    ['OCTET STRING', encodeOctetString(Uint8Array.of(1)), '040101'],
    ['BIT STRING', encodeBitString(Uint8Array.of(1)), '03020001'],
    ['no named bits', encodeNamedBits([]), '030100'],
    ['the first named bit', encodeNamedBits([0]), '03020780'],
    ['named bits 5 and 6', encodeNamedBits([6, 5]), '03020106'],
    ['the ninth named bit', encodeNamedBits([0, 8]), '0303078080'],
    ['UTF8String', encodeString('ü'), '0c02c3bc'],
    ['PrintableString', encodePrintableString('a'), '130161'],
    ['SEQUENCE', encodeSequence(), '3000'],
    ['[3] constructed', encodeContext(3, encodeNull()), 'a3020500'],
    ['[3] primitive', encodeContextPrimitive(3, Uint8Array.of(7)), '830107'],
    ['UTCTime', encodeTime(new Date('2049-12-31T23:59:59Z')), `170d${Buffer.from('491231235959Z').toString('hex')}`],
    [
      'GeneralizedTime',
      encodeTime(new Date('2050-01-01T00:00:00Z')),
      `180f${Buffer.from('20500101000000Z').toString('hex')}`,
    ],
  ])('write %s', (_, encoded, hex) => {
    expect(toHex(encoded)).toBe(hex)
  })

  it.each([-1, 0.5, 2 ** 53, Number.NaN, Infinity])('do not write %d as an INTEGER', (number) => {
    expectCode('ERR_INTERNAL', () => encodeInteger(number))
  })

  it('do not write what is no PrintableString', () => {
    for (const text of ['a@b', 'ü', 'a*', 'a\n']) expectCode('ERR_INTERNAL', () => encodePrintableString(text))
  })

  it.each([Number.NaN, Date.UTC(10_000, 0, 1), Date.UTC(1949, 11, 31)])('do not write the time %d', (time) => {
    expectCode('ERR_INTERNAL', () => encodeTime(new Date(time)))
  })

  it.each([Number.NaN, Date.UTC(10_000, 0, 1), -62_198_755_200_000])('do not write %d as GeneralizedTime', (time) => {
    expectCode('ERR_INTERNAL', () => encodeGeneralizedTime(new Date(time)))
  })

  it('refuse an OID that is none', () => {
    expectCode('ERR_CONFIG_INVALID', () => encodeObjectIdentifier('3.1'))
  })
})

describe('encodeSetOf', () => {
  it('writes its elements in ascending order, a prefix first (X.690 §11.6)', () => {
    const elements = [
      encodeOctetString(Uint8Array.of(2)),
      encodeNull(),
      encodeOctetString(Uint8Array.of(1)),
      encodeInteger(9),
    ]
    expect(toHex(encodeSetOf(...elements))).toBe('310b0201090401010401020500')
  })

  it('does not depend on the order given', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 8 }), (contents) => {
        const elements = contents.map((content) => encodeOctetString(content))
        expect(toHex(encodeSetOf(...elements))).toBe(toHex(encodeSetOf(...elements.toReversed())))
      }),
    )
  })
})

describe('bytes', () => {
  it('compare, equal and join', () => {
    expect(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBeLessThan(0)
    expect(compareBytes(Uint8Array.of(2), Uint8Array.of(1, 0))).toBeGreaterThan(0)
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1))).toBe(true)
    expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false)
    expect(toHex(concatBytes(Uint8Array.of(1), Uint8Array.of(2)))).toBe('0102')
    expect(TAG.set).toBe(0x31)
  })
})
