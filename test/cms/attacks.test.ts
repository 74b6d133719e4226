/** What has gone wrong elsewhere with signed CMS documents, one test for each entry of our list of attacks. */
import { generateKeyPairSync, hash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeTime,
  encodeUnsigned,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { parseSignedData, signData, verifySignedData, type VerifySignedDataRequest } from '../../src/cms/index.js'
import { digestIdentifierDer, MemoryKeyProvider, SIGNATURE_ALGORITHMS } from '../../src/crypto/index.js'
import { type ErrorCode, EXIT_CODES, isSignetError, StoreError } from '../../src/errors/index.js'
import { createReplayMemory, type MessagePolicy, signMessage, verifyMessage } from '../../src/message/index.js'
import { encodeMessageContext } from '../../src/message/context.js'
import { parseBinding } from '../../src/policy/index.js'
import { addSeconds, HOUR } from '../../src/time/index.js'
import type { TrustDirectory } from '../../src/trust/index.js'
import { encodeKeyUsage, encodeSubjectKeyIdentifier, type KeyUsage } from '../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import {
  algorithmIdentifier,
  attribute,
  buildSignedData,
  buildSigner,
  essCertificate,
  type SignedDataParts,
  type SignerParts,
  WEAK,
} from '../support/cms-builder.js'
import { elementAt } from '../support/der.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import {
  makeDirectory,
  makeSender,
  makeWorld,
  receiver,
  type Sender,
  SIGNER_PURPOSES,
  type World,
} from '../support/messages.js'

const content = Buffer.from('{"publisher_id":"nova-compute:compute-07"}')
let world: World
let alice: Sender
let bob: Sender
let trust: TrustDirectory
beforeAll(async () => {
  world = await makeWorld()
  alice = makeSender(world, { node: 'compute-07' })
  bob = makeSender(world, { node: 'compute-08', roles: ['admin'] })
  trust = await makeDirectory(world, [alice, bob])
})

const context = (): Uint8Array =>
  attribute(
    OID.signetMessageContext,
    encodeMessageContext({
      type: 'notify.test',
      destination: 'here',
      messageId: Buffer.alloc(12, 7),
      lifetimeSeconds: 300,
    }),
  )

/** A detached message of alice that is right but for what is changed. */
function message(parts: Partial<SignerParts> = {}, document: Partial<SignedDataParts> = {}): Uint8Array {
  const signer = buildSigner({ content, holder: alice, moreAttributes: [context()], ...parts })
  return buildSignedData({ signers: [signer], ...document })
}

const verify = (der: Uint8Array, changes: Partial<MessagePolicy> = {}, given: Uint8Array | undefined = content) =>
  verifyMessage(der, given, receiver(trust, changes))

const refused = (code: ErrorCode, der: Uint8Array, changes: Partial<MessagePolicy> = {}) =>
  expectCodeAsync(code, () => verify(der, changes))

const wanted = (changes: Partial<VerifySignedDataRequest> = {}): VerifySignedDataRequest => ({
  anchors: [world.root.certificate],
  certificates: [world.issuing.certificate],
  purpose: 'message-signing',
  revocation: { crls: world.crls },
  at: NOW,
  ...changes,
})

describe('CMS attacks of the first rank', () => {
  it('CMS-01: a document with certificates and no signer proves nothing, however its signers vanished', async () => {
    const hostile = { eContent: content, certificates: [alice.certificate.der], signers: [] }
    expectCode('ERR_CMS_NO_SIGNERS', () => verifySignedData(buildSignedData(hostile), wanted()))
    expectCode('ERR_CMS_NO_SIGNERS', () =>
      verifySignedData(buildSignedData({ ...hostile, certificates: [] }), wanted()),
    )
    await refused('ERR_CMS_NO_SIGNERS', buildSignedData({ signers: [] }))
    await expectCodeAsync('ERR_IDENTITY_MISMATCH', () => verify(message(), { senders: { roles: ['nobody-has-it'] } }))
  })

  it('CMS-02: what breaks on the way is never taken for success', async () => {
    const { der } = await signMessage(content, alice, { type: 'notify.test', destination: 'here', at: NOW })
    const breaking = [new TypeError('a bug'), new StoreError('ERR_REPLAY_STORE', 'no space left'), undefined]
    for (const thrown of breaking) {
      const remember = (): Promise<boolean> => {
        throw thrown
      }
      let outcome = 'refused'
      try {
        await verify(der, { replay: { remember } })
        outcome = 'accepted'
      } catch (error) {
        if (isSignetError(error)) expect(error.exitCode).not.toBe(0)
      }
      expect(outcome).toBe('refused')
    }
    expect(Object.values(EXIT_CODES)).not.toContain(0)
  })

  it('CMS-03: nobody is believed without a path, and there is no way to ask for that', async () => {
    const self = makeCertificate({ subject: 'self', purposes: SIGNER_PURPOSES })
    const der = await signData(content, {
      signers: [self],
      signingTime: NOW,
      form: 'attached',
      certificates: [self.certificate],
    })
    expectCode('ERR_PATH_NOT_FOUND', () => verifySignedData(der, wanted()))
    expectCode('ERR_TRUST_NO_ANCHOR', () => verifySignedData(der, wanted({ anchors: [] })))
    const genuine = await signData(content, {
      signers: [alice],
      signingTime: NOW,
      form: 'attached',
      certificates: [alice.certificate],
    })
    const [signer] = verifySignedData(genuine, wanted()).signers
    expect(signer?.path.anchor.equals(world.root.certificate)).toBe(true)
    expect(signer?.path.revocation).toBe('checked')
  })

  it('CMS-04: the digest of the content is compared, attached and detached', async () => {
    const turned = Buffer.from(content)
    turned[3] = (turned[3] ?? 0) ^ 1
    const other = Buffer.from('{"publisher_id":"nova-compute:compute-08"}')
    for (const given of [turned, other, content.subarray(0, -1), new Uint8Array()]) {
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verify(message(), {}, given))
      const attached = message({}, { eContent: given })
      await expectCodeAsync('ERR_CMS_DIGEST_MISMATCH', () => verifyMessage(attached, undefined, receiver(trust)))
    }
  })
})

describe('CMS attacks of the second rank', () => {
  it('CMS-05: attributes do not become content, nor content attributes', async () => {
    const genuine = parseSignedData(message())
    const [signer] = genuine.signerInfos
    if (signer?.signedAttrsDer === undefined) throw new Error('there are no attributes')
    // The attributes as content: what was signed is now what is said, without attributes.
    for (const eContentType of [OID.data, OID.signetMessage]) {
      const bare = buildSigner({
        content: signer.signedAttrsDer,
        holder: alice,
        attributes: 'none',
        signature: () => signer.signature,
      })
      const der = buildSignedData({
        eContent: signer.signedAttrsDer,
        eContentType,
        signers: [bare],
        certificates: [alice.certificate.der],
      })
      expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () => verifySignedData(der, wanted()))
      await expect(verifyMessage(der, undefined, receiver(trust))).rejects.toMatchObject({ category: 'untrusted' })
    }
    // Content that looks like attributes: we never sign content itself, so its signature does not fit them.
    const chosen = Buffer.from(signer.signedAttrsDer)
    const signed = await signData(chosen, { signers: [alice], signingTime: NOW, contentType: OID.signetMessage })
    const [stolen] = parseSignedData(signed).signerInfos
    if (stolen === undefined) throw new Error('there is no signer')
    await refused('ERR_CMS_SIGNATURE', message({ signature: () => stolen.signature }))
  })

  it('CMS-06: the signed content type is compared with that of the document and the one wanted', async () => {
    await refused(
      'ERR_CMS_CONTENT_TYPE',
      message({ contentType: attribute(OID.contentType, encodeObjectIdentifier(OID.data)) }),
    )
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', message({ contentType: undefined }))
    await refused(
      'ERR_CMS_ATTRIBUTE_MALFORMED',
      message({ contentType: attribute(OID.contentType, encodeString('x')) }),
    )
    await refused('ERR_CMS_CONTENT_TYPE', message({ eContentType: OID.data }, { eContentType: OID.data }))
    const types = [OID.signetMessage, OID.data].map((type) => encodeObjectIdentifier(type))
    await refused('ERR_CMS_ATTRIBUTE_DUPLICATE', message({ contentType: attribute(OID.contentType, ...types) }))
    const der = buildSignedData({ signers: [buildSigner({ content, holder: alice })] })
    const request = wanted({ content, certificates: [alice.certificate, world.issuing.certificate] })
    expectCode('ERR_CMS_CONTENT_TYPE', () =>
      verifySignedData(der, { ...request, contentType: OID.signetTrustDirectory }),
    )
  })

  it('CMS-07: one good signer does not speak for a bad one, in any order or number', async () => {
    const good = buildSigner({ content, holder: alice })
    const bad = buildSigner({ content, holder: bob, signature: () => alice.key.sign(content) })
    const request = wanted({ content, certificates: [alice, bob, world.issuing].map((holder) => holder.certificate) })
    const combinations: readonly (readonly [readonly Uint8Array[], boolean])[] = [
      [[good, good], true],
      [[good, bad], false],
      [[bad, good], false],
      [[bad, bad], false],
    ]
    for (const [signers, holds] of combinations) {
      const der = buildSignedData({ signers })
      if (holds) expect(verifySignedData(der, request).signers).toHaveLength(2)
      else expectCode('ERR_CMS_SIGNATURE', () => verifySignedData(der, request))
      await refused('ERR_CMS_SIGNER_COUNT', der)
    }
    const hundred = buildSignedData({ signers: Array.from({ length: 100 }, () => good) })
    expectCode('ERR_LIMIT_EXCEEDED', () => verifySignedData(hundred, request))
    await refused('ERR_LIMIT_EXCEEDED', hundred)
  })

  it('CMS-09: a certificate of the same issuer, serial number and key does not replace the one signed with', async () => {
    const { serialNumber } = alice.certificate
    const twin = makeSender(world, { node: 'twin', subject: 'twin', key: alice.key, serialNumber })
    const directory = await makeDirectory(world, [twin])
    for (const identifier of ['subjectKeyIdentifier', 'issuerAndSerialNumber'] as const) {
      await refused('ERR_CMS_ESS_MISMATCH', message({ identifier }), { trust: directory })
    }
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', message({ signingCertificate: undefined }))
    const old = attribute(
      OID.signingCertificate,
      encodeSequence(encodeSequence(encodeSequence(encodeOctetString(hash('sha1', alice.certificate.der, 'buffer'))))),
    )
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', message({ signingCertificate: old }))
    const der = buildSignedData({
      signers: [buildSigner({ content, holder: alice, identifier: 'issuerAndSerialNumber' })],
      certificates: [alice.certificate.der, twin.certificate.der],
    })
    expectCode('ERR_CMS_SIGNER_AMBIGUOUS', () => verifySignedData(der, wanted({ content })))
  })

  it('CMS-10: who signed is the end entity of the path, whatever else lies in the document', async () => {
    const bag = [bob, world.issuing, alice, world.publisher].map((holder) => holder.certificate)
    for (let turn = 0; turn < bag.length; turn++) {
      const certificates = [...bag.slice(turn), ...bag.slice(0, turn)]
      const der = await signData(content, { signers: [alice], signingTime: NOW, form: 'attached', certificates })
      const { signers } = verifySignedData(der, wanted())
      expect(signers.map((signer) => signer.certificate.fingerprint)).toEqual([alice.certificate.fingerprint])
      expect(signers[0]?.path.target.fingerprint).toBe(alice.certificate.fingerprint)
    }
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({}, { certificates: [bob.certificate.der] }))
  })

  it('CMS-11: only a certificate for signing messages signs messages', async () => {
    const purposes: readonly (readonly [readonly string[], boolean])[] = [
      [[], false],
      [[OID.anyExtendedKeyUsage], false],
      [[OID.kpServerAuth], false],
      [[OID.kpClientAuth], false],
      [[OID.kpEmailProtection], false],
      [[OID.kpOcspSigning], false],
      [[OID.kpCodeSigning], false],
      [[OID.signetKpTrustDirectory], false],
      [[OID.signetKpMessageSigning], true],
    ]
    const usages: readonly (readonly [readonly KeyUsage[], boolean])[] = [
      [[], false],
      [['digitalSignature'], true],
      [['nonRepudiation'], false],
      [['keyEncipherment'], false],
      [['keyCertSign', 'cRLSign'], false],
    ]
    let count = 0
    for (const [purpose, purposeFits] of purposes) {
      for (const [keyUsage, usageFits] of usages) {
        for (const ca of [false, true]) {
          const holder = makeSender(world, {
            node: `node-${count++}`,
            purposes: purpose,
            keyUsage,
            ca,
            key: keyFor('any'),
          })
          const directory = await makeDirectory(world, [holder])
          const der = message({ holder })
          if (purposeFits && usageFits && !ca) {
            expect((await verify(der, { trust: directory })).signer.node).toBe(holder.identity.node)
          } else {
            const code = purposeFits && !ca ? 'ERR_PATH_KEY_USAGE' : 'ERR_PATH_PURPOSE'
            await refused(code, der, { trust: directory })
          }
        }
      }
    }
    expect(count).toBe(90)
  })

  it('CMS-12: certificates and CRLs in a document make nothing trusted', async () => {
    const root = makeCertificate({ subject: 'Root', ca: true, key: keyFor('own root') })
    const issuing = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: keyFor('own issuing') })
    const own = makeCertificate({ subject: 'own', issuer: issuing, purposes: SIGNER_PURPOSES })
    const crl = await makeCrl({ issuer: issuing })
    const signers = [buildSigner({ content, holder: own })]
    const certificates = [own, issuing, root].map((holder) => holder.certificate.der)
    const der = buildSignedData({ signers, certificates, crls: [crl.der] })
    expectCode('ERR_PATH_NOT_FOUND', () => verifySignedData(der, wanted({ content })))
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(alice.certificate.serialNumber)],
    })
    const stale = buildSignedData({
      signers: [buildSigner({ content, holder: alice })],
      certificates: [alice.certificate.der],
      crls: world.crls.map((item) => item.der),
    })
    expectCode('ERR_REVOKED', () =>
      verifySignedData(stale, wanted({ content, revocation: { crls: [...world.crls, list] } })),
    )
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({}, { crls: [crl.der] }))
    // An answer of OCSP, as RFC 5940 puts it there: what it says is not looked at.
    const answer = encodeContext(1, encodeObjectIdentifier('1.3.6.1.5.5.7.16.2'), encodeSequence(encodeInteger(0)))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({}, { crls: [answer] }))
  })

  it('CMS-13: content inside and content beside are told apart, and empty content is content', async () => {
    const other = Buffer.from('other')
    const attached = message({}, { eContent: content })
    await expectCodeAsync('ERR_CMS_CONTENT_CONFLICT', () => verify(attached, {}, other))
    await expectCodeAsync('ERR_CMS_CONTENT_CONFLICT', () => verify(attached, {}, new Uint8Array()))
    await expectCodeAsync('ERR_CMS_CONTENT_MISSING', () => verifyMessage(message(), undefined, receiver(trust)))
    await refused('ERR_CMS_MALFORMED', message({}, { eContentDer: encodeValue(0x24, encodeOctetString(content)) }))
    const empty = new Uint8Array()
    const detached = message({ content: empty })
    expect((await verify(detached, {}, empty)).content).toHaveLength(0)
    await expectCodeAsync('ERR_CMS_CONTENT_MISSING', () => verifyMessage(detached, undefined, receiver(trust)))
    const inside = message({ content: empty }, { eContent: empty })
    expect((await verifyMessage(inside, undefined, receiver(trust))).content).toHaveLength(0)
  })

  it('CMS-14: the bytes that are handed out are the bytes that were digested', async () => {
    const payload = Buffer.from(content)
    const document = Buffer.from(message())
    const digest = hash('sha256', payload, 'hex')
    const verified = await verify(document, {}, payload)
    payload.fill(0x20)
    document.fill(0x20)
    expect(hash('sha256', verified.content, 'hex')).toBe(digest)
    expect(Object.isFrozen(verified)).toBe(true)
    expect(() => {
      ;(verified as { content: Uint8Array }).content = payload
    }).toThrow(TypeError)
  })

  it('CMS-16: a message in another wrapping is the same message, or none', async () => {
    const replay = createReplayMemory()
    await verify(message(), { replay })
    const withNull = algorithmIdentifier(OID.sha256, encodeNull())
    const pem = `-----BEGIN CMS-----\n${Buffer.from(message()).toString('base64')}\n-----END CMS-----\n`
    const again: readonly (readonly [Uint8Array, ErrorCode])[] = [
      [message(), 'ERR_MESSAGE_REPLAYED'],
      [message({ identifier: 'issuerAndSerialNumber' }), 'ERR_MESSAGE_REPLAYED'],
      [message({ digestAlgorithmDer: withNull }, { digestAlgorithms: [withNull] }), 'ERR_MESSAGE_REPLAYED'],
      [message({ unsignedAttributes: [attribute('1.2.3', encodeNull())] }), 'ERR_CMS_UNSIGNED_ATTRIBUTE'],
      [message({}, { certificates: [alice.certificate.der] }), 'ERR_CMS_UNSIGNED_ATTRIBUTE'],
      [message({}, { version: 4 }), 'ERR_CMS_MALFORMED'],
      [Buffer.from(message()).fill(0x80, 1, 2), 'ERR_CMS_MALFORMED'],
      [Buffer.from(Buffer.from(message()).toString('base64')), 'ERR_CMS_MALFORMED'],
      [Buffer.from(pem), 'ERR_CMS_MALFORMED'],
      [Buffer.concat([message(), Uint8Array.of(0)]), 'ERR_DER_TRAILING_DATA'],
    ]
    for (const [der, code] of again) await refused(code, der, { replay })
  })

  it('CMS-19: digest, signature, key and attribute must agree, and weak ones count nowhere', async () => {
    const weak: readonly Partial<SignerParts>[] = [
      { digestAlgorithmDer: algorithmIdentifier(WEAK.sha1) },
      { digestAlgorithmDer: algorithmIdentifier(WEAK.md5) },
    ]
    for (const parts of weak) {
      const digestAlgorithms = parts.digestAlgorithmDer === undefined ? [] : [parts.digestAlgorithmDer]
      await refused('ERR_ALGORITHM_NOT_ALLOWED', message(parts, { digestAlgorithms }))
    }
    for (const oid of [WEAK.ecdsaWithSha1, WEAK.sha1WithRsa, WEAK.md5WithRsa, WEAK.dsaWithSha256]) {
      await refused('ERR_ALGORITHM_NOT_ALLOWED', message({ signatureAlgorithmDer: algorithmIdentifier(oid) }))
    }
    await refused(
      'ERR_ALGORITHM_MISMATCH',
      message({ signatureAlgorithmDer: SIGNATURE_ALGORITHMS['rsa-sha256'].identifierDer }),
    )
    await refused(
      'ERR_ALGORITHM_MISMATCH',
      message({ signatureAlgorithmDer: SIGNATURE_ALGORITHMS['ecdsa-sha512'].identifierDer }),
    )
    await refused('ERR_ALGORITHM_MISMATCH', message({}, { digestAlgorithms: [digestIdentifierDer('sha384')] }))
    const protection = encodeSequence(
      digestIdentifierDer('sha512'),
      encodeValue(0xa1, SIGNATURE_ALGORITHMS['ecdsa-sha256'].identifierDer.subarray(2)),
    )
    const moreAttributes = [context(), attribute(OID.cmsAlgorithmProtection, protection)]
    await refused('ERR_ALGORITHM_MISMATCH', message({ moreAttributes }))
  })

  it('CMS-24: the time that a signer claims is not the time for which the path is judged', async () => {
    const short = makeSender(world, { node: 'short', notAfter: addSeconds(NOW, HOUR) })
    const later = makeSender(world, { node: 'later', notBefore: addSeconds(NOW, 120) })
    const list = await makeCrl({
      issuer: world.issuing,
      crlNumber: 2,
      revoked: [revoked(alice.certificate.serialNumber)],
    })
    const crls = [...world.crls.slice(0, 1), list]
    const directory = await makeDirectory(world, [alice, short, later], { crls })
    const claims = (holder: Holder, when: Date): Uint8Array =>
      message({ holder, signingTime: attribute(OID.signingTime, encodeTime(when)) })
    const policy = { trust: directory, maxAgeSeconds: 7200 }
    await refused('ERR_PATH_EXPIRED', claims(short, NOW), { ...policy, at: addSeconds(NOW, HOUR + 60) })
    await refused('ERR_PATH_NOT_YET_VALID', claims(later, addSeconds(NOW, 121)), policy)
    await refused('ERR_REVOKED', claims(alice, NOW), policy)
    await refused('ERR_CMS_SIGNED_ATTRIBUTES', message({ holder: short, signingTime: undefined }), policy)
    await refused('ERR_MESSAGE_FROM_FUTURE', claims(short, addSeconds(NOW, 61)), policy)
  })

  it('CMS-32: who asks for nobody in particular is asked back', async () => {
    const der = message()
    const anybody = receiver(trust)
    for (const senders of [
      undefined,
      null,
      '',
      {},
      { entities: [] },
      { entities: [''] },
      { entitys: ['a'] },
      { subjectRegExp: '.*' },
    ]) {
      const policy = { ...anybody, senders } as unknown as MessagePolicy
      await expectCodeAsync('ERR_CONFIG_INVALID', () => verifyMessage(der, content, policy))
    }
    await refused('ERR_IDENTITY_MISMATCH', der, { senders: { entities: ['*'] } })
    await refused('ERR_IDENTITY_MISMATCH', der, { senders: { uris: ['spiffe://cloud.example/*'] } })
  })
})

describe('CMS attacks of the third rank', () => {
  it('CMS-08: the same signer twice is one certificate twice, and no message', async () => {
    const signer = buildSigner({ content, holder: alice })
    const der = buildSignedData({ signers: [signer, signer] })
    const { signers } = verifySignedData(
      der,
      wanted({ content, certificates: [alice.certificate, world.issuing.certificate] }),
    )
    expect(new Set(signers.map(({ certificate }) => certificate.fingerprint)).size).toBe(1)
    await refused('ERR_CMS_SIGNER_COUNT', der)
  })

  it('CMS-15: what is outside of the signature is refused in a message and reported from no document', async () => {
    const unsigned = attribute(OID.signingTime, encodeTime(NOW))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({ unsignedAttributes: [unsigned] }))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({ signingTime: undefined, unsignedAttributes: [unsigned] }))
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({ moreAttributes: [], unsignedAttributes: [context()] }))
    for (const outside of [
      { certificates: [bob.certificate.der] },
      { certificates: [encodeContext(3, encodeString('roles=admin'))] },
      { crls: [encodeContext(1, encodeObjectIdentifier('1.2.3'), encodeString('roles=admin'))] },
    ]) {
      await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({}, outside))
    }
    const blob = algorithmIdentifier(OID.sha256, encodeString('roles=admin'))
    const smuggling = [digestIdentifierDer('sha256'), algorithmIdentifier('1.2.3', encodeString('roles=admin'))]
    await expect(verify(message({}, { digestAlgorithms: [blob] }))).rejects.toMatchObject({ category: 'untrusted' })
    await expect(verify(message({}, { digestAlgorithms: smuggling }))).rejects.toMatchObject({ category: 'untrusted' })
    const request = wanted({ content, certificates: [alice.certificate, world.issuing.certificate] })
    const moved = buildSignedData({
      signers: [buildSigner({ content, holder: alice, signingTime: undefined, unsignedAttributes: [unsigned] })],
    })
    expectCode('ERR_CMS_UNSIGNED_ATTRIBUTE', () => verifySignedData(moved, request))
  })

  it('CMS-17: no second form of a signature is accepted, or it is the same message', async () => {
    const turn = (change: (genuine: Uint8Array) => Uint8Array) => message({ signature: change })
    const split = (signature: Uint8Array): readonly [Uint8Array, Uint8Array] => [
      elementAt(signature, [0]),
      elementAt(signature, [1]),
    ]
    const padded = (integer: Uint8Array): Uint8Array => encodeValue(TAG.integer, Uint8Array.of(0), integer.subarray(2))
    const forms: readonly ((genuine: Uint8Array) => Uint8Array)[] = [
      (genuine) => encodeSequence(padded(split(genuine)[0]), split(genuine)[1]),
      (genuine) => encodeSequence(split(genuine)[0], padded(split(genuine)[1])),
      (genuine) => encodeSequence(...split(genuine), encodeNull()),
      (genuine) => Buffer.concat([genuine, Uint8Array.of(0)]),
      (genuine) => Buffer.concat([Uint8Array.of(0x30, 0x81, genuine.length - 2), genuine.subarray(2)]),
      (genuine) => Buffer.concat([Uint8Array.of(0x30, 0x80), genuine.subarray(2), Uint8Array.of(0, 0)]),
    ]
    for (const form of forms) await refused('ERR_CMS_SIGNATURE', turn(form))

    const edward = makeSender(world, { node: 'edward', algorithm: 'ed25519' })
    const rosa = makeSender(world, { node: 'rosa', algorithm: 'rsa2048' })
    const directory = await makeDirectory(world, [edward, rosa])
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const plusOrder = (genuine: Uint8Array): Uint8Array => {
      const s = BigInt(`0x${Buffer.from(genuine.subarray(32).toReversed()).toString('hex')}`) + order
      return Buffer.concat([genuine.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
    }
    const digestAlgorithms = [digestIdentifierDer('sha512')]
    expect((await verify(message({ holder: edward }, { digestAlgorithms }), { trust: directory })).signer.node).toBe(
      'edward',
    )
    await refused('ERR_CMS_SIGNATURE', message({ holder: edward, signature: plusOrder }, { digestAlgorithms }), {
      trust: directory,
    })
    for (const form of [
      (genuine: Uint8Array) => Buffer.concat([Uint8Array.of(0), genuine]),
      (genuine: Uint8Array) => genuine.subarray(1),
    ]) {
      await refused('ERR_CMS_SIGNATURE', message({ holder: rosa, signature: form }), { trust: directory })
    }
  })

  it('CMS-18: an RSA key with a small exponent is no key here', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    expectCode('ERR_KEY_NOT_ALLOWED', () => new MemoryKeyProvider(privateKey))
  })

  it('CMS-20: unknown algorithms and odd lists of them are refused at once', async () => {
    const unknown = algorithmIdentifier(WEAK.nothing)
    const started = process.cpuUsage()
    await refused(
      'ERR_ALGORITHM_NOT_ALLOWED',
      message({ digestAlgorithmDer: unknown }, { digestAlgorithms: [unknown] }),
    )
    await refused('ERR_ALGORITHM_NOT_ALLOWED', message({ signatureAlgorithmDer: unknown }))
    await refused('ERR_ALGORITHM_MISMATCH', message({}, { digestAlgorithms: [] }))
    const twice = [digestIdentifierDer('sha256'), digestIdentifierDer('sha256')]
    await refused('ERR_ALGORITHM_MISMATCH', message({}, { digestAlgorithms: twice }))
    const { user, system } = process.cpuUsage(started)
    expect((user + system) / 1000).toBeLessThan(400)
  })

  it('CMS-21: an attribute of another type than it should be is malformed, not converted', async () => {
    const digest = hash('sha256', content, 'buffer')
    for (const value of [encodeUnsigned(digest), encodeNull(), encodeSequence(encodeOctetString(digest))]) {
      await refused('ERR_CMS_ATTRIBUTE_MALFORMED', message({ messageDigest: attribute(OID.messageDigest, value) }))
    }
    await refused('ERR_CMS_ATTRIBUTE_DUPLICATE', message({ messageDigest: attribute(OID.messageDigest) }))
    await refused(
      'ERR_CMS_ATTRIBUTE_MALFORMED',
      message({ signingTime: attribute(OID.signingTime, encodeOctetString(Buffer.from('270101000000Z'))) }),
    )
    await refused(
      'ERR_CMS_ATTRIBUTE_MALFORMED',
      message({ contentType: attribute(OID.contentType, encodeString(OID.signetMessage)) }),
    )
    const cut = essCertificate(alice.certificate.der)
    await refused(
      'ERR_CMS_ATTRIBUTE_MALFORMED',
      message({ signingCertificate: attribute(OID.signingCertificateV2, elementAt(cut, [0])) }),
    )
  })

  it('CMS-22: an attribute that is there twice, has two values, or stands out of order decides nothing', async () => {
    const wrong = encodeOctetString(Buffer.alloc(32))
    const right = encodeOctetString(hash('sha256', content, 'buffer'))
    const second = attribute(OID.messageDigest, wrong)
    await refused('ERR_CMS_ATTRIBUTE_DUPLICATE', message({ moreAttributes: [context(), second] }))
    for (const values of [
      [right, wrong],
      [wrong, right],
    ]) {
      await refused('ERR_CMS_ATTRIBUTE_DUPLICATE', message({ messageDigest: attribute(OID.messageDigest, ...values) }))
    }
    const unknown = [attribute('1.2.3', encodeInteger(1)), attribute('1.2.3', encodeInteger(2))]
    await refused('ERR_CMS_ATTRIBUTE_DUPLICATE', message({ moreAttributes: [context(), ...unknown] }))
    const later = attribute('1.2.3.4.5', encodeOctetString(Buffer.alloc(90)))
    await refused(
      'ERR_CMS_MALFORMED',
      message({ moreAttributes: [later, attribute('1.2.3', encodeNull())], unsorted: true }),
    )
  })

  it('CMS-23: a signer without signed attributes beside one with them fails the whole document', () => {
    const signers = [buildSigner({ content, holder: alice }), buildSigner({ content, holder: bob, attributes: 'none' })]
    const request = wanted({ content, certificates: [alice, bob, world.issuing].map((holder) => holder.certificate) })
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () => verifySignedData(buildSignedData({ signers }), request))
    expectCode('ERR_CMS_SIGNED_ATTRIBUTES', () =>
      verifySignedData(buildSignedData({ signers: signers.toReversed() }), request),
    )
  })

  it('CMS-25: every certificate of a path is judged for one instant', () => {
    const at = (hour: number): Date => addSeconds(NOW, hour * HOUR)
    const root = makeCertificate({ subject: 'Root A', ca: true, notBefore: at(12), notAfter: at(14) })
    const middle = makeCertificate({
      subject: 'Middle A',
      ca: true,
      issuer: root,
      notBefore: at(12.5),
      notAfter: at(13.5),
    })
    const leaf = makeCertificate({
      subject: 'leaf',
      issuer: middle,
      notBefore: at(13),
      notAfter: at(15),
      purposes: SIGNER_PURPOSES,
    })
    const der = buildSignedData({ signers: [buildSigner({ content, holder: leaf })] })
    const request = (hour: number): VerifySignedDataRequest =>
      wanted({
        content,
        anchors: [root.certificate],
        certificates: [middle.certificate, leaf.certificate],
        revocation: 'allow-unchecked',
        at: at(hour),
      })
    expect(verifySignedData(der, request(13.25)).signers).toHaveLength(1)
    for (const hour of [13.75, 14.5]) expectCode('ERR_PATH_EXPIRED', () => verifySignedData(der, request(hour)))
    expectCode('ERR_PATH_NOT_YET_VALID', () => verifySignedData(der, request(12.75)))
  })

  it('CMS-26: a time-stamp beside the signature is refused, as every unsigned attribute', async () => {
    const token = attribute('1.2.840.113549.1.9.16.2.14', encodeSequence())
    await refused('ERR_CMS_UNSIGNED_ATTRIBUTE', message({ unsignedAttributes: [token] }))
    const eContentType = '1.2.840.113549.1.9.16.1.4'
    await refused('ERR_CMS_CONTENT_TYPE', message({ eContentType }, { eContentType }))
  })

  it('CMS-27: other types of CMS are refused by name', async () => {
    for (const type of [
      '1.2.840.113549.1.7.3',
      '1.2.840.113549.1.7.4',
      '1.2.840.113549.1.7.5',
      '1.2.840.113549.1.7.6',
      '1.2.840.113549.1.9.16.1.2',
      '1.2.840.113549.1.9.16.1.9',
      '1.2.840.113549.1.9.16.1.23',
    ]) {
      await refused('ERR_CMS_TYPE_UNSUPPORTED', message({}, { outerType: type }))
    }
  })

  it('CMS-28: missing parts are refused, and nothing falls over', async () => {
    await refused('ERR_DER_TRUNCATED', encodeSequence(encodeObjectIdentifier(OID.signedData)))
    await refused('ERR_CMS_MALFORMED', encodeSequence(encodeObjectIdentifier(OID.signedData), encodeNull()))
    await refused('ERR_CMS_MALFORMED', message({}, { eContentDer: encodeNull() }))
    for (const version of [0, 1, 4, 99]) await refused('ERR_CMS_MALFORMED', message({}, { version }))
  })

  it('CMS-29: a key identifier that is copied, shared, absent or odd finds nobody else', async () => {
    const victim = alice.certificate.subjectKeyIdentifier ?? new Uint8Array()
    const names = [{ kind: 'uri', value: 'spiffe://cloud.example/nova-compute/mallory' }] as const
    const mallory = makeSender(world, {
      node: 'mallory',
      names,
      extensionsDer: [encodeKeyUsage(['digitalSignature']), encodeSubjectKeyIdentifier(victim)],
    })
    await expectCodeAsync('ERR_TRUST_DIRECTORY_MALFORMED', () => makeDirectory(world, [alice, mallory]))
    await refused('ERR_CMS_ESS_MISMATCH', message({ holder: mallory }))
    const der = buildSignedData({ signers: [buildSigner({ content, holder: alice })] })
    const certificates = [alice.certificate, mallory.certificate, world.issuing.certificate]
    expectCode('ERR_CMS_SIGNER_AMBIGUOUS', () => verifySignedData(der, wanted({ content, certificates })))
    const bare = makeCertificate({
      subject: 'bare',
      issuer: world.issuing,
      key: alice.key,
      extensionsDer: [encodeKeyUsage(['digitalSignature'])],
    })
    expectCode('ERR_CMS_SIGNER_UNKNOWN', () =>
      verifySignedData(der, wanted({ content, certificates: [bare.certificate] })),
    )
    await refused('ERR_CMS_MALFORMED', message({ sidDer: encodeValue(0xa0, encodeOctetString(victim)) }))
  })

  it('CMS-30: a signature that is nothing, zero, one, or out of range is none', async () => {
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
    const numbers = [encodeInteger(0), encodeInteger(1), encodeUnsigned(order), encodeUnsigned(Buffer.alloc(32, 0xff))]
    for (const r of numbers) {
      for (const s of numbers) await refused('ERR_CMS_SIGNATURE', message({ signature: () => encodeSequence(r, s) }))
    }
    for (const signature of [
      new Uint8Array(),
      new Uint8Array(72),
      encodeSequence(),
      encodeSequence(encodeInteger(1)),
    ]) {
      await refused('ERR_CMS_SIGNATURE', message({ signature: () => signature }))
    }
  })

  it('CMS-31: a genuine signature over content that is not what it should be does not help', async () => {
    const bindings = [parseBinding('publisher_id == service:node')]
    for (const [text, code] of [
      ['not JSON', 'ERR_JSON_MALFORMED'],
      ['{}', 'ERR_MESSAGE_BINDING'],
      ['{"publisher_id":7}', 'ERR_MESSAGE_BINDING'],
    ] as const) {
      const payload = Buffer.from(text)
      await expectCodeAsync(code, () => verify(message({ content: payload }), { bindings }, payload))
    }
    await refused('ERR_MESSAGE_TYPE', message(), { types: ['rpc.*'] })
  })
})
