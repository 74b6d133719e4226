/**
 * Names as people write them (RFC 4514), read into structures. What is written twice in different ways is one name; what
 * cannot be read for certain is refused.
 *
 * @module x509/name-text (floor 3)
 */
import { DerReader, encodeObjectIdentifier, encodeSequence, encodeSetOf } from '../asn1/index.js'
import { EncodingError, isSignetError } from '../errors/index.js'
import { attributeType, encodeNameText, Name } from './name.js'

/** Longer than any name of RFC 5280 appendix A with all of its attributes. */
const MAX_TEXT_LENGTH = 8192
const LIMITS = { maxBytes: 65_536, maxDepth: 8, maxNodes: 1024 }

/**
 * Parse the text of a name, last RDN first: `CN=compute-07,O=cloud.example`.
 *
 * Attribute types are the short names of RFC 4514 §3, `emailAddress`, `serialNumber`, or dotted object identifiers.
 * Spaces round commas and equals signs, quotation marks and semicolons, which RFC 2253 still read, are refused.
 *
 * @throws {@link EncodingError} `ERR_NAME_MALFORMED`
 * @see RFC 4514 §3
 */
export function parseName(text: string): Name {
  if (text.length > MAX_TEXT_LENGTH) throw malformed('it is too long', 0)
  if (text === '') return Name.read(DerReader.over(encodeSequence(), LIMITS))
  const reader = new TextReader(text)
  const rdns: Uint8Array[] = []
  do {
    const attributes: Uint8Array[] = []
    do attributes.push(reader.attribute())
    while (reader.takes('+'))
    rdns.push(encodeSetOf(...attributes))
  } while (reader.takes(','))
  reader.end()
  try {
    return Name.read(DerReader.over(encodeSequence(...rdns.reverse()), LIMITS))
  } catch (error) {
    // A value in hexadecimal may be no DER at all.
    if (!isSignetError(error)) throw error
    throw malformed(error.message, 0)
  }
}

const TYPE = /[A-Za-z][A-Za-z0-9-]*|(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+/y
const HEX_VALUE = /#(?:[0-9A-Fa-f]{2})+/y
/** A run of characters that stand for themselves, or one that is escaped (§3: pair, or two hexadecimal digits). */
const PIECE = /([^\\"+,;<>\0]+)|\\([ "#+,;<=>\\])|\\([0-9A-Fa-f]{2})/y

class TextReader {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  takes(character: string): boolean {
    if (this.#text[this.#position] !== character) return false
    this.#position++
    return true
  }

  end(): void {
    if (this.#position < this.#text.length) throw malformed('a character is not escaped', this.#position)
  }

  /** One AttributeTypeAndValue in DER. */
  attribute(): Uint8Array {
    const at = this.#position
    const type = this.#match(TYPE)?.[0]
    const oid = type === undefined || /^[0-9]/.test(type) ? type : attributeType(type)
    if (oid === undefined) throw malformed('here is no attribute type that is known', at)
    if (!this.takes('=')) throw malformed('an equals sign is missing', this.#position)
    const octets = this.#match(HEX_VALUE)?.[0]
    const value = octets === undefined ? encodeNameText(this.#value()) : Buffer.from(octets.slice(1), 'hex')
    return encodeSequence(encodeObjectIdentifier(oid), value)
  }

  #value(): string {
    const start = this.#position
    const pieces: Buffer[] = []
    for (let match = this.#match(PIECE); match !== undefined; match = this.#match(PIECE)) {
      const [, plain, pair, octet] = match
      pieces.push(octet === undefined ? Buffer.from(plain ?? pair ?? '', 'utf8') : Buffer.from(octet, 'hex'))
    }
    // §3: a space at either end is escaped. Unescaped it would be anybody's guess whether it belongs to the value.
    const written = this.#text.slice(start, this.#position)
    if (written.startsWith(' ') || /(?:^|[^\\])(?:\\\\)* $/.test(written)) {
      throw malformed('a space at an end of a value is not escaped', start)
    }
    if (written.startsWith('#')) throw malformed('here are no hexadecimal digits', start)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(pieces))
    } catch {
      throw malformed('escaped octets are not UTF-8', start)
    }
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position
    const match = pattern.exec(this.#text) ?? undefined
    if (match !== undefined) this.#position += match[0].length
    return match
  }
}

function malformed(why: string, position: number): EncodingError {
  return new EncodingError('ERR_NAME_MALFORMED', `not the text of a name: ${why}`, {
    details: { position: String(position) },
    hint: 'write it as in RFC 4514: CN=compute-07,O=cloud.example',
  })
}
