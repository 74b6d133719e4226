/**
 * Numbers that look random and are the same whenever the seed is.
 *
 * @module test/hostile/random
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
    // Seeds are numbered one after another; what they yield should not look like it.
    this.#state = Math.floor(this.next() * 2 ** 32) ^ seed
  }

  /** From 0 to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 to `end`, without that. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** True in so many of all cases. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('there is nothing to pick from')
    return items[this.below(items.length)] as T
  }

  octets(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256))
  }

  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, order: this.next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ item }) => item)
  }
}
