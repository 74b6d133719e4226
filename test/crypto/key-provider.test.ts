import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import {
  encodePrivateKey,
  encryptPrivateKey,
  generatePrivateKey,
  KEY_ALGORITHMS,
  type KeyAlgorithmName,
  MemoryKeyProvider,
  openKeyFile,
  Passphrase,
  publicKeyOf,
  samePublicKey,
  SIGNATURE_ALGORITHMS,
  verifySignature,
} from '../../src/crypto/index.js'
import { encodePem } from '../../src/asn1/index.js'
import { SECRET_MODE, writeFileAtomic } from '../../src/files/index.js'
import { keyFor, privateKeyFor } from '../support/certificates.js'
import { editDer } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { temporaryFolder } from '../support/temporary.js'

// A machine that others share may take long; what must be fast is measured in processor time.
vi.setConfig({ testTimeout: 60_000 })

const folder = temporaryFolder()
const DATA = Buffer.from('data')

describe('generatePrivateKey', () => {
  // RSA of 4096 bits may take seconds to find; 3072 goes the same way.
  it.each(Object.keys(KEY_ALGORITHMS).filter((name) => name !== 'rsa4096') as KeyAlgorithmName[])(
    'makes a key of the kind %s',
    (name) => {
      const key = publicKeyOf(generatePrivateKey(name))
      expect(key.name).toBe(name)
      expect(key.algorithm.name).toBe(name)
    },
  )

  it('makes another key each time', () => {
    expect(samePublicKey(publicKeyOf(generatePrivateKey('p256')), publicKeyOf(generatePrivateKey('p256')))).toBe(false)
  })
})

describe('MemoryKeyProvider', () => {
  it.each(['p256', 'p384', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const)(
    'signs with a %s key what its public key verifies',
    (name) => {
      const provider = keyFor('provider', name)
      expect(provider.signatureAlgorithm.name).toBe(KEY_ALGORITHMS[name].signature)
      expect(verifySignature(provider.signatureAlgorithm, provider.publicKey, DATA, provider.sign(DATA))).toBe(true)
    },
  )

  it.each(['p256', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const)(
    'signs the same with a %s key on another thread, whatever becomes of the octets meanwhile',
    async (name) => {
      const provider = keyFor('provider', name)
      const data = Uint8Array.from(DATA)
      const signing = [provider.signAside(data), provider.signAside(data)]
      data.fill(0)
      for (const signature of await Promise.all(signing)) {
        expect(verifySignature(provider.signatureAlgorithm, provider.publicKey, DATA, signature)).toBe(true)
      }
    },
  )

  it('tells on which thread soever what OpenSSL says', async () => {
    const wrong = { ...SIGNATURE_ALGORITHMS['rsa-pss-sha384'], digest: 'no-such-digest' }
    const provider = new MemoryKeyProvider(privateKeyFor('provider', 'rsa2048'), wrong as never)
    expect(() => provider.sign(DATA)).toThrow('Invalid digest')
    await expect(provider.signAside(DATA)).rejects.toThrow('Invalid digest')
  })

  it('signs with another algorithm of the family when told to', () => {
    const provider = keyFor('provider', 'rsa2048', 'rsa-pss-sha384')
    expect(verifySignature(SIGNATURE_ALGORITHMS['rsa-pss-sha384'], provider.publicKey, DATA, provider.sign(DATA))).toBe(
      true,
    )
  })

  it('KEY-10: shows nothing of its private key', () => {
    const privateKey = privateKeyFor('provider', 'p256')
    const secret = privateKey.export({ format: 'jwk' }).d ?? ''
    const hex = Buffer.from(secret, 'base64url').toString('hex')
    const provider = new MemoryKeyProvider(privateKey)
    for (const printed of [
      inspect(provider, { depth: 9, showHidden: true }),
      inspect(provider, { depth: 9, showHidden: true, customInspect: false }),
      JSON.stringify(provider),
      JSON.stringify(Object.getOwnPropertyDescriptors(provider)),
    ]) {
      expect(printed).not.toContain(secret)
      expect(printed).not.toContain(hex)
      expect(printed).not.toContain('PrivateKeyObject')
    }
  })
})

describe('openKeyFile', () => {
  const path = join(folder, 'key.pem')
  const privateKey = privateKeyFor('file', 'p256')
  const passphrase = new Passphrase(Buffer.from('secret'))

  function write(content: string): void {
    writeFileAtomic(path, content, { mode: SECRET_MODE, existing: 'replace' })
  }

  it('opens a file that is not encrypted', () => {
    write(encodePrivateKey(privateKey))
    expect(samePublicKey(openKeyFile(path).publicKey, publicKeyOf(privateKey))).toBe(true)
  })

  it('opens a file that is encrypted, and not without its passphrase', () => {
    write(encryptPrivateKey(privateKey, passphrase))
    expect(samePublicKey(openKeyFile(path, passphrase).publicKey, publicKeyOf(privateKey))).toBe(true)
    expectCode('ERR_KEY_PASSPHRASE', () => openKeyFile(path))
    expectCode('ERR_KEY_PASSPHRASE', () => openKeyFile(path, new Passphrase(Buffer.from('Secret'))))
  })

  it('KEY-01: refuses a file that others can read, before it looks into it', () => {
    write('not a key')
    chmodSync(path, 0o644)
    expectCode('ERR_KEY_PERMISSIONS', () => openKeyFile(path))
  })

  it.each([
    ['no text', Uint8Array.of(0x30, 0x80, 0xff), 'ERR_DER_STRING'],
    ['no PEM', 'hello', 'ERR_PEM_MALFORMED'],
    ['a byte order mark', `\ufeff${encodePrivateKey(privateKey)}`, 'ERR_PEM_MALFORMED'],
    ['nothing', '', 'ERR_INPUT_EMPTY'],
    ['more than 64 KiB', ' '.repeat(64 * 1024 + 1), 'ERR_LIMIT_EXCEEDED'],
    ['two keys', encodePrivateKey(privateKey).repeat(2), 'ERR_PEM_MALFORMED'],
    ['a public key', publicKeyOf(privateKey).keyObject.export({ format: 'pem', type: 'spki' }), 'ERR_PEM_LABEL'],
  ] as const)('refuses a file that has %s', (_, content, code) => {
    writeFileSync(path, content, { mode: 0o600 })
    chmodSync(path, 0o600)
    expectCode(code, () => openKeyFile(path))
  })

  it('refuses a file that is not there', () => {
    expectCode('ERR_FILE_READ', () => openKeyFile(join(folder, 'missing')))
  })

  it('KEY-10: quotes nothing of a key that it cannot read', () => {
    const der = privateKey.export({ format: 'der', type: 'pkcs8' })
    // Two versions in place of one: OpenSSL refuses it.
    write(
      encodePem(
        'PRIVATE KEY',
        editDer(der, [0], (version) => [version, version]),
      ),
    )
    const error = expectCode('ERR_KEY_MALFORMED', () => openKeyFile(path))
    const printed = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
    const secret = privateKey.export({ format: 'jwk' }).d ?? ''
    expect(printed).not.toContain(readFileSync(path, 'utf8').split('\n')[1])
    expect(printed).not.toContain(Buffer.from(secret, 'base64url').toString('hex'))
    expect(error.cause).toBeUndefined()
  })
})
