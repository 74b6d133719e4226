import { describe, expect, it } from 'vitest'
import { SignatureRing, SLOT_OCTETS, SLOTS } from '../../src/crypto/signature-ring.js'

const entry = (index: number) => ({ data: Buffer.from(`data ${index}`), signature: Buffer.from([index]), key: index })
const [HERE, OTHER] = [0, 1]

/** As another thread sees it. */
const again = (ring: SignatureRing): SignatureRing => new SignatureRing(ring.memory)

function filled(count: number, ring = new SignatureRing()): SignatureRing {
  for (let index = 0; index < count; index++) expect(ring.put(entry(index))).toBeDefined()
  return ring
}

describe('SignatureRing', () => {
  it('gives each signature to one thread, oldest first, as it was put', () => {
    const ring = filled(3)
    const other = again(ring)
    const taken = [ring.take(HERE), other.take(OTHER), ring.take(HERE), other.take(OTHER)]
    expect(taken.map((slot) => (slot === undefined ? undefined : other.read(slot).key))).toEqual([0, 1, 2, undefined])
    const { data, signature } = other.read(taken[1] ?? -1)
    expect([Buffer.from(data).toString(), [...signature]]).toEqual(['data 1', [1]])
  })

  it('hands out answers in order, and none that nobody gave', () => {
    const ring = filled(3)
    const other = again(ring)
    const [first, second] = [ring.take(HERE), other.take(OTHER)]
    other.answer(second ?? -1, false)
    expect(ring.fetch()).toBeUndefined()
    ring.answer(first ?? -1, true)
    expect(ring.fetch()).toEqual({ slot: first, verifies: true })
    expect(ring.fetch()).toEqual({ slot: second, verifies: false })
    expect(ring.fetch()).toBeUndefined()
    expect(ring.length).toBe(1)
  })

  it('has room for so many, and again when answers were fetched', () => {
    const ring = filled(SLOTS)
    expect(ring.put(entry(0))).toBeUndefined()
    const slot = again(ring).take(OTHER)
    ring.answer(slot ?? -1, true)
    expect(ring.put(entry(0))).toBeUndefined()
    expect(ring.fetch()?.slot).toBe(slot)
    expect(ring.put(entry(0))).toBe(slot)
    expect(ring.put(entry(0))).toBeUndefined()
  })

  it('takes what fills a slot', () => {
    const ring = new SignatureRing()
    const [data, signature] = [new Uint8Array(SLOT_OCTETS - 64).fill(1), new Uint8Array(64).fill(2)]
    for (let index = 0; index < SLOTS; index++) expect(ring.put({ data, signature, key: index })).toBe(index)
    const last = again(ring).read(SLOTS - 1)
    expect([Buffer.compare(last.data, data), Buffer.compare(last.signature, signature)]).toEqual([0, 0])
  })

  it('gives what a thread had that is no more to others, and nothing else', () => {
    const ring = filled(3)
    const other = again(ring)
    const [lost, answered, mine] = [other.take(OTHER), other.take(OTHER), ring.take(HERE)]
    other.answer(answered ?? -1, true)
    ring.giveBack(OTHER)
    expect([ring.take(HERE), ring.take(HERE)]).toEqual([lost, undefined])
    ring.answer(lost ?? -1, false)
    ring.answer(mine ?? -1, true)
    expect([ring.fetch(), ring.fetch(), ring.fetch()].map((found) => found?.verifies)).toEqual([false, true, true])
  })

  it('goes on where the numbers of signatures end', () => {
    const ring = new SignatureRing()
    // The first two integers: the number of the oldest, and that of the next.
    new Int32Array(ring.memory).fill(0x7fff_fffe, 0, 2)
    for (let index = 0; index < 5; index++) {
      filled(3, ring)
      for (let slot = ring.take(HERE); slot !== undefined; slot = ring.take(HERE)) ring.answer(slot, true)
      expect(ring.length).toBe(3)
      for (let found = ring.fetch(); found !== undefined; found = ring.fetch()) expect(found.verifies).toBe(true)
      expect(ring.length).toBe(0)
    }
    expect(ring.next).toBeLessThan(0)
  })

  it('has one thread tell of answers that somebody wants', () => {
    const ring = new SignatureRing()
    expect(ring.takeWish()).toBe(false)
    ring.want()
    expect([again(ring).takeWish(), ring.takeWish()]).toEqual([true, false])
  })
})
