import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeObjectIdentifier,
  encodeSequence,
  encodeSetOf,
  encodeString,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import {
  decryptData,
  encryptData,
  parseAuthEnvelopedData,
  parseSignedData,
  validateRecipients,
} from '../../src/cms/index.js'
import {
  createReplayMemory,
  DecryptedMessage,
  decryptMessage,
  type EncryptedMessagePolicy,
  encryptMessage,
  type EncryptMessageRequest,
  type MessagePolicy,
  signMessage,
  type SignMessageRequest,
  verifyMessage,
} from '../../src/message/index.js'
import { addSeconds } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { keyFor, makeCrl, NOW, revoked } from '../support/certificates.js'
import { buildEnvelope, keyAgreement } from '../support/envelope-builder.js'
import { expectCodeAsync } from '../support/expect-code.js'
import {
  makeDirectory,
  makeReader,
  makeSender,
  makeWorld,
  receiver,
  type Sender,
  type World,
} from '../support/messages.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const content = Buffer.from('{"password":"x"}')
let world: World
let trust: TrustDirectory
let alice: Sender
let bob: Sender
let carol: Sender
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  trust = await makeDirectory(world, [alice])
  bob = makeReader(world, { node: 'bob' })
  carol = makeReader(world, { node: 'carol', algorithm: 'p384' })
})

const request = (changes: Partial<EncryptMessageRequest> = {}): EncryptMessageRequest => ({
  type: 'rpc.password',
  destination: 'conductor',
  at: NOW,
  recipients: [bob.certificate],
  trust,
  ...changes,
})
const encrypt = async (changes: Partial<EncryptMessageRequest> = {}): Promise<Uint8Array> =>
  (await encryptMessage(content, alice, request(changes))).der
const wants = (changes: Partial<MessagePolicy> = {}): EncryptedMessagePolicy => ({
  ...receiver(trust, changes),
  destinations: (changes.destinations as readonly string[] | undefined) ?? ['conductor'],
})

/** As somebody who could read a message encrypts what is inside for somebody else. */
async function encryptAgain(der: Uint8Array, reader: Sender, others: readonly Sender[]): Promise<Uint8Array> {
  const { content: inner } = await decryptData(der, reader)
  return enveloped(inner, others)
}

function enveloped(inner: Uint8Array, readers: readonly Sender[]): Uint8Array {
  const recipients = validateRecipients(
    readers.map(({ certificate }) => certificate),
    {
      anchors: trust.anchors,
      certificates: trust.authorities,
      purpose: 'message-encryption',
      revocation: { crls: trust.crls },
      at: NOW,
    },
  )
  return encryptData(inner, recipients)
}

async function signedInside(changes: Partial<SignMessageRequest>): Promise<Uint8Array> {
  const { der } = await signMessage(content, alice, {
    type: 'rpc.password',
    destination: 'conductor',
    at: NOW,
    form: 'attached',
    ...changes,
  })
  return der
}

describe('encryptMessage, decryptMessage', () => {
  it('requirement 2: each reader learns content, signer and readers', async () => {
    const { der, context, recipients } = await encryptMessage(
      content,
      alice,
      request({ recipients: [carol.certificate, bob.certificate] }),
    )
    expect(recipients).toEqual([bob.identity.uri, carol.identity.uri])
    expect(context).toMatchObject({ type: 'rpc.password', destination: 'conductor' })
    for (const reader of [bob, carol]) {
      const decrypted = await decryptMessage(der, reader, wants())
      expect(decrypted).toBeInstanceOf(DecryptedMessage)
      expect(Object.isFrozen(decrypted)).toBe(true)
      expect(Buffer.from(decrypted.message.content)).toEqual(content)
      expect(decrypted.message.signer).toEqual(alice.identity)
      expect(decrypted.recipients).toEqual(recipients)
    }
  })

  it('is one layer of plain data around an attached message, and says nothing in clear but key identifiers', async () => {
    const der = await encrypt()
    const document = parseAuthEnvelopedData(der)
    expect(document).toMatchObject({ contentType: OID.data, hasUnauthenticated: false })
    expect(document.associated).toHaveLength(0)
    for (const word of ['conductor', 'rpc.password', 'spiffe', 'cloud.example', 'compute-07', 'password']) {
      expect(Buffer.from(der).includes(word)).toBe(false)
    }
    const inner = parseSignedData((await decryptData(der, bob)).content)
    expect(inner.signerInfos[0]?.signedAttrs.has(OID.signetMessageRecipients)).toBe(true)
  })

  it('requirement 2: nobody reads who was not named: another reader, the signer, a key of another kind', async () => {
    const der = await encrypt()
    const rita = makeReader(world, { node: 'rita', algorithm: 'rsa2048' })
    const namesake = makeReader(await makeWorld('second'), { node: 'bob', key: keyFor('another bob') })
    for (const stranger of [alice, carol, rita, namesake]) {
      await expectCodeAsync('ERR_CMS_DECRYPT', () => decryptMessage(der, stranger, wants()))
    }
    // Whoever has the broker has these octets; the content is not in them.
    expect(Buffer.from(der).includes(content.subarray(0, 8))).toBe(false)
    expect(Buffer.from((await decryptMessage(der, bob, wants())).message.content)).toEqual(content)
  })

  it('requirement 17: refuses a broadcast: nobody is named', async () => {
    await expectCodeAsync('ERR_MESSAGE_RECIPIENTS', () => encrypt({ recipients: [] }))
  })

  it('ENC-10: signs nothing for readers that cannot be encrypted for', async () => {
    let signed = 0
    const counting = {
      certificate: alice.certificate,
      key: { ...alice.key, sign: () => ((signed += 1), new Uint8Array()) },
    }
    const attempt = (changes: Partial<EncryptMessageRequest>) => (): Promise<unknown> =>
      encryptMessage(content, counting, request(changes))
    await expectCodeAsync('ERR_CMS_RECIPIENT', attempt({ recipients: [bob.certificate, bob.certificate] }))
    await expectCodeAsync('ERR_PATH_PURPOSE', attempt({ recipients: [bob.certificate, alice.certificate] }))
    await expectCodeAsync('ERR_PATH_PURPOSE', attempt({ recipients: [world.issuing.certificate] }))
    await expectCodeAsync('ERR_TRUST_DIRECTORY_EXPIRED', attempt({ at: addSeconds(NOW, 90_000) }))
    const elsewhere = makeReader(await makeWorld('second'), { node: 'bob' })
    await expectCodeAsync('ERR_PATH_NOT_FOUND', attempt({ recipients: [elsewhere.certificate] }))
    const crl = await makeCrl({ issuer: world.issuing, revoked: [revoked(bob.certificate.serialNumber)] })
    const [rootCrl] = world.crls
    const crls = rootCrl === undefined ? [crl] : [rootCrl, crl]
    await expectCodeAsync('ERR_REVOKED', attempt({ trust: await makeDirectory(world, [alice], { crls }) }))
    expect(signed).toBe(0)
  })

  it('has the other refusals of signMessage', async () => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () => encrypt({ type: 'no type' }))
    await expectCodeAsync('ERR_ISSUE_PROFILE', () => encryptMessage(content, bob, request()))
  })
})

describe('surreptitious forwarding', () => {
  it('MSG-08: a message encrypted again for a reader elsewhere is refused for its destination', async () => {
    const again = await encryptAgain(await encrypt({ recipients: [bob.certificate, carol.certificate] }), bob, [carol])
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () =>
      decryptMessage(again, carol, wants({ destinations: ['scheduler'] })),
    )
  })

  it('MSG-08: a message encrypted again for somebody who shares the destination is refused: its signer named others', async () => {
    const replay = createReplayMemory()
    const der = await encrypt()
    const again = await encryptAgain(der, bob, [carol])
    await expectCodeAsync('ERR_MESSAGE_RECIPIENTS', () => decryptMessage(again, carol, wants({ replay })))
    // What was not for her does not count as seen, where memories are shared.
    await decryptMessage(der, bob, wants({ replay }))
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => decryptMessage(der, bob, wants({ replay })))
  })

  it('MSG-08: more recipients in the envelope than were signed change nothing for those who were', async () => {
    const again = await encryptAgain(await encrypt(), bob, [bob, carol])
    expect((await decryptMessage(again, bob, wants())).recipients).toEqual([bob.identity.uri])
    await expectCodeAsync('ERR_MESSAGE_RECIPIENTS', () => decryptMessage(again, carol, wants()))
  })

  it('MSG-24: a signed message that names no readers is no encrypted message, whoever encrypts it', async () => {
    const der = enveloped(await signedInside({}), [bob])
    await expectCodeAsync('ERR_MESSAGE_RECIPIENTS', () => decryptMessage(der, bob, wants()))
  })

  it('MSG-24: names that were put in without the signer break the signature', async () => {
    const forRob = await signedInside({ recipients: [bob.identity.uri.replace(/bob$/, 'rob')] })
    const forged = Buffer.from(forRob)
    forged.write('bob', forged.indexOf('/rob') + 1)
    await expectCodeAsync('ERR_CMS_SIGNATURE', () => decryptMessage(enveloped(forged, [bob]), bob, wants()))
  })

  it('a reader says for which destinations it reads', async () => {
    const der = await encrypt()
    const anyDestination = receiver(trust) as EncryptedMessagePolicy
    await expectCodeAsync('ERR_CONFIG_INVALID', () => decryptMessage(der, bob, anyDestination))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => decryptMessage(der, bob, { ...anyDestination, destinations: [] }))
  })

  it('what was inside, taken out, still verifies as what it is: signed, not secret', async () => {
    const { content: inner } = await decryptData(await encrypt(), bob)
    expect((await verifyMessage(inner, undefined, wants())).signer).toEqual(alice.identity)
  })
})

describe('decryptMessage: what is no encrypted message', () => {
  it('refuses nothing at all, signed messages, and other documents', async () => {
    await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () => decryptMessage(new Uint8Array(), bob, wants()))
    const signed = await signedInside({})
    await expectCodeAsync('ERR_CMS_TYPE_UNSUPPORTED', () => decryptMessage(signed, bob, wants()))
    await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () =>
      decryptMessage(enveloped(new Uint8Array(), [bob]), bob, wants()),
    )
    await expectCodeAsync('ERR_CMS_MALFORMED', () => decryptMessage(enveloped(content, [bob]), bob, wants()))
  })

  it('MSG-24: what anybody could encrypt is from nobody, also where somebody signed the envelope', async () => {
    // To the reader's public key, without a signature inside.
    await expectCodeAsync('ERR_CMS_MALFORMED', () => decryptMessage(enveloped(content, [bob]), bob, wants()))
    // Two envelopes inside of each other are no signature either.
    const twice = enveloped(enveloped(await signedInside({ recipients: [bob.identity.uri] }), [bob]), [bob])
    await expectCodeAsync('ERR_CMS_TYPE_UNSUPPORTED', () => decryptMessage(twice, bob, wants()))
    // Mallory signs what alice had encrypted: it becomes neither his nor hers.
    const mallory = makeSender(world, { node: 'mallory' })
    const both = await makeDirectory(world, [alice, mallory])
    const sealed = await encrypt()
    const { der } = await signMessage(sealed, mallory, {
      ...{ type: 'rpc.password', destination: 'conductor', at: NOW, form: 'attached' },
    })
    await expectCodeAsync('ERR_CMS_TYPE_UNSUPPORTED', () => decryptMessage(der, bob, { ...wants(), trust: both }))
    const outer = await verifyMessage(der, undefined, receiver(both))
    expect(outer.signer).toEqual(mallory.identity)
    const { message } = await decryptMessage(outer.content, bob, { ...wants(), trust: both })
    expect(message.signer).toEqual(alice.identity)
  })

  it('refuses what the tag does not cover, and attributes, which OpenSSL would not cover', async () => {
    const inner = await signedInside({ recipients: [bob.identity.uri] })
    const parts = { content: inner, recipients: [keyAgreement(bob.certificate)] }
    await decryptMessage(buildEnvelope(parts), bob, wants())
    const attribute = encodeSequence(encodeObjectIdentifier('1.2.3'), encodeSetOf(Uint8Array.of(5, 0)))
    for (const more of [
      { originatorInfoDer: encodeContext(0) },
      { unauthAttributes: [attribute] },
      { authAttributes: [attribute] },
    ]) {
      await expectCodeAsync('ERR_CMS_CONTENT_TYPE', () =>
        decryptMessage(buildEnvelope({ ...parts, ...more }), bob, wants()),
      )
    }
  })

  it('ENC-08: hands out nothing, whichever octet was changed', { timeout: 120_000 }, async () => {
    const der = await encrypt()
    for (let index = 0; index < der.length; index++) {
      const changed = der.with(index, (der[index] ?? 0) ^ 0x01)
      const found = await decryptMessage(changed, bob, wants()).catch((error: unknown) => {
        outcomeOf(() => {
          throw error
        })
        return undefined
      })
      expect([index, found]).toEqual([index, undefined])
    }
  })

  it('refuses names of readers that are not in order, twice, empty or none', async () => {
    const { encodeMessageRecipients, readMessageRecipients } = await import('../../src/message/recipients.js')
    const { CMS_LIMITS, DerReader } = await import('../../src/asn1/index.js')
    const read = (der: Uint8Array): unknown => readMessageRecipients(DerReader.over(der, CMS_LIMITS))
    expect(read(encodeMessageRecipients(['b', 'a', 'b']))).toEqual(['a', 'b'])
    const name = (text: string): Uint8Array => encodeString(text, TAG.visibleString)
    for (const names of [['b', 'a'], ['a', 'a'], [''], []]) {
      expect(outcomeOf(() => read(encodeSequence(...names.map(name)))).code).toBe('ERR_MESSAGE_CONTEXT_MALFORMED')
    }
    for (const der of [encodeSetOf(name('a')), encodeSequence(Uint8Array.of(5, 0))]) {
      expect(outcomeOf(() => read(der)).code).toBe('ERR_MESSAGE_CONTEXT_MALFORMED')
    }
    const many = Array.from({ length: 257 }, (_, index) => name(String(index).padStart(3, '0')))
    expect(outcomeOf(() => read(encodeSequence(...many))).code).toBe('ERR_MESSAGE_CONTEXT_MALFORMED')
  })
})
