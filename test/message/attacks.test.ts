/** What has gone wrong elsewhere with signed messages, one test for each entry of our list of attacks. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeNull, encodeTime, OID } from '../../src/asn1/index.js'
import { signData } from '../../src/cms/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  createReplayMemory,
  type MessagePolicy,
  openReplayFile,
  type PendingRequest,
  PendingRequests,
  replyIdOf,
  replyTo,
  requireInOrder,
  type ReplayStore,
  sequenceId,
  signMessage,
  type SignMessageRequest,
  verifyMessage,
} from '../../src/message/index.js'
import { encodeMessageContext, type MessageContext } from '../../src/message/context.js'
import { parseBinding } from '../../src/policy/index.js'
import { addSeconds } from '../../src/time/index.js'
import { signTrustDirectory, type TrustDirectory } from '../../src/trust/index.js'
import { createCertificationRequest, parseCertificationRequest } from '../../src/x509/index.js'
import { keyFor, makeCrl, NOW, revoked } from '../support/certificates.js'
import {
  attribute,
  buildSignedData,
  buildSigner,
  type SignedDataParts,
  type SignerParts,
} from '../support/cms-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import {
  makeDirectory,
  makeSender,
  makeWorld,
  receiver,
  type Sender,
  trustDocument,
  type World,
} from '../support/messages.js'
import { temporaryFolder } from '../support/temporary.js'

const folder = temporaryFolder()
const content = Buffer.from('{"publisher_id":"nova-compute:compute-07","roles":["compute"]}')
const bindings = [parseBinding('publisher_id == service:node')]
let world: World
let alice: Sender
let bob: Sender
let trust: TrustDirectory
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07', roles: ['compute'] })
  bob = makeSender(world, { node: 'compute-08', roles: ['compute'] })
  trust = await makeDirectory(world, [alice, bob])
})

const sign = async (changes: Partial<SignMessageRequest> = {}, sender = alice, payload: Uint8Array = content) => {
  const request = { type: 'notify.instance.create', destination: 'notifications', at: NOW, ...changes }
  return (await signMessage(payload, sender, request)).der
}
const verify = (der: Uint8Array, changes: Partial<MessagePolicy> = {}, given: Uint8Array | undefined = content) =>
  verifyMessage(der, given, receiver(trust, changes))
const refused = (code: ErrorCode, der: Uint8Array, changes: Partial<MessagePolicy> = {}, given = content) =>
  expectCodeAsync(code, () => verify(der, changes, given))

const contextOf = (changes: Partial<MessageContext> = {}): Uint8Array =>
  attribute(
    OID.signetMessageContext,
    encodeMessageContext({
      type: 'notify.instance.create',
      destination: 'notifications',
      messageId: Buffer.alloc(12, 1),
      lifetimeSeconds: 300,
      ...changes,
    }),
  )
const built = (parts: Partial<SignerParts> = {}, document: Partial<SignedDataParts> = {}): Uint8Array =>
  buildSignedData({
    signers: [buildSigner({ content, holder: alice, moreAttributes: [contextOf()], ...parts })],
    ...document,
  })

describe('message attacks of the first rank', () => {
  it('MSG-01: a genuine message counts once, in whatever envelope, and has an id and an end', async () => {
    const replay = createReplayMemory()
    const der = await sign({ messageId: Buffer.alloc(12, 1) })
    await verify(der, { replay })
    await refused('ERR_MESSAGE_REPLAYED', der, { replay })
    await refused('ERR_MESSAGE_REPLAYED', built({ identifier: 'issuerAndSerialNumber' }), { replay })
    const other = Buffer.from('{}')
    await refused('ERR_MESSAGE_REPLAYED', built({ content: other }), { replay }, other)
    await refused(
      'ERR_MESSAGE_CONTEXT_MALFORMED',
      built({ moreAttributes: [contextOf({ messageId: Buffer.alloc(0) })] }),
    )
    await refused('ERR_MESSAGE_CONTEXT_MALFORMED', built({ moreAttributes: [contextOf({ lifetimeSeconds: 0 })] }))
  })

  it('MSG-02: a restart makes no message new, a damaged memory lets none in, nor does a clock that goes back', async () => {
    const path = join(folder, 'restart.db')
    const der = await sign()
    const first = openReplayFile(path)
    await verify(der, { replay: first })
    first.close()
    const second = openReplayFile(path)
    await refused('ERR_MESSAGE_REPLAYED', der, { replay: second })
    await refused('ERR_MESSAGE_EXPIRED', der, { replay: second, at: addSeconds(NOW, 361) })
    await verify(await sign({ at: addSeconds(NOW, 200) }), { replay: second, at: addSeconds(NOW, 200) })
    await refused('ERR_CLOCK_SUSPECT', await sign(), { replay: second })
    second.close()
    const damaged = join(folder, 'damaged.db')
    writeFileSync(damaged, 'not a database, but somebody put it here instead of one')
    expectCode('ERR_REPLAY_STORE', () => openReplayFile(damaged))
  })

  it('MSG-06: a message for one destination is none for another', async () => {
    const der = await sign({ destination: 'cell-1/notifications' })
    for (const destinations of [
      ['cell-2/notifications'],
      ['cell-1'],
      ['cell-1/*'],
      ['*'],
      ['CELL-1/NOTIFICATIONS'],
      ['cell-1/notifications/'],
    ]) {
      await refused('ERR_MESSAGE_DESTINATION', der, { destinations })
    }
    await refused('ERR_CONFIG_INVALID', der, { destinations: [] })
    // A destination that looks like a pattern is one name, and nobody's.
    for (const destination of ['*', 'cell-1/*']) {
      await refused('ERR_MESSAGE_DESTINATION', await sign({ destination }), { destinations: ['cell-1/notifications'] })
    }
    expect((await verify(der, { destinations: ['cell-1/notifications'] })).context.destination).toBe(
      'cell-1/notifications',
    )
  })

  it('MSG-09: what is unsigned, or signed in an older or weaker way, is not let through', async () => {
    const der = await sign()
    await refused('ERR_MESSAGE_UNSIGNED', new Uint8Array())
    await refused('ERR_CMS_MALFORMED', content)
    await refused('ERR_CMS_MALFORMED', Buffer.from(Buffer.from(der).toString('base64')))
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', built({ moreAttributes: [] }))
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', built({ attributes: 'none' }))
    await refused('ERR_CMS_NO_SIGNERS', buildSignedData({ signers: [] }))
    const plain = await signData(content, { signers: [alice], signingTime: NOW })
    await refused('ERR_CMS_CONTENT_TYPE', plain)
    const permissive = { ...receiver(trust), allowUnsigned: true }
    await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(new Uint8Array(), content, permissive))
  })

  it('MSG-10: content that two readers may read in two ways is refused', async () => {
    const mine = '"publisher_id":"nova-compute:compute-07"'
    for (const text of [
      `{"publisher_id":"nova-compute:admin",${mine}}`,
      `{${mine},"publisher_id":"nova-compute:admin"}`,
      `{${mine},"\\u0070ublisher_id":"nova-compute:admin"}`,
      `{${mine},"payload":{"host":"a","host":"b"}}`,
      `{${mine},"list":[{"a":1,"\\u0061":2}]}`,
      `{${mine},"__proto__":{},"__proto__":{}}`,
      `{${mine},}`,
      `{${mine}/* */}`,
      `\ufeff{${mine}}`,
      `{${mine}}{}`,
    ]) {
      const payload = Buffer.from(text)
      await refused('ERR_JSON_MALFORMED', await sign({}, alice, payload), { bindings }, payload)
    }
    const cased = Buffer.from(`{${mine},"Publisher_ID":"nova-compute:admin"}`)
    expect((await verify(await sign({}, alice, cased), { bindings }, cased)).bindings).toHaveLength(1)
    const wide = Buffer.from(`{${mine}}`, 'utf16le')
    await expect(verify(await sign({}, alice, wide), { bindings }, wide)).rejects.toMatchObject({ exitCode: 3 })
  })

  it('MSG-19: nothing beside the signed document and its payload decides: there is nowhere to put it', async () => {
    expect(verifyMessage).toHaveLength(3)
    const der = await sign()
    const withHeaders = { ...receiver(trust), headers: { 'reply-to': 'elsewhere' } }
    await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, withHeaders))
    const message = await verify(der)
    expect(Object.keys(message).sort()).toEqual(
      ['bindings', 'certificate', 'content', 'context', 'replay', 'route', 'rule', 'signer', 'signingTime'].sort(),
    )
  })
})

describe('message attacks of the second rank', () => {
  it('MSG-03: receivers that share a memory accept a message once between them, at the same time too', async () => {
    const path = join(folder, 'shared.db')
    const [first, second] = [openReplayFile(path), openReplayFile(path)]
    for (let count = 0; count < 10; count++) {
      const der = await sign()
      const outcomes = await Promise.allSettled([first, second, first, second].map((replay) => verify(der, { replay })))
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
    }
    first.close()
    second.close()
    await refused('ERR_REPLAY_STORE', await sign(), { replay: first })
  })

  it('MSG-04: flooding the memory makes it forget nothing: it is full, and says so', async () => {
    const replay = createReplayMemory(20)
    const victim = await sign()
    await verify(victim, { replay })
    for (let count = 1; count < 20; count++) await verify(await sign({}, bob), { replay })
    for (let count = 0; count < 20; count++) await refused('ERR_LIMIT_EXCEEDED', await sign({}, bob), { replay })
    await refused('ERR_MESSAGE_REPLAYED', victim, { replay })
    await refused('ERR_MESSAGE_REPLAYED', victim, { replay, at: addSeconds(NOW, 360) })
    const fresh = addSeconds(NOW, 500)
    expect((await verify(await sign({ at: fresh }), { replay, at: fresh })).replay).toBe('checked')
    await refused('ERR_MESSAGE_EXPIRED', victim, { replay, at: fresh })
  })

  it('MSG-05: the window of time is exact at both ends, and no odd time opens it', async () => {
    const der = await sign()
    for (const [milliseconds, code] of [
      [-60_000, undefined],
      [-60_001, 'ERR_MESSAGE_FROM_FUTURE'],
      [360_000, undefined],
      [360_001, 'ERR_MESSAGE_EXPIRED'],
    ] as const) {
      const at = new Date(NOW.getTime() + milliseconds)
      if (code === undefined) expect((await verify(der, { at })).signingTime).toEqual(NOW)
      else await refused(code, der, { at })
    }
    for (const year of ['1970', '2026', '2028', '2038', '9999']) {
      const signingTime = attribute(OID.signingTime, encodeTime(new Date(`${year}-06-01T00:00:00Z`)))
      await refused(year < '2027' ? 'ERR_MESSAGE_EXPIRED' : 'ERR_MESSAGE_FROM_FUTURE', built({ signingTime }))
    }
    for (const at of [new Date(NaN), NOW.getTime(), NOW.toISOString(), undefined, null]) {
      await refused('ERR_CONFIG_INVALID', der, { at } as unknown as Partial<MessagePolicy>)
    }
    for (const maxAgeSeconds of [NaN, 0, -5, Infinity, '300']) {
      await refused('ERR_CONFIG_INVALID', der, { maxAgeSeconds } as unknown as Partial<MessagePolicy>)
    }
    // Seconds where Date wants milliseconds: 1970, and never the present.
    await expect(verify(der, { at: new Date(NOW.getTime() / 1000) })).rejects.toMatchObject({ category: 'stale' })
  })

  it('MSG-07: who a message says it is from counts for nothing beside who signed it', async () => {
    const claims = Buffer.from('{"publisher_id":"nova-compute:compute-07","sender":"admin"}')
    await refused('ERR_MESSAGE_BINDING', await sign({}, bob, claims), { bindings }, claims)
    await refused(
      'ERR_MESSAGE_SOURCE',
      built({ holder: bob, moreAttributes: [contextOf({ source: alice.identity.uri })] }),
    )
    await refused(
      'ERR_IDENTITY_MISMATCH',
      await sign({}, bob, claims),
      { senders: { entities: [alice.identity.entity] } },
      claims,
    )
    expect((await verify(await sign({}, bob, claims), {}, claims)).signer).toEqual(bob.identity)
  })

  it('MSG-08: a message that was opened and passed on is still for the one it was signed for', async () => {
    const forBob = await sign({ destination: 'bob' })
    expect((await verify(forBob, { destinations: ['bob'] })).context.destination).toBe('bob')
    await refused('ERR_MESSAGE_DESTINATION', forBob, { destinations: ['carol'] })
    // Signed again by who passes it on, it is from him.
    expect((await verify(await sign({ destination: 'carol' }, bob), { destinations: ['carol'] })).signer.node).toBe(
      'compute-08',
    )
  })

  it('MSG-12: a message of one type is none of another, and nothing else that is signed is a message', async () => {
    const types = ['notify.instance.create', 'notify.instance.delete', 'rpc.build']
    for (const type of types) {
      const der = await sign({ type })
      for (const wanted of types) {
        if (wanted === type) expect((await verify(der, { types: [wanted] })).context.type).toBe(type)
        else await refused('ERR_MESSAGE_TYPE', der, { types: [wanted] })
      }
    }
    await refused('ERR_CMS_CONTENT_TYPE', await signTrustDirectory(trustDocument(world, [alice]), world.publisher))
    await refused('ERR_CMS_MALFORMED', alice.certificate.der)
    await refused('ERR_CMS_MALFORMED', (await makeCrl({ issuer: world.issuing })).der)
    const csr = parseCertificationRequest(
      Buffer.from(await createCertificationRequest(alice.key, { subject: alice.certificate.subject })),
    )
    await refused('ERR_CMS_MALFORMED', csr.der)
    const version2 = Buffer.concat([Uint8Array.of(2, 1, 2)])
    await refused(
      'ERR_MESSAGE_CONTEXT_MALFORMED',
      built({
        moreAttributes: [
          attribute(OID.signetMessageContext, Buffer.concat([Uint8Array.of(0x30, version2.length), version2])),
        ],
      }),
    )
  })

  it('MSG-13: a planned route is signed: no step can be taken out, added or moved', async () => {
    const route = ['cell-1', 'audit', 'cell-2']
    const der = Buffer.from(await sign({ route }))
    expect((await verify(der, { route: { require: 'allow-partial' } })).context.route).toEqual(route)
    const [first, second] = [der.indexOf('cell-1'), der.indexOf('cell-2')]
    const swapped = Buffer.from(der)
    swapped.write('cell-2', first, 'latin1')
    swapped.write('cell-1', second, 'latin1')
    await refused('ERR_CMS_SIGNATURE', swapped)
    const renamed = Buffer.from(der)
    renamed.write('other', der.indexOf('audit'), 'latin1')
    await refused('ERR_CMS_SIGNATURE', renamed)
    const step = Buffer.concat([Uint8Array.of(0x1a, 5), Buffer.from('audit')])
    await refused(
      'ERR_DER_TRUNCATED',
      Buffer.concat([der.subarray(0, der.indexOf(step)), der.subarray(der.indexOf(step) + step.length)]),
    )
    await refused(
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
      built({ unsignedAttributes: [attribute(OID.counterSignature, encodeNull())] }),
    )
  })

  it('MSG-15: a signer who is revoked is not believed for what was signed before, whatever the reason', async () => {
    for (const reason of ['keyCompromise', 'cessationOfOperation', 'superseded', 'certificateHold'] as const) {
      const list = await makeCrl({
        issuer: world.issuing,
        crlNumber: 2,
        revoked: [revoked(alice.certificate.serialNumber, reason)],
      })
      const directory = await makeDirectory(world, [alice, bob], {
        sequence: 2,
        crls: [...world.crls.slice(0, 1), list],
      })
      const backlog = await Promise.all(Array.from({ length: 20 }, () => sign({ at: addSeconds(NOW, -30) })))
      for (const der of backlog) await refused('ERR_REVOKED', der, { trust: directory })
      expect((await verify(await sign({}, bob), { trust: directory })).signer.node).toBe('compute-08')
    }
  })

  it('MSG-17: what is too large or too many is refused before any signature is computed', async () => {
    const many = (count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, index) => attribute(`1.2.3.${index}`, encodeNull()))
    const signer = buildSigner({ content, holder: alice })
    const started = process.cpuUsage()
    await refused('ERR_LIMIT_EXCEEDED', Buffer.alloc(64 * 1024 * 1024 + 1, 0x30))
    await refused('ERR_LIMIT_EXCEEDED', buildSignedData({ signers: Array.from({ length: 33 }, () => signer) }))
    await refused(
      'ERR_LIMIT_EXCEEDED',
      built({}, { certificates: Array.from({ length: 65 }, () => alice.certificate.der) }),
    )
    await refused('ERR_LIMIT_EXCEEDED', built({ moreAttributes: many(61) }))
    await refused('ERR_LIMIT_EXCEEDED', built({ unsignedAttributes: many(65) }))
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(1500)
  })

  it('MSG-24: what is encrypted to the receiver is from anybody, and is no message', async () => {
    for (const type of ['1.2.840.113549.1.7.3', '1.2.840.113549.1.9.16.1.23']) {
      await refused('ERR_CMS_TYPE_UNSUPPORTED', built({}, { outerType: type }))
    }
  })
})

describe('message attacks of the third rank', () => {
  it('MSG-11: bytes are signed, not values: every other way to write the same JSON is other content', async () => {
    const der = await sign({}, alice, Buffer.from('{"a":1,"b":"é"}'))
    for (const text of [
      '{"a":1.0,"b":"é"}',
      '{"b":"é","a":1}',
      '{"a":1,"b":"\\u00e9"}',
      '{ "a":1,"b":"é"}',
      '{"a":1,"b":"e\u0301"}',
      '{"a":1,"b":"é"}\n',
      '{"a":1e0,"b":"é"}',
      '{"a":1,"b":"\\ud83d"}',
    ]) {
      await refused('ERR_CMS_DIGEST_MISMATCH', der, {}, Buffer.from(text))
    }
    // Numbers that JavaScript takes for the same are as different as their octets.
    for (const [signed, given] of [
      ['9007199254740993', '9007199254740992'],
      ['0', '-0'],
      ['1e400', '1e401'],
      ['0.1', '0.10'],
    ] as const) {
      const number = await sign({}, alice, Buffer.from(`{"n":${signed}}`))
      await refused('ERR_CMS_DIGEST_MISMATCH', number, {}, Buffer.from(`{"n":${given}}`))
    }
  })

  it('MSG-14: a countersignature, of this message or another, is refused', async () => {
    const counter = attribute(OID.counterSignature, buildSigner({ content, holder: bob }))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', built({ unsignedAttributes: [counter] }))
  })

  it('MSG-16: two keys of one signer count together, and each for its own time', async () => {
    const next = makeSender(world, { node: 'compute-07', key: keyFor('next'), notBefore: addSeconds(NOW, 100) })
    const last = makeSender(world, { node: 'compute-07', key: keyFor('last'), notAfter: addSeconds(NOW, 200) })
    const both = await makeDirectory(world, [next, last])
    for (const [seconds, sender, code] of [
      [0, last, undefined],
      [99, next, 'ERR_PATH_NOT_YET_VALID'],
      [100, next, undefined],
      [150, last, undefined],
      [201, last, 'ERR_PATH_EXPIRED'],
      [250, next, undefined],
    ] as const) {
      const at = addSeconds(NOW, seconds)
      const der = await sign({ at }, sender)
      if (code === undefined) expect((await verify(der, { trust: both, at })).signer.node).toBe('compute-07')
      else await refused(code, der, { trust: both, at })
    }
    const stale = await makeDirectory(world, [last])
    await refused('ERR_CMS_SIGNER_UNKNOWN', await sign({ at: addSeconds(NOW, 100) }, next), {
      trust: stale,
      at: addSeconds(NOW, 100),
    })
  })

  it('MSG-18: one bad message does not keep the next from being verified', async () => {
    const replay = createReplayMemory()
    const queue = [
      Buffer.from('rubbish'),
      new Uint8Array(),
      await sign(),
      built({ signature: () => new Uint8Array() }),
      await sign({}, bob),
    ]
    const outcomes = await Promise.allSettled(queue.map((der) => verify(der, { replay })))
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'rejected',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  it('MSG-20: a reply answers the one request that it is for, once, in time, by who was asked', async () => {
    const requester = alice.identity.uri
    const waiting = async (changes: Partial<PendingRequest> = {}, text = '{"ask":1}'): Promise<PendingRequest> => {
      const question = Buffer.from(text)
      const signed = await signMessage(question, alice, { type: 'rpc.ask', destination: 'compute-08', at: NOW })
      const from = { entities: [bob.identity.entity] }
      const facts = {
        signer: alice.identity,
        context: signed.context,
        content: question,
        from,
        until: addSeconds(NOW, 60),
      }
      return { ...facts, ...changes }
    }
    const answer = Buffer.from('{"answer":42}')
    const replay = createReplayMemory()
    /** What the requester makes of a reply, from its octets. */
    const arrived = (der: Uint8Array, memory: ReplayStore = replay) =>
      verify(der, { destinations: [requester], replay: memory }, answer)
    const reply = (messageId: Uint8Array, sender = bob, destination = requester) =>
      sign({ type: 'rpc.reply', destination, messageId }, sender, answer)
    const pending = new PendingRequests()
    const [first, second] = [await waiting(), await waiting({ from: { roles: ['compute'] } })]
    for (const request of [first, second]) pending.add(request, NOW)

    // What the responder does: it believes the signer of the request, and no header.
    const asked = await signMessage(first.content, alice, {
      ...{ type: 'rpc.ask', destination: 'compute-08', at: NOW, messageId: first.context.messageId },
    })
    const request = await verify(asked.der, { destinations: ['compute-08'] }, Buffer.from(first.content))
    expect(replyTo(request)).toEqual({ destination: requester, messageId: replyIdOf(first) })
    const genuine = await reply(replyTo(request).messageId)

    // To another requester, or a message that answers nothing, or another request than one of this process.
    await refused(
      'ERR_MESSAGE_DESTINATION',
      await reply(replyIdOf(first), bob, bob.identity.uri),
      { destinations: [requester] },
      answer,
    )
    const others = [
      await sign({ type: 'rpc.reply', destination: requester }, bob, answer),
      await reply(first.context.messageId),
      await reply(replyIdOf(await waiting())),
      await reply(replyIdOf({ ...first, content: Buffer.from('{"ask":2}') })),
      await reply(replyIdOf({ ...first, signer: bob.identity })),
    ]
    for (const der of others) {
      const message = await arrived(der)
      expectCode('ERR_MESSAGE_REPLY', () => pending.settle(message, NOW))
    }
    // By somebody who was not asked: the genuine one still counts afterwards.
    const meddler = await arrived(await reply(replyIdOf(first), alice))
    expectCode('ERR_IDENTITY_MISMATCH', () => pending.settle(meddler, NOW))
    expect(pending.settle(await arrived(genuine), NOW)).toBe(first)
    // Again: the same octets, or another reply that the same or another responder signs.
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => arrived(genuine))
    const again = await arrived(await reply(replyIdOf(first)), createReplayMemory())
    expectCode('ERR_MESSAGE_REPLY', () => pending.settle(again, NOW))
    // Too late for who asked, although it is fresh.
    const late = await arrived(await reply(replyIdOf(second)))
    expectCode('ERR_MESSAGE_EXPIRED', () => pending.settle(late, addSeconds(NOW, 61)))
    expect(pending.size).toBe(0)
  })

  it('MSG-20: a request waits once, and for somebody', async () => {
    const { context } = await signMessage(content, alice, { type: 'rpc.ask', destination: 'here', at: NOW })
    const facts = { signer: alice.identity, context, content, until: addSeconds(NOW, 60) }
    const pending = new PendingRequests()
    expectCode('ERR_CONFIG_INVALID', () => pending.add({ ...facts, from: {} }, NOW))
    expectCode('ERR_CONFIG_INVALID', () => pending.add({ ...facts, from: { entities: [] } }, NOW))
    pending.add({ ...facts, from: { roles: ['compute'] } }, NOW)
    expectCode('ERR_CONFIG_INVALID', () => pending.add({ ...facts, from: { roles: ['compute'] } }, NOW))
  })

  it('MSG-20: requests that waited too long make room, and others are not put out', async () => {
    const { context } = await signMessage(content, alice, { type: 'rpc.ask', destination: 'here', at: NOW })
    const pending = new PendingRequests(2)
    const add = (text: string, seconds: number, at: Date): void => {
      const until = addSeconds(NOW, seconds)
      pending.add(
        { signer: alice.identity, context, content: Buffer.from(text), until, from: { roles: ['compute'] } },
        at,
      )
    }
    add('first', 60, NOW)
    add('second', 120, NOW)
    expectCode('ERR_LIMIT_EXCEEDED', () => {
      add('third', 60, NOW)
    })
    add('third', 180, addSeconds(NOW, 61))
    expect(pending.size).toBe(2)
  })

  it('MSG-21: nobody can use up the id of another, nor of another destination', async () => {
    const replay = createReplayMemory()
    const messageId = Buffer.from('guessed id !')
    await verify(await sign({ messageId }, bob), { replay })
    expect((await verify(await sign({ messageId }), { replay })).signer.node).toBe('compute-07')
    expect((await verify(await sign({ messageId, destination: 'audit' }), { replay })).signer.node).toBe('compute-07')
    await refused('ERR_MESSAGE_REPLAYED', await sign({ messageId }), { replay })
  })

  it('MSG-23: a payload that is changed after it was verified is not the one that was handed out', async () => {
    const payload = Buffer.from(content)
    const slow: ReplayStore = {
      remember: () => {
        payload.fill(0x78)
        return Promise.resolve(true)
      },
    }
    const message = await verify(await sign(), { replay: slow }, payload)
    expect(payload.equals(content)).toBe(false)
    expect(Buffer.from(message.content)).toEqual(content)
  })

  it('MSG-26: a state is not taken back by an older message that is fresh, nor told with gaps', async () => {
    const replay = createReplayMemory()
    const state = async (sequence: number, sender = alice) =>
      verify(await sign({ messageId: sequenceId(sequence) }, sender), { replay })
    const [one, two, four] = [await state(1), await state(2), await state(4)]
    expect(requireInOrder(one, undefined)).toBe(1)
    expect(requireInOrder(two, 1)).toBe(2)
    // The broker had kept it back, and it is fresh: without the number it would win.
    expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(one, 2))
    expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(two, 2, 'allow-gaps'))
    expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(one, 2, 'allow-gaps'))
    expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(four, 2))
    expect(requireInOrder(four, 2, 'allow-gaps')).toBe(4)
    // A sender that begins anew is not believed; one that numbers nothing neither.
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => state(1))
    expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(one, 4, 'allow-gaps'))
    for (const messageId of [undefined, Buffer.alloc(8), Buffer.alloc(8, 0xff), Buffer.alloc(9, 1)]) {
      const message = await verify(await sign(messageId === undefined ? {} : { messageId }))
      for (const last of [undefined, 1]) expectCode('ERR_MESSAGE_ORDER', () => requireInOrder(message, last))
    }
    for (const number of [0, -1, 1.5, NaN, 2 ** 53]) expectCode('ERR_CONFIG_INVALID', () => sequenceId(number))
    // Each sender counts for itself.
    expect(requireInOrder(await state(1, bob), undefined)).toBe(1)
  })

  it('MSG-25: a claim in the payload to be verified already is only payload', async () => {
    const claim = Buffer.from('{"verified":true,"signer":"admin"}')
    await refused('ERR_MESSAGE_UNSIGNED', new Uint8Array(), {}, claim)
    expect((await verify(await sign({}, bob, claim), {}, claim)).signer).toEqual(bob.identity)
  })
})
