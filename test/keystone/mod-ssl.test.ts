/** The variables of mod_ssl. */
import { describe, expect, it } from 'vitest'
import { encodeContext, encodeObjectIdentifier, encodeSequence, encodeString, OID, TAG } from '../../src/asn1/index.js'
import { attributesAsKeystone, modSslEnvironment, strictAttributes } from '../../src/keystone/index.js'
import { type Certificate, encodeGeneralName } from '../../src/x509/index.js'
import { makeCertificate } from '../support/certificates.js'
import { extensionDer } from '../support/hierarchy.js'
import { nameOf } from '../support/names.js'

const issuer = makeCertificate({
  subject: nameOf([[OID.organizationName, 'Cloud']], [[OID.commonName, 'CA']]),
  ca: true,
})
const SUBJECT = nameOf(
  [[OID.organizationalUnitName, 'users']],
  [[OID.organizationalUnitName, 'admins']],
  [[OID.emailAddress, 'a@b.example', TAG.ia5String]],
  [[OID.serialNumber, '7', TAG.printableString]],
  [[OID.commonName, 'nova']],
)

const certificate = makeCertificate({
  subject: SUBJECT,
  issuer,
  serialNumber: '0abc',
  notBefore: new Date('2026-11-02T05:00:00Z'),
  notAfter: new Date('2027-11-22T05:06:07Z'),
  names: [
    { kind: 'dns', value: 'a.example' },
    { kind: 'email', value: 'x@a.example' },
    { kind: 'dns', value: 'b.example' },
  ],
}).certificate

/** A certificate with one otherName. */
function withOtherName(...content: readonly Uint8Array[]): Certificate {
  const names = encodeSequence(encodeContext(0, ...content), encodeGeneralName({ kind: 'dns', value: 'a' }))
  return makeCertificate({
    subject: SUBJECT,
    issuer,
    moreExtensionsDer: [extensionDer(OID.subjectAltName, false, names)],
  }).certificate
}
const UPN = encodeObjectIdentifier('1.3.6.1.4.1.311.20.2.3')

describe('modSslEnvironment', () => {
  it('is what mod_ssl sets', () => {
    expect(modSslEnvironment(certificate)).toEqual({
      SSL_CLIENT_VERIFY: 'SUCCESS',
      SSL_CLIENT_M_VERSION: '3',
      SSL_CLIENT_M_SERIAL: '0ABC',
      SSL_CLIENT_V_START: 'Nov  2 05:00:00 2026 GMT',
      SSL_CLIENT_V_END: 'Nov 22 05:06:07 2027 GMT',
      SSL_CLIENT_S_DN: 'CN=nova,serialNumber=7,emailAddress=a@b.example,OU=admins,OU=users',
      SSL_CLIENT_I_DN: 'CN=CA,O=Cloud',
      // The plain name has the first, and there is no _0.
      SSL_CLIENT_S_DN_OU: 'users',
      SSL_CLIENT_S_DN_OU_1: 'admins',
      SSL_CLIENT_S_DN_Email: 'a@b.example',
      SSL_CLIENT_S_DN_CN: 'nova',
      SSL_CLIENT_I_DN_O: 'Cloud',
      SSL_CLIENT_I_DN_CN: 'CA',
      SSL_CLIENT_SAN_DNS_0: 'a.example',
      SSL_CLIENT_SAN_DNS_1: 'b.example',
      SSL_CLIENT_SAN_Email_0: 'x@a.example',
    })
  })

  it('is the assertion of tokenless authorization', () => {
    expect(attributesAsKeystone(certificate, 'tokenless')).toEqual(modSslEnvironment(certificate))
    expect(attributesAsKeystone(certificate, 'mod_ssl')).toEqual(modSslEnvironment(certificate))
  })

  it('has the certificate, and legacy names, where Apache is told so', () => {
    const more = modSslEnvironment(certificate, { names: 'legacy', certificate: 'exported' })
    expect(more['SSL_CLIENT_I_DN']).toBe('/O=Cloud/CN=CA')
    expect(more['SSL_CLIENT_CERT']).toBe(certificate.toPem())
  })

  it('escapes control characters, and prints octets of what is no text', () => {
    const subject = nameOf([[OID.commonName, 'a\\b\0c']], [[OID.organizationName, 'octets', TAG.octetString]])
    const odd = makeCertificate({ subject, issuer }).certificate
    expect(modSslEnvironment(odd)).toMatchObject({ SSL_CLIENT_S_DN_CN: 'a\\\\b\\00c', SSL_CLIENT_S_DN_O: 'octets' })
    expect(strictAttributes(odd, 'mod_ssl')).toMatchObject({ SSL_CLIENT_S_DN_CN: ['a\\b\0c'], SSL_CLIENT_S_DN_O: [] })
  })

  it('has the user principal names', () => {
    const value = encodeContext(0, encodeString('nova@cloud.example'))
    expect(modSslEnvironment(withOtherName(UPN, value))).toMatchObject({
      SSL_CLIENT_SAN_OTHER_msUPN_0: 'nova@cloud.example',
      SSL_CLIENT_SAN_DNS_0: 'a',
    })
  })

  it.each([
    ['another type', [encodeObjectIdentifier('1.3.6.1.5.5.7.8.9'), encodeContext(0, encodeString('a'))]],
    ['another string', [UPN, encodeContext(0, encodeString('a', TAG.ia5String))]],
    ['no value', [UPN]],
    ['two values', [UPN, encodeContext(0, encodeString('a')), encodeContext(0, encodeString('b'))]],
  ])('has none of an otherName with %s', (_claim, content) => {
    expect(Object.keys(modSslEnvironment(withOtherName(...content))).filter((name) => name.includes('UPN'))).toEqual([])
  })
})

describe('strictAttributes of mod_ssl', () => {
  it('are decoded values, all of them under the plain name', () => {
    expect(strictAttributes(certificate, 'mod_ssl')).toMatchObject({
      SSL_CLIENT_S_DN_OU: ['users', 'admins'],
      SSL_CLIENT_S_DN_OU_1: 'admins',
      SSL_CLIENT_S_DN_CN: ['nova'],
      SSL_CLIENT_SAN_DNS_1: 'b.example',
    })
  })
})
