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
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { type AccessDescription, encodeAuthorityInfoAccess, encodeGeneralName } from '../../src/x509/index.js'
import { readAuthorityInfoAccess } from '../../src/x509/information-access.js'
import { commonName, makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer } from '../support/hierarchy.js'

const DESCRIPTIONS: readonly AccessDescription[] = [
  { method: OID.ocsp, location: { kind: 'uri', value: 'http://ocsp.example/' } },
  { method: OID.caIssuers, location: { kind: 'uri', value: 'ldap://ca.example/cn=CA?cACertificate' } },
  { method: OID.caIssuers, location: { kind: 'directory', name: commonName('CA') } },
  { method: '1.2.3.4', location: { kind: 'email', value: 'ca@ca.example' } },
]
const uriDer = encodeGeneralName({ kind: 'uri', value: 'http://ocsp.example/' })

function read(der: Uint8Array): readonly AccessDescription[] {
  const reader = DerReader.over(der, CERTIFICATE_LIMITS)
  const descriptions = readAuthorityInfoAccess(reader)
  reader.finish()
  return descriptions
}

describe('authorityInfoAccess (RFC 5280 §4.2.2.1)', () => {
  it('is read in its order, with any method and kind of name, as it was written', () => {
    expect(read(encodeAuthorityInfoAccess(DESCRIPTIONS))).toEqual(DESCRIPTIONS)
    expect(read(encodeAuthorityInfoAccess(DESCRIPTIONS.slice(0, 1)))).toEqual(DESCRIPTIONS.slice(0, 1))
  })

  it('is there in a certificate that has it, and else is not', () => {
    const moreExtensionsDer = [extensionDer(OID.authorityInfoAccess, false, encodeAuthorityInfoAccess(DESCRIPTIONS))]
    expect(makeCertificate({ moreExtensionsDer }).certificate.authorityInfoAccess).toEqual(DESCRIPTIONS)
    expect(makeCertificate().certificate.authorityInfoAccess).toBeUndefined()
  })

  const description = (...fields: readonly Uint8Array[]): Uint8Array => encodeSequence(encodeSequence(...fields))
  const ocsp = encodeObjectIdentifier(OID.ocsp)
  const malformed: readonly (readonly [claim: string, der: Uint8Array, code: ErrorCode])[] = [
    ['that is empty', encodeSequence(), 'ERR_EXTENSION_MALFORMED'],
    ['that is a description alone', encodeSequence(ocsp, uriDer), 'ERR_DER_TAG'],
    ['with an empty description', description(), 'ERR_DER_TRUNCATED'],
    ['without a method', description(uriDer), 'ERR_DER_TAG'],
    ['without a location', description(ocsp), 'ERR_DER_TAG'],
    ['with a location that is no general name', description(ocsp, encodeInteger(1)), 'ERR_DER_TAG'],
    ['with two locations', description(ocsp, uriDer, uriDer), 'ERR_DER_TRAILING_DATA'],
    ['with a location before the method', description(uriDer, ocsp), 'ERR_DER_TAG'],
    ['that is a SET', encodeValue(0x31, encodeSequence(ocsp, uriDer)), 'ERR_DER_TAG'],
    ['with more behind it', Buffer.concat([description(ocsp, uriDer), encodeNull()]), 'ERR_DER_TRAILING_DATA'],
  ]

  it.each(malformed)('one %s is refused', (_, der, code) => {
    expectCode(code, () => read(der))
    const { certificate } = makeCertificate({
      moreExtensionsDer: [extensionDer(OID.authorityInfoAccess, false, der)],
    })
    expectCode('ERR_EXTENSION_MALFORMED', () => certificate.authorityInfoAccess)
    expectCode('ERR_EXTENSION_MALFORMED', () => certificate.readAllExtensions())
  })

  it('has at most a hundred descriptions', () => {
    const [first] = DESCRIPTIONS
    if (first === undefined) throw new Error('there is one')
    const many = (count: number): Uint8Array => encodeAuthorityInfoAccess(Array.from({ length: count }, () => first))
    expect(read(many(100))).toHaveLength(100)
    expectCode('ERR_LIMIT_EXCEEDED', () => read(many(101)))
  })
})
