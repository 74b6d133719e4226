/**
 * What is off the allow-list and can still be verified by whoever says so: for archives of old signatures, and for
 * measuring against the test vectors of others. Nothing here signs.
 *
 * @module crypto/weak (floor 2)
 */
import type { KeyObject } from 'node:crypto'
import { DerReader, KEY_LIMITS, OID, TAG } from '../asn1/index.js'
import { isSignetError, TrustError } from '../errors/index.js'
import {
  type AlgorithmIdentifier,
  readAlgorithmIdentifier,
  signatureAlgorithmOf,
  type VerifyingAlgorithm,
} from './algorithms.js'
import { parsePublicKey, publicKeyObject, type VerifyingKey } from './public-key.js'
import { weaknessOf } from './weak-rsa.js'

/**
 * Which algorithms and keys count: those of the allow-list, or also SHA-1 and SHA-224, DSA, RSA from 1024 to 16384 bits,
 * and the curves P-192, P-224, P-521, secp256k1 and Ed448. MD5 never does.
 */
export type AlgorithmPolicy = 'listed' | 'allow-weak'

function weak(name: string, family: VerifyingAlgorithm['family'], digest: VerifyingAlgorithm['digest']) {
  return { name, family, digest, pss: false } as const satisfies VerifyingAlgorithm
}

/** RFC 3279 §2.2, RFC 5758 §3, RFC 8410 §3. */
const WEAK_SIGNATURES: ReadonlyMap<string, VerifyingAlgorithm> = new Map([
  [OID.sha1WithRsa, weak('rsa-sha1', 'rsa', 'sha1')],
  [OID.sha224WithRsa, weak('rsa-sha224', 'rsa', 'sha224')],
  [OID.ecdsaWithSha1, weak('ecdsa-sha1', 'ec', 'sha1')],
  [OID.ecdsaWithSha224, weak('ecdsa-sha224', 'ec', 'sha224')],
  [OID.dsaWithSha1, weak('dsa-sha1', 'dsa', 'sha1')],
  [OID.dsaWithSha224, weak('dsa-sha224', 'dsa', 'sha224')],
  [OID.dsaWithSha256, weak('dsa-sha256', 'dsa', 'sha256')],
  [OID.ed448, weak('ed448', 'ed448', null)],
])

/** OpenSSL's own name of a key's kind → family. */
const WEAK_FAMILIES: Readonly<Record<string, VerifyingKey['family']>> = {
  rsa: 'rsa',
  ec: 'ec',
  dsa: 'dsa',
  ed448: 'ed448',
}

const WEAK_CURVES: ReadonlySet<string> = new Set([
  'prime192v1',
  'secp224r1',
  'prime256v1',
  'secp384r1',
  'secp521r1',
  'secp256k1',
])

/**
 * The signature algorithm that an AlgorithmIdentifier names, under a policy.
 *
 * @throws {@link TrustError} `ERR_ALGORITHM_NOT_ALLOWED`
 */
export function verifyingAlgorithmOf(found: AlgorithmIdentifier, policy: AlgorithmPolicy): VerifyingAlgorithm {
  const known = policy === 'allow-weak' ? WEAK_SIGNATURES.get(found.oid) : undefined
  return known !== undefined && hasNoParameters(found, known) ? known : signatureAlgorithmOf(found)
}

/**
 * Parse a SubjectPublicKeyInfo for verifying, under a policy.
 *
 * @throws {@link TrustError} `ERR_KEY_NOT_ALLOWED`
 * @throws {@link EncodingError} `ERR_KEY_MALFORMED`
 */
export function parseVerifyingKey(spkiDer: Uint8Array, policy: AlgorithmPolicy): VerifyingKey {
  try {
    return parsePublicKey(spkiDer)
  } catch (error) {
    if (policy === 'listed' || !isSignetError(error) || error.code !== 'ERR_KEY_NOT_ALLOWED') throw error
    const key = weakKey(spkiDer)
    if (key === undefined) throw error
    return key
  }
}

function weakKey(spkiDer: Uint8Array): VerifyingKey | undefined {
  if (spkiDer.length > KEY_LIMITS.maxBytes || !isInForm(spkiDer)) return undefined
  let keyObject: KeyObject
  try {
    keyObject = publicKeyObject(spkiDer)
  } catch (cause) {
    throw new TrustError('ERR_KEY_NOT_ALLOWED', 'the public key is not a valid key', { cause })
  }
  const kind = keyObject.asymmetricKeyType ?? ''
  const family = Object.hasOwn(WEAK_FAMILIES, kind) ? WEAK_FAMILIES[kind] : undefined
  const { namedCurve, modulusLength } = keyObject.asymmetricKeyDetails ?? {}
  if (family === undefined) return undefined
  if (family === 'ec' && !WEAK_CURVES.has(namedCurve ?? '')) return undefined
  if (family === 'rsa' && !isBetween(modulusLength, 1024, 16_384)) return undefined
  if (family === 'dsa' && !isBetween(modulusLength, 1024, 4096)) return undefined
  return { family, name: `${namedCurve ?? kind}${modulusLength ?? ''}`, spkiDer, keyObject }
}

/** What is weak may be short or on another curve; its encoding is held to the same form (RFC 3279 §2.3, RFC 8410 §3). */
function isInForm(spkiDer: Uint8Array): boolean {
  const reader = DerReader.over(spkiDer, KEY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  const { oid, parametersDer } = readAlgorithmIdentifier(fields)
  const bits = fields.octetBitString()
  fields.finish()
  if (oid === OID.ecPublicKey) return parametersDer?.[0] === TAG.oid && bits[0] === 0x04
  if (oid === OID.ed448) return parametersDer === undefined
  if (oid === OID.dsa) return true
  if (oid !== OID.rsaEncryption || parametersDer?.length !== 2 || parametersDer[0] !== TAG.null) return false
  const numbers = DerReader.over(bits, KEY_LIMITS)
  const key = numbers.sequence()
  numbers.finish()
  const modulus = key.integer()
  const exponent = key.integer()
  key.finish()
  // Short is weak; what can be factored at once is nobody's.
  if (weaknessOf(modulus) !== undefined) return false
  return isPositiveAndOdd(modulus) && isPositiveAndOdd(exponent) && !(exponent.length === 1 && exponent[0] === 1)
}

function isPositiveAndOdd(integer: Uint8Array): boolean {
  return (integer[0] ?? 0x80) < 0x80 && ((integer.at(-1) ?? 0) & 1) === 1
}

function isBetween(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && value >= least && value <= most
}

/** NULL or absent for RSA (RFC 4055 §5), absent for all others (RFC 5758 §3). */
function hasNoParameters({ parametersDer }: AlgorithmIdentifier, { family }: VerifyingAlgorithm): boolean {
  if (parametersDer === undefined) return true
  return family === 'rsa' && parametersDer.length === 2 && parametersDer[0] === TAG.null
}
