/**
 * The list of revoked certificates (RFC 5280 §5.1.2.6, §5.3): every entry is read once for its form, and kept as the
 * place where it stands. A look-up goes straight to it, so that a list of a million costs a certificate nothing.
 *
 * @module x509/crl-entries (floor 3)
 */
import { randomInt } from 'node:crypto'
import { CRL_LIMITS, DerReader, OID } from '../asn1/index.js'
import { EncodingError } from '../errors/index.js'
import { readSerial } from './certificate.js'
import { type Extension, readExtensions, readExtensionValue } from './extensions.js'
import { readGeneralNames } from './general-name.js'
import type { Name } from './name.js'
import { serialText } from './serial-number.js'

/** CRLReason (RFC 5280 §5.3.1); 7 is not used. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const
export type RevocationReason = keyof typeof REVOCATION_REASONS

const REASONS_BY_NUMBER: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(REVOCATION_REASONS).map(([name, number]) => [number, name as RevocationReason]),
)

export interface RevokedCertificate {
  /** Canonical serial number. */
  readonly serialNumber: string
  readonly revocationDate: Date
  readonly reason: RevocationReason
  readonly invalidityDate?: Date | undefined
}

/** Entries from an offset on are those of another issuer. */
interface IssuerFrom {
  readonly offset: number
  readonly name: Name
}

/** Makes collisions of serial numbers unpredictable to who writes a CRL. */
const SEED = randomInt(0x7fff_ffff)

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
    this.#table = this.#index()
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
  static read(tbs: DerReader, issuer: Name): CrlEntries {
    return new CrlEntries(tbs.bytes, issuer, scanEntries(tbs.sequence()))
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
    for (let slot = slotOf(wanted, 0, wanted.length, mask); ; slot = (slot + 1) & mask) {
      const entry = this.#table[slot] as number
      if (entry === 0) return undefined
      const offset = this.#offsets[entry - 1] as number
      if (sameSerial(wanted, this.#serialAt(offset)) && this.#issuerAt(offset).equals(issuer)) return this.#at(offset)
    }
  }

  *[Symbol.iterator](): Iterator<RevokedCertificate> {
    for (const offset of this.#offsets) yield this.#at(offset)
  }

  #index(): Uint32Array {
    const table = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(1, this.#offsets.length) * 2)))
    const mask = table.length - 1
    for (let index = 0; index < this.#offsets.length; index++) {
      const offset = this.#offsets[index] as number
      const start = this.#serialStart(offset)
      let slot = slotOf(this.#bytes, start, start + (this.#bytes[start - 1] as number), mask)
      for (let other = table[slot] as number; other !== 0; other = table[slot] as number) {
        this.#refuseTwice(offset, this.#offsets[other - 1] as number)
        slot = (slot + 1) & mask
      }
      table[slot] = index + 1
    }
    return table
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
    const start = this.#serialStart(offset)
    return this.#bytes.subarray(start, start + (this.#bytes[start - 1] as number))
  }

  #serialStart(offset: number): number {
    const length = this.#bytes[offset + 1] as number
    return offset + 4 + (length >= 0x80 ? length & 0x7f : 0)
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

interface Scan {
  readonly offsets: Uint32Array
  readonly issuers: readonly IssuerFrom[]
  readonly hasUnknownCritical: boolean
  readonly haveExtensions: boolean
}

/** The longest plain entry without extensions: header, serial number of 20 octets, UTCTime. */
const PLAIN_ENTRY_OCTETS = 39
/** The shortest entry: header, serial number of one octet, UTCTime. */
const MIN_ENTRY_OCTETS = 20

function scanEntries(sequence: DerReader): Scan {
  const list = sequence.rest()
  const start = sequence.position
  const offsets = new Uint32Array(Math.ceil(list.length / MIN_ENTRY_OCTETS))
  const issuers: IssuerFrom[] = []
  let count = 0
  let hasUnknownCritical = false
  let haveExtensions = false
  for (let position = 0; position < list.length;) {
    const offset = start + position
    offsets[count++] = offset
    const plain = plainEntryOctets(list, position)
    if (plain > 0) {
      haveExtensions ||= plain > PLAIN_ENTRY_OCTETS
      position += plain
      continue
    }
    const reader = DerReader.over(list.subarray(position), CRL_LIMITS)
    const { extensions } = readEntry(reader.sequence())
    position += reader.position
    haveExtensions ||= extensions !== undefined
    for (const extension of extensions?.values() ?? []) {
      if (extension.oid === OID.reasonCode) readReason(extension)
      else if (extension.oid === OID.invalidityDate) readInvalidityDate(extension)
      else if (extension.oid === OID.certificateIssuer) issuers.push({ offset, name: readCertificateIssuer(extension) })
      else hasUnknownCritical ||= extension.critical
    }
  }
  // RFC 5280 §5.1.2.6: without entries the list is absent.
  if (count === 0) throw sequence.error('ERR_CRL_MALFORMED', 'a list of revoked certificates is empty')
  return { offsets: offsets.slice(0, count), issuers, hasUnknownCritical, haveExtensions }
}

/** Extensions with a reason code and nothing else, but for the reason. */
const REASON_ONLY = Uint8Array.of(0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01)

/**
 * The length of an entry in the form that practically all have: a serial number, a UTCTime on a day that every month has,
 * at most a reason code. 0 for every other entry: those, and all that are malformed, are the strict reader's.
 */
function plainEntryOctets(bytes: Uint8Array, start: number): number {
  const at = (offset: number): number => bytes[start + offset] ?? -1
  const length = at(1)
  const serialOctets = at(3)
  if (at(0) !== 0x30 || at(2) !== 0x02 || serialOctets < 1 || serialOctets > 20) return 0
  // Positive, not zero, in shortest form.
  const first = at(4)
  if (first > 0x7f || (first === 0 && (serialOctets === 1 || at(5) < 0x80))) return 0
  const time = 4 + serialOctets
  if (at(time) !== 0x17 || at(time + 1) !== 13 || at(time + 14) !== 0x5a || !isPlainTime(bytes, start + time + 2))
    return 0
  const end = time + 15
  if (length === end - 2) return end
  if (length !== end - 2 + REASON_ONLY.length + 1) return 0
  if (!REASON_ONLY.every((octet, index) => at(end + index) === octet)) return 0
  const reason = at(end + REASON_ONLY.length)
  return reason >= 0 && REASONS_BY_NUMBER.has(reason) ? end + REASON_ONLY.length + 1 : 0
}

/** Twelve digits, YYMMDDHHMMSS, within what every month, day, hour and minute has. */
function isPlainTime(bytes: Uint8Array, start: number): boolean {
  const two = (offset: number): number => {
    const [tens, ones] = [(bytes[start + offset] ?? 0) - 0x30, (bytes[start + offset + 1] ?? 0) - 0x30]
    return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : 99
  }
  const [month, day] = [two(2), two(4)]
  return two(0) < 99 && month >= 1 && month <= 12 && day >= 1 && day <= 28 && two(6) < 24 && two(8) < 60 && two(10) < 60
}

interface Entry {
  readonly serial: Uint8Array
  readonly revocationDate: Date
  readonly extensions: ReadonlyMap<string, Extension> | undefined
}

function readEntry(fields: DerReader): Entry {
  const serial = readSerial(fields)
  const revocationDate = fields.time()
  const extensions = fields.atEnd ? undefined : readExtensions(fields)
  fields.finish()
  return { serial, revocationDate, extensions }
}

/** FNV-1a over the octets without leading zeros, seeded; `mask` is a power of two less one. */
function slotOf(bytes: Uint8Array, start: number, end: number, mask: number): number {
  let position = start
  while (position < end && bytes[position] === 0) position++
  let sum = SEED
  for (; position < end; position++) sum = Math.imul(sum ^ (bytes[position] as number), 0x0100_0193)
  return (sum ^ (sum >>> 15)) & mask
}

/** Serial numbers are equal as numbers: a leading zero octet is only the sign. */
function sameSerial(a: Uint8Array, b: Uint8Array): boolean {
  const skipA = a.length > 1 && a[0] === 0 ? 1 : 0
  const skipB = b.length > 1 && b[0] === 0 ? 1 : 0
  if (a.length - skipA !== b.length - skipB) return false
  for (let index = a.length - skipA - 1; index >= 0; index--) if (a[skipA + index] !== b[skipB + index]) return false
  return true
}

function readCertificateIssuer(extension: Extension): Name {
  const names = readExtensionValue(extension, (value) => readGeneralNames(value.sequence()))
  const directory = names.find((name) => name.kind === 'directory')
  if (directory === undefined)
    throw new EncodingError('ERR_CRL_MALFORMED', 'a certificate issuer has no distinguished name')
  return directory.name
}

function readReason(extension: Extension): RevocationReason {
  return revocationReasonOf(readExtensionValue(extension, (value) => value.enumerated(255)))
}

function readInvalidityDate(extension: Extension): Date {
  return readExtensionValue(extension, (value) => value.generalizedTime())
}

/** @throws {@link EncodingError} `ERR_CRL_MALFORMED` */
export function revocationReasonOf(number: number): RevocationReason {
  const reason = REASONS_BY_NUMBER.get(number)
  if (reason === undefined) throw new EncodingError('ERR_CRL_MALFORMED', `there is no revocation reason ${number}`)
  return reason
}
