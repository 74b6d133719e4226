/**
 * Which messages are learnt from: the fourth, so that one alone costs nothing more, and from then on one of sixteen, so that those
 * of which no two are alike cost little.
 *
 * @module message/some-of-many (floor 7)
 */
const FIRST = 4
const EVERY = 16

export class SomeOfMany {
  #count = 0

  /** Asked once of each. */
  isNext(): boolean {
    return ++this.#count % EVERY === FIRST
  }
}
