/** Named attacks on keys and algorithms of a path. Every signature here is right by its own, weak algorithm. */
import { checkPrimeSync, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeUnsigned,
  OID,
} from '../../../src/asn1/index.js'
import { DEFAULT_STRICTNESS, type Strictness, validatePath } from '../../../src/path/index.js'
import { type Holder, keyFor, makeCertificate, NOW, privateKeyFor } from '../../support/certificates.js'
import { expectCode } from '../../support/expect-code.js'
import { caExtensions, type Hierarchy, hierarchy, nodeExtensions, validate } from '../../support/hierarchy.js'
import { signedWith, verdictOf, withKey } from './forge.js'

const RSA: Hierarchy = hierarchy({
  root: { algorithm: 'rsa2048', extensionsDer: caExtensions() },
  issuing: { algorithm: 'rsa2048', extensionsDer: caExtensions() },
  node: { extensionsDer: nodeExtensions() },
})
const EC: Hierarchy = hierarchy({
  root: { extensionsDer: caExtensions() },
  issuing: { extensionsDer: caExtensions() },
  node: { extensionsDer: nodeExtensions() },
})

const identifier = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...parameters)
const spkiOf = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }))

describe('PATH-23: weak digests', () => {
  const rsaKeys = ['Issuing', 'Root'].map((name) => privateKeyFor(`CN=${name}`, 'rsa2048'))
  const ecKeys = ['Issuing', 'Root'].map((name) => privateKeyFor(`CN=${name}`))
  const rows: readonly (readonly [name: string, algorithmDer: Uint8Array, digest: string, path: Hierarchy])[] = [
    ['RSA with MD5', identifier('1.2.840.113549.1.1.4', encodeNull()), 'md5', RSA],
    ['RSA with SHA-1', identifier('1.2.840.113549.1.1.5', encodeNull()), 'sha1', RSA],
    ['RSA with SHA-1, the older name', identifier('1.3.14.3.2.29', encodeNull()), 'sha1', RSA],
    ['RSA with SHA-224', identifier('1.2.840.113549.1.1.14', encodeNull()), 'sha224', RSA],
    ['RSA with RIPEMD-160', identifier('1.3.36.3.3.1.2', encodeNull()), 'ripemd160', RSA],
    ['ECDSA with SHA-1', identifier('1.2.840.10045.4.1'), 'sha1', EC],
    ['ECDSA with SHA-224', identifier('1.2.840.10045.4.3.1'), 'sha224', EC],
  ]

  it.each(rows)('PATH-23: %s under the end entity or a CA; under the root it signs nothing', (...row) => {
    const [, algorithmDer, digest, path] = row
    const [ofIssuing, ofRoot] = path === RSA ? rsaKeys : ecKeys
    if (ofIssuing === undefined || ofRoot === undefined) throw new Error('there are two')
    expect(validate(path).certificates).toHaveLength(3)
    const node = signedWith(path.node, algorithmDer, digest, ofIssuing)
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => validate({ ...path, node }))
    const issuing = signedWith(path.issuing, algorithmDer, digest, ofRoot)
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => validate({ ...path, issuing }))
    // An anchor is believed because it is there; nobody asks what it signed itself with.
    const root = signedWith(path.root, algorithmDer, digest, ofRoot)
    expect(validate({ ...path, root }).certificates).toHaveLength(3)
  })
})

describe('PATH-23: weak keys', () => {
  const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
  const rsa = (modulusLength: number, publicExponent = 65_537) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent })
  const ecdsa = identifier(OID.ecdsaWithSha256)
  const rsaSha256 = identifier(OID.sha256WithRsa, encodeNull())
  const rows = [
    ['RSA of 1024 bits', rsa(1024), rsaSha256],
    ['RSA of 2040 bits', rsa(2040), rsaSha256],
    ['RSA of 2052 bits, which is no whole octet', rsa(2052), rsaSha256],
    ['RSA with the exponent 3', rsa(2048, 3), rsaSha256],
    ['RSA with the exponent 257', rsa(2048, 257), rsaSha256],
    ['P-192', ec('prime192v1'), ecdsa],
    ['P-224', ec('secp224r1'), ecdsa],
    ['secp256k1', ec('secp256k1'), ecdsa],
    ['brainpoolP256r1', ec('brainpoolP256r1'), ecdsa],
    ['DSA', generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }), ecdsa],
  ] as const

  it.each(rows)('PATH-23: %s, of the end entity, a CA or the root', (_name, { publicKey, privateKey }, algorithm) => {
    const spki = spkiOf(publicKey)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: withKey(EC.node, EC.issuing, spki) }))
    const issuing = withKey(EC.issuing, EC.root, spki)
    const node = signedWith(EC.node, algorithm, 'sha256', privateKey)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root: EC.root, issuing, node }))
    const root = withKey(EC.root, EC.root, spki)
    const below = signedWith(EC.issuing, algorithm, 'sha256', privateKey)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root, issuing: below, node: EC.node }))
  })

  const rsaSpki = (modulus: bigint): Uint8Array =>
    encodeSequence(
      identifier(OID.rsaEncryption, encodeNull()),
      encodeBitString(encodeSequence(encodeUnsigned(Buffer.from(modulus.toString(16), 'hex')), encodeInteger(65_537))),
    )

  it('PATH-23: RSA of two primes side by side, which Fermat factors at once', () => {
    const first = 2n ** 1024n - 105n
    let second = first - 2n
    while (!checkPrimeSync(second)) second -= 2n
    expect(checkPrimeSync(first)).toBe(true)
    const spki = rsaSpki(first * second)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: withKey(EC.node, EC.issuing, spki) }))
  })

  it('PATH-23: RSA of the form that a certain smart card makes (ROCA)', () => {
    let primorial = 1n
    let count = 0
    for (let candidate = 2n; count < 126; candidate++) {
      if (!checkPrimeSync(candidate)) continue
      primorial *= candidate
      count++
    }
    let residue = 1n
    for (let power = 0; power < 1009; power++) residue = (residue * 65_537n) % primorial
    const modulus = ((2n ** 2047n + 2n ** 2040n) / primorial) * primorial + residue
    expect(modulus.toString(2)).toHaveLength(2048)
    const spki = rsaSpki(modulus)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: withKey(EC.node, EC.issuing, spki) }))
  })

  it('PATH-23: keys that are not weak are not taken for it', () => {
    for (const algorithm of ['rsa2048', 'rsa3072', 'p256', 'p384', 'ed25519', 'ml-dsa-44'] as const) {
      const path = hierarchy({ root: { algorithm }, issuing: { algorithm }, node: { algorithm } })
      expect([algorithm, verdictOf(() => validate(path))]).toEqual([algorithm, 'accepted'])
    }
  })
})

describe('PATH-23: what counts as weak and can still be allowed', () => {
  const strictness: Strictness = { ...DEFAULT_STRICTNESS, algorithms: 'allow-weak' }
  const ofIssuing = privateKeyFor('CN=Issuing', 'rsa2048')
  const md5 = identifier('1.2.840.113549.1.1.4', encodeNull())

  it('PATH-23: is never MD5, short RSA, or a curve that has no name, and needs to be said', () => {
    const sha1 = signedWith(RSA.node, identifier('1.2.840.113549.1.1.5', encodeNull()), 'sha1', ofIssuing)
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => validate({ ...RSA, node: sha1 }))
    expect(validate({ ...RSA, node: sha1 }, { strictness }).certificates).toHaveLength(3)
    const node = signedWith(RSA.node, md5, 'md5', ofIssuing)
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => validate({ ...RSA, node }, { strictness }))
    const keys = [
      generateKeyPairSync('rsa', { modulusLength: 512 }),
      generateKeyPairSync('rsa', { modulusLength: 1016 }),
      generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }),
      generateKeyPairSync('ec', { namedCurve: 'secp160r1' }),
    ]
    for (const { publicKey } of keys) {
      const weak = withKey(EC.node, EC.issuing, spkiOf(publicKey))
      expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: weak }, { strictness }))
    }
  })
})

describe('PATH-24: curves that somebody writes out', () => {
  const explicit = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  const spki = spkiOf(explicit.publicKey)
  const ecdsa = identifier(OID.ecdsaWithSha256)

  it('PATH-24: the key of the end entity, a CA or the root', () => {
    expect(spki.length).toBeGreaterThan(200)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: withKey(EC.node, EC.issuing, spki) }))
    const issuing = withKey(EC.issuing, EC.root, spki)
    const node = signedWith(EC.node, ecdsa, 'sha256', explicit.privateKey)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root: EC.root, issuing, node }))
    const root = withKey(EC.root, EC.root, spki)
    const below = signedWith(EC.issuing, ecdsa, 'sha256', explicit.privateKey)
    expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ root, issuing: below, node: EC.node }))
  })

  it('PATH-24: a copy of the root with its name and point, and a curve of its own, is not the root', () => {
    // The same curve and the same point: only the way of saying which curve differs.
    const point = EC.root.key.publicKey.keyObject.export({ format: 'jwk' })
    const octets = Buffer.concat([
      Buffer.of(4),
      ...[point.x, point.y].map((half) => Buffer.from(half ?? '', 'base64url')),
    ])
    const start = Buffer.from(spki).indexOf(spkiOf(explicit.publicKey).subarray(-65))
    const copied = Uint8Array.from(spki)
    copied.set(octets, start)
    const copy = withKey(EC.root, EC.root, copied)
    expect(copy.certificate.subject.equals(EC.root.certificate.subject)).toBe(true)
    const forger: Holder = { certificate: copy.certificate, key: keyFor('forger') }
    const leaf = makeCertificate({ subject: 'leaf', issuer: forger, extensionsDer: nodeExtensions() })
    const ask = (anchors: readonly Holder[], intermediates: readonly Holder[]): string =>
      verdictOf(() =>
        validatePath(leaf.certificate, {
          anchors: anchors.map(({ certificate }) => certificate),
          intermediates: intermediates.map(({ certificate }) => certificate),
          at: NOW,
          purpose: 'server',
          revocation: 'allow-unchecked',
        }),
      )
    expect(ask([EC.root], [copy])).not.toBe('accepted')
    expect(ask([EC.root], [])).toBe('ERR_PATH_SIGNATURE')
    // Not even where somebody was made to trust the copy.
    expect(ask([copy], [])).toBe('ERR_KEY_NOT_ALLOWED')
    expect(verdictOf(() => validate({ ...EC, root: copy }))).toBe('ERR_KEY_NOT_ALLOWED')
  })

  it('PATH-24: parameters that are absent, NULL, or the curve of another key', () => {
    const point = encodeBitString(EC.node.key.publicKey.spkiDer.subarray(-65))
    for (const parameters of [[], [encodeNull()], [encodeObjectIdentifier(OID.secp384r1)], [encodeSequence()]]) {
      const odd = encodeSequence(identifier(OID.ecPublicKey, ...parameters), point)
      expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...EC, node: withKey(EC.node, EC.issuing, odd) }))
    }
  })
})
