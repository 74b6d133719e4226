/** Messages in a known form are believed, and refused, exactly as they are by a receiver who knows none. */
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import * as cms from '../../src/cms/index.js'
import type { KeyAlgorithmName } from '../../src/crypto/index.js'
import { isSignetError } from '../../src/errors/index.js'
import { type MessagePolicy, signMessage, type SignMessageRequest, verifyMessage } from '../../src/message/index.js'
import { type AcceptedMessage, KnownForm, KnownForms } from '../../src/message/known-form.js'
import { addSeconds } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { keyFor, NOW } from '../support/certificates.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender, type World } from '../support/messages.js'

vi.mock('../../src/cms/index.js', { spy: true })

const content = Buffer.from('{"host":"compute-07"}')
let world: World
let alice: Sender
let bob: Sender
let trust: TrustDirectory
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  bob = makeSender(world, { node: 'compute-08', key: keyFor('bob') })
})
beforeEach(async () => {
  trust = await makeDirectory(world, [alice, bob])
})

const sign = async (sender: Sender, changes: Partial<SignMessageRequest> = {}): Promise<Buffer> => {
  const request = { type: 'notify.test', destination: 'notifications', at: NOW, ...changes }
  return Buffer.from((await signMessage(content, sender, request)).der)
}

/** Another of the same length: that of an ECDSA signature is not always the same. */
async function signAlike(model: Buffer, sender: Sender, changes: Partial<SignMessageRequest> = {}): Promise<Buffer> {
  for (;;) {
    const der = await sign(sender, changes)
    if (der.length === model.length) return der
  }
}

/** The code of the refusal; `undefined` for none. */
async function refusal(der: Uint8Array, payload: Uint8Array | undefined, policy: MessagePolicy): Promise<unknown> {
  try {
    await verifyMessage(der, payload, policy)
    return undefined
  } catch (error) {
    if (!isSignetError(error)) throw error
    return error.code
  }
}

const lax = (directory: TrustDirectory, changes: Partial<MessagePolicy> = {}): MessagePolicy =>
  receiver(directory, { replay: 'allow-unchecked', ...changes })

/** Have it accepted as often as it takes until its form is known. */
async function makeKnown(der: Uint8Array, policy: MessagePolicy): Promise<void> {
  for (let count = 0; count < 4; count++) await verifyMessage(der, content, policy)
}

/** Messages that were parsed meanwhile. */
function countParsed(): () => number {
  const before = vi.mocked(cms.parseSignedData).mock.calls.length
  return () => vi.mocked(cms.parseSignedData).mock.calls.length - before
}

describe('verifyMessage: messages in a known form', () => {
  it('reads the first few, and knows the next by them: with another id, time, content, and signer', async () => {
    const first = await sign(alice)
    await makeKnown(first, lax(trust))
    const others = await makeDirectory(world, [bob])
    const at = addSeconds(NOW, 1)
    const next = await signAlike(first, bob, { at })
    const parsed = countParsed()
    const message = await verifyMessage(next, content, lax(trust, { at }))
    expect(parsed()).toBe(0)
    const anew = await verifyMessage(next, content, lax(others, { at }))
    expect(parsed()).toBe(1)
    expect(message).toEqual(anew)
    expect(message.signer).toEqual(bob.identity)
    expect(message.signingTime).toEqual(at)
    expect(message.context.messageId.buffer).not.toBe(next.buffer)
  })

  it('knows a form by the directory that it was accepted with, and by no other', async () => {
    const first = await sign(alice)
    await makeKnown(first, lax(trust))
    const other = await makeDirectory(world, [alice])
    const parsed = countParsed()
    await verifyMessage(first, content, lax(other))
    expect(parsed()).toBe(1)
  })

  it('learns nothing of what was refused', async () => {
    const first = await sign(alice)
    for (let count = 0; count < 4; count++) {
      expect(await refusal(first, content, lax(trust, { destinations: ['elsewhere'] }))).toBe('ERR_MESSAGE_DESTINATION')
    }
    const parsed = countParsed()
    await verifyMessage(first, content, lax(trust))
    expect(parsed()).toBe(1)
  })

  it.each([
    ['another type', { type: 'notify.tesu' }],
    ['another destination', { destination: 'notificationz' }],
    ['another lifetime', { lifetimeSeconds: 301 }],
  ] as const)('reads anew what has the same length and %s', async (_, changes) => {
    const first = await sign(alice)
    await makeKnown(first, lax(trust))
    const other = await signAlike(first, alice, changes)
    const message = await verifyMessage(other, content, lax(trust, { destinations: 'allow-any' }))
    expect(message.context).toMatchObject(changes)
  })

  it.each([
    ['attached', { form: 'attached' }, {}],
    ['on its route', { route: ['cell-1'] }, { route: { require: 'allow-partial' } }],
    ['for a receiver of routes', {}, { route: { require: 'allow-partial' } }],
  ] as const)('reads each message anew that is %s', async (_, changes, wanted) => {
    const payload = 'form' in changes ? undefined : content
    const policy = lax(trust, wanted)
    const first = await sign(alice, changes)
    const parsed = countParsed()
    const before = await refusal(first, payload, policy)
    for (let count = 0; count < 4; count++) expect(await refusal(first, payload, policy)).toBe(before)
    expect(parsed()).toBe(5)
  })

  it('a replayed message is refused', async () => {
    const policy = receiver(trust)
    const der = await sign(alice)
    expect(await refusal(der, content, policy)).toBeUndefined()
    expect(await refusal(der, content, policy)).toBe('ERR_MESSAGE_REPLAYED')
  })

  it.each([
    ['content that was not signed', Buffer.from('{"host":"compute-08"}')],
    ['no content', undefined],
  ])('refuses %s', async (_, payload) => {
    const der = await sign(alice)
    await makeKnown(der, lax(trust))
    expect(await refusal(der, payload, lax(trust))).toBe(
      await refusal(der, payload, lax(await makeDirectory(world, [alice]))),
    )
  })

  it('an input that is written over afterwards changes nothing of what was believed', async () => {
    const der = await sign(alice)
    await makeKnown(der, lax(trust))
    const payload = Buffer.from(content)
    const message = await verifyMessage(der, payload, lax(trust))
    const messageId = Buffer.from(message.context.messageId)
    der.fill(0)
    payload.fill(0)
    expect(Buffer.from(message.content)).toEqual(content)
    expect(Buffer.from(message.context.messageId)).toEqual(messageId)
  })

  const EVERY: readonly (readonly [KeyAlgorithmName, Partial<SignMessageRequest>])[] = [
    ['p256', {}],
    ['p256', { source: 'stated', recipients: ['spiffe://cloud.example/nova-conductor/one'] }],
    ['ed25519', {}],
    ['rsa2048', {}],
  ]

  it.each(EVERY)(
    'CMS-02: any octet of a message by %s, %j, that is another is refused as by a stranger',
    async (algorithm, changes) => {
      const sender = makeSender(world, { node: `${algorithm}-node`, key: keyFor('sender', algorithm) })
      const known = lax(await makeDirectory(world, [sender, bob]))
      // Nothing is ever accepted with this one: it reads every message.
      const stranger = lax(await makeDirectory(world, [sender, bob]))
      const first = await sign(sender, changes)
      await makeKnown(first, known)
      const der = await signAlike(first, sender, changes)
      const parsed = countParsed()
      await verifyMessage(der, content, known)
      expect(parsed()).toBe(0)
      for (let index = 0; index < der.length; index++) {
        const original = der[index] ?? 0
        for (const other of [original ^ 1, original ^ 0x80, (original + 1) & 0xff, 0, 0xff]) {
          if (other === original) continue
          der[index] = other
          const code = await refusal(der, content, known)
          expect(code, `octet ${index}: ${original} as ${other}`).toBeDefined()
          expect(code, `octet ${index}: ${original} as ${other}`).toBe(await refusal(der, content, stranger))
        }
        der[index] = original
      }
      expect(await refusal(der, content, known)).toBeUndefined()
    },
    120_000,
  )

  it('another signer named in the place of the signer is refused as by a stranger', async () => {
    const first = await sign(alice)
    await makeKnown(first, lax(trust))
    const [mine, theirs] = [alice, bob].map(({ certificate }) => Buffer.from(certificate.subjectKeyIdentifier ?? []))
    if (mine === undefined || theirs === undefined) throw new Error('they have key identifiers')
    const at = first.indexOf(mine)
    expect(at).toBeGreaterThan(0)
    theirs.copy(first, at)
    expect(await refusal(first, content, lax(trust))).toBe('ERR_CMS_ESS_MISMATCH')
    Buffer.alloc(theirs.length).copy(first, at)
    expect(await refusal(first, content, lax(trust))).toBe('ERR_CMS_SIGNER_UNKNOWN')
  })

  it('a time that is none, of a second that was read before, is refused', async () => {
    const first = await sign(alice)
    await makeKnown(first, lax(trust))
    const at = first.indexOf(Buffer.from('270101000000Z'))
    expect(at).toBeGreaterThan(0)
    first.write('270101006000Z', at)
    expect(await refusal(first, content, lax(trust))).toBe('ERR_CMS_ATTRIBUTE_MALFORMED')
    first.write('270101000001Z', at)
    expect(await refusal(first, content, lax(trust))).toBe('ERR_CMS_SIGNATURE')
  })
})

describe('KnownForms', () => {
  /** What `verifyMessage` teaches of a message. */
  async function accepted(changes: Partial<SignMessageRequest> = {}): Promise<AcceptedMessage> {
    const der = await sign(alice, changes)
    const signedData = cms.parseSignedData(der)
    const [signerInfo] = signedData.signerInfos
    if (signerInfo === undefined) throw new Error('it has a signer')
    const { certificate } = alice
    const facts = cms.verifySigner(signedData, signerInfo, content, certificate)
    const { context } = await verifyMessage(der, content, lax(trust, { destinations: 'allow-any' }))
    return { der, signerInfo, facts, certificate, context }
  }

  it('takes the fourth of those that it is told of, and then some', async () => {
    const forms = new KnownForms()
    const [one, two] = [await accepted(), await accepted({ destination: 'n' })]
    for (let told = 1; told < 4; told++) forms.teach(one)
    expect(forms.find(one.der)).toBeUndefined()
    forms.teach(one)
    forms.teach(two)
    expect(forms.find(one.der)).toBeInstanceOf(KnownForm)
    expect(forms.find(two.der)).toBeUndefined()
    for (let told = 2; told <= 16; told++) forms.teach(two)
    expect(forms.find(two.der)).toBeInstanceOf(KnownForm)
  })

  it('keeps no more of one length than it may compare, the newest', async () => {
    const forms = new KnownForms()
    const taught: AcceptedMessage[] = []
    const model = await sign(alice)
    while (taught.length < 9) {
      const message = await accepted({ type: `notify.tes${taught.length}` })
      if (message.der.length !== model.length) continue
      taught.push(message)
      for (let told = 0; told < 16; told++) forms.teach(message)
    }
    expect(taught.map(({ der }) => forms.find(der) !== undefined)).toEqual([false, ...Array<boolean>(8).fill(true)])
  })

  it('forgets all rather than hold more than it may', async () => {
    const forms = new KnownForms()
    const first = await accepted({ destination: 'd' })
    forms.teach(first)
    for (let told = 0; told < 15; told++) forms.teach(first)
    for (let length = 2; length <= 255; length++) {
      const message = await accepted({ destination: 'd'.repeat(length) })
      for (let told = 0; told < 16; told++) forms.teach(message)
    }
    expect(forms.find(first.der)).toBeDefined()
    for (const type of ['notify.a', 'notify.bb', 'notify.ccc']) {
      const message = await accepted({ type, destination: 'd'.repeat(250) })
      for (let told = 0; told < 16; told++) forms.teach(message)
    }
    expect(forms.find(first.der)).toBeUndefined()
  })

  it('takes none whose signer is named by issuer and serial number, or bound in another form', async () => {
    const message = await accepted()
    const sid = { kind: 'issuerAndSerialNumber', issuer: alice.certificate.issuer, serialNumber: '1' } as const
    expect(KnownForm.of({ ...message, signerInfo: { ...message.signerInfo, sid } })).toBeUndefined()
    expect(KnownForm.of({ ...message, certificate: bob.certificate })).toBeUndefined()
    const copied = { ...message.signerInfo, signature: new Uint8Array(message.signerInfo.signature) }
    expect(KnownForm.of({ ...message, signerInfo: copied })).toBeUndefined()
    expect(KnownForm.of(message)).toBeInstanceOf(KnownForm)
  })
})
