import { hkdfSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import { decrypt, encrypt, expandKey, extractKey, macOf, requireMac } from '../../src/sharedkey/index.js'
import { keyFromBase64 } from '../../src/sharedkey/index.js'
import { expectCode } from '../support/expect-code.js'

const key = new SecretKey(Buffer.alloc(16, 0x0b))
const hexOf = (secret: SecretKey): string => secret.use((bytes) => bytes.toString('hex'))

describe('HKDF (RFC 5869)', () => {
  it('yields what appendix A.1 says', () => {
    const prk = extractKey(Buffer.from('000102030405060708090a0b0c', 'hex'), new SecretKey(Buffer.alloc(22, 0x0b)))
    expect(hexOf(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    expect(expandKey(prk, Buffer.from('f0f1f2f3f4f5f6f7f8f9', 'hex'), 42).toString('hex')).toBe(
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    )
  })

  it.each([1, 16, 31, 32, 33, 64, 82, 255])('expands to %i octets as Node does', (octets) => {
    const prk = extractKey(Buffer.from('salt'), key)
    expect(expandKey(prk, 'a:1,b:2,c', octets)).toEqual(
      Buffer.from(hkdfSync('sha256', Buffer.alloc(16, 0x0b), 'salt', 'a:1,b:2,c', octets)),
    )
  })
})

describe('requireMac', () => {
  const mac = macOf(key, 'text')

  it('takes the MAC of the text', () => {
    requireMac(key, 'text', mac, 'it')
  })

  it.each([
    ['another text', 'texu', mac],
    ['no MAC', 'text', ''],
    ['a part of it', 'text', mac.slice(0, 10)],
    ['more than it', 'text', `${mac}A`],
    ['its octets in another form', 'text', mac.replace('=', '')],
    ['letters that are no base64', 'text', mac.replace(/^./, 'Ā')],
  ])('refuses %s', (_, text, given) => {
    expectCode('ERR_SHAREDKEY_MAC', () => {
      requireMac(key, text, given, 'it')
    })
  })

  it('refuses another key', () => {
    expectCode('ERR_SHAREDKEY_MAC', () => {
      requireMac(SecretKey.generate(16), 'text', mac, 'it')
    })
  })
})

describe('encrypt and decrypt', () => {
  it.each([0, 1, 14, 15, 16, 17, 31, 32, 1000])('%i octets come back', (octets) => {
    const plain = Buffer.alloc(octets, 0x61)
    const text = encrypt(key, plain)
    expect(decrypt(key, text)).toEqual(plain)
    expect(Buffer.from(text, 'base64')).toHaveLength(16 + (Math.floor(octets / 16) + 1) * 16)
  })

  it('never yields the same twice', () => {
    expect(encrypt(key, Buffer.from('a'))).not.toBe(encrypt(key, Buffer.from('a')))
  })

  it.each([
    ['nothing', ''],
    ['what is no base64', '!'.repeat(64)],
    ['half a block', Buffer.alloc(40).toString('base64')],
    ['an initialization vector alone', Buffer.alloc(16).toString('base64')],
  ])('refuses %s', (_, text) => {
    expectCode('ERR_SHAREDKEY_MALFORMED', () => decrypt(key, text))
  })

  it('refuses a padding that is none', () => {
    let refused = 0
    for (let count = 0; count < 64; count++) {
      try {
        decrypt(SecretKey.generate(16), encrypt(key, Buffer.alloc(16, 0xff)))
      } catch {
        refused++
      }
    }
    // By chance, one of some 250 wrong keys leaves a padding.
    expect(refused).toBeGreaterThan(55)
  })
})

describe('keyFromBase64', () => {
  it.each(['', 'AAAA', Buffer.alloc(15).toString('base64'), Buffer.alloc(17).toString('base64')])(
    'refuses %j',
    (text) => {
      expectCode('ERR_SHAREDKEY_MALFORMED', () => keyFromBase64(text, 'the key'))
    },
  )
})
