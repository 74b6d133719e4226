import { describe, expect, it } from 'vitest'
import { NameSet } from '../../src/identity/name-set.js'

describe('NameSet', () => {
  it('knows what was there, and nothing else, as it grows', () => {
    const names = new NameSet()
    const all = Array.from({ length: 5000 }, (_, index) => `node-${index}`)
    expect(all.every((name) => names.add(name))).toBe(true)
    expect(names.size).toBe(5000)
    expect(all.some((name) => names.add(name))).toBe(false)
    expect(names.size).toBe(5000)
    expect(names.add('')).toBe(true)
    expect(names.add('')).toBe(false)
  })
})
