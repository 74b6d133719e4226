/** Inputs of many or long values: named attacks on what they cost, and the honest ones that must pass. */
import { describe, expect, it, vi } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  concatBytes,
  DerReader,
  encodeContext,
  encodeContextPrimitive,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  normalizeBer,
  OID,
  TAG,
} from '../../../src/asn1/index.js'
import { parseSignedData, signData } from '../../../src/cms/index.js'
import { verifySignedData } from '../../../src/cms/index.js'
import { createCrl, Name, parseCertificate, parseCertificationRequest, parseCrl } from '../../../src/x509/index.js'
import { keyIdentifierOf } from '../../../src/crypto/index.js'
import { makeCertificate, makeCrl, NOT_BEFORE, NOW } from '../../support/certificates.js'
import { buildSigner } from '../../support/cms-builder.js'
import { allPaths, type DerPath, editDer, elementAt } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { extensionDer, hierarchy, validate } from '../../support/hierarchy.js'
import { authority, CHEAP_KINDS, DOCUMENTS, verdictOf } from './documents.js'

vi.setConfig({ testTimeout: 120_000 })

const REFUSED = /^ERR_/
const { root, issuing, node } = hierarchy()
const certificateWith = (path: DerPath, change: (element: Uint8Array) => Uint8Array | readonly Uint8Array[]) =>
  editDer(authority.certificate.der, path, change)
const many = (count: number, make: (index: number) => Uint8Array): Uint8Array =>
  concatBytes(...Array.from({ length: count }, (_, index) => make(index)))

describe('DER-06: long object identifiers', () => {
  const lengths = [1024, 65_536, 1 << 20]
  const oids = (length: number): readonly Uint8Array[] => [
    encodeValue(TAG.oid, new Uint8Array(length).fill(1)),
    // One arc of seven bits an octet.
    encodeValue(TAG.oid, new Uint8Array(length).fill(0xff).with(-1, 0x7f)),
  ]

  it.each(lengths)('DER-06: of %i octets, in the place of every OID of every document', (length) => {
    for (const oid of oids(length)) {
      for (const [kind, { der, read }] of CHEAP_KINDS) {
        for (const path of allPaths(der)) {
          if (elementAt(der, path)[0] !== TAG.oid) continue
          const hostile = editDer(der, path, () => oid)
          expect(`${kind} ${path.join('.')}: ${verdictOf(() => read(hostile))}`).toMatch(/: ERR_/)
        }
      }
    }
  })

  it.each(lengths)('DER-06: of %i octets, as a purpose, a policy or a kind of name', (length) => {
    for (const oid of oids(length)) {
      for (const extension of [
        extensionDer(OID.extKeyUsage, false, encodeSequence(oid)),
        extensionDer(OID.certificatePolicies, false, encodeSequence(encodeSequence(oid))),
        extensionDer(OID.subjectAltName, false, encodeSequence(encodeContextPrimitive(8, oid.subarray(-length)))),
      ]) {
        const verdict = verdictOf(() => {
          const { certificate } = makeCertificate({ extensionsDer: [extension] })
          certificate.readAllExtensions()
        })
        expect(verdict).toMatch(/^ERR_(EXTENSION_MALFORMED|LIMIT_EXCEEDED)$/)
      }
    }
  })

  it('DER-06: in BER, which another library reads, they are refused before it sees them', () => {
    for (const length of lengths) {
      for (const oid of oids(length)) {
        expectCode('ERR_BER_UNSUPPORTED', () => normalizeBer(encodeSequence(oid)))
        expectCode('ERR_BER_UNSUPPORTED', () =>
          normalizeBer(concatBytes(Uint8Array.of(0x30, 0x80), oid, Uint8Array.of(0, 0))),
        )
      }
    }
  })
})

describe('DER-08: sets and lists of twenty thousand', () => {
  const COUNT = 20_000
  const rising = (make: (value: Uint8Array) => Uint8Array): Uint8Array =>
    many(COUNT, (index) => make(encodeValue(TAG.octetString, Uint8Array.of(index >> 8, index & 0xff))))
  const falling = (make: (value: Uint8Array) => Uint8Array): Uint8Array =>
    many(COUNT, (index) =>
      make(encodeValue(TAG.octetString, Uint8Array.of((COUNT - index) >> 8, (COUNT - index) & 0xff))),
    )
  const limits = { maxBytes: 1 << 24, maxDepth: 24, maxNodes: 1 << 24 }
  const parse = (content: Uint8Array, path: DerPath) =>
    parseCertificate(
      certificateWith(path, (element) => encodeValue(element[0] ?? 0, content)),
      limits,
    )
  const attributeOf = (value: Uint8Array): Uint8Array => encodeSequence(encodeObjectIdentifier('2.5.4.3'), value)

  it('DER-08: attributes in an RDN, and RDNs in a name', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parse(rising(attributeOf), [0, 5, 0]))
    // Out of order they are refused at the second.
    expectCode('ERR_CERTIFICATE_MALFORMED', () => parse(falling(attributeOf), [0, 5, 0]))
    expectCode('ERR_LIMIT_EXCEEDED', () =>
      parse(
        falling((value) => encodeSetOf(attributeOf(value))),
        [0, 5],
      ),
    )
  })

  it('DER-08: extensions, alternative names, purposes and policies', () => {
    const extension = (index: number): Uint8Array => extensionDer(`1.2.3.${COUNT - index}`, false, encodeSequence())
    expectCode('ERR_LIMIT_EXCEEDED', () => parse(many(COUNT, extension), [0, 7, 0]))
    const values: readonly (readonly [string, Uint8Array])[] = [
      [OID.subjectAltName, many(COUNT, (index) => encodeContextPrimitive(2, Buffer.from(`n${COUNT - index}.a`)))],
      [OID.extKeyUsage, many(COUNT, (index) => encodeObjectIdentifier(`1.2.3.${COUNT - index}`))],
      [
        OID.certificatePolicies,
        many(COUNT, (index) => encodeSequence(encodeObjectIdentifier(`1.2.3.${COUNT - index}`))),
      ],
      [
        OID.nameConstraints,
        encodeContext(
          1,
          many(COUNT, (index) => encodeSequence(encodeContextPrimitive(2, Buffer.from(`n${COUNT - index}`)))),
        ),
      ],
    ]
    for (const [oid, content] of values) {
      const der = certificateWith([0, 7, 0], () => encodeSequence(extensionDer(oid, false, encodeSequence(content))))
      const certificate = parseCertificate(der, limits)
      expect([oid, verdictOf(() => certificate.readAllExtensions())]).toEqual([oid, 'ERR_LIMIT_EXCEEDED'])
    }
  })

  it('DER-08: signers, attributes, digests and certificates of a CMS document', () => {
    const document = DOCUMENTS['a CMS document']?.der ?? new Uint8Array()
    const paths = allPaths(document)
    const signers = paths.findLast((path) => path.length === 3) ?? []
    const signer = buildSigner({ content: Buffer.from('content'), holder: node })
    const hostile: readonly (readonly [string, DerPath, Uint8Array])[] = [
      ['digests', [1, 0, 1], many(COUNT, () => encodeSequence(encodeObjectIdentifier(OID.sha256)))],
      ['certificates', [1, 0, 3], many(COUNT, () => encodeSequence())],
      ['signers', signers, many(200, () => signer)],
      [
        'attributes',
        [...signers, 0, 3],
        rising((value) => encodeSequence(encodeObjectIdentifier('1.2.3'), encodeSetOf(value))),
      ],
      [
        'attributes out of order',
        [...signers, 0, 3],
        falling((value) => encodeSequence(encodeObjectIdentifier('1.2.3'), encodeSetOf(value))),
      ],
      ['values', [...signers, 0, 3, 0, 1], rising((value) => value)],
    ]
    for (const [what, path, content] of hostile) {
      const der = editDer(document, path, (element) => encodeValue(element[0] ?? 0, content))
      expect(`${what}: ${verdictOf(() => parseSignedData(der))}`).toMatch(
        /: ERR_(LIMIT_EXCEEDED|CMS_MALFORMED|CMS_ATTRIBUTE_DUPLICATE)$/,
      )
    }
  })

  it('DER-08: attributes of a certification request', () => {
    const document = DOCUMENTS['a certification request']?.der ?? new Uint8Array()
    const content = falling((value) =>
      encodeSequence(encodeObjectIdentifier(OID.challengePassword), encodeSetOf(value)),
    )
    const der = editDer(document, [0, 3], (element) => encodeValue(element[0] ?? 0, content))
    expect(verdictOf(() => parseCertificationRequest(der))).toMatch(REFUSED)
  })
})

describe('DER-13: what is honest and large is read', () => {
  const limits = { maxBytes: 1 << 24, maxDepth: 24, maxNodes: 100_000 }

  it('DER-13: a CRL of two hundred thousand entries answers; beyond a limit that was set there is no answer', async () => {
    const serial = (index: number): string => (0x40000000 + index).toString(16)
    const ofIssuing = await createCrl(
      {
        issuer: issuing.certificate.subject,
        authorityKeyIdentifier: keyIdentifierOf(issuing.key.publicKey),
        crlNumber: 1,
        thisUpdate: NOT_BEFORE,
        nextUpdate: new Date(NOW.getTime() + 86_400_000),
        revokedCertificates: Array.from({ length: 200_000 }, (_, index) => ({
          serialNumber: serial(index),
          revocationDate: NOT_BEFORE,
          reason: 'unspecified' as const,
        })),
      },
      issuing.key,
    )
    expect(ofIssuing.find(serial(0))).toBeDefined()
    expect(ofIssuing.find(serial(199_999))).toBeDefined()
    expect(ofIssuing.find(serial(200_000))).toBeUndefined()
    const ofRoot = await makeCrl({ issuer: root })
    expect(validate({ root, issuing, node }, { revocation: { crls: [ofRoot, ofIssuing] } }).revocation).toBe('checked')
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCrl(ofIssuing.der, limits))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCrl(ofIssuing.der, { ...limits, maxNodes: 1 << 24, maxBytes: 1 << 20 }))
    // Who then has no CRL has no answer, and no answer is not good.
    expectCode('ERR_REVOCATION_UNKNOWN', () => validate({ root, issuing, node }, { revocation: { crls: [ofRoot] } }))
  })

  it('DER-13: twenty certificates in a document, and fifty-one not too many to read', async () => {
    const content = Buffer.from('content')
    const others = Array.from({ length: 50 }, (_, index) =>
      makeCertificate({ subject: `other ${index}`, key: node.key }),
    )
    const signer = makeCertificate({ subject: 'mail', issuer: issuing, purposes: [OID.kpEmailProtection] })
    for (const count of [20, 50]) {
      const der = await signData(content, {
        signers: [signer],
        signingTime: NOW,
        form: 'attached',
        certificates: [...others.slice(0, count), signer].map(({ certificate }) => certificate),
      })
      const { signers } = verifySignedData(der, {
        anchors: [root.certificate],
        certificates: [issuing.certificate],
        purpose: 'email',
        revocation: 'allow-unchecked',
        at: NOW,
      })
      expect(signers).toHaveLength(1)
    }
  })

  it('DER-13: five hundred names in a certificate, and a name of sixty-four parts', () => {
    const names = Array.from(
      { length: 500 },
      (_, index) => ({ kind: 'dns', value: `n${index}.cloud.example` }) as const,
    )
    const whole = hierarchy({ node: { names } })
    expect(validate(whole, { hostName: 'n499.cloud.example' }).certificates).toHaveLength(3)
    const rdns = many(64, (index) =>
      encodeSetOf(encodeSequence(encodeObjectIdentifier('2.5.4.11'), encodeString(`${index}`))),
    )
    expect(Name.read(DerReader.over(encodeSequence(rdns), CERTIFICATE_LIMITS)).rdns).toHaveLength(64)
  })

  it('DER-13: a limit is of its kind: what is too long for a certificate is not for a CRL', () => {
    const long = encodeSequence(encodeOctetString(new Uint8Array(300 * 1024)))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCertificate(long))
    expectCode('ERR_CRL_MALFORMED', () => parseCrl(long))
    expectCode('ERR_LIMIT_EXCEEDED', () => DerReader.over(long, { ...CERTIFICATE_LIMITS, maxBytes: 1024 }))
  })
})
