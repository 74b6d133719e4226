import { createECDH, createPrivateKey, createPublicKey, ECDH, sign, verify } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCurveKey } from '../../src/crypto/generate-key.js'
import {
  decodePrivateKey,
  encodePrivateKey,
  GeneratedKey,
  KEY_ALGORITHMS,
  type KeyAlgorithmName,
  keyIdentifierOf,
  parsePublicKey,
  parsePublicKeyForLater,
  publicKeyOf,
} from '../../src/crypto/index.js'
import { keyFor } from '../support/certificates.js'
import { editDer, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'

const CURVES = [
  ['p256', 'prime256v1', 32],
  ['p384', 'secp384r1', 48],
] as const

describe('GeneratedKey', () => {
  it.each(Object.keys(KEY_ALGORITHMS).filter((name) => !/^rsa(3|4)/.test(name)) as KeyAlgorithmName[])(
    'makes a %s key whose halves belong together, in memory and as PEM',
    (name) => {
      const key = GeneratedKey.generate(name)
      expect(key.publicKey).toMatchObject({ ...publicKeyOf(key.privateKey), keyObject: expect.anything() as unknown })
      expect(toHex(publicKeyOf(decodePrivateKey(key.toPem())).spkiDer)).toBe(toHex(key.publicKey.spkiDer))
      const digest = KEY_ALGORITHMS[name].signature.includes('sha') ? 'sha256' : null
      const data = Buffer.from('data')
      expect(verify(digest, data, key.publicKey.keyObject, sign(digest, data, key.privateKey))).toBe(true)
    },
  )

  it.each(CURVES)('KEY-01: makes another %s key each time', (name) => {
    const keys = Array.from({ length: 200 }, () => GeneratedKey.generate(name))
    expect(new Set(keys.map((key) => toHex(key.publicKey.spkiDer))).size).toBe(200)
    expect(new Set(keys.map((key) => key.toPem())).size).toBe(200)
  })

  it('keeps a key when the next is made', () => {
    const first = GeneratedKey.generate('p256')
    const [pem, spki] = [first.toPem(), toHex(first.publicKey.spkiDer)]
    for (let index = 0; index < 10; index++) GeneratedKey.generate('p256')
    expect(first.toPem()).toBe(pem)
    expect(toHex(publicKeyOf(first.privateKey).spkiDer)).toBe(spki)
  })

  it('KEY-03: shows nothing of the private half', () => {
    for (const name of ['p256', 'ed25519'] as const) {
      const key = GeneratedKey.generate(name)
      const secret = key.privateKey.export({ format: 'jwk' }).d ?? ''
      const hex = Buffer.from(secret, 'base64url').toString('hex')
      for (const shown of [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key)]) {
        expect(shown).not.toContain(secret)
        expect(shown.replace(/[\s,]/g, '')).not.toContain(hex)
        expect(shown).not.toContain('PRIVATE')
      }
    }
  })
})

describe.each(CURVES)('encodeCurveKey: %s', (name, namedCurve, octets) => {
  const asOpenSsl = (scalar: Uint8Array): { pem: string; spki: string } => {
    const ecdh = createECDH(namedCurve)
    ecdh.setPrivateKey(scalar)
    const { publicKey, privateKeyDer } = encodeCurveKey(name, ecdh.getPrivateKey(), ecdh.getPublicKey())
    const read = createPrivateKey({ key: Buffer.from(privateKeyDer), format: 'der', type: 'pkcs8' })
    // What OpenSSL read is what it was given, and it writes the same octets.
    expect(toHex(read.export({ format: 'der', type: 'pkcs8' }))).toBe(toHex(privateKeyDer))
    expect(toHex(createPublicKey(read).export({ format: 'der', type: 'spki' }))).toBe(toHex(publicKey.spkiDer))
    const jwk = read.export({ format: 'jwk' })
    expect(BigInt(`0x${Buffer.from(jwk.d ?? '', 'base64url').toString('hex')}`)).toBe(BigInt(`0x${toHex(scalar)}`))
    return { pem: encodePrivateKey(read), spki: toHex(publicKey.spkiDer) }
  }

  it('writes octet by octet what OpenSSL writes, for any scalar', () => {
    // The order of either curve begins with more than 31 ones: what is shorter by an octet is below it.
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: octets - 1 }), (tail) => {
        fc.pre(tail.some((octet) => octet !== 0))
        asOpenSsl(tail)
      }),
      { numRuns: 60 },
    )
  })

  it.each([1, 2, 15, octets - 1])('writes a scalar of %i octets in full length', (length) => {
    const scalar = new Uint8Array(length).fill(0x11)
    const ecdh = createECDH(namedCurve)
    ecdh.setPrivateKey(scalar)
    expect(ecdh.getPrivateKey().length).toBe(length)
    asOpenSsl(scalar)
  })

  it('generates what OpenSSL reads and writes the same', () => {
    for (let turn = 0; turn < 50; turn++) {
      const key = GeneratedKey.generate(name)
      expect(encodePrivateKey(key.privateKey)).toBe(key.toPem())
    }
  })
})

describe('parsePublicKeyForLater', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const)(
    'reads a %s key as parsePublicKey does',
    (name) => {
      const { spkiDer } = keyFor('later', name).publicKey
      const [now, later] = [parsePublicKey(spkiDer), parsePublicKeyForLater(spkiDer)]
      expect({ ...later, keyObject: null }).toEqual({ ...now, keyObject: null })
      expect(later.keyObject.equals(now.keyObject)).toBe(true)
      expect(toHex(keyIdentifierOf(later))).toBe(toHex(keyIdentifierOf(now)))
    },
  )

  it.each(['p256', 'p384'] as const)('CRYPTO: refuses a %s point that is not on the curve', (name) => {
    const { spkiDer } = keyFor('later', name).publicKey
    let refused = 0
    for (let bit = 0; bit < 16; bit++) {
      const bent = Uint8Array.from(spkiDer)
      bent[bent.length - 1 - (bit >> 3)] = (bent.at(-1 - (bit >> 3)) ?? 0) ^ (1 << (bit & 7))
      expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKey(bent))
      expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKeyForLater(bent))
      refused++
    }
    expect(refused).toBe(16)
  })

  it('refuses what parsePublicKey refuses before OpenSSL is asked', () => {
    const { spkiDer } = keyFor('later').publicKey
    const compressed = ECDH.convertKey(
      spkiDer.subarray(-65),
      'prime256v1',
      undefined,
      undefined,
      'compressed',
    ) as Buffer
    const bitString = Buffer.concat([Buffer.from([0x03, compressed.length + 1, 0]), compressed])
    for (const der of [spkiDer.subarray(0, -1), new Uint8Array(), editDer(spkiDer, [1], () => bitString)]) {
      const code = (parse: (der: Uint8Array) => unknown): unknown => {
        try {
          return parse(der)
        } catch (error) {
          return (error as { code: string }).code
        }
      }
      expect(code(parsePublicKeyForLater)).toBe(code(parsePublicKey))
      expect(code(parsePublicKeyForLater)).toMatch(/^ERR_KEY_/)
    }
  })
})
