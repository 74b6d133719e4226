import { beforeAll, describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { signData } from '../../src/cms/index.js'
import { SecretKey } from '../../src/crypto/index.js'
import type { KeyProvider } from '../../src/crypto/index.js'
import {
  cmsProtection,
  createReplayMemory,
  type MessageProtection,
  type OutgoingMessage,
} from '../../src/message/index.js'
import {
  createKeyMemory,
  encodeEnvelope,
  KeyServer,
  openEsek,
  parseEnvelope,
  sealEsek,
  sessionKeys,
  SharedKeyProtection,
  TicketClient,
} from '../../src/sharedkey/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeDirectory, makeSender, makeWorld, type Sender } from '../support/messages.js'
import { makeKeyServer, type TestKeys } from '../support/shared-keys.js'
import type { TrustDirectory } from '../../src/trust/index.js'

const GROUP = 'nova-compute'
const [A, B, C] = ['nova-compute.a', 'nova-compute.b', 'nova-conductor.c']
const CONTENT = Buffer.from('{"method":"live_migration"}')
const FORGED = Buffer.from('{"method":"migrate my VM to me"}')
const outgoing = (changes: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  content: CONTENT,
  type: 'rpc.compute.live_migration',
  destination: GROUP,
  at: NOW,
  ...changes,
})

let keys: TestKeys
let trust: TrustDirectory
let senders: Readonly<Record<string, Sender>>
const cms = (name: string): MessageProtection => {
  const sender = senders[name]
  if (sender === undefined) throw new Error(name)
  return cmsProtection(sender, {
    trust,
    destinations: [name, GROUP],
    senders: { entities: [C] },
    types: 'allow-any',
    maxAgeSeconds: 300,
    replay: createReplayMemory(),
  })
}

beforeAll(async () => {
  const world = await makeWorld()
  senders = {
    [A]: makeSender(world, { node: 'a' }),
    [B]: makeSender(world, { node: 'b' }),
    [C]: makeSender(world, { service: 'nova-conductor', node: 'c' }),
  }
  trust = await makeDirectory(world, Object.values(senders))
  keys = makeKeyServer([A, B, C], [GROUP])
})

describe('requirement 6: the group forgery', () => {
  const receiverA = () => keys.protection(A, { groups: [GROUP], senders: [C] })

  it('succeeds with shared keys: B makes a message from C to the group, and A accepts it', async () => {
    // All that B has: its own key, and so the group's.
    const attacker = keys.client(B)
    const { destination } = await attacker.ticket(GROUP, NOW)
    const groupKey = await attacker.groupKey(GROUP, destination.generation, NOW)
    const esek = { key: SecretKey.generate(32), timestamp: '2027-01-01T00:00:00.000000', ttlSeconds: 900 }
    const names = [`${C}:1`, `${GROUP}:${destination.generation}`] as const
    const metadata = {
      source: names[0],
      destination: names[1],
      timestamp: '2027-01-01T00:00:00.000000',
      nonce: '0011223344556677',
      esek: sealEsek(esek, groupKey),
      encryption: false,
    }
    const bytes = Buffer.from(encodeEnvelope(FORGED.toString(), metadata, sessionKeys(esek, ...names).signing))
    const received = await receiverA().verify(bytes, NOW)
    expect(received).toMatchObject({ sender: C, destination: GROUP })
    expect(Buffer.from(received.content)).toEqual(FORGED)
  })

  it('succeeds with a key that C itself sent to the group', async () => {
    const { metadata } = parseEnvelope(await keys.protection(C).protect(outgoing()))
    const groupKey = await keys.client(B).groupKey(GROUP, metadata.destination.generation, NOW)
    const names = [`${C}:1`, `${GROUP}:${metadata.destination.generation}`] as const
    const session = sessionKeys(openEsek(metadata.esek, groupKey), ...names)
    const forged = {
      source: names[0],
      destination: names[1],
      timestamp: '2027-01-01T00:00:01.000000',
      nonce: '1111111111111111',
      esek: metadata.esek,
      encryption: false,
    }
    const bytes = Buffer.from(encodeEnvelope(FORGED.toString(), forged, session.signing))
    expect((await receiverA().verify(bytes, NOW)).sender).toBe(C)
  })

  it('succeeds for the receiver alone, and for the key server', async () => {
    const server = new KeyServer({
      storage: createKeyMemory(),
      masterKey: SecretKey.generate(16),
      replay: createReplayMemory(),
    })
    const key = SecretKey.generate(16)
    const self = { ...server.setKey(C, key), key }
    server.setKey(A, keys.named(A).key)
    const forger = new SharedKeyProtection({
      client: new TicketClient(self, server),
      receiver: { groups: [], senders: [C], maxAgeSeconds: 300, replay: createReplayMemory() },
    })
    const bytes = await forger.protect(outgoing({ content: FORGED, destination: A }))
    expect((await receiverA().verify(bytes, NOW)).sender).toBe(C)
    const atServer = await keys.protection(C).protect(outgoing({ content: FORGED, destination: A }))
    expect((await receiverA().verify(atServer, NOW)).sender).toBe(C)
  })

  it('fails with signatures: as itself, B is not wanted', async () => {
    const bytes = await cms(B).protect(outgoing({ content: FORGED }))
    await expectCodeAsync('ERR_IDENTITY_MISMATCH', () => cms(A).verify(bytes, NOW))
  })

  it('fails with signatures: the certificate of C does not make the key of B that of C', async () => {
    const [b, c] = [senders[B], senders[C]]
    if (b === undefined || c === undefined) throw new Error('nobody')
    const key: KeyProvider = {
      publicKey: c.certificate.publicKey,
      signatureAlgorithm: b.key.signatureAlgorithm,
      sign: (data) => b.key.sign(data),
    }
    const forger = cmsProtection(
      { certificate: c.certificate, key },
      {
        trust,
        destinations: [B],
        senders: { entities: [C] },
        types: 'allow-any',
        maxAgeSeconds: 1,
        replay: createReplayMemory(),
      },
    )
    const bytes = await forger.protect(outgoing({ content: FORGED }))
    await expectCodeAsync('ERR_CMS_SIGNATURE', () => cms(A).verify(bytes, NOW))
  })

  it('fails with signatures: the signature of C does not carry over to what B writes', async () => {
    const bytes = Buffer.from(await cms(C).protect(outgoing()))
    const index = bytes.indexOf('live_migration')
    bytes.write('dead_migration', index)
    await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => cms(A).verify(bytes, NOW))
  })

  it('MSG-12: fails with signatures of C that were made for something else', async () => {
    const c = senders[C]
    if (c === undefined) throw new Error('nobody')
    const bytes = await signData(FORGED, { signers: [c], signingTime: NOW, form: 'attached', contentType: OID.data })
    await expectCodeAsync('ERR_CMS_CONTENT_TYPE', () => cms(A).verify(bytes, NOW))
  })
})

describe('SharedKeyProtection: what CMS does not do', () => {
  it('hides the content from brokers when told to', async () => {
    const bytes = await keys.protection(C, {}, { form: 'encrypted' }).protect(outgoing({ destination: A }))
    expect(Buffer.from(bytes).includes('live_migration')).toBe(false)
    expect(Buffer.from((await keys.protection(A).verify(bytes, NOW)).content)).toEqual(CONTENT)
    expect(Buffer.from(await cms(C).protect(outgoing())).includes('live_migration')).toBe(true)
  })

  it('refuses to send to a name without a key', async () => {
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () =>
      keys.protection(C).protect(outgoing({ destination: 'nobody' })),
    )
  })

  it('refuses content that is no text', async () => {
    const content = Uint8Array.of(0xff, 0xfe)
    await expect(keys.protection(C).protect(outgoing({ content }))).rejects.toMatchObject({ category: 'encoding' })
  })
})

describe('SharedKeyProtection: what CMS does and it does not', () => {
  it('MSG-12: the type of a message is not protected', async () => {
    const bytes = await keys.protection(C).protect(outgoing({ destination: A, type: 'rpc.compute.build' }))
    expect(Buffer.from(bytes).includes('rpc.compute')).toBe(false)
    const signed = await cms(C).verify(await cms(C).protect(outgoing({ destination: C })), NOW)
    expect(signed.verified?.context.type).toBe('rpc.compute.live_migration')
  })

  it('who is no member of a group cannot verify what is sent to it', async () => {
    const others = makeKeyServer(['audit.x', C], [GROUP])
    const bytes = await others.protection(C).protect(outgoing())
    const listener = others.protection('audit.x', { groups: [GROUP] })
    await expectCodeAsync('ERR_SHAREDKEY_DENIED', () => listener.verify(bytes, NOW))
  })
})

describe('SharedKeyProtection: keys and times', () => {
  it('reads messages under an earlier key of its own, if it was kept', async () => {
    const own = makeKeyServer([A, C])
    const bytes = await own.protection(C).protect(outgoing({ destination: A }))
    const next = SecretKey.generate(16)
    const client = new TicketClient({ ...own.server.setKey(A, next), key: next }, own.server)
    const receiver = { groups: [], senders: [C], maxAgeSeconds: 300, replay: createReplayMemory() }
    await expectCodeAsync('ERR_SHAREDKEY_UNKNOWN', () =>
      new SharedKeyProtection({ client, receiver }).verify(bytes, NOW),
    )
    const earlierKeys = new Map([[1, own.named(A).key]])
    expect((await new SharedKeyProtection({ client, receiver, earlierKeys }).verify(bytes, NOW)).sender).toBe(C)
  })

  /** What a member can write who has the group's key: any key, time and lifetime. */
  async function crafted(changes: { at?: string; from?: string; ttlSeconds?: number }): Promise<Uint8Array> {
    const { at = '2027-01-01T00:00:00', from = '2027-01-01T00:00:00', ttlSeconds = 900 } = changes
    const attacker = keys.client(B)
    const generation = (await attacker.ticket(GROUP, NOW)).destination.generation
    const esek = { key: SecretKey.generate(32), timestamp: from, ttlSeconds }
    const names = [`${C}:1`, `${GROUP}:${generation}`] as const
    const metadata = { source: names[0], destination: names[1], timestamp: at, nonce: 'abcdefghij', encryption: false }
    const sealed = sealEsek(esek, await attacker.groupKey(GROUP, generation, NOW))
    return Buffer.from(encodeEnvelope('{}', { ...metadata, esek: sealed }, sessionKeys(esek, ...names).signing))
  }

  it.each([
    ['a message before its key', { at: '2026-12-31T23:57:00' }, 'ERR_MESSAGE_EXPIRED'],
    ['a message after its key', { from: '2026-12-31T23:00:00' }, 'ERR_MESSAGE_EXPIRED'],
    ['a key from the future', { from: '2027-01-02T00:00:00' }, 'ERR_MESSAGE_FROM_FUTURE'],
    [
      'a key from long ago that says it lives for ever',
      { from: '2026-01-01T00:00:00', ttlSeconds: 1e9 },
      'ERR_MESSAGE_EXPIRED',
    ],
  ] as const)('MSG-05: refuses %s', async (_, changes, code) => {
    const bytes = await crafted(changes)
    await expectCodeAsync(code, () => keys.protection(A, { groups: [GROUP] }).verify(bytes, NOW))
  })

  it('MSG-04: remembers no message for longer than a day, whatever its key says', async () => {
    const until: Date[] = []
    const replay = { remember: (_: unknown, end: Date) => Promise.resolve(until.push(end) > 0) }
    const bytes = await crafted({ ttlSeconds: 1e9 })
    await keys.protection(A, { groups: [GROUP], replay }).verify(bytes, NOW)
    expect(until).toEqual([addSeconds(NOW, DAY + 60)])
  })

  it('takes no key of the first generation, whose times are numbers', async () => {
    const bytes = await crafted({ from: (NOW.getTime() / 1000) as unknown as string })
    await expectCodeAsync('ERR_SHAREDKEY_MAC', () => keys.protection(A, { groups: [GROUP] }).verify(bytes, NOW))
  })

  it.each([
    ['no sender', { senders: [] }],
    ['a sender with a comma', { senders: ['a,b'] }],
    ['a group with a colon', { groups: ['a:1'] }],
    ['no age', { maxAgeSeconds: NaN }],
    ['an age of nothing', { maxAgeSeconds: 0 }],
    ['a skew of hours', { skewSeconds: 7200 }],
    ['a skew that is none', { skewSeconds: NaN }],
    ['no memory', { replay: undefined as never }],
  ])('refuses a receiver with %s', (_, changes) => {
    expectCode('ERR_CONFIG_INVALID', () => keys.protection(A, changes))
  })
})
