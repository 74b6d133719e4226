import { describe, expect, it } from 'vitest'
import { encodeContext, encodeContextPrimitive, encodeSequence, OID } from '../../src/asn1/index.js'
import { NameConstraintState, STRICTNESS } from '../../src/path/index.js'
import {
  buildName,
  encodeNameConstraints,
  encodeSubjectAltName,
  type GeneralName,
  type Name,
  parseIpAddress,
} from '../../src/x509/index.js'
import { type CertificateOptions, commonName, keyFor, makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, hierarchy, validate } from '../support/hierarchy.js'

type Kind = 'dns' | 'uri' | 'email'
const named = (kind: Kind, value: string): GeneralName => ({ kind, value })
const directory = (...attributes: readonly (readonly [string, string])[]): GeneralName => ({
  kind: 'directory',
  name: buildName(attributes),
})
const ip = (text: string): GeneralName => ({ kind: 'ip', octets: parseIpAddress(text) ?? new Uint8Array() })
const range = (text: string, mask: string): GeneralName => ({
  kind: 'ip',
  octets: Buffer.concat([parseIpAddress(text) ?? Buffer.alloc(0), parseIpAddress(mask) ?? Buffer.alloc(0)]),
})

function permits(name: GeneralName, ...permitted: readonly GeneralName[]): boolean {
  const state = new NameConstraintState()
  state.add({ permitted, excluded: [] })
  return state.allows(name)
}

function excludes(name: GeneralName, ...excluded: readonly GeneralName[]): boolean {
  const state = new NameConstraintState()
  state.add({ permitted: [], excluded })
  return !state.allows(name)
}

/** Name, constraint, whether the name is inside. A name that is inside is permitted and excluded; outside, neither. */
function certain(kind: Kind, rows: readonly (readonly [name: string, base: string, inside: boolean])[]): void {
  it.each(rows)(`${kind} %j is in %j: %s`, (name, base, inside) => {
    expect(permits(named(kind, name), named(kind, base))).toBe(inside)
    expect(excludes(named(kind, name), named(kind, base))).toBe(inside)
  })
}

/** Name and constraint that cannot be compared: not permitted, and excluded. */
function doubtful(kind: Kind, rows: readonly (readonly [name: string, base: string])[]): void {
  it.each(rows)(`${kind} %j in %j is doubtful, so neither permitted nor let through an exclusion`, (name, base) => {
    expect(permits(named(kind, name), named(kind, base))).toBe(false)
    expect(excludes(named(kind, name), named(kind, base))).toBe(true)
  })
}

describe('name constraints: DNS (RFC 5280 §4.2.1.10)', () => {
  certain('dns', [
    ['cloud.example', 'cloud.example', true],
    ['a.cloud.example', 'cloud.example', true],
    ['a.b.cloud.example', 'cloud.example', true],
    ['A.Cloud.EXAMPLE', 'cloud.example', true],
    ['a.cloud.example', 'CLOUD.example', true],
    ['evilcloud.example', 'cloud.example', false],
    ['cloud.example.evil.test', 'cloud.example', false],
    ['example', 'cloud.example', false],
    ['anything.test', '', true],
    ['XN--NDE-SNA.cloud.example', 'xn--nde-sna.cloud.example', true],
    ['a.cloud.example', '.cloud.example', true],
    ['other.example', '.cloud.example', false],
    ['*.cloud.example', 'cloud.example', true],
    ['*.Cloud.example', 'cloud.Example', true],
    ['*.a.cloud.example', 'cloud.example', true],
    ['*.other.example', 'cloud.example', false],
  ])
  doubtful('dns', [
    ['cloud.example.', 'cloud.example'],
    ['a.cloud.example', 'cloud.example.'],
    ['a..cloud.example', 'cloud.example'],
    ['a b.cloud.example', 'cloud.example'],
    ['*', 'cloud.example'],
    ['a*.cloud.example', 'cloud.example'],
    ['a.*.cloud.example', 'cloud.example'],
    ['*.*.cloud.example', 'cloud.example'],
    ['-a.cloud.example', 'cloud.example'],
    ['a\0.cloud.example', 'cloud.example'],
  ])

  it('PATH-09: a wildcard is not permitted where only some of its names are', () => {
    expect(permits(named('dns', '*.cloud.example'), named('dns', 'a.cloud.example'))).toBe(false)
  })

  it('PATH-09: a wildcard is excluded where any of its names is', () => {
    expect(excludes(named('dns', '*.cloud.example'), named('dns', 'a.cloud.example'))).toBe(true)
    expect(excludes(named('dns', '*.CLOUD.example'), named('dns', 'A.cloud.example'))).toBe(true)
    expect(excludes(named('dns', '*.cloud.example'), named('dns', 'a.other.example'))).toBe(false)
  })

  it('one permitted subtree suffices, one excluded forbids', () => {
    const state = new NameConstraintState()
    state.add({
      permitted: [named('dns', 'a.example'), named('dns', 'b.example')],
      excluded: [named('dns', 'x.b.example')],
    })
    expect(state.allows(named('dns', 'n.a.example'))).toBe(true)
    expect(state.allows(named('dns', 'n.b.example'))).toBe(true)
    expect(state.allows(named('dns', 'x.b.example'))).toBe(false)
    expect(state.allows(named('dns', 'c.example'))).toBe(false)
  })

  it('a leading dot permits only what is below, and excludes the host itself, too', () => {
    const below = named('dns', '.cloud.example')
    expect(permits(named('dns', 'cloud.example'), below)).toBe(false)
    expect(excludes(named('dns', 'cloud.example'), below)).toBe(true)
    expect(permits(named('dns', '*.cloud.example'), below)).toBe(true)
    expect(excludes(named('dns', 'other.example'), below)).toBe(false)
  })

  it('each CA of the path must permit: a CA below cannot widen', () => {
    const state = new NameConstraintState()
    state.add({ permitted: [named('dns', 'a.example')], excluded: [] })
    state.add({ permitted: [named('dns', 'a.example'), named('dns', 'b.example')], excluded: [] })
    expect(state.allows(named('dns', 'n.a.example'))).toBe(true)
    expect(state.allows(named('dns', 'n.b.example'))).toBe(false)
  })

  it('constrains no name of a kind that it does not mention', () => {
    expect(permits(named('uri', 'spiffe://other.example/x'), named('dns', 'cloud.example'))).toBe(true)
    expect(excludes(named('uri', 'spiffe://cloud.example/x'), named('dns', 'cloud.example'))).toBe(false)
  })
})

describe('name constraints: URI', () => {
  certain('uri', [
    ['spiffe://cloud.example/compute/node', 'cloud.example', true],
    ['https://cloud.example', 'cloud.example', true],
    ['https://CLOUD.example:8443/?q#f', 'cloud.example', true],
    ['SPIFFE://cloud.example/a', 'cloud.example', true],
    ['https://user:word@cloud.example/', 'cloud.example', true],
    ['spiffe://a.cloud.example/x', 'cloud.example', false],
    ['spiffe://cloud.example.evil.test/x', 'cloud.example', false],
    ['https://cloud.example@evil.test/', 'cloud.example', false],
    ['spiffe://evil.test/cloud.example', 'cloud.example', false],
    ['spiffe://evil.test?cloud.example', 'cloud.example', false],
    ['spiffe://evil.test#cloud.example', 'cloud.example', false],
    ['spiffe://a.cloud.example/x', '.cloud.example', true],
    ['spiffe://a.b.Cloud.example/x', '.cloud.Example', true],
    ['spiffe://cloud.example/x', '.cloud.example', false],
    ['spiffe://evilcloud.example/x', '.cloud.example', false],
  ])
  doubtful('uri', [
    ['urn:cloud.example:x', 'cloud.example'],
    ['mailto:a@cloud.example', 'cloud.example'],
    ['/cloud.example', 'cloud.example'],
    ['//cloud.example/x', 'cloud.example'],
    ['spiffe:///x', 'cloud.example'],
    ['https://10.0.0.1/', '10.0.0.1'],
    ['https://[::1]/', 'cloud.example'],
    ['https://[fe80::1%25eth0]/', 'cloud.example'],
    ['spiffe://cloud.example./x', 'cloud.example'],
    ['spiffe://cloud%2eexample/x', 'cloud.example'],
    ['spiffe://cloud.example:80:80/x', 'cloud.example'],
    ['spiffe://cloud.example/x', ''],
    ['spiffe://cloud.example/x', '.'],
    ['spiffe://cloud.example/x', 'https://cloud.example'],
  ])
})

describe('name constraints: e-mail', () => {
  certain('email', [
    ['a@cloud.example', 'cloud.example', true],
    ['a@CLOUD.example', 'cloud.example', true],
    ['a@mail.cloud.example', 'cloud.example', false],
    ['a@mail.cloud.example', '.cloud.example', true],
    ['a@cloud.example', '.cloud.example', false],
    ['a@cloud.example', 'a@cloud.example', true],
    ['a@cloud.example', 'a@Cloud.Example', true],
    ['A@cloud.example', 'a@cloud.example', false],
    ['b@cloud.example', 'a@cloud.example', false],
    ['a@other.example', 'a@cloud.example', false],
  ])
  doubtful('email', [
    ['"a@cloud.example"@evil.test', 'cloud.example'],
    ['a@evil.test@cloud.example', 'cloud.example'],
    ['cloud.example', 'cloud.example'],
    ['a@', 'cloud.example'],
    ['@cloud.example', 'cloud.example'],
    ['a@cloud.example.', 'cloud.example'],
    ['a@[10.0.0.1]', 'cloud.example'],
    ['a\0@cloud.example', 'cloud.example'],
    ['a@cloud.example', ''],
    // A mailbox of a constraint that is no plain mailbox may be this very one in another spelling.
    ['a@cloud.example', '"a"@cloud.example'],
    ['a@cloud.example', '@cloud.example'],
    ['a@cloud.example', 'a@cloud.example.'],
  ])

  it('PATH-11: an address in the subject is constrained as one in the alternative names', () => {
    const permitted = [named('email', 'cloud.example')]
    const constrained = { moreExtensionsDer: [encodeNameConstraints({ permitted, excluded: [] })] }
    const subject = (address: string): Name =>
      buildName([
        [OID.commonName, 'node'],
        [OID.emailAddress, address],
      ])
    expect(
      validate(hierarchy({ issuing: constrained, node: { subject: subject('a@cloud.example') } })).target,
    ).toBeDefined()
    expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
      validate(hierarchy({ issuing: constrained, node: { subject: subject('a@evil.test') } })),
    )
  })

  it('PATH-11: of several constraints each counts, not the last alone', () => {
    const bases = [named('email', 'a@one.example'), named('email', 'a@two.example')]
    for (const host of ['one', 'two']) {
      expect(permits(named('email', `a@${host}.example`), ...bases)).toBe(true)
      expect(excludes(named('email', `a@${host}.example`), ...bases)).toBe(true)
    }
    expect(permits(named('email', 'a@three.example'), ...bases)).toBe(false)
  })
})

describe('name constraints: addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.0', '255.0.0.0', true],
    ['10.255.255.255', '10.0.0.0', '255.0.0.0', true],
    ['11.0.0.0', '10.0.0.0', '255.0.0.0', false],
    ['10.1.2.3', '10.1.2.3', '255.255.255.255', true],
    ['10.1.2.4', '10.1.2.3', '255.255.255.255', false],
    ['10.1.2.131', '10.1.2.128', '255.255.255.128', true],
    ['10.1.2.127', '10.1.2.128', '255.255.255.128', false],
    ['192.0.2.1', '0.0.0.0', '0.0.0.0', true],
    ['10.9.9.9', '10.1.2.3', '255.0.0.0', true],
    ['fc00::1', 'fc00::', 'fe00::', true],
    ['fe00::1', 'fc00::', 'fe00::', false],
  ])('%s is in %s/%s: %s', (address, base, mask, inside) => {
    expect(permits(ip(address), range(base, mask))).toBe(inside)
    expect(excludes(ip(address), range(base, mask))).toBe(inside)
  })

  it('PATH-16: where only one family is permitted, the other is not, mapped addresses included', () => {
    const v4 = range('10.0.0.0', '255.0.0.0')
    for (const address of ['::1', '::ffff:a00:1', '::a00:1']) expect(permits(ip(address), v4)).toBe(false)
    expect(permits(ip('10.0.0.1'), range('::', '::'))).toBe(false)
    expect(permits(ip('::1'), v4, range('::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))).toBe(true)
  })

  it('PATH-16: an address written in a DNS name is no address', () => {
    expect(permits(named('dns', '11.0.0.1'), range('10.0.0.0', '255.0.0.0'), named('dns', 'cloud.example'))).toBe(false)
  })
})

describe('name constraints: directory names', () => {
  const base = directory([OID.countryName, 'US'], [OID.organizationName, 'Trusted'])

  it.each([
    ['itself', directory([OID.countryName, 'US'], [OID.organizationName, 'Trusted']), true],
    ['more behind', directory([OID.countryName, 'US'], [OID.organizationName, 'Trusted'], [OID.commonName, 'x']), true],
    ['another case', directory([OID.countryName, 'us'], [OID.organizationName, ' trusted ']), true],
    [
      'more in front',
      directory([OID.organizationName, 'Evil'], [OID.countryName, 'US'], [OID.organizationName, 'Trusted']),
      false,
    ],
    [
      'more between',
      directory([OID.countryName, 'US'], [OID.localityName, 'x'], [OID.organizationName, 'Trusted']),
      false,
    ],
    ['another order', directory([OID.organizationName, 'Trusted'], [OID.countryName, 'US']), false],
    ['less', directory([OID.countryName, 'US']), false],
    ['another value', directory([OID.countryName, 'US'], [OID.organizationName, 'Trusted Ltd']), false],
    ['another type', directory([OID.countryName, 'US'], [OID.organizationalUnitName, 'Trusted']), false],
  ])('PATH-13: only the first RDNs count: %s', (_claim, name, inside) => {
    expect(permits(name, base)).toBe(inside)
    expect(excludes(name, base)).toBe(inside)
  })

  it('PATH-13: the subject of a certificate is constrained, and an alternative name beside it', () => {
    const constrained = { moreExtensionsDer: [encodeNameConstraints({ permitted: [base], excluded: [] })] }
    const good = buildName([
      [OID.countryName, 'US'],
      [OID.organizationName, 'Trusted'],
      [OID.commonName, 'node'],
    ])
    expect(validate(hierarchy({ issuing: constrained, node: { subject: good } })).target.subject).toEqual(good)
    const foreign: readonly CertificateOptions[] = [
      { subject: 'node' },
      { subject: good, names: [directory([OID.commonName, 'elsewhere'])] },
      { subject: buildName([]), names: [directory([OID.commonName, 'elsewhere'])] },
    ]
    for (const node of foreign) {
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing: constrained, node })))
    }
    // An empty subject is no name (RFC 5280 §6.1.3 (b)).
    expect(validate(hierarchy({ issuing: constrained, node: { subject: buildName([]) } })).target.subject.isEmpty).toBe(
      true,
    )
  })
})

describe('name constraints: kinds that cannot be compared', () => {
  const other = encodeContext(0, encodeSequence())
  it.each([
    ['otherName', other],
    ['registeredID', encodeContextPrimitive(8, Uint8Array.of(42, 3, 4))],
  ])('PATH-12: a constraint on %s refuses every name of that kind, permitted or excluded', (_kind, nameDer) => {
    const names = extensionDer(OID.subjectAltName, false, encodeSequence(nameDer))
    const subtree = encodeSequence(encodeSequence(nameDer))
    const extensionsOf = (tag: number): CertificateOptions => ({
      moreExtensionsDer: [
        extensionDer(OID.nameConstraints, true, encodeSequence(encodeContext(tag, encodeSequence(nameDer)))),
      ],
    })
    expect(subtree.length).toBeGreaterThan(0)
    const node = { names: [], moreExtensionsDer: [names] }
    expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
    for (const tag of [0, 1]) {
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ node, issuing: extensionsOf(tag) })))
      // Names of other kinds are not its business.
      expect(validate(hierarchy({ issuing: extensionsOf(tag) })).certificates).toHaveLength(3)
    }
  })
})

describe('name constraints along a path', () => {
  const permitting = (value: string): CertificateOptions => ({
    moreExtensionsDer: [encodeNameConstraints({ permitted: [named('dns', value)], excluded: [] })],
  })

  it('PATH-14: hold for the end entity alone, where only it breaks them', () => {
    const issuing = permitting('cloud.example')
    expect(validate(hierarchy({ issuing })).certificates).toHaveLength(3)
    const error = expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
      validate(hierarchy({ issuing, node: { names: [named('dns', 'cloud.example'), named('dns', 'evil.test')] } })),
    )
    expect(error.details).toMatchObject({ name: 'DNS:evil.test' })
  })

  it('PATH-14: every name counts, wherever it stands', () => {
    const issuing = permitting('cloud.example')
    const good = ['a', 'b', 'c', 'd'].map((label) => named('dns', `${label}.cloud.example`))
    good.forEach((_name, index) => {
      const names = good.with(index, named('dns', 'evil.test'))
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node: { names } })))
    })
  })

  it('PATH-14: hold for a CA of the middle, not only for the end entity', () => {
    const root = permitting('cloud.example')
    expect(validate(hierarchy({ root })).certificates).toHaveLength(3)
    expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
      validate(hierarchy({ root, issuing: { names: [named('dns', 'evil.test')] } })),
    )
  })

  it('constraints of the anchor count, too', () => {
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ root: permitting('other.example') })))
  })

  it('constraints in the end entity bind nobody', () => {
    const whole = hierarchy({ node: permitting('other.example') })
    expect(validate(whole, { strictness: STRICTNESS.rfc5280 }).certificates).toHaveLength(3)
    expectCode('ERR_PATH_FORM', () => validate(whole))
  })

  it('PATH-14: a self-issued CA of the middle may carry names outside; a self-issued end entity may not', () => {
    const outside = [named('dns', 'evil.test')]
    const old = makeCertificate({ subject: 'Roll', ca: true, ...permitting('cloud.example') })
    const next = makeCertificate({ subject: 'Roll', issuer: old, key: keyFor('Roll 2'), ca: true, names: outside })
    const purposes = [OID.kpServerAuth]
    const node = makeCertificate({ subject: 'n', issuer: next, purposes, names: [named('dns', 'n.cloud.example')] })
    expect(validate({ root: old, issuing: next, node }).certificates).toHaveLength(3)
    const self = makeCertificate({ subject: 'Roll', issuer: next, key: keyFor('Roll 3'), purposes, names: outside })
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate({ root: old, issuing: next, node: self }))
  })

  it('PATH-15: constrain what is presented, and the common name is presented by nobody', () => {
    const issuing = permitting('cloud.example')
    const node = { subject: commonName('evil.test') }
    expect(validate(hierarchy({ issuing, node })).certificates).toHaveLength(3)
    expectCode('ERR_PATH_HOST_NAME', () => validate(hierarchy({ issuing, node }), { hostName: 'evil.test' }))
  })

  it('PATH-17: more names times constraints than a quarter of a million are not compared', () => {
    const bases = Array.from({ length: 1000 }, (_, index) => named('dns', `a${index}.example`))
    const extension = encodeNameConstraints({
      permitted: bases,
      excluded: bases.map((_, index) => named('dns', `x${index}.test`)),
    })
    const names = Array.from({ length: 1000 }, (_, index) => named('dns', `n.a${index}.example`))
    const whole = hierarchy({
      issuing: { moreExtensionsDer: [extension] },
      node: { names: [], moreExtensionsDer: [encodeSubjectAltName(names, false)] },
    })
    const before = process.cpuUsage()
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(whole))
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(2)
  })
})
