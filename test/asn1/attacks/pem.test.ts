/** Files of PEM: named attacks on readers that take a part of a file for the whole. */
import { describe, expect, it } from 'vitest'
import { encodePem, parsePem, parsePemBlock, readPemOrDer } from '../../../src/asn1/index.js'
import { decodePrivateKey, encodePrivateKey } from '../../../src/crypto/index.js'
import {
  createCertificationRequest,
  parseCertificates,
  parseCertificationRequest,
  parseCrls,
} from '../../../src/x509/index.js'
import { commonName, keyFor, makeCertificate, makeCrl, privateKeyFor } from '../../support/certificates.js'
import { expectCode } from '../../support/expect-code.js'
import { verdictOf } from './documents.js'

const [one, two, three] = ['one', 'two', 'three'].map((subject) => makeCertificate({ subject, ca: true }).certificate)
if (one === undefined || two === undefined || three === undefined) throw new Error('there are three')
const [first, second, third] = [one.toPem(), two.toPem(), three.toPem()]
const key = encodePrivateKey(privateKeyFor('somebody'))

const subjects = (text: string | Uint8Array): readonly string[] =>
  parseCertificates(Buffer.from(text)).map((certificate) => certificate.subject.toString())
/** Read as certificates: how many, or why not. */
const read = (text: string | Uint8Array): number | string => {
  let count = 0
  const verdict = verdictOf(() => {
    count = subjects(text).length
  })
  return verdict === 'accepted' ? count : verdict
}

describe('DER-12: every block of a file, or an error', () => {
  it.each([1, 2, 100, 1000])('DER-12: a bundle of %i certificates is all of them, in order', (count) => {
    const bundle = Array.from({ length: count }, (_, index) => [first, second, third][index % 3]).join('')
    expect(subjects(bundle)).toEqual(
      Array.from({ length: count }, (_, index) => `CN=${['one', 'two', 'three'][index % 3]}`),
    )
  })

  it.each([
    ['CRLF', (text: string) => text.replaceAll('\n', '\r\n')],
    ['CR', (text: string) => text.replaceAll('\n', '\r')],
    ['a mixture', (text: string) => text.replace('\n', '\r\n').replace('-\n', '-\r')],
    ['no line ending at the end', (text: string) => text.trimEnd()],
    ['spaces at line ends', (text: string) => text.replaceAll('\n', ' \t\n')],
    ['indented base64', (text: string) => text.replaceAll('\nM', '\n  M')],
    ['empty lines between', (text: string) => text.replaceAll('-----BEGIN', '\n\n-----BEGIN')],
    ['words between', (text: string) => text.replaceAll('-----BEGIN', 'subject=CN = somebody\n# begin\n-----BEGIN')],
    ['what openssl prints', (text: string) => text.replaceAll('-----BEGIN', 'Certificate:\n    Data:\n-----BEGIN')],
    [
      'letters beyond ASCII between',
      (text: string) => text.replaceAll('-----BEGIN', 'M\u00fcller \u2014 Wurzel\n-----BEGIN'),
    ],
  ])('DER-12: with %s, it is the same bundle', (_claim, change) => {
    expect(subjects(change(`${first}${second}${third}`))).toEqual(['CN=one', 'CN=two', 'CN=three'])
  })

  it.each([
    ['the last END', (text: string) => text.replace(/-----END CERTIFICATE-----\n$/, '')],
    ['the first END', (text: string) => text.replace('-----END CERTIFICATE-----\n', '')],
    ['a BEGIN', (text: string) => text.replace(/\n-----BEGIN CERTIFICATE-----\n/, '\n')],
    ['the end of the last block', (text: string) => text.slice(0, -100)],
    ['a dash', (text: string) => text.replace(/-----\n$/, '----\n')],
    ['a letter of a label', (text: string) => text.replace(/END CERTIFICATE-----\n$/, 'END CERTIFICAT-----\n')],
    ['a body', (text: string) => text.replace(/(-----BEGIN CERTIFICATE-----\n)[^-]+/, '$1')],
  ])('DER-12: without %s, none of it is read', (_claim, change) => {
    const text = change(`${first}${second}`)
    expect(text).not.toBe(`${first}${second}`)
    expect(read(text)).toBe('ERR_PEM_MALFORMED')
    expect(read(`${text}${third}`)).toMatch(/^ERR_/)
    expect(read(`${third}${text}`)).toBe('ERR_PEM_MALFORMED')
  })

  it.each(['TRUSTED CERTIFICATE', 'X509 CERTIFICATE', 'X509 CRL', 'PRIVATE KEY', 'CERTIFICATE REQUEST', 'CMS', 'A'])(
    'DER-12: a block %s among certificates is not passed over',
    (label) => {
      const other = encodePem(label, two.der)
      for (const text of [`${first}${other}`, `${other}${first}`, `${first}${other}${third}`, other]) {
        expect(read(text)).toBe('ERR_PEM_LABEL')
      }
    },
  )

  it('DER-12: a key and a certificate in one file are neither certificates nor a key', () => {
    for (const text of [`${key}${first}`, `${first}${key}`]) {
      expect(read(text)).toBe('ERR_PEM_LABEL')
      expectCode('ERR_PEM_LABEL', () => decodePrivateKey(text))
    }
    expectCode('ERR_PEM_MALFORMED', () => decodePrivateKey(`${key}${key}`))
    expectCode('ERR_PEM_MALFORMED', () => parsePemBlock(`${first}${second}`, 'CERTIFICATE'))
  })

  it('DER-12: a label at one end is the label at the other', () => {
    const crossed = first.replace('END CERTIFICATE', 'END PRIVATE KEY')
    for (const text of [crossed, `${crossed}${second}`, first.replace('BEGIN CERTIFICATE', 'BEGIN X509 CRL')]) {
      expect(read(text)).toBe('ERR_PEM_MALFORMED')
    }
    expect(read(first.replaceAll('CERTIFICATE', 'Certificate'))).toBe('ERR_PEM_MALFORMED')
    expect(read(first.replaceAll('CERTIFICATE', 'CERTIFICATE '))).toMatch(/^ERR_PEM_/)
  })

  it('DER-12: headers inside a block are not skipped', () => {
    const [begin = '', ...rest] = first.split('\n')
    for (const header of ['Proc-Type: 4,ENCRYPTED', 'DEK-Info: AES-256-CBC,00', 'Comment: x', 'a:b']) {
      expect(read([begin, header, '', ...rest].join('\n'))).toBe('ERR_PEM_MALFORMED')
    }
    const [beginKey = '', ...restKey] = key.split('\n')
    const traditional = [beginKey, 'Proc-Type: 4,ENCRYPTED', 'DEK-Info: DES-EDE3-CBC,00', '', ...restKey].join('\n')
    expectCode('ERR_KEY_FORMAT_WEAK', () => decodePrivateKey(traditional))
  })

  it('DER-12: a request under its older name is one, and is nothing else', async () => {
    const pem = await createCertificationRequest(keyFor('asker'), { subject: commonName('asker') })
    const older = pem.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')
    expect(parseCertificationRequest(Buffer.from(older)).subject.toString()).toBe('CN=asker')
    expect(read(older)).toBe('ERR_PEM_LABEL')
    expectCode('ERR_CSR_MALFORMED', () => parseCertificationRequest(Buffer.from(`${pem}${older}`)))
  })

  it('DER-12: ten megabytes without an END, in lines or in one, with boundaries in it or without', () => {
    const line = `${'A'.repeat(64)}\n`
    const body = line.repeat(160_000)
    for (const text of [
      `-----BEGIN CERTIFICATE-----\n${body}`,
      `-----BEGIN CERTIFICATE-----\n${'A'.repeat(10 << 20)}`,
      `-----BEGIN CERTIFICATE-----${'-'.repeat(10 << 20)}`,
      '-----BEGIN CERTIFICATE-----\n'.repeat(400_000),
      `${'-'.repeat(10 << 20)}\n`,
      `-----BEGIN ${'A '.repeat(5 << 20)}-----\n`,
      `${'\r'.repeat(10 << 20)}-----BEGIN CERTIFICATE-----`,
    ]) {
      expect(read(text)).toBe('ERR_PEM_MALFORMED')
    }
  })

  it('DER-12: CRLs are read as certificates are: all or none', async () => {
    const crl = (await makeCrl({ issuer: { certificate: one, key: keyFor('CN=one') } })).toPem()
    expect(parseCrls(Buffer.from(crl.repeat(3)))).toHaveLength(3)
    expectCode('ERR_PEM_LABEL', () => parseCrls(Buffer.from(`${crl}${first}`)))
    expectCode('ERR_PEM_MALFORMED', () => parseCrls(Buffer.from(`${crl}${crl.slice(0, -20)}`)))
  })
})

describe('DER-12: what looks like a block to a person is not passed over as text', () => {
  const begin = /-----BEGIN CERTIFICATE-----/
  const end = /-----END CERTIFICATE-----/
  const dressed = (before: string, after: string): string =>
    second.replace(begin, `${before}BEGIN CERTIFICATE${after}`).replace(end, `${before}END CERTIFICATE${after}`)

  it.each([
    ['quoted, as in mail', dressed('> -----', '-----')],
    ['indented', dressed('  -----', '-----')],
    ['behind a byte order mark', `\ufeff${second}`],
    ['in a comment', dressed('# -----', '-----')],
    ['with six dashes', dressed('------', '------')],
    ['with a space behind the dashes', dressed('----- ', ' -----')],
    [
      'in small letters',
      second.replace(begin, '-----begin certificate-----').replace(end, '-----end certificate-----'),
    ],
    ['behind a NUL', dressed('\0-----', '-----')],
    ['behind a vertical tab', dressed('\v-----', '-----')],
    ['with four dashes', dressed('----', '----')],
    ['indented, with a space behind the dashes', dressed(' ----- ', ' -----')],
    [
      'with a tab between its words',
      second.replace(begin, ' -----BEGIN\tCERTIFICATE-----').replace(end, ' -----END\tCERTIFICATE-----'),
    ],
    ['with the dashes of a word processor', dressed('\u2013\u2013\u2013', '\u2013\u2013\u2013')],
    ['with dashes that became one', dressed('\u2014-', '-\u2014')],
  ])('DER-12: %s', (_claim, text) => {
    expect(read(`${first}${text}`)).toBe('ERR_PEM_MALFORMED')
    expect(read(`${text}${first}`)).toBe('ERR_PEM_MALFORMED')
    expect(read(text)).toBe('ERR_PEM_MALFORMED')
  })

  it('DER-12: in another encoding, as some shells append it', () => {
    const little = Buffer.from(second, 'utf16le')
    const big = Buffer.from(little).swap16()
    for (const wide of [little, big, Buffer.concat([Buffer.of(0xff, 0xfe), little])]) {
      expect(read(wide)).toMatch(/^ERR_/)
      expect(read(Buffer.concat([Buffer.from(first), wide]))).toBe('ERR_PEM_MALFORMED')
      expect(read(Buffer.concat([wide, Buffer.from(first)]))).toMatch(/^ERR_/)
    }
  })

  it('DER-12: DER behind PEM, and PEM behind DER', () => {
    expect(read(Buffer.concat([Buffer.from(first), two.der]))).not.toBe(1)
    expect(read(Buffer.concat([two.der, Buffer.from(first)]))).toMatch(/^ERR_/)
    expect(readPemOrDer(two.der, 'CERTIFICATE')).toHaveLength(1)
    expect(parsePem(first)).toHaveLength(1)
  })
})
