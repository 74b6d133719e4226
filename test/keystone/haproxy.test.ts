/** What HAProxy's headers become. */
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { attributesAsKeystone, strictAttributes } from '../../src/keystone/index.js'
import type { Certificate } from '../../src/x509/index.js'
import { makeCertificate } from '../support/certificates.js'
import { type Attribute, nameOf } from '../support/names.js'

function certificateOf(
  subject: readonly Attribute[],
  ca: readonly Attribute[] = [[OID.commonName, 'CA']],
): Certificate {
  const issuer = makeCertificate({ subject: nameOf(...ca.map((attribute) => [attribute])), ca: true })
  return makeCertificate({ subject: nameOf(...subject.map((attribute) => [attribute])), issuer }).certificate
}

describe('the form of HAProxy', () => {
  it('has the first of each, and an empty text for what is missing', () => {
    const certificate = certificateOf([
      [OID.commonName, 'nova'],
      [OID.commonName, 'admin'],
    ])
    expect(attributesAsKeystone(certificate, 'haproxy')).toEqual({
      SSL_CLIENT_I_DN: '/CN=CA',
      SSL_CLIENT_I_DN_CN: 'CA',
      SSL_CLIENT_S_DN_CN: 'nova',
      SSL_CLIENT_S_DN_O: '',
    })
    expect(strictAttributes(certificate, 'haproxy')).toEqual({
      SSL_CLIENT_I_DN: '/CN=CA',
      SSL_CLIENT_I_DN_CN: ['CA'],
      SSL_CLIENT_S_DN_CN: ['nova', 'admin'],
    })
  })

  it('ends a value at its NUL, for Keystone only', () => {
    const certificate = certificateOf([[OID.commonName, 'nova\0.evil.example']])
    expect(attributesAsKeystone(certificate, 'haproxy')['SSL_CLIENT_S_DN_CN']).toBe('nova')
    expect(strictAttributes(certificate, 'haproxy')['SSL_CLIENT_S_DN_CN']).toEqual(['nova\0.evil.example'])
  })

  it('two issuers with one text: it is left out', () => {
    const [one, other] = [
      certificateOf([[OID.commonName, 'a']], [[OID.commonName, 'b/O=c']]),
      certificateOf(
        [[OID.commonName, 'a']],
        [
          [OID.commonName, 'b'],
          [OID.organizationName, 'c'],
        ],
      ),
    ]
    const text = (certificate: Certificate) => attributesAsKeystone(certificate, 'haproxy')['SSL_CLIENT_I_DN']
    expect(text(one)).toBe(text(other))
    expect(strictAttributes(one, 'haproxy')).not.toHaveProperty('SSL_CLIENT_I_DN')
    expect(strictAttributes(other, 'haproxy')).toHaveProperty('SSL_CLIENT_I_DN', '/CN=b/O=c')
  })
})
