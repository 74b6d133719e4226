import { readFileSync } from 'node:fs'
import { createPrivateKey, hash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { computeSharedSecret, decryptOaep, deriveKey, encryptOaep, unwrapKey, wrapKey } from '../../src/crypto/index.js'
import { keyFor, privateKeyFor } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { fromHex, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

describe('wrapKey, unwrapKey (RFC 3394 §4.6)', () => {
  const wrappingKey = Uint8Array.from({ length: 32 }, (_, index) => index)
  const key = fromHex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f')
  const wrapped = fromHex('28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21')

  it('wrap and unwrap the key of the standard', () => {
    expect(toHex(wrapKey(wrappingKey, key))).toBe(toHex(wrapped))
    expect(toHex(unwrapKey(wrappingKey, wrapped) ?? new Uint8Array())).toBe(toHex(key))
  })

  it('yield nothing for another key, another octet, another length', () => {
    expect(unwrapKey(wrappingKey.with(0, 1), wrapped)).toBeUndefined()
    for (let index = 0; index < wrapped.length; index++) {
      expect(unwrapKey(wrappingKey, wrapped.with(index, (wrapped[index] ?? 0) ^ 1))).toBeUndefined()
    }
    for (const length of [0, 1, 8, 16, 24, 39]) {
      expect(unwrapKey(wrappingKey, wrapped.subarray(0, length))).toBeUndefined()
    }
  })
})

describe('computeSharedSecret, deriveKey', () => {
  it.each(['p256', 'p384'] as const)('both sides of %s have one secret', (kind) => {
    const [ours, theirs] = [privateKeyFor('ours', kind), privateKeyFor('theirs', kind)]
    const secret = computeSharedSecret(ours, keyFor('theirs', kind).publicKey)
    expect(secret).toHaveLength(kind === 'p256' ? 32 : 48)
    expect(computeSharedSecret(theirs, keyFor('ours', kind).publicKey)).toEqual(secret)
    expect(keyFor('theirs', kind).agree(keyFor('ours', kind).publicKey)).toEqual(secret)
  })

  it('derives the first octets of one round, and no more than that', () => {
    const [secret, info] = [Buffer.from('secret'), Buffer.from('info')]
    const round = hash('sha384', Buffer.concat([secret, Buffer.of(0, 0, 0, 1), info]), 'hex')
    expect(toHex(deriveKey('sha384', secret, info, 32))).toBe(round.slice(0, 64))
    expectCode('ERR_INTERNAL', () => deriveKey('sha256', secret, info, 33))
  })
})

describe('decryptOaep', () => {
  const privateKey = privateKeyFor('reader', 'rsa2048')
  const key = keyFor('reader', 'rsa2048')
  const encrypted = encryptOaep(key.publicKey, Buffer.from('key'))

  it('decrypts what encryptOaep makes', () => {
    expect(Buffer.from(decryptOaep(privateKey, encrypted) ?? []).toString()).toBe('key')
    expect(Buffer.from(key.decryptOaep(encrypted) ?? []).toString()).toBe('key')
  })

  it('yields nothing for another key, another octet, another length, and keys that are not RSA', () => {
    expect(decryptOaep(privateKeyFor('other', 'rsa2048'), encrypted)).toBeUndefined()
    expect(decryptOaep(privateKeyFor('reader', 'p256'), encrypted)).toBeUndefined()
    expect(decryptOaep(privateKey, encrypted.with(5, (encrypted[5] ?? 0) ^ 1))).toBeUndefined()
    for (const length of [0, 1, 255]) expect(decryptOaep(privateKey, encrypted.subarray(0, length))).toBeUndefined()
  })

  it.skipIf(!corporaAvailable())('agrees with the vectors of Project Wycheproof, as far as they have no label', () => {
    const file = join(CORPORA, 'wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json')
    const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as {
      testGroups: {
        privateKeyPkcs8: string
        tests: { tcId: number; msg: string; ct: string; label: string; result: string }[]
      }[]
    }
    let count = 0
    for (const { privateKeyPkcs8, tests } of testGroups) {
      const key = createPrivateKey({ key: Buffer.from(privateKeyPkcs8, 'hex'), format: 'der', type: 'pkcs8' })
      for (const { tcId, msg, ct, label, result } of tests) {
        const found = decryptOaep(key, fromHex(ct))
        const wanted = result === 'valid' && label === '' ? msg : undefined
        expect([tcId, found === undefined ? undefined : toHex(found)]).toEqual([tcId, wanted])
        count++
      }
    }
    expect(count).toBeGreaterThan(10)
  })
})
