/**
 * One hostile input, as bytes and as texts.
 *
 * @module test/hostile/calls/input
 */
import { elementsIn } from '../tlv.js'

export interface Input {
  readonly bytes: Uint8Array
  /** Each octet a character. */
  readonly latin1: string
  /** What is no UTF-8 replaced. */
  readonly utf8: string
  /** Values that it seems to contain. */
  readonly elements: readonly Uint8Array[]
  /** Where functions that read files find it, as {@link INPUT_FILE}, and may put others beside it. */
  readonly folder: string
}

/** A call with a hostile input. What it hands back counts for nothing. */
export type Call = (input: Input) => unknown

/** Enough for every value of nearly every file of the corpora. */
const MAX_ELEMENTS = 150

export const INPUT_FILE = 'input'

export function inputOf(bytes: Uint8Array, folder = ''): Input {
  const buffer = Buffer.from(bytes)
  return {
    bytes,
    latin1: buffer.toString('latin1'),
    utf8: buffer.toString('utf8'),
    elements: elementsIn(bytes, MAX_ELEMENTS),
    folder,
  }
}
