/**
 * How the names that a rule can ask for fall into components, and what may be written for them in a mapping file.
 *
 * @module identity/name-syntax (floor 5)
 */
import { OID } from '../asn1/index.js'
import { SEGMENT, TRUST_DOMAIN } from './identity-uri.js'
import { CAPTURE_NAMES, type Components, type NameSyntax } from './pattern.js'

/** Kinds of alternative names with patterns of components. */
export type NameKind = 'uri' | 'dns' | 'email' | 'upn' | 'kerberos'

/** Only ASCII: `toLowerCase` makes a k of the Kelvin sign. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** `local@domain` (RFC 5321 §2.4): the domain without regard to case. Quoted local parts with an `@` name nobody here. */
const MAILBOX: NameSyntax = {
  split: (text) => {
    const [local, domain, more] = text.split('@')
    return local === undefined || domain === undefined || more !== undefined ? [] : [local, ...domain.split('.')]
  },
  fold: (component, index) => (index === 0 ? component : lower(component)),
}

export const NAME_SYNTAX: Readonly<Record<NameKind, NameSyntax>> = {
  uri: { split: (text) => text.split('/') },
  dns: { split: (text) => text.split('.'), fold: lower },
  email: MAILBOX,
  upn: MAILBOX,
  // Realm first, as certificates have it; case counts (RFC 4120 §6.1).
  kerberos: {
    split: (text) => {
      const at = text.lastIndexOf('@')
      return at === -1 ? [] : [text.slice(at + 1), ...text.slice(0, at).split('/')]
    },
  },
}

/** An attribute of a subject is one component, and every character counts. */
export const ATTRIBUTE_SYNTAX: NameSyntax = { split: (text) => [text] }

/** The components of a name in a certificate, in the form in which a pattern has its literals. */
export function componentsOf(kind: NameKind, text: string): Components {
  const { split, fold } = NAME_SYNTAX[kind]
  const components = split(text)
  return fold === undefined ? components : components.map(fold)
}

const CAPTURE = `\\{(?:${CAPTURE_NAMES.join('|')}|scope\\.\\.\\.)\\}`
const component = (literal: string): string => `(?:${CAPTURE}|${literal})`
const several = (literal: string, separator: string): string =>
  `${component(literal)}(?:${separator}${component(literal)})*`
/** Printable ASCII without braces and asterisk, and without `/`, `@`, or both. */
const [NO_SLASH, NO_AT, NEITHER] = ['[!-)+-.0-z|~]', '[!-)+-?A-z|~]', '[!-)+-.0-?A-z|~]']
const LABELS = several('[A-Za-z0-9_-]{1,63}', '\\.')
const SEGMENT_FORM = `(?!.*\\.\\.)${SEGMENT.source.slice(1, -1)}`
const ADDRESS = '[0-9A-Fa-f:.]{2,39}(?:/[0-9]{1,3})?'
const one = (...forms: readonly string[]): string => `^(?:${forms.join('|')})$`

/** Attribute types of a subject, by their short names: in any case, as RFC 4514 §2 has it. */
export const ATTRIBUTE_NAMES = [
  'CN',
  'L',
  'ST',
  'O',
  'OU',
  'C',
  'STREET',
  'DC',
  'UID',
  'SERIALNUMBER',
  'EMAILADDRESS',
] as const

/** In any case, of ASCII alone: `toUpperCase` makes an S of the long s. */
const anyCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `[${letter}${letter.toLowerCase()}]`)

/**
 * What texts of a mapping file look like: regular expressions that read the same in any
 * dialect, each linear. The reader and the published
 * schema take them from here. What they leave open is said where it is checked.
 */
export const FORMS = {
  trustDomain: TRUST_DOMAIN.source,
  /** SHA-256, with or without colons. */
  digest: '^(?:SHA256:)?[0-9A-Fa-f]{2}(?::?[0-9A-Fa-f]{2}){31}$',
  uri: `^${several(`${NO_SLASH}*`, '\\/')}$`,
  dns: `^${LABELS}$`,
  email: `^${component(`${NO_AT}+`)}@${LABELS}$`,
  // The local part of a UPN may be any text.
  upn: `^${component('[^\\u0000-\\u0020\\u007f-\\u00a0{}*@]+')}@${LABELS}$`,
  kerberos: `^${several(`${NEITHER}+`, '\\/')}@${component(`${NEITHER}+`)}$`,
  ip: `^${ADDRESS}$`,
  attribute: `^${component('[^{}*]+')}$`,
  attributeName: one(...ATTRIBUTE_NAMES.map(anyCase)),
  oid: '^(?!2\\.5\\.29\\.(?:37|32)\\.0$)[0-2](?:\\.(?:0|[1-9][0-9]{0,38})){1,63}$',
  segment: `^${SEGMENT_FORM}$`,
  /** A part of an identity: a capture of one component, or itself. */
  part: one(`\\{(?:${CAPTURE_NAMES.join('|')})\\}`, SEGMENT_FORM),
  scope: one(`\\{(?:${CAPTURE_NAMES.join('|')})\\}`, `${SEGMENT_FORM}(?:\\/${SEGMENT_FORM})*`),
} as const

/** Longest text in a rule, in characters. */
export const MAX_TEXT = 2048
export const MAX_LIST = 16
export const MAX_ROLES = 64
export const MAX_NAME = 200

/** Extended key purposes by the names of RFC 5280 §4.2.1.12, and signet's own. Others are written as OIDs. */
export const PURPOSE_OIDS: ReadonlyMap<string, string> = new Map([
  ['serverAuth', OID.kpServerAuth],
  ['clientAuth', OID.kpClientAuth],
  ['codeSigning', OID.kpCodeSigning],
  ['emailProtection', OID.kpEmailProtection],
  ['timeStamping', OID.kpTimeStamping],
  ['OCSPSigning', OID.kpOcspSigning],
  ['messageSigning', OID.signetKpMessageSigning],
  ['trustDirectory', OID.signetKpTrustDirectory],
])
