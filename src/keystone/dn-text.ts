/**
 * Distinguished names as OpenSSL prints them, which is what web servers hand to Keystone. For comparing with text that an
 * operator copied; nothing here is ever parsed back.
 *
 * @module keystone/dn-text (floor 5.1)
 */
import { CERTIFICATE_LIMITS, DerReader, OID } from '../asn1/index.js'
import type { Name, NameAttribute } from '../x509/index.js'

/** How OpenSSL abbreviates attribute types. Those that are not here are printed as object identifiers. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [OID.commonName, 'CN'],
  [OID.surname, 'SN'],
  [OID.serialNumber, 'serialNumber'],
  [OID.countryName, 'C'],
  [OID.localityName, 'L'],
  [OID.stateOrProvinceName, 'ST'],
  [OID.streetAddress, 'street'],
  [OID.organizationName, 'O'],
  [OID.organizationalUnitName, 'OU'],
  [OID.title, 'title'],
  ['2.5.4.13', 'description'],
  ['2.5.4.15', 'businessCategory'],
  ['2.5.4.17', 'postalCode'],
  ['2.5.4.20', 'telephoneNumber'],
  ['2.5.4.41', 'name'],
  [OID.givenName, 'GN'],
  ['2.5.4.43', 'initials'],
  ['2.5.4.44', 'generationQualifier'],
  ['2.5.4.45', 'x500UniqueIdentifier'],
  ['2.5.4.46', 'dnQualifier'],
  ['2.5.4.65', 'pseudonym'],
  ['2.5.4.97', 'organizationIdentifier'],
  [OID.domainComponent, 'DC'],
  [OID.userId, 'UID'],
  [OID.emailAddress, 'emailAddress'],
  ['1.2.840.113549.1.9.2', 'unstructuredName'],
])

/**
 * A name as mod_ssl prints it since Apache 2.3.11: RFC 2253, the last RDN first, characters outside of ASCII as they are.
 *
 * @see RFC 2253 §2, `openssl x509 -nameopt RFC2253,-esc_msb`
 */
export function rfc2253Text(name: Name): string {
  return name.rdns
    .toReversed()
    .map((rdn) => rdn.toReversed().map(rfc2253Attribute).join('+'))
    .join(',')
}

function rfc2253Attribute({ type, text, valueDer }: NameAttribute): string {
  const shortName = SHORT_NAMES.get(type)
  // Types without a name, and values that are no text, are printed as the octets that they are.
  if (shortName === undefined || text === undefined) {
    return `${shortName ?? type}=#${Buffer.from(valueDer).toString('hex').toUpperCase()}`
  }
  const escaped = text
    .replace(/[\\",+;<>]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&')
    .replace(/[\0-\x1f\x7f]/g, (character) => `\\${hexadecimal(character.charCodeAt(0))}`)
  return `${shortName}=${escaped}`
}

/**
 * A name in the form of `LegacyDNStringFormat`: `/C=…/O=…/CN=…`.
 *
 * Ambiguous: a slash within a value is escaped with a backslash (by OpenSSL from 3.0 on; not before, and not by HAProxy), a
 * backslash is not.
 *
 * @param print - How octets of a value are printed. Default: those that are no printable ASCII as `\xC3`.
 * @param within - What stands between the attributes of one RDN.
 * @see `openssl x509 -nameopt compat`
 */
export function slashText(
  name: Name,
  print: (octets: Uint8Array) => string = printableOctets,
  within: '+' | '/' = '+',
): string {
  return name.rdns
    .map((rdn) => rdn.map((attribute) => `${typeName(attribute)}=${print(contentOctets(attribute))}`).join(within))
    .map((rdn) => `/${rdn}`)
    .join('')
}

/** The OpenSSL name of an attribute's type, or its object identifier. */
function typeName({ type }: NameAttribute): string {
  return SHORT_NAMES.get(type) ?? type
}

function printableOctets(octets: Uint8Array): string {
  return [...octets]
    .map((octet) => (octet < 0x20 || octet > 0x7e ? `\\x${hexadecimal(octet)}` : String.fromCharCode(octet)))
    .join('')
    .replace(/[/+]/g, '\\$&')
}

/** What stands in the certificate, in whichever string type. */
export function contentOctets({ valueDer }: NameAttribute): Uint8Array {
  const reader = DerReader.over(valueDer, CERTIFICATE_LIMITS)
  return reader.content(reader.peek())
}

function hexadecimal(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0')
}
