import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, encodeValue, OID, TAG } from '../../src/asn1/index.js'
import { decodeOid, encodeOid, namedOid } from '../../src/asn1/oid.js'
import { expectCode } from '../support/expect-code.js'
import { fromHex, toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const LIMITS = { maxBytes: 2 << 20, maxDepth: 2, maxNodes: 10 }
const read = (content: Uint8Array): string => DerReader.over(encodeValue(TAG.oid, content), LIMITS).oid()

describe('decodeOid', () => {
  // First of all, before any of them was met.
  it('keeps nothing of an input that changes afterwards', () => {
    for (const text of Object.values(OID)) {
      const input = Buffer.from(encodeOid(text))
      expect(namedOid(input, 0, input.length)).toBeUndefined()
      expect(decodeOid(input, Error)).toBe(text)
      const copy = Buffer.from(input)
      input.fill(1)
      expect(namedOid(copy, 0, copy.length)).toBe(text)
      expect(namedOid(input, 0, input.length)).toBeUndefined()
      expect(decodeOid(copy, Error)).toBe(text)
    }
  })

  it('keeps no others where those that have a name are', () => {
    const content = encodeOid('1.2.3.4.5')
    expect(decodeOid(content, Error)).toBe('1.2.3.4.5')
    expect(namedOid(content, 0, content.length)).toBeUndefined()
  })

  it.each([
    ['550403', '2.5.4.3'],
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['00', '0.0'],
    ['27', '0.39'],
    ['28', '1.0'],
    ['4f', '1.39'],
    ['50', '2.0'],
    ['883703', '2.999.3'],
    ['7f', '2.47'],
    ['8100', '2.48'],
  ])('reads %s as %s', (hex, text) => {
    expect(read(fromHex(hex))).toBe(text)
    expect(toHex(encodeOid(text))).toBe(hex)
  })

  it.each([
    ['2.5.4 and 2^32 + 3', '55049080808003', '2.5.4.4294967299'],
    ['2.5.4 and 2^64 + 3', '550482808080808080808003', '2.5.4.18446744073709551619'],
  ])('DER-05: reads the large arcs of %s whole, so that it is not commonName', (_, hex, text) => {
    expect(read(fromHex(hex))).toBe(text)
  })

  it.each([
    ['without content', ''],
    ['with a padded arc', '55048003'],
    ['with a padded first arc', '805504'],
    ['that is cut off', '550483'],
    ['of continuation octets alone', '808080'],
  ])('DER-05: refuses an OID %s', (_, hex) => {
    expectCode('ERR_DER_OID', () => read(fromHex(hex)))
  })

  it('reads an OID of 64 octets and refuses one of 65', () => {
    expect(read(new Uint8Array(64).fill(1))).toMatch(/^0\.1(\.1){63}$/)
    expectCode('ERR_DER_OID', () => read(new Uint8Array(65).fill(1)))
  })

  it('DER-06: refuses OIDs of 1 KB, 64 KB and 1 MB, of one arc or many, without work', () => {
    for (const length of [1024, 65_536, 1 << 20]) {
      for (const octet of [0x01, 0x81]) {
        const content = new Uint8Array(length).fill(octet)
        content[length - 1] = 1
        const { code, cpuMilliseconds } = outcomeOf(() => read(content))
        expect(code).toBe('ERR_DER_OID')
        expect(cpuMilliseconds).toBeLessThan(100)
      }
    }
  })

  it('is not confused by what it remembers', () => {
    for (let index = 0; index < 3000; index++) {
      const text = `1.3.6.1.4.1.${index}`
      expect(read(encodeOid(text))).toBe(text)
      expect(read(encodeOid(text))).toBe(text)
    }
  })

  it('throws what its caller makes of it', () => {
    expect(() => decodeOid(new Uint8Array(), (message) => new Error(`mine: ${message}`))).toThrow('mine: ')
  })
})

describe('encodeOid', () => {
  it.each(
    [
      '',
      '1',
      '3.1',
      '0.40',
      '1.40',
      '1.2.',
      '.1.2',
      '1..2',
      '01.2',
      '1.02',
      '1.2.-3',
      '1.2 ',
      '1.2.x',
      '2.5.4.3\n',
    ].concat(['1'.repeat(201), `1.2.${'9'.repeat(190)}`, `1.2${'.1'.repeat(90)}`]),
  )('refuses %j', (text) => {
    expectCode('ERR_CONFIG_INVALID', () => encodeOid(text))
  })
})

describe('object identifiers', () => {
  const arcs = fc.tuple(
    fc.oneof(
      fc.tuple(fc.constantFrom('0', '1'), fc.bigInt({ min: 0n, max: 39n })),
      fc.tuple(fc.constant('2'), fc.bigInt({ min: 0n, max: 2n ** 70n })),
    ),
    fc.array(fc.bigInt({ min: 0n, max: 2n ** 70n }), { maxLength: 4 }),
  )

  it('round trip from text', () => {
    fc.assert(
      fc.property(arcs, ([[root, second], rest]) => {
        const text = [root, second, ...rest].join('.')
        expect(read(encodeOid(text))).toBe(text)
      }),
    )
  })

  it('round trip from octets: what is accepted has one text and one encoding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (content) => {
        if (outcomeOf(() => read(content)).code !== 'accepted') return
        expect(toHex(encodeOid(read(content)))).toBe(toHex(content))
      }),
      { numRuns: 1000 },
    )
  })
})
