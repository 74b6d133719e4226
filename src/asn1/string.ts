/**
 * The ASN.1 string types. Two different inputs never decode to the same text of the same type: nothing is replaced,
 * nothing is dropped.
 *
 * @module asn1/string (floor 1)
 */
import { Buffer } from 'node:buffer'
import { asBuffer } from './memory.js'
import { TAG } from './tags.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Content octets of a string type → text. `fail` makes the error to throw. */
export function decodeString(type: number, content: Uint8Array, fail: (message: string) => Error): string {
  switch (type) {
    case TAG.utf8String:
      try {
        return utf8.decode(content)
      } catch {
        throw fail('a UTF8String is not UTF-8')
      }
    case TAG.printableString:
      return restricted(content, /^[A-Za-z0-9 '()+,\-./:=?]*$/, 'PrintableString', fail)
    case TAG.numericString:
      return restricted(content, /^[0-9 ]*$/, 'NumericString', fail)
    case TAG.ia5String:
      // IA5 is ASCII, control characters included.
      return restricted(content, /^[\x00-\x7f]*$/, 'IA5String', fail)
    case TAG.visibleString:
      return restricted(content, /^[\x20-\x7e]*$/, 'VisibleString', fail)
    case TAG.teletexString:
      // T.61 has no agreed mapping; octets are kept one to one.
      return Buffer.from(content).toString('latin1')
    case TAG.bmpString:
      return twoOctetCharacters(content, fail)
    case TAG.universalString:
      return fourOctetCharacters(content, fail)
    default:
      throw fail(`tag ${type} is not a string type`)
  }
}

/** Whether a tag is one of the DirectoryString and friends that {@link decodeString} reads. */
export function isStringTag(tag: number): boolean {
  return STRING_TAGS.has(tag)
}

const STRING_TAGS: ReadonlySet<number> = new Set([
  TAG.utf8String,
  TAG.printableString,
  TAG.numericString,
  TAG.ia5String,
  TAG.visibleString,
  TAG.teletexString,
  TAG.bmpString,
  TAG.universalString,
])

function restricted(content: Uint8Array, allowed: RegExp, type: string, fail: (message: string) => Error): string {
  const text = asBuffer(content).toString('latin1')
  if (!allowed.test(text)) throw fail(`a character is not allowed in ${type}`)
  return text
}

function twoOctetCharacters(content: Uint8Array, fail: (message: string) => Error): string {
  if (content.length % 2 !== 0) throw fail('a BMPString has an even number of octets')
  const text = Buffer.from(content).swap16().toString('utf16le')
  // BMPString is UCS-2: surrogates are not characters of it.
  if (/[\ud800-\udfff]/.test(text)) throw fail('a BMPString has no surrogates')
  return text
}

function fourOctetCharacters(content: Uint8Array, fail: (message: string) => Error): string {
  if (content.length % 4 !== 0) throw fail('a UniversalString has four octets a character')
  const view = new DataView(content.buffer, content.byteOffset, content.length)
  let text = ''
  for (let offset = 0; offset < content.length; offset += 4) {
    const point = view.getUint32(offset)
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw fail('not a character of Unicode')
    text += String.fromCodePoint(point)
  }
  return text
}
