/** OAuth2 with mutual TLS; what Keystone itself says of many names is in test/interop/keystone. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { OID, TAG } from '../../src/asn1/index.js'
import {
  attributesAsKeystone,
  isUserToKeystone,
  type JsonObject,
  type KeystoneIdentity,
  keystoneThumbprint,
  requireUser,
  strictAttributes,
  thumbprint,
} from '../../src/keystone/index.js'
import type { Certificate } from '../../src/x509/index.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { type Attribute, nameOf } from '../support/names.js'

const issuer = makeCertificate({ subject: 'root_a.openstack.host', ca: true })

function certificateOf(...subject: readonly Attribute[]): Certificate {
  return makeCertificate({ subject: nameOf(...subject.map((attribute) => [attribute])), issuer }).certificate
}

describe('the form of OAuth2', () => {
  it('names attributes as Keystone does', () => {
    const certificate = certificateOf(
      [OID.userId, 'u1'],
      [OID.domainComponent, 'default', TAG.ia5String],
      [OID.emailAddress, 'test@demo.com', TAG.ia5String],
      [OID.title, 'T'],
      [OID.commonName, 'client01'],
    )
    const expected = {
      SSL_CLIENT_SUBJECT_DN_UID: 'u1',
      SSL_CLIENT_SUBJECT_DN_DC: 'default',
      SSL_CLIENT_SUBJECT_DN_EMAILADDRESS: 'test@demo.com',
      'SSL_CLIENT_SUBJECT_DN_2.5.4.12': 'T',
      SSL_CLIENT_SUBJECT_DN_CN: 'client01',
      SSL_CLIENT_ISSUER_DN_CN: 'root_a.openstack.host',
    }
    expect(attributesAsKeystone(certificate, 'oauth2')).toEqual(expected)
    const lists = Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, [value]]))
    expect(strictAttributes(certificate, 'oauth2')).toEqual(lists)
  })

  it('the last one wins with Keystone, and its escapes stay; strictly there are all, as they are', () => {
    const certificate = certificateOf([OID.commonName, 'nova'], [OID.commonName, 'a;b, c'])
    expect(attributesAsKeystone(certificate, 'oauth2')['SSL_CLIENT_SUBJECT_DN_CN']).toBe('a\\;b\\, c')
    expect(strictAttributes(certificate, 'oauth2')['SSL_CLIENT_SUBJECT_DN_CN']).toEqual(['nova', 'a;b, c'])
  })

  it.each<[string, Attribute]>([
    ['an equals sign', [OID.commonName, 'a=b']],
    ['octets', [OID.commonName, 'a', TAG.octetString]],
    ['Teletex that is no UTF-8', [OID.commonName, 'größe', TAG.teletexString]],
  ])('Keystone takes no name with %s', (_claim, attribute) => {
    const certificate = certificateOf(attribute)
    const error = expectCode('ERR_KEYSTONE_REFUSED', () => attributesAsKeystone(certificate, 'oauth2'))
    expect(error.details).toEqual({ keystone: 'ValidationError' })
    expect(Object.keys(strictAttributes(certificate, 'oauth2'))).toContain('SSL_CLIENT_ISSUER_DN_CN')
  })
})

describe('thumbprint', () => {
  const { certificate } = issuer

  it('is over DER and without padding (RFC 8705 §3.1)', () => {
    expect(thumbprint(certificate)).toBe(createHash('sha256').update(certificate.der).digest('base64url'))
    expect(thumbprint(certificate)).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })

  it("Keystone's is over the PEM, whichever it is, and padded", () => {
    expect(keystoneThumbprint(certificate)).toMatch(/^[A-Za-z0-9_-]{43}=$/)
    expect(keystoneThumbprint(certificate)).toBe(keystoneThumbprint(certificate, certificate.toPem()))
    expect(keystoneThumbprint(certificate)).not.toBe(keystoneThumbprint(certificate, certificate.toPem().trimEnd()))
  })
})

describe('the user who asks', () => {
  const stored = { id: 'u1', name: 'client01', email: 'a@b', domain: { id: 'd1', name: 'Default' } }
  const mapped = (user: JsonObject): KeystoneIdentity => ({ user, group_ids: [], group_names: [], projects: [] })
  const whole = { id: 'u1', name: 'client01', email: 'a@b', domain: { id: 'd1', name: 'Default' }, type: 'ephemeral' }

  it('is the one of the mapping', () => {
    for (const user of [whole, { id: 'u1', domain: { id: 'd1' } }, { id: 'u1', domain: { name: 'Default' } }]) {
      expect(isUserToKeystone(mapped(user), stored)).toBe(true)
      requireUser(mapped(user), stored)
    }
  })

  it.each<[string, JsonObject]>([
    ['id', { id: 'u2' }],
    ['name', { name: 'other' }],
    ['email', { email: 'x@y' }],
    ['domain id', { domain: { id: 'd2', name: 'Default' } }],
    ['domain name', { domain: { id: 'd1', name: 'Other' } }],
  ])('is not one with another %s', (_claim, change) => {
    expect(isUserToKeystone(mapped({ ...whole, ...change }), stored)).toBe(false)
    expectCode('ERR_KEYSTONE_OTHER_USER', () => {
      requireUser(mapped({ ...whole, ...change }), stored)
    })
  })

  it.each<[string, JsonObject]>([
    ['a domain alone', { domain: { id: 'd1' } }],
    ['an id without a domain', { id: 'u1' }],
    ['an empty domain', { id: 'u1', domain: {} }],
    ['an empty id', { id: '', domain: { id: 'd1' } }],
    ['nothing', {}],
  ])('%s lets anybody be anybody with Keystone, and nobody here', (_claim, user) => {
    expect(isUserToKeystone(mapped(user), stored)).toBe(true)
    expectCode('ERR_KEYSTONE_OTHER_USER', () => {
      requireUser(mapped(user), stored)
    })
  })
})
