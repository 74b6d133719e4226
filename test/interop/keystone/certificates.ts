/**
 * Certificates with names that somebody may take for something else, for comparing with those who print them.
 *
 * @module test/interop/keystone/certificates
 */
import { OID, TAG } from '../../../src/asn1/index.js'
import type { Certificate, Name } from '../../../src/x509/index.js'
import { keyFor, makeCertificate } from '../../support/certificates.js'
import { type Attribute, nameOf } from '../../support/names.js'

const ONE: readonly Attribute[] = [
  [OID.commonName, 'nova'],
  [OID.commonName, 'nova;admin'],
  [OID.commonName, 'a,b+c"d\\e<f>g;h=i'],
  [OID.commonName, ' spaces '],
  [OID.commonName, ' '],
  [OID.commonName, '#hash'],
  [OID.commonName, 'a/O=b'],
  [OID.commonName, 'größe 名前 😀'],
  [OID.commonName, 'a\0b'],
  [OID.commonName, 'line\nbreak\x7f'],
  [OID.organizationName, 'plain', TAG.printableString],
  [OID.organizationName, 'größe', TAG.bmpString],
  [OID.organizationName, 'gr', TAG.teletexString],
  [OID.organizationName, 'größe', TAG.teletexString],
  [OID.emailAddress, 'a@b.example', TAG.ia5String],
  [OID.userId, 'u1'],
  [OID.domainComponent, 'example', TAG.ia5String],
  [OID.serialNumber, '12', TAG.printableString],
  [OID.surname, 'Sur'],
  [OID.givenName, 'Given'],
  [OID.title, 'Title'],
  [OID.streetAddress, 'Street 1'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'category'],
  ['2.5.4.17', '12345'],
  ['2.5.4.20', '112'],
  ['2.5.4.41', 'name'],
  ['2.5.4.43', 'I'],
  ['2.5.4.44', 'Jr'],
  ['2.5.4.46', 'q', TAG.printableString],
  ['2.5.4.65', 'pseudo'],
  ['2.5.4.97', 'VAT-1'],
  ['1.3.6.1.4.1.32473.1', 'private'],
]

const NAMES: readonly Name[] = [
  ...ONE.map((attribute) => nameOf([[OID.countryName, 'US', TAG.printableString]], [attribute])),
  nameOf([[OID.organizationalUnitName, 'a']], [[OID.organizationalUnitName, 'b']], [[OID.commonName, 'c']]),
  nameOf([
    [OID.commonName, 'two'],
    [OID.organizationalUnitName, 'in one'],
  ]),
  nameOf(),
]

/** One for every name, as its subject. All have one issuer. */
export function oddCertificates(): readonly Certificate[] {
  const issuer = makeCertificate({
    subject: nameOf(
      [[OID.organizationName, 'Größe']],
      [[OID.emailAddress, 'ca@b', TAG.ia5String]],
      [[OID.commonName, 'CA']],
    ),
    ca: true,
  })
  const key = keyFor('odd')
  return NAMES.map((subject) => makeCertificate({ subject, issuer, key }).certificate)
}
