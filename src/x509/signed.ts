/**
 * SIGNED{…} (RFC 5280 §4.1, §5.1; RFC 2986 §4.2): what was signed, with which algorithm, and the signature.
 * Certificates, CRLs and requests alike.
 *
 * @module x509/signed (floor 3)
 */
import { type DerReader, encodeBitString, encodeSequence } from '../asn1/index.js'
import { type AlgorithmIdentifier, readAlgorithmIdentifier, type SignatureAlgorithm } from '../crypto/index.js'

export interface Signed {
  /** The whole, in DER. */
  readonly der: Uint8Array
  /** The part that was signed, and a reader over its content. */
  readonly tbsDer: Uint8Array
  readonly tbs: DerReader
  readonly signatureAlgorithm: AlgorithmIdentifier
  readonly signatureValue: Uint8Array
}

export function readSigned(reader: DerReader): Signed {
  const start = reader.position
  const outer = reader.sequence()
  const tbsStart = outer.position
  const tbs = outer.sequence()
  const tbsDer = outer.bytes.subarray(tbsStart, outer.position)
  const signatureAlgorithm = readAlgorithmIdentifier(outer)
  const signatureValue = outer.octetBitString()
  outer.finish()
  return { der: reader.bytes.subarray(start, reader.position), tbsDer, tbs, signatureAlgorithm, signatureValue }
}

export function encodeSigned(tbsDer: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array {
  return encodeSequence(tbsDer, algorithm.identifierDer, encodeBitString(signature))
}
