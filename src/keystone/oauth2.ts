/**
 * Keystone's OAuth2 with mutual TLS: the attributes that it makes of a certificate, and how it compares what they map to
 * with the user who asks.
 *
 * @module keystone/oauth2 (floor 5.1)
 */
import { hash } from 'node:crypto'
import { OID, TAG } from '../asn1/index.js'
import { DeniedError } from '../errors/index.js'
import { type Certificate, type Name, type NameAttribute, SHORT_NAMES } from '../x509/index.js'
import { contentOctets } from './dn-text.js'
import type { JsonObject, JsonValue } from './document.js'
import type { KeystoneIdentity } from './process.js'
import type { StrictAttributes } from './strict.js'

/** RFC 4514 §3, and the one type that Keystone calls otherwise. Others go by their object identifiers. */
const KEYS: ReadonlyMap<string, string> = new Map([...SHORT_NAMES, [OID.emailAddress, 'EMAILADDRESS']])

const NAMES = ['subject', 'issuer'] as const

/**
 * The attributes exactly as Keystone makes them. This does not verify the certificate.
 *
 * Of several attributes of a type the last one stays, and the backslashes of RFC 4514 stay in the values: Keystone's
 * engine splits them at their semicolons afterwards.
 *
 * @throws {@link DeniedError} `ERR_KEYSTONE_REFUSED`, `details.keystone` is `ValidationError`: a value has an equals sign,
 * or is no text
 */
export function oauth2AttributesAsKeystone(certificate: Certificate): Record<string, string> {
  return Object.fromEntries(
    NAMES.flatMap((whose) =>
      certificate[whose].rdns.flat().map((attribute) => [keyOf(whose, attribute), rfc4514Value(attribute)] as const),
    ),
  )
}

/** The same as verified attributes: decoded values, and all of those that there are. */
export function oauth2Attributes(certificate: Certificate): StrictAttributes {
  return Object.fromEntries(NAMES.flatMap((whose) => [...valuesOf(whose, certificate[whose])]))
}

function valuesOf(whose: (typeof NAMES)[number], name: Name): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>()
  for (const attribute of name.rdns.flat()) {
    if (attribute.text === undefined) continue
    const key = keyOf(whose, attribute)
    values.set(key, [...(values.get(key) ?? []), attribute.text])
  }
  return values
}

function keyOf(whose: (typeof NAMES)[number], { type }: NameAttribute): string {
  return `SSL_CLIENT_${whose.toUpperCase()}_DN_${KEYS.get(type) ?? type}`
}

/** As Python's cryptography escapes it: less than RFC 4514 asks for, and refused where Keystone cannot take it apart. */
function rfc4514Value(attribute: NameAttribute): string {
  const text = pythonText(attribute)
  if (text === undefined || text.includes('=')) {
    throw new DeniedError('ERR_KEYSTONE_REFUSED', 'Keystone takes no certificate with such a name', {
      details: { keystone: 'ValidationError' },
    })
  }
  return text
    .replace(/[\\"+,;<>]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^#|^ (?=.)/su, '\\$&')
    .replace(/ $/, '\\ ')
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Everything with one octet to a character is UTF-8 to it, TeletexString too. */
function pythonText(attribute: NameAttribute): string | undefined {
  const [tag] = attribute.valueDer
  if (tag === TAG.bmpString || tag === TAG.universalString) return attribute.text
  if (attribute.text === undefined) return undefined
  try {
    return utf8.decode(contentOctets(attribute))
  } catch {
    return undefined
  }
}

/**
 * The confirmation `x5t#S256` of RFC 8705: base64url without padding over the SHA-256 of the certificate in DER.
 *
 * @see RFC 8705 §3.1
 */
export function thumbprint(certificate: Certificate): string {
  return hash('sha256', certificate.der, 'base64url')
}

/**
 * What Keystone calls `x5t#S256`: over the text of the PEM, line breaks and all, and with padding. Another PEM of the same
 * certificate has another one.
 *
 * @param pem - As the web server hands it over. Default: lines of 64 characters and a line break at the end.
 */
export function keystoneThumbprint(certificate: Certificate, pem: string = certificate.toPem()): string {
  return hash('sha256', pem, 'base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** A user of Keystone, as stored. */
export interface StoredUser {
  readonly id: string
  readonly name: string
  readonly email?: string
  readonly domain: { readonly id: string; readonly name: string }
}

/**
 * Whether Keystone would give this user a token: what the mapping yields is compared, and what it does not yield is not. A
 * mapping that yields a domain alone lets any certificate be any user of it.
 */
export function isUserToKeystone({ user }: KeystoneIdentity, stored: StoredUser): boolean {
  const domain = (user['domain'] ?? {}) as JsonObject
  return pairs(user, domain, stored).every(([mapped, own]) => mapped === undefined || mapped === '' || mapped === own)
}

/**
 * Require that a mapping yields this user: its id, the id or the name of its domain, and nothing that differs.
 *
 * @throws {@link DeniedError} `ERR_KEYSTONE_OTHER_USER`
 */
export function requireUser({ user }: KeystoneIdentity, stored: StoredUser): void {
  const domain = (user['domain'] ?? {}) as JsonObject
  const isComplete = user['id'] !== undefined && (domain['id'] ?? domain['name']) !== undefined
  const differing = pairs(user, domain, stored).find(([mapped, own]) => mapped !== undefined && mapped !== own)
  if (isComplete && differing === undefined) return
  throw new DeniedError('ERR_KEYSTONE_OTHER_USER', `the certificate is not that of the user ${stored.id}`, {
    details: { user: stored.id },
    hint: 'map the id of the user and its domain, and check who asks',
  })
}

function pairs(
  user: JsonObject,
  domain: JsonObject,
  stored: StoredUser,
): readonly (readonly [JsonValue | undefined, string | undefined])[] {
  return [
    [user['name'], stored.name],
    [user['id'], stored.id],
    [user['email'], stored.email],
    [domain['id'], stored.domain.id],
    [domain['name'], stored.domain.name],
  ]
}
