/**
 * Which of many names were there before. A `Set` of a million names takes a hundred megabytes, and looks at all of them
 * with every collection of garbage.
 *
 * @module identity/name-set (floor 5)
 */
import { hash } from 'node:crypto'

/** Of each name 128 bits of its SHA-256 are kept, in four words: two names that share them are not found by chance. */
const WORDS = 4
const FIRST_CAPACITY = 1024

export class NameSet {
  /** Open addressing: the first word says where to look first. No digest is all zeros. */
  #slots = new Uint32Array(FIRST_CAPACITY * WORDS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Remember a name. @returns Whether it is new. */
  add(name: string): boolean {
    const digest = hash('sha256', name, 'buffer')
    const words = new Uint32Array(digest.buffer, digest.byteOffset, WORDS)
    if (!place(this.#slots, words, 0)) return false
    // Half full: looking on stays short.
    if (++this.#size * 2 * WORDS > this.#slots.length) this.#grow()
    return true
  }

  #grow(): void {
    const larger = new Uint32Array(this.#slots.length * 2)
    for (let start = 0; start < this.#slots.length; start += WORDS) {
      if (!isEmpty(this.#slots, start)) place(larger, this.#slots, start)
    }
    this.#slots = larger
  }
}

/** Put the digest that begins at `from` where it belongs. @returns Whether it was not there. */
function place(slots: Uint32Array, words: Uint32Array, from: number): boolean {
  // The length is a power of two.
  const mask = slots.length - 1
  for (let slot = ((words[from] ?? 0) * WORDS) & mask; ; slot = (slot + WORDS) & mask) {
    if (isEmpty(slots, slot)) {
      for (let index = 0; index < WORDS; index++) slots[slot + index] = words[from + index] ?? 0
      return true
    }
    if (isSame(slots, slot, words, from)) return false
  }
}

function isEmpty(slots: Uint32Array, slot: number): boolean {
  return slots[slot] === 0 && slots[slot + 1] === 0 && slots[slot + 2] === 0 && slots[slot + 3] === 0
}

function isSame(slots: Uint32Array, slot: number, words: Uint32Array, from: number): boolean {
  return (
    slots[slot] === words[from] &&
    slots[slot + 1] === words[from + 1] &&
    slots[slot + 2] === words[from + 2] &&
    slots[slot + 3] === words[from + 3]
  )
}
