/** What CMS and shared keys have in common is tested in test/sharedkey/protection.test.ts, over both. */
import { describe, expect, it } from 'vitest'
import { cmsProtection, looksLikeCms, VerifiedMessage } from '../../src/message/index.js'
import { NOW } from '../support/certificates.js'
import { expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver } from '../support/messages.js'

const world = await makeWorld()
const alice = makeSender(world, { node: 'alice' })
const trust = await makeDirectory(world, [alice])

describe('cmsProtection', () => {
  it('hands out the proof with what it read', async () => {
    const protection = cmsProtection(alice, receiver(trust))
    const outgoing = { content: Buffer.from([0xff, 0]), type: 'notify.test', destination: 'here', at: NOW }
    const received = await protection.verify(await protection.protect(outgoing), NOW)
    expect(received.verified).toBeInstanceOf(VerifiedMessage)
    expect(received.verified?.context.type).toBe('notify.test')
    expect([...received.content]).toEqual([0xff, 0])
  })

  it('asks everything of the policy that verifyMessage does', async () => {
    const protection = cmsProtection(alice, { ...receiver(trust), types: ['rpc.other'] })
    const bytes = await protection.protect({
      content: Buffer.from('{}'),
      type: 'notify.test',
      destination: 'here',
      at: NOW,
    })
    await expectCodeAsync('ERR_MESSAGE_TYPE', () => protection.verify(bytes, NOW))
  })
})

describe('looksLikeCms', () => {
  it.each([
    ['', false],
    ['{', false],
    ['0', true],
  ])('of %j is %s', (text, answer) => {
    expect(looksLikeCms(Buffer.from(text))).toBe(answer)
  })
})
