import { createECDH, ECDH } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { isOnCurve } from '../../src/crypto/curve-point.js'
import { fromHex } from '../support/der.js'

const CURVES = [
  ['p256', 'prime256v1', 32, 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n],
  ['p384', 'secp384r1', 48, 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n],
] as const

/** Whether OpenSSL reads the point. */
function isRead(namedCurve: string, point: Uint8Array): boolean {
  try {
    ECDH.convertKey(point, namedCurve)
    return true
  } catch {
    return false
  }
}

describe.each(CURVES)('isOnCurve: %s', (name, namedCurve, octets, p) => {
  const number = (value: bigint): string => value.toString(16).padStart(2 * octets, '0')
  const point = (x: bigint, y: bigint): Uint8Array => fromHex(`04${number(x)}${number(y)}`)

  it('says what OpenSSL says: of keys, and of keys with a bit changed', () => {
    const ecdh = createECDH(namedCurve)
    for (let count = 0; count < 50; count++) {
      const key = Uint8Array.from(ecdh.generateKeys())
      expect(isOnCurve(name, key)).toBe(true)
      const at = 1 + ((count * 7) % (key.length - 1))
      key[at] = (key[at] ?? 0) ^ (1 << (count % 8))
      expect(isOnCurve(name, key)).toBe(isRead(namedCurve, key))
    }
  })

  it('knows one form of each coordinate', () => {
    const ecdh = createECDH(namedCurve)
    // A root of b: the point with x = 0, of which x = p would be another form.
    const compressed = fromHex(`02${number(0n)}`)
    const y = ECDH.convertKey(compressed, namedCurve, undefined, 'hex', 'uncompressed')
      .toString()
      .slice(-2 * octets)
    expect(isOnCurve(name, point(0n, BigInt(`0x${y}`)))).toBe(true)
    expect(isOnCurve(name, point(p, BigInt(`0x${y}`)))).toBe(false)
    expect(isOnCurve(name, point(0n, p - BigInt(`0x${y}`)))).toBe(true)
    expect(isOnCurve(name, point(0n, 0n))).toBe(false)
    expect(isOnCurve(name, ecdh.generateKeys())).toBe(true)
  })
})
