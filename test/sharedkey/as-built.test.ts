/** Kite as it was built: that its holes are here as they were there, and that nobody takes it for a protection. */
import { describe, expect, it } from 'vitest'
import { SecretKey } from '../../src/crypto/index.js'
import { TrustError } from '../../src/errors/index.js'
import * as sharedkey from '../../src/sharedkey/index.js'
import {
  allowKeyServerAsBuilt,
  allowKiteAsBuilt,
  createKeyMemory,
  type KeyService,
  plainEnvelope,
  signRequest,
  TicketClient,
} from '../../src/sharedkey/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'

function make() {
  const server = allowKeyServerAsBuilt({ storage: createKeyMemory(), masterKey: SecretKey.generate(16) })
  const named = (name: string) => {
    const key = SecretKey.generate(16)
    return { ...server.setKey(name, key), key }
  }
  const [alice, bob, carol] = [named('g.alice'), named('g.bob'), named('g.carol')]
  server.createGroup('g')
  return { server, alice, bob, carol }
}

describe('Kite as built', () => {
  it.each(['signed', 'encrypted'] as const)('delivers what is %s', async (form) => {
    const { server, alice, bob } = make()
    const text = await allowKiteAsBuilt(new TicketClient(alice, server), [], form).protect('{"x":1}', 'g.bob', NOW)
    const received = await allowKiteAsBuilt(new TicketClient(bob, server), []).verify(text)
    expect(received).toEqual({ content: '{"x":1}', sender: 'g.alice' })
    expect(text.includes('{\\"x\\":1}')).toBe(form === 'signed')
  })

  it('accepts a message twice, and whatever is not protected', async () => {
    const { server, alice, bob } = make()
    const text = await allowKiteAsBuilt(new TicketClient(alice, server), []).protect('{}', 'g', NOW)
    const receiver = allowKiteAsBuilt(new TicketClient(bob, server), ['g'])
    expect(await receiver.verify(text)).toEqual(await receiver.verify(text))
    expect(await receiver.verify(plainEnvelope('{"evil":1}'))).toEqual({ content: '{"evil":1}' })
  })

  it('refuses another destination, a changed message, and a time outside of that of the key', async () => {
    const { server, alice, bob, carol } = make()
    const sender = new TicketClient(alice, server)
    const text = await allowKiteAsBuilt(sender, []).protect('{}', 'g.bob', NOW)
    const receiver = allowKiteAsBuilt(new TicketClient(bob, server), [])
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () =>
      allowKiteAsBuilt(new TicketClient(carol, server), []).verify(text),
    )
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => receiver.verify(text.replace('"{}"', '"[]"')))
    const early = await allowKiteAsBuilt(sender, []).protect('{}', 'g.bob', addSeconds(NOW, -HOUR))
    await expectCodeAsync('ERR_MESSAGE_EXPIRED', () => receiver.verify(early))
  })

  it('sends plain when the key server does not answer', async () => {
    const { alice } = make()
    const service: KeyService = {
      issueTicket: () => Promise.reject(new TrustError('ERR_SHAREDKEY_UNKNOWN', 'nobody answers')),
      issueGroupKey: () => Promise.reject(new TrustError('ERR_SHAREDKEY_UNKNOWN', 'nobody answers')),
    }
    const text = await allowKiteAsBuilt(new TicketClient(alice, service), []).protect('{}', 'g.bob', NOW)
    expect(text).toBe(plainEnvelope('{}'))
  })

  it('gives tickets for requests of the future, and for one request twice', async () => {
    const { server, alice } = make()
    const request = signRequest(alice, { destination: 'g.bob', at: addSeconds(NOW, DAY) })
    await server.issueTicket(request, NOW)
    await server.issueTicket(request, NOW)
    const old = signRequest(alice, { destination: 'g.bob', at: NOW })
    await expectCodeAsync('ERR_MESSAGE_EXPIRED', () => server.issueTicket(old, addSeconds(NOW, HOUR + 1)))
  })

  it('is named so that nobody takes it for a protection', () => {
    expect(Object.keys(sharedkey).filter((name) => /built/i.test(name))).toEqual([
      'allowKeyServerAsBuilt',
      'allowKiteAsBuilt',
    ])
  })
})
