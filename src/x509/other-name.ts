/**
 * The otherNames that name people and services (RFC 5280 §4.2.1.6): Kerberos principals and user principal names.
 *
 * @module x509/other-name (floor 3)
 */
import { CERTIFICATE_LIMITS, contextConstructed, DerReader, TAG } from '../asn1/index.js'
import { isSignetError } from '../errors/index.js'
import type { GeneralName } from './general-name.js'

/** An otherName whose meaning is known. */
export type PrincipalName =
  /** KRB5PrincipalName (RFC 4556 §3.2.2): `nova/node-7@CLOUD.EXAMPLE`, in its parts. */
  | { readonly kind: 'kerberos'; readonly realm: string; readonly components: readonly string[] }
  /** `userPrincipalName` of Active Directory: `alice@cloud.example`. */
  | { readonly kind: 'upn'; readonly value: string }

const KERBEROS = '1.3.6.1.5.2.2'
const UPN = '1.3.6.1.4.1.311.20.2.3'
const GENERAL_STRING = 0x1b
const MAX_COMPONENTS = 16

/**
 * The principal that an otherName of a certificate stands for.
 *
 * Believing it takes a path, and a CA that may certify such names: name constraints bind other kinds of names only.
 *
 * @returns `undefined` for another kind of name, and for one that is not in its form to the last octet: it names nobody.
 */
export function principalName(name: GeneralName): PrincipalName | undefined {
  if (name.kind !== 'other' || name.tag !== contextConstructed(0)) return undefined
  try {
    const outer = DerReader.over(name.der, CERTIFICATE_LIMITS)
    const fields = outer.constructed(contextConstructed(0))
    const type = fields.oid()
    const value = fields.constructed(contextConstructed(0))
    const principal = type === KERBEROS ? readKerberos(value) : type === UPN ? readUpn(value) : undefined
    if (principal === undefined) return undefined
    for (const reader of [value, fields, outer]) reader.finish()
    return principal
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}

function readUpn(value: DerReader): PrincipalName | undefined {
  const text = value.string(TAG.utf8String)
  return text === '' ? undefined : { kind: 'upn', value: text }
}

/** RFC 4120 §5.2.2. What sort of principal it is (name-type) is advice and makes no difference (§6.2). */
function readKerberos(value: DerReader): PrincipalName | undefined {
  const fields = value.sequence()
  const realm = explicit(fields, 0, kerberosString)
  const components = explicit(fields, 1, (inner) => {
    const principal = inner.sequence()
    explicit(principal, 0, (type) => type.integer())
    const names = explicit(principal, 1, readComponents)
    principal.finish()
    return names
  })
  fields.finish()
  const all = [realm, ...components]
  if (components.length === 0 || components.length > MAX_COMPONENTS || all.includes(undefined)) return undefined
  return { kind: 'kerberos', realm: realm ?? '', components: components.map((component) => component ?? '') }
}

function readComponents(inner: DerReader): readonly (string | undefined)[] {
  const sequence = inner.sequence()
  const components: (string | undefined)[] = []
  while (!sequence.atEnd) components.push(kerberosString(sequence))
  return components
}

/** RFC 4120 §5.2.1: a GeneralString, of which implementations can count on IA5 alone; here without control characters. */
function kerberosString(reader: DerReader): string | undefined {
  const text = Buffer.from(reader.content(GENERAL_STRING)).toString('latin1')
  return /^[\x20-\x7e]+$/.test(text) ? text : undefined
}

function explicit<T>(fields: DerReader, number: number, read: (inner: DerReader) => T): T {
  const inner = fields.constructed(contextConstructed(number))
  const value = read(inner)
  inner.finish()
  return value
}
