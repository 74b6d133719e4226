/**
 * The signers of a trust directory, kept as the places where they stand: a hundred thousand cost little more than
 * their octets, and a look-up goes straight to one of them.
 *
 * @module trust/signer-list (floor 6)
 */
import { compareBytes, DerReader, equalBytes, TRUST_DIRECTORY_LIMITS } from '../asn1/index.js'
import { plainSigner } from './plain-signer.js'
import { type RawSigner, readSigner } from './signer.js'

/** The shortest signer that could be one: all its values empty. */
const MIN_SIGNER_OCTETS = 18

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
    this.#buckets = this.#index()
  }

  /**
   * Read a SEQUENCE OF Signer, all of it, for its form.
   *
   * @param sequence - Inside the SEQUENCE.
   * @throws {@link EncodingError} `ERR_TRUST_DIRECTORY_MALFORMED` and DER codes
   */
  static read(sequence: DerReader): SignerList {
    const { bytes } = sequence
    const end = sequence.position + sequence.rest().length
    const offsets = new Uint32Array(1 + Math.ceil((end - sequence.position) / MIN_SIGNER_OCTETS))
    let count = 0
    while (!sequence.atEnd) {
      const offset = sequence.position
      offsets[count++] = offset
      const plain = plainSigner(bytes, offset, end)
      if (plain.octets > 0) sequence.skip(plain.octets, plain.values)
      else readSigner(sequence)
      if (count > 1 && !isAscending(bytes, offsets[count - 2] ?? 0, offset)) {
        throw sequence.error('ERR_TRUST_DIRECTORY_MALFORMED', 'signers are in ascending order, each once', offset)
      }
    }
    offsets[count] = end
    return new SignerList(bytes, offsets.slice(0, count + 1))
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

  #index(): Uint32Array {
    const buckets = new Uint32Array(2 ** (32 - this.#shift) + 1)
    let next = 0
    for (let index = 0; index < this.size; index++) {
      const bucket = leadingBitsAt(this.#bytes, this.#offset(index)) >>> this.#shift
      while (next <= bucket) buckets[next++] = index
    }
    return buckets.fill(this.size, next)
  }
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
