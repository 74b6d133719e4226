/**
 * OCSP requests (RFC 6960 §4.1, RFC 9654).
 *
 * @module x509/ocsp-request (floor 3)
 */
import {
  CERTIFICATE_LIMITS,
  contextConstructed,
  DerReader,
  encodeContext,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../asn1/index.js'
import { EncodingError, LimitError } from '../errors/index.js'
import { type CertId, readCertId } from './cert-id.js'
import { named } from './malformed.js'
import { type Extension, readExtensions, readExtensionValue } from './extensions.js'

/** RFC 9654 §2.1: from 1 to 128 octets; a client sends 32. */
export const MIN_NONCE_OCTETS = 1
export const MAX_NONCE_OCTETS = 128
export const NONCE_OCTETS = 32

/** Most certificates asked about at once. */
export const MAX_OCSP_QUESTIONS = 100

export interface OcspRequest {
  readonly der: Uint8Array
  /** At least one. */
  readonly questions: readonly CertId[]
  readonly nonce: Uint8Array | undefined
  /** Extensions that are not understood here and must be (RFC 6960 §4.1.2), of the whole or of one question. */
  readonly unknownCritical: boolean
}

/** Encode an unsigned request. */
export function encodeOcspRequest(questions: readonly CertId[], nonce?: Uint8Array): Uint8Array {
  if (questions.length === 0) throw new EncodingError('ERR_OCSP_MALFORMED', 'an OCSP request asks about nothing')
  return encodeSequence(
    encodeSequence(
      encodeSequence(...questions.map((id) => encodeSequence(id.der))),
      ...(nonce === undefined ? [] : [encodeContext(2, encodeSequence(encodeNonce(nonce)))]),
    ),
  )
}

/**
 * Parse a request in DER. A signature on it is looked over, not verified: who asks is of no matter here.
 *
 * @throws {@link EncodingError} `ERR_OCSP_MALFORMED`
 * @throws {@link LimitError} `ERR_LIMIT_EXCEEDED`
 */
export function parseOcspRequest(der: Uint8Array): OcspRequest {
  return named('ERR_OCSP_MALFORMED', 'an OCSP request', () => {
    const reader = DerReader.over(der, CERTIFICATE_LIMITS)
    const outer = reader.sequence()
    reader.finish()
    const tbs = outer.sequence()
    if (outer.peek() === contextConstructed(0)) outer.element()
    outer.finish()
    // DER does not encode the default, and there is no other version than v1.
    if (tbs.peek() === contextConstructed(0)) readVersion(tbs)
    if (tbs.peek() === contextConstructed(1)) tbs.element()
    const { questions, unknownCritical } = readQuestions(tbs.sequence())
    const extensions = readExplicitExtensions(tbs, 2)
    tbs.finish()
    return {
      der,
      questions,
      nonce: nonceOf(extensions),
      unknownCritical: unknownCritical || hasUnknownCritical(extensions, KNOWN),
    }
  })
}

const KNOWN: ReadonlySet<string> = new Set([OID.ocspNonce, OID.ocspResponse])

function readQuestions(list: DerReader): { readonly questions: readonly CertId[]; readonly unknownCritical: boolean } {
  const questions: CertId[] = []
  let unknownCritical = false
  while (!list.atEnd) {
    if (questions.length === MAX_OCSP_QUESTIONS)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `a request asks about more than ${MAX_OCSP_QUESTIONS} certificates`)
    const fields = list.sequence()
    questions.push(readCertId(fields))
    unknownCritical ||= hasUnknownCritical(readExplicitExtensions(fields, 0), NONE)
    fields.finish()
  }
  if (questions.length === 0) throw list.error('ERR_OCSP_MALFORMED', 'a request asks about nothing')
  return { questions, unknownCritical }
}

/** version [0] EXPLICIT, of which only v1(0) exists; some write it although it is the default. */
export function readVersion(reader: DerReader): void {
  const fields = reader.constructed(contextConstructed(0))
  if (fields.smallInteger(255) !== 0) throw reader.error('ERR_OCSP_MALFORMED', 'the version is not 1')
  fields.finish()
}

const NONE: ReadonlySet<string> = new Set()
const NO_EXTENSIONS: ReadonlyMap<string, Extension> = new Map()

/** Extensions under [n] EXPLICIT, which may be absent. */
export function readExplicitExtensions(reader: DerReader, number: number): ReadonlyMap<string, Extension> {
  if (reader.peek() !== contextConstructed(number)) return NO_EXTENSIONS
  const explicit = reader.constructed(contextConstructed(number))
  const extensions = readExtensions(explicit)
  explicit.finish()
  return extensions
}

export function hasUnknownCritical(extensions: ReadonlyMap<string, Extension>, known: ReadonlySet<string>): boolean {
  return [...extensions.values()].some(({ oid, critical }) => critical && !known.has(oid))
}

/** The nonce extension: an OCTET STRING within the one of the extension (RFC 9654 §2.1). */
export function encodeNonce(nonce: Uint8Array): Uint8Array {
  checkNonce(nonce)
  return encodeSequence(encodeObjectIdentifier(OID.ocspNonce), encodeOctetString(encodeOctetString(nonce)))
}

export function nonceOf(extensions: ReadonlyMap<string, Extension>): Uint8Array | undefined {
  const extension = extensions.get(OID.ocspNonce)
  if (extension === undefined) return undefined
  const nonce = readExtensionValue(extension, (value) => value.octetString())
  checkNonce(nonce)
  return nonce
}

function checkNonce({ length }: Uint8Array): void {
  if (length < MIN_NONCE_OCTETS || length > MAX_NONCE_OCTETS) {
    throw new EncodingError('ERR_OCSP_MALFORMED', `a nonce has ${MIN_NONCE_OCTETS} to ${MAX_NONCE_OCTETS} octets`, {
      details: { octets: String(length) },
    })
  }
}
