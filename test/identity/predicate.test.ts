import { hash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import {
  type EntityLookup,
  entityRecord,
  explainIdentity,
  parseMapping,
  resolveIdentity,
  RoleGraph,
  roleRecord,
  traceRules,
} from '../../src/identity/index.js'
import { Pattern } from '../../src/identity/pattern.js'
import { ATTRIBUTE_NAMES } from '../../src/identity/name-syntax.js'
import { type ValidatedPath, validatePath } from '../../src/path/index.js'
import type { EntityRecord } from '../../src/store/index.js'
import { attributeType, buildName, parseIpAddress } from '../../src/x509/index.js'
import { type CertificateOptions, type Holder, makeCertificate, NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { OTHER_KEY } from '../support/mapping-files.js'

const ca = makeCertificate({ subject: 'CA', ca: true })
const KEY = hash('sha256', ca.certificate.spkiDer, 'hex')

function pathOf(options: CertificateOptions, issuer: Holder = ca): ValidatedPath {
  const { certificate } = makeCertificate({ subject: 'node-7', issuer, ...options })
  return validatePath(certificate, {
    anchors: [ca.certificate],
    ...(issuer === ca ? {} : { intermediates: [issuer.certificate] }),
    at: NOW,
    purpose: 'allow-any',
    revocation: 'allow-unchecked',
  })
}

const NODE = { scope: 'r/s', service: 'compute', node: '{node}', roles: ['worker'], groups: ['b', 'a', 'b'] }
const FIXED = { ...NODE, node: 'fixed' }

function rule(when: Readonly<Record<string, unknown>>, then: unknown = FIXED): string {
  const rules = [{ name: 'only', when: { issuerKey: KEY, ...when }, then }]
  return JSON.stringify({ version: 1, trustDomain: 'cloud.example', rules })
}

const roles = new RoleGraph(['a', 'b', 'worker'].map((name) => roleRecord(name, [], NOW)))

function registry(...entities: readonly EntityRecord[]): EntityLookup {
  return {
    entity: (id) => Promise.resolve(entities.find((item) => item.id === id)),
    entityByUri: (text) => Promise.resolve(entities.find((item) => item.uri === text)),
    roleGraph: () => Promise.resolve(roles),
  }
}

/** The node of the identity, or why the last predicate that was asked does not hold. */
async function ask(text: string, path: ValidatedPath): Promise<string> {
  const mapping = parseMapping(text)
  const [trace] = traceRules(path, mapping)
  const why = trace?.predicates.at(-1)?.why
  if (why === undefined) return (await resolveIdentity(path, mapping, registry())).node
  await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveIdentity(path, mapping, registry()))
  return why
}

function san(...general: readonly Uint8Array[]): CertificateOptions {
  const value = encodeOctetString(encodeSequence(...general))
  return { moreExtensionsDer: [encodeSequence(encodeObjectIdentifier(OID.subjectAltName), value)] }
}
const named = (number: number, text: string): Uint8Array => encodeContextPrimitive(number, Buffer.from(text, 'latin1'))
const address = (text: string): Uint8Array => encodeContextPrimitive(7, parseIpAddress(text) ?? new Uint8Array())
const otherName = (type: string, value: Uint8Array): Uint8Array =>
  encodeContext(0, encodeObjectIdentifier(type), encodeContext(0, value))
const upn = (text: string): Uint8Array => otherName('1.3.6.1.4.1.311.20.2.3', encodeString(text, TAG.utf8String))
const general = (text: string): Uint8Array => encodeValue(0x1b, Buffer.from(text, 'latin1'))
const kerberos = (realm: string, ...components: readonly string[]): Uint8Array => {
  const principal = encodeSequence(
    encodeContext(0, encodeInteger(1)),
    encodeContext(1, encodeSequence(...components.map(general))),
  )
  return otherName('1.3.6.1.5.2.2', encodeSequence(encodeContext(0, general(realm)), encodeContext(1, principal)))
}

describe('requirement 49: names of many kinds stand for an entity, each by rules of its own kind', () => {
  it.each<[string, Readonly<Record<string, unknown>>, Uint8Array, string]>([
    ['a mailbox', { email: '{node}@cloud.example' }, named(1, 'n1@Cloud.Example'), 'n1'],
    [
      'a mailbox whose local part has another case',
      { email: 'n1@cloud.example' },
      named(1, 'N1@cloud.example'),
      'it has another',
    ],
    [
      'a mailbox of another domain',
      { email: '{node}@cloud.example' },
      named(1, 'n1@x.cloud.example'),
      'it has another',
    ],
    [
      'a mailbox with two',
      { email: '{node}@cloud.example' },
      named(1, 'n1@cloud.example@cloud.example'),
      'it has another',
    ],
    [
      'a mailbox that is no part of an identity',
      { email: '{node}@cloud.example' },
      named(1, 'a+b@cloud.example'),
      '"a+b" cannot be captured: it is not part of an identity',
    ],
    ['no mailbox', { email: '{node}@cloud.example' }, named(2, 'cloud.example'), 'it has none'],
    ['a UPN', { upn: '{node}@cloud.example' }, upn('n1@CLOUD.EXAMPLE'), 'n1'],
    ['a UPN of another user', { upn: 'zoë@cloud.example' }, upn('zoe@cloud.example'), 'it has another'],
    ['a principal', { kerberos: 'nova/{node}@CLOUD.EXAMPLE' }, kerberos('CLOUD.EXAMPLE', 'nova', 'n1'), 'n1'],
    [
      'a principal of a realm in another case',
      { kerberos: 'nova/{node}@CLOUD.EXAMPLE' },
      kerberos('cloud.example', 'nova', 'n1'),
      'it has another',
    ],
    ['a principal with a slash inside', { kerberos: 'nova/{node}@R' }, kerberos('R', 'nova/n1'), 'it has another'],
    [
      'a principal with more components',
      { kerberos: 'nova/{node}@R' },
      kerberos('R', 'nova', 'n1', 'x'),
      'it has another',
    ],
    ['an address', { ip: '192.0.2.7' }, address('192.0.2.7'), 'fixed'],
    ['another address', { ip: '192.0.2.7' }, address('192.0.2.8'), 'it has others'],
    ['an address in a range', { ip: '192.0.2.128/25' }, address('192.0.2.255'), 'fixed'],
    ['an address before a range', { ip: '192.0.2.128/25' }, address('192.0.2.127'), 'it has others'],
    ['every address', { ip: '0.0.0.0/0' }, address('255.255.255.255'), 'fixed'],
    ['an IPv6 address in every IPv4 one', { ip: '0.0.0.0/0' }, address('::1'), 'it has others'],
    ['an IPv6 address in a range', { ip: '2001:db8:8000::/33' }, address('2001:db8:ffff::1'), 'fixed'],
    ['an IPv6 address before a range', { ip: '2001:db8:8000::/33' }, address('2001:db8:7fff::1'), 'it has others'],
    ['an IPv4 address in IPv6 clothes', { ip: '192.0.2.7' }, address('::ffff:c000:207'), 'it has others'],
    ['no address', { ip: '192.0.2.7' }, named(2, 'a.example'), 'it has none'],
  ])('%s', async (_claim, when, name, outcome) => {
    expect(await ask(rule(when, JSON.stringify(when).includes('{node}') ? NODE : FIXED), pathOf(san(name)))).toBe(
      outcome,
    )
  })
})

describe('rules on what a certificate is for', () => {
  const purposes = (...oids: readonly string[]): ValidatedPath => pathOf({ purposes: oids })
  const subject = { CN: 'node-7' }

  it('extKeyUsage: the certificate names all of them, by itself', async () => {
    const text = rule({ subject, extKeyUsage: ['clientAuth', '1.2.3.4'] })
    expect(await ask(text, purposes(OID.kpClientAuth, '1.2.3.4', OID.kpServerAuth))).toBe('fixed')
    expect(await ask(text, purposes(OID.kpClientAuth))).toBe('1.2.3.4 is missing')
    expect(await ask(text, purposes('1.2.3.4'))).toBe(`${OID.kpClientAuth} is missing`)
    expect(await ask(text, purposes(OID.anyExtendedKeyUsage))).toBe(`${OID.kpClientAuth} is missing`)
    expect(await ask(text, pathOf({}))).toBe(`${OID.kpClientAuth} is missing`)
  })

  it('policies: the path is valid for all of them, whatever the end entity asserts', async () => {
    const policies = (...oids: readonly string[]): Uint8Array =>
      encodeSequence(
        encodeObjectIdentifier(OID.certificatePolicies),
        encodeOctetString(encodeSequence(...oids.map((oid) => encodeSequence(encodeObjectIdentifier(oid))))),
      )
    const below = (...oids: readonly string[]): Holder =>
      makeCertificate({
        subject: 'Below',
        issuer: ca,
        ca: true,
        ...(oids.length === 0 ? {} : { moreExtensionsDer: [policies(...oids)] }),
      })
    const issuerKey = hash('sha256', below().certificate.spkiDer, 'hex')
    const text = rule({ issuerKey, subject, policies: ['1.2.3'] })
    const asserting = { moreExtensionsDer: [policies('1.2.3')] }
    expect(await ask(text, pathOf(asserting, below('1.2.3', '1.2.4')))).toBe('fixed')
    expect(await ask(text, pathOf(asserting, below(OID.anyPolicy)))).toBe('fixed')
    expect(await ask(text, pathOf(asserting, below('1.2.4')))).toBe('1.2.3 is missing')
    expect(await ask(text, pathOf(asserting, below()))).toBe('1.2.3 is missing')
    expect(await ask(text, pathOf({}, below('1.2.3')))).toBe('1.2.3 is missing')
    const any = { moreExtensionsDer: [policies(OID.anyPolicy)] }
    expect(await ask(text, pathOf(any, below(OID.anyPolicy)))).toBe('1.2.3 is missing')
  })

  it('issuerKey: one of several, while a CA changes its key', async () => {
    expect(await ask(rule({ issuerKey: [OTHER_KEY, KEY], subject }), pathOf({}))).toBe('fixed')
    expect(await ask(rule({ issuerKey: [OTHER_KEY], subject }), pathOf({}))).toBe('another key issued it')
  })

  it('knows each attribute type that it has a name for', () => {
    for (const name of ATTRIBUTE_NAMES) expect(attributeType(name)).toBeDefined()
  })
})

describe('requirement 58: who somebody is, is not where; a result names an entity, or parts', () => {
  const node = entityRecord(
    { id: 'node-7', kind: 'node', service: 'compute', scope: 'r', roles: ['b', 'a'] },
    'cloud.example',
    NOW,
  )
  const path = pathOf({ subject: 'node-7', ...san(named(2, 'elsewhere.example')) })
  const resolved = async (text: string, ...entities: readonly EntityRecord[]): Promise<unknown> =>
    resolveIdentity(path, parseMapping(text), registry(...entities))

  it('an entity by its id, captured or literal, with its roles in the registry', async () => {
    for (const [when, entity] of [
      [{ CN: '{entity}' }, '{entity}'],
      [{ CN: '{node}' }, '{node}'],
      [{ CN: 'node-7' }, 'node-7'],
    ] as const) {
      const text = rule({ subject: when }, { entity })
      expect(await resolved(text, node)).toMatchObject({ entity: 'node-7', uri: node.uri, roles: ['a', 'b'] })
      await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolved(text))
      for (const state of ['quarantined', 'retired'] as const) {
        await expectCodeAsync('ERR_ENTITY_INACTIVE', () => resolved(text, { ...node, state }))
      }
    }
  })

  it('parts with groups, sorted and each once', async () => {
    expect(await resolved(rule({ subject: { CN: '{node}' } }, NODE))).toMatchObject({
      uri: 'spiffe://cloud.example/r/s/compute/node-7',
      groups: ['a', 'b'],
    })
  })

  it('says of each rule why it does not match, in the order of the file', async () => {
    const rules = [
      { dns: 'x' },
      { subject: { CN: 'y', O: 'z' } },
      { uri: 'x:a' },
      { subject: { CN: 'node-7' } },
      { dns: 'y' },
    ]
    const mapping = parseMapping(
      JSON.stringify({
        version: 1,
        trustDomain: 'cloud.example',
        rules: rules.map((when, index) => ({ name: `r${index}`, when: { issuerKey: KEY, ...when }, then: FIXED })),
      }),
    )
    const { trace, rule: decisive } = await explainIdentity(path, mapping, registry())
    expect(decisive).toBe('r3')
    expect(trace.map(({ rule: name, predicates }) => [name, predicates.at(-1)?.on, predicates.at(-1)?.why])).toEqual([
      ['r0', 'dns', 'it has another'],
      ['r1', 'subject.CN', 'it has another'],
      ['r2', 'uri', 'it has none'],
      ['r3', 'subject.CN', undefined],
    ])
  })

  it('asks a rule on an exact name only about certificates that have it, and tells twenty rules of a refusal', async () => {
    const rules = Array.from({ length: 2000 }, (_, index) => ({
      name: `r${index}`,
      when: { issuerKey: KEY, subject: { O: 'Cloud', CN: `n${index}` } },
      then: FIXED,
    }))
    const mapping = parseMapping(JSON.stringify({ version: 1, trustDomain: 'cloud.example', rules }))
    const match = vi.spyOn(Pattern.prototype, 'match')
    const subject = buildName([
      [OID.organizationName, 'Cloud'],
      [OID.commonName, 'n1999'],
    ])
    await resolveIdentity(pathOf({ subject }), mapping, registry())
    expect(match.mock.calls.length).toBeLessThanOrEqual(2)
    match.mockRestore()
    const error = await expectCodeAsync('ERR_IDENTITY_UNMAPPED', () => resolveIdentity(path, mapping, registry()))
    expect(Object.keys(error.details).filter((key) => key.startsWith('rule '))).toHaveLength(20)
    expect(error.details['further rules']).toBe('1980')
  })
})
