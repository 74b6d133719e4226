/** Named attacks with times and strings. */
import { describe, expect, it } from 'vitest'
import { encodeContextPrimitive, encodeSequence, encodeValue, OID, TAG } from '../../../src/asn1/index.js'
import { verifySignedData } from '../../../src/cms/index.js'
import { type Certificate, Name } from '../../../src/x509/index.js'
import { commonName, makeCertificate, NOW } from '../../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { editContent, editDer, fromHex } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { extensionDer, hierarchy, validate } from '../../support/hierarchy.js'
import { authority, DOCUMENTS, readCertificate, readCrl, verdictOf } from './documents.js'

const certificate = authority.certificate.der
const list = DOCUMENTS['a CRL']?.der ?? new Uint8Array()
const { root, issuing, node } = hierarchy()

describe('DER-11: times', () => {
  const GOOD: readonly (readonly [tag: number, text: string, instant: string])[] = [
    [TAG.utcTime, '500101000000Z', '1950-01-01T00:00:00.000Z'],
    [TAG.utcTime, '991231235959Z', '1999-12-31T23:59:59.000Z'],
    [TAG.utcTime, '000229000000Z', '2000-02-29T00:00:00.000Z'],
    [TAG.utcTime, '491231235959Z', '2049-12-31T23:59:59.000Z'],
    [TAG.generalizedTime, '20500101000000Z', '2050-01-01T00:00:00.000Z'],
    [TAG.generalizedTime, '99991231235959Z', '9999-12-31T23:59:59.000Z'],
  ]
  const BAD: readonly (readonly [tag: number, text: string])[] = [
    // Without seconds, with another zone, with a fraction, or with none.
    ...['2801010000Z', '280101000000', '280101000000+0000', '280101000000-0100', '280101000000.5Z', '28010100Z'].map(
      (text) => [TAG.utcTime, text] as const,
    ),
    ...['205001010000Z', '20500101000000', '20500101000000+0000', '20500101000000.0Z', '20500101000000,5Z'].map(
      (text) => [TAG.generalizedTime, text] as const,
    ),
    // The form of one type in the other, and years that the type does not have here.
    [TAG.generalizedTime, '500101000000Z'],
    [TAG.utcTime, '20500101000000Z'],
    [TAG.generalizedTime, '20491231235959Z'],
    [TAG.generalizedTime, '20270101000000Z'],
    [TAG.generalizedTime, '00000101000000Z'],
    [TAG.generalizedTime, '19500101000000Z'],
    // No such day, or time of day.
    ...[
      '280230000000Z',
      '270229000000Z',
      '280431000000Z',
      '281301000000Z',
      '280001000000Z',
      '280100000000Z',
      '280132000000Z',
      '280101240000Z',
      '280101006000Z',
      '280101000060Z',
      '281231235960Z',
    ].map((text) => [TAG.utcTime, text] as const),
    [TAG.generalizedTime, '21000229000000Z'],
    // What is no digit.
    ...[
      '28010100000oZ',
      ' 80101000000Z',
      '+80101000000Z',
      '-80101000000Z',
      '2801010000\0\0Z',
      '28010100000\x30z',
      '',
    ].map((text) => [TAG.utcTime, text] as const),
  ]
  const dated = (path: readonly number[], tag: number, text: string): Certificate =>
    readCertificate(editDer(certificate, path, () => encodeValue(tag, Buffer.from(text, 'latin1'))))

  it.each(GOOD)('DER-11: %i %j is %s', (tag, text, instant) => {
    const path = instant < '2028' ? [0, 4, 0] : [0, 4, 1]
    const field = instant < '2028' ? 'notBefore' : 'notAfter'
    expect(dated(path, tag, text)[field].toISOString()).toBe(instant)
  })

  it.each(BAD)('DER-11: %i %j is no time, in a certificate, a CRL or a CMS document', (tag, text) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () => dated([0, 4, 0], tag, text))
    expectCode('ERR_CERTIFICATE_MALFORMED', () => dated([0, 4, 1], tag, text))
    const value = encodeValue(tag, Buffer.from(text, 'latin1'))
    for (const path of [
      [0, 3],
      [0, 4],
      [0, 5, 0, 1],
    ]) {
      expectCode('ERR_CRL_MALFORMED', () => readCrl(editDer(list, path, () => value)))
    }
    const content = Buffer.from('content')
    const signer = buildSigner({ content, holder: authority, signingTime: attribute(OID.signingTime, value) })
    const document = buildSignedData({ eContent: content, signers: [signer] })
    expectCode('ERR_CMS_ATTRIBUTE_MALFORMED', () =>
      verifySignedData(document, {
        anchors: [authority.certificate],
        purpose: 'allow-any',
        revocation: 'allow-unchecked',
        at: NOW,
      }),
    )
  })

  it('DER-11: digits of another alphabet, and every octet that is no digit, at every place', () => {
    for (let octet = 0; octet < 256; octet++) {
      if (octet >= 0x30 && octet <= 0x39) continue
      for (const place of [0, 5, 11]) {
        const text = Uint8Array.from(Buffer.from('280101000000Z')).with(place, octet)
        expectCode('ERR_CERTIFICATE_MALFORMED', () => readCertificate(editContent(certificate, [0, 4, 1], () => text)))
      }
    }
  })

  it('DER-11: a certificate has two finite instants, or is none', () => {
    for (const [tag, text] of [...GOOD, ...BAD]) {
      for (const path of [
        [0, 4, 0],
        [0, 4, 1],
      ] as const) {
        let read: Certificate | undefined
        verdictOf(() => {
          read = dated(path, tag, text)
        })
        if (read === undefined) continue
        expect(Number.isFinite(read.notBefore.getTime())).toBe(true)
        expect(Number.isFinite(read.notAfter.getTime())).toBe(true)
      }
    }
  })
})

describe('DER-18: strings', () => {
  const subject = (tag: number, octets: Uint8Array): Certificate =>
    readCertificate(editDer(certificate, [0, 5, 0, 0, 1], () => encodeValue(tag, octets)))

  it.each([
    ['an overlong slash', TAG.utf8String, 'c0af'],
    ['an overlong NUL', TAG.utf8String, 'c080'],
    ['an overlong letter in three octets', TAG.utf8String, 'e08181'],
    ['a surrogate', TAG.utf8String, 'eda080'],
    ['a pair of surrogates', TAG.utf8String, 'eda080edb080'],
    ['beyond Unicode', TAG.utf8String, 'f4908080'],
    ['a lead octet alone', TAG.utf8String, 'c3'],
    ['a trail octet alone', TAG.utf8String, '41a9'],
    ['a character cut off', TAG.utf8String, '41e282'],
    ['an octet that never is', TAG.utf8String, '41ff'],
    ['a BMPString of three octets', TAG.bmpString, '004100'],
    ['a BMPString with a lone surrogate', TAG.bmpString, 'd800'],
    ['a BMPString with a pair of them', TAG.bmpString, 'd83ddc12'],
    ['a UniversalString of five octets', TAG.universalString, '0000004100'],
    ['a UniversalString with a surrogate', TAG.universalString, '0000d800'],
    ['a UniversalString beyond Unicode', TAG.universalString, '00110000'],
    ['a UniversalString of the last number', TAG.universalString, 'ffffffff'],
    ['an at sign in a PrintableString', TAG.printableString, '614062'],
    ['an asterisk in a PrintableString', TAG.printableString, '2a'],
    ['NUL in a PrintableString', TAG.printableString, '410042'],
    ['a letter in a NumericString', TAG.numericString, '3141'],
    ['the eighth bit in an IA5String', TAG.ia5String, '41e9'],
    ['a control in a VisibleString', TAG.visibleString, '4107'],
  ])('DER-18: %s', (_claim, tag, hex) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () => subject(tag, fromHex(hex)))
  })

  it.each([
    ['U+FFFD', 'efbfbd'],
    ['a byte order mark', 'efbbbf41'],
    ['a byte order mark behind', '41efbbbf'],
    ['NUL behind', '4100'],
    ['NUL between', '410041'],
    ['a zero-width space', '41e2808b'],
    ['a mark that turns the direction', 'e280ae41'],
    ['a letter that looks alike', 'd090'],
  ])('DER-18: %s makes another name, and is seen', (_claim, hex) => {
    const changed = subject(TAG.utf8String, fromHex(hex)).subject
    expect(changed.equals(commonName('A'))).toBe(false)
    expect(changed.key).not.toBe(commonName('A').key)
    // No octet of it drives a terminal, or hides.
    expect(changed.toString()).toMatch(/^CN=[^\p{Cc}\p{Cf}]+$/u)
    const issuer = { certificate: authority.certificate, key: authority.key }
    const holder = makeCertificate({ subject: changed, issuer })
    expect(holder.certificate.subject.equals(changed)).toBe(true)
  })

  it('DER-18: different octets of one type are different texts', () => {
    const texts = new Map<string, number>()
    for (let high = 0; high < 256; high++) {
      for (const low of [0x00, 0x41, 0x80, 0xbf, 0xff]) {
        for (const tag of [TAG.utf8String, TAG.bmpString, TAG.teletexString]) {
          let name: Name | undefined
          verdictOf(() => {
            name = subject(tag, Uint8Array.of(high, low)).subject
          })
          const [text] = name?.texts(OID.commonName) ?? []
          if (text === undefined) continue
          const key = `${tag} ${text}`
          expect(texts.get(key)).toBeUndefined()
          texts.set(key, high * 256 + low)
        }
      }
    }
    expect(texts.size).toBeGreaterThan(1500)
  })

  it('DER-18: a name of host, mail or URI is ASCII, and NUL ends nothing', () => {
    const { certificate: target } = node
    for (const octets of ['61c3a92e61', '610062', '80', 'ff2e61']) {
      const name = encodeContextPrimitive(2, fromHex(octets))
      const names = extensionDer(OID.subjectAltName, false, encodeSequence(name))
      const other = hierarchy({ node: { names: [], moreExtensionsDer: [names] } })
      const verdict = verdictOf(() => validate(other, { hostName: 'a' }))
      expect(verdict).toMatch(/^ERR_(EXTENSION_MALFORMED|PATH_HOST_NAME)$/)
    }
    expect(validate({ root, issuing, node }).target).toBe(target)
  })
})
