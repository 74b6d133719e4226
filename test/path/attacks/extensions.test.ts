/** What extensions say, how often, and who listens: named attacks. */
import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../../../src/asn1/index.js'
import { PURPOSES, type PurposeName, STRICTNESS } from '../../../src/path/index.js'
import {
  createCertificationRequest,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeExtKeyUsage,
  encodeKeyUsage,
  encodeNameConstraints,
  encodeSubjectAltName,
  encodeSubjectKeyIdentifier,
  type KeyUsage,
  parseCertificationRequest,
} from '../../../src/x509/index.js'
import { commonName, type Holder, keyFor, makeCertificate, makeCrl } from '../../support/certificates.js'
import { fromHex } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import {
  caExtensions,
  type Changes,
  extensionDer,
  hierarchy,
  nodeExtensions,
  rawCrl,
  unknownExtension,
  validate,
} from '../../support/hierarchy.js'
import { dns, uri, verdictOf, ocspGood, type OcspParts } from './forge.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const { root, issuing, node } = whole

/** What the root signs as a CA of its own, with all of its extensions. */
const authority = (...extensionsDer: readonly Uint8Array[]): Changes => ({ issuing: { extensionsDer } })
const constraintsDer = (critical: boolean, ...fields: readonly Uint8Array[]): Uint8Array =>
  extensionDer(OID.basicConstraints, critical, encodeSequence(...fields))

describe('PATH-04: a critical extension that nobody here processes', () => {
  const empty = encodeSequence()
  const rows: readonly (readonly [claim: string, oid: string, value: Uint8Array])[] = [
    ['an unknown one', '1.3.6.1.4.1.32473.99', empty],
    ['issuerAltName', OID.issuerAltName, encodeSequence(encodeContextPrimitive(2, Buffer.from('a.example')))],
    ['subjectDirectoryAttributes', '2.5.29.9', empty],
    ['privateKeyUsagePeriod', '2.5.29.16', empty],
    ['subjectInfoAccess', '1.3.6.1.5.5.7.1.11', empty],
    ['a TLS feature', '1.3.6.1.5.5.7.1.24', encodeSequence(encodeInteger(5))],
    ['a CT poison', '1.3.6.1.4.1.11129.2.4.3', encodeNull()],
    ['cRLNumber, which is for CRLs', OID.crlNumber, encodeInteger(1)],
    ['nsCertType', '2.16.840.1.113730.1.1', fromHex('03020780')],
  ]

  it.each(rows)(
    'PATH-04: %s, in the end entity, a CA between and the root; not critical, it is passed over',
    (...row) => {
      const [, oid, value] = row
      const more = (critical: boolean): { moreExtensionsDer: readonly Uint8Array[] } => ({
        moreExtensionsDer: [extensionDer(oid, critical, value)],
      })
      for (const who of ['node', 'issuing', 'root'] as const) {
        expectCode('ERR_PATH_CRITICAL_EXTENSION', () => validate(hierarchy({ [who]: more(true) })))
        expect(validate(hierarchy({ [who]: more(false) })).certificates).toHaveLength(3)
      }
    },
  )

  it.each(Object.entries(STRICTNESS))('PATH-04: one that is known and cannot be read, by the rules of %s', (...row) => {
    const [, strictness] = row
    const broken = encodeNull()
    for (const oid of [OID.basicConstraints, OID.keyUsage, OID.nameConstraints, OID.extKeyUsage, OID.subjectAltName]) {
      const extensionsDer = [extensionDer(oid, true, broken)]
      const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, extensionsDer })
      const request = { purpose: 'allow-any', strictness } as const
      expectCode('ERR_EXTENSION_MALFORMED', () => validate({ root, issuing, node: leaf }, request))
    }
  })

  it('PATH-04: in a CRL and in an entry of a CRL, about whomever that entry is', async () => {
    const ofRoot = await makeCrl({ issuer: root })
    const check = (parts: Partial<Parameters<typeof rawCrl>[0]>): string => {
      const crl = rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, ...parts })
      return verdictOf(() => validate(whole, { revocation: { crls: [ofRoot, crl] } }))
    }
    const entry = (critical: boolean): Partial<Parameters<typeof rawCrl>[0]> => ({
      entries: [{ serialNumberOctets: Uint8Array.of(9), extensionsDer: [unknownExtension(critical)] }],
    })
    expect(check({})).toBe('accepted')
    expect(check({ moreExtensionsDer: [unknownExtension(false)] })).toBe('accepted')
    expect(check({ moreExtensionsDer: [unknownExtension(true)] })).toBe('ERR_REVOCATION_UNKNOWN')
    expect(check(entry(false))).toBe('accepted')
    expect(check(entry(true))).toBe('ERR_REVOCATION_UNKNOWN')
  })

  it('PATH-04: in an OCSP response and in an answer of one', async () => {
    const crls = [await makeCrl({ issuer: root })]
    const check = (parts: OcspParts): string => {
      const ocspResponses = [ocspGood(issuing, node.certificate, parts)]
      return verdictOf(() => validate(whole, { revocation: { crls, ocspResponses } }))
    }
    expect(check({})).toBe('accepted')
    for (const where of ['answerExtensions', 'responseExtensions'] as const) {
      expect(check({ [where]: [unknownExtension(false)] })).toBe('accepted')
      expect(check({ [where]: [unknownExtension(true)] })).toBe('ERR_REVOCATION_UNKNOWN')
      expectCode('ERR_EXTENSION_DUPLICATE', () => check({ [where]: [unknownExtension(false), unknownExtension(true)] }))
    }
  })

  it('PATH-04: in a certification request it stands there as critical for whoever approves', async () => {
    const pem = await createCertificationRequest(keyFor('asker'), {
      subject: commonName('asker'),
      extensionsDer: [unknownExtension(true)],
    })
    const { extensions } = parseCertificationRequest(Buffer.from(pem))
    expect([...extensions.values()].map(({ critical }) => critical)).toEqual([true])
  })
})

describe('PATH-05: an extension that occurs twice', () => {
  const ca = encodeBasicConstraints({ ca: true, pathLenConstraint: undefined })
  const end = encodeBasicConstraints({ ca: false, pathLenConstraint: undefined })
  const pairs: readonly (readonly [claim: string, first: Uint8Array, second: Uint8Array])[] = [
    [
      'subjectAltName',
      encodeSubjectAltName([dns('a.example')], false),
      encodeSubjectAltName([uri('spiffe://b/c')], false),
    ],
    ['extKeyUsage', encodeExtKeyUsage([OID.kpServerAuth]), encodeExtKeyUsage([OID.kpClientAuth])],
    ['basicConstraints', ca, end],
    ['basicConstraints, one of them not critical', ca, constraintsDer(false)],
    ['keyUsage', encodeKeyUsage(['keyCertSign']), encodeKeyUsage(['digitalSignature'])],
    [
      'nameConstraints',
      encodeNameConstraints({ permitted: [dns('a.example')], excluded: [] }),
      encodeNameConstraints({ permitted: [dns('example')], excluded: [] }),
    ],
    [
      'subjectKeyIdentifier',
      encodeSubjectKeyIdentifier(Uint8Array.of(1)),
      encodeSubjectKeyIdentifier(Uint8Array.of(2)),
    ],
    [
      'authorityKeyIdentifier',
      encodeAuthorityKeyIdentifier(Uint8Array.of(1)),
      encodeAuthorityKeyIdentifier(Uint8Array.of(2)),
    ],
    ['an unknown one', unknownExtension(false), unknownExtension(true)],
  ]

  it.each(pairs)('PATH-05: %s, in either order or the same twice, apart or together', (_claim, first, second) => {
    const between = extensionDer('1.2.3.4', false, encodeNull())
    expect(makeCertificate({ extensionsDer: [first, between] }).certificate.extensions.size).toBe(2)
    for (const list of [
      [first, second],
      [second, first],
      [first, first],
      [first, between, second],
    ]) {
      expectCode('ERR_EXTENSION_DUPLICATE', () => makeCertificate({ extensionsDer: list }))
    }
  })

  it('PATH-05: in a CRL, an entry of a CRL, and a certification request', async () => {
    const twice = [unknownExtension(false), unknownExtension(false)]
    const crl = { issuer: issuing.certificate.subject, key: issuing.key }
    expectCode('ERR_EXTENSION_DUPLICATE', () => rawCrl({ ...crl, moreExtensionsDer: twice }))
    expectCode('ERR_EXTENSION_DUPLICATE', () =>
      rawCrl({ ...crl, entries: [{ serialNumberOctets: Uint8Array.of(9), extensionsDer: twice }] }),
    )
    const request = await createCertificationRequest(keyFor('asker'), {
      subject: commonName('asker'),
      extensionsDer: twice,
    })
    expectCode('ERR_EXTENSION_DUPLICATE', () => parseCertificationRequest(Buffer.from(request)))
  })
})

describe('PATH-20: extended key usage', () => {
  const other: readonly (readonly [claim: string, purposes: readonly string[]])[] = [
    ['OCSP', [OID.kpOcspSigning]],
    ['e-mail', [OID.kpEmailProtection]],
    ['code and time', [OID.kpCodeSigning, OID.kpTimeStamping]],
    ['clients', [OID.kpClientAuth]],
  ]

  it.each(other)('PATH-20: a CA for %s alone vouches for no server, at any height', (_claim, limited) => {
    expectCode('ERR_PATH_PURPOSE', () => validate(hierarchy({ issuing: { purposes: limited } })))
    expectCode('ERR_PATH_PURPOSE', () => validate(hierarchy({ root: { purposes: limited } })))
    // What is between does not make up for it.
    expectCode('ERR_PATH_PURPOSE', () =>
      validate(hierarchy({ root: { purposes: limited }, issuing: { purposes: [OID.anyExtendedKeyUsage] } })),
    )
    expect(validate(hierarchy({ issuing: { purposes: [...limited, ...purposes] } })).certificates).toHaveLength(3)
  })

  it.each(Object.keys(PURPOSES) as PurposeName[])('PATH-20: any purpose, or none, is not %s', (purpose) => {
    const keyUsage: readonly KeyUsage[] = purpose.endsWith('encryption') ? ['keyAgreement'] : ['digitalSignature']
    for (const wrong of [[OID.anyExtendedKeyUsage], []]) {
      expectCode('ERR_PATH_PURPOSE', () => validate(hierarchy({ node: { purposes: wrong, keyUsage } }), { purpose }))
    }
    const right = hierarchy({
      issuing: { purposes: [OID.anyExtendedKeyUsage] },
      node: { purposes: [PURPOSES[purpose].keyPurposeId], keyUsage },
    })
    expect(validate(right, { purpose }).certificates).toHaveLength(3)
  })

  it('PATH-20: a list of no purposes is malformed, at any height and whatever is asked for', () => {
    for (const critical of [true, false]) {
      const none = extensionDer(OID.extKeyUsage, critical, encodeSequence())
      for (const purpose of ['server', 'allow-any'] as const) {
        const [constraints, keyUsage] = nodeExtensions()
        if (constraints === undefined || keyUsage === undefined) throw new Error('a node has extensions')
        expectCode('ERR_EXTENSION_MALFORMED', () =>
          validate(hierarchy({ node: { extensionsDer: [constraints, keyUsage, none] } }), { purpose }),
        )
        expectCode('ERR_EXTENSION_MALFORMED', () =>
          validate(hierarchy({ issuing: { moreExtensionsDer: [none] } }), { purpose }),
        )
      }
    }
  })

  it('PATH-20: critical or not, the purposes are the same', () => {
    const [constraints, keyUsage, , names] = nodeExtensions()
    for (const critical of [true, false]) {
      for (const [oid, verdict] of [
        [OID.kpServerAuth, 'accepted'],
        [OID.kpClientAuth, 'ERR_PATH_PURPOSE'],
      ] as const) {
        const value = encodeSequence(encodeObjectIdentifier(oid))
        const list = [constraints, keyUsage, extensionDer(OID.extKeyUsage, critical, value), names]
        const extensionsDer = list.flatMap((item) => item ?? [])
        expect(verdictOf(() => validate(hierarchy({ node: { extensionsDer } })))).toBe(verdict)
      }
    }
  })
})

describe('PATH-29: key identifiers are hints', () => {
  const identifier = issuing.certificate.subjectKeyIdentifier ?? new Uint8Array()
  const akiDer = (...fields: readonly Uint8Array[]): Uint8Array =>
    extensionDer(OID.authorityKeyIdentifier, false, encodeSequence(...fields))
  const leaf = (...more: readonly Uint8Array[]): Holder =>
    makeCertificate({ subject: 'leaf', issuer: issuing, extensionsDer: [...nodeExtensions(), ...more] })

  it('PATH-29: an issuer and serial number of somebody else neither help nor hinder', () => {
    const elsewhere = [
      encodeContext(1, encodeContext(4, commonName('Elsewhere').der)),
      encodeContextPrimitive(2, Uint8Array.of(5)),
    ]
    expect(validate({ root, issuing, node: leaf(akiDer(...elsewhere)) }).issuer).toBe(issuing.certificate)
    const both = akiDer(encodeContextPrimitive(0, identifier), ...elsewhere)
    expect(validate({ root, issuing, node: leaf(both) }).issuer).toBe(issuing.certificate)
    // They name the right CA, and another one signed.
    const right = [
      encodeContext(1, encodeContext(4, issuing.certificate.issuer.der)),
      encodeContextPrimitive(2, issuing.certificate.serialNumberOctets),
    ]
    const thief = { certificate: issuing.certificate, key: keyFor('thief') }
    const forged = makeCertificate({
      subject: 'leaf',
      issuer: thief,
      extensionsDer: [...nodeExtensions(), akiDer(encodeContextPrimitive(0, identifier), ...right)],
    })
    expectCode('ERR_PATH_SIGNATURE', () => validate({ root, issuing, node: forged }))
  })

  it('PATH-29: a critical one is refused, subject or authority, below or above', () => {
    const critical = (oid: string, value: Uint8Array): Uint8Array => extensionDer(oid, true, value)
    const own = critical(OID.subjectKeyIdentifier, encodeOctetString(Uint8Array.of(1)))
    const theirs = critical(OID.authorityKeyIdentifier, encodeSequence())
    for (const extension of [own, theirs]) {
      expectCode('ERR_PATH_CRITICAL_EXTENSION', () => validate({ root, issuing, node: leaf(extension) }))
      const between = hierarchy(authority(...caExtensions(), extension))
      const below = makeCertificate({ subject: 'leaf', issuer: between.issuing, extensionsDer: nodeExtensions() })
      expectCode('ERR_PATH_CRITICAL_EXTENSION', () => validate({ ...between, node: below }))
    }
  })

  it('PATH-29: a malformed one is refused, not passed over', () => {
    const malformed = [
      akiDer(encodeContextPrimitive(2, Uint8Array.of(5))),
      akiDer(encodeContextPrimitive(0, identifier), encodeNull()),
      extensionDer(OID.authorityKeyIdentifier, false, encodeNull()),
      extensionDer(OID.subjectKeyIdentifier, false, encodeOctetString(new Uint8Array())),
      extensionDer(OID.subjectKeyIdentifier, false, encodeNull()),
    ]
    for (const extension of malformed) {
      expectCode('ERR_EXTENSION_MALFORMED', () => validate({ root, issuing, node: leaf(extension) }))
    }
  })
})
