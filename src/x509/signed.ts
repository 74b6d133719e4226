/**
 * SIGNED{…} (RFC 5280 §4.1, §5.1; RFC 2986 §4.2; RFC 6960 §4.2.1): what was signed, with which algorithm, and the signature.
 * Certificates, CRLs, requests and OCSP responses alike.
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
  /** What follows the signature, which must be nothing unless the caller says that more may. */
  readonly rest: DerReader
}

export function readSigned(reader: DerReader, end: 'nothing follows' | 'more follows' = 'nothing follows'): Signed {
  const start = reader.position
  const outer = reader.sequence()
  const tbsStart = outer.position
  const tbs = outer.sequence()
  const tbsDer = outer.bytes.subarray(tbsStart, outer.position)
  const signatureAlgorithm = readAlgorithmIdentifier(outer)
  const signatureValue = outer.octetBitString()
  if (end === 'nothing follows') outer.finish()
  const der = reader.bytes.subarray(start, reader.position)
  return { der, tbsDer, tbs, signatureAlgorithm, signatureValue, rest: outer }
}

export function encodeSigned(tbsDer: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array {
  return encodeSequence(tbsDer, algorithm.identifierDer, encodeBitString(signature))
}
