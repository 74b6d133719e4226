import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BackwardWriter,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeValue,
  TAG,
} from '../../src/asn1/index.js'

describe('BackwardWriter', () => {
  it.each([0, 127, 128, 255, 256, 20_000, 70_000])('writes what the other functions write: %i octets', (octets) => {
    const content = new Uint8Array(octets).fill(7)
    const writer = new BackwardWriter(octets + 100)
    const end = writer.position
    writer.octets(content)
    writer.header(TAG.octetString, end)
    const textEnd = writer.position
    writer.text('a topic')
    writer.header(TAG.visibleString, textEnd)
    writer.header(TAG.sequence, end)
    expect(writer.take()).toEqual(
      encodeSequence(encodeString('a topic', TAG.visibleString), encodeOctetString(content)),
    )
  })

  it('nests to any depth', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.integer({ min: 0xa0, max: 0xbe })), (octets, tags) => {
        const writer = new BackwardWriter(octets.length + 6 * tags.length)
        const end = writer.position
        writer.octets(octets)
        let expected: Uint8Array = octets
        for (const tag of tags) {
          writer.header(tag, end)
          expected = encodeValue(tag, expected)
        }
        expect(writer.take()).toEqual(expected)
      }),
    )
  })

  it('gives away octets of their own: the next to write changes nothing', () => {
    const first = new BackwardWriter(10)
    first.octets(Uint8Array.of(1, 2, 3))
    const taken = first.take()
    const second = new BackwardWriter(10)
    second.octets(Uint8Array.of(9, 9, 9))
    expect(taken).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('puts another tag on what was written last', () => {
    const writer = new BackwardWriter(10)
    writer.octets(Uint8Array.of(TAG.set, 0))
    writer.retag(0xa0)
    expect(writer.take()).toEqual(Uint8Array.of(0xa0, 0))
  })
})
