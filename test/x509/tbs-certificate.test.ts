import { describe, expect, it } from 'vitest'
import { signatureAlgorithmOf, SIGNATURE_ALGORITHMS, verifySignature } from '../../src/crypto/index.js'
import { encodeBasicConstraints, encodeSigned, encodeTbsCertificate, parseCertificate } from '../../src/x509/index.js'
import { commonName, keyFor, NOT_AFTER, NOT_BEFORE } from '../support/certificates.js'
import { elementAt, fromHex, toHex } from '../support/der.js'

const key = keyFor('tbs')
const template = {
  serialNumberOctets: fromHex('00ff01'),
  signatureAlgorithm: key.signatureAlgorithm,
  issuer: commonName('Issuer'),
  notBefore: NOT_BEFORE,
  notAfter: NOT_AFTER,
  subject: commonName('Subject'),
  spkiDer: key.publicKey.spkiDer,
  extensionsDer: [encodeBasicConstraints({ ca: false, pathLenConstraint: undefined })],
}

describe('encodeTbsCertificate and encodeSigned', () => {
  const tbsDer = encodeTbsCertificate(template)
  const certificate = parseCertificate(encodeSigned(tbsDer, key.signatureAlgorithm, key.sign(tbsDer)))

  it('make a version 3 certificate that reads back field by field', () => {
    expect(certificate.version).toBe(3)
    expect(certificate.serialNumber).toBe('ff01')
    expect(certificate.issuer.equals(template.issuer)).toBe(true)
    expect(certificate.subject.equals(template.subject)).toBe(true)
    expect(certificate.notBefore.getTime()).toBe(NOT_BEFORE.getTime())
    expect(certificate.notAfter.getTime()).toBe(NOT_AFTER.getTime())
    expect(toHex(certificate.spkiDer)).toBe(toHex(key.publicKey.spkiDer))
    expect(certificate.extensions.size).toBe(1)
    expect(toHex(certificate.tbsDer)).toBe(toHex(tbsDer))
    const algorithm = signatureAlgorithmOf(certificate.signatureAlgorithm)
    expect(verifySignature(algorithm, certificate.publicKey, certificate.tbsDer, certificate.signatureValue)).toBe(true)
  })

  it('write the serial number as a positive INTEGER in its shortest form', () => {
    const serialOf = (hex: string): string =>
      toHex(elementAt(encodeTbsCertificate({ ...template, serialNumberOctets: fromHex(hex) }), [1]))
    expect(serialOf('80')).toBe('02020080')
    expect(serialOf('0000007f')).toBe('02017f')
    expect(serialOf('00ff')).toBe('020200ff')
  })

  it('write times from 2050 on as GeneralizedTime (RFC 5280 §4.1.2.5)', () => {
    const tbs = encodeTbsCertificate({ ...template, notAfter: new Date('2050-01-01T00:00:00Z') })
    expect(elementAt(tbs, [4, 0])[0]).toBe(0x17)
    expect(elementAt(tbs, [4, 1])[0]).toBe(0x18)
  })

  it('write one signature algorithm inside and outside', () => {
    expect(toHex(elementAt(certificate.der, [1]))).toBe(toHex(elementAt(certificate.der, [0, 2])))
    expect(toHex(elementAt(certificate.der, [1]))).toBe(toHex(SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifierDer))
  })
})
