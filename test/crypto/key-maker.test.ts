import { spawnSync } from 'node:child_process'
import { sign, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { GeneratedKey, KeyMaker } from '../../src/crypto/index.js'

// The built program: only there is a thread started from a file of its own.
const built = (await import(
  new URL('../../dist/crypto/index.js', import.meta.url).href
)) as typeof import('../../src/crypto/index.js')

function isWhole(key: GeneratedKey): boolean {
  const { family, keyObject } = key.publicKey
  const digest = family === 'ed25519' ? null : 'sha256'
  return verify(digest, Buffer.from('x'), keyObject, sign(digest, Buffer.from('x'), key.privateKey))
}

describe('KeyMaker', () => {
  it('makes keys of every kind, also where it cannot start a thread', async () => {
    const keys = new KeyMaker(0)
    for (const algorithm of ['p256', 'p384', 'ed25519', 'p256'] as const) {
      const key = keys.take(algorithm)
      expect(key.publicKey.name).toBe(algorithm)
      expect(isWhole(key)).toBe(true)
    }
    await keys.close()
  })

  it('has a thread with a file of its own', () => {
    expect(readFileSync(new URL('../../dist/crypto/key-worker.js', import.meta.url), 'utf8')).toContain('parentPort')
  })

  it.each(['p256', 'p384'] as const)('hands out whole %s keys that the thread made, each once', async (algorithm) => {
    const keys = new built.KeyMaker(0)
    const made: GeneratedKey[] = []
    // Turns in which the thread's keys arrive. How many of all it made is not known, and does not matter.
    for (let turn = 0; turn < 20; turn++) {
      for (let count = 0; count < 20; count++) made.push(keys.take(algorithm))
      await setTimeout(5)
    }
    expect(made.every(isWhole)).toBe(true)
    expect(new Set(made.map(({ publicKey }) => Buffer.from(publicKey.spkiDer).toString('hex'))).size).toBe(400)
    for (const other of ['ed25519', algorithm === 'p256' ? 'p384' : 'p256'] as const) {
      expect(keys.take(other).publicKey.name).toBe(other)
    }
    await keys.close()
    expect(keys.take(algorithm).publicKey.name).toBe(algorithm)
  })

  it('makes new keys after a rest, on any curve', async () => {
    const keys = new built.KeyMaker(0)
    const seen = new Set<string>()
    let taken = 0
    for (const algorithm of ['p256', 'p384', 'p256'] as const) {
      // Of the first, some are on their way when nobody wants them any more.
      for (let turn = 0; turn < 10; turn++) {
        const key = keys.take(algorithm)
        expect(key.publicKey.name).toBe(algorithm)
        expect(isWhole(key)).toBe(true)
        seen.add(Buffer.from(key.publicKey.spkiDer).toString('hex'))
        taken++
        await setTimeout(turn < 5 ? 0 : 5)
      }
      keys.rest()
    }
    expect(seen.size).toBe(taken)
    await keys.close()
  })

  it('keeps no process alive', () => {
    const crypto = JSON.stringify(new URL('../../dist/crypto/index.js', import.meta.url).href)
    const program = `const keys = new (await import(${crypto})).KeyMaker(0); keys.take('p256')`
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 30_000 })
    expect(status).toBe(0)
  })

  it('starts no thread for a few keys', async () => {
    const keys = new built.KeyMaker(5)
    for (let count = 0; count < 5; count++) keys.take('p256')
    // Nothing to end.
    await keys.close()
  })
})

describe('GeneratedKey.ofNumbers', () => {
  it('writes a number that has leading zeros in full length, and copies it', () => {
    const scalar = new Uint8Array(32)
    scalar[31] = 1
    // The base point of the curve (NIST SP 800-186 §3.2.1.3).
    const point = Buffer.from(
      '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
      'hex',
    )
    const key = GeneratedKey.ofNumbers('p256', scalar, point)
    scalar.fill(0)
    expect(isWhole(key)).toBe(true)
  })
})
