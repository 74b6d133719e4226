/**
 * The curves of keys and signatures (NIST SP 800-186 §3.2.1).
 *
 * @module crypto/curves (floor 2)
 */
import { OID } from '../asn1/index.js'

export type CurveName = 'p256' | 'p384'

export interface CurveFacts {
  readonly oid: string
  /** What OpenSSL calls it. */
  readonly namedCurve: string
  /** Of a private key's number in full length (RFC 5915 §3). */
  readonly scalarOctets: number
  /** Of a point that is not compressed (SEC 1 §2.3.3). */
  readonly pointOctets: number
}

export const CURVES: Readonly<Record<CurveName, CurveFacts>> = {
  p256: { oid: OID.prime256v1, namedCurve: 'prime256v1', scalarOctets: 32, pointOctets: 65 },
  p384: { oid: OID.secp384r1, namedCurve: 'secp384r1', scalarOctets: 48, pointOctets: 97 },
}

/** Whether a key of this name is on a curve: then {@link CURVES} says how long its parts are. */
export function isCurveName(name: string): name is CurveName {
  return Object.hasOwn(CURVES, name)
}
