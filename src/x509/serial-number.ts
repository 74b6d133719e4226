/**
 * Serial numbers, key identifiers and fingerprints: octets with one canonical text, lower-case hexadecimal.
 *
 * Never a JavaScript number: those end at 53 bits.
 *
 * @module x509/serial-number (floor 3)
 */
import { randomBytes } from 'node:crypto'
import { asBuffer } from '../asn1/index.js'
import { EncodingError } from '../errors/index.js'

/** RFC 5280 §4.1.2.2: at most 20 octets, so that with the sign bit 159 bits are random. */
const SERIAL_OCTETS = 20

/** The canonical text of octets. */
export function hex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** A serial number INTEGER's canonical text: its magnitude without leading zero octets. */
export function serialText(integer: Uint8Array): string {
  return hex(integer).replace(/^(?:00)+(?=..)/, '')
}

/** Octets drawn from the system at once: to ask for twenty takes as long as for all of these. No serial number is a secret. */
const DRAWN_OCTETS = 64 * SERIAL_OCTETS

let drawn = new Uint8Array(0)

/** Octets of the system's random source, each handed out once. */
function draw(octets: number): Uint8Array {
  if (drawn.length < octets) drawn = randomBytes(DRAWN_OCTETS)
  const some = drawn.subarray(0, octets)
  drawn = drawn.subarray(octets)
  return some
}

/**
 * Draw a new serial number: 159 random bits, never zero, always 20 octets.
 *
 * @param random - Source of octets; the system's by default.
 */
export function generateSerial(random: (octets: number) => Uint8Array = draw): Uint8Array {
  for (;;) {
    const serial = Uint8Array.from(random(SERIAL_OCTETS))
    serial[0] = (serial[0] ?? 0) & 0x7f
    // A first octet of zero would make the encoding shorter; drawing again keeps every serial in one length.
    if (serial[0] !== 0) return serial
  }
}

/**
 * Parse the forms in which people hold a serial number, key identifier or fingerprint: hexadecimal of either case with
 * or without colons, spaces or `0x`, and for fingerprints a `SHA256:` prefix. A decimal serial starts with `dec:`.
 *
 * @returns The canonical text: lower-case hexadecimal, whole octets.
 * @throws {@link EncodingError} `ERR_SERIAL_MALFORMED`
 */
export function parseHexText(text: string): string {
  const trimmed = text.trim()
  const decimal = /^dec:([0-9]{1,49})$/.exec(trimmed)
  let digits =
    decimal?.[1] === undefined
      ? trimmed.replace(/^(0x|sha-?256[:=])/i, '').replace(/[:\s]/g, '')
      : BigInt(decimal[1]).toString(16)
  // `dec` is hexadecimal, too: what is not a decimal number after it must not pass for one of those.
  if (decimal === null && /^dec:/i.test(trimmed)) digits = ''
  if (digits.length % 2 === 1) digits = `0${digits}`
  if (digits.length === 0 || digits.length > 128 || !/^[0-9a-fA-F]+$/.test(digits)) {
    throw new EncodingError('ERR_SERIAL_MALFORMED', `not a hexadecimal number: ${JSON.stringify(text.slice(0, 60))}`, {
      hint: 'write hexadecimal, as `signet cert list` prints it, or dec: and a decimal number',
    })
  }
  return digits.toLowerCase()
}

/** As {@link parseHexText}, for serial numbers: leading zero octets are dropped. */
export function parseSerialText(text: string): string {
  return parseHexText(text).replace(/^(?:00)+(?=..)/, '')
}

/** As {@link parseHexText}, for SHA-256 fingerprints: exactly 32 octets. */
export function parseFingerprint(text: string): string {
  const digits = parseHexText(text)
  if (digits.length !== 64) {
    throw new EncodingError('ERR_SERIAL_MALFORMED', 'a SHA-256 fingerprint has 64 hexadecimal digits', {
      details: { digits: String(digits.length) },
    })
  }
  return digits
}
