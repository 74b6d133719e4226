import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CMS_LIMITS, DerReader, encodeValue, OctetTable, PlainReader, TAG } from '../../src/asn1/index.js'
import { isSignetError } from '../../src/errors/index.js'

const value = (octets: number, tag: number = TAG.octetString): Uint8Array => encodeValue(tag, new Uint8Array(octets))

function tableOf<T>(octets: Uint8Array, entry: T): OctetTable<T> {
  const table = new OctetTable<T>()
  table.add(octets, entry)
  return table
}

describe('PlainReader', () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535])('reads a value of %i octets', (octets) => {
    const der = value(octets)
    const reader = new PlainReader(der)
    expect(reader.content(TAG.octetString, der.length)).toHaveLength(octets)
    expect(reader.endsAt(der.length)).toBe(true)
    expect(reader.values).toBe(1)
  })

  it.each([
    ['another tag', value(3, TAG.sequence)],
    ['a length of three octets', value(65_536)],
    ['an indefinite length', Uint8Array.of(TAG.octetString, 0x80, 1, 0, 0)],
    ['a length that is not its shortest, in one octet', Uint8Array.of(TAG.octetString, 0x81, 1, 0)],
    ['a length that is not its shortest, in two octets', Uint8Array.of(TAG.octetString, 0x82, 0, 1, 0)],
    ['a length that is cut off', Uint8Array.of(TAG.octetString, 0x82, 1)],
    ['a value that is cut off', value(20).subarray(0, 10)],
    ['nothing but a tag', Uint8Array.of(TAG.octetString)],
    ['nothing', new Uint8Array()],
  ])('stops at %s', (_, der) => {
    const reader = new PlainReader(der)
    expect(reader.content(TAG.octetString, der.length)).toHaveLength(0)
    expect(reader.isPlain).toBe(false)
    expect(reader.endsAt(der.length)).toBe(false)
  })

  it('stays where it stopped', () => {
    const der = Buffer.concat([value(1, TAG.integer), value(2)])
    const reader = new PlainReader(der)
    reader.pass(TAG.octetString, der.length)
    reader.pass(TAG.integer, der.length)
    reader.same(Uint8Array.of(TAG.integer), der.length)
    expect(reader.content(TAG.integer, der.length)).toHaveLength(0)
    expect(reader.known(TAG.integer, tableOf(value(1, TAG.integer), 1), der.length)).toBeUndefined()
    expect(reader.position).toBe(0)
    expect(reader.isPlain).toBe(false)
  })

  it('does not read past the end of what a value is in', () => {
    const der = Buffer.concat([value(4), value(4)])
    const reader = new PlainReader(der)
    expect(reader.content(TAG.octetString, 5)).toHaveLength(0)
    expect(reader.isPlain).toBe(false)
  })

  it('passes over the very octets that are asked for, and over no others', () => {
    const reader = new PlainReader(Uint8Array.of(1, 2, 3))
    reader.same(Uint8Array.of(1, 2), 3)
    expect([reader.position, reader.isPlain]).toEqual([2, true])
    reader.same(Uint8Array.of(3, 4), 3)
    expect([reader.position, reader.isPlain]).toEqual([2, false])
  })

  it('looks values up in a table, and stops at those that are not there', () => {
    const table = tableOf(value(2), 'two')
    const reader = new PlainReader(Buffer.concat([value(2), value(3)]))
    expect(reader.known(TAG.octetString, table, 9)).toBe('two')
    expect(reader.position).toBe(4)
    expect(reader.known(TAG.octetString, table, 9)).toBeUndefined()
    expect(reader.isPlain).toBe(false)
  })

  it('accepts nothing that the strict reader refuses, and reads the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.constantFrom(4, 0x30, 0x80), (bytes, tag) => {
        for (const first of [bytes[0], tag]) {
          const der = Uint8Array.from(bytes)
          der[0] = first ?? 0
          const reader = new PlainReader(der)
          const content = reader.content(tag, der.length)
          if (!reader.isPlain) continue
          try {
            expect(DerReader.over(der, CMS_LIMITS).content(tag)).toEqual(content)
          } catch (error) {
            if (isSignetError(error)) throw new Error(`read what is refused: ${error.message}`, { cause: error })
            throw error
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
