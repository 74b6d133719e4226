/**
 * What Apache's mod_ssl says of a client certificate with `SSLOptions +StdEnvVars`: the assertion of Keystone's tokenless
 * authorization.
 *
 * @module keystone/mod-ssl (floor 5.1)
 */
import { CERTIFICATE_LIMITS, contextConstructed, DerReader, OID, TAG } from '../asn1/index.js'
import { isSignetError } from '../errors/index.js'
import type { Certificate, Name, NameAttribute } from '../x509/index.js'
import { contentOctets, rfc2253Text, slashText } from './dn-text.js'
import type { StrictAttributes } from './strict.js'

/** Attribute types for which mod_ssl has variables, in its words. Others are only in the printed name. */
const VARIABLES: ReadonlyMap<string, string> = new Map([
  [OID.countryName, 'C'],
  [OID.stateOrProvinceName, 'ST'],
  [OID.localityName, 'L'],
  [OID.organizationName, 'O'],
  [OID.organizationalUnitName, 'OU'],
  [OID.commonName, 'CN'],
  [OID.title, 'T'],
  ['2.5.4.43', 'I'],
  [OID.givenName, 'G'],
  [OID.surname, 'S'],
  ['2.5.4.13', 'D'],
  [OID.userId, 'UID'],
  [OID.emailAddress, 'Email'],
])

/** The user principal name of Microsoft, an otherName. */
const MS_UPN = '1.3.6.1.4.1.311.20.2.3'

export interface ModSslOptions {
  /** Printed names as in RFC 2253, or as `SSLOptions +LegacyDNStringFormat` has them. Default `rfc2253`. */
  readonly names?: 'rfc2253' | 'legacy'
  /** Whether `+ExportCertData` adds the certificate in PEM. Default `left-out`. */
  readonly certificate?: 'left-out' | 'exported'
}

/**
 * The environment that mod_ssl makes for a certificate that it has verified. This does not verify it.
 *
 * Of an attribute that is there more than once, the plain name has the first, and `_1`, `_2` … have the others. Control
 * characters and backslashes within values are escaped. Left out are what depends on the clock (`V_REMAIN`) or on
 * OpenSSL's names of algorithms (`A_KEY`, `A_SIG`).
 */
export function modSslEnvironment(certificate: Certificate, options: ModSslOptions = {}): Record<string, string> {
  const printed = options.names === 'legacy' ? slashText : rfc2253Text
  return {
    ...commonVariables(certificate),
    SSL_CLIENT_S_DN: printed(certificate.subject),
    SSL_CLIENT_I_DN: printed(certificate.issuer),
    ...numbered('SSL_CLIENT_S_DN_', certificate.subject, printedValue),
    ...numbered('SSL_CLIENT_I_DN_', certificate.issuer, printedValue),
    ...alternativeNames(certificate, escapeControls),
    ...(options.certificate === 'exported' ? { SSL_CLIENT_CERT: certificate.toPem() } : {}),
  }
}

/**
 * The same as verified attributes: decoded values, and all of those that an attribute has under its plain name.
 *
 * Printed names are those of RFC 2253, in which no name looks like another.
 */
export function modSslAttributes(certificate: Certificate): StrictAttributes {
  return {
    ...commonVariables(certificate),
    SSL_CLIENT_S_DN: rfc2253Text(certificate.subject),
    SSL_CLIENT_I_DN: rfc2253Text(certificate.issuer),
    ...allOf('SSL_CLIENT_S_DN_', certificate.subject),
    ...allOf('SSL_CLIENT_I_DN_', certificate.issuer),
    ...alternativeNames(certificate, (text) => text),
  }
}

function commonVariables(certificate: Certificate): Record<string, string> {
  return {
    SSL_CLIENT_VERIFY: 'SUCCESS',
    SSL_CLIENT_M_VERSION: String(certificate.version),
    SSL_CLIENT_M_SERIAL: certificate.serialNumber.toUpperCase(),
    SSL_CLIENT_V_START: opensslTime(certificate.notBefore),
    SSL_CLIENT_V_END: opensslTime(certificate.notAfter),
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** As OpenSSL prints an instant: `Nov  2 05:00:00 2026 GMT`. */
function opensslTime(date: Date): string {
  const [, clock = ''] = /T([0-9:]{8})/.exec(date.toISOString()) ?? []
  const day = String(date.getUTCDate()).padStart(2)
  return `${MONTHS[date.getUTCMonth()] ?? ''} ${day} ${clock} ${date.getUTCFullYear()} GMT`
}

/** Attributes of a name that have a variable, by its name. */
function attributesOf(name: Name): readonly (readonly [variable: string, attribute: NameAttribute])[] {
  return name.rdns.flat().flatMap((attribute) => {
    const variable = VARIABLES.get(attribute.type)
    return variable === undefined ? [] : [[variable, attribute] as const]
  })
}

function numbered(prefix: string, name: Name, valueOf: (attribute: NameAttribute) => string): Record<string, string> {
  const counts = new Map<string, number>()
  return Object.fromEntries(
    attributesOf(name).map(([variable, attribute]) => {
      const count = counts.get(variable) ?? 0
      counts.set(variable, count + 1)
      return [`${prefix}${variable}${count === 0 ? '' : `_${count}`}`, valueOf(attribute)]
    }),
  )
}

/** What is no text is no attribute here; the numbers count it all the same, as those of mod_ssl do. */
function allOf(prefix: string, name: Name): StrictAttributes {
  const lists = Map.groupBy(attributesOf(name), ([variable]) => `${prefix}${variable}`)
  return Object.fromEntries(
    [...lists].flatMap(([key, entries]): (readonly [string, string | readonly string[]])[] => {
      const texts = entries.map(([, { text }]) => text)
      return [
        [key, texts.filter((text) => text !== undefined)],
        ...texts.flatMap((text, index) =>
          index === 0 || text === undefined ? [] : [[`${key}_${index}`, text] as const],
        ),
      ]
    }),
  )
}

function printedValue(attribute: NameAttribute): string {
  return escapeControls(attribute.text ?? Buffer.from(contentOctets(attribute)).toString('latin1'))
}

/** OpenSSL's `esc_ctrl`. */
function escapeControls(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replace(
      /[\0-\x1f\x7f]/g,
      (character) => `\\${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    )
}

function alternativeNames({ subjectAltName }: Certificate, print: (text: string) => string): Record<string, string> {
  const variables = subjectAltName.flatMap((name): (readonly [string, string])[] => {
    if (name.kind === 'email') return [['Email', name.value]]
    if (name.kind === 'dns') return [['DNS', name.value]]
    const principal = name.kind === 'other' ? principalName(name.der) : undefined
    return principal === undefined ? [] : [['OTHER_msUPN', principal]]
  })
  const lists = Map.groupBy(variables, ([variable]) => variable)
  return Object.fromEntries(
    [...lists].flatMap(([variable, values]) =>
      values.map(([, text], index) => [`SSL_CLIENT_SAN_${variable}_${index}`, print(text)]),
    ),
  )
}

/** The UTF8String of an otherName that is a user principal name. */
function principalName(der: Uint8Array): string | undefined {
  try {
    const reader = DerReader.over(der, CERTIFICATE_LIMITS)
    if (reader.peek() !== contextConstructed(0)) return undefined
    const otherName = reader.constructed(contextConstructed(0))
    if (otherName.oid() !== MS_UPN) return undefined
    const value = otherName.constructed(contextConstructed(0))
    otherName.finish()
    const text = value.string(TAG.utf8String)
    value.finish()
    return text
  } catch (error) {
    // Whoever has a name of another form has no variable.
    if (isSignetError(error)) return undefined
    throw error
  }
}
