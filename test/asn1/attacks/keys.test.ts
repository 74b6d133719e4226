/** Named attacks with keys: what costs much to use, and what a key file asks to be computed. */
import crypto, { createCipheriv, generateKeyPairSync } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  encodeBitString,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeUnsigned,
  encodeValue,
  OID,
  parsePemBlock,
  TAG,
} from '../../../src/asn1/index.js'
import { verifySignedData } from '../../../src/cms/index.js'
import { decodePrivateKey, encryptPrivateKey, parsePublicKey, Passphrase } from '../../../src/crypto/index.js'
import { createCertificationRequest, parseCertificationRequest } from '../../../src/x509/index.js'
import { commonName, type Holder, keyFor, NOW, privateKeyFor } from '../../support/certificates.js'
import { buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { editDer } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { caExtensions, hierarchy, nodeExtensions, validate } from '../../support/hierarchy.js'
import { withKey } from '../../path/attacks/forge.js'

vi.setConfig({ testTimeout: 60_000 })

/** Counts what is handed to OpenSSL. */
let imported = 0
const { createPublicKey, pbkdf2Sync: derive, scryptSync: deriveByMemory } = crypto
let derived = 0
beforeAll(() => {
  Object.assign(crypto, {
    createPublicKey: (...words: unknown[]): unknown => {
      imported++
      return Reflect.apply(createPublicKey, crypto, words)
    },
    pbkdf2Sync: (...words: unknown[]): unknown => {
      derived++
      return Reflect.apply(derive, crypto, words)
    },
    scryptSync: (...words: unknown[]): unknown => {
      derived++
      return Reflect.apply(deriveByMemory, crypto, words)
    },
  })
  syncBuiltinESMExports()
})
afterAll(() => {
  Object.assign(crypto, { createPublicKey, pbkdf2Sync: derive, scryptSync: deriveByMemory })
  syncBuiltinESMExports()
})

const identifier = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...parameters)
const spkiOf = (key: crypto.KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }))

/** An odd number of so many bits, the first and last of them set. */
function odd(bits: number): Uint8Array {
  const octets = new Uint8Array(Math.ceil(bits / 8)).fill(0xa5)
  octets[0] = bits % 8 === 0 ? 0xa5 : 1 << ((bits % 8) - 1)
  octets[octets.length - 1] = 1
  return octets
}

function rsa(modulus: Uint8Array, exponent: Uint8Array = Uint8Array.of(1, 0, 1)): Uint8Array {
  return encodeSequence(
    identifier(OID.rsaEncryption, encodeNull()),
    encodeBitString(encodeSequence(encodeUnsigned(modulus), encodeUnsigned(exponent))),
  )
}

function point(parameters: Uint8Array, octets: Uint8Array): Uint8Array {
  return encodeSequence(identifier(OID.ecPublicKey, parameters), encodeBitString(octets))
}

const p256 = encodeObjectIdentifier(OID.prime256v1)
const onCurve = keyFor('somebody').publicKey.spkiDer.subarray(-65)
const path = hierarchy({
  root: { extensionsDer: caExtensions() },
  issuing: { extensionsDer: caExtensions() },
  node: { extensionsDer: nodeExtensions() },
})

/** Each with whether OpenSSL has to look at it. */
const KEYS: readonly (readonly [name: string, spki: Uint8Array, asked: 'never' | 'once'])[] = [
  ['RSA of 16384 bits', rsa(odd(16_384)), 'never'],
  ['RSA of 65536 bits', rsa(odd(65_536)), 'never'],
  ['RSA with an exponent of 4096 bits', rsa(odd(2048), odd(4096)), 'never'],
  ['RSA with an exponent of 65 bits', rsa(odd(2048), odd(65)), 'never'],
  ['RSA with an even modulus', rsa(odd(2048).with(-1, 2)), 'never'],
  ['RSA with the modulus 1', rsa(Uint8Array.of(1)), 'never'],
  ['RSA with the modulus 0', rsa(Uint8Array.of(0)), 'never'],
  ['RSA with the exponent 0', rsa(odd(2048), Uint8Array.of(0)), 'never'],
  ['RSA with the exponent 1', rsa(odd(2048), Uint8Array.of(1)), 'never'],
  [
    'explicit parameters',
    spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }).publicKey),
    'never',
  ],
  [
    'parameters in characteristic two',
    point(encodeSequence(encodeInteger(1), identifier('1.2.840.10045.1.2')), onCurve),
    'never',
  ],
  ['an unknown curve', point(encodeObjectIdentifier('1.2.3.4'), onCurve), 'never'],
  ['a curve in characteristic two', spkiOf(generateKeyPairSync('ec', { namedCurve: 'sect283k1' }).publicKey), 'never'],
  ['a point at infinity', point(p256, Uint8Array.of(0)), 'never'],
  ['no point', point(p256, new Uint8Array()), 'never'],
  ['a compressed point', point(p256, Uint8Array.of(2, ...onCurve.subarray(1, 33))), 'never'],
  ['a compressed point without a root', point(p256, Uint8Array.of(2, ...new Uint8Array(31), 5)), 'never'],
  ['a point that is not on its curve', point(p256, onCurve.with(-1, (onCurve.at(-1) ?? 0) ^ 1)), 'once'],
  ['the point 0, 0', point(p256, Uint8Array.of(4, ...new Uint8Array(64))), 'once'],
  ['coordinates beyond the prime', point(p256, Uint8Array.of(4, ...new Uint8Array(64).fill(0xff))), 'once'],
  ['DSA', spkiOf(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey), 'never'],
  [
    'DSA with a modulus of 0',
    encodeSequence(
      identifier('1.2.840.10040.4.1', encodeSequence(...[0, 0, 0].map((number) => encodeInteger(number)))),
      encodeBitString(encodeInteger(1)),
    ),
    'never',
  ],
  ['Ed448', spkiOf(generateKeyPairSync('ed448').publicKey), 'never'],
  ['X25519', spkiOf(generateKeyPairSync('x25519').publicKey), 'never'],
]

describe('DER-15: public keys that cost much, or are none', () => {
  it.each(KEYS)('DER-15: %s: alone, in a certificate of a node, a CA and a root', (_name, spki, asked) => {
    imported = 0
    expectCode('ERR_KEY_NOT_ALLOWED', () => parsePublicKey(spki))
    expect(imported).toBe(asked === 'never' ? 0 : 1)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...path, node: withKey(path.node, path.issuing, spki) }))
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...path, issuing: withKey(path.issuing, path.root, spki) }))
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...path, root: withKey(path.root, path.root, spki) }))
  })

  it.each(KEYS)('DER-15: %s: in a certification request, and of the signer of a document', async (_name, spki) => {
    const pem = await createCertificationRequest(keyFor('asker'), { subject: commonName('asker') })
    const { der } = parsePemBlock(pem, 'CERTIFICATE REQUEST')
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseCertificationRequest(editDer(der, [0, 2], () => spki)))
    const signer: Holder = withKey(path.node, path.issuing, spki)
    const content = Buffer.from('content')
    const document = buildSignedData({
      eContent: content,
      signers: [
        buildSigner({ content, holder: { ...signer, key: path.node.key }, identifier: 'issuerAndSerialNumber' }),
      ],
      certificates: [signer.certificate.der],
    })
    expectCode('ERR_KEY_NOT_ALLOWED', () =>
      verifySignedData(document, {
        anchors: [path.root.certificate],
        certificates: [path.issuing.certificate],
        purpose: 'server',
        revocation: 'allow-unchecked',
        at: NOW,
      }),
    )
  })

  it('DER-15: as a private key', () => {
    for (const { privateKey } of [
      generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }),
      generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }),
      generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
      generateKeyPairSync('x25519'),
    ]) {
      const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
      expectCode('ERR_KEY_NOT_ALLOWED', () => decodePrivateKey(pem))
    }
  })
})

const PASSPHRASE = new Passphrase(Buffer.from('correct horse'))
const SALT = Buffer.alloc(16, 5)
const IV = Buffer.alloc(16, 3)
const secret = privateKeyFor('owner')
const plain = new Uint8Array(secret.export({ format: 'der', type: 'pkcs8' }))
const salt = encodeOctetString(SALT)
const prf = identifier(OID.hmacWithSha256, encodeNull())
const aes = identifier(OID.aes256Cbc, encodeOctetString(IV))

/** EncryptedPrivateKeyInfo under a key that 1000 iterations make. */
function encrypted(kdf: Uint8Array, scheme: Uint8Array = aes, content: Uint8Array = plain): string {
  const cipher = createCipheriv('aes-256-cbc', derive('correct horse', SALT, 1000, 32, 'sha256'), IV)
  const data = Buffer.concat([cipher.update(content), cipher.final()])
  const pbes2 = identifier(OID.pbes2, encodeSequence(kdf, scheme))
  return encodePem('ENCRYPTED PRIVATE KEY', encodeSequence(pbes2, encodeOctetString(data)))
}
const pbkdf2 = (...fields: readonly Uint8Array[]): Uint8Array => identifier(OID.pbkdf2, encodeSequence(...fields))
const scrypt = (n: number, r: number, p: number): Uint8Array =>
  identifier(OID.scrypt, encodeSequence(salt, ...[n, r, p].map((number) => encodeInteger(number))))
const good = pbkdf2(salt, encodeInteger(1000), prf)

describe('DER-16: what a key file asks to be computed', () => {
  it.each([
    ['2^31 iterations', pbkdf2(salt, encodeInteger(2 ** 31), prf), 'ERR_KDF_COST'],
    ['2^40 iterations', pbkdf2(salt, encodeInteger(2 ** 40), prf), 'ERR_KDF_COST'],
    [
      '2^64 iterations',
      pbkdf2(salt, encodeUnsigned(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0)), prf),
      'ERR_KEY_MALFORMED',
    ],
    ['iterations below zero', pbkdf2(salt, encodeValue(TAG.integer, Uint8Array.of(0xff)), prf), 'ERR_KEY_MALFORMED'],
    ['0 iterations', pbkdf2(salt, encodeInteger(0), prf), 'ERR_KEY_FORMAT_WEAK'],
    ['1 iteration', pbkdf2(salt, encodeInteger(1), prf), 'ERR_KEY_FORMAT_WEAK'],
    ['no salt', pbkdf2(encodeOctetString(new Uint8Array()), encodeInteger(1000), prf), 'ERR_KEY_FORMAT_WEAK'],
    ['a salt of 32 KiB', pbkdf2(encodeOctetString(new Uint8Array(32_768)), encodeInteger(1000), prf), 'ERR_KDF_COST'],
    [
      'a salt of 1 MB',
      pbkdf2(encodeOctetString(new Uint8Array(1 << 20)), encodeInteger(1000), prf),
      'ERR_LIMIT_EXCEEDED',
    ],
    ['a salt that is an algorithm', pbkdf2(identifier(OID.sha256), encodeInteger(1000), prf), 'ERR_KEY_MALFORMED'],
    ['a key of 1 octet', pbkdf2(salt, encodeInteger(1000), encodeInteger(1), prf), 'ERR_KEY_MALFORMED'],
    ['a key of 2^20 octets', pbkdf2(salt, encodeInteger(1000), encodeInteger(2 ** 20), prf), 'ERR_KEY_MALFORMED'],
    ['no function, which is HMAC-SHA-1', pbkdf2(salt, encodeInteger(1000)), 'ERR_KEY_FORMAT_WEAK'],
    [
      'an unknown function',
      pbkdf2(salt, encodeInteger(1000), identifier('1.2.3', encodeNull())),
      'ERR_KEY_FORMAT_WEAK',
    ],
    [
      'HMAC-MD5',
      pbkdf2(salt, encodeInteger(1000), identifier('1.2.840.113549.2.6', encodeNull())),
      'ERR_KEY_FORMAT_WEAK',
    ],
    ['scrypt with N = 2^40', scrypt(2 ** 40, 8, 1), 'ERR_KDF_COST'],
    ['scrypt with r = 2^29', scrypt(1024, 2 ** 29, 1), 'ERR_KDF_COST'],
    ['scrypt with p = 2^29', scrypt(1024, 8, 2 ** 29), 'ERR_KDF_COST'],
    ['scrypt with N = 1', scrypt(1, 8, 1), 'ERR_KEY_FORMAT_WEAK'],
    ['scrypt with N = 0', scrypt(0, 8, 1), 'ERR_KEY_FORMAT_WEAK'],
    ['scrypt with r = 0', scrypt(1024, 0, 1), 'ERR_KEY_FORMAT_WEAK'],
    ['an unknown derivation', identifier('1.2.3', encodeSequence()), 'ERR_KEY_FORMAT_WEAK'],
    ['PBMAC1 for a derivation', identifier('1.2.840.113549.1.5.14', encodeSequence(good, prf)), 'ERR_KEY_FORMAT_WEAK'],
  ] as const)('DER-16: %s: nothing of it is computed', (_claim, kdf, code) => {
    derived = 0
    expectCode(code, () => decodePrivateKey(encrypted(kdf), PASSPHRASE))
    expect(derived).toBe(0)
  })

  it('DER-16: with a good derivation the key opens, at a cost that is allowed', () => {
    derived = 0
    const opened = decodePrivateKey(encrypted(good), PASSPHRASE)
    expect(opened.equals(secret)).toBe(true)
    expect(derived).toBe(1)
    expect(decodePrivateKey(encryptPrivateKey(secret, PASSPHRASE), PASSPHRASE).equals(secret)).toBe(true)
  })

  it('DER-16: every wrong passphrase is told in the same words, however far it got', () => {
    const pem = encrypted(good)
    // One in 256 passes the padding; what is then in it is no key.
    const misfits = [encrypted(good, aes, Uint8Array.of(1, 2, 3)), encrypted(good, aes, encodeSequence())]
    const errors = [
      ...Array.from({ length: 300 }, (_, index) =>
        expectCode('ERR_KEY_PASSPHRASE', () => decodePrivateKey(pem, new Passphrase(Buffer.from(`wrong ${index}`)))),
      ),
      ...misfits.map((text) => expectCode('ERR_KEY_PASSPHRASE', () => decodePrivateKey(text, PASSPHRASE))),
    ]
    expect(new Set(errors.map(({ message, hint }) => `${message} ${hint ?? ''}`)).size).toBe(1)
    expect(errors.every(({ cause, details }) => cause === undefined && Object.keys(details).length === 0)).toBe(true)
  })

  it('DER-16: PKCS #12 is not read, with a MAC or without', () => {
    const pfx = encodeSequence(encodeInteger(3), identifier(OID.data))
    for (const label of ['PKCS12', 'PFX']) {
      expectCode('ERR_PEM_LABEL', () => decodePrivateKey(encodePem(label, pfx), PASSPHRASE))
    }
    expectCode('ERR_PEM_MALFORMED', () => decodePrivateKey(Buffer.from(pfx).toString('latin1'), PASSPHRASE))
    expectCode('ERR_KEY_MALFORMED', () => decodePrivateKey(encodePem('PRIVATE KEY', pfx), PASSPHRASE))
    expectCode('ERR_KEY_MALFORMED', () => decodePrivateKey(encodePem('ENCRYPTED PRIVATE KEY', pfx), PASSPHRASE))
  })
})
