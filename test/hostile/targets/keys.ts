/**
 * Mutated keys: private ones, encrypted or not, and public ones.
 *
 * @module test/hostile/targets/keys
 */
import { createCipheriv, createPublicKey, pbkdf2Sync, scryptSync } from 'node:crypto'
import {
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  normalizeBer,
  OID,
} from '../../../src/asn1/index.js'
import {
  decodePrivateKey,
  defaultSignature,
  encodePrivateKey,
  keyIdentifierOf,
  parsePublicKey,
  Passphrase,
  publicKeyOf,
  verifySignature,
} from '../../../src/crypto/index.js'
import { attempt, Violation } from '../attempt.js'
import { fixedPrivateKey } from '../keys.js'
import { requireSame } from './round-trip.js'
import { derObjects, type Target } from './target.js'
import { refusable } from '../calls/read-all.js'
import { holders } from '../world.js'

/** What the documentation of `MAX_PBKDF2_ITERATIONS` and of scrypt's limits allows, on a machine half as fast. */
const KDF_CPU_LIMIT = 10_000

const SECRET = Buffer.from('secret')
const PASSPHRASE = new Passphrase(SECRET)
const privateKeys = (['ed25519', 'p256', 'rsa2048', 'ml-dsa-44'] as const).map((name) => fixedPrivateKey('a', name))
const plain = privateKeys.map((key) => new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })))
const spkis = privateKeys.map((key) => new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })))

const SALT = new Uint8Array(16).fill(3)
const IV = new Uint8Array(16).fill(4)
const oid = encodeObjectIdentifier

/** PBES2 with little work, so that the structure is what is tried. */
function encrypted(der: Uint8Array, kdf: 'pbkdf2' | 'scrypt'): Uint8Array {
  const key =
    kdf === 'pbkdf2' ? pbkdf2Sync(SECRET, SALT, 1000, 32, 'sha256') : scryptSync(SECRET, SALT, 32, { N: 1024 })
  const cipher = createCipheriv('aes-256-cbc', key, IV)
  const prf = encodeSequence(oid(OID.hmacWithSha256), encodeNull())
  const parameters =
    kdf === 'pbkdf2'
      ? encodeSequence(encodeOctetString(SALT), encodeInteger(1000), encodeInteger(32), prf)
      : encodeSequence(encodeOctetString(SALT), encodeInteger(1024), encodeInteger(8), encodeInteger(1))
  const algorithm = encodeSequence(oid(kdf === 'pbkdf2' ? OID.pbkdf2 : OID.scrypt), parameters)
  const scheme = encodeSequence(oid(OID.aes256Cbc), encodeOctetString(IV))
  return encodeSequence(
    encodeSequence(oid(OID.pbes2), encodeSequence(algorithm, scheme)),
    encodeOctetString(Buffer.concat([cipher.update(der), cipher.final()])),
  )
}

const encryptedKeys = plain.slice(0, 2).flatMap((der) => [encrypted(der, 'pbkdf2'), encrypted(der, 'scrypt')])

/** Which PEM says what is inside. */
function privateKeyTarget(name: string, label: string, originals: readonly Uint8Array[]): Target {
  return {
    name,
    weight: 2,
    ...derObjects(originals, [...plain, ...encryptedKeys]),
    check: async (bytes) => {
      const pem = encodePem(label, bytes)
      const { value } = await attempt('decodePrivateKey', () => decodePrivateKey(pem, PASSPHRASE), KDF_CPU_LIMIT)
      if (value === undefined) return 'refused'
      const again = decodePrivateKey(encodePrivateKey(value))
      requireSame('a private key', publicKeyOf(value).spkiDer, publicKeyOf(again).spkiDer)
      return 'parsed'
    },
  }
}

const publicKeyTarget: Target = {
  name: 'public key',
  weight: 2,
  ...derObjects(spkis, [holders.server.certificate.der]),
  check: async (bytes) => {
    const { value: key } = await attempt('parsePublicKey', () => parsePublicKey(bytes))
    if (key === undefined) return 'refused'
    requireSame('a public key', bytes, key.spkiDer)
    requireSame('a public key in OpenSSL', bytes, publicKeyOf(key.keyObject).spkiDer)
    if (keyIdentifierOf(key).length !== 20) throw new Violation('a key identifier has not 20 octets')
    const { value: valid } = await attempt('verifySignature', () =>
      verifySignature(defaultSignature(key), key, bytes, new Uint8Array(64)),
    )
    if (valid !== false) throw new Violation('zeros are a signature')
    return 'parsed'
  },
}

/** Whatever is taken for BER and written as DER stays as it is when that is done again. */
function berTarget(originals: readonly Uint8Array[]): Target {
  return {
    name: 'BER',
    weight: 3,
    ...derObjects(originals, []),
    check: async (bytes) => {
      const { value } = await attempt('normalizeBer', () => normalizeBer(bytes))
      if (value === undefined) return 'refused'
      requireSame('DER from BER', value, refusable(() => normalizeBer(value)) ?? new Uint8Array())
      return 'parsed'
    },
  }
}

function inOldForm(algorithm: 'p256' | 'rsa2048', type: 'sec1' | 'pkcs1'): Uint8Array {
  const options = { format: 'der', type } as const
  return new Uint8Array(fixedPrivateKey('a', algorithm).export(options))
}

export function keyTargets(ders: readonly Uint8Array[]): readonly Target[] {
  return [
    privateKeyTarget('private key', 'PRIVATE KEY', plain),
    privateKeyTarget('EC private key', 'EC PRIVATE KEY', [inOldForm('p256', 'sec1')]),
    privateKeyTarget('RSA private key', 'RSA PRIVATE KEY', [inOldForm('rsa2048', 'pkcs1')]),
    privateKeyTarget('encrypted private key', 'ENCRYPTED PRIVATE KEY', encryptedKeys),
    publicKeyTarget,
    berTarget(ders),
  ]
}
export const KEY_DERS: readonly Uint8Array[] = [...plain, ...encryptedKeys, ...spkis]
