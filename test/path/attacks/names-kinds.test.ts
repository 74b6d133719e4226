/** Named attacks on name constraints: distinguished names, addresses, and who is held to them. */
import { describe, expect, it } from 'vitest'
import { encodeContextPrimitive, encodeString, OID, TAG } from '../../../src/asn1/index.js'
import {
  buildName,
  encodeNameConstraints,
  encodeSubjectAltName,
  type GeneralName,
  type Name,
  parseIpAddress,
} from '../../../src/x509/index.js'
import { type CertificateOptions, commonName, keyFor, makeCertificate } from '../../support/certificates.js'
import { expectCode } from '../../support/expect-code.js'
import { hierarchy, validate } from '../../support/hierarchy.js'
import {
  constraining,
  constrainingDer,
  directory,
  dns,
  email,
  ip,
  namesDer,
  otherName,
  rawName,
  text,
  textName,
  uri,
  verdictOf,
} from './forge.js'

type List = 'permitted' | 'excluded'

describe('PATH-13: constraints on distinguished names', () => {
  const base = buildName([
    [OID.countryName, 'US'],
    [OID.organizationName, 'Trusted'],
  ])
  const attribute = (type: string, value: string): (readonly [string, Uint8Array])[] => [[type, encodeString(value)]]
  const [C, O, OU, CN] = [OID.countryName, OID.organizationName, OID.organizationalUnitName, OID.commonName]
  const judge = (subject: Name, list: List, names: readonly GeneralName[] = []): string =>
    verdictOf(() =>
      validate(hierarchy({ issuing: constraining({ [list]: [directory(base)] }), node: { subject, names } })),
    )

  it.each([
    ['an RDN in front', rawName(attribute(C, 'FR'), attribute(C, 'US'), attribute(O, 'Trusted'), attribute(CN, 'x'))],
    [
      'the whole behind another name',
      rawName(attribute(C, 'FR'), attribute(O, 'Attacker'), attribute(C, 'US'), attribute(O, 'Trusted')),
    ],
    ['an RDN between', rawName(attribute(C, 'US'), attribute(OU, 'x'), attribute(O, 'Trusted'))],
    ['another order', rawName(attribute(O, 'Trusted'), attribute(C, 'US'))],
    ['both in one RDN', rawName([...attribute(C, 'US'), ...attribute(O, 'Trusted')])],
    ['one more attribute in an RDN', rawName(attribute(C, 'US'), [...attribute(O, 'Trusted'), ...attribute(OU, 'x')])],
    ['one RDN only', rawName(attribute(C, 'US'))],
    ['another value', rawName(attribute(C, 'US'), attribute(O, 'Trusted Ltd'))],
    ['text that spells the RDNs', rawName(attribute(CN, 'x,O=Trusted,C=US'))],
    ['text with a NUL behind', rawName(attribute(C, 'US'), attribute(O, 'Trusted\0'))],
  ])('PATH-13: not permitted: %s', (_claim, subject) => {
    expect(judge(subject, 'permitted')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judge(subject, 'permitted', [directory(base)])).toBe('ERR_PATH_NAME_CONSTRAINT')
  })

  it('PATH-13: what is behind the base is within, in any case, spacing and string type', () => {
    const inside = [
      base,
      rawName(attribute(C, 'US'), attribute(O, 'Trusted'), attribute(CN, 'x')),
      rawName(attribute(C, 'us'), attribute(O, '  TRUSTED ')),
      ...[TAG.printableString, TAG.bmpString, TAG.universalString, TAG.ia5String].map((tag) =>
        rawName(attribute(C, 'US'), [[O, text(tag, 'Trusted')]]),
      ),
    ]
    for (const subject of inside) {
      expect([subject.toString(), judge(subject, 'permitted')]).toEqual([subject.toString(), 'accepted'])
      expect(judge(subject, 'excluded')).toBe('ERR_PATH_NAME_CONSTRAINT')
    }
  })

  it('PATH-13: what is excluded does not get through in a type of string that nobody compares', () => {
    // TeletexString, GeneralString, GraphicString, VideotexString: no text here, and perhaps one elsewhere.
    for (const tag of [TAG.teletexString, 0x1b, 0x19, 0x15]) {
      const subject = rawName(attribute(C, 'US'), [[O, text(tag, 'Trusted')]])
      expect([tag, judge(subject, 'permitted')]).toEqual([tag, 'ERR_PATH_NAME_CONSTRAINT'])
      expect([tag, judge(subject, 'excluded')]).toEqual([tag, 'ERR_PATH_NAME_CONSTRAINT'])
    }
  })

  it('PATH-13: a name among the alternative names counts as the subject does, with and without one', () => {
    const stranger = directory(commonName('elsewhere'))
    expect(judge(buildName([]), 'permitted', [stranger])).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judge(base, 'permitted', [stranger])).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judge(base, 'permitted', [directory(base), stranger])).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judge(buildName([]), 'excluded', [directory(base)])).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judge(base, 'permitted', [directory(base)])).toBe('accepted')
  })
})

describe('PATH-14: constraints reach the end entity, and everybody between', () => {
  const narrow = constraining({ permitted: [dns('cloud.example')] })
  const outside = { names: [dns('evil.test')] }

  it('PATH-14: a violation in the end entity alone, in a CA alone, from the root or the CA above', () => {
    expect(validate(hierarchy({ root: narrow, issuing: narrow })).certificates).toHaveLength(3)
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing: narrow, node: outside })))
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ root: narrow, node: outside })))
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ root: narrow, issuing: outside })))
  })

  it('PATH-14: one bad name at any place among good ones', () => {
    const good = Array.from({ length: 6 }, (_, index) => dns(`n${index}.cloud.example`))
    good.forEach((_name, index) => {
      const names = good.with(index, dns('evil.test'))
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing: narrow, node: { names } })))
    })
  })

  it('PATH-14: an end entity that calls itself as its CA does is still the end entity', () => {
    const old = makeCertificate({ subject: 'Roll', ca: true, ...narrow })
    const purposes = [OID.kpServerAuth]
    const self = makeCertificate({ subject: 'Roll', issuer: old, key: keyFor('Roll 3'), purposes, ...outside })
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate({ root: old, issuing: old, node: self }))
    // Between, it may carry other names (RFC 5280 §6.1.3 (b)); who is below may not.
    const next = makeCertificate({ subject: 'Roll', issuer: old, key: keyFor('Roll 2'), ca: true, ...outside })
    const leaf = (options: CertificateOptions): string =>
      verdictOf(() =>
        validate({
          root: old,
          issuing: next,
          node: makeCertificate({ subject: 'leaf', issuer: next, purposes, ...options }),
        }),
      )
    expect(leaf({ names: [dns('a.cloud.example')] })).toBe('accepted')
    expect(leaf(outside)).toBe('ERR_PATH_NAME_CONSTRAINT')
  })

  it('PATH-14: a CA below cannot give back what one above took', () => {
    const wide = constraining({ permitted: [dns('cloud.example'), dns('evil.test')] })
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ root: narrow, issuing: wide, node: outside })))
    const taken = constraining({ excluded: [dns('evil.test')] })
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ root: taken, issuing: wide, node: outside })))
  })
})

describe('PATH-15: names that nobody constrained are nobody’s', () => {
  const host = 'node.cloud.example'

  it.each([
    ['a common name', { subject: commonName(host), names: [] }],
    ['a common name beside another DNS name', { subject: commonName(host), names: [dns('other.cloud.example')] }],
    ['a common name that is an address', { subject: commonName('10.0.0.1'), names: [] }],
    ['a domain component', { subject: rawName([['0.9.2342.19200300.100.1.25', encodeString(host)]]), names: [] }],
    ['an e-mail address', { names: [email(`root@${host}`)] }],
    [
      'an e-mail address of the subject',
      { subject: rawName([[OID.emailAddress, text(TAG.ia5String, host)]]), names: [] },
    ],
    ['a URI', { names: [uri(`https://${host}/`), uri(host)] }],
    ['a name in a name', { names: [directory(commonName(host))] }],
    ['an otherName', namesDer(otherName('1.2.3', encodeString(host)))],
    ['a DNS name that is an address', { names: [dns('10.0.0.1')] }],
  ] as readonly (readonly [string, CertificateOptions])[])('PATH-15: %s is no host name', (_claim, node) => {
    const whole = hierarchy({ node })
    for (const hostName of [host, '10.0.0.1', '::ffff:10.0.0.1', '']) {
      expectCode('ERR_PATH_HOST_NAME', () => validate(whole, { hostName }))
    }
  })

  it('PATH-15: under a constraint on DNS names, a common name outside of it is nobody’s either', () => {
    const issuing = constraining({ permitted: [dns('cloud.example')] })
    const whole = hierarchy({ issuing, node: { subject: commonName('evil.test'), names: [] } })
    expect(validate(whole).certificates).toHaveLength(3)
    expectCode('ERR_PATH_HOST_NAME', () => validate(whole, { hostName: 'evil.test' }))
  })
})

describe('PATH-16: addresses', () => {
  const TEN = [10, 0, 0, 0]
  const EIGHT = [255, 0, 0, 0]
  const mapped = (...last: readonly number[]): readonly number[] => [
    ...new Array<number>(10).fill(0),
    0xff,
    0xff,
    ...last,
  ]

  it.each([
    ['a hole', [255, 0, 255, 0]],
    ['zeros first', [0, 255, 255, 255]],
    ['a hole in an octet', [255, 0b10100000, 0, 0]],
  ])('PATH-16: a mask with %s is malformed, permitted or excluded', (_claim, mask) => {
    for (const list of ['permitted', 'excluded'] as const) {
      expectCode('ERR_EXTENSION_MALFORMED', () =>
        validate(hierarchy({ issuing: constraining({ [list]: [ip(TEN, mask)] }) })),
      )
    }
  })

  it.each([0, 3, 5, 8, 15, 17, 31, 32])('PATH-16: an address of %i octets is malformed', (length) => {
    const node = namesDer(encodeContextPrimitive(7, new Uint8Array(length)))
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ node })))
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ node }), { hostName: '0.0.0.0' }))
    const issuing = constraining({ permitted: [ip(TEN, EIGHT)] })
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing, node })))
  })

  it.each([0, 4, 5, 7, 9, 16, 31, 33])('PATH-16: a range of %i octets is malformed', (length) => {
    const issuing = constrainingDer('excluded', encodeContextPrimitive(7, new Uint8Array(length)))
    expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing })))
  })

  it('PATH-16: an IPv4 address mapped into IPv6 is not permitted with IPv4, and excluded with it', () => {
    const node = { names: [ip(mapped(10, 0, 0, 1))] }
    expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
    for (const list of ['permitted', 'excluded'] as const) {
      const issuing = constraining({ [list]: [ip(TEN, EIGHT)] })
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node })))
    }
    // The other way round: the mapped range is excluded, and the plain address is used.
    const issuing = constraining({ excluded: [ip(mapped(...TEN), [...new Array<number>(13).fill(255), 0, 0, 0])] })
    expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node: { names: [ip([10, 0, 0, 1])] } })))
  })

  it('PATH-16: an address in the text of another kind of name is none, however it is written', () => {
    const address = hierarchy({ node: { names: [ip([10, 0, 0, 1])] } })
    expect(validate(address, { hostName: '10.0.0.1' }).certificates).toHaveLength(3)
    for (const hostName of ['010.0.0.1', '0x0a.0.0.1', '012.0.0.1', '167772161', '10.1', '10.0.0.1.', ' 10.0.0.1']) {
      expect(parseIpAddress(hostName)).toBeUndefined()
      expectCode('ERR_PATH_HOST_NAME', () => validate(address, { hostName }))
    }
    for (const name of ['10.0.0.1', '010.0.0.1', '*.0.0.1']) {
      expectCode('ERR_PATH_HOST_NAME', () =>
        validate(hierarchy({ node: namesDer(textName('dns', name)) }), { hostName: '10.0.0.1' }),
      )
    }
  })
})

describe('PATH-17: many names times many constraints', () => {
  const many = (count: number, suffix: string): readonly GeneralName[] =>
    Array.from({ length: count }, (_, index) => dns(`n${index}.${suffix}`))
  const names = (count: number, suffix: string): CertificateOptions => ({
    names: [],
    moreExtensionsDer: [encodeSubjectAltName(many(count, suffix), false)],
  })

  const wide = (count: number, suffix: string): CertificateOptions => ({
    moreExtensionsDer: [
      encodeNameConstraints({ permitted: many(count, 'cloud.example'), excluded: many(count, suffix) }),
    ],
  })

  it('PATH-17: two thousand names under two thousand constraints are too many comparisons', () => {
    const node = names(2000, 'n1.cloud.example')
    expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ issuing: wide(1000, 'evil.test'), node })))
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ issuing: wide(2000, 'evil.test'), node })))
  })

  it('PATH-17: what is allowed in one CA adds up in several', () => {
    const node = names(400, 'n1.cloud.example')
    expect(validate(hierarchy({ issuing: wide(1000, 'evil.test'), node })).certificates).toHaveLength(3)
    expectCode('ERR_LIMIT_EXCEEDED', () =>
      validate(hierarchy({ root: wide(1000, 'a.test'), issuing: wide(1000, 'b.test'), node })),
    )
  })

  it('PATH-17: there is an end to names and constraints themselves', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ node: names(5001, 'a') })))
    const issuing = constraining({ excluded: many(5001, 'a') })
    expectCode('ERR_LIMIT_EXCEEDED', () => validate(hierarchy({ issuing })))
  })
})
