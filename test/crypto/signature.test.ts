import { describe, expect, it } from 'vitest'
import {
  computeSignature,
  type KeyAlgorithmName,
  SIGNATURE_ALGORITHMS,
  verifySignature,
} from '../../src/crypto/index.js'
import { keyFor, privateKeyFor } from '../support/certificates.js'
import { fromHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const DATA = Buffer.from('what is signed')

/** Every signature algorithm with a kind of key that makes it. */
const PAIRS: readonly (readonly [keyof typeof SIGNATURE_ALGORITHMS, KeyAlgorithmName])[] = [
  ['ecdsa-sha256', 'p256'],
  ['ecdsa-sha256', 'p384'],
  ['ecdsa-sha384', 'p384'],
  ['ecdsa-sha512', 'p256'],
  ['rsa-sha256', 'rsa2048'],
  ['rsa-sha384', 'rsa2048'],
  ['rsa-sha512', 'rsa2048'],
  ['rsa-pss-sha256', 'rsa2048'],
  ['rsa-pss-sha384', 'rsa2048'],
  ['rsa-pss-sha512', 'rsa2048'],
  ['ed25519', 'ed25519'],
  ['ml-dsa-44', 'ml-dsa-44'],
  ['ml-dsa-65', 'ml-dsa-65'],
  ['ml-dsa-87', 'ml-dsa-87'],
]

describe.each(PAIRS)('verifySignature: %s by a %s key', (name, kind) => {
  const algorithm = SIGNATURE_ALGORITHMS[name]
  const key = keyFor('signer', kind).publicKey
  const signature = computeSignature(algorithm, privateKeyFor('signer', kind), DATA)

  it('accepts what computeSignature makes', () => {
    expect(verifySignature(algorithm, key, DATA, signature)).toBe(true)
  })

  it.each([
    ['another content', () => [key, Buffer.from('what is signeD'), signature] as const],
    ['no content', () => [key, Buffer.alloc(0), signature] as const],
    ['another key', () => [keyFor('stranger', kind).publicKey, DATA, signature] as const],
    [
      'one bit changed',
      () => [key, DATA, signature.map((octet, index) => (index === signature.length - 1 ? octet ^ 1 : octet))] as const,
    ],
    ['one octet less', () => [key, DATA, signature.subarray(0, -1)] as const],
    ['one octet more', () => [key, DATA, Buffer.concat([signature, Buffer.of(0)])] as const],
    ['no signature', () => [key, DATA, Buffer.alloc(0)] as const],
    ['zeros', () => [key, DATA, Buffer.alloc(signature.length)] as const],
  ])('does not accept %s', (_, change) => {
    const [publicKey, data, changed] = change()
    expect(verifySignature(algorithm, publicKey, data, changed)).toBe(false)
  })

  it('refuses every algorithm of another family', () => {
    for (const other of Object.values(SIGNATURE_ALGORITHMS)) {
      if (other.family === algorithm.family) continue
      expectCode('ERR_ALGORITHM_MISMATCH', () => verifySignature(other, key, DATA, signature))
    }
  })

  it('does not accept it under another algorithm of the family', () => {
    for (const other of Object.values(SIGNATURE_ALGORITHMS)) {
      if (other.family !== algorithm.family || other === algorithm) continue
      expect(verifySignature(other, key, DATA, signature)).toBe(false)
    }
  })
})

describe('verifySignature: ECDSA', () => {
  const key = keyFor('signer', 'p256').publicKey

  it.each([
    ['r = s = 0', '3006020100020100'],
    ['r = 0', '3006020100020101'],
    ['r = s = 1', '3006020101020101'],
    ['negative numbers', '30060201ff0201ff'],
    ['no numbers', '3000'],
    ['raw numbers, 64 octets', '01'.repeat(64)],
    ['a length that is indefinite', '30800201010201010000'],
    [
      'r = s = the order of the group',
      `3046${'022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2)}`,
    ],
  ])('does not accept %s', (_, hex) => {
    expect(verifySignature(SIGNATURE_ALGORITHMS['ecdsa-sha256'], key, DATA, fromHex(hex))).toBe(false)
  })
})

describe('computeSignature', () => {
  it('makes PSS salts as long as the digest', () => {
    const privateKey = privateKeyFor('signer', 'rsa2048')
    const algorithm = SIGNATURE_ALGORITHMS['rsa-pss-sha256']
    const [one, two] = [computeSignature(algorithm, privateKey, DATA), computeSignature(algorithm, privateKey, DATA)]
    expect(Buffer.compare(one, two)).not.toBe(0)
    expect(verifySignature(algorithm, keyFor('signer', 'rsa2048').publicKey, DATA, one)).toBe(true)
  })
})
