import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { OID, TAG } from '../../src/asn1/index.js'
import { identityProviderId, issuerSpellings } from '../../src/keystone/index.js'
import { makeCertificate } from '../support/certificates.js'
import { nameOf } from '../support/names.js'

describe('the identity provider of tokenless authorization', () => {
  const issuer = makeCertificate({
    subject: nameOf(
      [[OID.countryName, 'US', TAG.printableString]],
      [[OID.localityName, 'San José']],
      [[OID.commonName, 'Foo Signer']],
      [[OID.emailAddress, 'admin@foosigner.com', TAG.ia5String]],
    ),
    ca: true,
  })
  const { certificate } = makeCertificate({ subject: 'node', issuer })
  const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

  it('requirement 50: is the digest of the issuer, in either spelling', () => {
    const rfc2253 = 'emailAddress=admin@foosigner.com,CN=Foo Signer,L=San José,C=US'
    const legacy = '/C=US/L=San Jos\\xC3\\xA9/CN=Foo Signer/emailAddress=admin@foosigner.com'
    expect(issuerSpellings(certificate)).toEqual({
      rfc2253: { text: rfc2253, identityProvider: sha256(rfc2253) },
      legacy: { text: legacy, identityProvider: sha256(legacy) },
    })
    expect(identityProviderId('CN=a')).toBe(sha256('CN=a'))
  })
})
