/** Named attacks on name constraints: names that are text, each carried down a whole path. */
import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeSequence,
  encodeString,
  OID,
  TAG,
} from '../../../src/asn1/index.js'
import type { Name } from '../../../src/x509/index.js'
import { expectCode } from '../../support/expect-code.js'
import { extensionDer, hierarchy, validate } from '../../support/hierarchy.js'
import {
  constraining,
  constrainingDer,
  dns,
  email,
  namesDer,
  otherName,
  rawName,
  text,
  textName,
  verdictOf,
} from './forge.js'

type List = 'permitted' | 'excluded'
type Kind = 'email' | 'dns' | 'uri'

/** What a path says to one name of a node, in octets of our choice, under one constraint of its issuing CA. */
function judged(list: List, kind: Kind, base: string, name: string): string {
  return verdictOf(() =>
    validate(hierarchy({ issuing: constrainingDer(list, textName(kind, base)), node: namesDer(textName(kind, name)) })),
  )
}

/** A name that must not pass, whichever way round the constraint is written. */
const NEVER = /^ERR_(PATH_NAME_CONSTRAINT|EXTENSION_MALFORMED)$/

function never(list: List, kind: Kind, base: string, names: readonly string[]): void {
  for (const name of names) {
    const verdict = judged(list, kind, base, name)
    expect(`${JSON.stringify(name)} ${list} ${base}: ${verdict}`).toMatch(new RegExp(`: ${NEVER.source.slice(1, -1)}$`))
  }
}

const both = (kind: Kind, base: string, names: readonly string[]): void => {
  never('permitted', kind, base, names)
  never('excluded', kind, base, names)
}

describe('PATH-09: name constraints and wildcards', () => {
  it('PATH-09: a wildcard is excluded with any name that it covers, and with what lies above it', () => {
    const node = { names: [dns('*.example.com')] }
    expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
    for (const base of ['bar.example.com', 'example.com', 'com', 'BAR.example.com']) {
      const issuing = constraining({ excluded: [dns(base)] })
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node })))
    }
    // Two labels below there is nothing that it covers.
    for (const base of ['example.org', 'ample.com', 'xexample.com', 'a.bar.example.com']) {
      const issuing = constraining({ excluded: [dns(base)] })
      expect(validate(hierarchy({ issuing, node })).certificates).toHaveLength(3)
    }
  })

  it('PATH-09: a wildcard is permitted only with all that it covers', () => {
    const under = (base: string, name: string): string => judged('permitted', 'dns', base, name)
    expect(under('example.com', '*.example.com')).toBe('accepted')
    expect(under('com', '*.example.com')).toBe('accepted')
    expect(under('foo.example.com', '*.foo.example.com')).toBe('accepted')
    expect(under('foo.example.com', '*.example.com')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(under('a.foo.example.com', '*.foo.example.com')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(under('foo.example.com', '*.com')).toBe('ERR_PATH_NAME_CONSTRAINT')
  })

  it('PATH-09: what the peer is called cannot be chosen so that an exclusion is passed by', () => {
    const node = { names: [dns('*.example.com'), dns('ok.example.net')] }
    const issuing = constraining({ excluded: [dns('bar.example.com')] })
    for (const hostName of ['foo.example.com', 'bar.example.com', 'ok.example.net', undefined]) {
      expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
        validate(hierarchy({ issuing, node }), hostName === undefined ? {} : { hostName }),
      )
    }
  })

  it('PATH-09: a star anywhere else is no name that can be compared', () => {
    both('dns', 'example.com', ['a*.example.com', '*a.example.com', 'a.*.example.com', '*.*.example.com', '*', '*.'])
  })
})

describe('PATH-10: other spellings of a DNS name or URI', () => {
  it('PATH-10: case makes no difference, on either side, wildcards included', () => {
    for (const name of ['EVIL.example', 'Evil.Example', 'a.EVIL.example', '*.EVIL.example', '*.eViL.eXaMpLe']) {
      for (const base of ['evil.example', 'EVIL.EXAMPLE']) {
        expect(judged('excluded', 'dns', base, name)).toBe('ERR_PATH_NAME_CONSTRAINT')
        expect(judged('permitted', 'dns', base, name)).toBe('accepted')
      }
    }
    expect(judged('excluded', 'dns', 'xn--nde-sna.example', 'XN--NDE-SNA.example')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judged('excluded', 'uri', 'evil.example', 'spiffe://EVIL.example/a')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judged('excluded', 'email', 'evil.example', 'a@EVIL.example')).toBe('ERR_PATH_NAME_CONSTRAINT')
  })

  it('PATH-10: a dot at the end or the beginning, an empty label, a space, a control or an octet beyond ASCII', () => {
    both('dns', 'evil.example', [
      'evil.example.',
      'a.evil.example.',
      'a.evil.example..',
      '.evil.example',
      'a..evil.example',
      ' evil.example',
      'evil.example ',
      'a.evil.example\0',
      'a\0.evil.example',
      'a.evil.example\n',
      'a.evil.exam\u00adple',
      'n\u00f6de.evil.example',
      '*.evil.example.',
    ])
  })

  it('PATH-10: a base in another spelling excludes what it may mean, and permits nothing', () => {
    never('excluded', 'dns', '.evil.example', ['a.evil.example', 'evil.example'])
    for (const base of ['evil.example.', 'evil..example', '*.evil.example', ' evil.example']) {
      never('excluded', 'dns', base, ['a.evil.example'])
      never('permitted', 'dns', base, ['a.evil.example'])
    }
  })

  it('PATH-10: an empty base is every DNS name', () => {
    expect(judged('excluded', 'dns', '', 'any.example')).toBe('ERR_PATH_NAME_CONSTRAINT')
    expect(judged('permitted', 'dns', '', 'any.example')).toBe('accepted')
    never('excluded', 'uri', '', ['spiffe://any.example/a'])
    never('excluded', 'email', '', ['a@any.example'])
  })

  it('PATH-10: percent-encoding hides no host', () => {
    both('uri', 'evil.example', [
      'https://evil%2eexample/',
      'https://%65vil.example/',
      'https://evil.example%00.good.example/',
      'https://evil.example%2f@good%2eexample/',
    ])
  })
})

describe('PATH-11: name constraints and e-mail', () => {
  it('PATH-11: a quoted local part, or a second at sign, is no address that can be compared', () => {
    both('email', 'cloud.example', [
      '"a@cloud.example"@evil.test',
      '"a"@cloud.example',
      'a@evil.test@cloud.example',
      'a@cloud.example@evil.test',
      'a@cloud.example, b@evil.test',
      '<a@cloud.example>',
      'a b@cloud.example',
      'a(b)@cloud.example',
      'a@cloud.example\0.evil.test',
      'a\0@cloud.example',
      'a@cloud.example.',
      'a@',
      '@cloud.example',
      'cloud.example',
      'a@[10.0.0.1]',
      '\u00e9@cloud.example',
    ])
  })

  it('PATH-11: a host, the hosts below a domain, and one mailbox are three different things', () => {
    const rows: readonly (readonly [base: string, name: string, inside: boolean])[] = [
      ['cloud.example', 'a@cloud.example', true],
      ['cloud.example', 'a@mail.cloud.example', false],
      ['.cloud.example', 'a@mail.cloud.example', true],
      ['.cloud.example', 'a@cloud.example', false],
      ['a@cloud.example', 'a@cloud.example', true],
      ['a@cloud.example', 'b@cloud.example', false],
      ['a@cloud.example', 'A@cloud.example', false],
    ]
    for (const [base, name, inside] of rows) {
      const excluded = judged('excluded', 'email', base, name)
      expect(judged('permitted', 'email', base, name) === 'accepted').toBe(inside)
      // A local part in another case may be the same mailbox; an exclusion may hold for it, or not.
      if (name !== 'A@cloud.example') expect(excluded !== 'accepted').toBe(inside)
    }
  })

  it('PATH-11: each of many constraints counts, whatever its local part and place', () => {
    const hosts = ['one', 'two', 'three']
    const bases = hosts.map((host) => email(`a@${host}.example`))
    for (const host of hosts) {
      const node = { names: [email(`a@${host}.example`)] }
      expect(validate(hierarchy({ issuing: constraining({ permitted: bases }), node })).certificates).toHaveLength(3)
      expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
        validate(hierarchy({ issuing: constraining({ excluded: bases }), node })),
      )
    }
    const other = { names: [email('a@four.example')] }
    expectCode('ERR_PATH_NAME_CONSTRAINT', () =>
      validate(hierarchy({ issuing: constraining({ permitted: bases }), node: other })),
    )
  })

  it('PATH-11: an address in the subject is constrained, in whatever type its text is', () => {
    const issuing = constraining({ permitted: [email('cloud.example')] })
    const subject = (value: Uint8Array): Name =>
      rawName([[OID.commonName, encodeString('node')]], [[OID.emailAddress, value]])
    for (const tag of [TAG.ia5String, TAG.utf8String, TAG.bmpString, TAG.universalString, TAG.teletexString]) {
      const [good, bad] = ['a@cloud.example', 'a@evil.test'].map((address) => subject(text(tag, address)))
      if (good === undefined || bad === undefined) throw new Error('there are two')
      expect(validate(hierarchy({ issuing, node: { subject: good } })).certificates).toHaveLength(3)
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node: { subject: bad } })))
      // A good alternative name beside it does not hide it.
      const names = [email('a@cloud.example')]
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node: { subject: bad, names } })))
    }
  })

  it('PATH-11: an address in the subject that cannot be read is not within any constraint', () => {
    for (const tag of [0x1b, 0x19, TAG.octetString]) {
      const subject = rawName([[OID.emailAddress, text(tag, 'a@evil.test')]])
      const issuing = constraining({ permitted: [email('cloud.example')] })
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node: { subject } })))
    }
  })

  it('PATH-11: an internationalized mailbox is an e-mail address, too (RFC 9598 §6)', () => {
    const mailbox = otherName('1.3.6.1.5.5.7.8.9', encodeString('m\u00f6we@evil.test'))
    const node = namesDer(mailbox)
    expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
    for (const constraints of [
      { permitted: [email('cloud.example')] },
      { excluded: [email('evil.test')] },
      { excluded: [email('.evil.test'), email('evil.test')] },
    ]) {
      expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing: constraining(constraints), node })))
    }
  })
})

describe('PATH-12: name constraints and URIs', () => {
  it('PATH-12: the host decides: not who is logged in there, the port, the path or the case of the scheme', () => {
    const inside = [
      'spiffe://cloud.example/a',
      'SPIFFE://cloud.example/a',
      'https://cloud.example:8443/a',
      'https://user@cloud.example/',
      'https://evil.test:pass@cloud.example/',
      'https://cloud.example?x=//evil.test',
    ]
    const outside = [
      'https://cloud.example@evil.test/',
      'https://cloud.example:443@evil.test/',
      'https://evil.test/cloud.example',
      'https://evil.test?cloud.example',
      'https://evil.test#@cloud.example',
      'https://cloud.example.evil.test/',
    ]
    for (const name of inside) {
      expect([name, judged('permitted', 'uri', 'cloud.example', name)]).toEqual([name, 'accepted'])
      expect([name, judged('excluded', 'uri', 'cloud.example', name)]).toEqual([name, 'ERR_PATH_NAME_CONSTRAINT'])
    }
    for (const name of outside) {
      expect([name, judged('permitted', 'uri', 'cloud.example', name)]).toEqual([name, 'ERR_PATH_NAME_CONSTRAINT'])
      expect([name, judged('excluded', 'uri', 'cloud.example', name)]).toEqual([name, 'accepted'])
    }
  })

  it('PATH-12: a URI without a host name, or with an address for one, is within no constraint', () => {
    both('uri', 'cloud.example', [
      'urn:cloud.example',
      'mailto:a@cloud.example',
      'spiffe:cloud.example',
      'spiffe:/cloud.example',
      'spiffe:///cloud.example',
      '//cloud.example/',
      'cloud.example',
      'https://10.0.0.1/',
      'https://[::1]/',
      'https://[fe80::1%25eth0]/',
      'https://[fe80::1%25cloud.example]/',
      'https://[::1]cloud.example/',
      'https://cloud.example./',
      'https://.cloud.example/',
      'https://cloud.example:80:90/',
      'https://cloud.example:port/',
      ' https://cloud.example/',
      'https://cloud.example /',
      'https://cloud.example\0/',
    ])
  })

  it('PATH-12: an octet that no URI has (RFC 3986 §2) makes it one that cannot be compared', () => {
    // Browsers end the host at a backslash, others at the at sign.
    both('uri', 'cloud.example', [
      'https://evil.test\\@cloud.example/',
      'https://evil.test\\cloud.example/',
      'https://evil.test\t@cloud.example/',
      'https://evil.test @cloud.example/',
      'https://evil.test"@cloud.example/',
      'https://evil.test<@cloud.example/',
      'https://evil.test\x7f@cloud.example/',
    ])
  })

  it('PATH-12: a constraint on a kind of name that is not understood refuses every name of that kind', () => {
    const names: readonly Uint8Array[] = [
      otherName('1.2.3', encodeString('a')),
      encodeContext(3, encodeSequence()),
      encodeContext(5, encodeContext(1, encodeString('party'))),
      encodeContextPrimitive(8, Uint8Array.of(42, 3, 4)),
    ]
    for (const name of names) {
      const node = namesDer(name)
      expect(validate(hierarchy({ node })).certificates).toHaveLength(3)
      for (const list of ['permitted', 'excluded'] as const) {
        const issuing = constrainingDer(list, name)
        expectCode('ERR_PATH_NAME_CONSTRAINT', () => validate(hierarchy({ issuing, node })))
        expect(validate(hierarchy({ issuing })).certificates).toHaveLength(3)
      }
    }
  })

  it('PATH-12: subtrees with a minimum or a maximum are malformed, not read without them', () => {
    for (const extra of [encodeContextPrimitive(0, Uint8Array.of(1)), encodeContextPrimitive(1, Uint8Array.of(1))]) {
      const subtree = encodeSequence(textName('uri', 'cloud.example'), extra)
      const value = encodeSequence(encodeContext(0, subtree))
      const issuing = { moreExtensionsDer: [extensionDer(OID.nameConstraints, true, value)] }
      expectCode('ERR_EXTENSION_MALFORMED', () => validate(hierarchy({ issuing })))
    }
  })
})
