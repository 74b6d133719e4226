import { createHash, createPublicKey } from 'node:crypto'
import { afterAll, describe, expect, it, vi } from 'vitest'
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
import { poolOf } from '../support/threads.js'

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

  it('verifies here what nobody has begun, and tells in the order of the questions', async () => {
    const check = checkOf('p256')
    const own = new SignaturePool({ threads: 1 })
    const told: number[] = []
    const ends = Array.from({ length: 40 }, (_, index) => own.verify(check).then(() => told.push(index)))
    expect(own.help()).toBe(true)
    while (own.help());
    await Promise.all(ends)
    expect(told).toEqual(ends.map((_, index) => index))
    expect(own.help()).toBe(false)
    await own.close()
  })

  it('verifies what is too long to be handed over', async () => {
    const privateKey = generatePrivateKey('p256')
    const key = publicKeyOf(privateKey)
    const algorithm = defaultSignature(key)
    const long = Buffer.alloc(100_000, 1)
    const check = { algorithm, key, data: long, signature: computeSignature(algorithm, privateKey, long) }
    expect(await pool.verify(check)).toBe(true)
    expect(await pool.verify({ ...check, data })).toBe(false)
  })

  it('knows a key again after many others', async () => {
    const checks = [checkOf('p256'), checkOf('ed25519')]
    const again = (index: number): SignatureCheck => {
      const check = checks[index % 2] ?? checkOf('p256')
      const keyObject = createPublicKey({ key: Buffer.from(check.key.spkiDer), format: 'der', type: 'spki' })
      return { ...check, key: { ...check.key, keyObject } }
    }
    const others = Array.from({ length: 10_000 }, (_, index) => again(index))
    const answers = await Promise.all([...checks, ...others, ...checks].map((check) => pool.verify(check)))
    expect(answers.every(Boolean)).toBe(true)
  })

  it('verifies itself what a thread had that died, and believes nothing that it did not say', async () => {
    const { own, workers } = await poolOf(2)
    const check = checkOf('p256')
    const other = { ...check, data: Buffer.from('what was not') }
    const ask = (): Promise<boolean[]> =>
      Promise.all(Array.from({ length: 600 }, (_, index) => own.verify(index % 3 === 0 ? other : check)))
    const expected = Array.from({ length: 600 }, (_, index) => index % 3 !== 0)
    const [first, second] = workers
    // One in the middle of its work, as soon as it has begun; then all.
    const begun = own.verify(check)
    const asked = ask()
    expect(await begun).toBe(true)
    await first?.terminate()
    expect(await asked).toEqual(expected)
    const last = ask()
    await second?.terminate()
    expect(await last).toEqual(expected)
    expect(await ask()).toEqual(expected)
    await own.close()
    await expectCodeAsync('ERR_POOL_CLOSED', () => own.verify(check))
  })

  it('keeps the process until the threads have ended, if it is closed', async () => {
    const { own, workers } = await poolOf(2)
    const asked = own.verify(checkOf('p256'))
    expect(await asked).toBe(true)
    const closing = own.close()
    const letGo = workers.map((worker) => vi.spyOn(worker, 'unref'))
    // What a thread said last.
    for (const worker of workers) worker.emit('message', 'answered')
    await closing
    expect(letGo.map((spy) => spy.mock.calls)).toEqual([[], []])
  })
})
