/** Messages whose content is too long for memory. */
import { beforeAll, describe, expect, it } from 'vitest'
import { digestNameFor, digestStream } from '../../src/cms/index.js'
import {
  checkOff,
  createReplayMemory,
  signMessage,
  type SignMessageRequest,
  VerifiedStream,
  verifyMessage,
  verifyMessageStream,
} from '../../src/message/index.js'
import { parseBinding } from '../../src/policy/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'

const pieces = ['{"host":', '"compute-07"}'].map((text) => Buffer.from(text))
const content = Buffer.concat(pieces)
const request: SignMessageRequest = { type: 'image.upload', destination: 'glance', at: NOW }
let alice: Sender
let trust: TrustDirectory
let der: Uint8Array
beforeAll(async () => {
  const world = await makeWorld()
  alice = makeSender(world, { node: 'alice' })
  trust = await makeDirectory(world, [alice])
  der = (await signMessage(content, alice, request)).der
})

async function* stream(of: readonly Uint8Array[] = pieces): AsyncGenerator<Uint8Array> {
  for (const piece of of) yield await Promise.resolve(piece)
}

async function* unread(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject(new Error('nobody should have read this'))
}

describe('verifyMessageStream', () => {
  it('says of what passed by what verifyMessage says of content', async () => {
    const verified = await verifyMessageStream(der, stream(), receiver(trust))
    expect(verified).toBeInstanceOf(VerifiedStream)
    expect(verified.contentLength).toBe(content.length)
    const { content: _, ...held } = await verifyMessage(der, content, receiver(trust))
    expect(verified.facts).toEqual(held)
    expect(Object.isFrozen(verified) && Object.isFrozen(verified.facts)).toBe(true)
    // @ts-expect-error -- the constructor is private
    expect(() => new VerifiedStream(1, verified.facts)).toBeTypeOf('function')
  })

  it('takes what was signed by its digest', async () => {
    const digest = await digestStream(stream(), [digestNameFor(alice)])
    const message = await signMessage(digest, alice, request)
    expect((await verifyMessage(message.der, content, receiver(trust))).context.type).toBe('image.upload')
    await expectCodeAsync('ERR_CONFIG_INVALID', () => signMessage(digest, alice, { ...request, form: 'attached' }))
  })

  it('refuses other content, and content for others, and a second time', async () => {
    await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () =>
      verifyMessageStream(der, stream(pieces.toReversed()), receiver(trust)),
    )
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () =>
      verifyMessageStream(der, stream(), receiver(trust, { destinations: ['nova'] })),
    )
    const replay = createReplayMemory()
    await verifyMessageStream(der, stream(), receiver(trust, { replay }))
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => verifyMessageStream(der, stream(), receiver(trust, { replay })))
  })

  it('CMS-14: the document and the policy are those of the beginning, whatever the caller does meanwhile', async () => {
    const mutable = Uint8Array.from(der)
    const policy = { ...receiver(trust, { destinations: ['glance'] }) }
    async function* meddling(): AsyncGenerator<Uint8Array> {
      mutable.fill(0)
      Object.assign(policy, { destinations: ['nova'] })
      yield* stream()
    }
    expect((await verifyMessageStream(mutable, meddling(), policy)).facts.context.destination).toBe('glance')
  })

  it('reads nothing of what is refused without it', async () => {
    const attached = (await signMessage(content, alice, { ...request, form: 'attached' })).der
    const verify = (document: Uint8Array, changes = {}) =>
      verifyMessageStream(document, unread(), receiver(trust, changes))
    await expectCodeAsync('ERR_CMS_CONTENT_CONFLICT', () => verify(attached))
    await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () => verify(new Uint8Array()))
    await expectCodeAsync('ERR_CONFIG_INVALID', () => verify(der, { destinations: [] }))
    const stranger = makeSender(await makeWorld('other'), { node: 'stranger' })
    const strange = (await signMessage(content, stranger, request)).der
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => verify(strange))
  })

  it('MSG-17: rules that read content want it in memory', async () => {
    const bindings = [parseBinding('host == node')]
    await expectCodeAsync('ERR_LIMIT_EXCEEDED', () => verifyMessageStream(der, stream(), receiver(trust, { bindings })))
  })

  it('has a routing slip like any other', async () => {
    const entry = alice.identity.entity
    const routed = (await signMessage(content, alice, { ...request, route: [entry] })).der
    await expectCodeAsync('ERR_ROUTE_UNCHECKED', () => verifyMessageStream(routed, stream(), receiver(trust)))
    const upToMe = receiver(trust, { route: { require: 'up-to-me', me: entry } })
    const { route } = (await verifyMessageStream(routed, stream(), upToMe)).facts
    if (route === undefined) throw new Error('no route')
    const done = await checkOff(route, alice, { trust, at: NOW })
    const complete = receiver(trust, { route: { require: 'complete' } })
    expect((await verifyMessageStream(done, stream(), complete)).facts.route?.steps).toHaveLength(1)
  })
})
