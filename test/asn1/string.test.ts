import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DerReader, encodeValue, TAG } from '../../src/asn1/index.js'
import { expectCode } from '../support/expect-code.js'
import { fromHex, toHex } from '../support/der.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const LIMITS = { maxBytes: 1024, maxDepth: 2, maxNodes: 10 }

function read(type: number, content: Uint8Array): string {
  return DerReader.over(encodeValue(type, content), LIMITS).string(type)
}

describe('decodeString', () => {
  it.each([
    ['UTF8String', TAG.utf8String, 'c3bce282acf09f9880', 'ü€😀'],
    ['UTF8String with NUL, which stays', TAG.utf8String, '610062', 'a\0b'],
    ['UTF8String with a byte order mark, which stays', TAG.utf8String, 'efbbbf61', '\ufeffa'],
    ['UTF8String with U+FFFD itself', TAG.utf8String, 'efbfbd', '\ufffd'],
    ['PrintableString', TAG.printableString, '41202728292b2c2d2e2f3a3d3f', "A '()+,-./:=?"],
    ['NumericString', TAG.numericString, '30203139', '0 19'],
    ['IA5String', TAG.ia5String, '00407f', '\0@\x7f'],
    ['VisibleString', TAG.visibleString, '20217e', ' !~'],
    ['TeletexString, octet by octet', TAG.teletexString, '61e4ff', 'aäÿ'],
    ['BMPString', TAG.bmpString, '006120ac', 'a€'],
    ['UniversalString', TAG.universalString, '000000610001f600', 'a😀'],
    ['an empty BMPString', TAG.bmpString, '', ''],
  ])('reads %s', (_, type, hex, text) => {
    expect(read(type, fromHex(hex))).toBe(text)
  })

  it.each([
    ['UTF8String with an overlong slash', TAG.utf8String, 'c0af'],
    ['UTF8String with an overlong NUL', TAG.utf8String, 'c080'],
    ['UTF8String with an overlong three-octet form', TAG.utf8String, 'e08080'],
    ['UTF8String with a lone surrogate', TAG.utf8String, 'eda080'],
    ['UTF8String with a pair of surrogates (CESU-8)', TAG.utf8String, 'eda0bdedb880'],
    ['UTF8String above U+10FFFF', TAG.utf8String, 'f4908080'],
    ['UTF8String that is cut off', TAG.utf8String, 'e282'],
    ['UTF8String in Latin-1', TAG.utf8String, 'fc'],
    ['PrintableString with @', TAG.printableString, '6140'],
    ['PrintableString with *', TAG.printableString, '2a'],
    ['PrintableString with _', TAG.printableString, '5f'],
    ['PrintableString with NUL', TAG.printableString, '6100'],
    ['PrintableString with a line ending', TAG.printableString, '610a'],
    ['PrintableString with UTF-8', TAG.printableString, 'c3bc'],
    ['NumericString with a letter', TAG.numericString, '3061'],
    ['IA5String with the eighth bit', TAG.ia5String, '80'],
    ['VisibleString with a control character', TAG.visibleString, '1b'],
    ['VisibleString with DEL', TAG.visibleString, '7f'],
    ['BMPString of an odd length', TAG.bmpString, '006100'],
    ['BMPString with a lone surrogate', TAG.bmpString, 'd800'],
    ['BMPString with a pair of surrogates', TAG.bmpString, 'd83dde00'],
    ['UniversalString of three octets', TAG.universalString, '000061'],
    ['UniversalString above U+10FFFF', TAG.universalString, '00110000'],
    ['UniversalString with a surrogate', TAG.universalString, '0000d800'],
    ['UniversalString with the highest bit', TAG.universalString, 'ffffffff'],
    ['what is no string type', TAG.octetString, '61'],
  ])('DER-18: refuses %s', (_, type, hex) => {
    expectCode('ERR_DER_STRING', () => read(type, fromHex(hex)))
  })

  it('DER-18: never decodes two inputs of one type to the same text', () => {
    const types = [
      TAG.utf8String,
      TAG.printableString,
      TAG.ia5String,
      TAG.teletexString,
      TAG.bmpString,
      TAG.universalString,
    ]
    const seen = new Map<string, string>()
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 8 }), (type, content) => {
        if (outcomeOf(() => read(type, content)).code !== 'accepted') return
        const text = `${type}:${read(type, content)}`
        expect(seen.get(text) ?? toHex(content)).toBe(toHex(content))
        seen.set(text, toHex(content))
      }),
      { numRuns: 2000 },
    )
  })
})
