/**
 * Private keys in PKCS #8 (RFC 5958), encrypted with PBES2 (RFC 8018 §6.2): AES-256-CBC under PBKDF2 or scrypt.
 *
 * @module crypto/pkcs8 (floor 2)
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
  scryptSync,
} from 'node:crypto'
import {
  DerReader,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  equalBytes,
  KEY_LIMITS,
  OID,
  parsePemBlock,
  TAG,
} from '../asn1/index.js'
import { EncodingError, isSignetError, LimitError, StoreError } from '../errors/index.js'
import { type AlgorithmIdentifier, type DigestName, readAlgorithmIdentifier } from './algorithms.js'
import { defaultSignature, publicKeyOf } from './public-key.js'
import type { Passphrase } from './secret.js'
import { computeSignature, verifySignature } from './signature.js'

/** OWASP's figure for PBKDF2-HMAC-SHA256; OpenSSL, GnuTLS, Go and Java read it. */
export const PBKDF2_ITERATIONS = 600_000
/** Reading refuses more: about four seconds of work. */
export const MAX_PBKDF2_ITERATIONS = 10_000_000
/** Reading refuses scrypt parameters that need more memory than 256 MiB. */
export const MAX_SCRYPT_MEMORY = 256 * 1024 * 1024
const MAX_SCRYPT_PARALLEL = 16
/** Memory times passes: some three seconds of work. */
const MAX_SCRYPT_WORK = 1024 * 1024 * 1024
/** Below these, a stolen file is soon opened (CVE-2018-5382): such files are refused as weak. */
const MIN_PBKDF2_ITERATIONS = 1000
const SALT_OCTETS = 16
const MAX_SALT_OCTETS = 1024

export const PRIVATE_KEY_LABEL = 'PRIVATE KEY'
const ENCRYPTED_LABEL = 'ENCRYPTED PRIVATE KEY'

/** A private key as unencrypted PKCS #8 PEM. The file that takes it must be secret. */
export function encodePrivateKey(privateKey: KeyObject): string {
  return privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
}

/** A private key as PKCS #8 PEM, encrypted with PBKDF2-HMAC-SHA256 ({@link PBKDF2_ITERATIONS}) and AES-256-CBC. */
export function encryptPrivateKey(privateKey: KeyObject, passphrase: Passphrase): string {
  const salt = randomBytes(SALT_OCTETS)
  const iv = randomBytes(16)
  const key = passphrase.use((bytes) => pbkdf2Sync(bytes, salt, PBKDF2_ITERATIONS, 32, 'sha256'))
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const plain = privateKey.export({ format: 'der', type: 'pkcs8' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  key.fill(0)
  const kdf = encodeSequence(
    encodeObjectIdentifier(OID.pbkdf2),
    encodeSequence(
      encodeOctetString(salt),
      encodeInteger(PBKDF2_ITERATIONS),
      encodeSequence(encodeObjectIdentifier(OID.hmacWithSha256), encodeNull()),
    ),
  )
  const scheme = encodeSequence(encodeObjectIdentifier(OID.aes256Cbc), encodeOctetString(iv))
  const pbes2 = encodeSequence(encodeObjectIdentifier(OID.pbes2), encodeSequence(kdf, scheme))
  return encodePem(ENCRYPTED_LABEL, encodeSequence(pbes2, encodeOctetString(encrypted)))
}

/**
 * Read a private key from PKCS #8 PEM, encrypted or not.
 *
 * @param passphrase - For an encrypted key; ignored for one that is not.
 * @throws {@link StoreError} `ERR_KEY_PASSPHRASE` (wrong or none), `ERR_KEY_FORMAT_WEAK` (traditional PEM, PBES1, low cost)
 * @throws {@link LimitError} `ERR_KDF_COST`
 * @throws {@link EncodingError} `ERR_KEY_MALFORMED`, `ERR_PEM_*`
 * @throws {@link TrustError} `ERR_KEY_NOT_ALLOWED`
 */
export function decodePrivateKey(pem: string, passphrase?: Passphrase): KeyObject {
  if (/^(Proc-Type|DEK-Info):/m.test(pem)) {
    throw weak('the private key is encrypted in the traditional PEM way, with MD5')
  }
  const block = parsePemBlock(pem, PRIVATE_KEY_LABEL, ENCRYPTED_LABEL, 'EC PRIVATE KEY', 'RSA PRIVATE KEY')
  if (block.label !== ENCRYPTED_LABEL) return importPrivateKey(block.der, block.label)
  if (passphrase === undefined) {
    throw new StoreError('ERR_KEY_PASSPHRASE', 'the private key is encrypted and no passphrase was given', {
      hint: 'name a file that holds it with --passphrase-file',
    })
  }
  return importPrivateKey(decrypt(block.der, passphrase), PRIVATE_KEY_LABEL)
}

function importPrivateKey(der: Uint8Array, label: string): KeyObject {
  const type = label === 'EC PRIVATE KEY' ? 'sec1' : label === 'RSA PRIVATE KEY' ? 'pkcs1' : 'pkcs8'
  let privateKey: KeyObject
  try {
    // OpenSSL reads the first value and never looks at what follows it.
    const reader = DerReader.over(der, KEY_LIMITS)
    reader.element(TAG.sequence)
    reader.finish()
    privateKey = createPrivateKey({ key: Buffer.from(der), format: 'der', type })
  } catch (error) {
    if (error instanceof LimitError) throw error
    // The cause may quote the key; it is dropped.
    throw new EncodingError('ERR_KEY_MALFORMED', 'the private key is malformed')
  }
  requireWhole(privateKey)
  return privateKey
}

const PROBE = Buffer.from('signet key probe')

/**
 * An EC key file states its public key beside the secret, and OpenSSL does not compare them: what such a key signs would
 * never verify.
 */
function requireWhole(privateKey: KeyObject): void {
  const publicKey = publicKeyOf(privateKey)
  const algorithm = defaultSignature(publicKey)
  let signature: Uint8Array
  try {
    signature = computeSignature(algorithm, privateKey, PROBE)
  } catch {
    // OpenSSL looks at the parts of a key only when it signs. The cause may quote them; it is dropped.
    throw new EncodingError('ERR_KEY_MALFORMED', 'the private key cannot sign')
  }
  if (!verifySignature(algorithm, publicKey, PROBE, signature)) {
    throw new EncodingError('ERR_KEY_MALFORMED', 'the private key contradicts the public key that stands beside it')
  }
}

function decrypt(der: Uint8Array, passphrase: Passphrase): Uint8Array {
  const { scheme, encrypted } = readEncrypted(der)
  const { cipher, keyOctets, iv, deriveKey } = scheme
  const key = passphrase.use((bytes) => deriveKey(bytes, keyOctets))
  try {
    const decipher = createDecipheriv(cipher, key, iv)
    const plain = Buffer.concat([decipher.update(encrypted), decipher.final()])
    // A wrong key passes the padding check once in 256 times: the result must also be PKCS #8.
    DerReader.over(plain, KEY_LIMITS).sequence().smallInteger(1)
    return plain
  } catch {
    throw new StoreError('ERR_KEY_PASSPHRASE', 'the passphrase of the private key is wrong', {
      hint: 'check the passphrase file',
    })
  } finally {
    key.fill(0)
  }
}

interface Scheme {
  readonly cipher: 'aes-256-cbc' | 'aes-128-cbc'
  readonly keyOctets: number
  readonly iv: Uint8Array
  readonly deriveKey: (passphrase: Buffer, octets: number) => Buffer
}

function readEncrypted(der: Uint8Array): { scheme: Scheme; encrypted: Uint8Array } {
  try {
    const reader = DerReader.over(der, KEY_LIMITS)
    const info = reader.sequence()
    reader.finish()
    const algorithm = readAlgorithmIdentifier(info)
    const encrypted = info.octetString()
    info.finish()
    if (algorithm.oid !== OID.pbes2) throw weak('the private key is encrypted with something older than PBES2')
    return { scheme: readPbes2(parameters(algorithm)), encrypted }
  } catch (error) {
    if (isSignetError(error) && error.category === 'encoding') {
      throw new EncodingError('ERR_KEY_MALFORMED', `an encrypted private key is malformed: ${error.message}`, {
        cause: error,
      })
    }
    throw error
  }
}

function readPbes2(fields: DerReader): Scheme {
  const kdf = readAlgorithmIdentifier(fields)
  const encryption = readAlgorithmIdentifier(fields)
  fields.finish()
  const cipher =
    encryption.oid === OID.aes256Cbc ? 'aes-256-cbc' : encryption.oid === OID.aes128Cbc ? 'aes-128-cbc' : undefined
  if (cipher === undefined || encryption.parametersDer === undefined)
    throw weak('the private key is not encrypted with AES')
  const iv = DerReader.over(encryption.parametersDer, KEY_LIMITS).octetString()
  if (iv.length !== 16) throw new EncodingError('ERR_KEY_MALFORMED', 'an AES initialization vector has 16 octets')
  const keyOctets = cipher === 'aes-256-cbc' ? 32 : 16
  const deriveKey =
    kdf.oid === OID.pbkdf2
      ? readPbkdf2(parameters(kdf), keyOctets)
      : kdf.oid === OID.scrypt
        ? readScrypt(parameters(kdf), keyOctets)
        : undefined
  if (deriveKey === undefined) throw weak('the private key is protected by an unknown key derivation')
  return { cipher, keyOctets, iv, deriveKey }
}

const PRFS: ReadonlyMap<string, DigestName> = new Map([
  [OID.hmacWithSha256, 'sha256'],
  [OID.hmacWithSha384, 'sha384'],
  [OID.hmacWithSha512, 'sha512'],
])

function readPbkdf2(fields: DerReader, keyOctets: number): Scheme['deriveKey'] {
  const salt = readSalt(fields)
  const iterations = fields.smallInteger(2 ** 40)
  if (fields.peek() === TAG.integer) checkKeyLength(fields, keyOctets)
  // RFC 8018 §5.2: the default is HMAC-SHA-1.
  const prf = fields.atEnd ? undefined : readPrf(fields)
  fields.finish()
  if (prf === undefined) throw weak('the private key is protected by PBKDF2 with SHA-1 or an unknown function')
  if (iterations > MAX_PBKDF2_ITERATIONS) {
    throw new LimitError('ERR_KDF_COST', `the encrypted key asks for more than ${MAX_PBKDF2_ITERATIONS} iterations`, {
      details: { iterations: String(iterations) },
    })
  }
  if (iterations < MIN_PBKDF2_ITERATIONS) throw weak(`the private key is protected by ${iterations} iterations only`)
  return (passphrase, octets) => pbkdf2Sync(passphrase, salt, iterations, octets, prf)
}

function readPrf(fields: DerReader): DigestName | undefined {
  const { oid, parametersDer } = readAlgorithmIdentifier(fields)
  // RFC 8018 §B.1.2: NULL; some leave it out.
  if (parametersDer !== undefined && !equalBytes(parametersDer, encodeNull())) {
    throw new EncodingError('ERR_KEY_MALFORMED', 'a pseudorandom function has no parameters')
  }
  return PRFS.get(oid)
}

function readScrypt(fields: DerReader, keyOctets: number): Scheme['deriveKey'] {
  const salt = readSalt(fields)
  const cost = fields.smallInteger(2 ** 47)
  const blockSize = fields.smallInteger(2 ** 30)
  const parallelization = fields.smallInteger(2 ** 30)
  if (!fields.atEnd) checkKeyLength(fields, keyOctets)
  fields.finish()
  const memory = 128 * cost * blockSize
  if (
    memory > MAX_SCRYPT_MEMORY ||
    parallelization > MAX_SCRYPT_PARALLEL ||
    memory * parallelization > MAX_SCRYPT_WORK
  ) {
    throw new LimitError('ERR_KDF_COST', 'the encrypted key asks for more scrypt work than allowed', {
      details: { N: String(cost), r: String(blockSize), p: String(parallelization) },
    })
  }
  if (cost < 1024 || !Number.isInteger(Math.log2(cost)) || blockSize < 1 || parallelization < 1) {
    throw weak('the private key is protected by unusable scrypt parameters')
  }
  return (passphrase, octets) =>
    scryptSync(passphrase, salt, octets, {
      cost,
      blockSize,
      parallelization,
      maxmem: memory + 128 * blockSize * parallelization + 1024 * 1024,
    })
}

function readSalt(fields: DerReader): Uint8Array {
  const salt = fields.octetString()
  if (salt.length > MAX_SALT_OCTETS)
    throw new LimitError('ERR_KDF_COST', `a salt has at most ${MAX_SALT_OCTETS} octets`)
  if (salt.length < 8) throw weak('the private key is protected by a salt of less than 8 octets')
  return salt
}

function checkKeyLength(fields: DerReader, keyOctets: number): void {
  if (fields.smallInteger(2 ** 20) !== keyOctets) {
    throw new EncodingError('ERR_KEY_MALFORMED', 'the stated key length is not that of the cipher')
  }
}

function parameters(algorithm: AlgorithmIdentifier): DerReader {
  if (algorithm.parametersDer === undefined) throw new EncodingError('ERR_KEY_MALFORMED', 'parameters are missing')
  return DerReader.over(algorithm.parametersDer, KEY_LIMITS).sequence()
}

function weak(message: string): StoreError {
  return new StoreError('ERR_KEY_FORMAT_WEAK', message, {
    hint: 'convert it: openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 600000',
  })
}
