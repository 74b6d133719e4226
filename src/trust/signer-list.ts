/**
 * The signers of a trust directory, kept as the places where they stand: a hundred thousand cost little more than
 * their octets, and a look-up goes straight to one of them.
 *
 * @module trust/signer-list (floor 6)
 */
import { compareBytes, DerReader, equalBytes, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { atOnce, type Steps } from '../time/index.js'
import { plainSigner } from './plain-signer.js'
import { type RawSigner, readSigner } from './signer.js'

/** Signers that are read in one step. */
export const SIGNERS_AT_ONCE = 512
/** Signers that are put into their buckets in one step. */
const BUCKETED_AT_ONCE = 8192

export class SignerList {
  readonly #bytes: Uint8Array
  /** Where each begins, ascending by key identifier; and where the last ends. */
  readonly #offsets: Uint32Array
  /** By the leading bits of a key identifier: the first signer that has them, or more. Identifiers are hashes. */
  readonly #buckets: Uint32Array
  readonly #shift: number

  private constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#bytes = bytes
    this.#offsets = offsets
    // As many buckets as signers, so that each has about one. Whoever fills one on purpose makes it a binary search.
    this.#shift = 32 - Math.min(24, Math.max(1, Math.ceil(Math.log2(offsets.length))))
    this.#buckets = new Uint32Array(2 ** (32 - this.#shift) + 1)
  }

  /**
   * Read a SEQUENCE OF Signer, all of it, for its form.
   *
   * @param sequence - Inside the SEQUENCE.
   * @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED` and DER codes
   */
  static read(sequence: DerReader): SignerList {
    return atOnce(SignerList.readInSteps(sequence))
  }

  /** As {@link read}, in steps. */
  static *readInSteps(sequence: DerReader): Steps<SignerList> {
    const end = sequence.position + sequence.rest().length
    // Room for a step and the end; of how many there are, the octets say little.
    let offsets = new Uint32Array(2 * SIGNERS_AT_ONCE)
    let count = 0
    while (!sequence.atEnd) {
      if (count + SIGNERS_AT_ONCE >= offsets.length) offsets = withRoom(offsets)
      count = readSome(sequence, end, offsets, count)
      yield
    }
    offsets[count] = end
    const list = new SignerList(sequence.bytes, offsets.slice(0, count + 1))
    yield* list.#index()
    return list
  }

  get size(): number {
    return this.#offsets.length - 1
  }

  /** The place of the signer with this key identifier; -1 where there is none. */
  indexOf(keyIdentifier: Uint8Array): number {
    const index = this.lowerBound(keyIdentifier)
    return index < this.size && equalBytes(this.keyIdentifierAt(index), keyIdentifier) ? index : -1
  }

  /** The place of the first signer whose key identifier is not below this one. */
  lowerBound(keyIdentifier: Uint8Array): number {
    const bucket = leadingBits(keyIdentifier, 0, keyIdentifier.length) >>> this.#shift
    let low = this.#buckets[bucket] ?? 0
    let high = this.#buckets[bucket + 1] ?? this.size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareBytes(this.keyIdentifierAt(middle), keyIdentifier) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  keyIdentifierAt(index: number): Uint8Array {
    return keyIdentifierAt(this.#bytes, this.#offset(index))
  }

  /** The octets of these signers, from one to before another. */
  slice(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#offset(from), this.#offset(to))
  }

  /** The certificate alone: cheaper than {@link at}. */
  certificateAt(index: number): Uint8Array {
    const fields = DerReader.over(this.slice(index, index + 1), TRUST_DIRECTORY_LIMITS).sequence()
    fields.octetString()
    return fields.element()
  }

  at(index: number): RawSigner {
    return readSigner(DerReader.over(this.slice(index, index + 1), TRUST_DIRECTORY_LIMITS))
  }

  #offset(index: number): number {
    return this.#offsets[index] ?? 0
  }

  *#index(): Steps<void> {
    let next = 0
    for (let from = 0; from < this.size; from += BUCKETED_AT_ONCE) {
      next = this.#indexSome(from, Math.min(this.size, from + BUCKETED_AT_ONCE), next)
      yield
    }
    this.#buckets.fill(this.size, next)
  }

  /** @returns The first bucket that is not filled. */
  #indexSome(from: number, to: number, before: number): number {
    const [bytes, buckets, shift] = [this.#bytes, this.#buckets, this.#shift]
    let next = before
    for (let index = from; index < to; index++) {
      const bucket = leadingBitsAt(bytes, this.#offset(index)) >>> shift
      while (next <= bucket) buckets[next++] = index
    }
    return next
  }
}

/** The same numbers, and room for as many. */
function withRoom(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length)
  larger.set(numbers)
  return larger
}

/** @returns How many there are so far. */
function readSome(sequence: DerReader, end: number, offsets: Uint32Array, before: number): number {
  const { bytes } = sequence
  let count = before
  while (!sequence.atEnd && count < before + SIGNERS_AT_ONCE) {
    const offset = sequence.position
    offsets[count++] = offset
    const plain = plainSigner(bytes, offset, end)
    if (plain.octets > 0) sequence.skip(plain.octets, plain.values)
    else readSigner(sequence)
    if (count > 1 && !isAscending(bytes, offsets[count - 2] ?? 0, offset)) {
      throw sequence.error('ERR_TRUST_DIRECTORY_MALFORMED', 'signers are in ascending order, each once', offset)
    }
  }
  return count
}

/** Of the OCTET STRING that a signer begins with; its form was checked when the list was read. */
function keyIdentifierAt(bytes: Uint8Array, offset: number): Uint8Array {
  const start = contentStart(bytes, offset)
  const content = contentStart(bytes, start)
  return bytes.subarray(content, content + contentLength(bytes, start))
}

/** Where the content of the value begins that stands here. */
function contentStart(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset + 1] ?? 0
  return offset + 2 + (first < 0x80 ? 0 : first & 0x7f)
}

function contentLength(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset + 1] ?? 0
  if (first < 0x80) return first
  let length = 0
  for (let index = 0; index < (first & 0x7f); index++) length = length * 256 + (bytes[offset + 2 + index] ?? 0)
  return length
}

function isAscending(bytes: Uint8Array, before: number, offset: number): boolean {
  const [a, b] = [leadingBitsAt(bytes, before), leadingBitsAt(bytes, offset)]
  return a === b ? compareBytes(keyIdentifierAt(bytes, before), keyIdentifierAt(bytes, offset)) < 0 : a < b
}

function leadingBitsAt(bytes: Uint8Array, offset: number): number {
  const start = contentStart(bytes, offset)
  const content = contentStart(bytes, start)
  return leadingBits(bytes, content, content + contentLength(bytes, start))
}

/** The leading 32 bits, zeros where there are fewer: ascending where identifiers are. */
function leadingBits(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0
  for (let index = start; index < start + 4; index++) bits = (bits << 8) | (index < end ? (bytes[index] ?? 0) : 0)
  return bits >>> 0
}
