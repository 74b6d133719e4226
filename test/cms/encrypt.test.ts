import { beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import {
  decryptData,
  encryptData,
  parseAuthEnvelopedData,
  ValidatedRecipients,
  validateRecipients,
} from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { encodeExtKeyUsage, encodeKeyUsage } from '../../src/x509/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeReader, makeWorld, RECIPIENT_PURPOSES, type Sender, type World } from '../support/messages.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const content = Buffer.from('what nobody else shall read')
const KEYS = ['p256', 'p384', 'rsa2048'] as const satisfies readonly KeyAlgorithmName[]
let world: World
let readers: readonly Sender[]
beforeAll(async () => {
  world = await makeWorld()
  readers = KEYS.map((algorithm) => makeReader(world, { node: algorithm, algorithm }))
})

function validated(holders: readonly Sender[]): ValidatedRecipients {
  return validateRecipients(
    holders.map(({ certificate }) => certificate),
    {
      anchors: [world.root.certificate],
      certificates: [world.issuing.certificate],
      purpose: 'message-encryption',
      revocation: { crls: world.crls },
      at: NOW,
    },
  )
}

const only = (algorithm: KeyAlgorithmName): Sender =>
  readers[KEYS.indexOf(algorithm as 'p256')] ?? (readers[0] as Sender)

describe('encryptData, decryptData (RFC 5083, RFC 5084, RFC 5753, RFC 3560)', () => {
  it('each recipient reads it, whatever its key, and nobody else', async () => {
    for (const identifier of ['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const) {
      const der = encryptData(content, validated(readers), { identifier })
      expect(parseAuthEnvelopedData(der).recipients.map(({ rid }) => rid.kind)).toEqual(readers.map(() => identifier))
      for (const reader of readers) {
        const decrypted = await decryptData(der, reader)
        expect(Buffer.from(decrypted.content)).toEqual(content)
        expect(decrypted.contentType).toBe(OID.data)
      }
      await expectCodeAsync('ERR_CMS_DECRYPT', () => decryptData(der, makeReader(world, { node: 'stranger' })))
    }
  })

  it('takes no octets, and many', async () => {
    for (const octets of [new Uint8Array(), new Uint8Array(300_000).fill(7)]) {
      const { content: decrypted } = await decryptData(encryptData(octets, validated([only('p256')])), only('p256'))
      expect(Buffer.from(decrypted)).toEqual(Buffer.from(octets))
    }
  })

  it('names no recipient by name unless told to, and one without key identifier only so', () => {
    const der = Buffer.from(encryptData(content, validated([only('p256')])))
    expect(der.includes(Buffer.from('Issuing'))).toBe(false)
    const without = makeReader(world, {
      node: 'bare',
      extensionsDer: [encodeKeyUsage(['keyAgreement']), encodeExtKeyUsage(RECIPIENT_PURPOSES)],
    })
    expectCode('ERR_CMS_RECIPIENT', () => encryptData(content, validated([without])))
    encryptData(content, validated([without]), { identifier: 'issuerAndSerialNumber' })
  })

  it('a key that is not that of the certificate decrypts nothing', async () => {
    const der = encryptData(content, validated([only('p256')]))
    const mixed = { key: only('p384').key, certificate: only('p256').certificate }
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () => decryptData(der, mixed))
  })

  it('a document of which one octet was changed never opens to something else', { timeout: 60_000 }, async () => {
    const reader = only('p256')
    const der = encryptData(content, validated([reader]))
    const opened: number[] = []
    for (let index = 0; index < der.length; index++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = der.with(index, (der[index] ?? 0) ^ mask)
        const found = await decryptData(changed, reader).catch((error: unknown) => {
          outcomeOf(() => {
            throw error
          })
          return undefined
        })
        if (found === undefined) continue
        expect(Buffer.from(found.content)).toEqual(content)
        expect(found.contentType).toBe(OID.data)
        opened.push(index)
      }
    }
    expect(opened).toEqual([])
  })

  it('is refused when it is cut off anywhere, or followed by anything', async () => {
    const reader = only('rsa2048')
    const der = encryptData(content, validated([reader]))
    for (let length = 0; length < der.length; length++) {
      expect(outcomeOf(() => parseAuthEnvelopedData(der.subarray(0, length))).code).not.toBe('accepted')
    }
    await expectCodeAsync('ERR_DER_TRAILING_DATA', () => decryptData(Buffer.concat([der, Buffer.of(0)]), reader))
  })

  it('a proof of recipients is made by nobody else', () => {
    expect(() => new (ValidatedRecipients as unknown as new () => unknown)()).toThrow()
    expect(Object.isFrozen(validated(readers))).toBe(true)
    expect(Object.isFrozen(validated(readers).certificates)).toBe(true)
  })
})
