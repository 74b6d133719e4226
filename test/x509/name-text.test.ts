import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { buildName, parseName } from '../../src/x509/index.js'
import { expectCode } from '../support/expect-code.js'

describe('parseName', () => {
  it('reads the last RDN first, as RFC 4514 writes it', () => {
    const name = parseName('CN=compute-07,OU=nova,O=cloud.example')
    expect(name.rdns.map(([attribute]) => attribute?.text)).toEqual(['cloud.example', 'nova', 'compute-07'])
    expect(
      name.equals(
        buildName([
          [OID.organizationName, 'cloud.example'],
          [OID.organizationalUnitName, 'nova'],
          [OID.commonName, 'compute-07'],
        ]),
      ),
    ).toBe(true)
  })

  it.each([
    ['', ''],
    ['cn=a', 'CN=a'],
    ['2.5.4.3=a', 'CN=a'],
    ['CN=a+OU=b', 'CN=a+OU=b'],
    ['OU=b+CN=a', 'CN=a+OU=b'],
    ['CN=', 'CN='],
    ['CN=a\\,b', 'CN=a\\,b'],
    ['CN=a\\2cb', 'CN=a\\,b'],
    ['CN=a=b', 'CN=a\\=b'],
    ['CN=a\\3Db', 'CN=a\\=b'],
    ['CN=\\ a\\ ', 'CN=\\ a\\ '],
    ['CN=\\#a', 'CN=\\#a'],
    ['CN=#0c0161', 'CN=a'],
    ['CN=\\C4\\8D', 'CN=č'],
    ['CN=Lu\\C4\\8Di\\C4\\87', 'CN=Lučić'],
    ['emailAddress=a@b.example', '1.2.840.113549.1.9.1=a@b.example'],
  ])('ID-10: reads %j as %j', (text, printed) => {
    expect(parseName(text).toString()).toBe(printed)
  })

  it.each([
    'CN',
    'CN=a,',
    ',CN=a',
    'CN=a,,OU=b',
    'CN=a+',
    'CN = a',
    'CN= a',
    'CN=a ',
    'CN=a, OU=b',
    'CN=a;OU=b',
    'CN="a"',
    'CN=a"b',
    'CN=a<b',
    'CN=a>b',
    'CN=a\\',
    'CN=a\\x',
    'CN=a\\4',
    'CN=\\ff',
    'CN=#',
    'CN=#0',
    'CN=#zz',
    'CN=#0c05',
    'CN=#0c0161ff',
    'CN=\0',
    'XX=a',
    'OID.2.5.4.3=a',
    '2.5.4.03=a',
    '/CN=a/O=b',
    `CN=${'a'.repeat(9000)}`,
    '\ud800',
  ])('ID-10: refuses %j', (text) => {
    const error = expectCode('ERR_NAME_MALFORMED', () => parseName(text.length > 100 ? text : text))
    expect(error.hint).toBeDefined()
  })

  it('ID-02: reads back whatever a name prints as, as the same name', () => {
    const types = [OID.commonName, OID.organizationName, OID.domainComponent, OID.emailAddress, '1.2.3.4']
    const attribute = fc.tuple(fc.constantFrom(...types), fc.string({ unit: 'grapheme', maxLength: 20 }))
    fc.assert(
      fc.property(fc.array(attribute, { maxLength: 6 }), (attributes) => {
        fc.pre(attributes.every(([, text]) => text.isWellFormed()))
        const name = buildName(attributes)
        const read = parseName(name.toString())
        expect(read.rdns.map((rdn) => rdn.map(({ type, text }) => [type, text]))).toEqual(
          name.rdns.map((rdn) => rdn.map(({ type, text }) => [type, text])),
        )
        expect(read.digest).toBe(name.digest)
      }),
      { seed: 4, numRuns: 500 },
    )
  })

  it('reads what OpenSSL prints with -nameopt RFC2253', () => {
    const printed = spawnSync('openssl', ['version']).error === undefined
    if (!printed) return
    const subject = '/O=Acme, Inc./OU=a\\+b/CN=odd "q" svc'
    const made = spawnSync(
      'openssl',
      [
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        '/dev/null',
        '-subj',
        subject,
      ],
      { encoding: 'utf8' },
    )
    const text = spawnSync('openssl', ['req', '-noout', '-subject', '-nameopt', 'RFC2253'], {
      input: made.stdout,
      encoding: 'utf8',
    })
    const name = parseName(text.stdout.trim().replace(/^subject=/, ''))
    expect(name.texts(OID.organizationName)).toEqual(['Acme, Inc.'])
    expect(name.texts(OID.commonName)).toEqual(['odd "q" svc'])
  })
})
