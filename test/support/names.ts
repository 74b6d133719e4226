/**
 * Distinguished names that the library itself would never make.
 *
 * ```ts
 * nameOf([[OID.countryName, 'US', TAG.printableString]], [[OID.commonName, 'a'], [OID.organizationalUnitName, 'b']])
 * ```
 */
import {
  DerReader,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeValue,
  TAG,
} from '../../src/asn1/index.js'
import { Name } from '../../src/x509/index.js'

/** Type, value and string type of an attribute. */
export type Attribute = readonly [type: string, text: string, tag?: number]

/** A name of RDNs, each of one attribute or several. */
export function nameOf(...rdns: readonly (readonly Attribute[])[]): Name {
  const der = encodeSequence(
    ...rdns.map((rdn) =>
      encodeSetOf(
        ...rdn.map(([type, text, tag = TAG.utf8String]) =>
          encodeSequence(encodeObjectIdentifier(type), encodeValue(tag, octetsOf(text, tag))),
        ),
      ),
    ),
  )
  return Name.read(DerReader.over(der, { maxBytes: 65_536, maxDepth: 8, maxNodes: 1024 }))
}

function octetsOf(text: string, tag: number): Uint8Array {
  if (tag === TAG.bmpString) return Buffer.from(text, 'utf16le').swap16()
  return Buffer.from(text, tag === TAG.teletexString ? 'latin1' : 'utf8')
}
