export { AEAD_KEY_OCTETS, AEAD_NONCE_OCTETS, AEAD_TAG_OCTETS, openContent, type Sealed, sealContent } from './aead.js'
export {
  type AlgorithmIdentifier,
  type DigestName,
  DIGESTS,
  digestIdentifierDer,
  digestOf,
  KEY_ALGORITHMS,
  type KeyAlgorithm,
  keyAlgorithmNamed,
  type KeyAlgorithmName,
  type KeyFamily,
  readAlgorithmIdentifier,
  requireFamily,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  signatureAlgorithmOf,
  USUAL_IDENTIFIERS,
  type SignatureAlgorithmName,
  type VerifyingAlgorithm,
} from './algorithms.js'
export { CommandKeyProvider } from './command-key-provider.js'
export { digestOctets, digestText, digestTextOctets } from './digest.js'
export {
  computeSharedSecret,
  decryptOaep,
  type DecryptionKey,
  deriveKey,
  encryptOaep,
  unwrapKey,
  wrapKey,
} from './key-establishment.js'
export { GeneratedKey, generatePrivateKey } from './generate-key.js'
export { KeyMaker } from './key-maker.js'
export { type KeyProvider, MemoryKeyProvider, openKeyFile } from './key-provider.js'
export {
  decodePrivateKey,
  encodePrivateKey,
  encryptPrivateKey,
  MAX_PBKDF2_ITERATIONS,
  MAX_SCRYPT_MEMORY,
  PBKDF2_ITERATIONS,
} from './pkcs8.js'
export {
  defaultSignature,
  keyIdentifierOf,
  parsePublicKey,
  parsePublicKeyForLater,
  type PublicKey,
  publicKeyOf,
  samePublicKey,
  type VerifyingKey,
} from './public-key.js'
export { Passphrase, SecretKey } from './secret.js'
export { computeSignature, type SignatureCheck, verifySignature } from './signature.js'
export { type SignatureAsker, SignaturePool, type SignaturePoolOptions } from './signature-pool.js'
export { type AlgorithmPolicy, parseVerifyingKey, verifyingAlgorithmOf } from './weak.js'
