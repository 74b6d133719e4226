import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  contextConstructed,
  DerReader,
  encodeBitString,
  encodeBoolean,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeTime,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { signatureAlgorithmOf, verifySignature } from '../../src/crypto/index.js'
import { named, parseCertificate, parseCertificates, readCertificate } from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOT_AFTER, NOT_BEFORE } from '../support/certificates.js'
import { type DerPath, editContent, editDer, elementAt, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const root = makeCertificate({ subject: 'Root', ca: true, pathLength: 1 })
const leaf = makeCertificate({
  subject: 'compute-07',
  issuer: root,
  purposes: [OID.kpClientAuth],
  names: [{ kind: 'dns', value: 'compute-07.cloud.example' }],
})
const good = leaf.certificate.der

/** Where the fields of a certificate are. */
const AT = {
  tbs: [0],
  version: [0, 0],
  serial: [0, 1],
  innerAlgorithm: [0, 2],
  issuer: [0, 3],
  validity: [0, 4],
  notBefore: [0, 4, 0],
  notAfter: [0, 4, 1],
  subject: [0, 5],
  spki: [0, 6],
  explicitExtensions: [0, 7],
  extensions: [0, 7, 0],
  firstExtension: [0, 7, 0, 0],
  outerAlgorithm: [1],
  signature: [2],
} as const satisfies Record<string, DerPath>

const edit = (path: DerPath, replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[]): Uint8Array =>
  editDer(good, path, replace)
const remove = (path: DerPath): Uint8Array => edit(path, () => [])
const serial = (hex: string): Uint8Array => edit(AT.serial, () => encodeValue(TAG.integer, fromHex(hex)))
/** With something appended to the content of a constructed value. */
const append = (path: DerPath, extra: Uint8Array): Uint8Array =>
  editContent(good, path, (content) => Buffer.concat([content, extra]))

describe('parseCertificate', () => {
  it('reads every field', () => {
    const { certificate } = leaf
    expect(certificate.version).toBe(3)
    expect(certificate.issuer.toString()).toBe('CN=Root')
    expect(certificate.subject.toString()).toBe('CN=compute-07')
    expect(certificate.notBefore.getTime()).toBe(NOT_BEFORE.getTime())
    expect(certificate.notAfter.getTime()).toBe(NOT_AFTER.getTime())
    expect(certificate.publicKey.name).toBe('p256')
    expect(certificate.isSelfIssued).toBe(false)
    expect(root.certificate.isSelfIssued).toBe(true)
    expect(certificate.basicConstraints).toEqual({ ca: false, pathLenConstraint: undefined })
    expect(root.certificate.basicConstraints).toEqual({ ca: true, pathLenConstraint: 1 })
    expect([...(certificate.keyUsage ?? [])]).toEqual(['digitalSignature'])
    expect([...(certificate.extKeyUsage ?? [])]).toEqual([OID.kpClientAuth])
    expect(certificate.subjectAltName).toEqual([{ kind: 'dns', value: 'compute-07.cloud.example' }])
    expect(certificate.nameConstraints).toBeUndefined()
    expect(certificate.keyIdentifier).toMatch(/^[0-9a-f]{40}$/)
    expect(toHex(certificate.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array())).toBe(
      root.certificate.keyIdentifier,
    )
    expect(certificate.equals(parseCertificate(Uint8Array.from(good)))).toBe(true)
    expect(certificate.equals(root.certificate)).toBe(false)
  })

  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-44'] as const)(
    'reads what a %s key signed, and it verifies',
    (algorithm) => {
      const { certificate } = makeCertificate({ subject: algorithm, algorithm })
      const signature = signatureAlgorithmOf(certificate.signatureAlgorithm)
      expect(verifySignature(signature, certificate.publicKey, certificate.tbsDer, certificate.signatureValue)).toBe(
        true,
      )
    },
  )

  it('says nothing where an extension is absent', () => {
    const { certificate } = makeCertificate({
      extensionsDer: [encodeSequence(encodeObjectIdentifier('1.2.3'), encodeOctetString(new Uint8Array()))],
    })
    expect([certificate.basicConstraints, certificate.keyUsage, certificate.extKeyUsage]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([certificate.subjectKeyIdentifier, certificate.authorityKeyIdentifier]).toEqual([undefined, undefined])
    expect([certificate.subjectAltName, certificate.keyIdentifier]).toEqual([[], ''])
  })

  it('reads versions 1 and 2, without extensions', () => {
    const v1 = editDer(remove(AT.explicitExtensions), AT.version, () => [])
    expect(parseCertificate(v1).version).toBe(1)
    expect(parseCertificate(v1).extensions.size).toBe(0)
    const v2 = editDer(remove(AT.explicitExtensions), AT.version, () => encodeContext(0, encodeInteger(1)))
    expect(parseCertificate(v2).version).toBe(2)
  })

  it('reads unique identifiers in versions 2 and 3 and passes over them', () => {
    const identifiers = [encodeContextPrimitive(1, Uint8Array.of(0, 1)), encodeContextPrimitive(2, Uint8Array.of(0, 2))]
    expect(parseCertificate(edit(AT.spki, (spki) => [spki, ...identifiers])).version).toBe(3)
  })

  it('agrees with OpenSSL about every field', () => {
    const printed = execFileSync(
      'openssl',
      ['x509', '-inform', 'DER', '-noout', '-text', '-fingerprint', '-sha256', '-nameopt', 'RFC2253'],
      { input: good, encoding: 'utf8' },
    )
    const { certificate } = leaf
    expect(printed).toContain('Version: 3 (0x2)')
    expect(printed.replaceAll(/\s/g, '')).toContain(
      `SerialNumber:${certificate.serialNumber.match(/../g)?.join(':') ?? ''}`,
    )
    expect(printed).toContain(`Issuer: ${certificate.issuer.toString()}\n`)
    expect(printed).toContain(`Subject: ${certificate.subject.toString()}\n`)
    expect(printed).toContain('Not Before: Dec 31 00:00:00 2026 GMT')
    expect(printed).toContain('Not After : Jan  1 00:00:00 2028 GMT')
    expect(printed).toContain('X509v3 Basic Constraints: critical\n                CA:FALSE')
    expect(printed).toContain('X509v3 Key Usage: critical\n                Digital Signature')
    expect(printed).toContain('TLS Web Client Authentication')
    expect(printed).toContain('DNS:compute-07.cloud.example')
    expect(printed.toLowerCase().replaceAll(':', '')).toContain(certificate.fingerprint)
    expect(printed.toLowerCase().replaceAll(':', '')).toContain(certificate.keyIdentifier)
  })
})

describe('parseCertificate: serial number (RFC 5280 §4.1.2.2)', () => {
  it.each([
    ['01', '01'],
    ['7f', '7f'],
    ['0080', '80'],
    [`7f${'ff'.repeat(19)}`, `7f${'ff'.repeat(19)}`],
    [`00${'ff'.repeat(19)}`, 'ff'.repeat(19)],
  ])('reads %s as %s', (content, text) => {
    expect(parseCertificate(serial(content)).serialNumber).toBe(text)
  })

  it.each([
    ['zero', '00'],
    ['negative', 'ff'],
    ['negative in two octets', '8000'],
    ['of 21 octets', `01${'00'.repeat(20)}`],
    ['of 21 octets with its leading zero', `00${'ff'.repeat(20)}`],
  ])('refuses a serial number that is %s', (_, content) => {
    expectCode('ERR_SERIAL_MALFORMED', () => parseCertificate(serial(content)))
  })

  it.each([
    ['without octets', ''],
    ['with a leading 00', '0001'],
    ['with a leading ff', 'ff80'],
  ])('refuses a serial number %s', (_, content) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () => parseCertificate(serial(content)))
  })

  it('DER-17: tells numbers apart that are one in floating point or by their beginning', () => {
    const contents = [
      '20000000000000',
      '20000000000001',
      '00ffffffffffffffff',
      '010000000000000000',
      `7f${'00'.repeat(19)}`,
      `7f${'00'.repeat(18)}01`,
      `7f${'00'.repeat(18)}`,
    ]
    const texts = contents.map((content) => parseCertificate(serial(content)).serialNumber)
    expect(new Set(texts).size).toBe(contents.length)
    expect(texts.map((text) => BigInt(`0x${text}`))).toEqual(contents.map((content) => BigInt(`0x${content}`)))
    expect(JSON.parse(JSON.stringify(texts))).toEqual(texts)
  })
})

describe('parseCertificate: one thing is wrong', () => {
  it.each([
    ['version 0 is stated, which is the default', edit(AT.version, () => encodeContext(0, encodeInteger(0)))],
    ['the version is 4', edit(AT.version, () => encodeContext(0, encodeInteger(3)))],
    ['the version is negative', edit(AT.version, () => encodeContext(0, fromHex('0201ff')))],
    [
      'the version has 257 bits',
      edit(AT.version, () => encodeContext(0, encodeValue(TAG.integer, new Uint8Array(33).fill(1)))),
    ],
    ['extensions stand in version 1', remove(AT.version)],
    ['extensions stand in version 2', edit(AT.version, () => encodeContext(0, encodeInteger(1)))],
    [
      'unique identifiers stand in version 1',
      editDer(
        editDer(remove(AT.explicitExtensions), AT.spki, (spki) => [
          spki,
          encodeContextPrimitive(1, Uint8Array.of(0, 1)),
        ]),
        AT.version,
        () => [],
      ),
    ],
    [
      'a unique identifier is no BIT STRING',
      edit(AT.spki, (spki) => [spki, encodeContextPrimitive(1, Uint8Array.of(9, 1))]),
    ],
    ['the serial number is a string', edit(AT.serial, () => encodeOctetString(Uint8Array.of(1)))],
    ['the issuer is a SET', edit(AT.issuer, () => encodeSetOf())],
    ['the subject has an RDN without attributes', edit(AT.subject, () => encodeSequence(encodeSetOf()))],
    [
      'the subject has a malformed string',
      edit([...AT.subject, 0, 0, 1], () => encodeValue(TAG.utf8String, Uint8Array.of(0xff))),
    ],
    [
      'the subject has @ in a PrintableString',
      edit([...AT.subject, 0, 0, 1], () => encodeString('a@b', TAG.printableString)),
    ],
    ['notAfter is before notBefore', edit(AT.notAfter, () => encodeTime(new Date(NOT_BEFORE.getTime() - 1000)))],
    [
      'notBefore is GeneralizedTime before 2050',
      edit(AT.notBefore, () => encodeString('20261231000000Z', TAG.generalizedTime)),
    ],
    ['notAfter has no seconds', edit(AT.notAfter, () => encodeString('2801010000Z', TAG.utcTime))],
    ['notAfter is a string', edit(AT.notAfter, () => encodeString('280101000000Z'))],
    ['a critical flag is 01', edit([...AT.firstExtension, 1], () => fromHex('010101'))],
    ['a critical flag is the default', edit([...AT.firstExtension, 1], () => encodeBoolean(false))],
    ['a critical flag is a number', edit([...AT.firstExtension, 1], () => encodeInteger(1))],
    [
      'the value of an extension is a BIT STRING',
      edit([...AT.firstExtension, 2], () => encodeBitString(Uint8Array.of(0x30, 0))),
    ],
    [
      'the signature has unused bits',
      editContent(good, AT.signature, (bits) => Uint8Array.of(1, ...bits.subarray(1, -1), 0)),
    ],
    ['the signature is an OCTET STRING', edit(AT.signature, () => encodeOctetString(Uint8Array.of(1)))],
    ['it is a SET', encodeValue(TAG.set, good.subarray(4))],
    ['it is a number', encodeInteger(5)],
  ])('refuses a certificate where %s', (_, der) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () => parseCertificate(der))
  })

  it.each(
    Object.entries(AT).filter(
      ([name]) => !['version', 'serial', 'explicitExtensions', 'firstExtension', 'tbs'].includes(name),
    ),
  )('DER-07: refuses a certificate without its %s', (_, path) => {
    expect(outcomeOf(() => parseCertificate(remove(path))).code).not.toBe('accepted')
  })

  it.each([
    ['an unknown algorithm outside', edit(AT.outerAlgorithm, () => encodeSequence(encodeObjectIdentifier('1.2.3')))],
    [
      'another algorithm outside',
      edit(AT.outerAlgorithm, () => encodeSequence(encodeObjectIdentifier(OID.ecdsaWithSha384))),
    ],
    [
      'another algorithm inside',
      edit(AT.innerAlgorithm, () => encodeSequence(encodeObjectIdentifier(OID.ecdsaWithSha384))),
    ],
    ['parameters outside only', edit([...AT.outerAlgorithm, 0], (oid) => [oid, encodeNull()])],
  ])('refuses %s (RFC 5280 §4.1.1.2)', (_, der) => {
    expectCode('ERR_ALGORITHM_MISMATCH', () => parseCertificate(der))
  })

  it('refuses an extension that occurs twice', () => {
    expectCode('ERR_EXTENSION_DUPLICATE', () => parseCertificate(edit(AT.firstExtension, (one) => [one, one])))
    const other = edit(AT.firstExtension, (one) => [one, editDer(one, [2], () => encodeOctetString(new Uint8Array()))])
    expectCode('ERR_EXTENSION_DUPLICATE', () => parseCertificate(other))
  })

  it('refuses more than 64 extensions', () => {
    const many = (count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, index) =>
        encodeSequence(encodeObjectIdentifier(`1.2.${index}`), encodeOctetString(new Uint8Array())),
      )
    expect(parseCertificate(edit(AT.extensions, () => encodeSequence(...many(64)))).extensions.size).toBe(64)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCertificate(edit(AT.extensions, () => encodeSequence(...many(65)))))
  })

  it('DER-10: refuses an empty list of extensions, and accepts an empty subject', () => {
    expectCode('ERR_EXTENSION_MALFORMED', () => parseCertificate(edit(AT.extensions, () => encodeSequence())))
    expect(parseCertificate(edit(AT.subject, () => encodeSequence())).subject.isEmpty).toBe(true)
  })

  it.each([
    [
      'in the signed part: unique identifiers in the wrong order',
      edit(AT.spki, (spki) => [
        spki,
        encodeContextPrimitive(2, Uint8Array.of(0, 1)),
        encodeContextPrimitive(1, Uint8Array.of(0, 1)),
      ]),
    ],
    [
      'in the signed part: extensions without their tag',
      edit(AT.explicitExtensions, () => elementAt(good, AT.extensions)),
    ],
    ['after the certificate', Buffer.concat([good, Buffer.of(0)])],
    ['after the certificate: a second one', Buffer.concat([good, good])],
    ['after the signature', append([], encodeNull())],
    ['after the extensions, in the signed part', append(AT.tbs, encodeNull())],
    ['after the extensions, in their tag', append(AT.explicitExtensions, encodeNull())],
    ['in an extension', append(AT.firstExtension, encodeNull())],
    ['in the validity', append(AT.validity, encodeTime(NOT_AFTER))],
    ['in the version', append(AT.version, encodeNull())],
    ['in an algorithm', append(AT.innerAlgorithm, Buffer.concat([encodeNull(), encodeNull()]))],
    ['in an attribute of the subject', append([...AT.subject, 0, 0], encodeNull())],
  ])('DER-04: refuses trailing data %s', (_, der) => {
    expectCode('ERR_DER_TRAILING_DATA', () => parseCertificate(der))
  })

  it.each([
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['more than 256 KiB', new Uint8Array(256 * 1024 + 1), 'ERR_LIMIT_EXCEEDED'],
    ['half a certificate', good.subarray(0, good.length / 2), 'ERR_DER_TRUNCATED'],
    [
      'a length that is indefinite',
      Buffer.concat([Buffer.of(0x30, 0x80), good.subarray(4), Buffer.of(0, 0)]),
      'ERR_CERTIFICATE_MALFORMED',
    ],
  ] as const)('refuses %s', (_, der, code) => {
    expectCode(code, () => parseCertificate(der))
  })

  it('names the error that it found inside', () => {
    const error = expectCode('ERR_CERTIFICATE_MALFORMED', () => parseCertificate(serial('')))
    expect(error.details['found']).toBe('ERR_DER_NON_CANONICAL')
    expect(error.details['offset']).toMatch(/^[0-9]+$/)
  })
})

describe('Certificate: a public key that is not allowed', () => {
  it.each([
    ['another kind', edit([...AT.spki, 0, 0], () => encodeObjectIdentifier('1.2.3')), 'ERR_KEY_NOT_ALLOWED'],
    ['a malformed one', edit([...AT.spki, 1], () => encodeNull()), 'ERR_KEY_MALFORMED'],
  ] as const)('is parsed and refused when asked for: %s', (_, der, code) => {
    const certificate = parseCertificate(der)
    expectCode(code, () => certificate.publicKey)
    expectCode(code, () => certificate.publicKey)
  })
})

describe('Certificate: extensions that are malformed', () => {
  it('are parsed and refused when asked for, each time', () => {
    // The first extension is basicConstraints, with its critical flag before its value.
    const certificate = parseCertificate(edit([...AT.firstExtension, 2], () => encodeOctetString(fromHex('3001'))))
    expectCode('ERR_EXTENSION_MALFORMED', () => certificate.basicConstraints)
    expectCode('ERR_EXTENSION_MALFORMED', () => certificate.basicConstraints)
    expect(certificate.keyUsage?.size).toBe(1)
  })
})

describe('readCertificate', () => {
  it('reads a certificate inside of something larger and leaves the rest', () => {
    const reader = DerReader.over(encodeSequence(good, encodeNull()), CERTIFICATE_LIMITS).sequence()
    expect(readCertificate(reader).fingerprint).toBe(leaf.certificate.fingerprint)
    reader.null()
    reader.finish()
  })
})

describe('parseCertificates', () => {
  it('DER-12: reads every certificate of a bundle of 1, 2 and 100', () => {
    for (const count of [1, 2, 100]) {
      expect(parseCertificates(Buffer.from(leaf.certificate.toPem().repeat(count))).length).toBe(count)
    }
    expect(parseCertificates(good).length).toBe(1)
  })

  it('DER-12: refuses a bundle with anything else in it', () => {
    const pem = leaf.certificate.toPem()
    for (const label of ['PRIVATE KEY', 'TRUSTED CERTIFICATE', 'X509 CRL']) {
      expectCode('ERR_PEM_LABEL', () => parseCertificates(Buffer.from(pem + encodePem(label, good))))
    }
    expectCode('ERR_DER_TRUNCATED', () =>
      parseCertificates(Buffer.from(pem + encodePem('CERTIFICATE', good.subarray(0, 9)))),
    )
    expectCode('ERR_DER_TRAILING_DATA', () => parseCertificates(Buffer.concat([good, good])))
  })
})

describe('parseCertificate: hostile structures', () => {
  it('DER-01: refuses nesting of 100, 3000 and 10000 levels in every field, without a range error', () => {
    for (const levels of [100, 3000, 10_000]) {
      for (const tag of [0x30, 0x31, contextConstructed(3)]) {
        const bomb = nested(tag, levels)
        for (const path of [[], ...Object.values(AT)]) {
          const { cpuMilliseconds } = outcomeOf(() => {
            const certificate = parseCertificate(edit(path, () => bomb))
            for (const key of ['basicConstraints', 'publicKey'] as const) outcomeOf(() => certificate[key])
          })
          expect(cpuMilliseconds).toBeLessThan(200)
        }
      }
    }
    expect(outcomeOf(() => parseCertificate(nested(0x30, 100_000))).code).toBe('ERR_LIMIT_EXCEEDED')
  })

  it('DER-06: refuses OIDs of 1 KB and 64 KB as extension, attribute type and algorithm at once', () => {
    for (const length of [1024, 65_536]) {
      const oid = encodeValue(TAG.oid, new Uint8Array(length).fill(1))
      for (const path of [
        [...AT.firstExtension, 0],
        [...AT.subject, 0, 0, 0],
        [...AT.innerAlgorithm, 0],
        [...AT.outerAlgorithm, 0],
      ]) {
        const { code, cpuMilliseconds } = outcomeOf(() => parseCertificate(edit(path, () => oid)))
        expect(code).toBe('ERR_CERTIFICATE_MALFORMED')
        expect(cpuMilliseconds).toBeLessThan(100)
      }
    }
  })

  it('DER-05: tells an attribute type with an arc of 2^32 + 3 from commonName', () => {
    const certificate = parseCertificate(
      edit([...AT.subject, 0, 0, 0], () => encodeObjectIdentifier('2.5.4.4294967299')),
    )
    expect(certificate.subject.texts(OID.commonName)).toEqual([])
    expect(certificate.subject.equals(leaf.certificate.subject)).toBe(false)
  })

  it('DER-08: refuses 20000 attributes in one RDN and 20000 RDNs by their number', () => {
    const attribute = encodeSequence(encodeObjectIdentifier('2.5.4.3'), encodeString('x'))
    const attributes = encodeValue(TAG.set, Buffer.concat(Array.from({ length: 12_000 }, () => attribute)))
    const rdns = encodeSequence(Buffer.concat(Array.from({ length: 12_000 }, () => encodeSetOf(attribute))))
    for (const name of [encodeSequence(attributes), rdns]) {
      const { code, cpuMilliseconds } = outcomeOf(() => parseCertificate(edit(AT.subject, () => name)))
      expect(['ERR_LIMIT_EXCEEDED', 'ERR_CERTIFICATE_MALFORMED']).toContain(code)
      expect(cpuMilliseconds).toBeLessThan(200)
    }
  })
})

describe('named', () => {
  it('leaves what is not about encoding, and what is not ours, as it is', () => {
    const limit = expectCode('ERR_LIMIT_EXCEEDED', () =>
      named('ERR_CRL_MALFORMED', 'a CRL', () =>
        DerReader.over(new Uint8Array(9), { maxBytes: 1, maxDepth: 1, maxNodes: 1 }),
      ),
    )
    expect(limit.cause).toBeUndefined()
    const fault = new RangeError('a bug')
    expect(() =>
      named('ERR_CRL_MALFORMED', 'a CRL', () => {
        throw fault
      }),
    ).toThrow(fault)
  })
})

describe('the test support for certificates', () => {
  it('gives one key per owner and kind, and signs with another algorithm when told to', () => {
    expect(keyFor('x').publicKey.spkiDer).toEqual(keyFor('x').publicKey.spkiDer)
    const { certificate } = makeCertificate({ subject: 'pss', algorithm: 'rsa2048', signature: 'rsa-pss-sha256' })
    expect(signatureAlgorithmOf(certificate.signatureAlgorithm).name).toBe('rsa-pss-sha256')
  })
})
