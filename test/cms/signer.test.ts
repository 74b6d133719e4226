import { hash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeTime,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import {
  formatSignerIdentifier,
  identifies,
  parseSignedData,
  type SignerFacts,
  verifySigner,
} from '../../src/cms/index.js'
import { digestIdentifierDer, SIGNATURE_ALGORITHMS } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { type Certificate, encodeKeyUsage } from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, NOW } from '../support/certificates.js'
import {
  algorithmIdentifier,
  attribute,
  buildSignedData,
  buildSigner,
  essCertificate,
  issuerSerial,
  type SignedDataParts,
  type SignerParts,
  WEAK,
} from '../support/cms-builder.js'
import { expectCode } from '../support/expect-code.js'

const content = Buffer.from('what was signed')
const root = makeCertificate({ subject: 'Root', ca: true })
const alice = makeCertificate({ subject: 'alice', issuer: root })
const bob = makeCertificate({ subject: 'bob', issuer: root })

type Changes = Partial<SignerParts> & { readonly document?: Partial<SignedDataParts> }

/** One signer of a detached document that is right but for what is changed. */
function check(
  changes: Changes = {},
  holder: Holder = alice,
  certificate: Certificate = holder.certificate,
): SignerFacts {
  const { document, ...parts } = changes
  const signer = buildSigner({ content, holder, ...parts })
  const der = buildSignedData({
    signers: [signer],
    ...(parts.eContentType === undefined ? {} : { eContentType: parts.eContentType }),
    ...(parts.digestAlgorithmDer === undefined ? {} : { digestAlgorithms: [parts.digestAlgorithmDer] }),
    ...document,
  })
  const signedData = parseSignedData(der)
  const [info] = signedData.signerInfos
  if (info === undefined) throw new Error('there is no signer')
  return verifySigner(signedData, info, content, certificate)
}

describe('verifySigner: what holds', () => {
  it('accepts the usual attributes and says when, with what, and that the certificate is bound', () => {
    expect(check()).toEqual({
      digest: 'sha256',
      messageDigest: new Uint8Array(hash('sha256', content, 'buffer')),
      signatureAlgorithm: SIGNATURE_ALGORITHMS['ecdsa-sha256'],
      signingTime: NOW,
      certificateBound: true,
    })
  })

  it('accepts a document without signingTime and says that there is none', () => {
    expect(check({ signingTime: undefined }).signingTime).toBeUndefined()
  })

  it('accepts a document without signingCertificateV2 and says that nothing binds the certificate', () => {
    expect(check({ signingCertificate: undefined }).certificateBound).toBe(false)
  })

  it('does not take signingCertificate of version 1, which is SHA-1, for a binding', () => {
    const old = attribute(
      OID.signingCertificate,
      encodeSequence(encodeSequence(encodeSequence(encodeOctetString(hash('sha1', alice.certificate.der, 'buffer'))))),
    )
    expect(check({ signingCertificate: old }).certificateBound).toBe(false)
  })

  it('leaves signed attributes that it does not know to others', () => {
    expect(check({ moreAttributes: [attribute('1.2.3.4', encodeInteger(1))] }).certificateBound).toBe(true)
  })

  it('reads signingTime as UTCTime before 2050 and as GeneralizedTime after', () => {
    const late = new Date('2051-02-03T04:05:06Z')
    expect(check({ signingTime: attribute(OID.signingTime, encodeTime(late)) }).signingTime).toEqual(late)
  })
})

describe('verifySigner: contentType (RFC 5652 §11.1)', () => {
  const type = attribute(OID.contentType, encodeObjectIdentifier(OID.signetMessage))

  it.each<[string, Changes, ErrorCode]>([
    ['missing', { contentType: undefined }, 'ERR_CMS_SIGNED_ATTRIBUTES'],
    [
      'another than the type of the document',
      { contentType: attribute(OID.contentType, encodeObjectIdentifier(OID.data)) },
      'ERR_CMS_CONTENT_TYPE',
    ],
    ['there twice, the same', { moreAttributes: [type] }, 'ERR_CMS_MALFORMED'],
    [
      'there twice, once another',
      { moreAttributes: [attribute(OID.contentType, encodeObjectIdentifier(OID.data))] },
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
    [
      'of two values',
      {
        contentType: attribute(
          OID.contentType,
          encodeObjectIdentifier(OID.data),
          encodeObjectIdentifier(OID.signetMessage),
        ),
      },
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
    ['of no value', { contentType: attribute(OID.contentType) }, 'ERR_CMS_ATTRIBUTE_DUPLICATE'],
    [
      'a UTF8String',
      { contentType: attribute(OID.contentType, encodeString(OID.signetMessage)) },
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'an OBJECT IDENTIFIER that is none',
      { contentType: attribute(OID.contentType, encodeValue(TAG.oid, Uint8Array.of(0x80, 1))) },
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
  ])('refuses one that is %s', (_, changes, code) => {
    expectCode(code, () => check(changes))
  })

  it('refuses a document whose type was changed after signing', () => {
    expectCode('ERR_CMS_CONTENT_TYPE', () => check({ document: { eContentType: OID.signetTrustDirectory } }))
  })
})

describe('verifySigner: messageDigest (RFC 5652 §11.2)', () => {
  const wrong = encodeOctetString(hash('sha256', 'something else', 'buffer'))
  const right = hash('sha256', content, 'buffer')

  it.each<[string, Changes, ErrorCode]>([
    ['missing', { messageDigest: undefined }, 'ERR_CMS_SIGNED_ATTRIBUTES'],
    ['of other content', { messageDigest: attribute(OID.messageDigest, wrong) }, 'ERR_CMS_DIGEST_MISMATCH'],
    [
      'empty',
      { messageDigest: attribute(OID.messageDigest, encodeOctetString(new Uint8Array())) },
      'ERR_CMS_DIGEST_MISMATCH',
    ],
    [
      'a prefix of the digest',
      { messageDigest: attribute(OID.messageDigest, encodeOctetString(right.subarray(0, 20))) },
      'ERR_CMS_DIGEST_MISMATCH',
    ],
    [
      'of another digest algorithm',
      { messageDigest: attribute(OID.messageDigest, encodeOctetString(hash('sha512', content, 'buffer'))) },
      'ERR_CMS_DIGEST_MISMATCH',
    ],
    ['NULL', { messageDigest: attribute(OID.messageDigest, encodeNull()) }, 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    ['an INTEGER', { messageDigest: attribute(OID.messageDigest, encodeInteger(7)) }, 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    [
      'a BIT STRING',
      { messageDigest: attribute(OID.messageDigest, encodeValue(TAG.bitString, Uint8Array.of(0), right)) },
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'a SEQUENCE of it',
      { messageDigest: attribute(OID.messageDigest, encodeSequence(encodeOctetString(right))) },
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    ['of no value', { messageDigest: attribute(OID.messageDigest) }, 'ERR_CMS_ATTRIBUTE_DUPLICATE'],
    [
      'of two values, one right',
      { messageDigest: attribute(OID.messageDigest, encodeOctetString(right), wrong) },
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
    [
      'there twice, once right',
      { moreAttributes: [attribute(OID.messageDigest, wrong)] },
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
  ])('refuses one that is %s', (_, changes, code) => {
    expectCode(code, () => check(changes))
  })
})

describe('verifySigner: signingTime (RFC 5652 §11.3)', () => {
  it.each<[string, Uint8Array, ErrorCode]>([
    ['an OCTET STRING', attribute(OID.signingTime, encodeOctetString(Buffer.from('x'))), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    [
      'without seconds',
      attribute(OID.signingTime, encodeString('2701010000Z', TAG.utcTime)),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'in local time',
      attribute(OID.signingTime, encodeString('270101000000+0100', TAG.utcTime)),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'a day that does not exist',
      attribute(OID.signingTime, encodeString('270230000000Z', TAG.utcTime)),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'GeneralizedTime before 2050',
      attribute(OID.signingTime, encodeGeneralizedTime(NOW)),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    ['empty', attribute(OID.signingTime, encodeString('', TAG.utcTime)), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    [
      'of two values',
      attribute(OID.signingTime, encodeTime(NOW), encodeTime(new Date('2028-01-01T00:00:00Z'))),
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
  ])('refuses one that is %s', (_, signingTime, code) => {
    expectCode(code, () => check({ signingTime }))
  })

  it('refuses two of them', () => {
    const second = attribute(OID.signingTime, encodeTime(new Date('2028-01-01T00:00:00Z')))
    expectCode('ERR_CMS_ATTRIBUTE_DUPLICATE', () => check({ moreAttributes: [second] }))
  })
})

describe('verifySigner: signingCertificateV2 (RFC 5035 §3)', () => {
  const { der } = alice.certificate
  const ess = (value: Uint8Array): Changes => ({ signingCertificate: attribute(OID.signingCertificateV2, value) })
  const sha384 = digestIdentifierDer('sha384')

  it.each<[string, Uint8Array]>([
    ['with the default digest spelt out', essCertificate(der, { algorithmDer: digestIdentifierDer('sha256') })],
    ['with SHA-384', essCertificate(der, { digest: 'sha384', algorithmDer: sha384 })],
    [
      'with SHA-512 and NULL',
      essCertificate(der, { digest: 'sha512', algorithmDer: algorithmIdentifier(OID.sha512, encodeNull()) }),
    ],
    ['with issuer and serial number', essCertificate(der, { issuerSerialDer: issuerSerial(alice) })],
    [
      'with more certificates after it, and policies',
      encodeSequence(
        encodeSequence(
          encodeSequence(encodeOctetString(hash('sha256', der, 'buffer'))),
          encodeSequence(encodeOctetString(hash('sha256', root.certificate.der, 'buffer'))),
        ),
        encodeSequence(encodeSequence(encodeObjectIdentifier('1.2.3'))),
      ),
    ],
  ])('accepts one %s', (_, value) => {
    expect(check(ess(value)).certificateBound).toBe(true)
  })

  it.each<[string, Uint8Array, ErrorCode]>([
    ['of another certificate', essCertificate(bob.certificate.der), 'ERR_CMS_ESS_MISMATCH'],
    [
      'with another serial number',
      essCertificate(der, { issuerSerialDer: issuerSerial(alice, Uint8Array.of(1, 2, 3)) }),
      'ERR_CMS_ESS_MISMATCH',
    ],
    [
      'with half a hash',
      essCertificate(der, { hash: hash('sha256', der, 'buffer').subarray(0, 16) }),
      'ERR_CMS_ESS_MISMATCH',
    ],
    ['with an empty hash', essCertificate(der, { hash: new Uint8Array() }), 'ERR_CMS_ESS_MISMATCH'],
    [
      'whose hash is of another digest than it says',
      essCertificate(der, { algorithmDer: sha384 }),
      'ERR_CMS_ESS_MISMATCH',
    ],
    [
      'whose first certificate is another',
      encodeSequence(
        encodeSequence(
          encodeSequence(encodeOctetString(hash('sha256', bob.certificate.der, 'buffer'))),
          encodeSequence(encodeOctetString(hash('sha256', der, 'buffer'))),
        ),
      ),
      'ERR_CMS_ESS_MISMATCH',
    ],
    [
      'with SHA-1',
      essCertificate(der, { algorithmDer: algorithmIdentifier(WEAK.sha1), hash: hash('sha1', der, 'buffer') }),
      'ERR_ALGORITHM_NOT_ALLOWED',
    ],
    ['without a certificate', encodeSequence(encodeSequence()), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    ['that is empty', encodeSequence(), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    ['whose certificate has no hash', encodeSequence(encodeSequence(encodeSequence())), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    ['that is a hash alone', encodeOctetString(hash('sha256', der, 'buffer')), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    [
      'with something after issuer and serial number',
      essCertificate(der, { issuerSerialDer: Buffer.concat([issuerSerial(alice), encodeNull()]) }),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    [
      'with a serial number in two octets where one does',
      essCertificate(der, {
        issuerSerialDer: encodeSequence(encodeSequence(), encodeValue(TAG.integer, Uint8Array.of(0, 1))),
      }),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
  ])('refuses one %s', (_, value, code) => {
    expectCode(code, () => check(ess(value)))
  })

  it('refuses the certificate of the same key, name and serial number that is not the one signed for', () => {
    const twin = makeCertificate({
      subject: 'alice',
      issuer: root,
      key: alice.key,
      serialNumber: alice.certificate.serialNumber,
      purposes: [OID.kpServerAuth],
    })
    expectCode('ERR_CMS_ESS_MISMATCH', () => check({}, alice, twin.certificate))
  })
})

describe('verifySigner: cmsAlgorithmProtection (RFC 6211)', () => {
  const { identifierDer } = SIGNATURE_ALGORITHMS['ecdsa-sha256']
  const protection = (...fields: readonly Uint8Array[]): Changes => ({
    moreAttributes: [attribute(OID.cmsAlgorithmProtection, encodeSequence(...fields))],
  })
  const implicit = (tag: number, der: Uint8Array): Uint8Array => encodeContext(tag, der.subarray(2))

  it('accepts one that repeats the two algorithms', () => {
    expect(check(protection(digestIdentifierDer('sha256'), implicit(1, identifierDer))).digest).toBe('sha256')
  })

  it.each<[string, Changes, ErrorCode]>([
    ['another digest', protection(digestIdentifierDer('sha512'), implicit(1, identifierDer)), 'ERR_ALGORITHM_MISMATCH'],
    [
      'the digest with NULL parameters where the signer has none',
      protection(algorithmIdentifier(OID.sha256, encodeNull()), implicit(1, identifierDer)),
      'ERR_ALGORITHM_MISMATCH',
    ],
    [
      'another signature algorithm',
      protection(digestIdentifierDer('sha256'), implicit(1, SIGNATURE_ALGORITHMS['ecdsa-sha384'].identifierDer)),
      'ERR_ALGORITHM_MISMATCH',
    ],
    [
      'a MAC algorithm instead',
      protection(digestIdentifierDer('sha256'), implicit(2, identifierDer)),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
    ['no signature algorithm', protection(digestIdentifierDer('sha256')), 'ERR_CMS_ATTRIBUTE_MALFORMED'],
    [
      'something more',
      protection(digestIdentifierDer('sha256'), implicit(1, identifierDer), encodeNull()),
      'ERR_CMS_ATTRIBUTE_MALFORMED',
    ],
  ])('refuses one that names %s', (_, changes, code) => {
    expectCode(code, () => check(changes))
  })
})

describe('verifySigner: the set of signed attributes (RFC 5652 §5.3)', () => {
  it('refuses a document without signed attributes, although its signature over the content is right', () => {
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () => check({ attributes: 'none' }))
  })

  it.each<[string, Uint8Array]>([
    ['contentType', attribute(OID.contentType, encodeObjectIdentifier(OID.signetMessage))],
    ['messageDigest', attribute(OID.messageDigest, encodeOctetString(hash('sha256', content, 'buffer')))],
    ['signingTime', attribute(OID.signingTime, encodeTime(NOW))],
    ['signingCertificateV2', attribute(OID.signingCertificateV2, essCertificate(alice.certificate.der))],
    ['cmsAlgorithmProtection', attribute(OID.cmsAlgorithmProtection, encodeSequence())],
  ])('refuses %s among the unsigned attributes, even beside the signed one', (_, unsigned) => {
    expectCode('ERR_CMS_UNSIGNED_ATTRIBUTE', () => check({ unsignedAttributes: [unsigned] }))
  })

  it('leaves other unsigned attributes to others', () => {
    const unsignedAttributes = [attribute(OID.counterSignature, encodeNull()), attribute('1.2.3', encodeNull())]
    expect(check({ unsignedAttributes }).certificateBound).toBe(true)
  })

  it('refuses an empty set of signed attributes', () => {
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () => check({ attributes: [] }))
  })

  it('refuses attributes out of DER order, although they were signed so', () => {
    const later = attribute('1.2.3.4.5', encodeOctetString(Buffer.alloc(80)))
    const earlier = attribute('1.2.3.4', encodeNull())
    expectCode('ERR_CMS_MALFORMED', () => check({ attributes: [later, earlier], unsorted: true }))
  })

  it('refuses attributes whose signature is over another order than the one in the document', () => {
    const set = [attribute('1.2.3.4', encodeNull()), attribute('1.2.3.4.5', encodeOctetString(Buffer.alloc(80)))]
    expectCode('ERR_CMS_SIGNATURE', () =>
      check({ moreAttributes: set, signature: () => alice.key.sign(Buffer.from('another order')) }),
    )
  })
})

describe('verifySigner: algorithms', () => {
  it.each<[string, Changes, ErrorCode]>([
    [
      'a digest that is not among those of the document',
      { document: { digestAlgorithms: [digestIdentifierDer('sha512')] } },
      'ERR_ALGORITHM_MISMATCH',
    ],
    ['no digest in the document', { document: { digestAlgorithms: [] } }, 'ERR_ALGORITHM_MISMATCH'],
    [
      'NULL in the document where the signer has none',
      { document: { digestAlgorithms: [algorithmIdentifier(OID.sha256, encodeNull())] } },
      'ERR_ALGORITHM_MISMATCH',
    ],
    [
      'another digest than that of the signature',
      { digest: 'sha512', digestAlgorithmDer: digestIdentifierDer('sha512') },
      'ERR_ALGORITHM_MISMATCH',
    ],
    ['SHA-1 as the digest', { digestAlgorithmDer: algorithmIdentifier(WEAK.sha1) }, 'ERR_ALGORITHM_NOT_ALLOWED'],
    ['MD5 as the digest', { digestAlgorithmDer: algorithmIdentifier(WEAK.md5) }, 'ERR_ALGORITHM_NOT_ALLOWED'],
    ['SHA-224 as the digest', { digestAlgorithmDer: algorithmIdentifier(WEAK.sha224) }, 'ERR_ALGORITHM_NOT_ALLOWED'],
    ['an unknown digest', { digestAlgorithmDer: algorithmIdentifier(WEAK.nothing) }, 'ERR_ALGORITHM_NOT_ALLOWED'],
    [
      'a digest with parameters',
      { digestAlgorithmDer: algorithmIdentifier(OID.sha256, encodeInteger(1)) },
      'ERR_DER_NON_CANONICAL',
    ],
    [
      'ECDSA with SHA-1',
      { signatureAlgorithmDer: algorithmIdentifier(WEAK.ecdsaWithSha1) },
      'ERR_ALGORITHM_NOT_ALLOWED',
    ],
    ['DSA', { signatureAlgorithmDer: algorithmIdentifier(WEAK.dsaWithSha256) }, 'ERR_ALGORITHM_NOT_ALLOWED'],
    [
      'an unknown signature algorithm',
      { signatureAlgorithmDer: algorithmIdentifier(WEAK.nothing) },
      'ERR_ALGORITHM_NOT_ALLOWED',
    ],
    [
      'ecPublicKey, which is a key and no signature',
      { signatureAlgorithmDer: algorithmIdentifier(OID.ecPublicKey) },
      'ERR_ALGORITHM_NOT_ALLOWED',
    ],
    [
      'ECDSA with NULL parameters',
      { signatureAlgorithmDer: algorithmIdentifier(OID.ecdsaWithSha256, encodeNull()) },
      'ERR_ALGORITHM_NOT_ALLOWED',
    ],
    [
      'RSA where the key is an EC key',
      { signatureAlgorithmDer: SIGNATURE_ALGORITHMS['rsa-sha256'].identifierDer },
      'ERR_ALGORITHM_MISMATCH',
    ],
    [
      'Ed25519 where the key is an EC key',
      {
        digest: 'sha512',
        digestAlgorithmDer: digestIdentifierDer('sha512'),
        signatureAlgorithmDer: SIGNATURE_ALGORITHMS.ed25519.identifierDer,
      },
      'ERR_ALGORITHM_MISMATCH',
    ],
    [
      'rsaEncryption where the key is an EC key',
      { signatureAlgorithmDer: algorithmIdentifier(OID.rsaEncryption, encodeNull()) },
      'ERR_ALGORITHM_MISMATCH',
    ],
  ])('refuses %s', (_, changes, code) => {
    expectCode(code, () => check(changes))
  })

  describe('of RSA keys', () => {
    let carol: Holder
    beforeAll(() => {
      carol = makeCertificate({ subject: 'carol', issuer: root, algorithm: 'rsa2048' })
    })
    const pss = (...fields: readonly Uint8Array[]): Uint8Array =>
      algorithmIdentifier(OID.rsaPss, encodeSequence(...fields))
    const sha256 = algorithmIdentifier(OID.sha256, encodeNull())
    const mgf = (digest: Uint8Array): Uint8Array => encodeContext(1, algorithmIdentifier(OID.mgf1, digest))
    const salt = (octets: number): Uint8Array => encodeContext(2, encodeInteger(octets))

    it('accepts rsaEncryption, which leaves the digest to digestAlgorithm (RFC 3370 §3.2)', () => {
      const facts = check({ signatureAlgorithmDer: algorithmIdentifier(OID.rsaEncryption, encodeNull()) }, carol)
      expect(facts.signatureAlgorithm.name).toBe('rsa-sha256')
    })

    it.each<[string, Uint8Array, ErrorCode]>([
      ['SHA-1 with RSA', algorithmIdentifier(WEAK.sha1WithRsa, encodeNull()), 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['MD5 with RSA', algorithmIdentifier(WEAK.md5WithRsa, encodeNull()), 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['SHA-512 with RSA beside SHA-256', SIGNATURE_ALGORITHMS['rsa-sha512'].identifierDer, 'ERR_ALGORITHM_MISMATCH'],
      ['RSASSA-PSS without parameters, which is SHA-1', algorithmIdentifier(OID.rsaPss), 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['RSASSA-PSS with empty parameters', pss(), 'ERR_ALGORITHM_NOT_ALLOWED'],
      ['RSASSA-PSS without a mask digest', pss(encodeContext(0, sha256)), 'ERR_ALGORITHM_NOT_ALLOWED'],
      [
        'RSASSA-PSS whose mask has another digest',
        pss(encodeContext(0, sha256), mgf(algorithmIdentifier(OID.sha512, encodeNull())), salt(32)),
        'ERR_ALGORITHM_NOT_ALLOWED',
      ],
      ['RSASSA-PSS with no salt', pss(encodeContext(0, sha256), mgf(sha256), salt(0)), 'ERR_ALGORITHM_NOT_ALLOWED'],
      [
        'RSASSA-PSS with another trailer field',
        pss(encodeContext(0, sha256), mgf(sha256), salt(32), encodeContext(3, encodeInteger(2))),
        'ERR_DER_TRAILING_DATA',
      ],
      [
        'RSASSA-PSS over a signature that is PKCS #1 v1.5',
        SIGNATURE_ALGORITHMS['rsa-pss-sha256'].identifierDer,
        'ERR_CMS_SIGNATURE',
      ],
      ['ECDSA', SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifierDer, 'ERR_ALGORITHM_MISMATCH'],
    ])('CMS-19: refuses %s', (_, signatureAlgorithmDer, code) => {
      expectCode(code, () => check({ signatureAlgorithmDer }, carol))
    })

    it('refuses RSASSA-PSS that says PKCS #1 v1.5', () => {
      const holder = { ...carol, key: keyFor('CN=carol', 'rsa2048', 'rsa-pss-sha256') }
      const { identifierDer } = SIGNATURE_ALGORITHMS['rsa-sha256']
      expect(check({}, holder).signatureAlgorithm.name).toBe('rsa-pss-sha256')
      expectCode('ERR_CMS_SIGNATURE', () => check({ signatureAlgorithmDer: identifierDer }, holder))
    })
  })

  it.each(['ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const)(
    'refuses %s, which hashes on its own, beside a digest weaker than it',
    (algorithm) => {
      const holder = makeCertificate({ subject: algorithm, issuer: root, algorithm })
      expect(check({ document: { digestAlgorithms: [digestIdentifierDer('sha512')] } }, holder).digest).toBe('sha512')
      const weaker = algorithm === 'ml-dsa-44' ? algorithmIdentifier(WEAK.sha1) : digestIdentifierDer('sha256')
      const code = algorithm === 'ml-dsa-44' ? 'ERR_ALGORITHM_NOT_ALLOWED' : 'ERR_ALGORITHM_MISMATCH'
      expectCode(code, () => check({ digest: 'sha256', digestAlgorithmDer: weaker }, holder))
    },
  )
})

describe('verifySigner: signature values', () => {
  it.each<[string, (genuine: Uint8Array) => Uint8Array]>([
    ['empty', () => new Uint8Array()],
    ['all zero', (genuine) => new Uint8Array(genuine.length)],
    ['r = 0 and s = 0', () => encodeSequence(encodeInteger(0), encodeInteger(0))],
    ['r = 1 and s = 1', () => encodeSequence(encodeInteger(1), encodeInteger(1))],
    ['one octet short', (genuine) => genuine.subarray(0, -1)],
    ['one octet long', (genuine) => Buffer.concat([genuine, Uint8Array.of(0)])],
    ['one with a third number', (genuine) => encodeSequence(genuine.subarray(2), encodeInteger(1))],
    ['that of another document', () => alice.key.sign(Buffer.from('another'))],
    ['that of another key', () => bob.key.sign(Buffer.from('another'))],
  ])('refuses %s', (_, signature) => {
    expectCode('ERR_CMS_SIGNATURE', () => check({ signature }))
  })

  it('refuses the genuine signature of another key', () => {
    expectCode('ERR_CMS_SIGNATURE', () => check({ signingCertificate: undefined }, alice, bob.certificate))
  })
})

describe('identifies and formatSignerIdentifier', () => {
  const sidOf = (identifier: 'subjectKeyIdentifier' | 'issuerAndSerialNumber') => {
    const der = buildSignedData({ signers: [buildSigner({ content, holder: alice, identifier })] })
    const [info] = parseSignedData(der).signerInfos
    if (info === undefined) throw new Error('there is no signer')
    return info.sid
  }

  it.each(['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const)('names one certificate by %s', (identifier) => {
    const sid = sidOf(identifier)
    expect(sid.kind).toBe(identifier)
    expect(identifies(sid, alice.certificate)).toBe(true)
    expect(identifies(sid, bob.certificate)).toBe(false)
    expect(identifies(sid, root.certificate)).toBe(false)
  })

  it('names no certificate without a key identifier by one', () => {
    const bare = makeCertificate({
      subject: 'bare',
      issuer: root,
      key: alice.key,
      extensionsDer: [encodeKeyUsage(['digitalSignature'])],
    })
    expect(identifies(sidOf('subjectKeyIdentifier'), bare.certificate)).toBe(false)
  })

  it('wants issuer and serial number both', () => {
    const otherRoot = makeCertificate({ subject: 'Other Root', ca: true })
    const sameSerial = makeCertificate({
      subject: 'alice',
      issuer: otherRoot,
      serialNumber: alice.certificate.serialNumber,
    })
    expect(identifies(sidOf('issuerAndSerialNumber'), sameSerial.certificate)).toBe(false)
  })

  it('says for people which certificate is meant', () => {
    expect(formatSignerIdentifier(sidOf('subjectKeyIdentifier'))).toMatch(/^key identifier [0-9a-f]{40}$/)
    expect(formatSignerIdentifier(sidOf('issuerAndSerialNumber'))).toBe(
      `serial number ${alice.certificate.serialNumber} of CN=Root`,
    )
  })

  it('does not find a signer by an empty key identifier', () => {
    const sidDer = encodeContextPrimitive(0, new Uint8Array())
    const der = buildSignedData({ signers: [buildSigner({ content, holder: alice, sidDer })] })
    const [info] = parseSignedData(der).signerInfos
    expect(info !== undefined && identifies(info.sid, alice.certificate)).toBe(false)
  })
})
