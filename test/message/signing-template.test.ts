/** What is made from the message before is, octet for octet, what is made from nothing. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import * as cms from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { signMessage, type SignMessageRequest } from '../../src/message/index.js'
import { SigningTemplates } from '../../src/message/signing-template.js'
import { addSeconds } from '../../src/time/index.js'
import { parseCertificate } from '../../src/x509/index.js'
import { keyFor, NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeSender, makeWorld, type Sender, type World } from '../support/messages.js'

vi.mock('../../src/cms/index.js', { spy: true })

const content = Buffer.from('{"host":"compute-07"}')
const usual = { type: 'notify.test', destination: 'notifications', at: NOW }
let world: World
beforeAll(async () => {
  world = await makeWorld()
})

/** A sender of whom nothing is known: certificates are told apart as objects. */
const stranger = (sender: Sender): Sender => ({ ...sender, certificate: parseCertificate(sender.certificate.der) })

const senderWith = (algorithm: KeyAlgorithmName): Sender =>
  stranger(makeSender(world, { node: `${algorithm}-node`, key: keyFor('sender', algorithm) }))

const id = (octet: number, length = 12): Uint8Array => new Uint8Array(length).fill(octet)

async function sign(sender: Sender, changes: Partial<SignMessageRequest> = {}, payload = content): Promise<Buffer> {
  return Buffer.from((await signMessage(payload, sender, { ...usual, messageId: id(1), ...changes })).der)
}

/** Messages whose attributes were encoded one by one meanwhile. */
function countEncoded(): () => number {
  const before = vi.mocked(cms.signDataAtOnce).mock.calls.length
  return () => vi.mocked(cms.signDataAtOnce).mock.calls.length - before
}

/** As many as it takes until one leaves a template. */
async function leaveTemplate(sender: Sender, changes: Partial<SignMessageRequest> = {}): Promise<void> {
  for (let count = 0; count < 16; count++) await sign(sender, changes)
}

const CHANGES: readonly (readonly [string, Partial<SignMessageRequest>])[] = [
  ['another id', { messageId: id(2) }],
  ['a longer id', { messageId: id(2, 16) }],
  ['another time', { at: addSeconds(NOW, 1) }],
  ['a time within the second', { at: new Date(NOW.getTime() + 1) }],
  ['a time that takes four digits for its year', { at: new Date('2050-01-01T00:00:00Z') }],
  ['another type of the same length', { type: 'notify.tesu' }],
  ['another destination of the same length', { destination: 'notificationz' }],
  ['another lifetime', { lifetimeSeconds: 301 }],
  ['its source', { source: 'stated' }],
  ['its content inside', { form: 'attached' }],
  ['a route', { route: ['cell-1'] }],
  ['recipients', { recipients: ['spiffe://cloud.example/nova-conductor/one'] }],
]

describe('signMessage: made from the message before', () => {
  // Their signatures are always the same.
  describe.each(['ed25519', 'rsa2048'] as const)('%s', (algorithm) => {
    it('encodes the attributes of the first, and not those of the next', async () => {
      const sender = senderWith(algorithm)
      await leaveTemplate(sender)
      const encoded = countEncoded()
      expect(await sign(sender, { messageId: id(3) })).toEqual(await sign(sender, { messageId: id(3) }))
      expect(encoded()).toBe(0)
      expect(await sign(sender, { messageId: id(3) })).toEqual(await sign(stranger(sender), { messageId: id(3) }))
    })

    it.each(CHANGES)('makes the same message with %s', async (_, changes) => {
      const sender = senderWith(algorithm)
      await leaveTemplate(sender)
      const anew = await sign(stranger(sender), changes)
      expect(await sign(sender, changes)).toEqual(anew)
      // And after it has left a template of its own.
      await leaveTemplate(sender, changes)
      expect(await sign(sender, changes)).toEqual(anew)
      expect(await sign(sender)).toEqual(await sign(stranger(sender)))
    })

    it('makes the same message of other content, and of content that is known by its digest', async () => {
      const sender = senderWith(algorithm)
      await leaveTemplate(sender)
      const other = Buffer.from('{}')
      expect(await sign(sender, {}, other)).toEqual(await sign(stranger(sender), {}, other))
      const { der } = await signMessage(cms.digestBytes(other), sender, { ...usual, messageId: id(1) })
      expect(Buffer.from(der)).toEqual(await sign(stranger(sender), {}, other))
    })
  })

  it('a context that its caller writes into afterwards is not what later messages are made for', async () => {
    const sender = senderWith('ed25519')
    for (let count = 0; count < 16; count++) {
      const { context } = await signMessage(content, sender, { ...usual, messageId: id(1) })
      Object.assign(context, { type: 'notify.evil' })
    }
    expect(await sign(sender, { type: 'notify.evil' })).toEqual(await sign(stranger(sender), { type: 'notify.evil' }))
  })

  it('refuses what it would refuse without', async () => {
    const sender = senderWith('ed25519')
    await leaveTemplate(sender)
    const { key } = makeSender(world, { node: 'other', key: keyFor('other', 'ed25519') })
    await expectCodeAsync('ERR_KEY_CERT_MISMATCH', () => sign({ ...sender, key }))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => sign(sender, { messageId: id(1, 7) }))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => sign(sender, { type: 'not a type' }))
  })
})

describe('SigningTemplates', () => {
  it('keeps no more of one certificate than it may compare, the newest', async () => {
    const sender = senderWith('ed25519')
    const templates = new SigningTemplates()
    const contexts = []
    for (let number = 0; number < 9; number++) {
      const { der, context } = await signMessage(content, sender, { ...usual, destination: `n${number}` })
      contexts.push(context)
      for (let told = 0; told < 16; told++) templates.leave(der, context, sender)
    }
    const found = contexts.map((context) => templates.find(context, sender) !== undefined)
    expect(found).toEqual([false, ...Array<boolean>(8).fill(true)])
  })
})
