/** Named attacks with object identifiers that are nearly others, and with lists that hold nothing. */
import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeValue,
  OID,
  TAG,
} from '../../../src/asn1/index.js'
import { verifySignedData } from '../../../src/cms/index.js'
import { signatureAlgorithmOf } from '../../../src/crypto/index.js'
import { parseCertificationRequest, parseOcspRequest } from '../../../src/x509/index.js'
import { NOW } from '../../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { editDer, fromHex } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { extensionDer, hierarchy, nodeExtensions, validate } from '../../support/hierarchy.js'
import { authority, DOCUMENTS, readCertificate, readCrl, verdictOf } from './documents.js'

const certificate = authority.certificate.der
const list = DOCUMENTS['a CRL']?.der ?? new Uint8Array()

describe('DER-05: object identifiers that are nearly others', () => {
  const ARCS = [2n ** 32n, 2n ** 64n, 2n ** 128n]
  const malformed: readonly (readonly [claim: string, content: string])[] = [
    ['no octets', ''],
    ['an arc that is padded', '80550403'],
    ['a later arc that is padded', '55048003'],
    ['its last octet missing', '550483'],
    ['its last arc cut', '5504ff'],
    ['only octets that go on', '8080'],
  ]

  it.each(ARCS)('DER-05: an attribute type with an arc that is 2^n larger is another type', (more) => {
    const other = `2.5.4.${3n + more}`
    const changed = readCertificate(editDer(certificate, [0, 5, 0, 0, 0], () => encodeObjectIdentifier(other)))
    expect(changed.subject.texts(OID.commonName)).toEqual([])
    expect(changed.subject.texts(other)).toEqual(['Authority'])
    expect(changed.subject.equals(authority.certificate.subject)).toBe(false)
  })

  it.each(ARCS)('DER-05: a purpose, an algorithm, an extension and an attribute likewise', (more) => {
    const larger = (oid: string): string => oid.replace(/[0-9]+$/, (arc) => String(BigInt(arc) + more))
    const [constraints, keyUsage] = nodeExtensions()
    const purposes = extensionDer(
      OID.extKeyUsage,
      false,
      encodeSequence(encodeObjectIdentifier(larger(OID.kpServerAuth))),
    )
    const extensionsDer = [constraints, keyUsage, purposes].flatMap((item) => item ?? [])
    expectCode('ERR_PATH_PURPOSE', () => validate(hierarchy({ node: { extensionsDer } })))
    const der = encodeSequence(encodeObjectIdentifier(larger(OID.ecdsaWithSha256)))
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () =>
      signatureAlgorithmOf({ oid: larger(OID.ecdsaWithSha256), parametersDer: undefined, der }),
    )
    // basicConstraints under such a number make no CA.
    const constraintsElsewhere = extensionDer(larger(OID.basicConstraints), false, encodeSequence(fromHex('0101ff')))
    expectCode('ERR_PATH_NOT_CA', () => validate(hierarchy({ issuing: { extensionsDer: [constraintsElsewhere] } })))
    const content = Buffer.from('content')
    const signer = buildSigner({
      content,
      holder: authority,
      messageDigest: attribute(larger(OID.messageDigest), encodeOctetString(Buffer.alloc(32))),
    })
    const document = buildSignedData({ eContent: content, signers: [signer] })
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () =>
      verifySignedData(document, {
        anchors: [authority.certificate],
        purpose: 'allow-any',
        revocation: 'allow-unchecked',
        at: NOW,
      }),
    )
  })

  it.each(malformed)('DER-05: with %s: as attribute type, algorithm, extension, purpose', (_claim, content) => {
    const oid = encodeValue(TAG.oid, fromHex(content))
    for (const path of [
      [0, 5, 0, 0, 0],
      [0, 2, 0],
      [1, 0],
      [0, 7, 0, 0, 0],
    ]) {
      expectCode('ERR_CERTIFICATE_MALFORMED', () => readCertificate(editDer(certificate, path, () => oid)))
    }
    expectCode('ERR_KEY_MALFORMED', () => readCertificate(editDer(certificate, [0, 6, 0, 0], () => oid)))
    const purposes = extensionDer(OID.extKeyUsage, false, encodeSequence(oid))
    expectCode('ERR_EXTENSION_MALFORMED', () =>
      validate(hierarchy({ issuing: { moreExtensionsDer: [purposes] } }), { purpose: 'allow-any' }),
    )
  })
})

describe('DER-10: lists of nothing', () => {
  const empty = encodeSequence()
  const at = (oid: string, value: Uint8Array): string =>
    verdictOf(() =>
      validate(hierarchy({ node: { extensionsDer: [extensionDer(oid, false, value)] } }), { purpose: 'allow-any' }),
    )
  const point = (...fields: readonly Uint8Array[]): Uint8Array => encodeSequence(encodeSequence(...fields))

  it.each([
    ['extKeyUsage', OID.extKeyUsage, empty],
    ['subjectAltName', OID.subjectAltName, empty],
    ['a directory name among the alternative names', OID.subjectAltName, encodeSequence(encodeContext(4))],
    ['an RDN of such a name', OID.subjectAltName, encodeSequence(encodeContext(4, encodeSequence(encodeSetOf())))],
    ['an address', OID.subjectAltName, encodeSequence(encodeContextPrimitive(7, new Uint8Array()))],
    ['a DNS name', OID.subjectAltName, encodeSequence(encodeContextPrimitive(2, new Uint8Array()))],
    ['cRLDistributionPoints', OID.crlDistributionPoints, empty],
    ['a distribution point', OID.crlDistributionPoints, point()],
    ['the names of a point', OID.crlDistributionPoints, point(encodeContext(0, encodeContext(0)))],
    ['a relative name of a point', OID.crlDistributionPoints, point(encodeContext(0, encodeContext(1)))],
    ['the name of a point', OID.crlDistributionPoints, point(encodeContext(0))],
    ['the issuer of a point', OID.crlDistributionPoints, point(encodeContext(2))],
    ['authorityInfoAccess', OID.authorityInfoAccess, empty],
    ['an access description', OID.authorityInfoAccess, encodeSequence(empty)],
    ['certificatePolicies', OID.certificatePolicies, empty],
    ['a policy', OID.certificatePolicies, encodeSequence(empty)],
    [
      'the qualifiers of a policy',
      OID.certificatePolicies,
      encodeSequence(encodeSequence(encodeObjectIdentifier('1.2.3'), empty)),
    ],
    ['policyMappings', OID.policyMappings, empty],
    ['a policy mapping', OID.policyMappings, encodeSequence(empty)],
    ['policyConstraints', OID.policyConstraints, empty],
    ['nameConstraints', OID.nameConstraints, empty],
    ['permitted subtrees', OID.nameConstraints, encodeSequence(encodeContext(0))],
    ['excluded subtrees', OID.nameConstraints, encodeSequence(encodeContext(1))],
    ['a subtree', OID.nameConstraints, encodeSequence(encodeContext(0, empty))],
    ['subjectKeyIdentifier', OID.subjectKeyIdentifier, encodeOctetString(new Uint8Array())],
    ['the issuer of a key', OID.authorityKeyIdentifier, encodeSequence(encodeContext(1), fromHex('820105'))],
    ['keyUsage', OID.keyUsage, fromHex('030100')],
    ['inhibitAnyPolicy', OID.inhibitAnyPolicy, fromHex('0200')],
  ])('DER-10: %s', (_claim, oid, value) => {
    expect(at(oid, value)).toBe('ERR_EXTENSION_MALFORMED')
    expect(at(oid, new Uint8Array())).toBe('ERR_EXTENSION_MALFORMED')
  })

  it('DER-10: names, extensions, validity and keys of a certificate', () => {
    const read = (path: readonly number[], value: Uint8Array = empty): string =>
      verdictOf(() => readCertificate(editDer(certificate, path, () => value)))
    // An empty subject is one (RFC 5280 §4.1.2.6); nothing else may be empty.
    expect(read([0, 5])).toBe('accepted')
    expect(read([0, 5], encodeSequence(encodeSetOf()))).toBe('ERR_CERTIFICATE_MALFORMED')
    expect(read([0, 5], encodeSequence(encodeSetOf(empty)))).toBe('ERR_DER_TRUNCATED')
    for (const path of [[], [0], [0, 2], [0, 4], [0, 6], [0, 6, 0], [0, 7, 0], [0, 7, 0, 0], [1]]) {
      expect([path, read(path)]).toEqual([path, expect.stringMatching(/^ERR_/)])
    }
    const nothing = editDer(certificate, [0, 7], () => encodeContext(3))
    expect(verdictOf(() => readCertificate(nothing))).toBe('ERR_DER_TRUNCATED')
  })

  it('DER-10: the entries of a CRL, and the extensions of one', () => {
    const read = (path: readonly number[], value: Uint8Array = empty): string =>
      verdictOf(() => readCrl(editDer(list, path, () => value)))
    expect(read([0, 5])).toBe('ERR_CRL_MALFORMED')
    expect(read([0, 5, 0])).toBe('ERR_DER_TRUNCATED')
    expect(read([0, 5, 0, 2])).toBe('ERR_EXTENSION_MALFORMED')
    expect(read([0, 6], encodeContext(0, empty))).toBe('ERR_EXTENSION_MALFORMED')
    expect(read([0, 6], encodeContext(0))).toBe('ERR_DER_TRUNCATED')
  })

  it('DER-10: signers, attributes and their values of a CMS document', () => {
    const content = Buffer.from('content')
    const verify = (parts: Parameters<typeof buildSigner>[0], document = {}): string =>
      verdictOf(() =>
        verifySignedData(buildSignedData({ eContent: content, signers: [buildSigner(parts)], ...document }), {
          anchors: [authority.certificate],
          purpose: 'allow-any',
          revocation: 'allow-unchecked',
          at: NOW,
        }),
      )
    const good = { content, holder: authority }
    expect(verify(good)).toBe('accepted')
    expect(verify(good, { signers: [] })).toBe('ERR_CMS_NO_SIGNERS')
    expect(verify({ ...good, attributes: [] })).toMatch(/^ERR_/)
    expect(verify({ ...good, moreAttributes: [attribute('1.2.3')] })).toBe('ERR_CMS_ATTRIBUTE_DUPLICATE')
    for (const type of ['contentType', 'messageDigest'] as const) {
      expect(verify({ ...good, [type]: attribute(OID[type]) })).toBe('ERR_CMS_ATTRIBUTE_DUPLICATE')
      expect(verify({ ...good, [type]: attribute(OID[type], empty) })).toBe('ERR_CMS_ATTRIBUTE_MALFORMED')
    }
    expect(verify({ ...good, signingCertificate: attribute(OID.signingCertificateV2, empty) })).toMatch(/^ERR_CMS_/)
    const noIds = attribute(OID.signingCertificateV2, encodeSequence(empty))
    expect(verify({ ...good, signingCertificate: noIds })).toMatch(/^ERR_CMS_/)
  })

  it('DER-10: questions and answers of OCSP, and attributes of a certification request', () => {
    const ocsp = DOCUMENTS['an OCSP request']?.der ?? new Uint8Array()
    expectCode('ERR_OCSP_MALFORMED', () => parseOcspRequest(editDer(ocsp, [0, 0], () => empty)))
    expect(verdictOf(() => parseOcspRequest(editDer(ocsp, [0, 0, 0], () => empty)))).toMatch(/^ERR_/)
    const request = DOCUMENTS['a certification request']?.der ?? new Uint8Array()
    for (const [path, value] of [
      [[0, 3, 0], empty],
      [[0, 3, 0, 1], encodeSetOf()],
      [[0, 3, 0, 1, 0], empty],
    ] as const) {
      expect(verdictOf(() => parseCertificationRequest(editDer(request, path, () => value)))).toMatch(/^ERR_/)
    }
  })
})
