/**
 * Public keys: checked against the allow-list before any arithmetic, then held as KeyObjects.
 *
 * @module crypto/public-key (floor 2)
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { DerReader, encodePem, equalBytes, KEY_LIMITS, OID } from '../asn1/index.js'
import { EncodingError, isSignetError, TrustError } from '../errors/index.js'
import {
  KEY_ALGORITHMS,
  type KeyAlgorithm,
  type KeyFamily,
  readAlgorithmIdentifier,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  type VerifyingAlgorithm,
} from './algorithms.js'
import { isOnCurve } from './curve-point.js'
import { type CurveName, CURVES, isCurveName } from './curves.js'
import { digestOctets } from './digest.js'
import { weaknessOf } from './weak-rsa.js'

/** A public key that can verify; wider than the allow-list (`crypto/weak`). */
export interface VerifyingKey {
  readonly family: VerifyingAlgorithm['family']
  /** The name for people: `p256`, `rsa3072`, `ml-dsa-65`. */
  readonly name: string
  /** SubjectPublicKeyInfo. */
  readonly spkiDer: Uint8Array
  readonly keyObject: KeyObject
}

/** A public key that is on the allow-list. */
export interface PublicKey extends VerifyingKey {
  readonly family: KeyFamily
  /** What signet itself signs with such a key. */
  readonly algorithm: KeyAlgorithm
}

/** The curves by their identifiers (RFC 5480 §2.1.1.1). */
const CURVE_NAMES: ReadonlyMap<string, CurveName> = new Map(
  (Object.keys(CURVES) as CurveName[]).map((name) => [CURVES[name].oid, name]),
)

/** RFC 8410 §4 and RFC 9881 §4: no parameters, keys of one length. */
const FIXED: ReadonlyMap<
  string,
  { readonly name: 'ed25519' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87'; readonly octets: number }
> = new Map([
  [OID.ed25519, { name: 'ed25519', octets: 32 }],
  [OID.mlDsa44, { name: 'ml-dsa-44', octets: 1312 }],
  [OID.mlDsa65, { name: 'ml-dsa-65', octets: 1952 }],
  [OID.mlDsa87, { name: 'ml-dsa-87', octets: 2592 }],
])

const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 4096

/**
 * Parse a SubjectPublicKeyInfo.
 *
 * Checks kind, size, named curve, point length and RSA exponent before OpenSSL sees the key; OpenSSL then checks that
 * a point is on its curve. RSA moduli of two kinds that can be factored are refused; others may be weak, too.
 *
 * @throws {@link TrustError} `ERR_KEY_NOT_ALLOWED`
 * @throws {@link EncodingError} `ERR_KEY_MALFORMED` and the DER codes
 */
export function parsePublicKey(spkiDer: Uint8Array): PublicKey {
  const { family, name, algorithm } = classify(spkiDer)
  let keyObject: KeyObject
  try {
    keyObject = publicKeyObject(spkiDer)
  } catch (cause) {
    throw new TrustError('ERR_KEY_NOT_ALLOWED', `the public key is not a valid ${name} key`, { cause })
  }
  return { family, name, algorithm, spkiDer, keyObject }
}

/**
 * As {@link parsePublicKey}, with the same checks, for a key that may never be verified with: OpenSSL makes the KeyObject
 * of a key on a curve when it is first asked for, which takes longer than all the checks.
 *
 * @throws as {@link parsePublicKey}
 */
export function parsePublicKeyForLater(spkiDer: Uint8Array): PublicKey {
  const { family, name, algorithm } = classify(spkiDer)
  if (!isCurveName(name)) return parsePublicKey(spkiDer)
  // A SubjectPublicKeyInfo ends with the point.
  if (!isOnCurve(name, spkiDer.subarray(-CURVES[name].pointOctets))) {
    throw new TrustError('ERR_KEY_NOT_ALLOWED', `the public key is not a valid ${name} key`)
  }
  return publicKeyForLater({ family, name, algorithm }, spkiDer)
}

/** A key that is known to be valid. Its KeyObject is made when somebody verifies with it. */
export function publicKeyForLater(classified: Classified, spkiDer: Uint8Array): PublicKey {
  let keyObject: KeyObject | undefined
  return {
    ...classified,
    spkiDer,
    get keyObject() {
      return (keyObject ??= publicKeyObject(spkiDer))
    },
  }
}

/**
 * OpenSSL's form of a SubjectPublicKeyInfo, of which the form was checked.
 *
 * As text: of an object with DER in it, Node first asks whether it is a KeyObject or a CryptoKey, by errors that it throws
 * and catches, which takes longer than all the rest.
 */
export function publicKeyObject(spkiDer: Uint8Array): KeyObject {
  return createPublicKey(encodePem('PUBLIC KEY', spkiDer))
}

/** The public half of a KeyObject, private or public. */
export function publicKeyOf(keyObject: KeyObject): PublicKey {
  const half = keyObject.type === 'private' ? createPublicKey(keyObject) : keyObject
  return parsePublicKey(new Uint8Array(half.export({ format: 'der', type: 'spki' })))
}

/**
 * Key identifier: the leftmost 160 bits of the SHA-256 of the BIT STRING's octets (RFC 7093 §2 (1)).
 */
export function keyIdentifierOf(key: PublicKey): Uint8Array {
  if (isCurveName(key.name)) return leftmost(key.spkiDer.subarray(-CURVES[key.name].pointOctets))
  const reader = DerReader.over(key.spkiDer, KEY_LIMITS).sequence()
  readAlgorithmIdentifier(reader)
  return leftmost(reader.octetBitString())
}

function leftmost(bits: Uint8Array): Uint8Array {
  return digestOctets('sha256', bits).slice(0, 20)
}

/** Whether two public keys are the same key: their SubjectPublicKeyInfo octets are equal. */
export function samePublicKey(a: PublicKey, b: PublicKey): boolean {
  return equalBytes(a.spkiDer, b.spkiDer)
}

/** The signature algorithm that signet uses with this key. */
export function defaultSignature(key: PublicKey): SignatureAlgorithm {
  return SIGNATURE_ALGORITHMS[key.algorithm.signature]
}

interface Classified {
  readonly family: KeyFamily
  readonly name: string
  readonly algorithm: KeyAlgorithm
}

function classify(spkiDer: Uint8Array): Classified {
  try {
    const reader = DerReader.over(spkiDer, KEY_LIMITS)
    const fields = reader.sequence()
    reader.finish()
    const identifier = readAlgorithmIdentifier(fields)
    const bits = fields.octetBitString()
    fields.finish()
    if (identifier.oid === OID.ecPublicKey) return classifyEc(identifier.parametersDer, bits)
    if (identifier.oid === OID.rsaEncryption) return classifyRsa(identifier.parametersDer, bits)
    const fixed = FIXED.get(identifier.oid)
    if (fixed === undefined) throw refused(`public keys of the kind ${identifier.oid} are not allowed`)
    if (identifier.parametersDer !== undefined) throw refused(`a ${fixed.name} key has no parameters`)
    if (bits.length !== fixed.octets) throw refused(`a ${fixed.name} key has ${fixed.octets} octets`)
    return { family: fixed.name, name: fixed.name, algorithm: KEY_ALGORITHMS[fixed.name] }
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding') {
      throw new EncodingError('ERR_KEY_MALFORMED', `a public key is malformed: ${error.message}`, { cause: error })
    }
    // Whoever brings such a key is refused; nobody else is held up by it.
    if (isSignetError(error) && error.category === 'limit')
      throw refused(`the public key is too large: ${error.message}`)
    throw error
  }
}

function classifyEc(parametersDer: Uint8Array | undefined, point: Uint8Array): Classified {
  // Explicit curve parameters are a SEQUENCE here; only named curves are read (CVE-2020-0601).
  if (parametersDer?.[0] !== 0x06) throw refused('an EC key names its curve')
  const name = CURVE_NAMES.get(DerReader.over(parametersDer, KEY_LIMITS).oid())
  if (name === undefined) throw refused('EC keys are on P-256 or P-384')
  // RFC 5480 §2.2: 0x04 and two coordinates.
  if (point.length !== CURVES[name].pointOctets || point[0] !== 0x04) throw refused('an EC point is uncompressed')
  return { family: 'ec', name, algorithm: KEY_ALGORITHMS[name] }
}

function classifyRsa(parametersDer: Uint8Array | undefined, bits: Uint8Array): Classified {
  // RFC 3279 §2.3.1: parameters NULL.
  if (parametersDer?.length !== 2 || parametersDer[0] !== 0x05) throw refused('an RSA key has NULL parameters')
  const reader = DerReader.over(bits, KEY_LIMITS)
  const fields = reader.sequence()
  reader.finish()
  const modulus = unsigned(fields.integer())
  const exponent = unsigned(fields.integer())
  fields.finish()
  const bitLength = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  if (bitLength < MIN_RSA_BITS || bitLength > MAX_RSA_BITS) {
    throw refused(`RSA keys have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, this one ${bitLength}`)
  }
  if (bitLength % 8 !== 0 || ((modulus.at(-1) ?? 0) & 1) === 0) throw refused('the RSA modulus is not usable')
  const weakness = weaknessOf(modulus)
  if (weakness !== undefined) throw refused(`the RSA modulus can be factored: ${weakness}`)
  // FIPS 186-5 §A.1.1: odd, above 2^16; longer than 64 bits only slows verification down.
  const small =
    exponent.length < 3 || (exponent.length === 3 && exponent[0] === 1 && exponent[1] === 0 && exponent[2] === 0)
  if (small || exponent.length > 8 || ((exponent.at(-1) ?? 0) & 1) === 0) {
    throw refused('the RSA exponent is odd, 65537 or above, and at most 64 bits long')
  }
  const algorithm =
    bitLength < 3072 ? KEY_ALGORITHMS.rsa2048 : bitLength < 4096 ? KEY_ALGORITHMS.rsa3072 : KEY_ALGORITHMS.rsa4096
  return { family: 'rsa', name: `rsa${bitLength}`, algorithm }
}

/** The magnitude of a positive INTEGER. */
function unsigned(integer: Uint8Array): Uint8Array {
  if ((integer[0] ?? 0x80) >= 0x80) throw refused('an RSA number is positive')
  return integer[0] === 0 ? integer.subarray(1) : integer
}

function refused(message: string): TrustError {
  return new TrustError('ERR_KEY_NOT_ALLOWED', message, {
    hint: 'use P-256, P-384, Ed25519, RSA of 2048 to 4096 bits, or ML-DSA',
  })
}
