/**
 * Whether a point is on its curve. OpenSSL says so, too, when it reads a key; to have it make a whole key for the answer
 * takes five times as long.
 *
 * @module crypto/curve-point (floor 2)
 */
import { asBuffer } from '../asn1/index.js'
import type { CurveName } from './curves.js'

/** y² = x³ − 3x + b (mod p): NIST SP 800-186 §3.2.1. */
interface Equation {
  readonly p: bigint
  readonly b: bigint
}

const EQUATIONS: Readonly<Record<CurveName, Equation>> = {
  p256: {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  p384: {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
}

/**
 * Whether an uncompressed point of the right length is on the curve. Both have a prime number of points: every one but that at
 * infinity, which has no such form, is a public key.
 */
export function isOnCurve(name: CurveName, point: Uint8Array): boolean {
  const { p, b } = EQUATIONS[name]
  const digits = asBuffer(point).toString('hex', 1)
  const [x, y] = [BigInt(`0x${digits.slice(0, digits.length / 2)}`), BigInt(`0x${digits.slice(digits.length / 2)}`)]
  return x < p && y < p && (y * y - (x * x - 3n) * x - b) % p === 0n
}
