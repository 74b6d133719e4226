import { beforeEach, describe, expect, it } from 'vitest'
import {
  cmsProtection,
  type MessageProtection,
  type MessageVerification,
  type OutgoingMessage,
  signMessage,
} from '../../src/message/index.js'
import {
  createMigrationMemory,
  type MigratingSender,
  migrationVerifier,
  protectByBoth,
  type SharedKeyProtection,
} from '../../src/sharedkey/index.js'
import { addSeconds, DAY, MINUTE } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, receiver, type Sender } from '../support/messages.js'
import { makeKeyServer, type TestKeys } from '../support/shared-keys.js'

/** Entities; the key server calls them by other names. */
const [ALICE, BOB] = ['nova-compute.alice', 'nova-compute.bob'] as const
const [KITE_ALICE, KITE_BOB, KITE_HERE] = ['compute.alice', 'compute.bob', 'here'] as const
const UNTIL = addSeconds(NOW, 7 * DAY)
const world = await makeWorld()
const alice = makeSender(world, { node: 'alice' })
const bob = makeSender(world, { node: 'bob' })
const trust: TrustDirectory = await makeDirectory(world, [alice, bob])

let keys: TestKeys
beforeEach(() => {
  keys = makeKeyServer([KITE_ALICE, KITE_BOB, KITE_HERE])
})

const outgoing: OutgoingMessage = {
  content: Buffer.from('{"x":"ü"}'),
  type: 'rpc.compute.build',
  destination: KITE_HERE,
  at: NOW,
}
const cms = (sender: Sender): MessageProtection => cmsProtection(sender, receiver(trust))
const shared = (name: string = KITE_ALICE): SharedKeyProtection => keys.protection(name)
const both = (sender: Sender = alice, name: string = KITE_ALICE): Promise<Uint8Array> =>
  protectByBoth(shared(name), sender).protect(outgoing)

function verifier(
  requires: MigratingSender['requires'],
  changes: Partial<Parameters<typeof migrationVerifier>[0]> = {},
): MessageVerification {
  return migrationVerifier({
    cms: { ...receiver(trust), destinations: [KITE_HERE] },
    sharedKey: keys.protection(KITE_HERE),
    senders: [
      { entity: ALICE, keyName: KITE_ALICE, requires },
      { entity: BOB, keyName: KITE_BOB, requires: 'cms' },
    ],
    memory: createMigrationMemory(),
    ...changes,
  })
}

/** The message without the signature beside it, as who carries it can make it. */
function stripped(bytes: Uint8Array): Uint8Array {
  const fields = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
  return Buffer.from(JSON.stringify({ ...fields, 'signet.message': undefined }))
}

describe('migrationVerifier: who may use what', () => {
  it('before: a shared key alone, until the date', async () => {
    const bytes = await shared().protect(outgoing)
    const received = await verifier({ allowSharedKeyUntil: UNTIL }).verify(bytes, NOW)
    expect(received).toMatchObject({ protection: 'shared-key', sender: KITE_ALICE })
  })

  it('on the way: both, which old receivers read, too', async () => {
    const bytes = await both()
    const received = await verifier({ allowSharedKeyUntil: UNTIL }).verify(bytes, NOW)
    expect(received).toMatchObject({ protection: 'both', sender: ALICE, destination: KITE_HERE })
    expect(received.verified?.context.type).toBe('rpc.compute.build')
    expect(Buffer.from(received.content)).toEqual(outgoing.content)
    expect((await keys.protection(KITE_HERE).verify(bytes, NOW)).sender).toBe(KITE_ALICE)
  })

  it('after: signatures, with or without a MAC beside them', async () => {
    const after = verifier('cms')
    expect(await after.verify(await cms(alice).protect(outgoing), NOW)).toMatchObject({
      protection: 'cms',
      sender: ALICE,
    })
    expect(await after.verify(await both(), NOW)).toMatchObject({ protection: 'both', sender: ALICE })
  })
})

describe('requirement 14, MSG-09: nobody is pushed back', () => {
  it('a sender that has moved cannot be spoken for with a shared key', async () => {
    const bytes = await shared(KITE_BOB).protect(outgoing)
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => verifier({ allowSharedKeyUntil: UNTIL }).verify(bytes, NOW))
  })

  it('a signature that was stripped is missed, and the whole message is still accepted after that', async () => {
    const bytes = await both()
    const after = verifier('cms')
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => after.verify(stripped(bytes), NOW))
    expect((await after.verify(bytes, NOW)).protection).toBe('both')
  })

  it('a sender that was seen with a signature is held to it', async () => {
    const between = verifier({ allowSharedKeyUntil: UNTIL })
    await between.verify(await both(), NOW)
    const next = await both()
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => between.verify(stripped(next), NOW))
    await between.verify(next, NOW)
  })

  it('a sender that was seen with a signature alone is held to it, too', async () => {
    const between = verifier({ allowSharedKeyUntil: UNTIL })
    await between.verify(await cms(alice).protect(outgoing), NOW)
    const bytes = await shared().protect(outgoing)
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => between.verify(bytes, NOW))
  })

  it('a message that is refused holds nobody to anything', async () => {
    const between = verifier({ allowSharedKeyUntil: UNTIL })
    const bytes = Buffer.from(await both())
    const fields = JSON.parse(bytes.toString()) as Record<string, string>
    const { der } = await signMessage(Buffer.from('else'), alice, { type: 'a.b', destination: KITE_HERE, at: NOW })
    const other = { ...fields, 'signet.message': Buffer.from(der).toString('base64') }
    await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => between.verify(Buffer.from(JSON.stringify(other)), NOW))
    expect((await between.verify(await shared().protect(outgoing), NOW)).protection).toBe('shared-key')
  })

  it('the permission ends by itself', async () => {
    const at = addSeconds(NOW, 2 * MINUTE)
    const bytes = await shared().protect(outgoing)
    const soon = verifier({ allowSharedKeyUntil: at })
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => soon.verify(bytes, at))
    const never = verifier({ allowSharedKeyUntil: new Date(NaN) })
    await expectCodeAsync('ERR_MESSAGE_DOWNGRADE', () => never.verify(bytes, NOW))
  })

  it('a MAC that was stripped leaves what is not protected', async () => {
    const fields = JSON.parse(Buffer.from(await both()).toString()) as Record<string, unknown>
    for (const member of ['oslo.secure.metadata', 'oslo.secure.signature']) {
      const left = Buffer.from(JSON.stringify({ ...fields, [member]: undefined }))
      await expectCodeAsync('ERR_MESSAGE_UNSIGNED', () => verifier('cms').verify(left, NOW))
    }
  })

  it('MSG-21: who changes either of the two does not use up the id of the other', async () => {
    const bytes = await both()
    const fields = JSON.parse(Buffer.from(bytes).toString()) as Record<string, string>
    const after = verifier('cms')
    const mac = { ...fields, 'oslo.secure.signature': Buffer.alloc(32).toString('base64') }
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => after.verify(Buffer.from(JSON.stringify(mac)), NOW))
    const der = Buffer.from(fields['signet.message'] ?? '', 'base64')
    der.writeUInt8((der.at(-1) ?? 0) ^ 1, der.length - 1)
    const signature = { ...fields, 'signet.message': der.toString('base64') }
    await expectCodeAsync('ERR_CMS_SIGNATURE', () => after.verify(Buffer.from(JSON.stringify(signature)), NOW))
    expect((await after.verify(bytes, NOW)).protection).toBe('both')
  })

  it('a signature of another does not stand beside a MAC', async () => {
    const bytes = await both(bob, KITE_ALICE)
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => verifier('cms').verify(bytes, NOW))
  })

  it('a signature for another destination does not, either', async () => {
    const fields = JSON.parse(Buffer.from(await both()).toString()) as Record<string, string>
    const { der } = await signMessage(outgoing.content, alice, { type: 'a.b', destination: 'there', at: NOW })
    const moved = { ...fields, 'signet.message': Buffer.from(der).toString('base64') }
    const lax = { ...receiver(trust), destinations: [KITE_HERE, 'there'] }
    const bytes = Buffer.from(JSON.stringify(moved))
    await expectCodeAsync('ERR_CMS_SIGNER_UNKNOWN', () => verifier('cms', { cms: lax }).verify(bytes, NOW))
  })

  it('MSG-01: a message of both is accepted once', async () => {
    const between = verifier({ allowSharedKeyUntil: UNTIL })
    const bytes = await both()
    await between.verify(bytes, NOW)
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => between.verify(bytes, NOW))
  })

  it('who is not listed is refused, whatever it uses', async () => {
    const nobody = verifier('cms', { senders: [] })
    for (const bytes of [await shared().protect(outgoing), await cms(alice).protect(outgoing), await both()]) {
      await expectCodeAsync('ERR_IDENTITY_MISMATCH', () => nobody.verify(bytes, NOW))
    }
  })

  it('what is not protected is refused', async () => {
    for (const text of ['', '{}', 'x', '{"oslo.version":"2.0","oslo.message":"{}"}']) {
      const work = () => verifier({ allowSharedKeyUntil: UNTIL }).verify(Buffer.from(text), NOW)
      await expectCodeAsync('ERR_MESSAGE_UNSIGNED', async () => work())
    }
  })

  it('MSG-12: what Kite encrypts takes no signature beside it', async () => {
    const hidden = keys.protection(KITE_ALICE, {}, { form: 'encrypted' })
    await expectCodeAsync('ERR_CONFIG_INVALID', () => protectByBoth(hidden, alice).protect(outgoing))
    const envelope = JSON.parse(Buffer.from(await hidden.protect(outgoing)).toString()) as Record<string, string>
    const covered = Buffer.from(envelope['oslo.message'] ?? '')
    const { der } = await signMessage(covered, alice, { type: 'a.b', destination: KITE_HERE, at: NOW })
    const bytes = Buffer.from(JSON.stringify({ ...envelope, 'signet.message': Buffer.from(der).toString('base64') }))
    await expectCodeAsync('ERR_SHAREDKEY_MALFORMED', () => verifier('cms').verify(bytes, NOW))
  })

  it('a sender is listed once', () => {
    const twice = (changes: Partial<MigratingSender>) => [
      { entity: ALICE, keyName: KITE_ALICE, requires: 'cms' as const },
      { entity: BOB, keyName: KITE_BOB, requires: 'cms' as const, ...changes },
    ]
    expectCode('ERR_CONFIG_INVALID', () => verifier('cms', { senders: twice({ entity: ALICE }) }))
    expectCode('ERR_CONFIG_INVALID', () => verifier('cms', { senders: twice({ keyName: KITE_ALICE }) }))
  })
})
