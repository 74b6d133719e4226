import { describe, expect, it } from 'vitest'
import {
  CMS_LIMITS,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { parseForeignSignedData, parseSignedData } from '../../src/cms/index.js'
import { digestIdentifierDer } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { makeCertificate } from '../support/certificates.js'
import {
  algorithmIdentifier,
  attribute,
  buildSignedData,
  buildSigner,
  type SignedDataParts,
  type SignerParts,
} from '../support/cms-builder.js'
import { editDer, nested } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const content = Buffer.from('hello')
const alice = makeCertificate({ subject: 'alice' })

const signer = (parts: Partial<SignerParts> = {}): Uint8Array => buildSigner({ content, holder: alice, ...parts })
const document = (parts: Partial<SignedDataParts> = {}): Uint8Array =>
  buildSignedData({ signers: [signer()], ...parts })

describe('parseSignedData (RFC 5652 §5.1)', () => {
  it('reads what there is, and vouches for nothing', () => {
    const der = document({ eContent: content, certificates: [alice.certificate.der] })
    const signedData = parseSignedData(der)
    expect(signedData.version).toBe(3)
    expect(signedData.digestAlgorithms.map((algorithm) => algorithm.oid)).toEqual([OID.sha256])
    expect(signedData.eContentType).toBe(OID.signetMessage)
    expect(Buffer.from(signedData.eContent ?? [])).toEqual(content)
    expect(signedData.certificatesDer).toEqual([alice.certificate.der])
    expect(signedData.crlsDer).toEqual([])
    expect(signedData.signerInfos).toHaveLength(1)
    expect([...(signedData.signerInfos[0]?.signedAttrs.keys() ?? [])].sort()).toEqual(
      [OID.contentType, OID.messageDigest, OID.signingTime, OID.signingCertificateV2].sort(),
    )
  })

  it('tells content that is empty from content that is not there', () => {
    expect(parseSignedData(document()).eContent).toBeUndefined()
    expect(parseSignedData(document({ eContent: new Uint8Array() })).eContent).toHaveLength(0)
  })

  it('reads a document without signers; refusing it is for whoever verifies', () => {
    expect(parseSignedData(document({ signers: [] })).signerInfos).toEqual([])
  })

  it.each<[string, Partial<SignedDataParts>, ErrorCode]>([
    ['version 0', { version: 0 }, 'ERR_CMS_MALFORMED'],
    ['version 1 with a content type of its own', { version: 1 }, 'ERR_CMS_MALFORMED'],
    ['version 4 without attribute certificates', { version: 4 }, 'ERR_CMS_MALFORMED'],
    ['version 5', { version: 5 }, 'ERR_CMS_MALFORMED'],
    ['version 99', { version: 99 }, 'ERR_CMS_MALFORMED'],
    ['version 256', { version: 256 }, 'ERR_CMS_MALFORMED'],
    [
      'version 3 over plain data with a signer of version 1',
      {
        eContentType: OID.data,
        signers: [signer({ identifier: 'issuerAndSerialNumber', eContentType: OID.data })],
      },
      'ERR_CMS_MALFORMED',
    ],
    ['a signer of version 1 with a key identifier', { signers: [signer({ version: 1 })] }, 'ERR_CMS_MALFORMED'],
    [
      'a signer of version 3 with issuer and serial number',
      { signers: [signer({ version: 3, identifier: 'issuerAndSerialNumber' })] },
      'ERR_CMS_MALFORMED',
    ],
    ['a signer of version 0', { signers: [signer({ version: 0 })] }, 'ERR_CMS_MALFORMED'],
    ['a signer of version 4', { signers: [signer({ version: 4 })] }, 'ERR_CMS_MALFORMED'],
    ['a signer of version 99', { signers: [signer({ version: 99 })] }, 'ERR_CMS_MALFORMED'],
    [
      'eContent as a constructed OCTET STRING',
      { eContentDer: encodeValue(0x24, encodeOctetString(content)) },
      'ERR_CMS_MALFORMED',
    ],
    ['eContent of another type', { eContentDer: encodeSequence() }, 'ERR_CMS_MALFORMED'],
    ['eContent NULL', { eContentDer: encodeNull() }, 'ERR_CMS_MALFORMED'],
    ['eContent empty inside its tag', { eContentDer: new Uint8Array() }, 'ERR_DER_TRUNCATED'],
    [
      'eContent twice',
      { eContentDer: Buffer.concat([encodeOctetString(content), encodeOctetString(content)]) },
      'ERR_DER_TRAILING_DATA',
    ],
    ['a field after its last one', { trailing: [encodeNull()] }, 'ERR_DER_TRAILING_DATA'],
    [
      'a field after the last one of a signer',
      { signers: [signer({ trailing: [encodeNull()] })] },
      'ERR_DER_TRAILING_DATA',
    ],
    [
      'unsigned attributes twice the same',
      {
        signers: [
          signer({ unsignedAttributes: [attribute('1.2.3', encodeNull()), attribute('1.2.3', encodeInteger(1))] }),
        ],
      },
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
    [
      'a signer identified by something else',
      { signers: [signer({ sidDer: encodeContextPrimitive(1, Uint8Array.of(1)) })] },
      'ERR_CMS_MALFORMED',
    ],
    [
      'a key identifier that is constructed',
      { signers: [signer({ sidDer: encodeContext(0, encodeOctetString(Uint8Array.of(1))) })] },
      'ERR_CMS_MALFORMED',
    ],
    [
      'something after issuer and serial number',
      {
        signers: [
          signer({
            version: 1,
            sidDer: encodeSequence(alice.certificate.issuer.der, encodeInteger(1), encodeNull()),
          }),
        ],
      },
      'ERR_DER_TRAILING_DATA',
    ],
    ['a digest algorithm that is none', { digestAlgorithms: [encodeNull()] }, 'ERR_CMS_MALFORMED'],
  ])('refuses %s', (_, parts, code) => {
    expectCode(code, () => parseSignedData(document(parts)))
  })

  it('asks for no version where there are certificates of old forms, and leaves those aside', () => {
    const old = encodeContext(0, encodeNull())
    for (const version of [1, 3, 4])
      expect(parseSignedData(document({ version, certificates: [old] })).version).toBe(version)
  })

  it('reads plain data by issuer and serial number in version 1, and by key identifier in version 3', () => {
    for (const [identifier, version] of [
      ['issuerAndSerialNumber', 1],
      ['subjectKeyIdentifier', 3],
    ] as const) {
      const der = document({
        version,
        eContentType: OID.data,
        signers: [signer({ identifier, eContentType: OID.data })],
      })
      expect(parseSignedData(der).version).toBe(version)
    }
  })
})

describe('parseSignedData: the envelope (RFC 5652 §3)', () => {
  it.each([
    ['data', OID.data],
    ['envelopedData', '1.2.840.113549.1.7.3'],
    ['signedAndEnvelopedData', '1.2.840.113549.1.7.4'],
    ['digestedData', '1.2.840.113549.1.7.5'],
    ['encryptedData', '1.2.840.113549.1.7.6'],
    ['authenticatedData', '1.2.840.113549.1.9.16.1.2'],
    ['compressedData', '1.2.840.113549.1.9.16.1.9'],
    ['authEnvelopedData', '1.2.840.113549.1.9.16.1.23'],
    ['a type that nobody knows', '1.2.3.4'],
  ])('refuses %s', (_, outerType) => {
    expectCode('ERR_CMS_TYPE_UNSUPPORTED', () => parseSignedData(document({ outerType })))
  })

  const good = document()
  it.each<[string, Uint8Array, ErrorCode]>([
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['no content', encodeSequence(encodeObjectIdentifier(OID.signedData)), 'ERR_DER_TRUNCATED'],
    [
      'content under another tag',
      encodeSequence(encodeObjectIdentifier(OID.signedData), encodeContext(1, encodeSequence())),
      'ERR_CMS_MALFORMED',
    ],
    [
      'content that is NULL',
      encodeSequence(encodeObjectIdentifier(OID.signedData), encodeContext(0, encodeNull())),
      'ERR_CMS_MALFORMED',
    ],
    [
      'an empty SignedData',
      encodeSequence(encodeObjectIdentifier(OID.signedData), encodeContext(0, encodeSequence())),
      'ERR_DER_TRUNCATED',
    ],
    ['a byte behind it', Buffer.concat([good, Uint8Array.of(0)]), 'ERR_DER_TRAILING_DATA'],
    ['a byte missing', good.subarray(0, -1), 'ERR_DER_TRUNCATED'],
    ['two of them', Buffer.concat([good, good]), 'ERR_DER_TRAILING_DATA'],
    ['SignedData without its envelope', good.subarray(good.indexOf(0xa0) + 3), 'ERR_CMS_MALFORMED'],
    ['PEM', Buffer.from(encodePem('CMS', good)), 'ERR_CMS_MALFORMED'],
    [
      'an indefinite length',
      Buffer.concat([Uint8Array.of(0x30, 0x80), good.subarray(3), Uint8Array.of(0, 0)]),
      'ERR_CMS_MALFORMED',
    ],
  ])('refuses %s', (_, der, code) => {
    expectCode(code, () => parseSignedData(der))
  })
})

describe('parseSignedData: limits', () => {
  const repeat = (count: number, one: (index: number) => Uint8Array): Uint8Array[] =>
    Array.from({ length: count }, (_, index) => one(index))
  const genuine = signer()
  const strangers = (count: number): Uint8Array[] => repeat(count, (index) => encodeSequence(encodeInteger(index)))

  it('reads 32 signers and refuses 33', () => {
    expect(parseSignedData(document({ signers: repeat(32, () => genuine) })).signerInfos).toHaveLength(32)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document({ signers: repeat(33, () => genuine) })))
  })

  it('reads 32 digest algorithms and refuses 33', () => {
    const digests = (count: number): Uint8Array[] => repeat(count, (index) => algorithmIdentifier(`1.2.${index}`))
    expect(parseSignedData(document({ digestAlgorithms: digests(32) })).digestAlgorithms).toHaveLength(32)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document({ digestAlgorithms: digests(33) })))
  })

  it('reads 64 certificates and refuses 65', () => {
    expect(parseSignedData(document({ certificates: strangers(64) })).certificatesDer).toHaveLength(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document({ certificates: strangers(65) })))
  })

  it('reads 64 CRLs and refuses 65', () => {
    expect(parseSignedData(document({ crls: strangers(64) })).crlsDer).toHaveLength(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document({ crls: strangers(65) })))
  })

  it('refuses 65 attributes of one signer', () => {
    const moreAttributes = repeat(61, (index) => attribute(`1.2.3.${index}`, encodeNull()))
    expect(
      parseSignedData(document({ signers: [signer({ moreAttributes: moreAttributes.slice(1) })] })).signerInfos,
    ).toHaveLength(1)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document({ signers: [signer({ moreAttributes })] })))
  })

  it('refuses an input one byte over its limit before reading it', () => {
    const der = document()
    expect(parseSignedData(der, { ...CMS_LIMITS, maxBytes: der.length }).version).toBe(3)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(der, { ...CMS_LIMITS, maxBytes: der.length - 1 }))
  })

  it('refuses nesting beyond its limit', () => {
    expectCode('ERR_DER_DEPTH', () => parseSignedData(document(), { ...CMS_LIMITS, maxDepth: 5 }))
  })

  it('reads nothing inside certificates, however deep they are', () => {
    expect(parseSignedData(document({ certificates: [nested(TAG.sequence, 10_000)] })).certificatesDer).toHaveLength(1)
  })

  it('refuses more values than its limit', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parseSignedData(document(), { ...CMS_LIMITS, maxNodes: 20 }))
  })
})

describe('parseForeignSignedData', () => {
  const good = document({ eContent: content })
  const same = parseSignedData(good)

  it.each(['CMS', 'PKCS7', 'PKCS #7 SIGNED DATA'])('reads PEM with the label %s', (label) => {
    expect(parseForeignSignedData(Buffer.from(encodePem(label, good)))).toEqual(same)
  })

  it('refuses PEM with another label, and PEM with several blocks', () => {
    expectCode('ERR_PEM_LABEL', () => parseForeignSignedData(Buffer.from(encodePem('CERTIFICATE', good))))
    expectCode('ERR_CMS_MALFORMED', () => parseForeignSignedData(Buffer.from(encodePem('CMS', good).repeat(2))))
  })

  it('brings BER into DER: indefinite lengths and content in pieces', () => {
    const inner = editDer(good, [1, 0, 2, 1], (explicit) => {
      const pieces = Buffer.concat([
        Uint8Array.of(0xa0, 0x80, 0x24, 0x80),
        encodeOctetString(content.subarray(0, 2)),
        encodeOctetString(content.subarray(2)),
        Uint8Array.of(0, 0, 0, 0),
      ])
      expect(explicit[0]).toBe(0xa0)
      return pieces
    })
    expectCode('ERR_CMS_MALFORMED', () => parseSignedData(inner))
    expect(parseForeignSignedData(inner)).toEqual(same)
  })

  it('never brings what is signed into another form: the attributes keep their octets', () => {
    const attributes = [attribute('1.2.3.4.5', encodeOctetString(Buffer.alloc(80))), attribute('1.2.3.4', encodeNull())]
    const unsorted = document({ signers: [signer({ attributes, unsorted: true })] })
    expectCode('ERR_CMS_MALFORMED', () => parseForeignSignedData(unsorted))
  })

  it('reports the refusal of the strict reader for what is not BER either', () => {
    const cut = good.subarray(0, -1)
    expectCode('ERR_DER_TRUNCATED', () => parseForeignSignedData(cut))
  })

  it('does not look for BER in a document of another type', () => {
    expectCode('ERR_CMS_TYPE_UNSUPPORTED', () => parseForeignSignedData(document({ outerType: OID.data })))
  })

  it('keeps the digests of the document as they are', () => {
    expect(same.digestAlgorithms.map((digest) => Buffer.from(digest.der))).toEqual([
      Buffer.from(digestIdentifierDer('sha256')),
    ])
  })
})
