import fc from 'fast-check'
import { isIPv6 } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  encodeContext,
  encodeContextPrimitive,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeString,
  encodeValue,
} from '../../src/asn1/index.js'
import {
  buildName,
  encodeGeneralName,
  formatGeneralName,
  formatIpAddress,
  type GeneralName,
  parseIpAddress,
  readGeneralName,
  readGeneralNames,
} from '../../src/x509/index.js'
import { contentOf, fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const LIMITS = { maxBytes: 1 << 20, maxDepth: 8, maxNodes: 100_000 }
const read = (der: Uint8Array): GeneralName => readGeneralName(DerReader.over(der, LIMITS))
const directory = buildName([['2.5.4.3', 'a']])

describe('readGeneralName', () => {
  it.each<[string, Uint8Array, Partial<GeneralName>]>([
    ['rfc822Name', encodeContextPrimitive(1, Buffer.from('a@b')), { kind: 'email', value: 'a@b' }],
    ['dNSName', encodeContextPrimitive(2, Buffer.from('a.b')), { kind: 'dns', value: 'a.b' }],
    ['URI', encodeContextPrimitive(6, Buffer.from('u:b')), { kind: 'uri', value: 'u:b' }],
    [
      'iPAddress',
      encodeContextPrimitive(7, Uint8Array.of(1, 2, 3, 4)),
      { kind: 'ip', octets: Uint8Array.of(1, 2, 3, 4) },
    ],
    [
      'registeredID',
      encodeContextPrimitive(8, contentOf(encodeObjectIdentifier('1.2.3'))),
      { kind: 'registeredId', oid: '1.2.3' },
    ],
    ['otherName', encodeContext(0, encodeNull()), { kind: 'other', tag: 0xa0 }],
    ['x400Address', encodeContext(3, encodeNull()), { kind: 'other', tag: 0xa3 }],
    ['ediPartyName', encodeContext(5, encodeNull()), { kind: 'other', tag: 0xa5 }],
  ])('reads %s', (_, der, name) => {
    expect(read(der)).toMatchObject(name)
  })

  it('reads a directory name, which is tagged explicitly', () => {
    const name = read(encodeContext(4, directory.der))
    expect(name.kind === 'directory' && name.name.equals(directory)).toBe(true)
  })

  it.each([
    ['an eighth bit in a DNS name', encodeContextPrimitive(2, Uint8Array.of(0x61, 0xe4)), 'ERR_DER_STRING'],
    ['an eighth bit in a URI', encodeContextPrimitive(6, Uint8Array.of(0xff)), 'ERR_DER_STRING'],
    ['a constructed DNS name', encodeContext(2, Uint8Array.of(0x61)), 'ERR_DER_TAG'],
    ['a primitive directory name', encodeContextPrimitive(4, directory.der), 'ERR_DER_TAG'],
    ['an implicit directory name', encodeValue(0xa4, contentOf(directory.der)), 'ERR_DER_TAG'],
    ['two directory names in one tag', encodeContext(4, directory.der, directory.der), 'ERR_DER_TRAILING_DATA'],
    ['a directory name of nothing', encodeContext(4), 'ERR_DER_TRUNCATED'],
    ['a registered OID that is padded', encodeContextPrimitive(8, fromHex('8001')), 'ERR_DER_OID'],
    ['a tag that is none of them', encodeContextPrimitive(9, Uint8Array.of(1)), 'ERR_DER_TAG'],
    ['a string without its tag', encodeString('a'), 'ERR_DER_TAG'],
  ] as const)('refuses %s', (_, der, code) => {
    expectCode(code, () => read(der))
  })
})

describe('readGeneralNames', () => {
  const names = (count: number): readonly GeneralName[] =>
    readGeneralNames(
      DerReader.over(
        encodeSequence(...Array.from({ length: count }, () => encodeContextPrimitive(2, Buffer.from('a')))),
        LIMITS,
      ).sequence(),
    )

  it('DER-10: refuses an empty list', () => {
    expectCode('ERR_NAME_MALFORMED', () => names(0))
  })

  it('DER-13: reads 500 and 5000 names, and refuses 5001', () => {
    expect(names(500).length).toBe(500)
    expect(names(5000).length).toBe(5000)
    expectCode('ERR_LIMIT_EXCEEDED', () => names(5001))
  })
})

describe('encodeGeneralName', () => {
  it.each<GeneralName>([
    { kind: 'email', value: 'a@b' },
    { kind: 'dns', value: '*.cloud.example' },
    { kind: 'uri', value: 'spiffe://cloud.example/compute/1' },
    { kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) },
  ])('writes what reads back: $kind', (name) => {
    expect(read(encodeGeneralName(name))).toEqual(name)
  })

  it('writes a directory name that reads back', () => {
    expect(toHex(encodeGeneralName({ kind: 'directory', name: directory }))).toBe(
      toHex(encodeContext(4, directory.der)),
    )
  })

  it.each(['', 'a b', 'ä', 'a\0', 'a\nb', '\u001b', '\u007f', '\u212a', 'a\u200bb'])(
    'refuses the DNS name, URI and address %j',
    (value) => {
      for (const kind of ['dns', 'uri', 'email'] as const)
        expectCode('ERR_NAME_MALFORMED', () => encodeGeneralName({ kind, value }))
    },
  )

  it('refuses kinds that are never issued', () => {
    expectCode('ERR_NAME_MALFORMED', () => encodeGeneralName({ kind: 'registeredId', oid: '1.2.3' }))
    expectCode('ERR_NAME_MALFORMED', () => encodeGeneralName({ kind: 'other', tag: 0xa0, der: encodeContext(0) }))
  })
})

describe('formatGeneralName', () => {
  it.each<[GeneralName, string]>([
    [{ kind: 'email', value: 'a@b' }, 'email:a@b'],
    [{ kind: 'dns', value: 'a.b' }, 'DNS:a.b'],
    [{ kind: 'uri', value: 'u:b' }, 'URI:u:b'],
    [{ kind: 'ip', octets: Uint8Array.of(10, 0, 0, 1) }, 'IP:10.0.0.1'],
    [{ kind: 'directory', name: directory }, 'directory:CN=a'],
    [{ kind: 'registeredId', oid: '1.2.3' }, 'registeredID:1.2.3'],
    [{ kind: 'other', tag: 0xa3, der: new Uint8Array() }, 'other:[3]'],
  ])('writes %j as %s', (name, text) => {
    expect(formatGeneralName(name)).toBe(text)
  })

  it('escapes control characters, so that a name cannot drive a terminal', () => {
    for (const kind of ['email', 'dns', 'uri'] as const) {
      expect(formatGeneralName({ kind, value: 'a\n\u001b[31m\u007f' })).toMatch(/^\w+:a\\0a\\1b\[31m\\7f$/)
    }
  })
})

describe('parseIpAddress', () => {
  it.each([
    ['10.0.0.1', '0a000001'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['1::', `0001${'00'.repeat(14)}`],
    ['2001:db8::1', `20010db8${'00'.repeat(11)}01`],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ])('reads %s', (text, octets) => {
    expect(toHex(parseIpAddress(text) ?? new Uint8Array())).toBe(octets)
  })

  it.each(
    [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '256.0.0.1',
      '01.2.3.4',
      '1.2.3.04',
      '0x1.2.3.4',
      '1.2.3.4 ',
      '1..2.3',
      '.1.2.3',
      '16909060',
      '-1.2.3.4',
      '１.2.3.4',
    ]
      .concat([
        ':',
        ':::',
        '1:2:3:4:5:6:7',
        '1:2:3:4:5:6:7:8:9',
        '1::2::3',
        '12345::',
        'g::',
        '::1%eth0',
        '[::1]',
        '1:2:3:4:5:6:7:8::',
        '::1:2:3:4:5:6:7:8',
        ':1::2',
        '1::2:',
        '::ffff:1.2.3.4',
      ])
      .concat(['a.example', 'cafe', '::1/64']),
  )('refuses %j', (text) => {
    expect(parseIpAddress(text)).toBeUndefined()
  })
})

describe('formatIpAddress (RFC 5952)', () => {
  it.each([
    ['0a000001', '10.0.0.1'],
    ['0a000000ff000000', '10.0.0.0/255.0.0.0'],
    ['00'.repeat(16), '::'],
    [`${'00'.repeat(15)}01`, '::1'],
    [`0001${'00'.repeat(14)}`, '1::'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
    ['20010000000000010000000000000001', '2001:0:0:1::1'],
    ['00100000000000100000000000000010', '10:0:0:10::10'],
    ['a0000000b000c000d000e000f0000000', 'a000:0:b000:c000:d000:e000:f000:0'],
    [`20010db8${'00'.repeat(12)}ffffffff${'00'.repeat(12)}`, '2001:db8::/ffff:ffff::'],
    ['010203', '010203'],
  ])('writes %s as %s', (octets, text) => {
    expect(formatIpAddress(fromHex(octets))).toBe(text)
  })

  it('round trip: writes what parseIpAddress reads back, and what Node takes for an address', () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const octets = Uint8Array.from(groups.flatMap((value) => [value >> 8, value & 0xff]))
        const text = formatIpAddress(octets)
        expect(isIPv6(text)).toBe(true)
        expect(toHex(parseIpAddress(text) ?? new Uint8Array())).toBe(toHex(octets))
        // The URL parser of Node shortens as RFC 5952 does.
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`)
      }),
      { numRuns: 500 },
    )
  })
})
