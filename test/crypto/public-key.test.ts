import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeBitString,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeUnsigned,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import {
  defaultSignature,
  keyIdentifierOf,
  parsePublicKey,
  publicKeyOf,
  samePublicKey,
} from '../../src/crypto/index.js'
import { keyFor } from '../support/certificates.js'
import { contentOf, editContent, editDer, elementAt, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const spki = (algorithm: 'p256' | 'p384' | 'ed25519' | 'rsa2048' | 'ml-dsa-44'): Uint8Array =>
  keyFor('public-key', algorithm).publicKey.spkiDer
const exported = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }))

function rsa(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  return encodeSequence(
    encodeSequence(encodeObjectIdentifier(OID.rsaEncryption), encodeNull()),
    encodeBitString(encodeSequence(encodeUnsigned(modulus), encodeUnsigned(exponent))),
  )
}

/** An odd number of so many bits. */
function modulusOf(bits: number): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(bits / 8)).fill(0xab)
  modulus[0] = 1 << ((bits - 1) % 8)
  return modulus
}

const F4 = Uint8Array.of(1, 0, 1)

describe('parsePublicKey', () => {
  it.each([
    ['p256', 'ec', 'p256', 'ecdsa-sha256'],
    ['p384', 'ec', 'p384', 'ecdsa-sha384'],
    ['ed25519', 'ed25519', 'ed25519', 'ed25519'],
    ['rsa2048', 'rsa', 'rsa2048', 'rsa-sha256'],
    ['ml-dsa-44', 'ml-dsa-44', 'ml-dsa-44', 'ml-dsa-44'],
  ] as const)('reads a key of the kind %s', (algorithm, family, name, signature) => {
    const key = parsePublicKey(spki(algorithm))
    expect([key.family, key.name, key.algorithm.name, defaultSignature(key).name]).toEqual([
      family,
      name,
      algorithm,
      signature,
    ])
    expect(key.keyObject.type).toBe('public')
  })

  it.each([
    [2048, 'rsa2048', 'rsa2048'],
    [2056, 'rsa2056', 'rsa2048'],
    [3072, 'rsa3072', 'rsa3072'],
    [4088, 'rsa4088', 'rsa3072'],
    [4096, 'rsa4096', 'rsa4096'],
  ])('reads an RSA key of %i bits', (bits, name, algorithm) => {
    const key = parsePublicKey(rsa(modulusOf(bits), F4))
    expect([key.name, key.algorithm.name]).toEqual([name, algorithm])
  })

  it.each([
    ['RSA of 16384 bits', rsa(modulusOf(16_384), F4)],
    ['RSA of 65536 bits', rsa(modulusOf(65_536), F4)],
    ['RSA of 4104 bits', rsa(modulusOf(4104), F4)],
    ['RSA of 2047 bits', rsa(modulusOf(2047), F4)],
    ['RSA of 2049 bits', rsa(modulusOf(2049), F4)],
    ['RSA of 1024 bits', rsa(modulusOf(1024), F4)],
    ['RSA with modulus 0', rsa(Uint8Array.of(0), F4)],
    ['RSA with modulus 1', rsa(Uint8Array.of(1), F4)],
    ['RSA with an even modulus', rsa(modulusOf(2048).fill(0xaa, 1), F4)],
    ['RSA with exponent 0', rsa(modulusOf(2048), Uint8Array.of(0))],
    ['RSA with exponent 1', rsa(modulusOf(2048), Uint8Array.of(1))],
    ['RSA with exponent 3', rsa(modulusOf(2048), Uint8Array.of(3))],
    ['RSA with exponent 65535', rsa(modulusOf(2048), Uint8Array.of(0xff, 0xff))],
    ['RSA with exponent 65536', rsa(modulusOf(2048), Uint8Array.of(1, 0, 0))],
    ['RSA with an even exponent', rsa(modulusOf(2048), Uint8Array.of(1, 0, 2))],
    ['RSA with an exponent of 65 bits', rsa(modulusOf(2048), Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1))],
    ['RSA with an exponent of 4096 bits', rsa(modulusOf(2048), modulusOf(4096))],
    ['RSA with absent parameters', editDer(spki('rsa2048'), [0, 1], () => [])],
    ['RSA with parameters that are not NULL', editDer(spki('rsa2048'), [0, 1], () => encodeInteger(0))],
    ['RSASSA-PSS keys', exported(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)],
    [
      'explicit curve parameters',
      exported(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey),
    ],
    ['EC without a curve', editDer(spki('p256'), [0, 1], () => [])],
    ['EC with NULL for its curve', editDer(spki('p256'), [0, 1], () => encodeNull())],
    ['P-521', exported(generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey)],
    ['secp256k1', exported(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['the curve of another key length', editDer(spki('p256'), [0, 1], () => encodeObjectIdentifier(OID.secp384r1))],
    ['a point at infinity', editDer(spki('p256'), [1], () => encodeBitString(Uint8Array.of(0)))],
    ['a compressed point', editContent(spki('p256'), [1], (bits) => Uint8Array.of(0, 2, ...bits.subarray(2, 34)))],
    ['a hybrid point', editContent(spki('p256'), [1], (bits) => Uint8Array.of(0, 6, ...bits.subarray(2)))],
    [
      'a point that is not on its curve',
      editContent(spki('p256'), [1], (bits) => bits.map((octet, index) => (index === 40 ? octet ^ 1 : octet))),
    ],
    [
      'a coordinate that is not below the prime',
      editContent(spki('p256'), [1], (bits) => bits.map((octet, index) => (index > 1 ? 0xff : octet))),
    ],
    [
      'a P-384 point that is not on its curve',
      editContent(spki('p384'), [1], (bits) => bits.map((octet, index) => (index === 90 ? octet ^ 1 : octet))),
    ],
    ['Ed25519 with parameters', editDer(spki('ed25519'), [0, 0], (oid) => [oid, encodeNull()])],
    ['Ed25519 of 31 octets', editContent(spki('ed25519'), [1], (bits) => bits.subarray(0, 32))],
    ['ML-DSA with parameters', editDer(spki('ml-dsa-44'), [0, 0], (oid) => [oid, encodeNull()])],
    ['ML-DSA of another length', editDer(spki('ml-dsa-44'), [0, 0], () => encodeObjectIdentifier(OID.mlDsa65))],
    ['DSA', exported(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey)],
    ['X25519', exported(generateKeyPairSync('x25519').publicKey)],
    ['Ed448', exported(generateKeyPairSync('ed448').publicKey)],
    ['ML-KEM', exported(generateKeyPairSync('ml-kem-768').publicKey)],
    ['an unknown kind', editDer(spki('ed25519'), [0, 0], () => encodeObjectIdentifier('1.2.3'))],
  ])('DER-15: refuses %s without costly work', (_, der) => {
    const { code, cpuMilliseconds } = outcomeOf(() => parsePublicKey(der))
    expect(code).toBe('ERR_KEY_NOT_ALLOWED')
    expect(cpuMilliseconds).toBeLessThan(100)
    expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKey(der))
  })

  it.each([
    ['trailing octets', Buffer.concat([spki('p256'), Buffer.of(0)])],
    ['a third field', editDer(spki('p256'), [1], (bits) => [bits, encodeNull()])],
    ['a field less', editDer(spki('p256'), [1], () => [])],
    ['unused bits', editContent(spki('p256'), [1], (bits) => Uint8Array.of(1, ...bits.subarray(1, -1), 0))],
    [
      'an OCTET STRING for its bits',
      editDer(spki('p256'), [1], (bits) => encodeValue(TAG.octetString, contentOf(bits))),
    ],
    [
      'an RSA key that ends after its modulus',
      editDer(spki('rsa2048'), [1], () => encodeBitString(encodeSequence(encodeInteger(5)))),
    ],
    [
      'an RSA key with a third number',
      editDer(spki('rsa2048'), [1], (bits) =>
        encodeBitString(editDer(contentOf(bits).subarray(1), [1], (e) => [e, e])),
      ),
    ],
    ['octets after the RSA key', editContent(spki('rsa2048'), [1], (bits) => Uint8Array.of(...bits, 0))],
    [
      'an RSA modulus with a zero octet too much',
      editDer(spki('rsa2048'), [1], (bits) =>
        encodeBitString(editContent(contentOf(bits).subarray(1), [0], (m) => Uint8Array.of(0, ...m))),
      ),
    ],
    ['a certificate', fromHex('3003020101')],
  ])('refuses what is malformed: %s', (_, der) => {
    expectCode('ERR_KEY_MALFORMED', () => parsePublicKey(der))
  })

  it('refuses negative RSA numbers', () => {
    const negative = editDer(spki('rsa2048'), [1], (bits) =>
      encodeBitString(editContent(contentOf(bits).subarray(1), [0], (modulus) => modulus.subarray(1))),
    )
    expect(elementAt(negative, [1])[6]).toBeDefined()
    expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKey(negative))
  })

  it('refuses an input that is empty or longer than 64 KiB', () => {
    expectCode('ERR_KEY_MALFORMED', () => parsePublicKey(new Uint8Array()))
    expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKey(new Uint8Array(64 * 1024 + 1)))
  })

  it('DER-01: refuses nesting of 100, 3000 and 10000 levels wherever a key may have it', () => {
    for (const levels of [100, 3000, 10_000]) {
      const bomb = nested(0x30, levels)
      for (const der of [
        bomb,
        editDer(spki('p256'), [0, 1], () => bomb),
        editDer(spki('rsa2048'), [1], () => encodeBitString(bomb)),
      ]) {
        const { code, cpuMilliseconds } = outcomeOf(() => parsePublicKey(der))
        expect(['ERR_KEY_MALFORMED', 'ERR_KEY_NOT_ALLOWED']).toContain(code)
        expect(cpuMilliseconds).toBeLessThan(100)
      }
    }
  })
})

describe('publicKeyOf', () => {
  it('takes either half', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    expect(samePublicKey(publicKeyOf(privateKey), publicKeyOf(publicKey))).toBe(true)
  })

  it('refuses a private key of a kind that is not allowed', () => {
    expectCode('ERR_KEY_NOT_ALLOWED', () => publicKeyOf(generateKeyPairSync('x25519').privateKey))
  })
})

describe('samePublicKey', () => {
  it('tells keys apart', () => {
    const [a, b] = [keyFor('a').publicKey, keyFor('b').publicKey]
    expect(samePublicKey(a, b)).toBe(false)
    expect(samePublicKey(a, parsePublicKey(Uint8Array.from(a.spkiDer)))).toBe(true)
  })
})

describe('keyIdentifierOf (RFC 7093 §2 (1))', () => {
  it('is the leftmost 160 bits of the SHA-256 of the key bits', () => {
    // The public key of the first test vector of RFC 8032 §7.1, hashed with sha256sum.
    const key = parsePublicKey(
      fromHex('302a300506032b6570032100 d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'),
    )
    expect(toHex(keyIdentifierOf(key))).toBe('21fe31dfa154a261626bf854046fd2271b7bed4b')
  })
})
