import { beforeAll, describe, expect, it } from 'vitest'
import { encodeNull, encodeTime, OID } from '../../src/asn1/index.js'
import { digestIdentifierDer } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import {
  createReplayMemory,
  type MessagePolicy,
  type ReplayStore,
  signMessage,
  type SignMessageRequest,
  VerifiedMessage,
  verifyMessage,
} from '../../src/message/index.js'
import { encodeMessageContext } from '../../src/message/context.js'
import { parseBinding, parsePolicy } from '../../src/policy/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { TrustDirectory } from '../../src/trust/index.js'
import { keyFor, makeCrl, NOT_AFTER, NOW, revoked } from '../support/certificates.js'
import {
  attribute,
  buildSignedData,
  buildSigner,
  type SignedDataParts,
  type SignerParts,
} from '../support/cms-builder.js'
import { expectCodeAsync } from '../support/expect-code.js'
import {
  makeDirectory,
  makeSender,
  makeWorld,
  receiver,
  type Sender,
  TRUST_DOMAIN,
  type World,
} from '../support/messages.js'

const content = Buffer.from('{"publisher_id":"nova-compute:compute-07","payload":{"host":"compute-07"}}')
let world: World
let alice: Sender
let bob: Sender
let trust: TrustDirectory
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07', roles: ['compute', 'notifier'] })
  bob = makeSender(world, { node: 'compute-08' })
  trust = await makeDirectory(world, [alice, bob])
})

async function signed(
  changes: Partial<SignMessageRequest> = {},
  sender = alice,
  payload: Uint8Array = content,
): Promise<Uint8Array> {
  const request = { type: 'notify.instance.create.end', destination: 'notifications', at: NOW, ...changes }
  return (await signMessage(payload, sender, request)).der
}

const verify = (der: Uint8Array, changes: Partial<MessagePolicy> = {}, payload: Uint8Array | undefined = content) =>
  verifyMessage(der, payload, receiver(trust, changes))

const partial: Partial<MessagePolicy> = { route: { require: 'allow-partial' } }

const refuses = async (code: ErrorCode, der: Uint8Array, changes: Partial<MessagePolicy> = {}): Promise<void> => {
  await expectCodeAsync(code, () => verify(der, changes))
}

const contextDer = (): Uint8Array =>
  encodeMessageContext({
    type: 'notify.test',
    destination: 'notifications',
    messageId: Buffer.from('0123456789ab'),
    lifetimeSeconds: 300,
  })

/** A detached message that is right but for what is changed, made without signMessage. */
function built(changes: Partial<SignerParts> = {}, document: Partial<SignedDataParts> = {}): Uint8Array {
  const moreAttributes = [attribute(OID.signetMessageContext, contextDer())]
  return buildSignedData({
    signers: [buildSigner({ content, holder: alice, moreAttributes, ...changes })],
    ...document,
  })
}

describe('verifyMessage: what is proved', () => {
  it('requirement 31: says who signed what, for whom, when, and that it was not accepted before', async () => {
    const message = await verify(await signed({ source: 'stated', route: ['cell-1'] }), partial)
    expect(Buffer.from(message.content)).toEqual(content)
    expect(message.signer).toEqual(alice.identity)
    expect(message.signer.roles).toEqual(['compute', 'notifier'])
    expect(message.certificate.fingerprint).toBe(alice.certificate.fingerprint)
    expect(message.signingTime).toEqual(NOW)
    expect(message.replay).toBe('checked')
    expect(message.bindings).toEqual([])
    expect(message.context).toMatchObject({
      type: 'notify.instance.create.end',
      destination: 'notifications',
      lifetimeSeconds: 300,
      source: alice.identity.uri,
      route: ['cell-1'],
    })
  })

  it('verifies a message that carries its content', async () => {
    const message = await verifyMessage(await signed({ form: 'attached' }), undefined, receiver(trust))
    expect(Buffer.from(message.content)).toEqual(content)
  })

  it('requirement 35: finds the signer by key identifier, and by issuer and serial number', async () => {
    expect((await verify(built())).signer.node).toBe('compute-07')
    expect((await verify(built({ identifier: 'issuerAndSerialNumber' }))).signer.node).toBe('compute-07')
  })

  it('verifies empty content, attached and detached', async () => {
    const empty = new Uint8Array()
    const attached = await signed({ form: 'attached' }, alice, empty)
    expect((await verifyMessage(attached, undefined, receiver(trust))).content).toHaveLength(0)
    const detached = await signed({}, alice, empty)
    expect((await verify(detached, {}, empty)).content).toHaveLength(0)
    await expectCodeAsync('ERR_CMS_CONTENT_MISSING', () => verifyMessage(detached, undefined, receiver(trust)))
    await expectCodeAsync('ERR_CMS_CONTENT_CONFLICT', () => verify(attached, {}, empty))
  })

  it('says when replay was not checked', async () => {
    expect((await verify(await signed(), { replay: 'allow-unchecked' })).replay).toBe('not checked')
  })

  it('is not changed by what becomes of the input afterwards', async () => {
    const payload = Buffer.from(content)
    const der = Buffer.from(await signed({}, alice))
    const message = await verifyMessage(der, payload, receiver(trust))
    const id = Buffer.from(message.context.messageId).toString('hex')
    payload.fill(0)
    der.fill(0)
    expect(Buffer.from(message.content)).toEqual(content)
    expect(Buffer.from(message.context.messageId).toString('hex')).toBe(id)
    expect(message.context.destination).toBe('notifications')
  })

  it('cannot be made by others, as far as the compiler can tell, and is frozen', async () => {
    const message = await verify(await signed({ route: ['a'] }), partial)
    // @ts-expect-error -- the constructor is private
    const construct = (): VerifiedMessage => new VerifiedMessage(message.content, message)
    // @ts-expect-error -- an object of the same form is no proof
    const forged: VerifiedMessage = { ...message }
    // @ts-expect-error -- the constructor is private
    const constructDirectory = (): TrustDirectory => new TrustDirectory(trust, content)
    // @ts-expect-error -- an object of the same form is no directory
    const forgedDirectory: TrustDirectory = { ...trust }
    expect(forged).not.toBeInstanceOf(VerifiedMessage)
    expect(forgedDirectory).not.toBeInstanceOf(TrustDirectory)
    expect([typeof construct, typeof constructDirectory]).toEqual(['function', 'function'])
    for (const part of [
      message,
      message.context,
      message.context.route,
      message.signer,
      message.signer.roles,
      message.bindings,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('verifyMessage: the policy says everything', () => {
  const policy = (changes: Record<string, unknown>, without: readonly string[] = []): MessagePolicy => {
    const changed: Record<string, unknown> = { ...receiver(trust), ...changes }
    return Object.fromEntries(
      Object.entries(changed).filter(([key]) => !without.includes(key)),
    ) as unknown as MessagePolicy
  }

  it.each(['trust', 'destinations', 'senders', 'types', 'maxAgeSeconds', 'replay', 'at'])(
    'refuses a policy without %s',
    async (key) => {
      const der = await signed()
      await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, policy({}, [key])))
      await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, policy({ [key]: undefined })))
      await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, policy({ [key]: null })))
    },
  )

  it.each<[string, Record<string, unknown>]>([
    ['no destinations', { destinations: [] }],
    ['an empty destination', { destinations: ['here', ''] }],
    ['destinations that are no list', { destinations: 'here' }],
    ['a destination that is a number', { destinations: [1] }],
    ['a mistyped word for any destination', { destinations: 'allow-all' }],
    ['no types', { types: [] }],
    ['an empty type', { types: [''] }],
    ['a mistyped word for any type', { types: 'any' }],
    ['a type that is no pattern', { types: ['notify.in*'] }],
    ['no senders', { senders: {} }],
    ['an empty list of entities', { senders: { entities: [] } }],
    ['an empty list of roles beside entities', { senders: { entities: ['a'], roles: [] } }],
    ['an empty entity', { senders: { entities: [''] } }],
    ['undefined URIs', { senders: { uris: undefined } }],
    ['a mistyped way to name senders', { senders: { entity: ['nova-compute.compute-07'] } }],
    ['an unknown way to name senders beside a known one', { senders: { entities: ['a'], nodes: ['b'] } }],
    ['a list instead of senders', { senders: ['nova-compute.compute-07'] }],
    ['a mistyped word for any sender', { senders: 'allow-any' }],
    ['an age of nothing', { maxAgeSeconds: 0 }],
    ['a negative age', { maxAgeSeconds: -1 }],
    ['an age that is no number', { maxAgeSeconds: NaN }],
    ['an endless age', { maxAgeSeconds: Infinity }],
    ['an age that is text', { maxAgeSeconds: '300' }],
    ['a negative skew', { skewSeconds: -1 }],
    ['a skew of more than an hour', { skewSeconds: 3601 }],
    ['a skew that is no number', { skewSeconds: NaN }],
    ['a skew that is text', { skewSeconds: '60' }],
    ['a time that is none', { at: new Date(NaN) }],
    ['a time that is a number', { at: NOW.getTime() }],
    ['a replay memory that is none', { replay: {} }],
    ['a mistyped word for no replay memory', { replay: 'allow' }],
    ['trust that is only like a directory', { trust: { requireCurrent: () => undefined, find: () => undefined } }],
    ['bindings that are text', { bindings: ['publisher_id == service:node'] }],
    ['bindings that are no list', { bindings: 'publisher_id == service:node' }],
    ['an authorization that is text', { authorization: 'version: 1' }],
    [
      'an authorization that is only like a policy',
      { authorization: { authorize: () => ({}), readsContent: () => false } },
    ],
    ['an authorization that is null', { authorization: null }],
    ['an authorization that came to nothing', { authorization: undefined }],
    ['an authorization that allows', { authorization: true }],
    ['a scope that is a number', { scope: 7 }],
    ['a scope that is null', { scope: null }],
    ['a scope that is a list', { scope: ['region-one'] }],
    ['a scope that is no path', { scope: 'region-one/' }],
    ['a scope that is a grant', { scope: '/**' }],
    ['a mistyped option', { binding: [parseBinding('publisher_id == service:node')] }],
    ['an option that there is not', { allowExpired: true }],
  ])('refuses %s', async (_, changes) => {
    const der = await signed()
    await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, policy(changes)))
  })

  it('refuses no policy at all', async () => {
    const der = await signed()
    await expectCodeAsync('ERR_CONFIG_INVALID', () =>
      verifyMessage(der, content, undefined as unknown as MessagePolicy),
    )
  })

  it('reads the policy before the message: even rubbish is refused for the policy first', async () => {
    await expectCodeAsync('ERR_CONFIG_INVALID', () =>
      verifyMessage(Buffer.from('rubbish'), content, policy({ types: [] })),
    )
  })
})

describe('verifyMessage: structure', () => {
  it.each<[string, () => Uint8Array, ErrorCode]>([
    ['no signature at all', () => new Uint8Array(), 'ERR_MESSAGE_UNSIGNED'],
    [
      'another content type',
      () => built({ eContentType: OID.data }, { eContentType: OID.data }),
      'ERR_CMS_CONTENT_TYPE',
    ],
    [
      'the content type of a trust directory',
      () => built({ eContentType: OID.signetTrustDirectory }, { eContentType: OID.signetTrustDirectory }),
      'ERR_CMS_CONTENT_TYPE',
    ],
    [
      'the signer’s certificate',
      () => built({}, { certificates: [alice.certificate.der] }),
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
    ],
    ['a CRL', () => built({}, { crls: world.crls.map((crl) => crl.der) }), 'ERR_CMS_UNSIGNED_ATTRIBUTE'],
    ['nobody who signed', () => buildSignedData({ signers: [] }), 'ERR_CMS_NO_SIGNERS'],
    [
      'two signers',
      () => buildSignedData({ signers: [alice, bob].map((holder) => buildSigner({ content, holder })) }),
      'ERR_CMS_SIGNER_COUNT',
    ],
    [
      'the same signer twice',
      () => {
        const signer = buildSigner({ content, holder: alice })
        return buildSignedData({ signers: [signer, signer] })
      },
      'ERR_CMS_SIGNER_COUNT',
    ],
    [
      'an unsigned attribute',
      () => built({ unsignedAttributes: [attribute('1.2.3', encodeNull())] }),
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
    ],
    [
      'a countersignature',
      () => built({ unsignedAttributes: [attribute(OID.counterSignature, encodeNull())] }),
      'ERR_CMS_UNSIGNED_ATTRIBUTE',
    ],
    [
      'a second digest algorithm',
      () => built({}, { digestAlgorithms: [digestIdentifierDer('sha256'), digestIdentifierDer('sha512')] }),
      'ERR_ALGORITHM_MISMATCH',
    ],
    ['no digest algorithm', () => built({}, { digestAlgorithms: [] }), 'ERR_ALGORITHM_MISMATCH'],
    [
      'another digest algorithm than its signer',
      () => built({}, { digestAlgorithms: [digestIdentifierDer('sha512')] }),
      'ERR_ALGORITHM_MISMATCH',
    ],
    ['no signingCertificateV2', () => built({ signingCertificate: undefined }), 'ERR_CMS_SIGNED_ATTRIBUTES'],
    ['no signingTime', () => built({ signingTime: undefined }), 'ERR_CMS_SIGNED_ATTRIBUTES'],
    ['no context', () => built({ moreAttributes: [] }), 'ERR_CMS_SIGNED_ATTRIBUTES'],
    ['no signed attributes', () => built({ attributes: 'none' }), 'ERR_CMS_SIGNED_ATTRIBUTES'],
    [
      'a context that is malformed',
      () => built({ moreAttributes: [attribute(OID.signetMessageContext, encodeNull())] }),
      'ERR_MESSAGE_CONTEXT_MALFORMED',
    ],
    [
      'two contexts',
      () => built({ moreAttributes: [attribute(OID.signetMessageContext, contextDer(), encodeNull())] }),
      'ERR_CMS_ATTRIBUTE_DUPLICATE',
    ],
    ['another type of CMS around', () => built({}, { outerType: '1.2.840.113549.1.7.3' }), 'ERR_CMS_TYPE_UNSUPPORTED'],
  ])('refuses a message with %s', async (_, make, code) => {
    await refuses(code, make())
  })

  it('does not take a context among the unsigned attributes', async () => {
    const context = attribute(OID.signetMessageContext, contextDer())
    await refuses('ERR_CMS_UNSIGNED_ATTRIBUTE', built({ moreAttributes: [], unsignedAttributes: [context] }))
  })

  it('refuses PEM and BER: a message has one form', async () => {
    const der = Buffer.from(await signed())
    await refuses('ERR_CMS_MALFORMED', Buffer.concat([Uint8Array.of(0x30, 0x80), der.subarray(4), Uint8Array.of(0, 0)]))
    await refuses(
      'ERR_CMS_MALFORMED',
      Buffer.from(`-----BEGIN CMS-----\n${der.toString('base64')}\n-----END CMS-----\n`),
    )
  })
})

describe('verifyMessage: the signer', () => {
  it('refuses a signer who is not in the trust directory, by key identifier and by serial number', async () => {
    const carol = makeSender(world, { node: 'compute-09' })
    await refuses('ERR_CMS_SIGNER_UNKNOWN', await signed({}, carol))
    await refuses('ERR_CMS_SIGNER_UNKNOWN', built({ holder: carol, identifier: 'issuerAndSerialNumber' }))
  })

  it('refuses a signer who takes the key identifier of another', async () => {
    const mallory = makeSender(world, { node: 'mallory' })
    const sidDer = Buffer.concat([Uint8Array.of(0x80, 20), alice.certificate.subjectKeyIdentifier ?? new Uint8Array()])
    await refuses('ERR_CMS_ESS_MISMATCH', built({ holder: mallory, sidDer }))
    const signingCertificate = attribute(
      OID.signingCertificateV2,
      Buffer.concat([
        Uint8Array.of(0x30, 0x26, 0x30, 0x24, 0x30, 0x22, 0x04, 0x20),
        Buffer.from(alice.certificate.fingerprint, 'hex'),
      ]),
    )
    await refuses('ERR_CMS_SIGNATURE', built({ holder: mallory, sidDer, signingCertificate }))
  })

  it('refuses a message of a foreign deployment with the same names', async () => {
    const foreign = await makeWorld('foreign')
    const stranger = makeSender(foreign, { node: 'compute-07', key: keyFor('stranger') })
    await refuses('ERR_CMS_SIGNER_UNKNOWN', await signed({}, stranger))
    const theirs = await makeDirectory(foreign, [stranger])
    await refuses('ERR_CMS_SIGNER_UNKNOWN', await signed(), { trust: theirs })
    expect((await verify(await signed({}, stranger), { trust: theirs })).signer.node).toBe('compute-07')
  })

  it('refuses an expired certificate although signingTime lies inside its life', async () => {
    const short = makeSender(world, { node: 'short', notAfter: addSeconds(NOW, 60) })
    const directory = await makeDirectory(world, [short])
    const der = await signed({}, short)
    const policy = { trust: directory, maxAgeSeconds: 3600 }
    expect((await verify(der, { ...policy, at: addSeconds(NOW, 60) })).signer.node).toBe('short')
    await refuses('ERR_PATH_EXPIRED', der, { ...policy, at: addSeconds(NOW, 62) })
  })

  it('refuses a certificate that is not valid yet', async () => {
    const early = makeSender(world, { node: 'early', notBefore: addSeconds(NOW, 30) })
    const directory = await makeDirectory(world, [early])
    const der = await signed({}, early)
    await refuses('ERR_PATH_NOT_YET_VALID', der, { trust: directory })
    expect((await verify(der, { trust: directory, at: addSeconds(NOW, 30) })).signer.node).toBe('early')
  })

  it('refuses a revoked signer with a new directory, while others still verify', async () => {
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(alice.certificate.serialNumber, 'keyCompromise')],
    })
    const crls = [...world.crls.slice(0, 1), list]
    const still = await makeDirectory(world, [alice, bob], { sequence: 2, crls })
    const der = await signed()
    await refuses('ERR_REVOKED', der, { trust: still })
    const without = await makeDirectory(world, [bob], { sequence: 2, crls })
    await refuses('ERR_CMS_SIGNER_UNKNOWN', der, { trust: without })
    for (const directory of [still, without]) {
      expect((await verify(await signed({}, bob), { trust: directory })).signer.node).toBe('compute-08')
    }
    expect((await verify(der)).signer.node).toBe('compute-07')
  })

  it('refuses everybody when the CRL in the directory has ended', async () => {
    const crls = [
      ...world.crls.slice(0, 1),
      await makeCrl({ issuer: world.issuing, nextUpdate: addSeconds(NOW, 3600) }),
    ]
    const directory = await makeDirectory(world, [alice], { crls })
    const at = addSeconds(NOW, 3601)
    const der = await signed({ at })
    await refuses('ERR_REVOCATION_UNKNOWN', der, { trust: directory, at })
    expect((await verify(await signed(), { trust: directory })).signer.node).toBe('compute-07')
  })

  it('refuses a signer whose certificate is for something else, although the directory lists it', async () => {
    const server = makeSender(world, { node: 'server', purposes: [OID.kpServerAuth] })
    const directory = await makeDirectory(world, [server])
    const moreAttributes = [attribute(OID.signetMessageContext, contextDer())]
    const der = buildSignedData({ signers: [buildSigner({ content, holder: server, moreAttributes })] })
    await refuses('ERR_PATH_PURPOSE', der, { trust: directory })
  })

  it('refuses a directory that has ended, or begins later', async () => {
    const der = await signed()
    await refuses('ERR_TRUST_DIRECTORY_EXPIRED', der, { at: addSeconds(NOW, DAY) })
    await refuses('ERR_TRUST_DIRECTORY_FROM_FUTURE', der, { at: addSeconds(NOW, -301) })
  })

  it('takes the identity from the directory, whatever the certificate says of itself', async () => {
    const directory = await makeDirectory(world, [
      { ...alice, identity: { ...alice.identity, node: 'renamed', roles: ['new'], grants: ['new'] } },
    ])
    const { signer } = await verify(await signed(), { trust: directory })
    expect(signer.node).toBe('renamed')
    expect(signer.roles).toEqual(['new'])
  })
})

describe('verifyMessage: source, senders, destination, type', () => {
  it('refuses a source that is not its signer', async () => {
    const stated = (source: string) =>
      built({
        moreAttributes: [
          attribute(
            OID.signetMessageContext,
            encodeMessageContext({
              type: 'notify.test',
              destination: 'x',
              messageId: Buffer.alloc(12),
              lifetimeSeconds: 300,
              source,
            }),
          ),
        ],
      })
    expect((await verify(stated(alice.identity.uri))).context.source).toBe(alice.identity.uri)
    await refuses('ERR_MESSAGE_SOURCE', stated(bob.identity.uri))
    await refuses('ERR_MESSAGE_SOURCE', stated(`${alice.identity.uri}/`))
    await refuses('ERR_MESSAGE_SOURCE', stated(alice.identity.uri.toUpperCase()))
    await refuses('ERR_MESSAGE_SOURCE', stated('nova-compute.compute-07'))
  })

  it.each<[string, MessagePolicy['senders'], boolean]>([
    ['any that is trusted', 'allow-any-trusted', true],
    ['the entity', { entities: ['nova-compute.compute-07'] }, true],
    ['another entity', { entities: ['nova-compute.compute-08'] }, false],
    ['an entity of which it is a prefix', { entities: ['nova-compute.compute-070'] }, false],
    ['a wildcard, which names nobody', { entities: ['*'] }, false],
    ['the URI', { uris: [`spiffe://${TRUST_DOMAIN}/nova-compute/compute-07`] }, true],
    ['another URI', { uris: [`spiffe://${TRUST_DOMAIN}/nova-compute/compute-08`] }, false],
    ['the URI in capitals', { uris: [`SPIFFE://${TRUST_DOMAIN}/nova-compute/compute-07`] }, false],
    ['a role', { roles: ['admin', 'notifier'] }, true],
    ['another role', { roles: ['admin'] }, false],
    ['the entity as a role', { roles: ['nova-compute.compute-07'] }, false],
    ['another entity, but a role of it', { entities: ['nobody'], roles: ['compute'] }, true],
    ['other entities, URIs and roles', { entities: ['nobody'], uris: ['nowhere'], roles: ['nothing'] }, false],
  ])('asked for %s, decides so', async (_, senders, accepted) => {
    const der = await signed()
    if (accepted) expect((await verify(der, { senders })).signer.node).toBe('compute-07')
    else await refuses('ERR_IDENTITY_MISMATCH', der, { senders })
  })

  it.each<[string, MessagePolicy['destinations'], boolean]>([
    ['its own', ['notifications'], true],
    ['several of its own', ['audit', 'notifications'], true],
    ['another', ['audit'], false],
    ['the same in capitals', ['Notifications'], false],
    ['a prefix', ['notification'], false],
    ['a wildcard, which is no destination', ['*'], false],
    ['any', 'allow-any', true],
  ])('for the destination %s, decides so', async (_, destinations, accepted) => {
    const der = await signed()
    if (accepted) expect((await verify(der, { destinations })).context.destination).toBe('notifications')
    else await refuses('ERR_MESSAGE_DESTINATION', der, { destinations })
  })

  it.each<[string, MessagePolicy['types'], boolean]>([
    ['the type', ['notify.instance.create.end'], true],
    ['everything below', ['notify.*'], true],
    ['everything', ['*'], true],
    ['a segment in the middle', ['notify.*.create.end'], true],
    ['another', ['notify.instance.delete.end'], false],
    ['what it is a prefix of', ['notify.instance.create.end.more'], false],
    ['a prefix without a wildcard', ['notify.instance'], false],
    ['something else below', ['rpc.*'], false],
    ['any', 'allow-any', true],
  ])('for the type %s, decides so', async (_, types, accepted) => {
    const der = await signed()
    if (accepted) expect((await verify(der, { types })).context.type).toBe('notify.instance.create.end')
    else await refuses('ERR_MESSAGE_TYPE', der, { types })
  })

  it('refuses a pattern that is none when it comes to it', async () => {
    await refuses('ERR_CONFIG_INVALID', await signed(), { types: ['other', 'notify.**'] })
  })
})

describe('verifyMessage: time', () => {
  const at = (seconds: number): Date => addSeconds(NOW, seconds)

  it.each<[string, number, Partial<SignMessageRequest>, Partial<MessagePolicy>, ErrorCode | undefined]>([
    ['at once', 0, {}, {}, undefined],
    ['at the end of lifetime and skew', 360, {}, {}, undefined],
    ['a second later', 361, {}, {}, 'ERR_MESSAGE_EXPIRED'],
    ['a millisecond later', 360.001, {}, {}, 'ERR_MESSAGE_EXPIRED'],
    ['at the end of a shorter lifetime and skew', 70, { lifetimeSeconds: 10 }, {}, undefined],
    ['a second after a shorter lifetime and skew', 71, { lifetimeSeconds: 10 }, {}, 'ERR_MESSAGE_EXPIRED'],
    ['at the greatest age that the receiver accepts', 90, {}, { maxAgeSeconds: 30 }, undefined],
    ['a second older than the receiver accepts', 91, {}, { maxAgeSeconds: 30 }, 'ERR_MESSAGE_EXPIRED'],
    ['after its lifetime, however old the receiver accepts', 361, {}, { maxAgeSeconds: 86_000 }, 'ERR_MESSAGE_EXPIRED'],
    ['a minute early, which is the skew', -60, {}, {}, undefined],
    ['a second earlier than the skew', -61, {}, {}, 'ERR_MESSAGE_FROM_FUTURE'],
    ['a millisecond earlier than the skew', -60.001, {}, {}, 'ERR_MESSAGE_FROM_FUTURE'],
    ['on time without any skew', 300, {}, { skewSeconds: 0 }, undefined],
    ['a second late without any skew', 301, {}, { skewSeconds: 0 }, 'ERR_MESSAGE_EXPIRED'],
    ['a second early without any skew', -1, {}, { skewSeconds: 0 }, 'ERR_MESSAGE_FROM_FUTURE'],
    ['an hour late with an hour of skew', 3900, {}, { skewSeconds: 3600 }, undefined],
    ['an hour and a second late with an hour of skew', 3901, {}, { skewSeconds: 3600 }, 'ERR_MESSAGE_EXPIRED'],
  ])('requirement 10: decides about a message that comes %s', async (_, seconds, request, policy, code) => {
    const der = await signed(request)
    if (code === undefined) expect((await verify(der, { ...policy, at: at(seconds) })).signingTime).toEqual(NOW)
    else await refuses(code, der, { ...policy, at: at(seconds) })
  })

  it.each<[string, Date, ErrorCode]>([
    ['1970', new Date(0), 'ERR_MESSAGE_EXPIRED'],
    ['1950', new Date('1950-01-01T00:00:00Z'), 'ERR_MESSAGE_EXPIRED'],
    ['2038', new Date('2038-01-19T03:14:08Z'), 'ERR_MESSAGE_FROM_FUTURE'],
    ['9999', new Date('9999-12-31T23:59:59Z'), 'ERR_MESSAGE_FROM_FUTURE'],
  ])('refuses a message that says it was signed in %s', async (_, signingTime, code) => {
    await refuses(code, built({ signingTime: attribute(OID.signingTime, encodeTime(signingTime)) }))
  })

  it('remembers a message for as long as any receiver could still accept it, its own maximum age aside', async () => {
    const seen: Date[] = []
    const replay: ReplayStore = {
      remember: (_key, until) => {
        seen.push(until)
        return Promise.resolve(true)
      },
    }
    const der = await signed({ lifetimeSeconds: 100 })
    await verify(der, { replay })
    await verify(der, { replay, maxAgeSeconds: 10, skewSeconds: 5 })
    expect(seen).toEqual([at(160), at(105)])
  })
})

describe('verifyMessage: bindings', () => {
  const bindings = [parseBinding('publisher_id == service:node'), parseBinding('payload.host == node')]

  it('accepts content whose fields are those of its signer, and says which rules held', async () => {
    const message = await verify(await signed(), { bindings })
    expect(message.bindings).toEqual(['publisher_id == service:node', 'payload.host == node'])
  })

  it('refuses content that claims to be from somebody else', async () => {
    await refuses('ERR_MESSAGE_BINDING', await signed({}, bob), { bindings })
  })

  it.each<[string, string, ErrorCode]>([
    ['without the field', '{"payload":{"host":"compute-07"}}', 'ERR_MESSAGE_BINDING'],
    [
      'with the field twice',
      '{"publisher_id":"a","publisher_id":"nova-compute:compute-07","payload":{"host":"compute-07"}}',
      'ERR_JSON_MALFORMED',
    ],
    [
      'with the field twice, once escaped',
      '{"\\u0070ublisher_id":"a","publisher_id":"nova-compute:compute-07","payload":{"host":"compute-07"}}',
      'ERR_JSON_MALFORMED',
    ],
    [
      'with a key twice further in',
      '{"publisher_id":"nova-compute:compute-07","payload":{"host":"x","host":"compute-07"}}',
      'ERR_JSON_MALFORMED',
    ],
    ['that is no JSON', 'publisher_id: nova-compute:compute-07', 'ERR_JSON_MALFORMED'],
    [
      'with a byte order mark',
      '\ufeff{"publisher_id":"nova-compute:compute-07","payload":{"host":"compute-07"}}',
      'ERR_JSON_MALFORMED',
    ],
    ['that is empty', '', 'ERR_JSON_MALFORMED'],
  ])('refuses content %s', async (_, text, code) => {
    const payload = Buffer.from(text)
    const der = await signed({}, alice, payload)
    await expectCodeAsync(code, () => verify(der, { bindings }, payload))
    expect((await verify(der, {}, payload)).content).toHaveLength(payload.length)
  })

  it.each([
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['UTF-16', Buffer.from('{"publisher_id":"nova-compute:compute-07"}', 'utf16le')],
  ])('refuses content that is %s', async (_, payload) => {
    const der = await signed({}, alice, payload)
    await expect(verify(der, { bindings }, payload)).rejects.toMatchObject({ category: 'encoding' })
  })

  it('does not remember a message that a binding refuses', async () => {
    const replay = createReplayMemory()
    const der = await signed({}, bob)
    await refuses('ERR_MESSAGE_BINDING', der, { bindings, replay })
    expect((await verify(der, { replay })).signer.node).toBe('compute-08')
  })
})

describe('verifyMessage: authorization', () => {
  const document = {
    version: 1,
    roles: ['compute', 'notifier', 'conductor'],
    messages: { 'notify.*': ['publisher_id'], 'rpc.build': [], 'rpc.move': [] },
    destinations: { notifications: { receivers: ['conductor'] }, audit: { receivers: ['conductor'], scope: 'a' } },
    rules: [
      {
        name: 'as-itself',
        allow: 'compute',
        send: 'notify.*',
        to: 'notifications',
        bind: 'publisher_id == service:node',
      },
      { name: 'builds', allow: ['compute', 'conductor'], send: 'rpc.build', to: '*' },
      { name: 'moves', allow: 'conductor', send: 'rpc.move', to: '*' },
      { name: 'never-to-audit', deny: '*', send: 'rpc.build', to: 'audit' },
    ],
  }
  const authorization = parsePolicy(JSON.stringify(document))
  const garbage = Buffer.from('not JSON')

  it('names the rule that allows, and none where no policy is asked', async () => {
    expect((await verify(await signed(), { authorization })).rule).toBe('as-itself')
    expect((await verify(await signed())).rule).toBeUndefined()
    const built = await verify(await signed({ type: 'rpc.build' }), { authorization })
    expect([built.rule, built.bindings]).toEqual(['builds', []])
  })

  it.each<[string, Partial<SignMessageRequest>, Readonly<Record<string, string>>]>([
    [
      'a type for which it has no role',
      { type: 'rpc.move' },
      { because: 'unmatched', 'rule moves': 'does not hold: role conductor' },
    ],
    ['a type that the policy does not know', { type: 'rpc.other' }, { because: 'unknown-type' }],
    ['a destination that the policy does not know', { destination: 'elsewhere' }, { because: 'unknown-destination' }],
    [
      'what another rule denies',
      { type: 'rpc.build', destination: 'audit' },
      { because: 'rule', rule: 'never-to-audit' },
    ],
  ])('requirement 36: refuses %s, however well it is signed', async (_, request, details) => {
    const der = await signed(request)
    expect((await verify(der)).signer.node).toBe('compute-07')
    const error = await expectCodeAsync('ERR_POLICY_DENIED', () => verify(der, { authorization }))
    expect(error.details).toMatchObject({ signer: alice.identity.uri, roles: 'compute notifier', ...details })
    expect(error.exitCode).toBe(5)
  })

  it('requirement 28: what is refused to compute is accepted from a conductor', async () => {
    const carol = makeSender(world, { node: 'conductor-01', roles: ['conductor'] })
    const directory = await makeDirectory(world, [alice, carol])
    const from = async (sender: Sender) =>
      verify(await signed({ type: 'rpc.move' }, sender), { authorization, trust: directory })
    await expectCodeAsync('ERR_POLICY_DENIED', () => from(alice))
    expect((await from(carol)).rule).toBe('moves')
  })

  it('requirement 38: a node that is taken over speaks for no other node, and orders nothing', async () => {
    const mallory = makeSender(world, { node: 'compute-08', roles: ['compute'] })
    const policy = { authorization, trust: await makeDirectory(world, [alice, mallory]) }
    const error = await expectCodeAsync('ERR_POLICY_DENIED', async () => verify(await signed({}, mallory), policy))
    expect(error.details['rule as-itself']).toBe('does not hold: publisher_id == service:node')
    await refuses('ERR_POLICY_DENIED', await signed({ type: 'rpc.move' }, mallory), policy)
    const own = Buffer.from('{"publisher_id":"nova-compute:compute-08"}')
    expect((await verify(await signed({}, mallory, own), policy, own)).rule).toBe('as-itself')
  })

  it('requirement 39: takes no role from the content', async () => {
    const claims = Buffer.from(
      '{"publisher_id":"nova-compute:compute-07","roles":["conductor"],"signer":{"roles":["conductor"]}}',
    )
    const der = await signed({ type: 'rpc.move' }, alice, claims)
    await expectCodeAsync('ERR_POLICY_DENIED', () => verify(der, { authorization }, claims))
  })

  it('reads the content where a rule needs it, and only there', async () => {
    const [notice, order, other] = [
      await signed({}, alice, garbage),
      await signed({ type: 'rpc.build' }, alice, garbage),
      await signed({ type: 'other' }, alice, garbage),
    ]
    await expectCodeAsync('ERR_JSON_MALFORMED', () => verify(notice, { authorization }, garbage))
    expect((await verify(order, { authorization }, garbage)).rule).toBe('builds')
    await expectCodeAsync('ERR_POLICY_DENIED', () => verify(other, { authorization }, garbage))
    const twice = Buffer.from('{"publisher_id":"a","publisher_id":"nova-compute:compute-07"}')
    const der = await signed({}, alice, twice)
    await expectCodeAsync('ERR_JSON_MALFORMED', () => verify(der, { authorization }, twice))
  })

  it('asks for bindings and for the policy', async () => {
    const bindings = [parseBinding('payload.host == service')]
    await refuses('ERR_MESSAGE_BINDING', await signed(), { authorization, bindings })
    const message = await verify(await signed(), { authorization, bindings: [parseBinding('payload.host == node')] })
    expect([message.rule, message.bindings]).toEqual(['as-itself', ['payload.host == node']])
  })

  it('does not remember a message that the policy refuses', async () => {
    const replay = createReplayMemory()
    const der = await signed({ type: 'rpc.move' })
    await refuses('ERR_POLICY_DENIED', der, { authorization, replay })
    expect((await verify(der, { replay })).replay).toBe('checked')
  })

  it('asks for a role where the message takes effect: in the scope of the receiver', async () => {
    const there = { name: 'there', allow: 'compute', send: 'rpc.build', to: '*', at: 'destination' }
    const policy = parsePolicy(JSON.stringify({ ...document, rules: [there] }))
    const grants = ['compute@region-one/**']
    const identity = { ...alice.identity, roles: [], grants }
    const directory = await makeDirectory(world, [{ ...alice, identity }])
    const der = await signed({ type: 'rpc.build' })
    const asked = { authorization: policy, trust: directory }
    expect((await verify(der, { ...asked, scope: 'region-one/nova' })).rule).toBe('there')
    await refuses('ERR_POLICY_DENIED', der, { ...asked, scope: 'region-two' })
    await refuses('ERR_POLICY_DENIED', der, { ...asked, scope: '' })
    await refuses('ERR_POLICY_DENIED', der, asked)
  })
})

describe('verifyMessage: replay (RFC 4949 “replay attack”)', () => {
  it('accepts the same bytes once', async () => {
    const replay = createReplayMemory()
    const der = await signed()
    expect((await verify(der, { replay })).replay).toBe('checked')
    await refuses('ERR_MESSAGE_REPLAYED', der, { replay })
    await refuses('ERR_MESSAGE_REPLAYED', der, { replay, at: addSeconds(NOW, 360) })
  })

  it('accepts the same content signed again, which is another message', async () => {
    const replay = createReplayMemory()
    await verify(await signed(), { replay })
    expect((await verify(await signed(), { replay })).signer.node).toBe('compute-07')
  })

  it('CMS-17: refuses the same message in another envelope: attached, by serial number, or with its signature negated', async () => {
    const context = contextDer()
    const parts = { moreAttributes: [attribute(OID.signetMessageContext, context)] }
    const replay = createReplayMemory()
    await verify(built(parts), { replay })
    const envelopes: (readonly [Uint8Array, Uint8Array | undefined])[] = [
      [built(parts, { eContent: content }), undefined],
      [built({ ...parts, identifier: 'issuerAndSerialNumber' }), content],
      [built({ ...parts, signature: negatedS }), content],
    ]
    for (const [der, payload] of envelopes) {
      await expectCodeAsync('ERR_MESSAGE_REPLAYED', () => verifyMessage(der, payload, receiver(trust, { replay })))
      expect((await verifyMessage(der, payload, receiver(trust))).signer.node).toBe('compute-07')
    }
  })

  it('refuses the same id with other content, and accepts it for another destination or by another signer', async () => {
    const replay = createReplayMemory()
    const messageId = Buffer.from('an id of mine')
    const other = Buffer.from('other')
    await verify(await signed({ messageId }), { replay })
    await expectCodeAsync('ERR_MESSAGE_REPLAYED', async () =>
      verify(await signed({ messageId }, alice, other), { replay }, other),
    )
    expect((await verify(await signed({ messageId, destination: 'audit' }), { replay })).replay).toBe('checked')
    expect((await verify(await signed({ messageId }, bob), { replay })).replay).toBe('checked')
  })

  it('knows a signer by the identity, so that a new certificate makes no old message new', async () => {
    const renewed = makeSender(world, { node: 'compute-07', key: keyFor('renewed') })
    const directory = await makeDirectory(world, [alice, renewed])
    const replay = createReplayMemory()
    const messageId = Buffer.from('an id of mine')
    await verify(await signed({ messageId }), { replay, trust: directory })
    await refuses('ERR_MESSAGE_REPLAYED', await signed({ messageId }, renewed), { replay, trust: directory })
  })

  it('does not remember what was refused for another reason', async () => {
    const replay = createReplayMemory()
    const der = await signed()
    await refuses('ERR_MESSAGE_DESTINATION', der, { replay, destinations: ['elsewhere'] })
    await refuses('ERR_MESSAGE_TYPE', der, { replay, types: ['other'] })
    await refuses('ERR_MESSAGE_EXPIRED', der, { replay, at: addSeconds(NOW, 400) })
    expect((await verify(der, { replay })).replay).toBe('checked')
  })

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['1', 1],
    ['the text true', 'true'],
    ['an object', {}],
  ])('takes an answer of the memory that is %s for none', async (_, answer) => {
    const replay = { remember: () => Promise.resolve(answer) } as unknown as ReplayStore
    await refuses('ERR_INTERNAL', await signed(), { replay })
  })

  it('never yields a message when the memory fails, at once or later', async () => {
    const der = await signed()
    const failing: ReplayStore[] = [
      {
        remember: () => {
          throw new TypeError('a bug')
        },
      },
      { remember: () => Promise.reject(new TypeError('a bug')) },
    ]
    for (const replay of failing) await expect(verify(der, { replay })).rejects.toThrow('a bug')
  })

  it('lets one of many at the same time through', async () => {
    const replay = createReplayMemory()
    const der = await signed()
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => verify(der, { replay })))
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1)
  })

  it('refuses a replay after the certificate ended as expired, whatever the memory knows', async () => {
    await refuses('ERR_TRUST_DIRECTORY_EXPIRED', await signed(), { at: addSeconds(NOT_AFTER, 10) })
  })
})

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** (r, n − s) verifies whenever (r, s) does: the one thing about an ECDSA signature that others can change. */
function negatedS(signature: Uint8Array): Uint8Array {
  const rLength = signature[3] ?? 0
  const r = signature.subarray(2, 4 + rLength)
  const s = BigInt(`0x${Buffer.from(signature.subarray(6 + rLength)).toString('hex')}`)
  const hex = (ORDER - s).toString(16).padStart(64, '0')
  const magnitude = Buffer.from(hex, 'hex')
  const start = magnitude.findIndex((octet) => octet !== 0)
  const shortest = magnitude.subarray(start)
  const padded = (shortest[0] ?? 0) >= 0x80 ? Buffer.concat([Uint8Array.of(0), shortest]) : shortest
  const body = Buffer.concat([r, Uint8Array.of(2, padded.length), padded])
  return Buffer.concat([Uint8Array.of(0x30, body.length), body])
}
