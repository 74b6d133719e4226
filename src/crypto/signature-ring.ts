/**
 * Memory that the threads of a {@link SignaturePool} share: signatures to verify, in a ring of slots. Whoever has time
 * takes the next, the thread that put it there too, so that all end at the same time; handing one over is writing it down.
 * It imports nothing of signet, so that threads run from source and from what is built.
 *
 * @module crypto/signature-ring (floor 2)
 */

/** A power of two: numbers of signatures run on, and wrap. */
export const SLOTS = 256
/** Of data and signature together. Not a power of two, or all would be in the same few lines of the cache. */
export const SLOT_OCTETS = 8192 + 64

/** Keys by place that a thread keeps at least. */
export const MAX_KEYS = 4096

/** Shared integers: the number of the oldest signature that was not fetched, that of the next to come, whether to say so. */
const [OLDEST, NEXT, WANTED, FIRST_SLOT] = [0, 1, 2, 4]
/** Of a slot: who has it or what came of it, octets of the data, octets of the signature, place of the key. */
const [STATE, DATA, SIGNATURE, KEY, SLOT_INTEGERS] = [0, 1, 2, 3, 4]
const INTEGERS_OCTETS = 4 * (FIRST_SLOT + SLOTS * SLOT_INTEGERS)

const FREE = 0
const READY = 1
const NO = 2
const YES = 3
/** And above: taken by the thread of this number. */
const TAKEN = 4

/** One signature in the ring: at most {@link SLOT_OCTETS}. */
export interface RingEntry {
  readonly data: Uint8Array
  readonly signature: Uint8Array
  /** Place of the key. */
  readonly key: number
}

export class SignatureRing {
  readonly memory: SharedArrayBuffer
  readonly #integers: Int32Array
  readonly #octets: Uint8Array

  constructor(memory = new SharedArrayBuffer(INTEGERS_OCTETS + SLOTS * SLOT_OCTETS)) {
    this.memory = memory
    this.#integers = new Int32Array(memory, 0, INTEGERS_OCTETS / 4)
    this.#octets = new Uint8Array(memory, INTEGERS_OCTETS)
  }

  /** Signatures that were not fetched. */
  get length(): number {
    return ((this.#integers[NEXT] ?? 0) - (this.#integers[OLDEST] ?? 0)) | 0
  }

  /** Put a signature into the ring, for whoever waits. Only one thread does. @returns Its slot; `undefined` where it is full. */
  put({ data, signature, key }: RingEntry): number | undefined {
    if (this.length >= SLOTS) return undefined
    const next = this.#integers[NEXT] ?? 0
    const slot = next & (SLOTS - 1)
    const place = slot * SLOT_OCTETS
    this.#octets.set(data, place)
    this.#octets.set(signature, place + data.length)
    const at = placeOf(slot)
    this.#integers[at + DATA] = data.length
    this.#integers[at + SIGNATURE] = signature.length
    this.#integers[at + KEY] = key
    // From here on, others read it.
    Atomics.store(this.#integers, at + STATE, READY)
    Atomics.store(this.#integers, NEXT, (next + 1) | 0)
    Atomics.notify(this.#integers, NEXT, 1)
    return slot
  }

  /** Take the oldest that nobody has taken. @returns Its slot, which is this thread's until it answers. */
  take(thread: number): number | undefined {
    const next = Atomics.load(this.#integers, NEXT)
    for (let number = Atomics.load(this.#integers, OLDEST); ((next - number) | 0) > 0; number = (number + 1) | 0) {
      const slot = number & (SLOTS - 1)
      const state = placeOf(slot) + STATE
      if (Atomics.load(this.#integers, state) !== READY) continue
      if (Atomics.compareExchange(this.#integers, state, READY, TAKEN + thread) === READY) return slot
    }
    return undefined
  }

  read(slot: number): RingEntry {
    const at = placeOf(slot)
    const middle = slot * SLOT_OCTETS + (this.#integers[at + DATA] ?? 0)
    return {
      data: this.#octets.subarray(slot * SLOT_OCTETS, middle),
      signature: this.#octets.subarray(middle, middle + (this.#integers[at + SIGNATURE] ?? 0)),
      key: this.#integers[at + KEY] ?? 0,
    }
  }

  answer(slot: number, verifies: boolean): void {
    Atomics.store(this.#integers, placeOf(slot) + STATE, verifies ? YES : NO)
  }

  /** Fetch the answer to the oldest, and free its slot. Only the thread that puts does. @returns `undefined` where there is none yet. */
  fetch(): { readonly slot: number; readonly verifies: boolean } | undefined {
    if (this.length === 0) return undefined
    const oldest = this.#integers[OLDEST] ?? 0
    const slot = oldest & (SLOTS - 1)
    const state = Atomics.load(this.#integers, placeOf(slot) + STATE)
    if (state !== YES && state !== NO) return undefined
    Atomics.store(this.#integers, placeOf(slot) + STATE, FREE)
    Atomics.store(this.#integers, OLDEST, (oldest + 1) | 0)
    return { slot, verifies: state === YES }
  }

  /** What a thread took that is no more can be taken again. */
  giveBack(thread: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      Atomics.compareExchange(this.#integers, placeOf(slot) + STATE, TAKEN + thread, READY)
    }
  }

  /** Ask to be told of answers. Whoever asks looks once more before waiting. */
  want(): void {
    Atomics.store(this.#integers, WANTED, 1)
  }

  /** Whether somebody is to be told: asked once, of one thread that then does. */
  takeWish(): boolean {
    return Atomics.exchange(this.#integers, WANTED, 0) === 1
  }

  /** The number of the next signature that will be put: for {@link wait}. */
  get next(): number {
    return Atomics.load(this.#integers, NEXT)
  }

  /** Stop this thread until something was put since. */
  wait(next: number): void {
    Atomics.wait(this.#integers, NEXT, next)
  }
}

function placeOf(slot: number): number {
  return FIRST_SLOT + slot * SLOT_INTEGERS
}
