/**
 * Values by octets, looked up where the octets stand inside of an input: nothing is made for a look-up.
 *
 * For keys of which there are few, chosen here: its hash is no defence against somebody who chooses them.
 *
 * @module asn1/octet-table (floor 1)
 */

interface Entry<T> {
  readonly octets: Uint8Array
  readonly value: T
}

const SLOTS = 512
const EMPTY: readonly never[] = Object.freeze([])

export class OctetTable<T> {
  readonly #slots = new Array<readonly Entry<T>[]>(SLOTS).fill(EMPTY)
  /** No key is longer. */
  #longest = 0

  /**
   * Add a value, where there is none for these octets.
   *
   * @param octets - Kept: they must not change.
   */
  add(octets: Uint8Array, value: T): void {
    if (this.get(octets, 0, octets.length) !== undefined) return
    const slot = slotOf(octets, 0, octets.length)
    this.#slots[slot] = [...(this.#slots[slot] ?? EMPTY), { octets, value }]
    this.#longest = Math.max(this.#longest, octets.length)
  }

  /** The value for the octets from `start` to before `end`. */
  get(bytes: Uint8Array, start: number, end: number): T | undefined {
    if (end - start > this.#longest) return undefined
    const slot = this.#slots[slotOf(bytes, start, end)] as readonly Entry<T>[]
    for (let index = 0; index < slot.length; index++) {
      const entry = slot[index] as Entry<T>
      if (equalsAt(entry.octets, bytes, start, end)) return entry.value
    }
    return undefined
  }
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let sum = end - start
  for (let index = start; index < end; index++) sum = (Math.imul(sum, 31) + (bytes[index] as number)) | 0
  return (sum ^ (sum >>> 9)) & (SLOTS - 1)
}

function equalsAt(octets: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  return octets.length === end - start && standsAt(bytes, start, octets)
}

/** Whether these octets stand there: for few, which a loop compares before a call of Node's would have begun. */
export function standsAt(bytes: Uint8Array, start: number, octets: Uint8Array): boolean {
  for (let index = 0; index < octets.length; index++) if (octets[index] !== bytes[start + index]) return false
  return true
}
