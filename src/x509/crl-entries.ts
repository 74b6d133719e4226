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

  private constructor(bytes: Uint8Array, issuer: Name, scan: Scan) {
    this.#bytes = bytes
    this.#issuer = issuer
    this.#offsets = scan.offsets
    this.#issuers = scan.issuers
    this.hasUnknownCritical = scan.hasUnknownCritical
    this.#table = this.#index()
  }

  static none(issuer: Name): CrlEntries {
    return new CrlEntries(new Uint8Array(), issuer, {
      offsets: new Uint32Array(),
      issuers: [],
      hasUnknownCritical: false,
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
    for (let slot = this.#slot(wanted); ; slot = this.#nextSlot(slot)) {
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
    for (const [index, offset] of this.#offsets.entries()) {
      const serial = this.#serialAt(offset)
      let slot = slotOf(serial, table.length)
      for (let other = table[slot] as number; other !== 0; other = table[slot] as number) {
        this.#refuseTwice(offset, serial, this.#offsets[other - 1] as number)
        slot = (slot + 1) % table.length
      }
      table[slot] = index + 1
    }
    return table
  }

  #refuseTwice(offset: number, serial: Uint8Array, other: number): void {
    if (!sameSerial(serial, this.#serialAt(other)) || !this.#issuerAt(offset).equals(this.#issuerAt(other))) return
    throw new EncodingError('ERR_CRL_MALFORMED', 'a serial number is listed twice', {
      details: { serialNumber: serialText(serial), offset: String(offset) },
    })
  }

  #slot(serial: Uint8Array): number {
    return slotOf(serial, this.#table.length)
  }

  #nextSlot(slot: number): number {
    return (slot + 1) % this.#table.length
  }

  /** Content octets of the INTEGER that an entry begins with: its form was checked when the list was read. */
  #serialAt(offset: number): Uint8Array {
    const bytes = this.#bytes
    const longForm = (bytes[offset + 1] as number) & 0x80 ? (bytes[offset + 1] as number) & 0x7f : 0
    const start = offset + 2 + longForm
    return bytes.subarray(start + 2, start + 2 + (bytes[start + 1] as number))
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
}

/** The shortest entry: header, serial number of one octet, UTCTime. */
const MIN_ENTRY_OCTETS = 20

function scanEntries(sequence: DerReader): Scan {
  const offsets = new Uint32Array(Math.ceil(sequence.rest().length / MIN_ENTRY_OCTETS))
  const issuers: IssuerFrom[] = []
  let count = 0
  let hasUnknownCritical = false
  while (!sequence.atEnd) {
    const offset = sequence.position
    const { extensions } = readEntry(sequence.sequence())
    offsets[count++] = offset
    for (const extension of extensions?.values() ?? []) {
      if (extension.oid === OID.reasonCode) readReason(extension)
      else if (extension.oid === OID.invalidityDate) readInvalidityDate(extension)
      else if (extension.oid === OID.certificateIssuer) issuers.push({ offset, name: readCertificateIssuer(extension) })
      else hasUnknownCritical ||= extension.critical
    }
  }
  // RFC 5280 §5.1.2.6: without entries the list is absent.
  if (count === 0) throw sequence.error('ERR_CRL_MALFORMED', 'a list of revoked certificates is empty')
  return { offsets: offsets.slice(0, count), issuers, hasUnknownCritical }
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

/** FNV-1a over the octets, seeded; `length` is a power of two. */
function slotOf(serial: Uint8Array, length: number): number {
  let sum = SEED
  for (const octet of serial) if (octet !== 0 || sum !== SEED) sum = Math.imul(sum ^ octet, 0x0100_0193)
  return (sum ^ (sum >>> 15)) & (length - 1)
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
