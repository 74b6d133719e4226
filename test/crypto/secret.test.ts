import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/errors/index.js'
import { Passphrase, SecretKey } from '../../src/crypto/index.js'
import { expectCode } from '../support/expect-code.js'

const CANARY = 'correct horse battery canary'
const passphrase = (): Passphrase => new Passphrase(Buffer.from(CANARY))
const octets = (text: string): string => new Passphrase(Buffer.from(text)).use((bytes) => bytes.toString())

describe('Passphrase', () => {
  it.each([
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    ['secret\n\n', 'secret\n'],
    [' secret ', ' secret '],
    ['sec\nret', 'sec\nret'],
    ['pässwörd', 'pässwörd'],
  ])('of %j is %j', (given, kept) => {
    expect(octets(given)).toBe(kept)
  })

  it('keeps octets that are no text', () => {
    expect([...new Passphrase(Uint8Array.of(0, 0xff, 0x80)).use((bytes) => bytes)]).toEqual([0, 0xff, 0x80])
  })

  it.each(['', '\n', '\r\n'])('refuses %j, of which nothing is left', (text) => {
    expectCode('ERR_PASSPHRASE_REQUIRED', () => octets(text))
  })

  it('copies what it is given', () => {
    const given = Buffer.from('secret')
    const kept = new Passphrase(given)
    given.fill(0)
    expect(kept.use((bytes) => bytes.toString())).toBe('secret')
  })

  it.each<[string, (secret: Passphrase) => string]>([
    ['String', (secret) => String(secret)],
    ['a template', (secret) => `a passphrase: ${secret as unknown as string}`],
    ['joining', (secret) => [secret, secret].join()],
    ['JSON', (secret) => JSON.stringify({ secret })],
    ['inspect', (secret) => inspect(secret)],
    ['inspect of what holds it', (secret) => inspect({ deep: { er: [secret] } }, { depth: 9, showHidden: true })],
    ['inspect without its own view', (secret) => inspect(secret, { customInspect: false, showHidden: true })],
    ['an error with it as cause', (secret) => inspect(new UsageError('ERR_USAGE', 'x', { cause: { secret } }))],
    ['an AggregateError', (secret) => inspect(new AggregateError([secret], 'x'))],
    ['a structured clone', (secret) => inspect(structuredClone(secret), { showHidden: true })],
    ['its own properties', (secret) => JSON.stringify(Object.getOwnPropertyDescriptors(secret))],
  ])('KEY-04, KEY-10: is not printed by %s', (_, print) => {
    const printed = print(passphrase())
    expect(printed).not.toContain('canary')
    expect(printed).not.toContain(Buffer.from('canary').toString('hex'))
    expect(printed).not.toContain([...Buffer.from('canary')].join(', '))
  })

  it('KEY-10: says that something was left out', () => {
    expect(String(passphrase())).toBe('[redacted]')
    expect(JSON.stringify(passphrase())).toBe('"[redacted]"')
    expect(inspect(passphrase())).toBe('[redacted]')
  })
})

describe('SecretKey', () => {
  it('keeps its octets, line endings too, and copies what it is given', () => {
    const given = Buffer.from('key\r\n')
    const key = new SecretKey(given)
    given.fill(0)
    expect(key.use((bytes) => bytes.toString())).toBe('key\r\n')
  })

  it('is another one each time', () => {
    const texts = [1, 2].map(() => SecretKey.generate(16).use((bytes) => bytes.toString('hex')))
    expect(texts[0]).toHaveLength(32)
    expect(texts[0]).not.toBe(texts[1])
  })

  it('KEY-04, KEY-10: is not printed', () => {
    const key = new SecretKey(Buffer.from(CANARY))
    for (const printed of [String(key), JSON.stringify({ key }), inspect({ deep: [key] }, { showHidden: true })]) {
      expect(printed).not.toContain('canary')
      expect(printed).toContain('[redacted]')
    }
  })
})
