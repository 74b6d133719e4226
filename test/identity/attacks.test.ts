/**
 * Attacks on the way from a certificate to an identity, by the ids of the catalogue. What is told of one part in full
 * stands in that part's own tests; here is each attack from end to end, with real certificates.
 */
import { hash } from 'node:crypto'
import { copyFileSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePrintableString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { loadCredential } from '../../src/credential/index.js'
import { isSignetError } from '../../src/errors/index.js'
import {
  defaultMappingText,
  type EntityLookup,
  entityRecord,
  type Identity,
  parseMapping,
  resolveIdentity,
  RoleGraph,
  roleRecord,
} from '../../src/identity/index.js'
import { validatePath } from '../../src/path/index.js'
import { buildName, createCertificationRequest, Name } from '../../src/x509/index.js'
import { DerReader, CERTIFICATE_LIMITS } from '../../src/asn1/index.js'
import { type CertificateOptions, type Holder, keyFor, makeCertificate, NOW } from '../support/certificates.js'
import { makeDeployment } from '../support/deployment.js'
import { expectCode } from '../support/expect-code.js'

const ca = makeCertificate({ subject: 'CA', ca: true })
const other = makeCertificate({ subject: 'CA', algorithm: 'p384', ca: true })
const digestOf = (holder: Holder): string => hash('sha256', holder.certificate.spkiDer, 'hex')
const KEY = digestOf(ca)

const roles = new RoleGraph(['worker', 'admin'].map((name) => roleRecord(name, [], NOW)))
const NOBODY: EntityLookup = {
  entity: () => Promise.resolve(undefined),
  entityByUri: () => Promise.resolve(undefined),
  roleGraph: () => Promise.resolve(roles),
}

const CAPTURED = { service: 's', node: '{node}', roles: ['worker'] }
const FIXED = { service: 's', node: 'fixed', roles: ['admin'] }

/** A mapping of one rule. */
function rule(when: Readonly<Record<string, unknown>>, then: unknown = FIXED): string {
  const rules = [{ name: 'only', when: { issuerKey: KEY, ...when }, then }]
  return JSON.stringify({ version: 1, trustDomain: 'cloud.example', rules })
}

/** Who a certificate is: the identity, or the code of whatever refused it first. */
async function who(text: string, options: CertificateOptions, issuer = ca, entities = NOBODY): Promise<string> {
  try {
    const { certificate } = makeCertificate({ subject: 'someone', issuer, ...options })
    const anchors = [ca.certificate, other.certificate]
    const path = validatePath(certificate, { anchors, at: NOW, purpose: 'allow-any', revocation: 'allow-unchecked' })
    return (await resolveIdentity(path, parseMapping(text), entities)).uri
  } catch (error) {
    if (isSignetError(error)) return error.code
    throw error
  }
}

const UNMAPPED = 'ERR_IDENTITY_UNMAPPED'
const FIXED_URI = 'spiffe://cloud.example/s/fixed'

const cn = (text: string): Name => buildName([[OID.commonName, text]])
const names = (...pairs: readonly (readonly [keyof typeof OID, string])[]): Name =>
  buildName(pairs.map(([type, text]) => [OID[type], text]))
const attribute = (type: string, value: Uint8Array): Uint8Array => encodeSequence(encodeObjectIdentifier(type), value)
/** A name of raw RDNs, each a list of attributes. */
const rawName = (...rdns: readonly (readonly Uint8Array[])[]): Name =>
  Name.read(DerReader.over(encodeSequence(...rdns.map((rdn) => encodeSetOf(...rdn))), CERTIFICATE_LIMITS))

/** A subjectAltName with any octets in it. */
function rawSan(...general: readonly Uint8Array[]): CertificateOptions {
  const value = encodeOctetString(encodeSequence(...general))
  return { moreExtensionsDer: [encodeSequence(encodeObjectIdentifier(OID.subjectAltName), value)] }
}
const ia5 = (number: number, text: string): Uint8Array => encodeContextPrimitive(number, Buffer.from(text, 'latin1'))
const [EMAIL, DNS, URI] = [1, 2, 6]
const otherName = (type: string, value: Uint8Array): Uint8Array =>
  encodeContext(0, encodeObjectIdentifier(type), encodeContext(0, value))
const upn = (text: string): Uint8Array => otherName('1.3.6.1.4.1.311.20.2.3', encodeString(text, TAG.utf8String))
const kerberosString = (text: string): Uint8Array => encodeValue(0x1b, Buffer.from(text, 'latin1'))
const kerberos = (realm: string, ...components: readonly string[]): Uint8Array =>
  otherName(
    '1.3.6.1.5.2.2',
    encodeSequence(
      encodeContext(0, kerberosString(realm)),
      encodeContext(
        1,
        encodeSequence(
          encodeContext(0, encodeInteger(1)),
          encodeContext(1, encodeSequence(...components.map(kerberosString))),
        ),
      ),
    ),
  )

describe('attacks on the mapping', () => {
  const admin = rule({ subject: { CN: 'admin' } })
  const anyNode = rule({ subject: { CN: '{node}' } }, CAPTURED)

  it.each<[string, Name]>([
    ['in an OU', names(['organizationalUnitName', 'x,CN=admin'], ['commonName', 'user'])],
    ['in an O', names(['organizationName', 'CN=admin'])],
    ['with more behind', cn('admin-evil')],
    ['with a comma behind', cn('admin,OU=y')],
    ['with a backslash', cn('ad\\min')],
    ['after an OU of the same text', names(['organizationalUnitName', 'admin'], ['commonName', 'user'])],
    ['that is empty', cn('')],
  ])('ID-01: a common name %s is not the one that a rule means', async (_claim, subject) => {
    expect(await who(admin, { subject: cn('admin') })).toBe(FIXED_URI)
    expect(await who(admin, { subject })).toBe(UNMAPPED)
  })

  it('ID-02: an attribute is what its DER says, whatever separators its text holds', async () => {
    for (const text of [
      'x+CN=admin',
      'x, CN=admin',
      'x\nCN=admin',
      'x/CN=admin',
      'x;CN=admin',
      '"x",CN=admin',
      'x\0admin',
    ]) {
      expect(await who(admin, { subject: cn(text) })).toBe(UNMAPPED)
      expect(await who(anyNode, { subject: cn(text) })).toBe(UNMAPPED)
    }
    const two = rawName([
      attribute(OID.commonName, encodePrintableString('admin')),
      attribute(OID.organizationalUnitName, encodePrintableString('x')),
    ])
    expect(await who(rule({ subjectIs: [{ CN: 'admin', OU: 'x' }] }), { subject: two })).toBe(FIXED_URI)
    expect(await who(rule({ subjectIs: [{ CN: 'admin+OU=x' }] }), { subject: two })).toBe(UNMAPPED)
    expect(await who(rule({ subjectIs: [{ CN: 'admin' }, { OU: 'x' }] }), { subject: two })).toBe(UNMAPPED)
  })

  it('ID-03: an alternative name is one name, whatever separators its text holds', async () => {
    for (const text of [
      'a.example, DNS:admin.example',
      'a.example,URI:spiffe://cloud.example/s/admin',
      '"admin.example"',
      'admin.example\0.evil.example',
      'admin.example\n',
    ]) {
      for (const kind of [DNS, URI, EMAIL]) {
        for (const when of [
          { dns: 'admin.example' },
          { dns: '{node}.example' },
          { uri: 'spiffe://cloud.example/s/{node}' },
        ]) {
          const outcome = await who(
            rule(when, when.dns === 'admin.example' ? FIXED : CAPTURED),
            rawSan(ia5(kind, text)),
          )
          expect(outcome).toMatch(/^ERR_/)
        }
      }
    }
  })

  it('ID-04: a rule on one kind of name is met by that kind alone', async () => {
    const text = 'nova@cloud.example'
    const kinds: Readonly<Record<string, Uint8Array>> = {
      email: ia5(EMAIL, text),
      dns: ia5(DNS, text),
      uri: ia5(URI, text),
      upn: upn(text),
      kerberos: kerberos('cloud.example', 'nova'),
      directory: encodeContext(4, cn(text).der),
      smtpUtf8: otherName(OID.smtpUtf8Mailbox, encodeString(text, TAG.utf8String)),
    }
    for (const on of ['email', 'uri', 'upn', 'kerberos'] as const) {
      for (const [kind, san] of Object.entries(kinds)) {
        // The URI is no well-formed one; that is for who reads it, and no rule is met by another kind.
        const outcome = await who(rule({ [on]: text }), rawSan(san))
        if (kind === on) expect([on, kind, outcome]).toEqual([on, kind, FIXED_URI])
        else expect([on, kind, outcome.startsWith('ERR_')]).toEqual([on, kind, true])
      }
    }
    const address = Uint8Array.of(192, 0, 2, 7)
    expect(await who(rule({ ip: '192.0.2.7' }), rawSan(encodeContextPrimitive(7, address)))).toBe(FIXED_URI)
    for (const kind of [EMAIL, DNS, URI]) {
      expect(await who(rule({ ip: '192.0.2.7' }), rawSan(ia5(kind, '192.0.2.7')))).toMatch(/^ERR_/)
    }
    expect(await who(rule({ dns: 'host' }), { subject: cn('host') })).toBe(UNMAPPED)
  })

  it('ID-05: a whole subject is met by these RDNs in this order, and by no more and no fewer', async () => {
    const text = rule({ subjectIs: [{ O: 'Cloud' }, { OU: 'ops' }, { CN: '{node}' }] }, CAPTURED)
    const [o, ou, name] = [
      ['organizationName', 'Cloud'],
      ['organizationalUnitName', 'ops'],
      ['commonName', 'n1'],
    ] as const
    expect(await who(text, { subject: names(o, ou, name) })).toBe('spiffe://cloud.example/s/n1')
    for (const subject of [
      names(o, name),
      names(ou, o, name),
      names(name, ou, o),
      names(o, ou, ou, name),
      names(o, ou, ['organizationalUnitName', 'x'], name),
      names(o, ou, name, name),
      names(['domainComponent', 'example'], o, ou, name),
      names(o, ['organizationalUnitName', 'Ops'], name),
    ]) {
      expect(await who(text, { subject })).toBe(UNMAPPED)
    }
    const merged = rawName(
      [attribute(OID.organizationName, encodePrintableString('Cloud'))],
      [
        attribute(OID.commonName, encodePrintableString('n1')),
        attribute(OID.organizationalUnitName, encodePrintableString('ops')),
      ],
    )
    expect(await who(text, { subject: merged })).toBe(UNMAPPED)
    expect(await who(rule({ subject: { OU: 'ops' } }), { subject: names(o, ou, ou, name) })).toBe(UNMAPPED)
  })

  it('ID-06: of two values, neither is meant', async () => {
    for (const [one, two] of [
      ['admin', 'user'],
      ['user', 'admin'],
      ['admin', 'admin'],
    ] as const) {
      expect(await who(admin, { subject: names(['commonName', one], ['commonName', two]) })).toBe(UNMAPPED)
    }
    // One that is no text counts, too.
    const mixed = rawName(
      [attribute(OID.commonName, encodeOctetString(Buffer.from('user')))],
      [attribute(OID.commonName, encodePrintableString('admin'))],
    )
    expect(await who(admin, { subject: mixed })).toBe(UNMAPPED)
    const uris = (...texts: readonly string[]): CertificateOptions => rawSan(...texts.map((text) => ia5(URI, text)))
    const byUri = rule({ uri: 'spiffe://cloud.example/s/{node}' }, CAPTURED)
    expect(await who(byUri, uris('spiffe://cloud.example/s/a'))).toBe('spiffe://cloud.example/s/a')
    expect(await who(byUri, uris('spiffe://cloud.example/s/a', 'spiffe://cloud.example/s/b'))).toBe(UNMAPPED)
    expect(await who(byUri, uris('spiffe://cloud.example/s/a', 'https://x.example/'))).toBe(UNMAPPED)
    for (const [when, san] of [
      [{ email: '{node}@a.example' }, [ia5(EMAIL, 'x@a.example'), ia5(EMAIL, 'y@a.example')]],
      [{ upn: '{node}@a.example' }, [upn('x@a.example'), upn('y@a.example')]],
      [{ kerberos: 'nova/{node}@A' }, [kerberos('A', 'nova', 'x'), kerberos('A', 'nova', 'y')]],
    ] as const) {
      expect(await who(rule(when, CAPTURED), rawSan(san[0]))).toBe('spiffe://cloud.example/s/x')
      expect(await who(rule(when, CAPTURED), rawSan(...san))).toBe(UNMAPPED)
    }
    // A common name beside an alternative name that says otherwise decides nothing for a rule on the latter.
    const both = { subject: cn('admin'), ...uris('spiffe://cloud.example/s/user') }
    expect(await who(byUri, both)).toBe('spiffe://cloud.example/s/user')
  })

  it('ID-07: a control character ends no name, and starts none', async () => {
    for (const text of [
      'admin\0',
      'admin\0.evil',
      '\0admin',
      'admin\u007f',
      '\u0085admin',
      'admin\u200f',
      '\u202eadmin',
    ]) {
      expect(await who(admin, { subject: cn(text) })).toBe(UNMAPPED)
      expect(await who(anyNode, { subject: cn(text) })).toBe(UNMAPPED)
      const latin = Buffer.from(text, 'utf8').toString('latin1')
      expect(await who(rule({ dns: 'admin' }), rawSan(ia5(DNS, latin)))).toMatch(/^ERR_/)
      expect(await who(rule({ uri: 'admin' }), rawSan(ia5(URI, latin)))).toMatch(/^ERR_/)
      expect(await who(rule({ email: 'admin@a' }), rawSan(ia5(EMAIL, `${latin}@a`)))).toMatch(/^ERR_/)
      expect(await who(rule({ upn: 'admin@a' }), rawSan(upn(`${text}@a`)))).toBe(UNMAPPED)
      expect(await who(rule({ kerberos: 'admin@A' }), rawSan(kerberos('A', latin)))).toBe(UNMAPPED)
    }
    // Not even read: PrintableString has no such octets.
    expectCode('ERR_DER_STRING', () =>
      rawName([attribute(OID.commonName, encodeValue(TAG.printableString, Buffer.from('admin\0')))]),
    )
  })

  it('ID-08: a long name is cut nowhere', async () => {
    for (const length of [31, 32, 33, 63, 64]) {
      const name = 'a'.repeat(length)
      expect(await who(anyNode, { subject: cn(name) })).toBe(`spiffe://cloud.example/s/${name}`)
    }
    for (const length of [65, 255, 256, 10_000]) {
      const name = 'a'.repeat(length)
      expect(await who(anyNode, { subject: cn(name) })).toBe(UNMAPPED)
      expect(await who(rule({ subject: { CN: 'a'.repeat(64) } }), { subject: cn(name) })).toBe(UNMAPPED)
    }
    const many = 'spiffe://cloud.example/' + 'abcdefgh/'.repeat(300) + 's/n'
    const wide = rule({ uri: 'spiffe://cloud.example/{scope...}/{service}/{node}' }, { ...CAPTURED, scope: '{scope}' })
    expect(await who(wide, rawSan(ia5(URI, many)))).toMatch(/^ERR_/)
  })

  it.each([
    'Admin',
    'ADMIN',
    'ａdmin',
    'adm\u0131n',
    '\u212aelvin',
    'admin\u200d',
    'adm\u0456n',
    'stra\u00dfe',
    'a\u0301dmin',
    '\u00e1dmin',
  ])('ID-09: %j is not what it looks like, and nothing that an identity is made of', async (text) => {
    for (const literal of ['admin', 'kelvin', 'Kelvin', 'strasse', 'a\u0301dmin', '\u00e1dmin']) {
      if (literal === text) continue
      expect(await who(rule({ subject: { CN: literal } }), { subject: cn(text) })).toBe(UNMAPPED)
      expect(await who(rule({ upn: `${literal}@a` }), rawSan(upn(`${text}@a`)))).toBe(UNMAPPED)
    }
    if (!/^[A-Za-z]+$/.test(text)) expect(await who(anyNode, { subject: cn(text) })).toBe(UNMAPPED)
    expect(await who(rule({ upn: 'a@kelvin' }), rawSan(upn('a@\u212aelvin')))).toBe(UNMAPPED)
  })

  it('ID-10: a printed name is no way to write a rule', async () => {
    for (const subject of [
      'CN=admin',
      'cn=admin,o=x',
      '#0c0561646d696e',
      '2.5.4.3=admin',
      { 'OID.2.5.4.3': 'admin' },
      { '2.5.4.3': 'x' },
    ]) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(rule({ subject })))
    }
    // Text that needs escapes in print is written as it is.
    for (const text of ['a,b', 'a+b', 'a=b', '#a', ' a ', 'a\\2cb', 'a"b', '\\C4\\8D', '#1303616263']) {
      expect(await who(rule({ subject: { CN: text } }), { subject: cn(text) })).toBe(FIXED_URI)
      expect(await who(rule({ subject: { CN: text } }), { subject: cn(text.trim().replace(/\\/g, '')) })).toBe(
        text.trim().replace(/\\/g, '') === text ? FIXED_URI : UNMAPPED,
      )
    }
  })

  it.each([
    ' admin',
    'admin ',
    '\nadmin',
    'admin\n',
    '\ufeffadmin',
    '\u00a0admin',
    '"admin"',
    "'admin'",
    '%61dmin',
    'adm%69n',
  ])('ID-11: %j is not cleaned until it is admin', async (text) => {
    expect(await who(admin, { subject: cn(text) })).toBe(UNMAPPED)
    expect(await who(anyNode, { subject: cn(text) })).toBe(UNMAPPED)
    const uri = `spiffe://cloud.example/s/${Buffer.from(text, 'utf8').toString('latin1')}`
    expect(await who(rule({ uri: 'spiffe://cloud.example/s/admin' }), rawSan(ia5(URI, uri)))).toMatch(/^ERR_/)
    expect(await who(rule({ uri: 'spiffe://cloud.example/s/{node}' }, CAPTURED), rawSan(ia5(URI, uri)))).toMatch(
      /^ERR_/,
    )
  })

  it('ID-12: the same names under another key are nobody, though the CA has the same name', async () => {
    expect(other.certificate.subject.equals(ca.certificate.subject)).toBe(true)
    expect(await who(admin, { subject: cn('admin') }, other)).toBe(UNMAPPED)
    const both = rule({ issuerKey: [KEY, digestOf(other)], subject: { CN: 'admin' } })
    expect(await who(both, { subject: cn('admin') }, other)).toBe(FIXED_URI)
    // Cross-signed, a CA has its key still; and what it issued is its own.
    const crossed = makeCertificate({ subject: 'CA', key: ca.key, issuer: other, ca: true })
    expect(digestOf(crossed)).toBe(KEY)
    // Every identity lies in the trust domain of the mapping.
    const foreign = entityRecord({ id: 'n', kind: 'node', service: 'compute' }, 'other.example', NOW)
    const registry: EntityLookup = {
      ...NOBODY,
      entity: () => Promise.resolve(foreign),
      entityByUri: () => Promise.resolve(foreign),
    }
    for (const then of [{ entity: 'registered' }, { entity: 'n' }, { entity: '{entity}' }]) {
      const when = { uri: 'spiffe://other.example/compute/n', subject: { CN: '{entity}' } }
      expect(await who(rule(when, then), { subject: cn('n'), ...rawSan(ia5(URI, foreign.uri)) }, ca, registry)).toBe(
        UNMAPPED,
      )
    }
  })

  it('ID-14: two encodings of one text are one name to every layer, and two texts are two to a rule', async () => {
    const encoded = [encodePrintableString('admin'), encodeString('admin', TAG.utf8String)].map((value) =>
      rawName([attribute(OID.commonName, value)]),
    )
    for (const subject of encoded) {
      expect(await who(admin, { subject })).toBe(FIXED_URI)
      expect(await who(rule({ subjectIs: [{ CN: 'admin' }] }), { subject })).toBe(FIXED_URI)
    }
    // Names are equal for chains and CRLs without regard to case (RFC 5280 §7.1); who issued is told by the key, not the name.
    const folded = cn('  ADMIN ')
    expect(folded.equals(cn('admin'))).toBe(true)
    expect(await who(admin, { subject: folded })).toBe(UNMAPPED)
    // TeletexString has no agreed meaning: neither layer takes it for the text that it looks like.
    const teletex = rawName([attribute(OID.commonName, encodeValue(TAG.teletexString, Buffer.from('admin')))])
    expect(teletex.equals(cn('admin'))).toBe(false)
    expect(await who(admin, { subject: teletex })).toBe(UNMAPPED)
    expect(await who(anyNode, { subject: teletex })).toBe(UNMAPPED)
  })

  it('ID-15: a literal is the whole of a component, and a dot is a dot', async () => {
    for (const text of ['notadmin', 'admin2', 'x\nadmin', 'admin\nx']) {
      expect(await who(admin, { subject: cn(text) })).toBe(UNMAPPED)
    }
    const dns = rule({ dns: 'a.b.example' })
    for (const text of ['aXb.example', 'a.bXexample', 'x.a.b.example', 'a.b.example.evil']) {
      expect(await who(dns, rawSan(ia5(DNS, text)))).toBe(UNMAPPED)
    }
    for (const dnsRule of ['/^admin$/m', '^admin$', '.*', 'a|b', '(?i)admin']) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(rule({ dns: dnsRule })))
    }
    // In a subject, where such characters are possible, they are themselves.
    expect(await who(rule({ subject: { CN: '^admin$' } }), { subject: cn('admin') })).toBe(UNMAPPED)
    expect(await who(rule({ subject: { CN: '^admin$' } }), { subject: cn('^admin$') })).toBe(FIXED_URI)
  })

  it('ID-16: no text of a file becomes a regular expression, however it looks', async () => {
    const long = 'a'.repeat(10_000)
    for (const text of ['(a+)+$', '(a|a)+$', '([a-z]+)+!']) {
      expect(await who(rule({ subject: { CN: text } }), { subject: cn(long) })).toBe(UNMAPPED)
      expect(await who(rule({ subject: { CN: text } }), { subject: cn(text) })).toBe(FIXED_URI)
    }
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(rule({ subject: { CN: '(.*)*' } })))
    const uri = `spiffe://cloud.example/${'a/'.repeat(5000)}`
    expect(await who(rule({ uri: '{scope...}/a/{service}/a/{node}' }, CAPTURED), rawSan(ia5(URI, uri)))).toMatch(
      /^ERR_/,
    )
  })

  it('ID-17: what would be an injection elsewhere is no part of an identity', async () => {
    for (const text of [
      '*)(uid=*',
      "' OR 1=1 --",
      '../../etc',
      '..',
      '%00',
      '${jndi:ldap://x}',
      '$(id)',
      '<script>',
      'a/b',
      'a\\b',
      '-rf',
      '.hidden',
    ]) {
      expect(await who(anyNode, { subject: cn(text) })).toBe(UNMAPPED)
      expect(
        await who(
          rule({ uri: 'spiffe://cloud.example/s/{node}' }, CAPTURED),
          rawSan(ia5(URI, `spiffe://cloud.example/s/${text}`)),
        ),
      ).toMatch(/^ERR_/)
    }
  })

  it('ID-18: what a stranger wrote moves no cursor and makes no second line', async () => {
    const hostile = `\u001b[2Kadmin\r\nsignet: verified\u202e${'x'.repeat(10_000)}`
    const { certificate } = makeCertificate({ subject: cn(hostile), issuer: ca })
    const path = validatePath(certificate, {
      anchors: [ca.certificate],
      at: NOW,
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
    })
    const error: unknown = await resolveIdentity(path, parseMapping(anyNode), NOBODY).catch((thrown: unknown) => thrown)
    if (!isSignetError(error)) throw new Error('refused')
    const told = JSON.stringify([error.message, ...Object.values(error.details)])
    expect([error.message, ...Object.values(error.details)].join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(told.length).toBeLessThan(1000)
  })

  it('ID-19: a name that objects inherit is a name like another', async () => {
    for (const text of ['constructor', 'hasOwnProperty', 'valueOf', 'toString']) {
      expect(await who(anyNode, { subject: cn(text) })).toBe(`spiffe://cloud.example/s/${text}`)
      expect(await who(rule({ subject: { CN: '{entity}' } }, { entity: '{entity}' }), { subject: cn(text) })).toBe(
        UNMAPPED,
      )
    }
    expect(await who(anyNode, { subject: cn('__proto__') })).toBe(UNMAPPED)
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const text = rule({ subject: { CN: 'a' } }).replace('"subject"', `"${key}"`)
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(text))
    }
    expect('polluted' in {}).toBe(false)
  })

  it('ID-21: whom no rule maps is nobody, and a mapping that is broken maps none', async () => {
    expect(await who(admin, { subject: cn('user') })).toBe(UNMAPPED)
    expect(await who(defaultMappingText('cloud.example', KEY), { subject: cn('admin') })).toBe(UNMAPPED)
    for (const text of ['', '{}', 'version: 1\ntrustDomain: cloud.example\nrules: []\n', admin.slice(0, -2)]) {
      expect(await who(text, { subject: cn('admin') })).toBe('ERR_MAPPING_INVALID')
    }
    const failing: EntityLookup = {
      ...NOBODY,
      entity: () => Promise.reject(new TypeError('down')),
      entityByUri: () => Promise.reject(new TypeError('down')),
    }
    await expect(who(admin, { subject: cn('admin') }, ca, failing)).rejects.toThrow(TypeError)
  })

  it('ID-23: a mapping that cannot be read leaves the one that was, which nothing can change', () => {
    const mapping = parseMapping(admin)
    expectCode('ERR_MAPPING_INVALID', () => parseMapping(`${admin}}`))
    expect(() => (mapping.rules as unknown[]).push({})).toThrow(TypeError)
    expect(() => Object.assign(mapping, { trustDomain: 'x' })).toThrow(TypeError)
  })
})

describe('what a certificate is worth by itself', () => {
  it('requirement 36: a valid path is not authority: to be nobody is another answer than not to be trusted', async () => {
    const text = rule({ subject: { CN: 'admin' } })
    const stranger = makeCertificate({ subject: 'Stranger', ca: true })
    expect(await who(text, { subject: cn('user') })).toBe(UNMAPPED)
    expect(await who(text, { subject: cn('admin') }, stranger)).toBe('ERR_PATH_NOT_FOUND')
    expect(await who(text, { subject: cn('admin'), notAfter: new Date('2026-12-31T12:00:00Z') })).toBe(
      'ERR_PATH_EXPIRED',
    )
  })

  it('requirement 39: roles are those of a rule or of the registry; no attribute of the certificate adds one', async () => {
    const subject = names(
      ['organizationName', 'system:masters'],
      ['organizationalUnitName', 'admin'],
      ['commonName', 'n1'],
    )
    const { certificate } = makeCertificate({ subject, issuer: ca })
    const path = validatePath(certificate, {
      anchors: [ca.certificate],
      at: NOW,
      purpose: 'allow-any',
      revocation: 'allow-unchecked',
    })
    const mapping = parseMapping(rule({ subject: { CN: '{node}' } }, { ...CAPTURED, roles: ['worker'] }))
    expect((await resolveIdentity(path, mapping, NOBODY)).roles).toEqual(['worker'])
    for (const roles of [['{node}'], ['{scope}'], '{node}']) {
      expectCode('ERR_MAPPING_INVALID', () => parseMapping(rule({ subject: { CN: '{node}' } }, { ...CAPTURED, roles })))
    }
  })
})

describe('attacks on the registry and around it', async () => {
  const cloud = await makeDeployment()
  const resolved = async (file: string): Promise<Identity> =>
    (await cloud.signet(`identity resolve ${file} --json`)).json['identity'] as Identity

  it('ID-13: what a request says of itself becomes neither subject nor role', async () => {
    const pem = await createCertificationRequest(keyFor('wish'), {
      subject: names(
        ['organizationName', 'system:masters'],
        ['organizationalUnitName', 'admin'],
        ['commonName', 'admin'],
      ),
    })
    writeFileSync(cloud.path('wish.csr'), pem)
    await cloud.signet('entity add wisher --kind node --service compute --role compute_node')
    await cloud.signet('issue wisher --csr wish.csr --out wished')
    const identity = await resolved('wished/current/cert.pem')
    expect(identity).toMatchObject({ entity: 'wisher', roles: ['compute_node'] })
  })

  it('ID-17, ID-18: a name that is no name gets into no store, file or line', async () => {
    for (const id of [
      '../x',
      '*)(uid=*',
      "' OR 1=1",
      '${jndi}',
      '\u001b[2K',
      'a\nb',
      'a'.repeat(62),
      '__proto__',
      '-x',
      'Ａ',
    ]) {
      const { code, stderr, stdout } = await cloud.run(['entity', 'add', '--kind', 'node', '--', id])
      expect(code).toBe(5)
      expect(stdout).toBe('')
      expect(stderr.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
  })

  it('ID-20: a name is one entity’s, whatever became of it', async () => {
    await cloud.signet('entity add first --kind node')
    const taken = async (...words: readonly string[]): Promise<string | undefined> =>
      (await cloud.run(['entity', 'add', ...words])).errorCode
    expect(await taken('first', '--kind', 'broker')).toBe('ERR_ENTITY_EXISTS')
    expect(await taken('second', '--kind', 'node', '--node', 'first')).toBe('ERR_ENTITY_EXISTS')
    await cloud.signet('entity retire first')
    expect(await taken('first', '--kind', 'node')).toBe('ERR_ENTITY_EXISTS')
    expect(await taken('third', '--kind', 'node', '--node', 'first')).toBe('ERR_ENTITY_EXISTS')
    // Another case is another name; neither is taken for the other.
    await cloud.signet('entity add Fourth --kind node')
    await cloud.signet('entity add fourth --kind node')
    await cloud.signet('issue fourth --out fourth')
    expect((await resolved('fourth/tls/current/cert.pem')).entity).toBe('fourth')
  })

  it('ID-22: who somebody is does not depend on where the file lies', async () => {
    const [compute, broker] = ['credentials/compute-07/tls', 'credentials/broker-01/tls']
    copyFileSync(cloud.path(compute, 'current/cert.pem'), cloud.path('broker-01.pem'))
    expect((await resolved('broker-01.pem')).entity).toBe('compute-07')
    symlinkSync(cloud.path(compute, 'current/cert.pem'), cloud.path('admin.pem'))
    expect((await resolved('admin.pem')).entity).toBe('compute-07')
    // A credential of one put where that of another is wanted stays the one's.
    mkdirSync(cloud.path('moved'))
    cpSync(cloud.path(compute), cloud.path('moved/broker-01'), { recursive: true })
    const loaded = loadCredential(cloud.path('moved/broker-01'))
    expect(loaded.identity).toBe('spiffe://cloud.example/region-one/nova/compute/compute-07')
    // Its key with the certificate of another is no credential.
    copyFileSync(cloud.path(broker, 'current/fullchain.pem'), cloud.path('moved/broker-01/current/fullchain.pem'))
    expectCode('ERR_KEY_CERT_MISMATCH', () => loadCredential(cloud.path('moved/broker-01')))
  })
})
