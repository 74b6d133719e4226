/**
 * What reaches Keystone where HAProxy ends the TLS connection, and Apache copies its headers into variables: the recipe of
 * Keystone's guide to tokenless authorization.
 *
 * @module keystone/haproxy (floor 5.1)
 */
import { OID } from '../asn1/index.js'
import type { Certificate, Name } from '../x509/index.js'
import { contentOctets, slashText } from './dn-text.js'
import type { StrictAttributes } from './strict.js'

/** Variable ← header ← fetch: `ssl_c_i_dn(cn)`, `ssl_c_s_dn(cn)`, `ssl_c_s_dn(o)`. */
const VARIABLES = [
  ['SSL_CLIENT_I_DN_CN', 'issuer', OID.commonName],
  ['SSL_CLIENT_S_DN_CN', 'subject', OID.commonName],
  ['SSL_CLIENT_S_DN_O', 'subject', OID.organizationName],
] as const satisfies readonly (readonly [string, 'issuer' | 'subject', string])[]

/**
 * The variables as Keystone finds them. This does not verify the certificate.
 *
 * Of several attributes of a type HAProxy takes the first. What is missing is an empty text, because the pattern of
 * `SetEnvIf` matches that too; and a value ends at its first NUL. `%{+Q}` in a recipe would put quotation marks around each
 * value, which are not put here.
 */
export function haproxyEnvironment(certificate: Certificate): Record<string, string> {
  return {
    SSL_CLIENT_I_DN: untilNul(rawSlashText(certificate.issuer)),
    ...Object.fromEntries(
      VARIABLES.map(([variable, whose, type]) => {
        const first = certificate[whose].rdns.flat().find((attribute) => attribute.type === type)
        return [variable, first === undefined ? '' : untilNul(decoded(contentOctets(first)))]
      }),
    ),
  }
}

/**
 * The same as verified attributes: decoded values, all of those that there are. The printed name of the issuer is left out
 * where it could be that of another.
 */
export function haproxyAttributes(certificate: Certificate): StrictAttributes {
  const texts = certificate.issuer.rdns.flat().map(({ text }) => text)
  const isPlain = texts.every((text) => text !== undefined && /^[\x20-\x7e]*$/.test(text) && !text.includes('/'))
  return {
    ...(isPlain ? { SSL_CLIENT_I_DN: rawSlashText(certificate.issuer) } : {}),
    ...Object.fromEntries(
      VARIABLES.flatMap(([variable, whose, type]) => {
        const values = certificate[whose].texts(type)
        return values.length === 0 ? [] : [[variable, values]]
      }),
    ),
  }
}

/** HAProxy escapes nothing, and knows no RDNs of several attributes. */
function rawSlashText(name: Name): string {
  return slashText(name, (octets) => decoded(octets), '/')
}

function decoded(octets: Uint8Array): string {
  return Buffer.from(octets).toString('utf8')
}

function untilNul(text: string): string {
  return text.split('\0', 1)[0] ?? ''
}
