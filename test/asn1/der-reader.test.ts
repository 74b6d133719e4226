import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  CMS_LIMITS,
  CRL_LIMITS,
  DerReader,
  encodeBitString,
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeValue,
  KEY_LIMITS,
  TAG,
} from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { fromHex, nested, toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const LIMITS = { maxBytes: 1024, maxDepth: 8, maxNodes: 100 }

function over(hex: string): DerReader {
  return DerReader.over(fromHex(hex), LIMITS)
}

/** Walk everything that is constructed, as deep as it goes. */
function walk(reader: DerReader): void {
  while (!reader.atEnd) {
    const tag = reader.peek()
    if ((tag & 0x20) === 0) reader.element()
    else walk(reader.constructed(tag))
  }
}

describe('DerReader: the input', () => {
  it('refuses an empty input', () => {
    expectCode('ERR_INPUT_EMPTY', () => DerReader.over(new Uint8Array(), LIMITS))
  })

  it('reads an input of exactly the limit and refuses one octet more', () => {
    const exact = encodeOctetString(new Uint8Array(1020))
    expect(exact.length).toBe(1024)
    expect(DerReader.over(exact, LIMITS).octetString().length).toBe(1020)
    const error = expectCode('ERR_LIMIT_EXCEEDED', () =>
      DerReader.over(encodeOctetString(new Uint8Array(1021)), LIMITS),
    )
    expect(error.details).toEqual({ bytes: '1025', limit: '1024' })
  })

  it('reads so many values as the limit says and refuses one more', () => {
    const values = (count: number): DerReader =>
      DerReader.over(encodeSequence(...Array.from({ length: count }, () => Uint8Array.of(5, 0))), LIMITS)
    walk(values(99))
    expectCode('ERR_LIMIT_EXCEEDED', () => walk(values(100)))
  })

  it('lends parts of the input and copies nothing', () => {
    const input = fromHex('3005 0403010203')
    const octets = DerReader.over(input, LIMITS).sequence().octetString()
    expect(octets.buffer).toBe(input.buffer)
    expect(octets.byteOffset).toBe(4)
  })

  it('reads the part of a larger buffer that it is given', () => {
    const larger = Buffer.from('ffff0500ffff', 'hex')
    const reader = DerReader.over(larger.subarray(2, 4), LIMITS)
    reader.null()
    reader.finish()
  })
})

describe('DerReader: lengths (X.690 §10.1)', () => {
  it.each([
    ['indefinite', '0480 0401ff 0000', 'ERR_DER_LENGTH'],
    ['the reserved form ff', '04ff', 'ERR_DER_LENGTH'],
    ['of five octets', '0485 0000000001 00', 'ERR_DER_LENGTH'],
    ['of 126 octets', `04fe${'00'.repeat(126)}`, 'ERR_DER_LENGTH'],
    ['in long form below 128', '04817f', 'ERR_DER_NON_CANONICAL'],
    ['of zero in long form', '048100', 'ERR_DER_NON_CANONICAL'],
    ['with a leading zero octet', '048200ff', 'ERR_DER_NON_CANONICAL'],
    ['with two leading zero octets', '04840000ffff', 'ERR_DER_NON_CANONICAL'],
    ['cut off', '0482ff', 'ERR_DER_TRUNCATED'],
    ['missing', '04', 'ERR_DER_TRUNCATED'],
    ['one beyond the input', '040201', 'ERR_DER_TRUNCATED'],
  ] as const)('refuses a length that is %s', (_, hex, code) => {
    expectCode(code, () => over(hex).octetString())
  })

  it('DER-03: refuses a SEQUENCE of indefinite length', () => {
    expectCode('ERR_DER_LENGTH', () => over('3080 0500 0000').sequence())
  })

  it('refuses a value that is longer than the one around it, although the input goes on', () => {
    expectCode('ERR_DER_TRUNCATED', () => over('3003 0402 01 02').sequence().octetString())
  })

  it('reads lengths around each change of form', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 24]) {
      const reader = DerReader.over(encodeOctetString(new Uint8Array(length)), CMS_LIMITS)
      expect(reader.octetString().length).toBe(length)
      reader.finish()
    }
  })

  it('DER-02: refuses lengths up to 2^1008 that are not there, and allocates nothing for them', () => {
    const before = process.memoryUsage().arrayBuffers
    for (const length of [
      '847fffffff',
      '8480000000',
      '84ffffffff',
      '850100000000',
      '8720000000000000',
      `fe${'ff'.repeat(126)}`,
    ]) {
      for (const tag of ['04', '30', '03', '02', '06', '0c', '17']) {
        const { code } = outcomeOf(() => walk(over(`${tag}${length}00`)))
        expect(['ERR_DER_TRUNCATED', 'ERR_DER_LENGTH']).toContain(code)
      }
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20)
  })
})

describe('DerReader: tags', () => {
  it.each([
    ['another tag', (reader: DerReader) => reader.octetString()],
    ['another tag for a constructed value', (reader: DerReader) => reader.sequence()],
    ['another tag for a set', (reader: DerReader) => reader.set()],
    ['what is not a time', (reader: DerReader) => reader.time()],
  ])('refuses %s, and says where and what it found', (_, read) => {
    const error = expectCode('ERR_DER_TAG', () => read(over('0500')))
    expect(error.message).toMatch(/expected .*, found tag 0x05$/)
    expect(error.details).toEqual({ offset: '0' })
  })

  it('refuses tag numbers above 30', () => {
    expectCode('ERR_DER_TAG', () => over('1f1f00').element())
    expectCode('ERR_DER_TAG', () => over('bf1f00').constructed(0xbf))
  })

  it.each([
    ['a constructed OCTET STRING', '2403040101'],
    ['a constructed BIT STRING', '230403020001'],
    ['a primitive SEQUENCE', '1000'],
  ])('DER-03: refuses %s', (_, hex) => {
    expectCode('ERR_DER_TAG', () => over(hex).octetString())
    expectCode('ERR_DER_TAG', () => over(hex).bitString())
    expectCode('ERR_DER_TAG', () => over(hex).sequence())
  })

  it('says that a value is missing at the end', () => {
    const reader = over('0500')
    reader.null()
    expect(reader.peek()).toBe(-1)
    expect(expectCode('ERR_DER_TRUNCATED', () => reader.null()).message).toBe('expected tag 0x05, found the end')
    expect(expectCode('ERR_DER_TRUNCATED', () => reader.element()).message).toBe('expected a value, found the end')
    expect(expectCode('ERR_DER_TAG', () => reader.time()).message).toBe('expected a time, found the end')
  })
})

describe('DerReader: the cursor', () => {
  it('takes whole values with their headers, of any tag or of one', () => {
    const reader = over('3005 0500 0101ff')
    const fields = reader.sequence()
    expect(toHex(fields.element())).toBe('0500')
    expect(fields.position).toBe(4)
    expect(toHex(fields.rest())).toBe('0101ff')
    expectCode('ERR_DER_TAG', () => fields.element(TAG.null))
    expect(toHex(fields.element(TAG.boolean))).toBe('0101ff')
    expect(fields.atEnd).toBe(true)
    expect(reader.atEnd).toBe(true)
  })

  it.each(['00', '0500', 'ff'])('DER-04: refuses %s after the value, outside and inside', (extra) => {
    const outside = over(`0500${extra}`)
    outside.null()
    expectCode('ERR_DER_TRAILING_DATA', () => outside.finish())
    const inside = over(`30${(2 + extra.length / 2).toString(16).padStart(2, '0')}0500${extra}`).sequence()
    inside.null()
    expectCode('ERR_DER_TRAILING_DATA', () => inside.finish())
  })
})

describe('DerReader: nesting', () => {
  it('reads as deep as the limit and not one deeper', () => {
    walk(DerReader.over(nested(0x30, 8), LIMITS))
    const error = expectCode('ERR_DER_DEPTH', () => walk(DerReader.over(nested(0x30, 9), LIMITS)))
    expect(error.exitCode).toBe(9)
  })

  it.each([0x30, 0x31, 0xa0, 0x28, 0x2b])(
    'DER-01: refuses nesting of 100, 3000 and 100000 levels in bounded depth, tag %i',
    (tag) => {
      for (const levels of [100, 3000, 100_000]) {
        for (const limits of [CERTIFICATE_LIMITS, CRL_LIMITS, CMS_LIMITS, KEY_LIMITS]) {
          const { code, cpuMilliseconds } = outcomeOf(() => walk(DerReader.over(nested(tag, levels), limits)))
          expect(['ERR_DER_DEPTH', 'ERR_LIMIT_EXCEEDED']).toContain(code)
          expect(cpuMilliseconds).toBeLessThan(500)
        }
      }
    },
  )

  it('DER-01: passes over a value of any depth without going into it', () => {
    const reader = DerReader.over(nested(0x30, 40_000), CMS_LIMITS)
    expect(reader.element().length).toBeGreaterThan(100_000)
    reader.finish()
  })
})

describe('DerReader: primitive values in their one form (X.690 §10, §11)', () => {
  it.each([
    ['BOOLEAN 01', '010101', (reader: DerReader) => reader.boolean()],
    ['BOOLEAN without an octet', '0100', (reader: DerReader) => reader.boolean()],
    ['BOOLEAN of two octets', '0102ffff', (reader: DerReader) => reader.boolean()],
    ['NULL with content', '050100', (reader: DerReader) => reader.null()],
    ['INTEGER without an octet', '0200', (reader: DerReader) => reader.integer()],
    ['INTEGER with a leading 00', '02020001', (reader: DerReader) => reader.integer()],
    ['INTEGER with a leading ff', '0202ff80', (reader: DerReader) => reader.integer()],
    ['INTEGER zero in two octets', '02020000', (reader: DerReader) => reader.integer()],
    ['ENUMERATED with a leading 00', '0a020001', (reader: DerReader) => reader.enumerated(9)],
    ['BIT STRING without the count of unused bits', '0300', (reader: DerReader) => reader.bitString()],
    ['BIT STRING with 8 unused bits', '03020800', (reader: DerReader) => reader.bitString()],
    ['BIT STRING with 255 unused bits', '0302ff00', (reader: DerReader) => reader.bitString()],
    ['BIT STRING without bits and 1 unused', '030101', (reader: DerReader) => reader.bitString()],
    ['BIT STRING with unused bits that are not zero', '03020101', (reader: DerReader) => reader.bitString()],
    ['BIT STRING with unused bits where octets are due', '03020100', (reader: DerReader) => reader.octetBitString()],
  ])('DER-09: refuses %s', (_, hex, read) => {
    expectCode('ERR_DER_NON_CANONICAL', () => read(over(hex)))
  })

  it('reads the values that are canonical', () => {
    expect(over('0101ff').boolean()).toBe(true)
    expect(over('010100').boolean()).toBe(false)
    expect(toHex(over('02020080').integer())).toBe('0080')
    expect(toHex(over('0202ff7f').integer())).toBe('ff7f')
    expect(over('0a0109').enumerated(9)).toBe(9)
    expect(over('030100').bitString()).toEqual({ bytes: new Uint8Array(), unusedBits: 0 })
    expect(over('03020780').bitString()).toEqual({ bytes: Uint8Array.of(0x80), unusedBits: 7 })
    expect(toHex(over('03030001ff').octetBitString())).toBe('01ff')
  })

  it('reads implicitly tagged values', () => {
    expect(over('8001ff').boolean(0x80)).toBe(true)
    expect(toHex(over('810101').integer(0x81))).toBe('01')
    expect(over('820105').smallInteger(5, 0x82)).toBe(5)
    expect(over('8303550403').oid(0x83)).toBe('2.5.4.3')
    expect(toHex(over('8401aa').octetString(0x84))).toBe('aa')
    expect(over('8503000180').octetBitString(0x85).length).toBe(2)
    expect(over('860161').string(TAG.ia5String, 0x86)).toBe('a')
    expect(over('870f32303237303130313030303030305a').generalizedTime(0x87).getTime()).toBe(Date.UTC(2027, 0, 1))
  })

  it.each([
    ['negative', '0201ff', 255],
    ['above the bound', '020106', 5],
    ['above 2^48', '020700ffffffffffff', 5],
    ['of 21 octets', `0215${'7f'.repeat(21)}`, 5],
  ])('smallInteger refuses a number that is %s', (_, hex, max) => {
    expectCode('ERR_DER_NON_CANONICAL', () => over(hex).smallInteger(max))
  })

  it('round trip: every number from 0 to 2^48 - 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (number) => {
        const reader = DerReader.over(encodeInteger(number), LIMITS)
        expect(reader.smallInteger(2 ** 48 - 1)).toBe(number)
      }),
    )
  })

  it('accepts at most one form: what is read as an INTEGER is written the same way again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 9 }), (content) => {
        const element = encodeValue(TAG.integer, content)
        const { code } = outcomeOf(() => DerReader.over(element, LIMITS).integer())
        const value = BigInt.asIntN(content.length * 8, BigInt(`0x${toHex(content)}`))
        let octets = 1
        while (BigInt.asIntN(octets * 8, value) !== value) octets++
        expect(code).toBe(octets === content.length ? 'accepted' : 'ERR_DER_NON_CANONICAL')
      }),
    )
  })
})

describe('DerReader: object identifiers, strings and times', () => {
  it('say where the value begins that is wrong', () => {
    expect(expectCode('ERR_DER_OID', () => over('3004 0602 5580').sequence().oid()).details).toEqual({ offset: '2' })
    expect(expectCode('ERR_DER_STRING', () => over('0c01ff').string(TAG.utf8String)).details).toEqual({ offset: '0' })
    expect(expectCode('ERR_DER_TIME', () => over('170130').time()).details).toEqual({ offset: '0' })
  })

  it('refuses GeneralizedTime before 2050 where RFC 5280 wants UTCTime, and allows it elsewhere', () => {
    const text = Buffer.from('20491231235959Z').toString('hex')
    expectCode('ERR_DER_TIME', () => over(`180f${text}`).time())
    expect(over(`180f${text}`).generalizedTime().toISOString()).toBe('2049-12-31T23:59:59.000Z')
  })
})

describe('DerReader: any octets', () => {
  it('DER-14: throws its own errors only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (input) => {
        outcomeOf(() => walk(DerReader.over(input, LIMITS)))
        for (const read of [
          'boolean',
          'null',
          'integer',
          'oid',
          'octetString',
          'bitString',
          'time',
          'generalizedTime',
        ] as const) {
          outcomeOf(() => DerReader.over(input, LIMITS)[read]())
        }
        outcomeOf(() => DerReader.over(input, LIMITS).smallInteger(2 ** 40))
      }),
      { numRuns: 2000 },
    )
  })

  it('reads back what is written, nested', () => {
    const inner = encodeSequence(encodeInteger(7), encodeBitString(Uint8Array.of(1, 2)))
    const reader = DerReader.over(encodeSequence(inner, encodeOctetString(inner)), LIMITS).sequence()
    const first = reader.sequence()
    expect(first.smallInteger(7)).toBe(7)
    expect(toHex(first.octetBitString())).toBe('0102')
    first.finish()
    expect(toHex(reader.octetString())).toBe(toHex(inner))
    reader.finish()
  })
})
