import { execFileSync } from 'node:child_process'
import {
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  type KeyObject,
  pbkdf2Sync,
  scryptSync,
} from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import {
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodePem,
  encodeSequence,
  encodeValue,
  OID,
  parsePemBlock,
} from '../../src/asn1/index.js'
import {
  decodePrivateKey,
  encodePrivateKey,
  encryptPrivateKey,
  type KeyAlgorithmName,
  Passphrase,
} from '../../src/crypto/index.js'
import { privateKeyFor } from '../support/certificates.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'
import { editDer, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { outcomeOf } from '../support/only-signet-errors.js'
import { temporaryFolder } from '../support/temporary.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const PASSPHRASE = new Passphrase(Buffer.from('correct horse'))
const passphraseFile = join(folder, 'passphrase')
writeFileSync(passphraseFile, 'correct horse\n', { mode: 0o600 })

const privateKey = privateKeyFor('pkcs8', 'p256')
const plainDer = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }))
const plainHex = toHex(plainDer)

const derOf = (key: KeyObject): string => toHex(key.export({ format: 'der', type: 'pkcs8' }))
const pem = (der: Uint8Array): string => encodePem('PRIVATE KEY', der)
const encryptedPem = (der: Uint8Array): string => encodePem('ENCRYPTED PRIVATE KEY', der)
const openssl = (...argumentList: string[]): string =>
  execFileSync('openssl', argumentList, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

describe('encodePrivateKey', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-44', 'ml-dsa-87'] as const)(
    'round trip: a key of the kind %s',
    (name) => {
      const key = privateKeyFor('pkcs8', name)
      expect(derOf(decodePrivateKey(encodePrivateKey(key)))).toBe(derOf(key))
    },
  )
})

describe('encryptPrivateKey', () => {
  const encrypted = encryptPrivateKey(privateKey, PASSPHRASE)
  const path = file('ours.pem', encrypted)

  it('round trip: decodes with the passphrase', () => {
    expect(derOf(decodePrivateKey(encrypted, PASSPHRASE))).toBe(plainHex)
  })

  it('KEY-06: writes PBES2 with AES-256-CBC and PBKDF2-HMAC-SHA256 of 600000 iterations, as OpenSSL sees it', () => {
    const printed = openssl('asn1parse', '-in', path)
    const objects = [...printed.matchAll(/OBJECT\s+:(\S+)/g)].map((match) => match[1])
    expect(objects).toEqual(['PBES2', 'PBKDF2', 'hmacWithSHA256', 'aes-256-cbc'])
    // 600000 is 0927C0.
    expect([...printed.matchAll(/INTEGER\s+:(\S+)/g)].map((match) => match[1])).toEqual(['0927C0'])
    // A salt of 16 octets and an initialization vector of 16.
    expect([...printed.matchAll(/l=\s*16 prim: OCTET STRING/g)].length).toBe(2)
  })

  it.each(['p256', 'ed25519', 'rsa2048'] as const)('KEY-06: writes a %s key that OpenSSL reads', (name) => {
    const key = privateKeyFor('pkcs8', name)
    const ours = file(`ours-${name}.pem`, encryptPrivateKey(key, PASSPHRASE))
    const printed = openssl('pkey', '-in', ours, '-passin', `file:${passphraseFile}`)
    expect(derOf(decodePrivateKey(printed))).toBe(derOf(key))
  })

  it('draws a new salt and vector each time', () => {
    const salts = [encrypted, encryptPrivateKey(privateKey, PASSPHRASE)].map(
      (text) => parsePemBlock(text, 'ENCRYPTED PRIVATE KEY').der,
    )
    const [first, second] = salts.map((der) => toHex(der))
    expect(first?.slice(0, 90)).not.toBe(second?.slice(0, 90))
  })

  it('KEY-04: does not hold the passphrase or the key in plain', () => {
    expect(encrypted).not.toContain('horse')
    expect(toHex(parsePemBlock(encrypted, 'ENCRYPTED PRIVATE KEY').der)).not.toContain(plainHex.slice(60, 120))
  })

  it.each(['correct horsf', 'Correct horse', 'correct horse ', 'correct', '\0'])('does not open with %j', (wrong) => {
    const error = expectCode('ERR_KEY_PASSPHRASE', () =>
      decodePrivateKey(encrypted, new Passphrase(Buffer.from(wrong))),
    )
    expect(inspect(error)).not.toContain(wrong === '\0' ? 'horse' : wrong)
  })

  it('does not open without a passphrase', () => {
    expectCode('ERR_KEY_PASSPHRASE', () => decodePrivateKey(encrypted))
  })
})

describe('decodePrivateKey: what others write', () => {
  const plain = file('plain.pem', encodePrivateKey(privateKey))

  it.each([
    ['PBKDF2 of 600000 iterations', ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA256', '-iter', '600000']],
    ['PBKDF2 with SHA-512', ['-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA512', '-iter', '1000']],
    ['PBKDF2 with SHA-384 and AES-128', ['-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA384', '-iter', '5000']],
    ['scrypt', ['-scrypt']],
    ['scrypt with other parameters', ['-scrypt', '-scrypt_N', '4096', '-scrypt_r', '16', '-scrypt_p', '3']],
    ['no encryption', ['-nocrypt']],
  ])('reads OpenSSL’s PKCS #8 with %s', (_, options) => {
    const written = openssl('pkcs8', '-topk8', '-in', plain, '-passout', `file:${passphraseFile}`, ...options)
    expect(derOf(decodePrivateKey(written, PASSPHRASE))).toBe(plainHex)
  })

  it.each([
    ['traditional EC', () => openssl('ec', '-in', plain)],
    [
      'traditional RSA',
      () => openssl('rsa', '-traditional', '-in', file('rsa.pem', encodePrivateKey(privateKeyFor('pkcs8', 'rsa2048')))),
    ],
  ])('reads OpenSSL’s %s form', (_, write) => {
    expect(decodePrivateKey(write()).type).toBe('private')
  })

  it.each([
    ['traditional EC under AES', () => openssl('ec', '-in', plain, '-aes256', '-passout', `file:${passphraseFile}`)],
    ['traditional EC under 3DES', () => openssl('ec', '-in', plain, '-des3', '-passout', `file:${passphraseFile}`)],
    [
      'PBES1 with SHA-1 and 3DES',
      () => openssl('pkcs8', '-topk8', '-in', plain, '-v1', 'PBE-SHA1-3DES', '-passout', `file:${passphraseFile}`),
    ],
    [
      'PBES2 with 3DES',
      () => openssl('pkcs8', '-topk8', '-in', plain, '-v2', 'des3', '-passout', `file:${passphraseFile}`),
    ],
    [
      'PBES2 with HMAC-SHA-1',
      () =>
        openssl(
          'pkcs8',
          '-topk8',
          '-in',
          plain,
          '-v2',
          'aes-256-cbc',
          '-v2prf',
          'hmacWithSHA1',
          '-passout',
          `file:${passphraseFile}`,
        ),
    ],
    [
      'PBES2 of 999 iterations',
      () =>
        openssl(
          'pkcs8',
          '-topk8',
          '-in',
          plain,
          '-v2',
          'aes-256-cbc',
          '-iter',
          '999',
          '-passout',
          `file:${passphraseFile}`,
        ),
    ],
  ])('KEY-06: refuses OpenSSL’s %s as weak, and says what to do', (_, write) => {
    const error = expectCode('ERR_KEY_FORMAT_WEAK', () => decodePrivateKey(write(), PASSPHRASE))
    expect(error.hint).toContain('openssl pkcs8')
  })
})

interface Pbes2 {
  readonly kdf: Uint8Array
  readonly scheme?: Uint8Array
  readonly key?: Uint8Array
  readonly plain?: Uint8Array
}

const IV = Buffer.alloc(16, 3)
const SALT = Buffer.alloc(16, 5)
const aes = encodeSequence(encodeObjectIdentifier(OID.aes256Cbc), encodeOctetString(IV))
const prf = encodeSequence(encodeObjectIdentifier(OID.hmacWithSha256), encodeNull())
const derived = pbkdf2Sync('correct horse', SALT, 1000, 32, 'sha256')

/** An EncryptedPrivateKeyInfo made without the code under test. */
function pbes2({ kdf, scheme = aes, key = derived, plain = plainDer }: Pbes2): string {
  const cipher = createCipheriv('aes-256-cbc', key, IV)
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  return encryptedPem(
    encodeSequence(
      encodeSequence(encodeObjectIdentifier(OID.pbes2), encodeSequence(kdf, scheme)),
      encodeOctetString(encrypted),
    ),
  )
}

function pbkdf2(...fields: Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(OID.pbkdf2), encodeSequence(...fields))
}

function scrypt(...fields: Uint8Array[]): Uint8Array {
  return encodeSequence(encodeObjectIdentifier(OID.scrypt), encodeSequence(...fields))
}

const salt = encodeOctetString(SALT)

describe('decodePrivateKey: the cost that a file asks for', () => {
  it('accepts the fewest iterations, and a stated key length that is right', () => {
    for (const kdf of [
      pbkdf2(salt, encodeInteger(1000), prf),
      pbkdf2(salt, encodeInteger(1000), encodeInteger(32), prf),
    ]) {
      expect(derOf(decodePrivateKey(pbes2({ kdf }), PASSPHRASE))).toBe(plainHex)
    }
    const key = scryptSync('correct horse', SALT, 32, { N: 1024, r: 8, p: 1 })
    for (const extra of [[], [encodeInteger(32)]]) {
      const kdf = scrypt(salt, encodeInteger(1024), encodeInteger(8), encodeInteger(1), ...extra)
      expect(derOf(decodePrivateKey(pbes2({ kdf, key }), PASSPHRASE))).toBe(plainHex)
    }
  })

  it.each([
    ['10000001 iterations', pbkdf2(salt, encodeInteger(10_000_001), prf)],
    ['2^31 iterations', pbkdf2(salt, encodeInteger(2 ** 31), prf)],
    ['2^40 iterations', pbkdf2(salt, encodeInteger(2 ** 40), prf)],
    ['a salt of 1025 octets', pbkdf2(encodeOctetString(new Uint8Array(1025)), encodeInteger(1000), prf)],
    ['scrypt with N = 2^40', scrypt(salt, encodeInteger(2 ** 40), encodeInteger(8), encodeInteger(1))],
    ['scrypt with r = 2^30', scrypt(salt, encodeInteger(1024), encodeInteger(2 ** 30), encodeInteger(1))],
    ['scrypt with p = 17', scrypt(salt, encodeInteger(1024), encodeInteger(8), encodeInteger(17))],
    ['scrypt of 257 MiB', scrypt(salt, encodeInteger(2 ** 18), encodeInteger(9), encodeInteger(1))],
  ])('DER-16: refuses %s before it starts', (_, kdf) => {
    const { code, cpuMilliseconds } = outcomeOf(() => decodePrivateKey(pbes2({ kdf }), PASSPHRASE))
    expect(code).toBe('ERR_KDF_COST')
    expect(cpuMilliseconds).toBeLessThan(100)
    expectCode('ERR_KDF_COST', () => decodePrivateKey(pbes2({ kdf }), PASSPHRASE))
  })

  it('refuses a salt of a megabyte by the length of the file', () => {
    const kdf = pbkdf2(encodeOctetString(new Uint8Array(1 << 20)), encodeInteger(1000), prf)
    expectCode('ERR_LIMIT_EXCEEDED', () => decodePrivateKey(pbes2({ kdf }), PASSPHRASE))
  })

  it.each([
    ['0 iterations', pbkdf2(salt, encodeInteger(0), prf)],
    ['1 iteration', pbkdf2(salt, encodeInteger(1), prf)],
    ['999 iterations', pbkdf2(salt, encodeInteger(999), prf)],
    ['no salt', pbkdf2(encodeOctetString(new Uint8Array()), encodeInteger(1000), prf)],
    ['a salt of 7 octets', pbkdf2(encodeOctetString(new Uint8Array(7)), encodeInteger(1000), prf)],
    ['no function, which is HMAC-SHA-1', pbkdf2(salt, encodeInteger(1000))],
    ['an unknown function', pbkdf2(salt, encodeInteger(1000), encodeSequence(encodeObjectIdentifier('1.2.3')))],
    ['scrypt with N = 512', scrypt(salt, encodeInteger(512), encodeInteger(8), encodeInteger(1))],
    ['scrypt with N that is no power of two', scrypt(salt, encodeInteger(1025), encodeInteger(8), encodeInteger(1))],
    ['scrypt with r = 0', scrypt(salt, encodeInteger(1024), encodeInteger(0), encodeInteger(1))],
    ['scrypt with p = 0', scrypt(salt, encodeInteger(1024), encodeInteger(8), encodeInteger(0))],
    ['an unknown key derivation', encodeSequence(encodeObjectIdentifier('1.2.3'), encodeNull())],
  ])('DER-16: refuses %s as weak', (_, kdf) => {
    expectCode('ERR_KEY_FORMAT_WEAK', () => decodePrivateKey(pbes2({ kdf }), PASSPHRASE))
  })

  it.each([
    ['AES-192', encodeSequence(encodeObjectIdentifier('2.16.840.1.101.3.4.1.22'), encodeOctetString(IV))],
    ['AES-256-GCM', encodeSequence(encodeObjectIdentifier('2.16.840.1.101.3.4.1.46'), encodeOctetString(IV))],
    ['AES without a vector', encodeSequence(encodeObjectIdentifier(OID.aes256Cbc))],
  ])('KEY-06: refuses the cipher %s as weak or unknown', (_, scheme) => {
    expectCode('ERR_KEY_FORMAT_WEAK', () =>
      decodePrivateKey(pbes2({ kdf: pbkdf2(salt, encodeInteger(1000), prf), scheme }), PASSPHRASE),
    )
  })

  const goodKdf = pbkdf2(salt, encodeInteger(1000), prf)
  it.each([
    ['a key length of 1', pbes2({ kdf: pbkdf2(salt, encodeInteger(1000), encodeInteger(1), prf) })],
    ['a key length of 16 for AES-256', pbes2({ kdf: pbkdf2(salt, encodeInteger(1000), encodeInteger(16), prf) })],
    [
      'a scrypt key length of 16 for AES-256',
      pbes2({ kdf: scrypt(salt, encodeInteger(1024), encodeInteger(8), encodeInteger(1), encodeInteger(16)) }),
    ],
    ['a negative count', pbes2({ kdf: pbkdf2(salt, fromHex('0201ff'), prf) })],
    ['a count above 2^40', pbes2({ kdf: pbkdf2(salt, encodeInteger(2 ** 41), prf) })],
    ['a salt from elsewhere', pbes2({ kdf: pbkdf2(prf, encodeInteger(1000), prf) })],
    [
      'a function with parameters',
      pbes2({
        kdf: pbkdf2(
          salt,
          encodeInteger(1000),
          encodeSequence(encodeObjectIdentifier(OID.hmacWithSha256), encodeInteger(1)),
        ),
      }),
    ],
    ['a derivation without parameters', pbes2({ kdf: encodeSequence(encodeObjectIdentifier(OID.pbkdf2)) })],
    ['a field after the function', pbes2({ kdf: pbkdf2(salt, encodeInteger(1000), prf, encodeNull()) })],
    [
      'a vector of 15 octets',
      pbes2({
        kdf: goodKdf,
        scheme: encodeSequence(encodeObjectIdentifier(OID.aes256Cbc), encodeOctetString(IV.subarray(1))),
      }),
    ],
    [
      'a vector of another type',
      pbes2({ kdf: goodKdf, scheme: encodeSequence(encodeObjectIdentifier(OID.aes256Cbc), encodeInteger(5)) }),
    ],
    [
      'PBES2 without parameters',
      encryptedPem(encodeSequence(encodeSequence(encodeObjectIdentifier(OID.pbes2)), encodeOctetString(IV))),
    ],
    [
      'a third field',
      encryptedPem(editDer(parsePemBlock(pbes2({ kdf: goodKdf }), 'ENCRYPTED PRIVATE KEY').der, [1], (e) => [e, e])),
    ],
    [
      'octets after it',
      encryptedPem(Buffer.concat([parsePemBlock(pbes2({ kdf: goodKdf }), 'ENCRYPTED PRIVATE KEY').der, Buffer.of(0)])),
    ],
    ['no DER', encryptedPem(Uint8Array.of(1, 2, 3))],
  ])('refuses as malformed: %s', (_, text) => {
    expectCode('ERR_KEY_MALFORMED', () => decodePrivateKey(text, PASSPHRASE))
  })

  it.each([
    ['no key', pbes2({ kdf: goodKdf, plain: Buffer.from('not a key at all') })],
    ['nothing', pbes2({ kdf: goodKdf, plain: Buffer.alloc(0) })],
  ])('takes a passphrase for wrong when what it opens is %s', (_, text) => {
    expectCode('ERR_KEY_PASSPHRASE', () => decodePrivateKey(text, PASSPHRASE))
  })

  it.each([
    ['no encrypted octets', 0],
    ['encrypted octets that are no whole block', 17],
  ])('takes a passphrase for wrong when there are %s', (_, length) => {
    const scheme = encodeSequence(encodeObjectIdentifier(OID.pbes2), encodeSequence(goodKdf, aes))
    expectCode('ERR_KEY_PASSPHRASE', () =>
      decodePrivateKey(encryptedPem(encodeSequence(scheme, encodeOctetString(new Uint8Array(length)))), PASSPHRASE),
    )
  })
})

describe('decodePrivateKey: what is not encrypted', () => {
  it.each([
    ['octets after the key', Buffer.concat([plainDer, Buffer.of(0)])],
    ['a second key after it', Buffer.concat([plainDer, plainDer])],
    ['a key that is cut off', plainDer.subarray(0, -1)],
    ['no DER', Uint8Array.of(1, 2, 3)],
    ['a SEQUENCE without content', encodeSequence()],
    ['a length that is indefinite', Buffer.concat([Buffer.of(0x30, 0x80), plainDer.subarray(3), Buffer.of(0, 0)])],
    ['no key octets', editDer(plainDer, [2], () => encodeOctetString(new Uint8Array()))],
    ['key octets that are another thing', editDer(plainDer, [2], () => encodeOctetString(Buffer.from('hello')))],
    ['another algorithm than the key', editDer(plainDer, [1, 0], () => encodeObjectIdentifier(OID.rsaEncryption))],
    ['an unknown algorithm', editDer(plainDer, [1, 0], () => encodeObjectIdentifier('1.2.3'))],
  ])('DER-04: refuses %s', (_, der) => {
    expectCode('ERR_KEY_MALFORMED', () => decodePrivateKey(pem(der)))
  })

  it.each<[string, () => KeyObject]>([
    ['DSA', () => generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey],
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey],
    ['RSASSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey],
    ['X25519', () => generateKeyPairSync('x25519').privateKey],
    ['Ed448', () => generateKeyPairSync('ed448').privateKey],
    ['ML-KEM', () => generateKeyPairSync('ml-kem-512').privateKey],
  ])('refuses a key of the kind %s', (_, generate) => {
    const text = generate().export({ format: 'pem', type: 'pkcs8' }) as string
    expectCode('ERR_KEY_NOT_ALLOWED', () => decodePrivateKey(text))
  })

  it.each([
    ['a public key', encodePem('PUBLIC KEY', plainDer), 'ERR_PEM_LABEL'],
    ['a DSA key by its old label', encodePem('DSA PRIVATE KEY', plainDer), 'ERR_PEM_LABEL'],
    ['a key of OpenSSH', encodePem('OPENSSH PRIVATE KEY', plainDer), 'ERR_PEM_LABEL'],
    ['EC parameters beside the key', encodePem('EC PARAMETERS', encodeNull()) + pem(plainDer), 'ERR_PEM_LABEL'],
    ['two keys', pem(plainDer) + pem(plainDer), 'ERR_PEM_MALFORMED'],
    ['nothing', '', 'ERR_PEM_MALFORMED'],
    ['more than 64 KiB', pem(encodeValue(0x30, new Uint8Array(65_536))), 'ERR_LIMIT_EXCEEDED'],
  ] as const)('refuses %s', (_, text, code) => {
    expectCode(code, () => decodePrivateKey(text))
  })

  it('DER-01: refuses nesting of 100, 3000 and 10000 levels, plain and in what is encrypted', () => {
    for (const levels of [100, 3000, 10_000]) {
      const bomb = nested(0x30, levels)
      const attributes = editDer(plainDer, [2], (octets) => [octets, encodeContext(0, bomb)])
      const kdf = pbkdf2(salt, encodeInteger(1000), prf)
      for (const text of [
        pem(bomb),
        pem(attributes),
        encryptedPem(bomb),
        pbes2({ kdf: bomb }),
        pbes2({ kdf, plain: bomb }),
      ]) {
        const { code, cpuMilliseconds } = outcomeOf(() => decodePrivateKey(text, PASSPHRASE))
        expect(['ERR_KEY_MALFORMED', 'ERR_KEY_PASSPHRASE', 'ERR_DER_DEPTH']).toContain(code)
        expect(cpuMilliseconds).toBeLessThan(200)
      }
    }
  })

  it('DER-14: throws its own errors only when octets of a key change', () => {
    const names: readonly KeyAlgorithmName[] = ['p256', 'ed25519', 'rsa2048', 'ml-dsa-44']
    const originals = [
      ...names.map((name) => new Uint8Array(privateKeyFor('pkcs8', name).export({ format: 'der', type: 'pkcs8' }))),
    ]
    for (const der of originals) {
      for (let position = 0; position < Math.min(der.length, 60); position++) {
        for (const value of [0x00, 0x30, 0x80, 0xff]) {
          outcomeOf(() => decodePrivateKey(pem(der.with(position, value))))
        }
      }
    }
    const encrypted = parsePemBlock(pbes2({ kdf: pbkdf2(salt, encodeInteger(1000), prf) }), 'ENCRYPTED PRIVATE KEY').der
    // The count stands at 49 to 52; a larger one takes time and says nothing new.
    for (let position = 0; position < encrypted.length; position++) {
      if (position >= 45 && position <= 55) continue
      for (const value of [0x00, 0x30, 0x80, 0xff]) {
        outcomeOf(() => decodePrivateKey(encryptedPem(encrypted.with(position, value)), PASSPHRASE))
      }
    }
  })
})

describe.skipIf(!corporaAvailable())('decodePrivateKey: vectors of others', () => {
  const mlDsa = join(CORPORA, 'ml-dsa', 'examples')
  const names = corporaAvailable() ? readdirSync(mlDsa).filter((name) => name.endsWith('.priv')) : []

  it.each(names.filter((name) => !name.startsWith('bad')))('reads the ML-DSA key %s of RFC 9881', (name) => {
    const key = decodePrivateKey(readFileSync(join(mlDsa, name), 'utf8'))
    expect(key.asymmetricKeyType).toBe(name.slice(0, 9).toLowerCase())
  })

  it.each(names.filter((name) => name.startsWith('bad')))(
    'refuses the inconsistent ML-DSA key %s of RFC 9881',
    (name) => {
      expectCode('ERR_KEY_MALFORMED', () => decodePrivateKey(readFileSync(join(mlDsa, name), 'utf8')))
    },
  )

  it('derives the keys of Wycheproof’s PBES2 vectors', () => {
    interface Vector {
      readonly tcId: number
      readonly password: string
      readonly salt: string
      readonly iterationCount: number
      readonly iv: string
      readonly msg: string
      readonly ct: string
    }
    const suite = JSON.parse(
      readFileSync(join(CORPORA, 'wycheproof', 'pbes2_hmacsha256_aes_256_test.json'), 'utf8'),
    ) as {
      testGroups: { tests: Vector[] }[]
    }
    let opened = 0
    for (const vector of suite.testGroups.flatMap((group) => group.tests)) {
      const password = Buffer.from(vector.password, 'hex')
      const vectorSalt = Buffer.from(vector.salt, 'hex')
      const iv = Buffer.from(vector.iv, 'hex')
      // The vector encrypts a short text, no key. Under its derived key, which its text proves right, we put one.
      const key = pbkdf2Sync(password, vectorSalt, vector.iterationCount, 32, 'sha256')
      const decipher = createDecipheriv('aes-256-cbc', key, iv)
      expect(Buffer.concat([decipher.update(vector.ct, 'hex'), decipher.final()]).toString('hex')).toBe(vector.msg)
      const cipher = createCipheriv('aes-256-cbc', key, iv)
      const text = encryptedPem(
        encodeSequence(
          encodeSequence(
            encodeObjectIdentifier(OID.pbes2),
            encodeSequence(
              pbkdf2(encodeOctetString(vectorSalt), encodeInteger(vector.iterationCount), prf),
              encodeSequence(encodeObjectIdentifier(OID.aes256Cbc), encodeOctetString(iv)),
            ),
          ),
          encodeOctetString(Buffer.concat([cipher.update(plainDer), cipher.final()])),
        ),
      )
      if (password.length === 0) {
        expectCode('ERR_PASSPHRASE_REQUIRED', () => new Passphrase(password))
        continue
      }
      expect(derOf(decodePrivateKey(text, new Passphrase(password)))).toBe(plainHex)
      opened++
    }
    expect(opened).toBe(49)
  })
})
