import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  DerReader,
  encodeBitString,
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  encodeUnsigned,
  KEY_LIMITS,
  OID,
} from '../../src/asn1/index.js'
import {
  type AlgorithmIdentifier,
  type AlgorithmPolicy,
  parseVerifyingKey,
  readAlgorithmIdentifier,
  SIGNATURE_ALGORITHMS,
  verifyingAlgorithmOf,
  verifySignature,
} from '../../src/crypto/index.js'
import { STRICTNESS } from '../../src/path/index.js'
import { type Certificate, parseCertificate, parseCrl } from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOW, privateKeyFor } from '../support/certificates.js'
import { editDer, fromHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { type Hierarchy, hierarchy, rawCrl, validate } from '../support/hierarchy.js'

const DATA = Buffer.from('what is signed')
const spkiOf = ({ publicKey }: { readonly publicKey: KeyObject }): Uint8Array =>
  new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
const identifierDer = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...parameters)
const identifierOf = (oid: string, ...parameters: readonly Uint8Array[]): AlgorithmIdentifier =>
  readAlgorithmIdentifier(DerReader.over(identifierDer(oid, ...parameters), KEY_LIMITS))
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })

/** Each of what can be allowed: its algorithm, a key that makes it, and its digest. */
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 })
const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 })
const ed448 = generateKeyPairSync('ed448')
const WEAK = [
  ['rsa-sha1', OID.sha1WithRsa, rsa1024, 'sha1'],
  ['rsa-sha224', OID.sha224WithRsa, rsa1024, 'sha224'],
  ['ecdsa-sha1', OID.ecdsaWithSha1, ec('prime192v1'), 'sha1'],
  ['ecdsa-sha224', OID.ecdsaWithSha224, ec('secp224r1'), 'sha224'],
  ['dsa-sha1', OID.dsaWithSha1, dsa, 'sha1'],
  ['dsa-sha224', OID.dsaWithSha224, dsa, 'sha224'],
  ['dsa-sha256', OID.dsaWithSha256, dsa, 'sha256'],
  ['ed448', OID.ed448, ed448, null],
] as const

describe.each(WEAK)('allow-weak: %s', (name, oid, pair, digest) => {
  const signature = sign(digest, DATA, pair.privateKey)

  it('verifies for who says so, and only what was signed', () => {
    const algorithm = verifyingAlgorithmOf(identifierOf(oid), 'allow-weak')
    expect(algorithm).toMatchObject({ name, digest, pss: false })
    const key = parseVerifyingKey(spkiOf(pair), 'allow-weak')
    expect(verifySignature(algorithm, key, DATA, signature)).toBe(true)
    expect(verifySignature(algorithm, key, Buffer.from('what is signeD'), signature)).toBe(false)
    expect(verifySignature(algorithm, key, DATA, signature.subarray(1))).toBe(false)
  })

  it('is never listed, also after it was allowed', () => {
    for (const policy of ['listed', 'allow-weak', 'listed'] as const) {
      const parse = (): unknown => verifyingAlgorithmOf(identifierOf(oid), policy)
      const read = (): unknown => parseVerifyingKey(spkiOf(pair), policy)
      if (policy === 'allow-weak') expect([parse(), read()]).toHaveLength(2)
      else {
        expectCode('ERR_ALGORITHM_NOT_ALLOWED', parse)
        expectCode('ERR_KEY_NOT_ALLOWED', read)
      }
    }
  })

  it('has no parameters, but for the NULL of RSA (RFC 4055 §5)', () => {
    const withNull = (): unknown => verifyingAlgorithmOf(identifierOf(oid, encodeNull()), 'allow-weak')
    if (name.startsWith('rsa')) withNull()
    else expectCode('ERR_ALGORITHM_NOT_ALLOWED', withNull)
    for (const parameters of [encodeSequence(), encodeInteger(0), fromHex('05810000')]) {
      if (parameters[1] === 0x81) continue
      expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => verifyingAlgorithmOf(identifierOf(oid, parameters), 'allow-weak'))
    }
  })
})

describe('allow-weak: what it does not allow either', () => {
  it.each([
    ['MD2 with RSA', '1.2.840.113549.1.1.2'],
    ['MD5 with RSA', '1.2.840.113549.1.1.4'],
    ['MD4 with RSA', '1.3.14.3.2.2'],
    ['SHA-1 with RSA by its older name', '1.3.14.3.2.29'],
    ['RIPEMD-160 with RSA', '1.3.36.3.3.1.2'],
    ['DSA with SHA-512', '2.16.840.1.101.3.4.3.4'],
    ['ECDSA with SHA3-256', '2.16.840.1.101.3.4.3.10'],
    ['a key in the place of an algorithm', OID.rsaEncryption],
    ['a digest in the place of an algorithm', OID.sha1],
  ])('%s', (_, oid) => {
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => verifyingAlgorithmOf(identifierOf(oid, encodeNull()), 'allow-weak'))
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => verifyingAlgorithmOf(identifierOf(oid), 'allow-weak'))
  })

  it('RSASSA-PSS with SHA-1, whether stated or by default', () => {
    const sha1 = encodeContext(0, identifierDer(OID.sha1, encodeNull()))
    for (const parameters of [encodeSequence(), encodeSequence(sha1)]) {
      expectCode('ERR_ALGORITHM_NOT_ALLOWED', () =>
        verifyingAlgorithmOf(identifierOf(OID.rsaPss, parameters), 'allow-weak'),
      )
    }
  })

  it.each([
    ['brainpool', ec('brainpoolP256r1')],
    ['secp160r1', ec('secp160r1')],
    ['sect233k1', ec('sect233k1')],
    [
      'a named curve that is written out',
      generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }),
    ],
    [
      'a weak curve that is written out',
      generateKeyPairSync('ec', { namedCurve: 'secp224r1', paramEncoding: 'explicit' }),
    ],
    ['RSA of 1023 bits', generateKeyPairSync('rsa', { modulusLength: 1023 })],
    ['RSA of 512 bits', generateKeyPairSync('rsa', { modulusLength: 512 })],
    ['RSA for PSS alone', generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
    ['X25519, which signs nothing', generateKeyPairSync('x25519')],
    ['X448, which signs nothing', generateKeyPairSync('x448')],
  ])('a key of %s', (_, pair) => {
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(spkiOf(pair), 'allow-weak'))
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(spkiOf(pair), 'listed'))
  })

  it('a compressed point, and a point that is not on its curve', () => {
    const compressed = ec('secp224r1').publicKey.export({ format: 'der', type: 'spki' })
    const curve = identifierDer(OID.ecPublicKey, encodeObjectIdentifier('1.3.132.0.33'))
    const point = new Uint8Array(compressed).subarray(-57)
    const packed = encodeSequence(curve, encodeBitString(Buffer.concat([Buffer.of(2), point.subarray(1, 29)])))
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(packed, 'allow-weak'))
    expect(parseVerifyingKey(encodeSequence(curve, encodeBitString(point)), 'allow-weak').name).toBe('secp224r1')
    const off = encodeSequence(curve, encodeBitString(point.with(-1, (point.at(-1) ?? 0) ^ 1)))
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(off, 'allow-weak'))
  })

  it('what is malformed', () => {
    const spki = spkiOf(rsa1024)
    for (const broken of [spki.subarray(0, -1), new Uint8Array(), Buffer.concat([spki, Buffer.of(0)])]) {
      expectCode('ERR_KEY_MALFORMED', () => parseVerifyingKey(broken, 'allow-weak'))
    }
    expectCode('ERR_KEY_MALFORMED', () =>
      parseVerifyingKey(
        editDer(spki, [1], () => encodeNull()),
        'allow-weak',
      ),
    )
  })
})

/** A SubjectPublicKeyInfo of RSA with an odd modulus of so many bits; nobody asks here what its factors are. */
function rsaSpki(bits: number, exponent: Uint8Array): Uint8Array {
  const noise = BigInt(`0x${'9e3779b97f4a7c15f39cc0605cedc834'.repeat(1 + bits / 128)}`)
  const modulus = (1n << BigInt(bits - 1)) | (noise % (1n << BigInt(bits - 2))) | 1n
  const digits = modulus.toString(16)
  const magnitude = fromHex(digits.length % 2 === 0 ? digits : `0${digits}`)
  return encodeSequence(
    identifierDer(OID.rsaEncryption, encodeNull()),
    encodeBitString(encodeSequence(encodeUnsigned(magnitude), encodeUnsigned(exponent))),
  )
}

describe('allow-weak: RSA', () => {
  const F4 = fromHex('010001')

  it.each([
    [1023, false],
    [1024, true],
    [1025, true],
    [2047, true],
    [4097, true],
    [8192, true],
    [16_384, true],
    [16_385, false],
    [32_768, false],
  ])('of %i bits: %s', (bits, isAllowed) => {
    const parse = (): unknown => parseVerifyingKey(rsaSpki(bits, F4), 'allow-weak')
    if (isAllowed) expect(parse()).toMatchObject({ family: 'rsa', name: `rsa${bits}` })
    else expectCode('ERR_KEY_NOT_ALLOWED', parse)
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(rsaSpki(bits, F4), 'listed'))
  })

  it('with the exponent 3, as old keys have', () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    const key = parseVerifyingKey(spkiOf(pair), 'allow-weak')
    const signature = sign('sha256', DATA, pair.privateKey)
    expect(verifySignature(SIGNATURE_ALGORITHMS['rsa-sha256'], key, DATA, signature)).toBe(true)
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(spkiOf(pair), 'listed'))
  })

  it.each(['01', '02', '04', '010000'])('never with the exponent %s', (exponent) => {
    // With 1 a signature is its own padding, so that whoever has the public key signs; with an even one nobody does.
    expectCode('ERR_KEY_NOT_ALLOWED', () => parseVerifyingKey(rsaSpki(2048, fromHex(exponent)), 'allow-weak'))
  })
})

describe('allow-weak: takes nothing away', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-44'] as const)('%s is what it was', (algorithm) => {
    const { publicKey, signatureAlgorithm } = keyFor('same', algorithm)
    const key = parseVerifyingKey(publicKey.spkiDer, 'allow-weak')
    expect(key.name).toBe(publicKey.name)
    const identifier = readAlgorithmIdentifier(DerReader.over(signatureAlgorithm.identifierDer, KEY_LIMITS))
    expect(verifyingAlgorithmOf(identifier, 'allow-weak')).toBe(verifyingAlgorithmOf(identifier, 'listed'))
  })

  it('a weak algorithm does not go with a key of another kind', () => {
    const algorithm = verifyingAlgorithmOf(identifierOf(OID.dsaWithSha256), 'allow-weak')
    const key = parseVerifyingKey(spkiOf(rsa1024), 'allow-weak')
    expectCode('ERR_ALGORITHM_MISMATCH', () => verifySignature(algorithm, key, DATA, Buffer.of(1)))
  })
})

describe('PATH-27: what was allowed once is not listed afterwards', () => {
  const lax = { ...STRICTNESS.deployment, algorithms: 'allow-weak' } as const
  const strict = STRICTNESS.deployment
  const sha1 = identifierDer(OID.ecdsaWithSha1)
  const issuingKey = privateKeyFor('CN=Issuing')

  /** The node of a hierarchy, signed with SHA-1. */
  function signedWeakly(path: Hierarchy): Certificate {
    const tbsDer = editDer(path.node.certificate.tbsDer, [2], () => sha1)
    return parseCertificate(encodeSequence(tbsDer, sha1, encodeBitString(sign('sha1', tbsDer, issuingKey))))
  }

  it('a certificate: the same object under both policies in turn, through the answers that are kept', () => {
    const path = hierarchy()
    const node = { ...path.node, certificate: signedWeakly(path) }
    for (const policy of ['listed', 'allow-weak', 'listed', 'allow-weak', 'listed'] as readonly AlgorithmPolicy[]) {
      const check = (): unknown => validate({ ...path, node }, { strictness: { ...strict, algorithms: policy } })
      if (policy === 'listed') expectCode('ERR_ALGORITHM_NOT_ALLOWED', check)
      else check()
    }
  })

  it('a key: of an end entity, a CA, and an anchor', () => {
    const weak = ec('secp224r1')
    const spkiDer = spkiOf(weak)
    const path = hierarchy()
    const tbsDer = editDer(path.node.certificate.tbsDer, [6], () => spkiDer)
    const { signatureAlgorithm } = path.issuing.key
    const der = encodeSequence(tbsDer, signatureAlgorithm.identifierDer, encodeBitString(path.issuing.key.sign(tbsDer)))
    const node = { ...path.node, certificate: parseCertificate(der) }
    for (let turn = 0; turn < 3; turn++) {
      expectCode('ERR_KEY_NOT_ALLOWED', () => validate({ ...path, node }, { strictness: strict }))
      validate({ ...path, node }, { strictness: lax })
    }
    // The anchor itself has a weak key, and it signed itself with it.
    const rootTbs = editDer(makeCertificate({ subject: 'Weak root', ca: true }).certificate.tbsDer, [6], () => spkiDer)
    const anchor = parseCertificate(
      encodeSequence(
        rootTbs,
        SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifierDer,
        encodeBitString(sign('sha256', rootTbs, weak.privateKey)),
      ),
    )
    const root = { ...path.root, certificate: anchor }
    const request = { anchors: [anchor], intermediates: [], purpose: 'allow-any', at: NOW } as const
    for (let turn = 0; turn < 3; turn++) {
      const self = { root, issuing: root, node: root }
      expectCode('ERR_KEY_NOT_ALLOWED', () => validate(self, { ...request, strictness: strict }))
      validate(self, { ...request, strictness: lax })
    }
  })

  it('a CRL that is signed with SHA-1 answers only where that is allowed', () => {
    const path = hierarchy()
    const { tbsDer } = rawCrl({ issuer: path.issuing.certificate.subject, key: path.issuing.key })
    const changed = editDer(tbsDer, [1], () => sha1)
    const crl = parseCrl(encodeSequence(changed, sha1, encodeBitString(sign('sha1', changed, issuingKey))))
    const rootCrl = rawCrl({ issuer: path.root.certificate.subject, key: path.root.key })
    const revocation = { crls: [crl, rootCrl] }
    for (let turn = 0; turn < 3; turn++) {
      expectCode('ERR_REVOCATION_UNKNOWN', () => validate(path, { revocation, strictness: strict }))
      validate(path, { revocation, strictness: lax })
    }
  })
})
