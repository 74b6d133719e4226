import { createHash } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import {
  computeSignature,
  generatePrivateKey,
  type KeyAlgorithmName,
  defaultSignature,
  publicKeyOf,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  type SignatureCheck,
  SignaturePool,
  verifySignature,
} from '../../src/crypto/index.js'
import { expectCodeAsync } from '../support/expect-code.js'

const pool = new SignaturePool({ threads: 2 })
afterAll(() => pool.close())

const data = Buffer.from('what was signed')

function checkOf(algorithm: KeyAlgorithmName, signatureAlgorithm?: SignatureAlgorithm): SignatureCheck {
  const privateKey = generatePrivateKey(algorithm)
  const key = publicKeyOf(privateKey)
  const chosen = signatureAlgorithm ?? defaultSignature(key)
  return { algorithm: chosen, key, data, signature: computeSignature(chosen, privateKey, data) }
}

describe('SignaturePool', () => {
  it.each([
    ['p256', undefined],
    ['p384', undefined],
    ['ed25519', undefined],
    ['rsa2048', undefined],
    ['rsa2048', SIGNATURE_ALGORITHMS['rsa-pss-sha384']],
    ['ml-dsa-65', undefined],
  ] as const)('answers as one thread does: %s', async (name, algorithm) => {
    const check = checkOf(name, algorithm)
    expect(await pool.verify(check)).toBe(true)
    const other = Uint8Array.from(check.signature)
    other[other.length - 1] = (other.at(-1) ?? 0) ^ 1
    expect(await pool.verify({ ...check, signature: other })).toBe(false)
    expect(await pool.verify({ ...check, data: Buffer.from('what was not') })).toBe(false)
    expect(await pool.verify({ ...check, signature: new Uint8Array() })).toBe(false)
    expect(await pool.verify({ ...check, signature: Uint8Array.of(0x30, 0x80) })).toBe(false)
  })

  it('gives each its own answer, however many there are', async () => {
    const checks = [checkOf('p256'), checkOf('p384'), checkOf('ed25519')]
    const asked = Array.from({ length: 1000 }, (_, index): SignatureCheck => {
      const check = checks[index % checks.length]
      if (check === undefined) throw new Error('there are three')
      // By a rule that is no rule of batches.
      const isWrong = (createHash('sha256').update(String(index)).digest()[0] ?? 0) % 3 === 0
      return isWrong ? { ...check, data: Buffer.from(String(index)) } : check
    })
    const answers = await Promise.all(asked.map((check) => pool.verify(check)))
    expect(answers).toEqual(
      asked.map(({ algorithm, key, data, signature }) => verifySignature(algorithm, key, data, signature)),
    )
    expect(new Set(answers).size).toBe(2)
  })

  it('says when others have enough before them', async () => {
    const check = checkOf('p256')
    expect(pool.isBusy).toBe(false)
    const asked = Array.from({ length: 64 * 5 }, () => pool.verify(check))
    expect(pool.isBusy).toBe(true)
    expect((await Promise.all(asked)).every(Boolean)).toBe(true)
    expect(pool.isBusy).toBe(false)
  })

  it('refuses a key that does not make such signatures', async () => {
    const check = { ...checkOf('p256'), key: checkOf('ed25519').key }
    await expectCodeAsync('ERR_ALGORITHM_MISMATCH', () => pool.verify(check))
  })

  it('believes nobody once it is closed', async () => {
    const closed = new SignaturePool({ threads: 1 })
    const check = checkOf('p256')
    const asked = Array.from({ length: 100 }, () => expectCodeAsync('ERR_POOL_CLOSED', () => closed.verify(check)))
    await closed.close()
    await Promise.all(asked)
    await expectCodeAsync('ERR_POOL_CLOSED', () => closed.verify(check))
  })
})
