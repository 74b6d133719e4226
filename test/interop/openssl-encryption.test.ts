/** Encrypted CMS documents: what signet encrypts, OpenSSL decrypts, and the other way round. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decryptData, encryptData, type ValidatedRecipients, validateRecipients } from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { encryptMessage } from '../../src/message/index.js'
import { openTrustDirectory } from '../../src/trust/index.js'
import { type CredentialFiles, makeDeployment } from '../support/deployment.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { available, run, succeed } from './programs.js'

const hasOpenssl = available('openssl')
// OpenSSL makes and reads no CMS for X25519 (RFC 8418): `cms -encrypt` says that the key type is not supported. signet
// certifies no such keys.

const cloud = await makeDeployment()
const KEYS = ['p256', 'p384', 'rsa2048', 'rsa3072'] as const satisfies readonly KeyAlgorithmName[]
type Kind = (typeof KEYS)[number]
const readers = new Map<Kind, CredentialFiles>()
for (const keyAlgorithm of KEYS) {
  readers.set(
    keyAlgorithm,
    await cloud.issue('conductor-01', `readers/${keyAlgorithm}`, { profile: 'recipient', keyAlgorithm }),
  )
}
const reader = (kind: Kind): CredentialFiles => readers.get(kind) ?? cloud.credential('')

/** Line ends of both kinds, octets that are no text: what a tool that means well would change. */
const CONTENT = Buffer.from('{"secret":"x"}\n\r\n\x00\x1a\xff lone\rreturn', 'latin1')
const contentFile = cloud.write('content', CONTENT)

function validated(kinds: readonly Kind[]): ValidatedRecipients {
  return validateRecipients(
    kinds.map((kind) => reader(kind).load().certificate),
    {
      anchors: [cloud.root],
      certificates: [cloud.issuing],
      purpose: 'email-encryption',
      revocation: { crls: cloud.crls },
      at: cloud.clock.now(),
    },
  )
}

function opensslDecrypt(document: Uint8Array, kind: Kind): Buffer {
  const [input, out] = [cloud.write('ours.der', document), cloud.write('decrypted', '')]
  const { key, certificate } = reader(kind)
  const names = ['-inkey', key, '-recip', certificate]
  succeed('openssl', ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', input, '-out', out, ...names])
  return readFileSync(out)
}

/** What OpenSSL has to be told to reach a key of this kind as signet does. */
const KEY_OPTIONS: Readonly<Record<Kind, readonly string[]>> = {
  p256: ['-keyopt', 'ecdh_kdf_md:sha256'],
  p384: ['-keyopt', 'ecdh_kdf_md:sha384'],
  rsa2048: ['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256'],
  rsa3072: ['-keyopt', 'rsa_padding_mode:oaep', '-keyopt', 'rsa_oaep_md:sha256'],
}

function opensslEncrypt(
  kinds: readonly Kind[],
  words: readonly string[] = [],
  options: Partial<Record<Kind, readonly string[]>> = KEY_OPTIONS,
): Uint8Array {
  const out = cloud.write('theirs', '')
  succeed('openssl', [
    ...['cms', '-encrypt', '-binary', '-in', contentFile, '-out', out],
    ...(words.includes('-outform') ? [] : ['-outform', 'DER']),
    ...(words.some((word) => /^-(aes|des)/.test(word)) ? [] : ['-aes-256-gcm']),
    ...words,
    ...kinds.flatMap((kind) => ['-recip', reader(kind).certificate, ...(options[kind] ?? [])]),
  ])
  return readFileSync(out)
}

describe.skipIf(!hasOpenssl)('openssl cms -decrypt: what signet encrypts', () => {
  it.each(KEYS)('for a key of the kind %s, named by either identifier', (kind) => {
    for (const identifier of ['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const) {
      expect(opensslDecrypt(encryptData(CONTENT, validated([kind]), { identifier }), kind)).toEqual(CONTENT)
    }
  })

  it('for several recipients of different kinds, each by itself', () => {
    const der = encryptData(CONTENT, validated(KEYS))
    for (const kind of KEYS) expect(opensslDecrypt(der, kind)).toEqual(CONTENT)
  })

  it('requirement 18: an encrypted message: then it verifies what is inside', async () => {
    await cloud.publishTrust()
    const trust = openTrustDirectory(readFileSync(cloud.trustFile), {
      pin: cloud.pin,
      at: cloud.clock.now(),
      memory: 'allow-forgetting',
    })
    const signer = cloud.credential('compute-07/signer')
    const { der } = await encryptMessage(CONTENT, signer.load(), {
      recipients: [reader('p256').load().certificate],
      trust,
      type: 'rpc.password',
      destination: 'conductor',
      at: cloud.clock.now(),
    })
    const inner = cloud.write('inner.der', opensslDecrypt(der, 'p256'))
    const out = cloud.write('verified', '')
    succeed('openssl', [
      ...['cms', '-verify', '-binary', '-inform', 'DER', '-in', inner, '-out', out],
      ...['-CAfile', signer.caBundle, '-certfile', signer.certificate],
    ])
    expect(readFileSync(out)).toEqual(CONTENT)
  })
})

describe.skipIf(!hasOpenssl)('decryptData: what openssl cms -encrypt makes', () => {
  const decrypted = async (bytes: Uint8Array, kind: Kind): Promise<Buffer> =>
    Buffer.from((await decryptData(bytes, reader(kind).load())).content)

  it.each(KEYS)(
    'requirement 18: for a key of the kind %s, in DER, BER and PEM, named by either identifier',
    async (kind) => {
      for (const words of [[], ['-keyid'], ['-stream'], ['-stream', '-keyid'], ['-outform', 'PEM']]) {
        expect(await decrypted(opensslEncrypt([kind], words), kind)).toEqual(CONTENT)
      }
    },
  )

  it('for several recipients of different kinds, each by itself', async () => {
    const bytes = opensslEncrypt(KEYS)
    for (const kind of KEYS) expect(await decrypted(bytes, kind)).toEqual(CONTENT)
  })

  it('ENC-01: refuses what it makes with other ciphers and modes', async () => {
    for (const cipher of ['-aes-256-cbc', '-aes-128-cbc', '-des3', '-aes-128-gcm', '-aes-192-gcm']) {
      const code = cipher.endsWith('gcm') ? 'ERR_ALGORITHM_NOT_ALLOWED' : 'ERR_CMS_TYPE_UNSUPPORTED'
      await expectCodeAsync(code, () => decrypted(opensslEncrypt(['rsa2048'], [cipher]), 'rsa2048'))
    }
  })

  it('ENC-03: refuses RSA with PKCS #1 v1.5, which it takes unless told otherwise, also beside us', async () => {
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () => decrypted(opensslEncrypt(['rsa2048'], [], {}), 'rsa2048'))
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () =>
      decrypted(opensslEncrypt(['p256', 'rsa2048'], [], { p256: KEY_OPTIONS.p256 }), 'p256'),
    )
  })

  it('refuses key derivation and OAEP with SHA-1', async () => {
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () => decrypted(opensslEncrypt(['p256'], [], {}), 'p256'))
    const sha1 = { rsa2048: ['-keyopt', 'rsa_padding_mode:oaep'] }
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () =>
      decrypted(opensslEncrypt(['rsa2048'], [], sha1), 'rsa2048'),
    )
  })

  it('ENC-11: refuses keys that were known before, also beside us', async () => {
    const known = opensslEncrypt(['p256'], ['-secretkey', '00'.repeat(32), '-secretkeyid', '01'])
    await expectCodeAsync('ERR_ALGORITHM_NOT_ALLOWED', () => decrypted(known, 'p256'))
  })

  it('makes nothing for X25519, which is why signet certifies no such keys', () => {
    const key = cloud.write('x25519.pem', succeed('openssl', ['genpkey', '-algorithm', 'X25519']))
    const publicKey = cloud.write('x25519.pub', succeed('openssl', ['pkey', '-in', key, '-pubout']))
    const request = cloud.path('x25519.csr')
    const { key: other, certificate } = cloud.credential('compute-07/tls')
    succeed('openssl', ['req', '-new', '-key', other, '-subj', '/CN=x', '-out', request])
    const [out, made] = [cloud.path('x25519.crt'), cloud.path('x25519.p7m')]
    succeed('openssl', [
      ...['x509', '-req', '-in', request, '-force_pubkey', publicKey, '-set_serial', '1', '-out', out],
      ...['-CA', certificate, '-CAkey', other],
    ])
    const { code } = run('openssl', [
      ...['cms', '-encrypt', '-aes-256-gcm', '-in', contentFile, '-out', made, '-recip', out],
    ])
    expect(code).not.toBe(0)
  })
})
