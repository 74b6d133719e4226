/**
 * The number under which OpenSSL looks for a CRL in a folder of them (`X509_NAME_hash`, `openssl crl -hash`).
 *
 * @module x509/openssl-name-hash (floor 3)
 */
import {
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString,
  isStringTag,
  joinBytes,
  TAG,
} from '../asn1/index.js'
import { digestOctets } from '../crypto/index.js'
import type { Name, NameAttribute } from './name.js'

/**
 * Work out the hash that OpenSSL gives a name: the first four octets, lowest first, of the SHA-1 over the RDNs of the name
 * without what is around them, every text in UTF-8, in lower case as far as it is ASCII, and with single spaces.
 *
 * It names a file and decides nothing: names with one hash need not be equal.
 *
 * @returns Eight hexadecimal digits.
 */
export function opensslNameHash(name: Name): string {
  const rdns = name.rdns.map((rdn) => encodeSetOf(...rdn.map(canonicalAttribute)))
  return Buffer.from(digestOctets('sha1', joinBytes(rdns)))
    .readUInt32LE(0)
    .toString(16)
    .padStart(8, '0')
}

function canonicalAttribute({ type, text, valueDer }: NameAttribute): Uint8Array {
  const tag = valueDer[0] ?? 0
  // OpenSSL leaves NumericString, and what is no text at all, as it is.
  const isText = text !== undefined && isStringTag(tag) && tag !== TAG.numericString
  return encodeSequence(encodeObjectIdentifier(type), isText ? encodeString(canonicalText(text)) : valueDer)
}

/** OpenSSL knows the spaces and the capitals of ASCII only. */
function canonicalText(text: string): string {
  return text
    .replace(/[ \t\n\v\f\r]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
