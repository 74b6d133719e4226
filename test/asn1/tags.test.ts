import { describe, expect, it } from 'vitest'
import { contextConstructed, contextPrimitive, isStringTag, TAG } from '../../src/asn1/index.js'

describe('TAG', () => {
  it('has the identifier octets of X.690, of which only SEQUENCE and SET are constructed', () => {
    const constructed = Object.entries(TAG).filter(([, tag]) => (tag & 0x20) !== 0)
    expect(constructed.map(([name]) => name)).toEqual(['sequence', 'set'])
    expect(Object.values(TAG).every((tag) => (tag & 0xc0) === 0 && (tag & 0x1f) !== 0x1f)).toBe(true)
    expect(new Set(Object.values(TAG)).size).toBe(Object.keys(TAG).length)
  })
})

describe('context tags', () => {
  it('are made of their number', () => {
    expect(contextPrimitive(0)).toBe(0x80)
    expect(contextPrimitive(8)).toBe(0x88)
    expect(contextConstructed(3)).toBe(0xa3)
  })
})

describe('isStringTag', () => {
  it('holds for the eight string types and nothing else', () => {
    const tags = Array.from({ length: 256 }, (_, tag) => tag).filter((tag) => isStringTag(tag))
    expect(tags).toEqual([0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e])
  })
})
