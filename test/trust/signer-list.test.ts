import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compareBytes,
  DerReader,
  encodeContext,
  encodeOctetString,
  encodeSequence,
  encodeString,
  TAG,
  TRUST_DIRECTORY_LIMITS,
} from '../../src/asn1/index.js'
import { plainSigner } from '../../src/trust/plain-signer.js'
import { readSigner } from '../../src/trust/signer.js'
import { SignerList } from '../../src/trust/signer-list.js'
import { expectCode } from '../support/expect-code.js'

function entry(keyIdentifier: Uint8Array, texts: readonly string[] = [], certificateOctets = 40): Uint8Array {
  const [entity = 'e', uri = 'u', scope = '', service = 's', node = 'n', ...lists] = texts
  return encodeSequence(
    encodeOctetString(keyIdentifier),
    encodeSequence(encodeOctetString(new Uint8Array(certificateOctets))),
    encodeString(entity),
    encodeString(uri, TAG.ia5String),
    encodeString(scope),
    encodeString(service),
    encodeString(node),
    encodeSequence(...lists.slice(0, 2).map((text) => encodeString(text))),
    ...(lists.length > 2 ? [encodeContext(0, encodeString(lists[2] ?? ''))] : []),
  )
}

const listOf = (keys: readonly Uint8Array[]): SignerList =>
  SignerList.read(DerReader.over(encodeSequence(...keys.map((key) => entry(key))), TRUST_DIRECTORY_LIMITS).sequence())

describe('SignerList', () => {
  it('finds every key identifier where it stands, and no other, whatever they look like', () => {
    const key = fc.oneof(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      fc.uint8Array({ maxLength: 6 }),
      // Close to each other: all in one bucket.
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((tail) => Buffer.concat([Buffer.alloc(17, 7), tail])),
    )
    const unique = fc.uniqueArray(key, { selector: (bytes) => Buffer.from(bytes).toString('hex'), maxLength: 60 })
    fc.assert(
      fc.property(unique, fc.array(key, { maxLength: 10 }), (keys, others) => {
        const sorted = keys.toSorted(compareBytes)
        const list = listOf(sorted)
        expect(list.size).toBe(sorted.length)
        sorted.forEach((bytes, index) => expect(list.indexOf(bytes)).toBe(index))
        for (const other of others) {
          const place = sorted.findIndex((bytes) => compareBytes(bytes, other) >= 0)
          expect(list.lowerBound(other)).toBe(place < 0 ? sorted.length : place)
          expect(list.indexOf(other)).toBe(sorted.findIndex((bytes) => compareBytes(bytes, other) === 0))
        }
      }),
    )
  })

  it('hands out each signer as it stands', () => {
    const keys = [Buffer.of(1), Buffer.of(2), Buffer.of(2, 0)]
    const list = listOf(keys)
    for (const [index, key] of keys.entries()) {
      expect(Buffer.from(list.slice(index, index + 1))).toEqual(Buffer.from(entry(key)))
      expect(Buffer.from(list.at(index).keyIdentifier)).toEqual(key)
      expect(Buffer.from(list.certificateAt(index))).toEqual(Buffer.from(list.at(index).certificateDer))
    }
    expect(Buffer.from(list.slice(0, 3))).toEqual(Buffer.concat(keys.map((key) => entry(key))))
  })

  it('refuses what is not ascending, a prefix included', () => {
    for (const keys of [
      [Buffer.of(2), Buffer.of(1)],
      [Buffer.of(1), Buffer.of(1)],
      [Buffer.of(1, 0), Buffer.of(1)],
      [Buffer.alloc(20, 1), Buffer.alloc(20, 1)],
    ]) {
      expectCode('ERR_TRUST_DIRECTORY_MALFORMED', () => listOf(keys))
    }
  })
})

describe('plainSigner: the short way', () => {
  const good = [
    entry(Buffer.alloc(20, 1)),
    entry(
      Buffer.alloc(20, 1),
      ['compute.a', 'spiffe://a/b', 'region/one', 'compute', 'a', 'role', 'other', 'group'],
      700,
    ),
    entry(Buffer.alloc(20, 1), ['köln', 'u', 's', 's', 'n'], 130),
    entry(Buffer.of(), ['', '', '', '', ''], 0),
  ]

  it('takes what practically all look like, and leaves other letters to the strict reader', () => {
    const octets = good.map((der) => plainSigner(der, 0, der.length).octets)
    expect(octets).toEqual([good[0]?.length, good[1]?.length, 0, good[3]?.length])
  })

  it('takes nothing that the strict reader refuses, and counts as it does', () => {
    const change = fc.tuple(
      fc.nat(1000),
      fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x0c, 0x30, 0x7f, 0x80, 0x81, 0x82, 0xa0)),
    )
    const mutation = fc.tuple(fc.constantFrom(...good), fc.array(change, { maxLength: 3 }), fc.nat(60), fc.nat(3))
    let taken = 0
    fc.assert(
      fc.property(mutation, ([original, changes, at, inserted]) => {
        const der = Buffer.concat([original.subarray(0, at), Buffer.alloc(inserted % 2, 0), original.subarray(at)])
        for (const [position, octet] of changes) der[position % der.length] = octet
        const { octets, values } = plainSigner(der, 0, der.length)
        if (octets === 0) return
        taken++
        const read = (maxNodes: number): number => {
          const reader = DerReader.over(der, { ...TRUST_DIRECTORY_LIMITS, maxNodes })
          readSigner(reader)
          return reader.position
        }
        expect(read(values)).toBe(octets)
        expectCode('ERR_LIMIT_EXCEEDED', () => read(values - 1))
      }),
      { numRuns: 5000 },
    )
    expect(taken).toBeGreaterThan(100)
  })

  it('takes nothing that ends outside', () => {
    for (const der of good) {
      for (let end = 0; end < der.length; end++) expect(plainSigner(der, 0, end).octets).toBe(0)
    }
  })
})
