/**
 * New keys. Of a key on a curve OpenSSL yields the two numbers, and PKCS #8 and SubjectPublicKeyInfo are written around
 * them here: having OpenSSL write them costs three times what making the key does.
 *
 * @module crypto/generate-key (floor 2)
 */
import { createECDH, createPrivateKey, type ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  encodeBitString,
  encodeContext,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  OID,
} from '../asn1/index.js'
import { KEY_ALGORITHMS, type KeyAlgorithmName } from './algorithms.js'
import { type CurveName, CURVES, isCurveName } from './curves.js'
import { PRIVATE_KEY_LABEL } from './pkcs8.js'
import { type PublicKey, publicKeyForLater, publicKeyOf } from './public-key.js'

/** A key pair that was just made. Nothing of the private half is printed by inspection or JSON. */
export class GeneratedKey {
  readonly publicKey: PublicKey
  readonly #privateKeyDer: () => Uint8Array
  #privateKey: KeyObject | undefined

  private constructor(publicKey: PublicKey, privateKeyDer: () => Uint8Array, privateKey?: KeyObject) {
    this.publicKey = publicKey
    this.#privateKeyDer = privateKeyDer
    this.#privateKey = privateKey
  }

  /** Generate a key from the system's random source. */
  static generate(algorithm: KeyAlgorithmName): GeneratedKey {
    if (isCurveName(algorithm)) {
      const { publicKey, privateKeyDer } = generateOnCurve(algorithm)
      return new GeneratedKey(publicKey, () => privateKeyDer)
    }
    const privateKey = generatePrivateKey(algorithm)
    const privateKeyDer = (): Uint8Array => privateKey.export({ format: 'der', type: 'pkcs8' })
    return new GeneratedKey(publicKeyOf(privateKey), privateKeyDer, privateKey)
  }

  /**
   * A key that another thread made.
   *
   * @param scalar - Copied. That the point belongs to it is not checked.
   */
  static ofNumbers(curve: CurveName, scalar: Uint8Array, point: Uint8Array): GeneratedKey {
    const { publicKey, privateKeyDer } = encodeCurveKey(curve, scalar, point)
    return new GeneratedKey(publicKey, () => privateKeyDer)
  }

  /** The private half, to sign or decrypt with. OpenSSL reads it when it is first asked for. */
  get privateKey(): KeyObject {
    this.#privateKey ??= createPrivateKey({ key: Buffer.from(this.#privateKeyDer()), format: 'der', type: 'pkcs8' })
    return this.#privateKey
  }

  /** The private half as unencrypted PKCS #8 PEM. The file that takes it must be secret. */
  toPem(): string {
    return encodePem(PRIVATE_KEY_LABEL, this.#privateKeyDer())
  }
}

/** Generate a new private key from the system's random source. */
export function generatePrivateKey(algorithm: KeyAlgorithmName): KeyObject {
  switch (algorithm) {
    case 'p256':
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: CURVES[algorithm].namedCurve }).privateKey
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey
    case 'rsa2048':
    case 'rsa3072':
    case 'rsa4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice(3)) }).privateKey
    case 'ml-dsa-44':
    case 'ml-dsa-65':
    case 'ml-dsa-87':
      return generateKeyPairSync(algorithm).privateKey
  }
}

/** A curve, and what stands around the numbers of its keys. */
interface Curve {
  readonly name: CurveName
  /** Used for one key after another: making it costs a quarter of making a key. */
  readonly ecdh: ECDH
  readonly scalarOctets: number
  /** SubjectPublicKeyInfo (RFC 5480) up to the point. */
  readonly spkiHead: Uint8Array
  /** PrivateKeyInfo (RFC 5958) around ECPrivateKey (RFC 5915) up to the scalar, and from there to the point. */
  readonly privateHead: Uint8Array
  readonly privateMiddle: Uint8Array
}

const curves = new Map<string, Curve>()

function curveOf(name: CurveName): Curve {
  let curve = curves.get(name)
  if (curve === undefined) curves.set(name, (curve = makeCurve(name)))
  return curve
}

function makeCurve(name: CurveName): Curve {
  const { namedCurve, oid, scalarOctets, pointOctets } = CURVES[name]
  const [scalar, point] = [new Uint8Array(scalarOctets), new Uint8Array(pointOctets)]
  const algorithm = encodeSequence(encodeObjectIdentifier(OID.ecPublicKey), encodeObjectIdentifier(oid))
  const spki = encodeSequence(algorithm, encodeBitString(point))
  const publicPart = encodeContext(1, encodeBitString(point))
  const ecPrivateKey = encodeSequence(encodeInteger(1), encodeOctetString(scalar), publicPart)
  const whole = encodeSequence(encodeInteger(0), algorithm, encodeOctetString(ecPrivateKey))
  return {
    name,
    ecdh: createECDH(namedCurve),
    scalarOctets,
    spkiHead: spki.slice(0, -point.length),
    privateHead: whole.slice(0, -(publicPart.length + scalarOctets)),
    privateMiddle: publicPart.slice(0, -point.length),
  }
}

function generateOnCurve(name: CurveName): { publicKey: PublicKey; privateKeyDer: Uint8Array } {
  const curve = curveOf(name)
  const point = curve.ecdh.generateKeys()
  return encodeCurveKey(name, curve.ecdh.getPrivateKey(), point)
}

/**
 * What stands for a key on a curve: octet by octet what OpenSSL writes.
 *
 * @param scalar - At most as long as the curve's; shorter, it lacks leading zeros.
 * @param point - Uncompressed. That it belongs to the scalar, and lies on the curve, is not checked.
 */
export function encodeCurveKey(
  name: CurveName,
  scalar: Uint8Array,
  point: Uint8Array,
): { publicKey: PublicKey; privateKeyDer: Uint8Array } {
  const { spkiHead, privateHead, privateMiddle, scalarOctets } = curveOf(name)
  const spkiDer = new Uint8Array(spkiHead.length + point.length)
  spkiDer.set(spkiHead)
  spkiDer.set(point, spkiHead.length)
  const middle = privateHead.length + scalarOctets
  const privateKeyDer = new Uint8Array(middle + privateMiddle.length + point.length)
  privateKeyDer.set(privateHead)
  // OpenSSL yields the number without leading zeros; RFC 5915 §3 writes it in full length.
  privateKeyDer.set(scalar, middle - scalar.length)
  privateKeyDer.set(privateMiddle, middle)
  privateKeyDer.set(point, middle + privateMiddle.length)
  const classified = { family: 'ec', name, algorithm: KEY_ALGORITHMS[name] } as const
  return { publicKey: publicKeyForLater(classified, spkiDer), privateKeyDer }
}
