import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  DerReader,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { type CertId, type CertIdDigest, certIdOf, isIssuerOf, publicKeyHash } from '../../src/x509/index.js'
import { readCertId } from '../../src/x509/cert-id.js'
import { keyFor, makeCertificate } from '../support/certificates.js'
import { type DerPath, editContent, editDer, elementAt, fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const issuer = makeCertificate({ subject: 'Issuing', ca: true })
const { certificate } = makeCertificate({ subject: 'node', issuer })
const { serialNumber } = certificate

const DIGESTS = [
  ['sha1', OID.sha1, 20],
  ['sha256', OID.sha256, 32],
  ['sha384', OID.sha384, 48],
  ['sha512', OID.sha512, 64],
] as const satisfies readonly (readonly [CertIdDigest, string, number])[]

function read(der: Uint8Array): CertId {
  const reader = DerReader.over(der, CERTIFICATE_LIMITS)
  const id = readCertId(reader)
  reader.finish()
  return id
}

/** Where the fields of a CertID are. */
const AT = {
  algorithm: [0],
  digest: [0, 0],
  parameters: [0, 1],
  issuerNameHash: [1],
  issuerKeyHash: [2],
  serialNumber: [3],
} as const satisfies Record<string, DerPath>

describe('certIdOf (RFC 6960 §4.1.1)', () => {
  it.each(DIGESTS)('names issuer and serial number with %s, and reads back', (digest, oid, octets) => {
    const id = certIdOf(issuer.certificate, serialNumber, digest)
    expect(id).toMatchObject({ digest, serialNumber })
    expect(elementAt(id.der, AT.digest)).toEqual(encodeObjectIdentifier(oid))
    expect(elementAt(id.der, AT.parameters)).toEqual(encodeNull())
    expect([id.issuerNameHash.length, id.issuerKeyHash.length]).toEqual([octets, octets])
    expect(read(id.der)).toEqual(id)
  })

  it('takes SHA-1 where nothing else is wanted, as every client does', () => {
    expect(certIdOf(issuer.certificate, serialNumber)).toEqual(certIdOf(issuer.certificate, serialNumber, 'sha1'))
  })

  it('hashes the whole name, and of the key only the octets of the BIT STRING', () => {
    const { subject, spkiDer } = issuer.certificate
    // SubjectPublicKeyInfo of P-256: the point is what is left after 26 octets.
    const point = spkiDer.subarray(26)
    expect([point.length, point[0]]).toEqual([65, 4])
    const id = certIdOf(issuer.certificate, serialNumber, 'sha256')
    expect(toHex(id.issuerNameHash)).toBe(hash('sha256', subject.der, 'hex'))
    expect(toHex(id.issuerKeyHash)).toBe(hash('sha256', point, 'hex'))
    expect(toHex(publicKeyHash(issuer.certificate))).toBe(hash('sha1', point, 'hex'))
  })

  it('writes a serial number with a high bit as the positive number that it is', () => {
    expect(toHex(elementAt(certIdOf(issuer.certificate, '80').der, AT.serialNumber))).toBe('02020080')
    expect(toHex(elementAt(certIdOf(issuer.certificate, '7f').der, AT.serialNumber))).toBe('02017f')
  })

  it('any serial number comes back as it was', () => {
    const serials = fc.uint8Array({ minLength: 1, maxLength: 19 }).filter((octets) => octets[0] !== 0)
    fc.assert(
      fc.property(serials, fc.constantFrom(...DIGESTS.map(([digest]) => digest)), (octets, digest) => {
        const text = toHex(octets)
        const id = read(certIdOf(issuer.certificate, text, digest).der)
        expect([id.serialNumber, id.digest]).toEqual([text, digest])
      }),
    )
  })
})

describe('readCertId', () => {
  const good = certIdOf(issuer.certificate, serialNumber).der

  it('keeps its octets as they were, and leaves what follows', () => {
    const reader = DerReader.over(Buffer.concat([good, encodeNull()]), CERTIFICATE_LIMITS)
    expect(toHex(readCertId(reader).der)).toBe(toHex(good))
    reader.null()
  })

  it('reads a digest that is not known, with any parameters: it fits nobody', () => {
    const md5 = encodeObjectIdentifier('1.2.840.113549.2.5')
    for (const algorithm of [encodeSequence(md5), encodeSequence(md5, encodeInteger(7))]) {
      const id = read(editDer(good, AT.algorithm, () => algorithm))
      expect(id.digest).toBeUndefined()
      expect(isIssuerOf(issuer.certificate, id)).toBe(false)
    }
  })

  it('reads a digest without parameters as the same one', () => {
    const id = read(editDer(good, AT.parameters, () => []))
    expect([id.digest, isIssuerOf(issuer.certificate, id)]).toEqual(['sha1', true])
    expect(id.der).not.toEqual(good)
  })

  const integer = (content: string): Uint8Array => encodeValue(TAG.integer, fromHex(content))
  const malformed: readonly (readonly [claim: string, der: Uint8Array, code: ErrorCode])[] = [
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['a SET', editDer(good, [], () => encodeValue(TAG.set, good.subarray(2))), 'ERR_DER_TAG'],
    ['no algorithm', editDer(good, AT.algorithm, () => []), 'ERR_DER_TAG'],
    ['an algorithm without identifier', editDer(good, AT.algorithm, () => encodeSequence()), 'ERR_DER_TRUNCATED'],
    ['an algorithm with two parameters', editDer(good, AT.parameters, (one) => [one, one]), 'ERR_DER_TRAILING_DATA'],
    ['no hash of the name', editDer(good, AT.issuerNameHash, () => []), 'ERR_DER_TAG'],
    ['no hash of the key', editDer(good, AT.issuerKeyHash, () => []), 'ERR_DER_TAG'],
    ['a hash that is an INTEGER', editDer(good, AT.issuerKeyHash, () => encodeInteger(1)), 'ERR_DER_TAG'],
    ['a hash in pieces', editDer(good, AT.issuerNameHash, (one) => encodeValue(0x24, one)), 'ERR_DER_TAG'],
    ['no serial number', editDer(good, AT.serialNumber, () => []), 'ERR_DER_TRUNCATED'],
    ['serial number zero', editDer(good, AT.serialNumber, () => integer('00')), 'ERR_SERIAL_MALFORMED'],
    ['a negative serial number', editDer(good, AT.serialNumber, () => integer('80')), 'ERR_SERIAL_MALFORMED'],
    [
      'a serial number of 21 octets',
      editDer(good, AT.serialNumber, () => integer(`01${'00'.repeat(20)}`)),
      'ERR_SERIAL_MALFORMED',
    ],
    ['a padded serial number', editDer(good, AT.serialNumber, () => integer('0001')), 'ERR_DER_NON_CANONICAL'],
    ['an empty serial number', editDer(good, AT.serialNumber, () => integer('')), 'ERR_DER_NON_CANONICAL'],
    ['a fifth field', editDer(good, AT.serialNumber, (one) => [one, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    ['its last octet missing', good.subarray(0, -1), 'ERR_DER_TRUNCATED'],
  ]

  it.each(malformed)('refuses %s', (_, der, code) => {
    expectCode(code, () => read(der))
  })
})

describe('isIssuerOf', () => {
  const id = certIdOf(issuer.certificate, serialNumber, 'sha256')

  it('is so for the issuer, whichever certificate of it', () => {
    expect(isIssuerOf(issuer.certificate, id)).toBe(true)
    const cross = makeCertificate({
      subject: 'Issuing',
      issuer: makeCertificate({ subject: 'Other root', ca: true }),
      key: issuer.key,
      ca: true,
    })
    expect(isIssuerOf(cross.certificate, id)).toBe(true)
  })

  it('REV-01: is not so where only the name, only the key, or neither fits', () => {
    for (const change of [
      { key: keyFor('another Issuing') },
      { subject: 'Other', key: issuer.key },
      { subject: 'x' },
    ]) {
      const other = makeCertificate({ subject: 'Issuing', ca: true, ...change })
      expect(isIssuerOf(other.certificate, id)).toBe(false)
    }
    expect(isIssuerOf(certificate, id)).toBe(false)
  })

  it('REV-01: compares all of both digests', () => {
    const shorter = (content: Uint8Array): Uint8Array => content.subarray(0, 1)
    const flipped = (content: Uint8Array): Uint8Array => content.with(-1, (content.at(-1) ?? 0) ^ 1)
    const none = (): Uint8Array => new Uint8Array()
    const longer = (content: Uint8Array): Uint8Array => Buffer.concat([content, Buffer.of(0)])
    for (const path of [AT.issuerNameHash, AT.issuerKeyHash]) {
      for (const change of [shorter, flipped, none, longer]) {
        expect(isIssuerOf(issuer.certificate, read(editContent(id.der, path, change)))).toBe(false)
      }
    }
    // The two digests in each other's place.
    const swapped = editDer(id.der, [1], () => elementAt(id.der, [2]))
    expect(isIssuerOf(issuer.certificate, read(editDer(swapped, [2], () => elementAt(id.der, [1]))))).toBe(false)
  })

  it('REV-01: digests of one kind do not fit under the name of another', () => {
    for (const [digest, oid] of DIGESTS) {
      for (const [, other] of DIGESTS) {
        const { der } = certIdOf(issuer.certificate, serialNumber, digest)
        const renamed = read(editDer(der, AT.digest, () => encodeObjectIdentifier(other)))
        expect(isIssuerOf(issuer.certificate, renamed)).toBe(other === oid)
      }
    }
  })

  it('a name is compared by its octets: the same name in another string type is another', () => {
    const { der } = issuer.certificate.subject
    const inUtf8 = Uint8Array.from(der, (octet) => (octet === TAG.printableString ? TAG.utf8String : octet))
    expect(toHex(inUtf8)).not.toBe(toHex(der))
    const changed = editContent(id.der, AT.issuerNameHash, () => hash('sha256', inUtf8, 'buffer'))
    expect(isIssuerOf(issuer.certificate, read(changed))).toBe(false)
  })
})
