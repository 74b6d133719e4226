/**
 * A strict DER reader (X.690 §10): a cursor over bytes that copies nothing and refuses every second encoding.
 *
 * The caller says at each step what must come next; anything else is an error with its offset. Limits are checked
 * before work is done; a declared length never allocates.
 *
 * @module asn1/der-reader (floor 1)
 */
import { type CodeIn, EncodingError, LimitError } from '../errors/index.js'
import type { DerLimits } from './limits.js'
import type { OctetTable } from './octet-table.js'
import { decodeOid, namedOid } from './oid.js'
import { decodeString } from './string.js'
import { TAG } from './tags.js'
import { decodeTime } from './time.js'

/** What the readers of one input share. */
interface Budget {
  readonly limits: DerLimits
  nodes: number
}

/** A BIT STRING: its octets and how many bits at the end of the last do not count. */
export interface BitString {
  readonly bytes: Uint8Array
  readonly unusedBits: number
}

/** Universal tags as DER has them: constructed where, and only where, other values are inside (X.690 §8, §10.2). */
const CONSTRUCTED_TAGS = [8, 11, 16, 17, 29]
const UNIVERSAL_TAGS: ReadonlySet<number> = new Set(
  Array.from({ length: 30 }, (_, index) => (CONSTRUCTED_TAGS.includes(index + 1) ? 0x20 | (index + 1) : index + 1)),
)

export class DerReader {
  /** The whole input. Offsets in errors count from its start. */
  readonly bytes: Uint8Array
  readonly #end: number
  readonly #budget: Budget
  readonly #depth: number
  #position: number

  private constructor(bytes: Uint8Array, start: number, end: number, budget: Budget, depth: number) {
    this.bytes = bytes
    this.#position = start
    this.#end = end
    this.#budget = budget
    this.#depth = depth
  }

  /**
   * Start reading an input.
   *
   * @throws {@link EncodingError} `ERR_INPUT_EMPTY`
   * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED` if it is longer than `limits.maxBytes`
   */
  static over(bytes: Uint8Array, limits: DerLimits): DerReader {
    if (bytes.length === 0) throw new EncodingError('ERR_INPUT_EMPTY', 'there is nothing to read')
    if (bytes.length > limits.maxBytes) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `the input is longer than ${limits.maxBytes} bytes`, {
        details: { bytes: String(bytes.length), limit: String(limits.maxBytes) },
      })
    }
    return new DerReader(bytes, 0, bytes.length, { limits, nodes: 0 }, 0)
  }

  /** Offset of the next value. */
  get position(): number {
    return this.#position
  }

  get atEnd(): boolean {
    return this.#position === this.#end
  }

  /** The next identifier octet, or -1 at the end. */
  peek(): number {
    return this.#position < this.#end ? (this.bytes[this.#position] as number) : -1
  }

  /** Refuse when anything is left. */
  finish(): void {
    if (this.#position !== this.#end) {
      throw this.error('ERR_DER_TRAILING_DATA', `${this.#end - this.#position} bytes follow the end of the value`)
    }
  }

  /** The whole next value, header included, whatever it is; or of this tag only. */
  element(tag?: number): Uint8Array {
    const start = this.#position
    if (tag === undefined && this.atEnd) throw this.error('ERR_DER_TRUNCATED', 'expected a value, found the end')
    this.#header(tag ?? this.peek())
    this.#position = this.#contentEnd
    return this.bytes.subarray(start, this.#position)
  }

  /** The content octets of the next value, which must have this tag. */
  content(tag: number): Uint8Array {
    const start = this.#header(tag)
    this.#position = this.#contentEnd
    return this.bytes.subarray(start, this.#position)
  }

  /** A reader over the content of the next value, which must be constructed and have this tag. */
  constructed(tag: number): DerReader {
    if (this.#depth + 1 > this.#budget.limits.maxDepth) {
      throw new LimitError('ERR_DER_DEPTH', `values are nested deeper than ${this.#budget.limits.maxDepth}`, {
        details: { offset: String(this.#position) },
      })
    }
    const start = this.#header(tag)
    this.#position = this.#contentEnd
    return new DerReader(this.bytes, start, this.#position, this.#budget, this.#depth + 1)
  }

  sequence(): DerReader {
    return this.constructed(TAG.sequence)
  }

  set(): DerReader {
    return this.constructed(TAG.set)
  }

  /**
   * Pass over octets that the caller has read by itself, and count the values in them.
   *
   * @param octets - At most what is left.
   */
  skip(octets: number, values: number): void {
    this.#count(values)
    this.#position += octets
  }

  /**
   * The next value, whole, if it stands in a table of values; then it is passed over, and counted as one. Only short
   * values are looked for there.
   */
  known<T>(table: OctetTable<T>): T | undefined {
    const start = this.#position
    const end = start + 2 + (this.bytes[start + 1] ?? 0)
    const value = end > this.#end ? undefined : table.get(this.bytes, start, end)
    if (value === undefined) return undefined
    this.#count(1)
    this.#position = end
    return value
  }

  /** Everything that is left of this value, unread. */
  rest(): Uint8Array {
    return this.bytes.subarray(this.#position, this.#end)
  }

  boolean(tag: number = TAG.boolean): boolean {
    const value = this.content(tag)
    if (value.length !== 1 || (value[0] !== 0x00 && value[0] !== 0xff)) {
      throw this.error('ERR_DER_NON_CANONICAL', 'a BOOLEAN is one octet, 00 or ff')
    }
    return value[0] === 0xff
  }

  null(): void {
    if (this.content(TAG.null).length !== 0) throw this.error('ERR_DER_NON_CANONICAL', 'a NULL has no content')
  }

  /** The two's complement octets of an INTEGER in shortest form. */
  integer(tag: number = TAG.integer): Uint8Array {
    const value = this.content(tag)
    const [first, second] = value
    if (first === undefined) throw this.error('ERR_DER_NON_CANONICAL', 'an INTEGER has at least one octet')
    if (second !== undefined && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80))) {
      throw this.error('ERR_DER_NON_CANONICAL', 'an INTEGER is in its shortest form')
    }
    return value
  }

  /** An INTEGER from 0 to `max`, where `max` is below 2^48. */
  smallInteger(max: number, tag: number = TAG.integer): number {
    const value = this.integer(tag)
    if ((value[0] as number) >= 0x80 || value.length > 7) throw this.#outOfRange(max)
    let number = 0
    for (const octet of value) number = number * 256 + octet
    if (number > max) throw this.#outOfRange(max)
    return number
  }

  enumerated(max: number): number {
    return this.smallInteger(max, TAG.enumerated)
  }

  /** An OBJECT IDENTIFIER in dotted form. */
  oid(tag: number = TAG.oid): string {
    const offset = this.#position
    const start = this.#header(tag)
    const end = (this.#position = this.#contentEnd)
    return (
      namedOid(this.bytes, start, end) ??
      decodeOid(this.bytes.subarray(start, end), (message) => this.error('ERR_DER_OID', message, offset))
    )
  }

  octetString(tag: number = TAG.octetString): Uint8Array {
    return this.content(tag)
  }

  bitString(tag: number = TAG.bitString): BitString {
    const value = this.content(tag)
    const unusedBits = value[0]
    const last = value[value.length - 1]
    if (unusedBits === undefined || last === undefined || unusedBits > 7 || (value.length === 1 && unusedBits !== 0)) {
      throw this.error('ERR_DER_NON_CANONICAL', 'a BIT STRING states 0 to 7 unused bits')
    }
    if (value.length > 1 && (last & ((1 << unusedBits) - 1)) !== 0) {
      throw this.error('ERR_DER_NON_CANONICAL', 'unused bits of a BIT STRING are zero')
    }
    return { bytes: value.subarray(1), unusedBits }
  }

  /** A BIT STRING that carries octets: keys, signatures. */
  octetBitString(tag: number = TAG.bitString): Uint8Array {
    const value = this.bitString(tag)
    if (value.unusedBits !== 0) throw this.error('ERR_DER_NON_CANONICAL', 'this BIT STRING holds whole octets')
    return value.bytes
  }

  /** UTCTime or GeneralizedTime in the one form of RFC 5280 §4.1.2.5: GeneralizedTime only from 2050 on. */
  time(): Date {
    const tag = this.peek()
    if (tag !== TAG.utcTime && tag !== TAG.generalizedTime) throw this.unexpected('a time')
    const start = this.#position
    const date = decodeTime(tag, this.content(tag), (message) => this.error('ERR_DER_TIME', message, start))
    if (tag === TAG.generalizedTime && date.getUTCFullYear() < 2050) {
      throw this.error('ERR_DER_TIME', 'times before 2050 are UTCTime', start)
    }
    return date
  }

  /** GeneralizedTime of any year, as where a standard allows nothing else (RFC 5280 §5.3.2, RFC 6960). */
  generalizedTime(tag: number = TAG.generalizedTime): Date {
    const start = this.#position
    return decodeTime(TAG.generalizedTime, this.content(tag), (message) => this.error('ERR_DER_TIME', message, start))
  }

  /** A string of this type. `tag` differs from `type` where the string is implicitly tagged. */
  string(type: number, tag: number = type): string {
    const start = this.#position
    return decodeString(type, this.content(tag), (message) => this.error('ERR_DER_STRING', message, start))
  }

  /** An error about what is at the cursor, or at `offset`. */
  error(code: CodeIn<'encoding'>, message: string, offset: number = this.#position): EncodingError {
    return new EncodingError(code, message, { details: { offset: String(offset) } })
  }

  unexpected(wanted: string): EncodingError {
    const found = this.atEnd ? 'the end' : `tag ${hexOctet(this.peek())}`
    return this.error('ERR_DER_TAG', `expected ${wanted}, found ${found}`)
  }

  #outOfRange(max: number): EncodingError {
    return this.error('ERR_DER_NON_CANONICAL', `an INTEGER is not from 0 to ${max}`)
  }

  #count(values: number): void {
    const budget = this.#budget
    budget.nodes += values
    if (budget.nodes > budget.limits.maxNodes) {
      throw new LimitError('ERR_LIMIT_EXCEEDED', `the input has more than ${budget.limits.maxNodes} values`)
    }
  }

  /** Where the content of the header read last ends; valid until the next call of #header. */
  #contentEnd = 0

  /** Read a header with this tag; return where its content starts, leave where it ends in #contentEnd. */
  #header(tag: number): number {
    const { bytes } = this
    let position = this.#position
    if (position >= this.#end) throw this.error('ERR_DER_TRUNCATED', `expected tag ${hexOctet(tag)}, found the end`)
    const found = bytes[position] as number
    if (found !== tag) throw this.unexpected(`tag ${hexOctet(tag)}`)
    if ((found & 0x1f) === 0x1f) throw this.error('ERR_DER_TAG', 'tag numbers above 30 are not used here')
    if (found < 0x40 && !UNIVERSAL_TAGS.has(found)) {
      throw this.error('ERR_DER_TAG', `no value of DER begins with ${hexOctet(found)}`)
    }
    this.#count(1)
    position += 1
    if (position >= this.#end) throw this.error('ERR_DER_TRUNCATED', 'the length is missing')
    let length = bytes[position++] as number
    if (length >= 0x80) {
      const octets = length & 0x7f
      // 0x80 is BER's indefinite length; more than four octets is more than any input may have.
      if (octets === 0 || octets > 4) throw this.error('ERR_DER_LENGTH', 'a length is indefinite or too long')
      if (position + octets > this.#end) throw this.error('ERR_DER_TRUNCATED', 'the length is cut off')
      length = 0
      for (let index = 0; index < octets; index++) length = length * 256 + (bytes[position++] as number)
      if (length < 0x80 || length < 256 ** (octets - 1)) {
        throw this.error('ERR_DER_NON_CANONICAL', 'a length is not in its shortest form')
      }
    }
    if (length > this.#end - position) {
      throw this.error('ERR_DER_TRUNCATED', `a value claims ${length} bytes where ${this.#end - position} are left`)
    }
    this.#contentEnd = position + length
    return position
  }
}

function hexOctet(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`
}
