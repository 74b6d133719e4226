/** From certificates to identities: strictly, and never otherwise than Keystone. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  ATTRIBUTE_FORMS,
  type AttributeForm,
  attributesAsKeystone,
  mapCertificate,
  parseKeystoneMapping,
  processAsKeystone,
  processStrictly,
  requireSafe,
  strictAttributes,
} from '../../src/keystone/index.js'
import type { Certificate, Name } from '../../src/x509/index.js'
import { isRefusal } from '../conformance/suite.js'
import { keyFor, makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { type Attribute, nameOf } from '../support/names.js'

const issuer = makeCertificate({ subject: 'CA', ca: true })
const key = keyFor('attributes')

function certificateOf(subject: Name): Certificate {
  return makeCertificate({ subject, issuer, key }).certificate
}
function named(...attributes: readonly Attribute[]): Certificate {
  return certificateOf(nameOf(...attributes.map((attribute) => [attribute])))
}

/** Where each form has the common name, the organization and the issuer. */
const TYPES: Readonly<Record<AttributeForm, readonly [cn: string, o: string, issuerCn: string]>> = {
  mod_ssl: ['SSL_CLIENT_S_DN_CN', 'SSL_CLIENT_S_DN_O', 'SSL_CLIENT_I_DN_CN'],
  tokenless: ['SSL_CLIENT_S_DN_CN', 'SSL_CLIENT_S_DN_O', 'SSL_CLIENT_I_DN_CN'],
  haproxy: ['SSL_CLIENT_S_DN_CN', 'SSL_CLIENT_S_DN_O', 'SSL_CLIENT_I_DN_CN'],
  oauth2: ['SSL_CLIENT_SUBJECT_DN_CN', 'SSL_CLIENT_SUBJECT_DN_O', 'SSL_CLIENT_ISSUER_DN_CN'],
}

/** The common name is the user; the organizations are groups; who is not of `gate` is nobody. */
function mappingFor(form: AttributeForm, gate?: string) {
  const [cn, o, issuerCn] = TYPES[form]
  const local = [{ user: { name: '{0}', domain: { id: 'd' } } }, { groups: '{1}', domain: { id: 'd' } }]
  const gates = gate === undefined ? [] : [{ type: o, any_one_of: [gate] }]
  const remote = [{ type: cn }, { type: o }, { type: issuerCn, any_one_of: ['CA'] }, ...gates]
  return requireSafe(parseKeystoneMapping({ rules: [{ local, remote }] }))
}

describe.each(ATTRIBUTE_FORMS)('mapCertificate: the form %s', (form) => {
  it('maps a certificate', () => {
    const certificate = named([OID.organizationName, 'cloud'], [OID.commonName, 'nova'])
    expect(mapCertificate(certificate, mappingFor(form, 'cloud'), form)).toEqual({
      user: { name: 'nova', domain: { id: 'd' }, type: 'ephemeral' },
      group_ids: [],
      group_names: [{ name: 'cloud', domain: { id: 'd' } }],
      projects: [],
    })
  })

  it.each<[ErrorCode, string, readonly Attribute[]]>([
    ['ERR_KEYSTONE_SEPARATOR', 'ID-02: a semicolon', [[OID.commonName, 'nova;admin']]],
    ['ERR_KEYSTONE_CHARACTER', 'ID-07: a NUL', [[OID.commonName, 'nova\0.evil']]],
    ['ERR_KEYSTONE_CHARACTER', 'a line break', [[OID.commonName, 'nova\nadmin']]],
    ['ERR_KEYSTONE_CHARACTER', 'what nobody sees', [[OID.commonName, 'no\u200bva']]],
    ['ERR_KEYSTONE_CHARACTER', 'nothing', [[OID.commonName, '']]],
    ['ERR_KEYSTONE_CHARACTER', 'a space at the end', [[OID.commonName, 'nova ']]],
    [
      'ERR_KEYSTONE_CHARACTER',
      'a list of groups',
      [
        [OID.organizationName, "['a', 'b']"],
        [OID.commonName, 'nova'],
      ],
    ],
    [
      'ERR_KEYSTONE_VALUES',
      'ID-06: two common names',
      [
        [OID.commonName, 'nova'],
        [OID.commonName, 'admin'],
      ],
    ],
    [
      'ERR_KEYSTONE_DISAGREES',
      'two organizations',
      [
        [OID.organizationName, 'more'],
        [OID.commonName, 'nova'],
      ],
    ],
  ])('%s: refuses %s', (code, _claim, attributes) => {
    const certificate = named([OID.organizationName, 'cloud'], ...attributes)
    expectCode(code, () => mapCertificate(certificate, mappingFor(form), form))
  })

  it('refuses who has nothing that is asked for', () => {
    expectCode('ERR_IDENTITY_UNMAPPED', () => mapCertificate(named([OID.commonName, 'nova']), mappingFor(form), form))
  })

  it('ID-06: a gate that only another one of two values passes lets nobody in', () => {
    for (const [first, second] of [
      ['users', 'admins'],
      ['admins', 'users'],
    ] as const) {
      const certificate = named([OID.organizationName, first], [OID.organizationName, second], [OID.commonName, 'nova'])
      expectCode('ERR_KEYSTONE_DISAGREES', () => mapCertificate(certificate, mappingFor(form, 'admins'), form))
    }
  })

  it('never yields a user that Keystone would not', () => {
    const text = fc.oneof(
      fc.constantFrom('nova', 'admin', 'cloud', 'a;b', "['a']", 'a=b', 'a,b', 'größe', '', ' ', 'a\0b', '\\', '#', '"'),
      fc.string({ maxLength: 4 }),
    )
    const attribute = fc.tuple(
      fc.constantFrom(OID.commonName, OID.organizationName, OID.organizationalUnitName),
      text.filter((value) => value.isWellFormed()),
    )
    const rdns = fc.array(
      attribute.map((one): readonly Attribute[] => [one]),
      { maxLength: 4 },
    )
    let mapped = 0
    fc.assert(
      fc.property(rdns, fc.constantFrom(undefined, 'cloud', 'admin'), (all, gate) => {
        const certificate = certificateOf(nameOf(...all, [[OID.organizationName, 'cloud']], [[OID.commonName, 'nova']]))
        const mapping = mappingFor(form, gate)
        const strict = attempt(() => mapCertificate(certificate, mapping, form))
        if (strict === undefined) return
        mapped++
        const keystone = processAsKeystone(mapping.mapping, attributesAsKeystone(certificate, form))
        expect(strict.user).toEqual(keystone.user)
        expect(new Set(strict.group_names)).toEqual(new Set(keystone.group_names))
        // Nor anything that the verified attributes do not say.
        expect(strict).toEqual(processStrictly(mapping, strictAttributes(certificate, form)))
      }),
      { seed: 7, numRuns: 150 },
    )
    expect(mapped).toBeGreaterThan(0)
  })
})

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
}
