/**
 * Where in a trust directory the certificates with a serial number stand: for signatures that name their signer by issuer
 * and serial number.
 *
 * @module trust/serial-index (floor 6)
 */
import { CERTIFICATE_LIMITS, contextConstructed, DerReader, PlainReader, TAG } from '../asn1/index.js'
import { isSignetError } from '../errors/index.js'
import type { Steps } from '../time/index.js'
import { readSerial, serialText } from '../x509/index.js'
import { type SignerList, SIGNERS_AT_ONCE } from './signer-list.js'

/** Serial numbers are looked for by these, which tell certificates of one CA apart well enough. */
const HASHED_OCTETS = 8

export class SerialIndex {
  readonly #signers: SignerList
  /** By hash: 1 + the place of the first signer that has it, 0 where none has. */
  readonly #first: Uint32Array
  /** By place: 1 + the place of the next signer of the same hash. However many there are, each is put in at once. */
  readonly #next: Uint32Array

  private constructor(signers: SignerList) {
    this.#signers = signers
    this.#first = new Uint32Array(2 ** Math.ceil(Math.log2(signers.size + 1)))
    this.#next = new Uint32Array(signers.size)
  }

  static *of(signers: SignerList): Steps<SerialIndex> {
    const index = new SerialIndex(signers)
    // From the end, so that of one hash the first comes first.
    for (let to = signers.size; to > 0; to -= SIGNERS_AT_ONCE) {
      index.#add(Math.max(0, to - SIGNERS_AT_ONCE), to)
      yield
    }
    return index
  }

  /** Places of the signers with this serial number, ascending. Certificates that cannot be read have none. */
  *placesOf(serialNumber: string): Generator<number> {
    const hash = hashOf(Buffer.from(serialNumber, 'hex'))
    for (let entry = this.#first[this.#bucket(hash)] ?? 0; entry !== 0; entry = this.#next[entry - 1] ?? 0) {
      if (serialNumberOf(this.#signers.certificateAt(entry - 1)) === serialNumber) yield entry - 1
    }
  }

  #add(from: number, to: number): void {
    for (let place = to - 1; place >= from; place--) {
      const bucket = this.#bucket(hashOf(serialOf(this.#signers, place)))
      this.#next[place] = this.#first[bucket] ?? 0
      this.#first[bucket] = place + 1
    }
  }

  #bucket(hash: number): number {
    return hash & (this.#first.length - 1)
  }
}

/** As its octets end: a leading zero is only the sign. */
function hashOf(serial: Uint8Array): number {
  let hash = 0
  for (let index = Math.max(0, serial.length - HASHED_OCTETS); index < serial.length; index++) {
    hash = Math.imul(hash, 0x0100_0193) + (serial[index] ?? 0)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}

/** The serial number where it stands in practically all certificates, unread; for every other, the strict reader is asked. */
function serialOf(signers: SignerList, place: number): Uint8Array {
  const signer = signers.slice(place, place + 1)
  const reader = new PlainReader(signer)
  const end = reader.enter(TAG.sequence)
  reader.pass(TAG.octetString, end)
  const certificate = reader.enter(TAG.sequence, end)
  const tbs = reader.enter(TAG.sequence, certificate)
  if (signer[reader.position] === contextConstructed(0)) reader.pass(contextConstructed(0), tbs)
  const serial = reader.content(TAG.integer, tbs)
  return reader.isPlain ? serial : Buffer.from(serialNumberOf(signers.certificateAt(place)) ?? '', 'hex')
}

/** RFC 5280 §4.1: version and serialNumber are what a certificate begins with. */
function serialNumberOf(certificateDer: Uint8Array): string | undefined {
  try {
    const tbs = DerReader.over(certificateDer, CERTIFICATE_LIMITS).sequence().sequence()
    if (tbs.peek() === contextConstructed(0)) tbs.element()
    return serialText(readSerial(tbs))
  } catch (error) {
    if (isSignetError(error)) return undefined
    throw error
  }
}
