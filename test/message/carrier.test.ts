import { beforeAll, describe, expect, it } from 'vitest'
import { createReplayMemory, type MessagePolicy, signMessage, verifyMessage } from '../../src/message/index.js'
import { DeniedError } from '../../src/errors/index.js'
import { parseBinding } from '../../src/policy/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'

let trust: TrustDirectory
let alice: Sender
beforeAll(async () => {
  const world = await makeWorld()
  alice = makeSender(world, { node: 'c1' })
  trust = await makeDirectory(world, [alice])
})

const content = Buffer.from('not JSON')
const sign = async (): Promise<Uint8Array> =>
  (await signMessage(content, alice, { type: 'rpc.ping', destination: 'scheduler', at: NOW })).der
const verify = async (der: Uint8Array, policy: Partial<MessagePolicy>) =>
  verifyMessage(der, content, receiver(trust, policy))

describe('verifyMessage: what the carrier says', () => {
  it('is compared with what was signed and by whom, before the message is remembered', async () => {
    const der = await sign()
    const replay = createReplayMemory()
    const carrier: MessagePolicy['carrier'] = (context, signer) => {
      expect([context.type, context.destination, signer]).toEqual(['rpc.ping', 'scheduler', alice.identity])
      throw new DeniedError('ERR_MESSAGE_ADDRESS', 'astray')
    }
    await expectCodeAsync('ERR_MESSAGE_ADDRESS', () => verify(der, { replay, carrier }))
    expect(await verify(der, { replay, carrier: () => undefined })).toMatchObject({ replay: 'checked' })
  })

  it('is not looked at for what is not believed', async () => {
    const carrier = (): never => expect.unreachable()
    const der = await sign()
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => verify(der, { carrier, destinations: ['elsewhere'] }))
    await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () => verify(new Uint8Array(), { carrier }))
  })
})

describe('verifyMessage: how content is read', () => {
  it('requirement 37: bindings see what the reader yields, and nothing else', async () => {
    const bindings = [parseBinding('args.host_name == node')]
    const reader = (host: string) => () => ({ args: { host_name: host } })
    expect(await verify(await sign(), { bindings, reader: reader('c1') })).toMatchObject({
      bindings: ['args.host_name == node'],
    })
    const der = await sign()
    await expectCodeAsync('ERR_MESSAGE_BINDING', () => verify(der, { bindings, reader: reader('c2') }))
    await expectCodeAsync('ERR_MESSAGE_BINDING', () => verify(der, { bindings, reader: () => null }))
  })

  it('asks the reader for every message, after its age and before it is remembered', async () => {
    const der = await sign()
    const replay = createReplayMemory()
    const reader = (bytes: Uint8Array): never => {
      expect(Buffer.from(bytes)).toEqual(content)
      throw new DeniedError('ERR_MESSAGE_CONTENT', 'something else')
    }
    await expectCodeAsync('ERR_MESSAGE_CONTENT', () => verify(der, { replay, reader }))
    await expectCodeAsync('ERR_MESSAGE_EXPIRED', () =>
      verify(der, { replay, reader, at: new Date(NOW.getTime() + 600_000) }),
    )
    await verify(der, { replay })
  })

  it.each(['reader', 'carrier'])('refuses a %s that is no function', async (name) => {
    const der = await sign()
    for (const value of ['strict', null, undefined]) {
      await expectCodeAsync('ERR_CONFIG_INVALID', () => verify(der, { [name]: value }))
    }
  })
})
