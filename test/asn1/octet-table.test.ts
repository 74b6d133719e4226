import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OctetTable } from '../../src/asn1/index.js'

const octets = fc.uint8Array({ maxLength: 12 })

function tableOf(keys: readonly Uint8Array[]): OctetTable<number> {
  const table = new OctetTable<number>()
  for (const [index, key] of keys.entries()) table.add(key, index)
  return table
}

describe('OctetTable', () => {
  it('answers what a map of texts would, wherever the octets stand', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(octets, { maxLength: 40, selector: (key) => Buffer.from(key).toString('hex') }),
        fc.array(octets, { maxLength: 40 }),
        octets,
        octets,
        (keys, others, before, after) => {
          const table = tableOf(keys)
          const texts = new Map(keys.map((key, index) => [Buffer.from(key).toString('hex'), index]))
          for (const key of [...keys, ...others]) {
            const input = Buffer.concat([before, key, after])
            const found = table.get(input, before.length, before.length + key.length)
            expect(found).toBe(texts.get(Buffer.from(key).toString('hex')))
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('tells keys apart whose hashes are the same', () => {
    // More keys than slots.
    const keys = Array.from({ length: 2000 }, (_, index) => Uint8Array.of(index >> 8, index & 0xff))
    const table = tableOf(keys)
    for (const [index, key] of keys.entries()) expect(table.get(key, 0, 2)).toBe(index)
    expect(table.get(Uint8Array.of(0xff, 0xff), 0, 2)).toBeUndefined()
    expect(table.get(Uint8Array.of(0, 1, 2), 0, 3)).toBeUndefined()
  })

  it('keeps the first of two values for the same octets', () => {
    const table = tableOf([Uint8Array.of(1), Uint8Array.of(1)])
    expect(table.get(Uint8Array.of(1), 0, 1)).toBe(0)
  })

  it('holds nothing when made of nothing', () => {
    expect(new OctetTable().get(Uint8Array.of(1), 0, 1)).toBeUndefined()
    expect(new OctetTable().get(Uint8Array.of(1), 0, 0)).toBeUndefined()
  })
})
