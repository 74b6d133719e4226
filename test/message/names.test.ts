import { beforeAll, describe, expect, it } from 'vitest'
import type { Identity } from '../../src/identity/index.js'
import {
  createReplayMemory,
  receiverNames,
  roleDestination,
  scopeDestination,
  signMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { parseSender } from '../../src/policy/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'

function identity(node: string, scope: string, ...roles: readonly string[]): Identity {
  return parseSender({ roles: [...roles], node, scope }, 'these tests')
}
const c7 = identity('c7', 'region-one/nova', 'compute', 'auditor@region-one/**')
const c8 = identity('c8', 'region-one/nova', 'compute')
const other = identity('c9', 'region-two/nova', 'compute')

describe('receiverNames', () => {
  it('are an entity, its roles, its scopes and its topics', () => {
    expect(receiverNames(c7, ['notifications'])).toEqual([
      'c7',
      'spiffe://case.example/region-one/nova/service/c7',
      'role:auditor',
      'role:compute',
      'role:auditor@region-one/nova',
      'role:compute@region-one/nova',
      'role:auditor@region-one',
      'scope:region-one/nova',
      'scope:region-one',
      'scope:/',
      'notifications',
    ])
    expect(receiverNames(identity('x', ''))).toEqual(['x', 'spiffe://case.example/service/x', 'scope:/'])
  })

  it('refuses topics that would be taken for a role or a scope', () => {
    expectCode('ERR_CONFIG_INVALID', () => receiverNames(c7, ['role:admin']))
    expectCode('ERR_CONFIG_INVALID', () => receiverNames(c7, ['scope:/']))
    expectCode('ERR_CONFIG_INVALID', () => roleDestination('a b'))
    expectCode('ERR_CONFIG_INVALID', () => roleDestination('a', '//'))
    expectCode('ERR_CONFIG_INVALID', () => scopeDestination('../x'))
  })
})

describe('a message to a group', () => {
  let trust: TrustDirectory
  let alice: Sender
  let bob: Sender
  beforeAll(async () => {
    const world = await makeWorld()
    alice = makeSender(world, { node: 'c1', roles: ['conductor'] })
    bob = makeSender(world, { node: 'c7', roles: ['compute'] })
    trust = await makeDirectory(world, [alice, bob])
  })
  const content = Buffer.from('{"publisher_id":"nova-compute:c1"}')
  const send = async (destination: string, sender = alice): Promise<Uint8Array> =>
    (await signMessage(content, sender, { type: 'rpc.ping', destination, at: NOW })).der
  const receive = (der: Uint8Array, who: Identity, topics: readonly string[] = []): Promise<unknown> =>
    verifyMessage(
      der,
      content,
      receiver(trust, { destinations: receiverNames(who, topics), replay: createReplayMemory() }),
    )

  it('requirement 30: is verified by each of any number of receivers, and says to each who sent it', async () => {
    for (const [destination, topics] of [
      [roleDestination('compute'), []],
      [roleDestination('compute', 'region-one/nova'), []],
      [scopeDestination('region-one'), []],
      ['notifications', ['notifications']],
    ] as const) {
      const der = await send(destination)
      for (const who of [c7, c8]) {
        expect(await receive(der, who, topics)).toMatchObject({ signer: alice.identity, context: { destination } })
      }
    }
  })

  it('requirement 31: tells every receiver which service on which node asked, and by which certificate', async () => {
    const der = new Map([[alice, await send('scheduler')] as const, [bob, await send('scheduler', bob)] as const])
    const schedulers = ['scheduler-1', 'scheduler-2', 'scheduler-3']
    const seen = new Set<string>()
    for (const [sender, octets] of der) {
      for (const scheduler of schedulers) {
        const message = await receive(octets, { ...c7, entity: scheduler, node: scheduler }, ['scheduler'])
        expect(message).toMatchObject({
          signer: { service: sender.identity.service, node: sender.identity.node, uri: sender.identity.uri },
          certificate: { serialNumber: sender.certificate.serialNumber, fingerprint: sender.certificate.fingerprint },
        })
      }
      seen.add(sender.certificate.fingerprint)
    }
    expect(seen.size).toBe(2)
  })

  it('is not for who is not in the group', async () => {
    for (const destination of [
      roleDestination('conductor'),
      roleDestination('compute', 'region-one/nova'),
      scopeDestination('region-one'),
    ]) {
      const der = await send(destination)
      await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => receive(der, other))
    }
    const der = await send('c8')
    await expectCodeAsync('ERR_MESSAGE_DESTINATION', () => receive(der, c7))
  })

  it('requirement 6: a member of the group cannot speak to it as another member', async () => {
    const genuine = await send(roleDestination('compute'))
    expect(await receive(genuine, c8)).toMatchObject({ signer: { node: 'c1' } })
    // Bob is in the group and knows everything that its members know. What he signs is his.
    const forged = await send(roleDestination('compute'), bob)
    expect(await receive(forged, c8)).toMatchObject({ signer: { node: 'c7' } })
    const source = await signMessage(
      content,
      { ...bob, certificate: alice.certificate },
      { type: 'rpc.ping', destination: roleDestination('compute'), at: NOW },
    ).catch((error: unknown) => error)
    expect(source).toMatchObject({ code: 'ERR_KEY_CERT_MISMATCH' })
  })
})
