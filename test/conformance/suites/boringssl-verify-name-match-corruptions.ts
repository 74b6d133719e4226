/**
 * Names with one character that their string types do not have.
 *
 * @module test/conformance/suites/boringssl-verify-name-match-corruptions
 */
import { TAG } from '../../../src/asn1/index.js'
import { allPaths, contentOf, editContent, elementAt } from '../../support/der.js'

export interface Corruption {
  readonly what: string
  readonly ders: readonly Uint8Array[]
}

const OCTETS = Array.from({ length: 256 }, (_, octet) => octet)

/**
 * What each string type does not have (X.680 §41.4). BoringSSL lets an asterisk pass in a PrintableString, as others
 * write it; it is left out. BMPString is UCS-2 and has no surrogates: those here are of U+1D400.
 */
const FOREIGN: readonly (readonly [type: string, tag: number, characters: readonly (readonly number[])[]])[] = [
  [
    'PrintableString',
    TAG.printableString,
    OCTETS.filter((octet) => !/[A-Za-z0-9 '()*+,\-./:=?]/.test(String.fromCharCode(octet))).map((octet) => [octet]),
  ],
  ['IA5String', TAG.ia5String, OCTETS.filter((octet) => octet >= 0x80).map((octet) => [octet])],
  ['BMPString', TAG.bmpString, [[0xd8, 0x35, 0xdc, 0x00]]],
]

/** Every foreign character in turn at the start of the first string of each type. */
export function corruptions(der: Uint8Array): readonly Corruption[] {
  const strings = allPaths(der).map((path) => ({ path, element: elementAt(der, path) }))
  return FOREIGN.flatMap(([type, tag, characters]) => {
    const place = strings.find(({ element }) => element[0] === tag && contentOf(element).length >= 4)
    if (place === undefined) return []
    const ders = characters.map((octets) =>
      editContent(der, place.path, (content) => Uint8Array.of(...octets, ...content.subarray(octets.length))),
    )
    return [{ what: `a character that ${type} does not have`, ders }]
  })
}
