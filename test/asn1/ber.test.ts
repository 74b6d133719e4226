import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeInteger,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeValue,
  MAX_BER_BYTES,
  normalizeBer,
  TAG,
} from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { fromHex, nested, toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const normalized = (hex: string): string => toHex(normalizeBer(fromHex(hex)))

/** The same nesting in indefinite lengths. */
function indefinite(tag: number, levels: number): Uint8Array {
  const open = Buffer.alloc(2 * levels)
  for (let level = 0; level < levels; level++) open.set([tag, 0x80], 2 * level)
  return new Uint8Array(Buffer.concat([open, Buffer.from([5, 0]), Buffer.alloc(2 * levels)]))
}

describe('normalizeBer', () => {
  it.each([
    ['an indefinite length', '3080 0500 0000', '30020500'],
    ['indefinite lengths inside each other', '3080 3180 020101 0000 0000', '30053103020101'],
    ['a long length where a short one would do', '30820003020101', '3003020101'],
    ['a constructed OCTET STRING', '2406 040101 040102', '04020102'],
    ['a constructed OCTET STRING of indefinite length', '2480 040101 0400 040102 0000', '04020102'],
    ['constructed pieces of a constructed OCTET STRING', '2480 2480 040101 0000 2403 040102 0000', '04020102'],
    ['a constructed OCTET STRING without pieces', '2480 0000', '0400'],
    ['a constructed BIT STRING, of which the last piece has unused bits', '2380 030200ff 03020780 0000', '030307ff80'],
    [
      'constructed pieces of a constructed BIT STRING',
      '2380 2380 030200ff 03020001 0000 03020780 0000',
      '030407ff0180',
    ],
    ['a constructed BIT STRING without pieces', '2300', '030100'],
    ['a SET in another order', '3106 020102 020101', '3106020101020102'],
    ['a constructed context tag of indefinite length', 'a080 020101 0000', 'a003020101'],
  ])('rewrites %s', (_, ber, der) => {
    expect(normalized(ber)).toBe(der)
  })

  it('leaves a SEQUENCE in its order', () => {
    expect(normalized('3006 020102 020101')).toBe('3006020102020101')
  })

  it('leaves DER as it is', () => {
    const der = encodeSequence(
      encodeInteger(5),
      encodeOctetString(fromHex('3080 0000')),
      encodeSetOf(encodeInteger(2), encodeInteger(1)),
      encodeValue(TAG.bitString, Uint8Array.of(3, 0xf8)),
      encodeValue(TAG.utcTime, Buffer.from('270101000000Z')),
      encodeValue(0xa0, encodeInteger(1)),
      encodeValue(0x80, Uint8Array.of(1, 2, 3)),
    )
    expect(toHex(normalizeBer(der))).toBe(toHex(der))
  })

  it('leaves the content of a primitive value as it is, so that the strict reader judges it', () => {
    expect(normalized('3003 010101')).toBe('3003010101')
    expect(normalized('3004 02020001')).toBe('300402020001')
    expect(normalized('3005 0403308000')).toBe('30050403308000')
  })

  it('does the same a second time', () => {
    const once = normalizeBer(fromHex('3080 2480 040101 040102 0000 3180 020102 020101 0000 0000'))
    expect(toHex(normalizeBer(once))).toBe(toHex(once))
  })

  it('reads what OpenSSL writes as a stream, and agrees with its DER', () => {
    const streamed = execFileSync('openssl', ['cms', '-data_create', '-stream', '-indef', '-outform', 'DER'], {
      input: 'x'.repeat(5000),
    })
    expect(streamed[1]).toBe(0x80)
    const definite = execFileSync('openssl', ['cms', '-data_create', '-outform', 'DER'], { input: 'x'.repeat(5000) })
    expect(toHex(normalizeBer(streamed))).toBe(toHex(definite))
  })

  it.each([
    ['nothing', ''],
    ['an octet', '30'],
    ['a value that ends after the input', '300402'],
    ['bytes after the value', '0500 00'],
    ['two values', '0500 0500'],
    ['an indefinite length without its end', '3080 0500'],
    ['an indefinite length with half an end', '3080 0500 00'],
    ['an end without a beginning', '3002 0000'],
    ['an end at the top', '0000'],
    ['an end in a value of definite length inside an indefinite one', '3080 3002 0000 0000'],
    ['a primitive value of indefinite length', '0480 0000'],
    ['a tag number above 30', '1f1f00'],
    ['a length of five octets', '30850000000000'],
    ['an end-of-contents with content', '3080 000100 0000'],
    ['a constructed UTF8String', '2c80 0c0161 0c0162 0000'],
    ['a constructed UTCTime', '3705 1703 323731'],
    ['a constructed BOOLEAN', '2103 0101ff'],
    ['a constructed INTEGER', '2203 020101'],
    ['a constructed NULL', '2500'],
    ['a constructed OID', '2605 0603 550403'],
    ['an OCTET STRING of pieces that are none', '2403 020101'],
    ['a BIT STRING of pieces that are none', '2303 040101'],
    ['a BIT STRING with unused bits before its last piece', '2308 03020480 030200ff'],
    ['a BIT STRING with a piece without octets', '2304 0300 0300'],
    ['a value longer than the one around it', '3003 0404 01020304 00'],
  ])('DER-03: refuses %s', (_, hex) => {
    expectCode('ERR_BER_UNSUPPORTED', () => normalizeBer(fromHex(hex)))
  })

  it('reads as deep as 32 levels and not one deeper', () => {
    expect(toHex(normalizeBer(indefinite(0x30, 32)))).toBe(toHex(nested(0x30, 32)))
    expectCode('ERR_DER_DEPTH', () => normalizeBer(indefinite(0x30, 33)))
    expectCode('ERR_DER_DEPTH', () => normalizeBer(nested(0x30, 33)))
  })

  it('DER-03: refuses a million one-octet pieces by their number', () => {
    const pieces = Buffer.alloc(3_000_000)
    for (let index = 0; index < pieces.length; index += 3) pieces.set([4, 1, 65], index)
    const { code, cpuMilliseconds } = outcomeOf(() => normalizeBer(encodeValue(0x24, pieces)))
    expect(code).toBe('ERR_LIMIT_EXCEEDED')
    expect(cpuMilliseconds).toBeLessThan(1000)
  })

  it('refuses more than 16 MiB before it looks at it', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => normalizeBer(new Uint8Array(MAX_BER_BYTES + 1)))
  })

  it.each([0x30, 0x31, 0x24, 0x23, 0xa0])(
    'DER-01: refuses nesting of 100, 3000 and 100000 levels in bounded depth, tag %i',
    (tag) => {
      for (const levels of [100, 3000, 100_000]) {
        for (const bomb of [nested(tag, levels), indefinite(tag, levels)]) {
          const { code, cpuMilliseconds } = outcomeOf(() => normalizeBer(bomb))
          expect(code).toBe('ERR_DER_DEPTH')
          expect(cpuMilliseconds).toBeLessThan(500)
        }
      }
    },
  )

  it('DER-01: is not drawn into nesting inside of primitive strings', () => {
    for (const levels of [100, 3000, 100_000]) {
      for (const [tag, inner] of [
        [0x04, nested(0x04, levels)],
        [0x04, nested(0x30, levels)],
        [0x04, indefinite(0x30, levels)],
        [0x03, Buffer.concat([Buffer.of(0), nested(0x30, levels)])],
      ] as const) {
        const value = encodeValue(tag, inner)
        const { code, cpuMilliseconds } = outcomeOf(() => {
          expect(Buffer.compare(normalizeBer(value), value)).toBe(0)
        })
        expect(code).toBe('accepted')
        expect(cpuMilliseconds).toBeLessThan(1000)
      }
    }
  })

  it('DER-06: refuses an OID of 1 KB, 64 KB and 1 MB at once, and is not slow for one in an OCTET STRING', () => {
    for (const length of [1024, 65_536, 1 << 20]) {
      for (const octet of [0x01, 0x81]) {
        const content = new Uint8Array(length).fill(octet)
        content[length - 1] = 1
        const oid = encodeValue(TAG.oid, content)
        const bare = outcomeOf(() => normalizeBer(encodeSequence(oid)))
        expect(bare.code).toBe('ERR_BER_UNSUPPORTED')
        const wrapped = outcomeOf(() => normalizeBer(encodeOctetString(oid)))
        expect(wrapped.code).toBe('accepted')
        expect(bare.cpuMilliseconds + wrapped.cpuMilliseconds).toBeLessThan(500)
      }
    }
  })

  it('DER-08: takes 20000 elements of a SET in descending order in about linear time', () => {
    const set = (count: number): Uint8Array => {
      const elements = Array.from({ length: count }, (_, index) => encodeInteger(1_000_000 - index))
      return encodeSequence(encodeValue(TAG.set, Buffer.concat(elements)))
    }
    outcomeOf(() => normalizeBer(set(5000)))
    const half = outcomeOf(() => normalizeBer(set(20_000)))
    const whole = outcomeOf(() => normalizeBer(set(40_000)))
    expect([half.code, whole.code]).toEqual(['accepted', 'accepted'])
    // Quadratic work would be four times as long; the constant is for a machine that others share.
    expect(whole.cpuMilliseconds).toBeLessThan(3 * half.cpuMilliseconds + 300)
  })

  it('DER-14: throws its own errors only, whatever the octets', () => {
    const octet = fc.oneof(
      fc.constantFrom(0x30, 0x31, 0x24, 0x23, 0x80, 0x00, 0x04, 0x02, 0xa0, 0x06, 0x17),
      fc.integer({ min: 0, max: 255 }),
    )
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 40 }), (octets) => {
        outcomeOf(() => normalizeBer(Uint8Array.from(octets)))
      }),
      { numRuns: 5000 },
    )
  })
})
