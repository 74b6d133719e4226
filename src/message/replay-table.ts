/**
 * What a replay memory holds, in flat memory: a million texts in a set would be moved by the garbage collector again and
 * again, and the set would stand still for a tenth of a second whenever it copies itself. Here nothing is copied to grow:
 * a bucket at a time is divided in two (linear hashing), and an entry has its place for as long as it is there.
 *
 * @module message/replay-table (floor 7)
 */
import { randomFillSync } from 'node:crypto'

// The words of an entry. Entries are numbered from 1, so that 0 is none.
/** The next entry in the same bucket; of one that is free, the next that is. */
const NEXT = 0
/** The next entry that ends in the same second. */
const NEXT_ENDING = 1
/** Of what follows. */
const HASH = 2
const OWNER = 3
const STEP = 4
const OCTETS = 5
const ID = 6

/** Memory that is got at once; the first time less, so that the first message of a process does not wait for it. */
const PIECE_WORDS = 8192
const HEADS_BITS = 12
const FIRST_ENTRIES = 16
/** Seconds that are passed over at once, at most. */
const SECONDS_AT_ONCE = 4096

/** Entries with ids of so many words: 4 octets each, the last filled up with zeros. */
export class ReplayTable {
  readonly #entryWords: number
  /** Entries of a piece are a power of two, this one. */
  readonly #bits: number
  readonly #pieces: Uint32Array[] = []
  readonly #heads: Uint32Array[] = []
  readonly #seeds: Uint32Array
  /** By second: the first entry that ends in it. */
  readonly #ends = new Map<number, number>()
  /** Nothing ends in an earlier second. */
  #earliest = Infinity
  #size = 0
  #buckets = 0
  /** The first that was used and is free again; then those that were never used, from here. */
  #free = 0
  #unused = 1

  constructor(idWords: number) {
    this.#entryWords = ID + idWords
    this.#bits = Math.max(1, Math.floor(Math.log2(PIECE_WORDS / this.#entryWords)))
    // Whoever chooses ids shall not know which of them meet in a bucket.
    this.#seeds = seedsFor(4 * (this.#entryWords - OWNER))
    this.#addBucket()
  }

  has(owner: number, step: number, id: Uint8Array): boolean {
    return this.#isKnown(this.#written(owner, step, id))
  }

  /** @returns Whether it was new. */
  add(owner: number, step: number, id: Uint8Array, second: number): boolean {
    const entry = this.#written(owner, step, id)
    if (this.#isKnown(entry)) return false
    if (entry === this.#free) this.#free = this.#get(entry, NEXT)
    else this.#unused++
    if (++this.#size > this.#buckets) this.#divide()
    this.#link(entry)
    this.#set(entry, NEXT_ENDING, this.#ends.get(second) ?? 0)
    this.#ends.set(second, entry)
    this.#earliest = Math.min(this.#earliest, second)
    return true
  }

  /**
   * Forget some of what ended in this second or before.
   *
   * @param most - Entries that are forgotten at once.
   * @param forgotten - Told the owner of each.
   */
  forget(over: number, most: number, forgotten: (owner: number) => void): void {
    let left = most
    for (let passed = 0; this.#earliest <= over && passed < SECONDS_AT_ONCE; passed++) {
      let entry = this.#ends.get(this.#earliest) ?? 0
      for (; entry !== 0 && left > 0; left--) {
        const next = this.#get(entry, NEXT_ENDING)
        this.#remove(entry)
        forgotten(this.#get(entry, OWNER))
        entry = next
      }
      if (entry !== 0) {
        this.#ends.set(this.#earliest, entry)
        return
      }
      this.#ends.delete(this.#earliest)
      this.#earliest = this.#ends.size === 0 ? Infinity : this.#earliest + 1
    }
  }

  /** Written to a place that is free, so that it can be compared word by word; it is no entry yet. */
  #written(owner: number, step: number, id: Uint8Array): number {
    const entry = this.#free === 0 ? this.#unused : this.#free
    makeRoom(this.#pieces, entry, this.#bits, this.#entryWords)
    const [piece, start] = [this.#pieceOf(entry), this.#startOf(entry)]
    piece[start + OWNER] = owner
    piece[start + STEP] = step
    piece[start + OCTETS] = id.length
    for (let word = start + ID, at = 0; at < id.length; word++, at += 4) {
      piece[word] = octet(id, at) | (octet(id, at + 1) << 8) | (octet(id, at + 2) << 16) | (octet(id, at + 3) << 24)
    }
    piece[start + HASH] = hashOf(piece, start + OWNER, start + this.#entryWords, this.#seeds)
    return entry
  }

  #isKnown(entry: number): boolean {
    let other = this.#head(this.#bucketOf(entry))
    while (other !== 0 && !this.#isSame(entry, other)) other = this.#get(other, NEXT)
    return other !== 0
  }

  #isSame(a: number, b: number): boolean {
    const [pieceA, startA, pieceB, startB] = [this.#pieceOf(a), this.#startOf(a), this.#pieceOf(b), this.#startOf(b)]
    for (let word = HASH; word < this.#entryWords; word++) {
      if (pieceA[startA + word] !== pieceB[startB + word]) return false
    }
    return true
  }

  #remove(entry: number): void {
    const bucket = this.#bucketOf(entry)
    const next = this.#get(entry, NEXT)
    let before = this.#head(bucket)
    if (before === entry) this.#setHead(bucket, next)
    else {
      while (this.#get(before, NEXT) !== entry) before = this.#get(before, NEXT)
      this.#set(before, NEXT, next)
    }
    this.#set(entry, NEXT, this.#free)
    this.#free = entry
    this.#size--
  }

  /** Put what is in one bucket into that and a new one: the one after the last that was divided. */
  #divide(): void {
    const added = this.#buckets
    const divided = added - highestPowerOfTwo(added)
    this.#addBucket()
    let entry = this.#head(divided)
    this.#setHead(divided, 0)
    while (entry !== 0) {
      const next = this.#get(entry, NEXT)
      this.#link(entry)
      entry = next
    }
  }

  #addBucket(): void {
    makeRoom(this.#heads, this.#buckets, HEADS_BITS, 1)
    this.#buckets++
  }

  /** As many leading buckets as a power of two were divided once more than the others. */
  #bucketOf(entry: number): number {
    const power = highestPowerOfTwo(this.#buckets)
    const bucket = this.#get(entry, HASH) & (2 * power - 1)
    return bucket < this.#buckets ? bucket : bucket - power
  }

  #link(entry: number): void {
    const bucket = this.#bucketOf(entry)
    this.#set(entry, NEXT, this.#head(bucket))
    this.#setHead(bucket, entry)
  }

  #head(bucket: number): number {
    return (this.#heads[bucket >>> HEADS_BITS] as Uint32Array)[bucket & ((1 << HEADS_BITS) - 1)] as number
  }

  #setHead(bucket: number, entry: number): void {
    ;(this.#heads[bucket >>> HEADS_BITS] as Uint32Array)[bucket & ((1 << HEADS_BITS) - 1)] = entry
  }

  #get(entry: number, word: number): number {
    return this.#pieceOf(entry)[this.#startOf(entry) + word] as number
  }

  #set(entry: number, word: number, value: number): void {
    this.#pieceOf(entry)[this.#startOf(entry) + word] = value
  }

  #pieceOf(entry: number): Uint32Array {
    return this.#pieces[entry >>> this.#bits] as Uint32Array
  }

  #startOf(entry: number): number {
    return (entry & ((1 << this.#bits) - 1)) * this.#entryWords
  }
}

/** See that there is memory for an item, all before it having some. Only the first piece is ever copied, to become a whole one. */
function makeRoom(pieces: Uint32Array[], index: number, bits: number, itemWords: number): void {
  const [first] = pieces
  if (first === undefined) pieces.push(new Uint32Array(Math.min(FIRST_ENTRIES, 1 << bits) * itemWords))
  else if (index >>> bits === pieces.length) pieces.push(new Uint32Array(itemWords << bits))
  else if (index < 1 << bits && (index + 1) * itemWords > first.length) {
    const larger = new Uint32Array(2 * first.length)
    larger.set(first)
    pieces[0] = larger
  }
}

let drawn = new Uint32Array()

/** One draw for all tables of a process: what matters is that nobody else knows it. */
function seedsFor(count: number): Uint32Array {
  if (drawn.length < count) drawn = randomFillSync(new Uint32Array(count))
  return drawn
}

/** Multilinear, 16 bits at a time, so that of each sum the upper half is as good as drawn (strongly universal). */
function hashOf(words: Uint32Array, start: number, end: number, seeds: Uint32Array): number {
  let [upper, lower] = [0, 0]
  for (let index = start, seed = 0; index < end; index++, seed += 4) {
    const [low, high] = [(words[index] as number) & 0xffff, (words[index] as number) >>> 16]
    upper = (upper + Math.imul(seeds[seed] as number, low) + Math.imul(seeds[seed + 1] as number, high)) | 0
    lower = (lower + Math.imul(seeds[seed + 2] as number, low) + Math.imul(seeds[seed + 3] as number, high)) | 0
  }
  return (upper & 0xffff_0000) | (lower >>> 16)
}

/** Not above a number from 1. */
function highestPowerOfTwo(number: number): number {
  return 1 << (31 - Math.clz32(number))
}

/** Zero after the end. */
function octet(id: Uint8Array, index: number): number {
  return index < id.length ? (id[index] as number) : 0
}
