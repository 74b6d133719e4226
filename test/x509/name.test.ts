import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  encodeBoolean,
  encodeInteger,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { attributeType, buildName, Name } from '../../src/x509/index.js'
import { fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const LIMITS = { maxBytes: 1 << 20, maxDepth: 8, maxNodes: 100_000 }
const read = (der: Uint8Array): Name => Name.read(DerReader.over(der, LIMITS))
const attribute = (value: Uint8Array, type: string = OID.commonName): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(type), value)
const one = (value: Uint8Array, type?: string): Name => read(encodeSequence(encodeSetOf(attribute(value, type))))
const utf8 = (text: string): Name => one(encodeString(text))
const bmp = (text: string): Uint8Array => encodeValue(TAG.bmpString, Buffer.from(text, 'utf16le').swap16())
const CN = OID.commonName
const O = OID.organizationName

describe('Name.read', () => {
  it('reads RDNs in order, with text, type and the value as it stands', () => {
    const name = buildName([
      [OID.countryName, 'DE'],
      [O, 'Café'],
      [CN, 'node 1'],
    ])
    expect(name.rdns.map((rdn) => rdn.map(({ type, text }) => [type, text]))).toEqual([
      [[OID.countryName, 'DE']],
      [[O, 'Café']],
      [[CN, 'node 1']],
    ])
    expect(name.rdns.map((rdn) => rdn[0]?.valueDer[0])).toEqual([
      TAG.printableString,
      TAG.utf8String,
      TAG.printableString,
    ])
    expect(name.texts(O)).toEqual(['Café'])
    expect(name.texts(OID.title)).toEqual([])
  })

  it('reads an empty name', () => {
    expect(read(encodeSequence()).isEmpty).toBe(true)
    expect(read(encodeSequence()).toString()).toBe('')
  })

  it('keeps a value that is no string', () => {
    const name = one(encodeInteger(5))
    expect(name.rdns[0]?.[0]?.text).toBeUndefined()
    expect(name.toString()).toBe('CN=#020105')
  })

  it('reads 64 RDNs and 16 attributes in one, and refuses one more', () => {
    const rdns = (count: number): Uint8Array =>
      encodeSequence(...Array.from({ length: count }, () => encodeSetOf(attribute(encodeString('x')))))
    expect(read(rdns(64)).rdns.length).toBe(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => read(rdns(65)))
    const rdn = (count: number): Uint8Array =>
      encodeSequence(encodeSetOf(...Array.from({ length: count }, (_, index) => attribute(encodeInteger(index)))))
    expect(read(rdn(16)).rdns[0]?.length).toBe(16)
    expectCode('ERR_LIMIT_EXCEEDED', () => read(rdn(17)))
  })

  it.each([
    ['DER-10: an RDN without attributes', encodeSequence(encodeSetOf()), 'ERR_NAME_MALFORMED'],
    ['DER-10: an attribute without fields', encodeSequence(encodeSetOf(encodeSequence())), 'ERR_DER_TRUNCATED'],
    [
      'DER-07: an attribute without a value',
      encodeSequence(encodeSetOf(encodeSequence(encodeObjectIdentifier(CN)))),
      'ERR_DER_TRUNCATED',
    ],
    [
      'DER-04: an attribute with two values',
      encodeSequence(encodeSetOf(encodeSequence(encodeObjectIdentifier(CN), encodeString('a'), encodeString('b')))),
      'ERR_DER_TRAILING_DATA',
    ],
    [
      'DER-18: a string that is not of its type',
      encodeSequence(encodeSetOf(attribute(encodeValue(TAG.utf8String, fromHex('c0af'))))),
      'ERR_DER_STRING',
    ],
    [
      'DER-05: an attribute type that is padded',
      encodeSequence(encodeSetOf(encodeSequence(fromHex('0604 80550403'), encodeString('a')))),
      'ERR_DER_OID',
    ],
    [
      'attributes of an RDN in descending order',
      encodeSequence(encodeValue(TAG.set, attribute(encodeString('b')), attribute(encodeString('a')))),
      'ERR_DER_NON_CANONICAL',
    ],
    [
      'one attribute twice in an RDN',
      encodeSequence(encodeValue(TAG.set, attribute(encodeString('a')), attribute(encodeString('a')))),
      'ERR_DER_NON_CANONICAL',
    ],
    ['an RDN that is a SEQUENCE', encodeSequence(encodeSequence(attribute(encodeString('a')))), 'ERR_DER_TAG'],
  ] as const)('refuses %s', (_, der, code) => {
    expectCode(code, () => read(der))
  })
})

describe('Name: comparison (RFC 5280 §7.1)', () => {
  it.each([
    ['another case', utf8('Node One'), utf8('nODE oNE')],
    ['more spaces', utf8('Node One'), utf8('  Node   One ')],
    ['other kinds of space', utf8('Node One'), utf8('Node\u00a0One')],
    ['another string type', utf8('Node'), one(encodeString('Node', TAG.printableString))],
    ['BMPString', utf8('Köln'), one(bmp('Köln'))],
    ['composed and decomposed characters', utf8('K\u00f6ln'), utf8('Ko\u0308ln')],
    ['a ligature', utf8('office'), utf8('oﬃce')],
    [
      'another order in an RDN',
      read(encodeSequence(encodeSetOf(attribute(encodeString('a')), attribute(encodeString('b'), O)))),
      read(encodeSequence(encodeSetOf(attribute(encodeString('b'), O), attribute(encodeString('A'))))),
    ],
  ])('finds names equal that differ in %s', (_, a, b) => {
    expect(a.equals(b)).toBe(true)
    expect(b.equals(a)).toBe(true)
    expect(a.key).toBe(b.key)
  })

  it.each([
    ['their text', utf8('a'), utf8('b')],
    ['the type of an attribute', utf8('a'), one(encodeString('a'), O)],
    [
      'the order of RDNs',
      buildName([
        [CN, 'a'],
        [O, 'b'],
      ]),
      buildName([
        [O, 'b'],
        [CN, 'a'],
      ]),
    ],
    [
      'one RDN more',
      buildName([[CN, 'a']]),
      buildName([
        [CN, 'a'],
        [CN, 'a'],
      ]),
    ],
    ['being empty', read(encodeSequence()), utf8('')],
    [
      'one RDN of two attributes or two RDNs',
      read(encodeSequence(encodeSetOf(attribute(encodeString('a')), attribute(encodeString('b'), O)))),
      buildName([
        [CN, 'a'],
        [O, 'b'],
      ]),
    ],
    [
      'text that looks like an attribute',
      utf8('a2.5.4.10=b'),
      read(encodeSequence(encodeSetOf(attribute(encodeString('a')), attribute(encodeString('b'), O)))),
    ],
    ['NUL', utf8('a'), utf8('a\0')],
    ['U+FFFD', utf8('a'), utf8('a\ufffd')],
    ['a zero-width joiner', utf8('ab'), utf8('a\u200db')],
    ['a Cyrillic letter', utf8('a'), utf8('\u0430')],
    ['text that looks like octets, and these octets', utf8('#0101ff'), one(encodeBoolean(true))],
  ])('finds names different that differ in %s', (_, a, b) => {
    expect(a.equals(b)).toBe(false)
    expect(a.key).not.toBe(b.key)
  })

  it('makes keys that are one exactly when the names are', () => {
    const text = fc.stringMatching(/^[a:=[\]0-9 #A]{0,6}$/)
    const name = fc
      .array(fc.tuple(fc.constantFrom(CN, O), text), { maxLength: 3 })
      .map((attributes) => buildName(attributes))
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(a.key === b.key).toBe(a.equals(b))
      }),
      { numRuns: 1000 },
    )
  })
})

describe('Name.isWithin (RFC 5280 §4.2.1.10)', () => {
  const base = buildName([
    [O, 'Cloud'],
    [OID.organizationalUnitName, 'Nodes'],
  ])

  it.each([
    [
      'the base itself',
      buildName([
        [O, 'cloud'],
        [OID.organizationalUnitName, 'nodes'],
      ]),
    ],
    [
      'one RDN more',
      buildName([
        [O, 'Cloud'],
        [OID.organizationalUnitName, 'Nodes'],
        [CN, 'a'],
      ]),
    ],
  ])('holds for %s', (_, name) => {
    expect(name.isWithin(base)).toBe(true)
  })

  it.each([
    ['one RDN less', buildName([[O, 'Cloud']])],
    [
      'another order',
      buildName([
        [OID.organizationalUnitName, 'Nodes'],
        [O, 'Cloud'],
      ]),
    ],
    [
      'an RDN before it',
      buildName([
        [CN, 'a'],
        [O, 'Cloud'],
        [OID.organizationalUnitName, 'Nodes'],
      ]),
    ],
    [
      'text that begins like it',
      buildName([
        [O, 'Cloud'],
        [OID.organizationalUnitName, 'Nodes2'],
      ]),
    ],
    ['no RDN', read(encodeSequence())],
  ])('does not hold for %s', (_, name) => {
    expect(name.isWithin(base)).toBe(false)
  })

  it('holds for every name in the empty one', () => {
    expect(base.isWithin(read(encodeSequence()))).toBe(true)
  })
})

describe('Name.toString (RFC 4514)', () => {
  it.each([
    ['a comma', 'a,b', 'CN=a\\,b'],
    ['every special character', '",+;<>=\\', 'CN=\\"\\,\\+\\;\\<\\>\\=\\\\'],
    ['a space at its beginning', ' a', 'CN=\\ a'],
    ['a space at its end', 'a ', 'CN=a\\ '],
    ['one space alone', ' ', 'CN=\\ '],
    ['# at its beginning', '#a', 'CN=\\#a'],
    ['a line ending', 'a\nb', 'CN=a\\0ab'],
    ['a terminal sequence', '\u001b[31m', 'CN=\\1b[31m'],
    ['NUL', 'a\0', 'CN=a\\00'],
    ['a mark that turns the direction', 'a\u202eb', 'CN=a\\e2\\80\\aeb'],
    ['a line separator', 'a\u2028b', 'CN=a\\e2\\80\\a8b'],
    ['letters', 'Köln', 'CN=Köln'],
  ])('escapes %s', (_, text, printed) => {
    expect(utf8(text).toString()).toBe(printed)
  })

  it('puts the last RDN first, joins attributes with +, and writes unknown types as numbers', () => {
    expect(
      buildName([
        [O, 'Cloud'],
        [CN, 'a'],
      ]).toString(),
    ).toBe('CN=a,O=Cloud')
    expect(
      read(encodeSequence(encodeSetOf(attribute(encodeString('a')), attribute(encodeString('b'), O)))).toString(),
    ).toBe('CN=a+O=b')
    expect(one(encodeString('x'), '1.2.3').toString()).toBe('1.2.3=x')
    expect(JSON.stringify(utf8('a'))).toBe('"CN=a"')
  })

  it('agrees with OpenSSL', () => {
    const name = buildName([
      [OID.countryName, 'DE'],
      [O, 'A, B + C'],
      [OID.domainComponent, 'example'],
      [OID.userId, 'u'],
      [CN, '#1 "x" '],
    ])
    const request = encodeSequence(name.der)
    const printed = execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: request, encoding: 'utf8' })
    for (const text of ['A, B + C', 'example', '#1 "x" ']) expect(printed).toContain(`:${text}\n`)
  })
})

describe('attributeType', () => {
  it('knows short names of any case', () => {
    expect(attributeType('cn')).toBe(CN)
    expect(attributeType('emailAddress')).toBe(OID.emailAddress)
    expect(attributeType('serialNumber')).toBe(OID.serialNumber)
    expect(attributeType('nothing')).toBeUndefined()
    expect(attributeType('constructor')).toBeUndefined()
  })
})

describe('buildName', () => {
  it('writes what reads back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(CN, O), fc.string({ unit: 'grapheme', maxLength: 20 })), { maxLength: 5 }),
        (attributes) => {
          const name = buildName(attributes)
          expect(name.rdns.map(([only]) => [only?.type, only?.text])).toEqual(attributes)
          expect(toHex(read(name.der).der)).toBe(toHex(name.der))
        },
      ),
    )
  })

  it('DER-18: refuses a lone surrogate, which would become another character', () => {
    expectCode('ERR_NAME_MALFORMED', () => buildName([[CN, 'a\ud800b']]))
    expectCode('ERR_NAME_MALFORMED', () => buildName([[CN, '\udc00']]))
  })

  it('refuses a type that is no OID, a name too long, and too many RDNs', () => {
    expectCode('ERR_CONFIG_INVALID', () => buildName([['CN', 'a']]))
    expectCode('ERR_LIMIT_EXCEEDED', () => buildName([[CN, 'a'.repeat(70_000)]]))
    expectCode('ERR_LIMIT_EXCEEDED', () => buildName(Array.from({ length: 65 }, () => [CN, 'a'] as const)))
  })
})
