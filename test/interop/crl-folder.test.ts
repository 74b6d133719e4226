/** A folder of CRLs, named as OpenSSL looks for them. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString,
  encodeValue,
  DerReader,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { buildName, Name, opensslNameHash } from '../../src/x509/index.js'
import { makeCertificate, makeCrl } from '../support/certificates.js'
import { makeDeployment } from '../support/deployment.js'
import { temporaryFolder } from '../support/temporary.js'
import { available, run } from './programs.js'

const hasOpenssl = available('openssl')
const folder = temporaryFolder()

const attribute = (type: string, value: Uint8Array): Uint8Array => encodeSequence(encodeObjectIdentifier(type), value)
const nameOf = (...rdns: readonly Uint8Array[]): Name =>
  Name.read(DerReader.over(encodeSequence(...rdns), { maxBytes: 4096, maxDepth: 8, maxNodes: 128 }))
const utf16 = (text: string): Uint8Array => Buffer.from(text, 'utf16le').swap16()
const utf32 = (text: string): Uint8Array =>
  Buffer.concat([...text].map((character) => Buffer.from([0, 0, ...utf16(character)])))
const one = (value: Uint8Array): Name => nameOf(encodeSetOf(attribute(OID.commonName, value)))

const NAMES: readonly (readonly [claim: string, name: Name])[] = [
  [
    'a usual name',
    buildName([
      [OID.organizationName, 'Cloud Example'],
      [OID.commonName, 'Issuing CA 7'],
    ]),
  ],
  ['capitals and runs of spaces', one(encodeString('  ROOT \t\n CA  '))],
  ['a text of spaces', one(encodeString('   '))],
  ['an empty text', one(encodeString(''))],
  ['umlauts, whose case stays', one(encodeString('ÄRGER  Ünd  ß'))],
  ['a space of Unicode, which stays', one(encodeString('a\u00a0\u00a0b '))],
  ['a character of four octets', one(encodeString('CA \u{1f512}'))],
  ['PrintableString', one(encodeString('Root CA', TAG.printableString))],
  ['IA5String', one(encodeString('Root_CA@A', TAG.ia5String))],
  ['TeletexString', one(encodeString('Zür  ICH', TAG.teletexString))],
  ['BMPString', one(encodeValue(TAG.bmpString, utf16('Zür  ICH')))],
  ['UniversalString', one(encodeValue(TAG.universalString, utf32('Zür  ICH')))],
  ['NumericString, which stays', one(encodeString('12  34 ', TAG.numericString))],
  [
    'several attributes in one RDN, whose order changes',
    nameOf(
      encodeSetOf(
        attribute(OID.commonName, encodeString('B', TAG.printableString)),
        attribute(OID.commonName, encodeString('a', TAG.utf8String)),
        attribute(OID.organizationName, encodeString('Z', TAG.printableString)),
      ),
    ),
  ],
  ['no RDN at all', nameOf()],
]

describe.skipIf(!hasOpenssl)('opensslNameHash: what openssl says', () => {
  it.each(NAMES)('%s', async (_claim, name) => {
    const crl = await makeCrl({ issuer: makeCertificate({ subject: name, ca: true }) })
    const file = join(folder, 'crl.pem')
    writeFileSync(file, crl.toPem())
    expect(run('openssl', ['crl', '-in', file, '-hash', '-noout']).stdout.trim()).toBe(opensslNameHash(name))
  })
})

describe.skipIf(!hasOpenssl)('crls/ of a credential directory', () => {
  it('REV-04: OpenSSL finds the CRL of every CA in it, and without it refuses', async () => {
    const cloud = await makeDeployment({ entities: [{ id: 'node-1' }] })
    const directory = join(cloud.credential('node-1/tls').directory, 'current')
    const verify = (...words: readonly string[]): ReturnType<typeof run> =>
      run('openssl', [
        ...['verify', '-no-CApath', '-no-CAstore', '-CAfile', join(directory, 'ca-bundle.pem')],
        ...['-crl_check_all', ...words, join(directory, 'fullchain.pem')],
      ])
    expect(readdirSync(join(directory, 'crls'))).toHaveLength(2)
    expect(verify('-CApath', join(directory, 'crls'))).toMatchObject({ code: 0 })
    expect(verify().output).toContain('unable to get certificate CRL')
  })
})
