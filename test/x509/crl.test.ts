import { execFileSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeBoolean,
  encodeEnumerated,
  encodeGeneralizedTime,
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
import { type Crl, parseCrl, parseCrls, REVOCATION_REASONS, type RevocationReason } from '../../src/x509/index.js'
import { makeCertificate, makeCrl, NOT_BEFORE, NOW, revoked } from '../support/certificates.js'
import { type DerPath, editContent, editDer, elementAt, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const ca = makeCertificate({ subject: 'Root', ca: true })
const crl = await makeCrl({
  issuer: ca,
  revoked: [revoked('01', 'keyCompromise'), revoked('80'), { ...revoked('0a'), invalidityDate: NOW }],
  crlNumber: 300,
})
const emptyCrl = await makeCrl({ issuer: ca })
const good = crl.der

/** Where the fields of this CRL are. */
const AT = {
  version: [0, 0],
  innerAlgorithm: [0, 1],
  issuer: [0, 2],
  thisUpdate: [0, 3],
  nextUpdate: [0, 4],
  entries: [0, 5],
  firstEntry: [0, 5, 0],
  firstEntryExtensions: [0, 5, 0, 2],
  plainEntry: [0, 5, 1],
  explicitExtensions: [0, 6],
  extensions: [0, 6, 0],
  crlNumber: [0, 6, 0, 1],
  outerAlgorithm: [1],
  signature: [2],
} as const satisfies Record<string, DerPath>

const edit = (path: DerPath, replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[]): Uint8Array =>
  editDer(good, path, replace)
const remove = (path: DerPath): Uint8Array => edit(path, () => [])
const append = (path: DerPath, extra: Uint8Array): Uint8Array =>
  editContent(good, path, (content) => Buffer.concat([content, extra]))
const entryExtension = (oid: string, value: Uint8Array, critical = false): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...(critical ? [encodeBoolean(true)] : []), encodeOctetString(value))
const withEntryExtension = (...extensions: Uint8Array[]): Uint8Array =>
  edit(AT.firstEntryExtensions, () => encodeSequence(...extensions))
const withCrlNumber = (content: string): Crl =>
  parseCrl(edit([...AT.crlNumber, 1], () => encodeOctetString(encodeValue(TAG.integer, fromHex(content)))))

describe('createCrl', () => {
  it('makes a CRL that reads back and verifies', () => {
    expect(crl.issuer.equals(ca.certificate.subject)).toBe(true)
    expect(crl.thisUpdate.getTime()).toBe(NOT_BEFORE.getTime())
    expect(crl.currentUntil.getTime()).toBe(NOW.getTime() + 7 * 86_400_000)
    expect(crl.crlNumber).toBe('012c')
    expect(toHex(crl.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array())).toBe(ca.certificate.keyIdentifier)
    expect(crl.revokedCertificates.map(({ serialNumber, reason }) => [serialNumber, reason])).toEqual([
      ['01', 'keyCompromise'],
      ['80', 'unspecified'],
      ['0a', 'unspecified'],
    ])
    expect(crl.find('0a')?.invalidityDate?.getTime()).toBe(NOW.getTime())
    expect(crl.find('02')).toBeUndefined()
    expect(crl.unknownCriticalEntryExtension).toBe(false)
    const algorithm = signatureAlgorithmOf(crl.signatureAlgorithm)
    expect(verifySignature(algorithm, ca.certificate.publicKey, crl.tbsDer, crl.signatureValue)).toBe(true)
  })

  it('leaves out the list where nothing is revoked', () => {
    expect(emptyCrl.revokedCertificates).toEqual([])
    expect(emptyCrl.crlNumber).toBe('01')
  })

  it('writes every reason that there is', async () => {
    const reasons = Object.keys(REVOCATION_REASONS) as RevocationReason[]
    const all = await makeCrl({ issuer: ca, revoked: reasons.map((reason, index) => revoked(`1${index}`, reason)) })
    expect(all.revokedCertificates.map(({ reason }) => reason)).toEqual(reasons)
  })

  it('makes what OpenSSL reads and verifies', () => {
    const printed = execFileSync('openssl', ['crl', '-noout', '-text'], { input: crl.toPem(), encoding: 'utf8' })
    expect(printed).toContain('Version 2 (0x1)')
    expect(printed).toContain('Issuer: CN = Root')
    expect(printed).toContain('Last Update: Dec 31 00:00:00 2026 GMT')
    expect(printed).toContain('Next Update: Jan  8 00:00:00 2027 GMT')
    expect([...printed.matchAll(/Serial Number: (\w+)/g)].map((match) => match[1])).toEqual(['01', '80', '0A'])
    expect(printed).toContain('Key Compromise')
    expect(printed).toContain('Jan  1 00:00:00 2027 GMT')
  })
})

describe('parseCrl', () => {
  it('reads version 1, which is not stated and has no extensions', () => {
    const withoutExtensions = remove(AT.explicitExtensions)
    const asVersion1 = (der: Uint8Array): Uint8Array => editDer(der, AT.version, () => [])
    expectCode('ERR_CRL_MALFORMED', () => parseCrl(asVersion1(withoutExtensions)))
    const plain = editDer(withoutExtensions, AT.entries, () =>
      encodeSequence(elementAt(withoutExtensions, AT.plainEntry)),
    )
    const v1 = asVersion1(plain)
    expect(parseCrl(v1).extensions.size).toBe(0)
    expect(parseCrl(v1).crlNumber).toBeUndefined()
    expect(parseCrl(v1).authorityKeyIdentifier).toBeUndefined()
  })

  it('says that an entry has a critical extension that it does not know', () => {
    expect(
      parseCrl(withEntryExtension(entryExtension('1.2.3', new Uint8Array(), true))).unknownCriticalEntryExtension,
    ).toBe(true)
    const unknown = entryExtension('1.2.3', new Uint8Array())
    expect(parseCrl(withEntryExtension(unknown)).unknownCriticalEntryExtension).toBe(false)
  })

  it.each([
    ['the version is 1, stated', edit(AT.version, () => encodeInteger(0))],
    ['the version is 3', edit(AT.version, () => encodeInteger(2))],
    ['the version is negative', edit(AT.version, () => fromHex('0201ff'))],
    ['extensions stand in version 1', remove(AT.version)],
    ['thisUpdate is a string', edit(AT.thisUpdate, () => encodeString('270108000000Z'))],
    ['thisUpdate has no seconds', edit(AT.thisUpdate, () => encodeString('2612310000Z', TAG.utcTime))],
    ['nextUpdate is GeneralizedTime before 2050', edit(AT.nextUpdate, () => encodeGeneralizedTime(NOW))],
    ['the issuer is a SET', edit(AT.issuer, () => encodeSetOf())],
    ['DER-10: the list of entries is empty', edit(AT.entries, () => encodeSequence())],
    ['a serial number is listed twice', edit(AT.firstEntry, (entry) => [entry, entry])],
    ['an entry is no SEQUENCE', edit(AT.firstEntry, () => encodeNull())],
    ['a revocation date is missing', remove([...AT.firstEntry, 1])],
    ['a revocation date is malformed', edit([...AT.firstEntry, 1], () => encodeString('270230000000Z', TAG.utcTime))],
    ['a reason is 7, which is not used', withEntryExtension(entryExtension(OID.reasonCode, encodeEnumerated(7)))],
    ['a reason is 11', withEntryExtension(entryExtension(OID.reasonCode, encodeEnumerated(11)))],
  ])('refuses a CRL where %s', (_, der) => {
    expectCode('ERR_CRL_MALFORMED', () => parseCrl(der))
  })

  it.each([
    ['a reason that is an INTEGER', withEntryExtension(entryExtension(OID.reasonCode, encodeInteger(1)))],
    ['a reason that is negative', withEntryExtension(entryExtension(OID.reasonCode, fromHex('0a01ff')))],
    ['a reason with data after it', withEntryExtension(entryExtension(OID.reasonCode, fromHex('0a010100')))],
    ['an invalidityDate in UTCTime', withEntryExtension(entryExtension(OID.invalidityDate, encodeTime(NOW)))],
    ['DER-10: an empty list of entry extensions', withEntryExtension()],
    ['DER-10: an empty list of extensions', edit(AT.extensions, () => encodeSequence())],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => parseCrl(der))
  })

  it.each([
    ['zero', '00'],
    ['negative', 'ff'],
    ['of 21 octets', `01${'00'.repeat(20)}`],
  ])('refuses an entry whose serial number is %s', (_, content) => {
    expectCode('ERR_SERIAL_MALFORMED', () =>
      parseCrl(edit([...AT.firstEntry, 0], () => encodeValue(TAG.integer, fromHex(content)))),
    )
  })

  it('refuses an extension that occurs twice, in the CRL and in an entry', () => {
    const reason = entryExtension(OID.reasonCode, encodeEnumerated(1))
    expectCode('ERR_EXTENSION_DUPLICATE', () => parseCrl(edit(AT.crlNumber, (one) => [one, one])))
    expectCode('ERR_EXTENSION_DUPLICATE', () => parseCrl(withEntryExtension(reason, reason)))
  })

  it('refuses two signature algorithms that differ', () => {
    const other = encodeSequence(encodeObjectIdentifier(OID.ecdsaWithSha384))
    expectCode('ERR_ALGORITHM_MISMATCH', () => parseCrl(edit(AT.innerAlgorithm, () => other)))
    expectCode('ERR_ALGORITHM_MISMATCH', () => parseCrl(edit(AT.outerAlgorithm, () => other)))
  })

  it.each([
    ['after the CRL', Buffer.concat([good, Buffer.of(0)])],
    ['after the signature', append([], encodeNull())],
    ['after the extensions', append([0], encodeNull())],
    ['in the tag of the extensions', append(AT.explicitExtensions, encodeNull())],
    ['in an entry', append(AT.firstEntry, encodeNull())],
    ['in the algorithm', append(AT.innerAlgorithm, Buffer.concat([encodeNull(), encodeNull()]))],
  ])('DER-04: refuses trailing data %s', (_, der) => {
    expectCode('ERR_DER_TRAILING_DATA', () => parseCrl(der))
  })

  it('refuses a certificate, nothing, and half of a CRL', () => {
    expectCode('ERR_CRL_MALFORMED', () => parseCrl(ca.certificate.der))
    expectCode('ERR_INPUT_EMPTY', () => parseCrl(new Uint8Array()))
    expectCode('ERR_DER_TRUNCATED', () => parseCrl(good.subarray(0, good.length / 2)))
  })

  it('DER-01: refuses nesting of 100, 3000 and 100000 levels in every field, without a range error', () => {
    for (const levels of [100, 3000, 100_000]) {
      const bomb = nested(0x30, levels)
      for (const path of [[], ...Object.values(AT)]) {
        const { cpuMilliseconds } = outcomeOf(() => parseCrl(edit(path, () => bomb)))
        expect(cpuMilliseconds).toBeLessThan(300)
      }
    }
  })

  it('refuses more than the caller allows', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCrl(good, { maxBytes: good.length - 1, maxDepth: 24, maxNodes: 1000 }))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseCrl(good, { maxBytes: good.length, maxDepth: 24, maxNodes: 20 }))
    expectCode('ERR_DER_DEPTH', () => parseCrl(good, { maxBytes: good.length, maxDepth: 2, maxNodes: 1000 }))
  })

  it('DER-13: makes and reads a CRL of 200000 entries', async () => {
    const serial = (index: number): string => (0x40000000 + index).toString(16)
    const large = await makeCrl({
      issuer: ca,
      revoked: Array.from({ length: 200_000 }, (_, index) => revoked(serial(index), 'superseded')),
    })
    expect(large.revokedCertificates.length).toBe(200_000)
    expect(large.find(serial(199_999))?.reason).toBe('superseded')
    expect(large.find(serial(200_000))).toBeUndefined()
  })
})

describe('parseCrl: cRLNumber (RFC 5280 §5.2.3)', () => {
  it.each([
    ['00', '00'],
    ['7f', '7f'],
    ['0080', '80'],
    [`7f${'ff'.repeat(19)}`, `7f${'ff'.repeat(19)}`],
  ])('reads %s as %s', (content, text) => {
    expect(withCrlNumber(content).crlNumber).toBe(text)
  })

  it.each([
    ['negative', 'ff'],
    ['of 21 octets', `01${'00'.repeat(20)}`],
    ['padded', '0001'],
  ])('refuses a number that is %s', (_, content) => {
    const read = withCrlNumber(content)
    expectCode('ERR_EXTENSION_MALFORMED', () => read.crlNumber)
  })
})

describe('parseCrls', () => {
  it('DER-12: reads every CRL of a file, in DER or PEM, and nothing else', () => {
    expect(parseCrls(good).length).toBe(1)
    expect(parseCrls(Buffer.from(crl.toPem() + emptyCrl.toPem())).length).toBe(2)
    expectCode('ERR_PEM_LABEL', () => parseCrls(Buffer.from(crl.toPem() + encodePem('CERTIFICATE', good))))
  })
})

describe('parseCrl: structures moved about', () => {
  it('DER-07: refuses a CRL without one of its fields', () => {
    for (const [name, path] of Object.entries(AT)) {
      // Without one of the two times the other is taken for thisUpdate: such a CRL does not say when it ends.
      const optional = ['thisUpdate', 'nextUpdate', 'entries', 'firstEntry', 'firstEntryExtensions', 'plainEntry']
        .concat('explicitExtensions', 'crlNumber')
        .includes(name)
      const { code } = outcomeOf(() => parseCrl(remove(path)))
      expect(`${name}: ${code === 'accepted' ? 'accepted' : 'refused'}`).toBe(
        `${name}: ${optional ? 'accepted' : 'refused'}`,
      )
    }
  })
})
