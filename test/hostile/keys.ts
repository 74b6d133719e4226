/**
 * Private keys that are the same in every run, so that a seed yields the same octets.
 *
 * Ed25519 also signs the same way each time. Of the others, signatures differ from run to run.
 *
 * @module test/hostile/keys
 */
import { createPrivateKey, hash, type KeyObject } from 'node:crypto'
import {
  encodeContextPrimitive,
  encodeInteger,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  OID,
} from '../../src/asn1/index.js'
import { generatePrivateKey, type KeyAlgorithmName, MemoryKeyProvider } from '../../src/crypto/index.js'

/** The key of an owner. RSA keys are new in every run: making the same one again would take its primes. */
export function fixedPrivateKey(owner: string, algorithm: KeyAlgorithmName = 'ed25519'): KeyObject {
  const secret = hash('sha256', `${algorithm} ${owner}`, 'buffer')
  switch (algorithm) {
    case 'ed25519':
      return pkcs8(encodeSequence(encodeObjectIdentifier(OID.ed25519)), encodeOctetString(secret))
    case 'ml-dsa-44':
      return pkcs8(encodeSequence(encodeObjectIdentifier(OID.mlDsa44)), encodeContextPrimitive(0, secret))
    case 'p256':
      return pkcs8(
        encodeSequence(encodeObjectIdentifier(OID.ecPublicKey), encodeObjectIdentifier(OID.prime256v1)),
        encodeSequence(encodeInteger(1), encodeOctetString(secret)),
      )
    default:
      return generatePrivateKey(algorithm)
  }
}

/** As {@link fixedPrivateKey}, ready to sign. */
export function fixedKey(owner: string, algorithm: KeyAlgorithmName = 'ed25519'): MemoryKeyProvider {
  return new MemoryKeyProvider(fixedPrivateKey(owner, algorithm))
}

function pkcs8(algorithmDer: Uint8Array, privateKey: Uint8Array): KeyObject {
  const der = encodeSequence(encodeInteger(0), algorithmDer, encodeOctetString(privateKey))
  return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
}
