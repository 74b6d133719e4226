import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, encodeUnsigned } from '../../src/asn1/index.js'
import {
  generateSerial,
  hex,
  parseFingerprint,
  parseHexText,
  parseSerialText,
  readSerial,
  serialText,
} from '../../src/x509/index.js'
import { fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

describe('serialText', () => {
  it.each([
    ['01', '01'],
    ['0080', '80'],
    ['00', '00'],
    ['0000', '00'],
    ['7fff', '7fff'],
    ['0100', '0100'],
  ])('of %s is %s', (octets, text) => {
    expect(serialText(fromHex(octets))).toBe(text)
  })

  it('DER-17: survives JSON, and tells every two numbers of 20 octets apart', () => {
    const octets = fc.uint8Array({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(octets, octets, (a, b) => {
        const value = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`)
        const text = serialText(encodeUnsigned(a).subarray(2))
        expect(BigInt(`0x${text}`)).toBe(value(a))
        expect(JSON.parse(JSON.stringify(text))).toBe(text)
        expect(text === serialText(encodeUnsigned(b).subarray(2))).toBe(value(a) === value(b))
      }),
    )
  })
})

describe('hex', () => {
  it('writes the part of a larger buffer that it is given', () => {
    expect(hex(Uint8Array.of(1, 2, 0xff, 4).subarray(1, 3))).toBe('02ff')
    expect(hex(new Uint8Array())).toBe('')
  })
})

describe('generateSerial', () => {
  it('draws 20 octets that a certificate may have', () => {
    for (let count = 0; count < 500; count++) {
      const serial = generateSerial()
      expect(serial.length).toBe(20)
      const reader = DerReader.over(encodeUnsigned(serial), { maxBytes: 99, maxDepth: 1, maxNodes: 1 })
      expect(toHex(readSerial(reader))).toBe(toHex(serial))
    }
  })

  it('clears the sign, and draws again when the first octet is then zero', () => {
    const draws = [new Uint8Array(20), new Uint8Array(20).fill(0x80), new Uint8Array(20).fill(0xff)]
    let asked = 0
    const serial = generateSerial((octets) => {
      expect(octets).toBe(20)
      return draws[asked++] ?? new Uint8Array()
    })
    expect(asked).toBe(3)
    expect(toHex(serial)).toBe(`7f${'ff'.repeat(19)}`)
  })

  it('does not change what its source keeps', () => {
    const kept = new Uint8Array(20).fill(0xff)
    generateSerial(() => kept)
    expect(kept[0]).toBe(0xff)
  })
})

describe('parseHexText', () => {
  it.each([
    ['0a1b', '0a1b'],
    ['0A:1B', '0a1b'],
    ['0a 1b', '0a1b'],
    ['0x0A1b', '0a1b'],
    [' a1b\n', '0a1b'],
    ['SHA256:0a1b', '0a1b'],
    ['sha-256=0a1b', '0a1b'],
    ['dec:255', 'ff'],
    ['dec:9007199254740993', '20000000000001'],
    ['dec:0', '00'],
    ['f'.repeat(128), 'f'.repeat(128)],
  ])('reads %j as %s', (text, digits) => {
    expect(parseHexText(text)).toBe(digits)
  })

  it.each([
    '',
    ' ',
    '0x',
    ':',
    'xyz',
    '0a1g',
    '-1',
    'dec:',
    'dec:-1',
    'dec:0x5',
    'dec:1e3',
    'DEC:12',
    `dec:${'9'.repeat(50)}`,
    'f'.repeat(129),
    '0x0x12',
    '../0a',
    '12\0',
    '１２',
  ])('refuses %j', (text) => {
    expectCode('ERR_SERIAL_MALFORMED', () => parseHexText(text))
  })

  it('quotes no more than the beginning of what it refuses', () => {
    expect(expectCode('ERR_SERIAL_MALFORMED', () => parseHexText('x'.repeat(100_000))).message.length).toBeLessThan(100)
  })
})

describe('parseSerialText', () => {
  it.each([
    ['00ff', 'ff'],
    ['000000', '00'],
    ['0100', '0100'],
    ['0:1:0', '10'],
    ['f', '0f'],
  ])('reads %j as %s', (text, serial) => {
    expect(parseSerialText(text)).toBe(serial)
  })

  it('DER-17: reads back every serial in hexadecimal and in decimal', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }), (number) => {
        const text = serialText(encodeUnsigned(fromHex(number.toString(16).padStart(40, '0'))).subarray(2))
        expect(parseSerialText(text)).toBe(text)
        expect(parseSerialText(text.toUpperCase().replace(/..(?=.)/g, '$&:'))).toBe(text)
        expect(parseSerialText(`dec:${number}`)).toBe(text)
      }),
    )
  })
})

describe('parseFingerprint', () => {
  it('reads 32 octets in the form of OpenSSL, and refuses any other length', () => {
    const digits = 'ab'.repeat(32)
    expect(parseFingerprint(digits.toUpperCase().replace(/..(?=.)/g, '$&:'))).toBe(digits)
    expect(parseFingerprint(`SHA256:${digits}`)).toBe(digits)
    for (const text of ['ab', digits.slice(2), `${digits}ab`])
      expectCode('ERR_SERIAL_MALFORMED', () => parseFingerprint(text))
  })
})
