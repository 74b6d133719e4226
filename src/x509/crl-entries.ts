/**
 * The list of revoked certificates (RFC 5280 §5.1.2.6, §5.3): every entry is read once for its form, and kept as the
 * place where it stands. A look-up goes straight to it, so that a list of a million costs a certificate nothing.
 *
 * @module x509/crl-entries (floor 3)
 */
import { randomInt } from 'node:crypto'
import { CRL_LIMITS, DerReader, OID } from '../asn1/index.js'
import { EncodingError, LimitError } from '../errors/index.js'
import type { Steps } from '../time/index.js'
import {
  MIN_ENTRY_OCTETS,
  PLAIN_ENTRY_OCTETS,
  plainEntryOctets,
  readCertificateIssuer,
  readEntry,
  readInvalidityDate,
  readReason,
  type RevokedCertificate,
  serialStart,
} from './crl-entry.js'
import type { Name } from './name.js'
import { serialText } from './serial-number.js'

/** Entries from an offset on are those of another issuer. */
interface IssuerFrom {
  readonly offset: number
  readonly name: Name
}

/** Make collisions of serial numbers hard to foresee for who writes a CRL. */
let seed = 0
let multiplier = 0
/** Entries that are read, or put into the table, in one step. */
const ENTRIES_AT_ONCE = 8192
/** At twice as many slots as entries no honest list comes near; one that does was made to take long. */
const MAX_PROBES = 512

export class CrlEntries implements Iterable<RevokedCertificate> {
  readonly #bytes: Uint8Array
  readonly #issuer: Name
  /** Where each entry begins, in the order of the list. */
  readonly #offsets: Uint32Array
  /** Open addressing by serial number: 1 + index into #offsets, 0 where nothing is. Twice the entries or more. */
  readonly #table: Uint32Array
  /** RFC 5280 §5.3.3: an issuer, once named, goes for the entries that follow, too. Ascending. */
  readonly #issuers: readonly IssuerFrom[]
  readonly hasUnknownCritical: boolean
  /** Whether any entry has extensions, which need version 2 (RFC 5280 §5.3). */
  readonly haveExtensions: boolean

  private constructor(bytes: Uint8Array, issuer: Name, scan: Scan) {
    this.#bytes = bytes
    this.#issuer = issuer
    this.#offsets = scan.offsets
    this.#issuers = scan.issuers
    this.hasUnknownCritical = scan.hasUnknownCritical
    this.haveExtensions = scan.haveExtensions
    this.#table = new Uint32Array(2 ** tableBits(scan.offsets.length))
  }

  static none(issuer: Name): CrlEntries {
    return new CrlEntries(new Uint8Array(), issuer, {
      offsets: new Uint32Array(),
      issuers: [],
      hasUnknownCritical: false,
      haveExtensions: false,
    })
  }

  /**
   * Read the SEQUENCE OF entries that is next.
   *
   * @throws {@link EncodingError} also where a serial number is listed twice, or the list is empty
   */
  static *readInSteps(tbs: DerReader, issuer: Name): Steps<CrlEntries> {
    const entries = new CrlEntries(tbs.bytes, issuer, yield* scanEntries(tbs.sequence()))
    yield* entries.#index()
    return entries
  }

  get size(): number {
    return this.#offsets.length
  }

  /** Whether entries name other issuers. */
  get areForeign(): boolean {
    return this.#issuers.length > 0
  }

  find(serialNumber: string, issuer: Name): RevokedCertificate | undefined {
    if (this.size === 0) return undefined
    const wanted = Buffer.from(serialNumber, 'hex')
    const mask = this.#table.length - 1
    const first = hashOf(wanted, 0, wanted.length) >>> (32 - tableBits(this.size))
    for (let slot = first; ; slot = (slot + 1) & mask) {
      const entry = this.#table[slot] as number
      if (entry === 0) return undefined
      const offset = this.#offsets[entry - 1] as number
      if (sameSerial(wanted, this.#serialAt(offset)) && this.#issuerAt(offset).equals(issuer)) return this.#at(offset)
    }
  }

  *[Symbol.iterator](): Iterator<RevokedCertificate> {
    for (const offset of this.#offsets) yield this.#at(offset)
  }

  *#index(): Steps<void> {
    const hashes = new Uint32Array(this.size)
    for (const [start, end] of parts(this.size)) {
      this.#hash(hashes, start, end)
      yield
    }
    const sorted = yield* byLeadingOctet(hashes)
    for (const [start, end] of parts(this.size)) {
      this.#fill(hashes, sorted, start, end)
      yield
    }
  }

  #hash(hashes: Uint32Array, from: number, to: number): void {
    const [bytes, offsets] = [this.#bytes, this.#offsets]
    for (let index = from; index < to; index++) {
      const start = serialStart(bytes, offsets[index] as number)
      hashes[index] = hashOf(bytes, start, start + (bytes[start - 1] as number))
    }
  }

  #fill(hashes: Uint32Array, sorted: SortedHashes, from: number, to: number): void {
    const [offsets, table] = [this.#offsets, this.#table]
    const [mask, shift] = [table.length - 1, 32 - tableBits(offsets.length)]
    for (let place = from; place < to; place++) {
      const [index, hash] = [sorted.indices[place] as number, sorted.hashes[place] as number]
      let slot = hash >>> shift
      let probes = 0
      for (let other = table[slot] as number; other !== 0; other = table[slot] as number) {
        if (hashes[other - 1] === hash) this.#refuseTwice(offsets[index] as number, offsets[other - 1] as number)
        slot = (slot + 1) & mask
        if (++probes > MAX_PROBES) {
          throw new LimitError('ERR_LIMIT_EXCEEDED', 'the serial numbers of a CRL are chosen to collide')
        }
      }
      table[slot] = index + 1
    }
  }

  #refuseTwice(offset: number, other: number): void {
    const serial = this.#serialAt(offset)
    if (!sameSerial(serial, this.#serialAt(other)) || !this.#issuerAt(offset).equals(this.#issuerAt(other))) return
    throw new EncodingError('ERR_CRL_MALFORMED', 'a serial number is listed twice', {
      details: { serialNumber: serialText(serial), offset: String(offset) },
    })
  }

  /** Content octets of the INTEGER that an entry begins with: its form was checked when the list was read. */
  #serialAt(offset: number): Uint8Array {
    const start = serialStart(this.#bytes, offset)
    return this.#bytes.subarray(start, start + (this.#bytes[start - 1] as number))
  }

  #issuerAt(offset: number): Name {
    // The last issuer that was named at or before the offset.
    let [low, high] = [0, this.#issuers.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#issuers[middle] as IssuerFrom).offset <= offset) low = middle + 1
      else high = middle
    }
    return this.#issuers[low - 1]?.name ?? this.#issuer
  }

  #at(offset: number): RevokedCertificate {
    const fields = DerReader.over(this.#bytes.subarray(offset), CRL_LIMITS).sequence()
    const { serial, revocationDate, extensions } = readEntry(fields)
    const reason = extensions?.get(OID.reasonCode)
    const invalidity = extensions?.get(OID.invalidityDate)
    return {
      serialNumber: serialText(serial),
      revocationDate,
      reason: reason === undefined ? 'unspecified' : readReason(reason),
      invalidityDate: invalidity === undefined ? undefined : readInvalidityDate(invalidity),
    }
  }
}

/** What was found so far. */
interface Scan {
  readonly offsets: Uint32Array
  readonly issuers: IssuerFrom[]
  hasUnknownCritical: boolean
  haveExtensions: boolean
}

function* scanEntries(sequence: DerReader): Steps<Scan> {
  const end = sequence.position + sequence.rest().length
  const offsets = new Uint32Array(Math.ceil((end - sequence.position) / MIN_ENTRY_OCTETS))
  const scan: Scan = { offsets, issuers: [], hasUnknownCritical: false, haveExtensions: false }
  let count = 0
  while (!sequence.atEnd) {
    count = scanSome(sequence, end, scan, count)
    yield
  }
  // RFC 5280 §5.1.2.6: without entries the list is absent.
  if (count === 0) throw sequence.error('ERR_CRL_MALFORMED', 'a list of revoked certificates is empty')
  return { ...scan, offsets: offsets.slice(0, count) }
}

/** @returns How many entries there are so far. */
function scanSome(sequence: DerReader, end: number, scan: Scan, before: number): number {
  const { bytes } = sequence
  const { offsets } = scan
  let count = before
  while (!sequence.atEnd && count < before + ENTRIES_AT_ONCE) {
    const offset = sequence.position
    offsets[count++] = offset
    const plain = plainEntryOctets(bytes, offset)
    if (plain > 0 && offset + plain <= end) {
      const hasReason = plain > PLAIN_ENTRY_OCTETS + (bytes[offset + 3] as number)
      scan.haveExtensions ||= hasReason
      sequence.skip(plain, hasReason ? 8 : 3)
      continue
    }
    const { extensions } = readEntry(sequence.sequence())
    scan.haveExtensions ||= extensions !== undefined
    for (const extension of extensions?.values() ?? []) {
      if (extension.oid === OID.reasonCode) readReason(extension)
      else if (extension.oid === OID.invalidityDate) readInvalidityDate(extension)
      else if (extension.oid === OID.certificateIssuer)
        scan.issuers.push({ offset, name: readCertificateIssuer(extension) })
      else scan.hasUnknownCritical ||= extension.critical
    }
  }
  return count
}

/** From where to before where each step goes. */
function* parts(length: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < length; from += ENTRIES_AT_ONCE) yield [from, Math.min(length, from + ENTRIES_AT_ONCE)]
}

/** A table has at least twice as many slots as entries, and two at least. */
function tableBits(entries: number): number {
  return Math.max(1, Math.ceil(Math.log2(entries * 2)))
}

interface SortedHashes {
  readonly indices: Uint32Array
  readonly hashes: Uint32Array
}

/** Hashes and where they were, by their leading octet: one region of the table after the other stays in the cache. */
function* byLeadingOctet(hashes: Uint32Array): Steps<SortedHashes> {
  const next = new Uint32Array(257)
  for (const hash of hashes) next[(hash >>> 24) + 1] = (next[(hash >>> 24) + 1] as number) + 1
  for (let octet = 1; octet < next.length; octet++) next[octet] = (next[octet] as number) + (next[octet - 1] as number)
  const sorted = { indices: new Uint32Array(hashes.length), hashes: new Uint32Array(hashes.length) }
  for (const [from, to] of parts(hashes.length)) {
    sortSome(hashes, sorted, next, from, to)
    yield
  }
  return sorted
}

/** @param next - By leading octet: where the next hash goes that has it. */
function sortSome(hashes: Uint32Array, sorted: SortedHashes, next: Uint32Array, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const octet = (hashes[index] as number) >>> 24
    const place = next[octet] as number
    next[octet] = place + 1
    sorted.indices[place] = index
    sorted.hashes[place] = hashes[index] as number
  }
}

/** Over the octets without leading zeros, keyed, and stirred as MurmurHash3 does at its end. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let position = start
  while (position < end && bytes[position] === 0) position++
  // Drawn for the first list that is not empty.
  if (multiplier === 0) [seed, multiplier] = [randomInt(0x7fff_ffff), randomInt(0x7fff_ffff) | 1]
  let sum = seed
  for (; position < end; position++) sum = Math.imul(sum ^ (bytes[position] as number), multiplier) ^ (sum >>> 13)
  sum = Math.imul(sum ^ (sum >>> 16), 0x85eb_ca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2_ae35)
  return (sum ^ (sum >>> 16)) >>> 0
}

/** Serial numbers are equal as numbers: a leading zero octet is only the sign. */
function sameSerial(a: Uint8Array, b: Uint8Array): boolean {
  const skipA = a.length > 1 && a[0] === 0 ? 1 : 0
  const skipB = b.length > 1 && b[0] === 0 ? 1 : 0
  if (a.length - skipA !== b.length - skipB) return false
  for (let index = a.length - skipA - 1; index >= 0; index--) if (a[skipA + index] !== b[skipB + index]) return false
  return true
}
