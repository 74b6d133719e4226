/**
 * Distinguished names as structures (RFC 5280 §4.1.2.4). Decisions compare structures; text is for people.
 *
 * @module x509/name (floor 3)
 */
import { hash } from 'node:crypto'
import {
  DerReader,
  encodeObjectIdentifier,
  encodePrintableString,
  encodeSequence,
  encodeSetOf,
  encodeString,
  compareBytes,
  equalBytes,
  isStringTag,
  OID,
  TAG,
} from '../asn1/index.js'
import { EncodingError, LimitError } from '../errors/index.js'

/** One AttributeTypeAndValue. */
export interface NameAttribute {
  readonly type: string
  /** The decoded text, or `undefined` where the value is not a string. */
  readonly text: string | undefined
  /** The whole value in DER. */
  readonly valueDer: Uint8Array
}

/** A RelativeDistinguishedName: one attribute, seldom several. */
export type RelativeDistinguishedName = readonly NameAttribute[]

/** Most RDNs in a name, and attributes in an RDN. */
const MAX_RDNS = 64
const MAX_ATTRIBUTES = 16

export class Name {
  readonly rdns: readonly RelativeDistinguishedName[]
  readonly der: Uint8Array
  #canonical: readonly string[] | undefined

  constructor(rdns: readonly RelativeDistinguishedName[], der: Uint8Array) {
    this.rdns = rdns
    this.der = der
  }

  /** Read a Name. An empty RDN is refused; a name without RDNs is not. */
  static read(reader: DerReader): Name {
    const start = reader.position
    const sequence = reader.sequence()
    const rdns: NameAttribute[][] = []
    while (!sequence.atEnd) {
      if (rdns.length === MAX_RDNS) throw new LimitError('ERR_LIMIT_EXCEEDED', `a name has more than ${MAX_RDNS} RDNs`)
      rdns.push(readRdn(sequence.set()))
    }
    return new Name(rdns, reader.bytes.subarray(start, reader.position))
  }

  /** Read the content of a RelativeDistinguishedName that stands alone. */
  static readRdn(set: DerReader): RelativeDistinguishedName {
    return readRdn(set)
  }

  /** This name with one RDN more at its end. Not for encoding: its DER is empty. */
  withRdn(rdn: RelativeDistinguishedName): Name {
    return new Name([...this.rdns, rdn], new Uint8Array())
  }

  get isEmpty(): boolean {
    return this.rdns.length === 0
  }

  /**
   * Whether two names are the same (RFC 5280 §7.1): RDN by RDN in order, the attributes of an RDN in any order, text
   * compared without regard to case and extra spaces and to the string type it is in.
   */
  equals(other: Name): boolean {
    // The same octets are the same name, however they are read; a name that is not for encoding has none.
    if (this === other || (this.der.length > 0 && equalBytes(this.der, other.der))) return true
    const a = this.#comparable()
    const b = other.#comparable()
    return a.length === b.length && a.every((rdn, index) => rdn === b[index])
  }

  /** Whether the name lies in the subtree of `base`: its first RDNs are those of `base` (RFC 5280 §4.2.1.10). */
  isWithin(base: Name): boolean {
    const whole = this.#comparable()
    const prefix = base.#comparable()
    return prefix.length <= whole.length && prefix.every((rdn, index) => rdn === whole[index])
  }

  /** As {@link Name.isWithin}, where values that cannot be compared may mean the same: to exclude is to be careful. */
  mayBeWithin(base: Name): boolean {
    return (
      base.rdns.length <= this.rdns.length && base.rdns.every((rdn, index) => mayBeSame(rdn, this.rdns[index] ?? []))
    )
  }

  /** A text that two names share exactly when they are equal. A key for maps, not for people. */
  get key(): string {
    return this.#comparable().join('')
  }

  /** SHA-256 of {@link key} in hexadecimal: to find a name in an index. */
  get digest(): string {
    return hash('sha256', this.key, 'hex')
  }

  /** The texts of every attribute of one type, in order. */
  texts(type: string): readonly string[] {
    return this.rdns
      .flat()
      .flatMap((attribute) => (attribute.type === type && attribute.text !== undefined ? [attribute.text] : []))
  }

  /** RFC 4514 text, last RDN first. For people only: several names can have one text. */
  toString(): string {
    return this.rdns.map(formatRdn).reverse().join(',')
  }

  toJSON(): string {
    return this.toString()
  }

  #comparable(): readonly string[] {
    this.#canonical ??= this.rdns.map((rdn) => {
      const parts = rdn.map(comparableAttribute).sort()
      // Every part states its length, so no text in one can look like the end of another.
      return `${parts.length}[${parts.map((part) => `${part.length}:${part}`).join('')}]`
    })
    return this.#canonical
  }
}

function readRdn(set: DerReader): NameAttribute[] {
  const attributes: NameAttribute[] = []
  let previous: Uint8Array | undefined
  while (!set.atEnd) {
    if (attributes.length === MAX_ATTRIBUTES) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `an RDN has more than ${MAX_ATTRIBUTES} attributes`)
    }
    const start = set.position
    const fields = set.sequence()
    const type = fields.oid()
    const valueStart = fields.position
    const tag = fields.peek()
    const text = isStringTag(tag) ? fields.string(tag) : (fields.element(), undefined)
    const valueDer = fields.bytes.subarray(valueStart, fields.position)
    fields.finish()
    const der = set.bytes.subarray(start, set.position)
    if (previous !== undefined && compareBytes(previous, der) >= 0) {
      throw set.error('ERR_DER_NON_CANONICAL', 'the attributes of an RDN are a SET OF in ascending order', start)
    }
    previous = der
    attributes.push({ type, text, valueDer })
  }
  if (attributes.length === 0) throw new EncodingError('ERR_NAME_MALFORMED', 'a name has an RDN without attributes')
  return attributes
}

function mayBeSame(a: RelativeDistinguishedName, b: RelativeDistinguishedName): boolean {
  return a.length === b.length && a.every((one) => b.some((other) => mayBeEqual(one, other)))
}

function mayBeEqual(a: NameAttribute, b: NameAttribute): boolean {
  if (a.type !== b.type) return false
  return isOpaque(a) || isOpaque(b) || comparableAttribute(a) === comparableAttribute(b)
}

/** TeletexString has no agreed meaning (RFC 5280 §7.1 gives it none), and other values are no text at all. */
function isOpaque({ text, valueDer }: NameAttribute): boolean {
  return text === undefined || valueDer[0] === TAG.teletexString
}

/** RFC 5280 §7.1 with RFC 4518: compatibility forms, case and runs of spaces make no difference. */
function comparableAttribute(attribute: NameAttribute): string {
  const { type, text, valueDer } = attribute
  // Only the same octets are the same. No text can take this form: an OID ends before `#` here and before `=` there.
  if (text === undefined || isOpaque(attribute)) return `${type}#${Buffer.from(valueDer).toString('hex')}`
  return `${type}=${folded(text)}`
}

function folded(text: string): string {
  // Most names, whose other forms are themselves: the tables of Unicode take a millisecond to load.
  if (/^[ -~]*$/.test(text)) return text.toLowerCase().replace(/ +/g, ' ').replace(/^ | $/g, '')
  return text
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replace(/[\t\n\v\f\r\u0085\p{Z}]+/gu, ' ')
    .replace(/^ | $/g, '')
}

/** The short names of attribute types (RFC 4514 §3), by their object identifiers. */
export const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  [OID.commonName, 'CN'],
  [OID.localityName, 'L'],
  [OID.stateOrProvinceName, 'ST'],
  [OID.organizationName, 'O'],
  [OID.organizationalUnitName, 'OU'],
  [OID.countryName, 'C'],
  [OID.streetAddress, 'STREET'],
  [OID.domainComponent, 'DC'],
  [OID.userId, 'UID'],
])

/** And `serialNumber` and `emailAddress` in their traditional spelling. */
const TYPES_BY_SHORT_NAME: ReadonlyMap<string, string> = new Map([
  ...[...SHORT_NAMES].map(([oid, name]) => [name, oid] as const),
  ['SERIALNUMBER', OID.serialNumber],
  ['EMAILADDRESS', OID.emailAddress],
])

/** The OID of an attribute type by its RFC 4514 short name, or `undefined`. */
export function attributeType(shortName: string): string | undefined {
  // Folding more than ASCII would take `ſt` for ST.
  return TYPES_BY_SHORT_NAME.get(shortName.replace(/[a-z]+/g, (letters) => letters.toUpperCase()))
}

function formatRdn(rdn: RelativeDistinguishedName): string {
  return rdn
    .map(({ type, text, valueDer }) => {
      const name = SHORT_NAMES.get(type) ?? type
      return text === undefined ? `${name}=#${Buffer.from(valueDer).toString('hex')}` : `${name}=${escapeText(text)}`
    })
    .join('+')
}

/** RFC 4514 §2.4. Control characters are escaped as octets, so that a name cannot drive a terminal. */
function escapeText(text: string): string {
  return text
    .replace(/[\\",+;<>=]/g, '\\$&')
    .replace(/^[ #]| $/g, '\\$&')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      [...Buffer.from(character, 'utf8')].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join(''),
    )
}

/**
 * Build a name of single-valued RDNs in the order given. Values are PrintableString where they can be, else UTF8String.
 */
export function buildName(attributes: readonly (readonly [type: string, text: string])[]): Name {
  const der = encodeSequence(...attributes.map(([type, text]) => encodeRdn(type, text)))
  return Name.read(DerReader.over(der, { maxBytes: 65_536, maxDepth: 8, maxNodes: 1024 }))
}

/** A RelativeDistinguishedName of one attribute. */
export function encodeRdn(type: string, text: string): Uint8Array {
  return encodeSetOf(encodeSequence(encodeObjectIdentifier(type), encodeNameText(text)))
}

/** The value of an attribute: PrintableString where it can be, else UTF8String (RFC 5280 §4.1.2.4). */
export function encodeNameText(text: string): Uint8Array {
  // A lone surrogate would be written as U+FFFD, and two texts would become one name.
  if (!text.isWellFormed()) throw new EncodingError('ERR_NAME_MALFORMED', 'a text in a name is not well-formed Unicode')
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? encodePrintableString(text) : encodeString(text, TAG.utf8String)
}
