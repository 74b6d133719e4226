import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { AEAD_TAG_OCTETS, openContent, sealContent } from '../../src/crypto/index.js'
import { fromHex, toHex } from '../support/der.js'

const key = randomBytes(32)
const nonce = randomBytes(12)
const content = Buffer.from('what nobody else shall read')
const associated = Buffer.from('what everybody may read')

describe('sealContent', () => {
  it('encrypts as NIST says: test case 16 of the specification of GCM', () => {
    const { encrypted, tag } = sealContent(
      fromHex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
      fromHex('cafebabefacedbaddecaf888'),
      fromHex(
        'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
      ),
      fromHex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
    )
    expect(toHex(encrypted).slice(0, 32)).toBe('522dc1f099567d07f47f37a32a84427d')
    expect(toHex(tag)).toBe('76fc6ece0f4e1768cddf8853bb2d551b')
  })
})

describe('openContent', () => {
  const sealed = sealContent(key, nonce, content, associated)

  it('opens what was sealed, also nothing', () => {
    expect(Buffer.from(openContent(key, nonce, sealed, associated) ?? [])).toEqual(content)
    const nothing = sealContent(key, nonce, Buffer.alloc(0))
    expect(nothing.tag).toHaveLength(AEAD_TAG_OCTETS)
    expect(openContent(key, nonce, nothing)).toHaveLength(0)
  })

  it('ENC-08: yields nothing where one octet of anything is another', () => {
    const changed = (bytes: Uint8Array): Uint8Array => bytes.with(0, (bytes[0] ?? 0) ^ 1)
    const { encrypted, tag } = sealed
    const attempts = [
      openContent(changed(key), nonce, sealed, associated),
      openContent(key, changed(nonce), sealed, associated),
      openContent(key, nonce, { encrypted: changed(encrypted), tag }, associated),
      openContent(key, nonce, { encrypted: encrypted.subarray(1), tag }, associated),
      openContent(key, nonce, { encrypted, tag: changed(tag) }, associated),
      openContent(key, nonce, sealed, changed(associated)),
      openContent(key, nonce, sealed),
    ]
    expect(attempts).toEqual(attempts.map(() => undefined))
  })
})
