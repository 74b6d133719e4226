import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import {
  encodeEnvelope,
  type EnvelopeMetadata,
  macOf,
  parseEnvelope,
  verifyEnvelope,
} from '../../src/sharedkey/index.js'
import { expectCode } from '../support/expect-code.js'

const key = SecretKey.generate(16)
const METADATA: EnvelopeMetadata = {
  source: 'a:1',
  destination: 'b:2',
  timestamp: '2027-01-01T00:00:00.000000',
  nonce: '0123456789abcdef',
  esek: 'AAAA',
  encryption: false,
}
const text = encodeEnvelope('{"x":1}', METADATA, key)
const parse = (changed: string) => parseEnvelope(Buffer.from(changed))
const withMembers = (changes: Record<string, unknown>): string =>
  JSON.stringify({ ...(JSON.parse(text) as object), ...changes })
const withMetadata = (changes: Record<string, unknown>): string =>
  withMembers({ 'oslo.secure.metadata': JSON.stringify({ ...METADATA, ...changes }) })

describe('parseEnvelope', () => {
  it('reads what was written', () => {
    const envelope = parse(text)
    expect(envelope.message).toBe('{"x":1}')
    expect(envelope.metadata).toMatchObject({ source: { name: 'a', generation: 1 }, encryption: false })
    verifyEnvelope(envelope, key)
  })

  it('puts version, metadata and message under the MAC, with nothing between', () => {
    const { 'oslo.secure.signature': mac, 'oslo.secure.metadata': metadata } = JSON.parse(text) as Record<
      string,
      string
    >
    expect(mac).toBe(macOf(key, `2.1${metadata ?? ''}{"x":1}`))
  })

  it.each<[string, string]>([
    ['no object', '[]'],
    ['a text', '"x"'],
    ['no version', withMembers({ 'oslo.version': undefined })],
    ['version 2.0', withMembers({ 'oslo.version': '2.0' })],
    ['version 2.2', withMembers({ 'oslo.version': '2.2' })],
    ['a version that is a number', withMembers({ 'oslo.version': 2.1 })],
    ['no metadata', withMembers({ 'oslo.secure.metadata': undefined })],
    ['no MAC', withMembers({ 'oslo.secure.signature': undefined })],
    ['an empty MAC', withMembers({ 'oslo.secure.signature': '' })],
  ])('MSG-09: calls %s unprotected', (_, changed) => {
    expectCode('ERR_MESSAGE_UNSIGNED', () => parse(changed))
  })

  it.each<[string, string]>([
    ['a member that is not known', withMembers({ more: 1 })],
    ['a message that is no text', withMembers({ 'oslo.message': {} })],
    ['metadata that are no text', withMembers({ 'oslo.secure.metadata': METADATA })],
    ['metadata with a space at the end', withMembers({ 'oslo.secure.metadata': `${JSON.stringify(METADATA)} ` })],
    ['metadata with a member more', withMetadata({ more: 1 })],
    ['metadata with a member less', withMetadata({ esek: undefined })],
    ['a source without a generation', withMetadata({ source: 'a' })],
    ['a source with a comma', withMetadata({ source: 'a,b:1' })],
    ['a destination with a comma', withMetadata({ destination: 'a:1,b:1' })],
    ['a time that is a number', withMetadata({ timestamp: 1798761600.5 })],
    ['a nonce that JSON rounds', withMetadata({ nonce: 2 ** 63 })],
    ['encryption that is a text', withMetadata({ encryption: 'false' })],
  ])('refuses %s', (_, changed) => {
    expectCode('ERR_SHAREDKEY_MALFORMED', () => parse(changed))
  })

  it('MSG-10: refuses members that are there twice', () => {
    expectCode('ERR_JSON_MALFORMED', () => parse(text.replace('{', '{"oslo.message":"{}",')))
    expectCode('ERR_JSON_MALFORMED', () => parse(text.replace('{', '{"oslo.\\u006dessage":"{}",')))
    const twice = JSON.stringify(METADATA).replace('{', '{"source":"c:1",')
    expectCode('ERR_SHAREDKEY_MALFORMED', () => parse(withMembers({ 'oslo.secure.metadata': twice })))
  })

  it('MSG-11: a space cannot move from message to metadata under one MAC', () => {
    const metadataText = JSON.stringify(METADATA)
    const signature = macOf(key, `2.1${metadataText} {"x":1}`)
    const [before, after] = [
      withMembers({ 'oslo.message': ' {"x":1}', 'oslo.secure.signature': signature }),
      withMembers({ 'oslo.secure.metadata': `${metadataText} `, 'oslo.secure.signature': signature }),
    ]
    verifyEnvelope(parse(before), key)
    expectCode('ERR_SHAREDKEY_MALFORMED', () => parse(after))
  })
})
