/**
 * One entry of a list of revoked certificates, and the reasons that it may state (RFC 5280 §5.1.2.6, §5.3).
 *
 * @module x509/crl-entry (floor 3)
 */
import { type DerReader, standsAt } from '../asn1/index.js'
import { EncodingError } from '../errors/index.js'
import { readSerial } from './certificate.js'
import { type Extension, readExtensions, readExtensionValue } from './extensions.js'
import { readGeneralNames } from './general-name.js'
import type { Name } from './name.js'

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

/** A plain entry without extensions, less the octets of its serial number: headers and UTCTime. */
export const PLAIN_ENTRY_OCTETS = 19
/** The shortest entry: header, serial number of one octet, UTCTime. */
export const MIN_ENTRY_OCTETS = 20

/** Extensions with a reason code and nothing else, but for the reason. */
const REASON_ONLY = Uint8Array.of(0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01)

/**
 * The length of an entry in the form that practically all have: a serial number, a UTCTime on a day that every month has,
 * at most a reason code. 0 for every other entry: those, and all that are malformed, are the strict reader's.
 */
export function plainEntryOctets(bytes: Uint8Array, start: number): number {
  const serialOctets = bytes[start + 3] ?? 0
  if (bytes[start] !== 0x30 || bytes[start + 2] !== 0x02 || serialOctets < 1 || serialOctets > 20) return 0
  // Positive, not zero, in shortest form.
  const first = bytes[start + 4] ?? 0xff
  if (first > 0x7f || (first === 0 && (serialOctets === 1 || (bytes[start + 5] ?? 0) < 0x80))) return 0
  const time = start + 4 + serialOctets
  if (bytes[time] !== 0x17 || bytes[time + 1] !== 13 || bytes[time + 14] !== 0x5a || !isPlainTime(bytes, time + 2))
    return 0
  const octets = 4 + serialOctets + 15
  const stated = (bytes[start + 1] ?? 0) + 2
  if (stated === octets) return octets
  const withReason = octets + REASON_ONLY.length + 1
  return stated === withReason && endsWithReason(bytes, start + octets) ? withReason : 0
}

function endsWithReason(bytes: Uint8Array, start: number): boolean {
  return standsAt(bytes, start, REASON_ONLY) && REASONS_BY_NUMBER.has(bytes[start + REASON_ONLY.length] ?? -1)
}

/** Twelve digits, YYMMDDHHMMSS, within what every month, day, hour and minute has. */
function isPlainTime(bytes: Uint8Array, start: number): boolean {
  return (
    isTwoDigits(bytes, start, 0, 99) &&
    isTwoDigits(bytes, start + 2, 1, 12) &&
    isTwoDigits(bytes, start + 4, 1, 28) &&
    isTwoDigits(bytes, start + 6, 0, 23) &&
    isTwoDigits(bytes, start + 8, 0, 59) &&
    isTwoDigits(bytes, start + 10, 0, 59)
  )
}

function isTwoDigits(bytes: Uint8Array, start: number, least: number, most: number): boolean {
  const [tens, ones] = [(bytes[start] ?? 0) - 0x30, (bytes[start + 1] ?? 0) - 0x30]
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return false
  const value = tens * 10 + ones
  return value >= least && value <= most
}

/** An entry, read strictly. */
export interface CrlEntry {
  readonly serial: Uint8Array
  readonly revocationDate: Date
  readonly extensions: ReadonlyMap<string, Extension> | undefined
}

/** @throws {@link EncodingError} `ERR_CRL_MALFORMED` and DER codes */
export function readEntry(fields: DerReader): CrlEntry {
  const serial = readSerial(fields)
  const revocationDate = fields.time()
  const extensions = fields.atEnd ? undefined : readExtensions(fields)
  fields.finish()
  return { serial, revocationDate, extensions }
}

/** Where the octets of the serial number of the entry at an offset begin. */
export function serialStart(bytes: Uint8Array, offset: number): number {
  const length = bytes[offset + 1] as number
  return offset + 4 + (length >= 0x80 ? length & 0x7f : 0)
}

export function readCertificateIssuer(extension: Extension): Name {
  const names = readExtensionValue(extension, (value) => readGeneralNames(value.sequence()))
  const directory = names.find((name) => name.kind === 'directory')
  if (directory === undefined)
    throw new EncodingError('ERR_CRL_MALFORMED', 'a certificate issuer has no distinguished name')
  return directory.name
}

export function readReason(extension: Extension): RevocationReason {
  return revocationReasonOf(readExtensionValue(extension, (value) => value.enumerated(255)))
}

export function readInvalidityDate(extension: Extension): Date {
  return readExtensionValue(extension, (value) => value.generalizedTime())
}

/** @throws {@link EncodingError} `ERR_CRL_MALFORMED` */
export function revocationReasonOf(number: number): RevocationReason {
  const reason = REASONS_BY_NUMBER.get(number)
  if (reason === undefined) throw new EncodingError('ERR_CRL_MALFORMED', `there is no revocation reason ${number}`)
  return reason
}
