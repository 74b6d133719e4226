import { beforeAll, describe, expect, it } from 'vitest'
import {
  type DecryptedMessage,
  decryptMessage,
  encryptMessage,
  planProtection,
  type Protection,
  protectionOf,
  type ProtectionSettings,
  requireProtection,
  signMessage,
  type VerifiedMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { makeDirectory, makeReader, makeSender, makeWorld, receiver } from '../support/messages.js'

const SETTINGS: ProtectionSettings = { 'heartbeat.*': 'none', 'rpc.*': 'sign', 'rpc.password': 'sign+encrypt' }

describe('protectionOf', () => {
  it.each([
    ['heartbeat.node', 'none'],
    ['rpc.report', 'sign'],
    ['rpc.password', 'sign+encrypt'],
    ['notify.other', 'sign'],
  ] as const)('requirement 17: %s needs %s', (type, protection) => {
    expect(protectionOf(SETTINGS, type)).toBe(protection)
  })

  it('takes the most of several settings, in whatever order they stand', () => {
    const reversed = Object.fromEntries(Object.entries(SETTINGS).reverse())
    expect(protectionOf(reversed, 'rpc.password')).toBe('sign+encrypt')
  })

  it('refuses settings that are none', () => {
    for (const wrong of ['', 'encrypt', 'SIGN', undefined]) {
      expectCode('ERR_CONFIG_INVALID', () => protectionOf({ a: wrong as Protection }, 'b'))
    }
    expectCode('ERR_CONFIG_INVALID', () => protectionOf({ 'no pattern': 'sign' }, 'b'))
  })
})

describe('planProtection', () => {
  it('requirement 17: lets a sender encrypt for a named set only', () => {
    expect(planProtection(SETTINGS, 'rpc.password', 2)).toBe('sign+encrypt')
    const error = expectCode('ERR_MESSAGE_RECIPIENTS', () => planProtection(SETTINGS, 'rpc.password', 0))
    expect(error.hint).toContain('broadcast')
    expect(planProtection(SETTINGS, 'notify.other', 0)).toBe('sign')
  })
})

describe('requireProtection', () => {
  let signed: VerifiedMessage
  let encrypted: DecryptedMessage
  beforeAll(async () => {
    const world = await makeWorld()
    const alice = makeSender(world, { node: 'compute-07' })
    const bob = makeReader(world, { node: 'bob' })
    const trust = await makeDirectory(world, [alice])
    const request = { type: 'rpc.password', destination: 'here', at: NOW }
    const content = Buffer.from('{}')
    const message = await signMessage(content, alice, request)
    signed = await verifyMessage(message.der, content, receiver(trust))
    const { der } = await encryptMessage(content, alice, { ...request, recipients: [bob.certificate], trust })
    encrypted = await decryptMessage(der, bob, { ...receiver(trust), destinations: ['here'] })
  })

  it('requirement 17: takes what is protected enough, or more', () => {
    requireProtection(SETTINGS, 'rpc.password', encrypted)
    requireProtection({ 'rpc.*': 'sign' }, 'rpc.password', encrypted)
    requireProtection({ 'rpc.*': 'sign' }, 'rpc.password', signed)
    requireProtection({ 'rpc.*': 'none' }, 'rpc.password', undefined)
  })

  it('requirement 17: refuses less, messages of another type, and what only looks like one', () => {
    for (const message of [signed, undefined, { message: signed, recipients: [] }]) {
      expectCode('ERR_MESSAGE_PROTECTION', () => requireProtection(SETTINGS, 'rpc.password', message))
    }
    expectCode('ERR_MESSAGE_PROTECTION', () => requireProtection(SETTINGS, 'rpc.report', signed))
    expectCode('ERR_MESSAGE_PROTECTION', () => requireProtection({}, 'rpc.password', { ...signed }))
  })
})
