import { describe, expect, it } from 'vitest'
import {
  DerReader,
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  KEY_LIMITS,
  OID,
} from '../../src/asn1/index.js'
import {
  type AlgorithmIdentifier,
  digestIdentifierDer,
  digestOf,
  DIGESTS,
  KEY_ALGORITHMS,
  keyAlgorithmNamed,
  readAlgorithmIdentifier,
  requireFamily,
  SIGNATURE_ALGORITHMS,
  signatureAlgorithmOf,
} from '../../src/crypto/index.js'
import { expectCode } from '../support/expect-code.js'
import { editDer, fromHex, toHex } from '../support/der.js'

function parsed(der: Uint8Array): AlgorithmIdentifier {
  return readAlgorithmIdentifier(DerReader.over(der, KEY_LIMITS))
}

function identifier(oid: string, ...parameters: Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(oid), ...parameters)
}

describe('readAlgorithmIdentifier', () => {
  // First of all, before any of them was met.
  it('keeps nothing of an input that changes afterwards', () => {
    for (const { identifierDer } of Object.values(SIGNATURE_ALGORITHMS)) {
      const input = Buffer.from(identifierDer)
      const { der, oid } = parsed(input)
      expect(der).toEqual(identifierDer)
      input.fill(0)
      expect(der).toEqual(identifierDer)
      expect(() => parsed(input)).toThrow()
      expect(parsed(identifierDer)).toMatchObject({ der: identifierDer, oid })
    }
  })

  it('yields the usual ones as one object each', () => {
    const usual = [...Object.values(SIGNATURE_ALGORITHMS).map(({ identifierDer }) => identifierDer)]
    const digests = Object.values(DIGESTS).flatMap(({ oid }) => [identifier(oid), identifier(oid, encodeNull())])
    for (const der of [...usual, ...digests]) expect(parsed(Uint8Array.from(der))).toBe(parsed(der))
    expect(parsed(identifier('1.2.3'))).not.toBe(parsed(identifier('1.2.3')))
  })

  it('reads an OID with and without parameters, and keeps the whole', () => {
    const der = identifier(OID.sha256, encodeNull())
    expect(parsed(der)).toEqual({ oid: OID.sha256, parametersDer: encodeNull(), der })
    expect(parsed(identifier(OID.sha256)).parametersDer).toBeUndefined()
  })

  it.each([
    ['two parameters', identifier(OID.sha256, encodeNull(), encodeNull()), 'ERR_DER_TRAILING_DATA'],
    ['no OID', encodeSequence(), 'ERR_DER_TRUNCATED'],
    ['another value than an OID', encodeSequence(encodeNull()), 'ERR_DER_TAG'],
  ] as const)('refuses %s', (_, der, code) => {
    expectCode(code, () => parsed(der))
  })
})

describe('signatureAlgorithmOf', () => {
  it.each(Object.values(SIGNATURE_ALGORITHMS))('knows its own identifier of $name', (algorithm) => {
    expect(signatureAlgorithmOf(parsed(algorithm.identifierDer))).toBe(algorithm)
  })

  it.each([
    ['1.2.840.10045.4.3.2', 'ecdsa-sha256'],
    ['1.2.840.10045.4.3.3', 'ecdsa-sha384'],
    ['1.2.840.10045.4.3.4', 'ecdsa-sha512'],
    ['1.3.101.112', 'ed25519'],
    ['2.16.840.1.101.3.4.3.17', 'ml-dsa-44'],
    ['2.16.840.1.101.3.4.3.18', 'ml-dsa-65'],
    ['2.16.840.1.101.3.4.3.19', 'ml-dsa-87'],
  ])('reads %s as %s', (oid, name) => {
    expect(signatureAlgorithmOf(parsed(identifier(oid))).name).toBe(name)
  })

  it.each(['sha256', 'sha384', 'sha512'] as const)(
    'reads RSA with %s and absent parameters (RFC 4055 §5)',
    (digest) => {
      const der = identifier(OID[`${digest}WithRsa`])
      expect(signatureAlgorithmOf(parsed(der)).name).toBe(`rsa-${digest}`)
    },
  )

  it.each([
    ['MD5 with RSA', identifier('1.2.840.113549.1.1.4', encodeNull())],
    ['SHA-1 with RSA', identifier('1.2.840.113549.1.1.5', encodeNull())],
    ['SHA-1 with RSA, parameters absent', identifier('1.2.840.113549.1.1.5')],
    ['SHA-224 with RSA', identifier('1.2.840.113549.1.1.14', encodeNull())],
    ['SHA-1 with ECDSA', identifier('1.2.840.10045.4.1')],
    ['DSA with SHA-256', identifier('2.16.840.1.101.3.4.3.2')],
    ['Ed448', identifier('1.3.101.113')],
    ['an unknown OID', identifier('1.2.3')],
    ['ECDSA with parameters', identifier(OID.ecdsaWithSha256, encodeNull())],
    ['Ed25519 with parameters', identifier(OID.ed25519, encodeNull())],
    ['ML-DSA with parameters', identifier(OID.mlDsa65, encodeNull())],
    ['RSA with other parameters than NULL', identifier(OID.sha256WithRsa, encodeInteger(0))],
    ['a digest where a signature is due', identifier(OID.sha256)],
    ['RSASSA-PSS without parameters, which is SHA-1', identifier(OID.rsaPss)],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => signatureAlgorithmOf(parsed(der)))
  })

  it.each([`2.47${'.127'.repeat(63)}`, `0.0${'.0'.repeat(63)}`])(
    'DER-05: refuses an OID whose text is long: %s',
    (text) => {
      const content = text.startsWith('2') ? new Uint8Array(64).fill(0x7f) : new Uint8Array(64)
      const der = Buffer.concat([Buffer.from([0x30, 66, 6, 64]), content])
      const error = expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => signatureAlgorithmOf(parsed(der)))
      expect(error.details['oid']).toBe(text)
    },
  )

  it('DER-05: refuses the OID of a good algorithm with an arc that is 2^32 larger', () => {
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () =>
      signatureAlgorithmOf(parsed(identifier('1.2.840.10045.4.3.4294967298'))),
    )
  })
})

describe('signatureAlgorithmOf: RSASSA-PSS parameters (RFC 4055 §3.1)', () => {
  const good = SIGNATURE_ALGORITHMS['rsa-pss-sha256'].identifierDer
  const sha1 = identifier('1.3.14.3.2.26', encodeNull())
  const sha512 = identifier(OID.sha512, encodeNull())

  it('accepts digests with absent parameters', () => {
    const withoutHashNull = editDer(good, [1, 0, 0, 1], () => [])
    const withoutBoth = editDer(withoutHashNull, [1, 1, 0, 1, 1], () => [])
    for (const der of [withoutHashNull, withoutBoth]) {
      expect(signatureAlgorithmOf(parsed(der)).name).toBe('rsa-pss-sha256')
    }
  })

  it.each([
    ['no fields, which is SHA-1 everywhere', editDer(good, [1], () => encodeSequence())],
    ['no digest, which is SHA-1', editDer(good, [1, 0], () => [])],
    ['no mask, which is SHA-1', editDer(good, [1, 1], () => [])],
    ['no salt length, which is 20', editDer(good, [1, 2], () => [])],
    ['SHA-1', editDer(good, [1, 0, 0], () => sha1)],
    ['SHA-1 in its mask', editDer(good, [1, 1, 0, 1], () => sha1)],
    ['another digest in its mask', editDer(good, [1, 1, 0, 1], () => sha512)],
    ['another mask than MGF1', editDer(good, [1, 1, 0, 0], () => encodeObjectIdentifier('1.2.3'))],
    ['a mask without a digest', editDer(good, [1, 1, 0, 1], () => [])],
    ['a salt of no octets', editDer(good, [1, 2, 0], () => encodeInteger(0))],
    ['a salt of 20 octets', editDer(good, [1, 2, 0], () => encodeInteger(20))],
    ['a salt of 33 octets', editDer(good, [1, 2, 0], () => encodeInteger(33))],
  ])('refuses %s', (_, der) => {
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => signatureAlgorithmOf(parsed(der)))
  })

  it.each([
    [
      'a trailer field, even with its default',
      editDer(good, [1, 2], (salt) => [salt, encodeContext(3, encodeInteger(1))]),
      'ERR_DER_TRAILING_DATA',
    ],
    ['parameters of another type', editDer(good, [1], () => encodeNull()), 'ERR_DER_TAG'],
    ['a second digest', editDer(good, [1, 0, 0], (hash) => [hash, hash]), 'ERR_DER_TRAILING_DATA'],
    ['a second mask', editDer(good, [1, 1, 0], (mask) => [mask, mask]), 'ERR_DER_TRAILING_DATA'],
    ['a second salt length', editDer(good, [1, 2, 0], (salt) => [salt, salt]), 'ERR_DER_TRAILING_DATA'],
    ['a negative salt length', editDer(good, [1, 2, 0], () => fromHex('0201ff')), 'ERR_DER_NON_CANONICAL'],
    [
      'a digest with odd parameters',
      editDer(good, [1, 0, 0, 1], () => encodeOctetString(Uint8Array.of(1))),
      'ERR_DER_NON_CANONICAL',
    ],
  ] as const)('refuses %s', (_, der, code) => {
    expectCode(code, () => signatureAlgorithmOf(parsed(der)))
  })
})

describe('digestOf', () => {
  it.each(['sha256', 'sha384', 'sha512'] as const)(
    'knows %s with NULL or absent parameters (RFC 5754 §2)',
    (digest) => {
      expect(digestOf(parsed(identifier(DIGESTS[digest].oid)))).toBe(digest)
      expect(digestOf(parsed(identifier(DIGESTS[digest].oid, encodeNull())))).toBe(digest)
      expect(toHex(digestIdentifierDer(digest))).toBe(toHex(identifier(DIGESTS[digest].oid)))
    },
  )

  it.each([
    ['MD5', '1.2.840.113549.2.5'],
    ['SHA-1', '1.3.14.3.2.26'],
    ['SHA-224', '2.16.840.1.101.3.4.2.4'],
    ['SHA3-256', '2.16.840.1.101.3.4.2.8'],
  ])('refuses %s', (_, oid) => {
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => digestOf(parsed(identifier(oid))))
  })
})

describe('requireFamily', () => {
  it('passes the family of the key and refuses every other', () => {
    for (const algorithm of Object.values(SIGNATURE_ALGORITHMS)) {
      for (const family of ['ec', 'rsa', 'ed25519', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
        if (family === algorithm.family) requireFamily(algorithm, family)
        else expectCode('ERR_ALGORITHM_MISMATCH', () => requireFamily(algorithm, family))
      }
    }
  })
})

describe('keyAlgorithmNamed', () => {
  it('knows every name, and each signs with its own family', () => {
    for (const [name, algorithm] of Object.entries(KEY_ALGORITHMS)) {
      expect(keyAlgorithmNamed(name)).toBe(algorithm)
      expect(SIGNATURE_ALGORITHMS[algorithm.signature].family).toBe(algorithm.family)
    }
  })

  it.each(['', 'P256', 'p521', 'rsa1024', 'constructor', '__proto__'])('refuses %j', (name) => {
    expectCode('ERR_CONFIG_INVALID', () => keyAlgorithmNamed(name))
  })
})
