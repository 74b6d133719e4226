/** Attacks on encrypted documents, each by its id: a valid document, one thing of it another. */
import { beforeAll, describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeSetOf,
  OID,
} from '../../src/asn1/index.js'
import {
  decryptData,
  encryptData,
  parseAuthEnvelopedData,
  parseForeignAuthEnvelopedData,
  validateRecipients,
  type ValidateRecipientsRequest,
} from '../../src/cms/index.js'
import { type ErrorCode, isSignetError } from '../../src/errors/index.js'
import { addSeconds } from '../../src/time/index.js'
import { makeCrl, NOT_AFTER, NOW, revoked } from '../support/certificates.js'
import {
  buildEnvelope,
  type EnvelopeParts,
  gcmParameters,
  issuerAndSerial,
  keyAgreement,
  type KeyAgreementParts,
  keyTransport,
  type KeyTransportParts,
  MGF1,
  NONCE,
  oaepParameters,
  SHA256,
} from '../support/envelope-builder.js'
import { expectCode, expectCodeAsync } from '../support/expect-code.js'
import { makeReader, makeSender, makeWorld, type Sender, type World } from '../support/messages.js'

const content = Buffer.from('what nobody else shall read')
let world: World
let reader: Sender
let rsaReader: Sender
let stranger: Sender
beforeAll(async () => {
  world = await makeWorld()
  reader = makeReader(world, { node: 'reader' })
  rsaReader = makeReader(world, { node: 'rsa-reader', algorithm: 'rsa2048' })
  stranger = makeReader(world, { node: 'stranger' })
})

const algorithm = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  encodeSequence(encodeObjectIdentifier(oid), ...parameters)
const SHA1 = algorithm(OID.sha1, encodeNull())

const build = (parts: Partial<EnvelopeParts> = {}): Uint8Array =>
  buildEnvelope({ content, recipients: [keyAgreement(reader.certificate)], ...parts })
const agreed = (parts: KeyAgreementParts): Uint8Array =>
  build({ recipients: [keyAgreement(reader.certificate, parts)] })
const transported = (parts: KeyTransportParts): Uint8Array =>
  build({ recipients: [keyTransport(rsaReader.certificate, parts)] })

async function refused(code: ErrorCode, der: Uint8Array, by: Sender = reader): Promise<void> {
  await expectCodeAsync(code, () => decryptData(der, by))
}

/** What is no such structure; where a value ends too early or too late, that is what is named. */
async function malformed(der: Uint8Array, by: Sender = reader): Promise<void> {
  const error: unknown = await decryptData(der, by).then(
    () => 'nothing was refused',
    (refusal: unknown) => refusal,
  )
  expect(isSignetError(error) ? error.code : error).toMatch(/^ERR_(CMS_MALFORMED|DER_TRUNCATED|DER_TRAILING_DATA)$/)
}

describe('the documents that are changed here', () => {
  it('open before they are changed', async () => {
    const cases: readonly (readonly [Uint8Array, Sender])[] = [
      [build(), reader],
      [transported({}), rsaReader],
      [agreed({ ukm: Buffer.from('more'), originatorParametersDer: encodeNull() }), reader],
      [agreed({ originatorParametersDer: encodeObjectIdentifier(OID.prime256v1) }), reader],
      [agreed({ ridDer: issuerAndSerial(reader.certificate), count: 3 }), reader],
      [agreed({ scheme: OID.stdDhSha384Kdf, digest: 'sha384' }), reader],
    ]
    for (const [der, by] of cases) {
      expect(Buffer.from((await decryptData(der, by)).content)).toEqual(content)
    }
  })
})

describe('content encryption', () => {
  it('ENC-01: refuses every other cipher, and every other type of document', async () => {
    const ciphers = ['2.16.840.1.101.3.4.1.41', OID.aes256Cbc, '2.16.840.1.101.3.4.1.43', OID.aes128Cbc]
    const gcm = ['2.16.840.1.101.3.4.1.6', '2.16.840.1.101.3.4.1.26', '2.16.840.1.101.3.4.1.47', '1.2.840.113549.3.7']
    for (const cipher of [...ciphers, ...gcm]) await refused('ERR_ALGORITHM_NOT_ALLOWED', build({ cipher }))
    const others = [OID.envelopedData, OID.signedData, OID.data, '1.2.840.113549.1.9.16.1.9', '1.2.840.113549.1.7.6']
    for (const type of others) await refused('ERR_CMS_TYPE_UNSUPPORTED', build({ type }))
  })

  it('ENC-01: refuses tags of any other length, stated or not', async () => {
    for (const octets of [12, 13, 14, 15]) {
      const short = { parametersDer: gcmParameters(NONCE, octets), tag: (tag: Uint8Array) => tag.subarray(0, octets) }
      await refused('ERR_ALGORITHM_NOT_ALLOWED', build(short))
    }
    const absent = { parametersDer: gcmParameters(NONCE), tag: (tag: Uint8Array) => tag.subarray(0, 12) }
    await refused('ERR_ALGORITHM_NOT_ALLOWED', build(absent))
    for (const octets of [0, 1, 4, 8, 15]) {
      await malformed(build({ tag: (tag) => tag.subarray(0, octets) }))
    }
    await malformed(build({ tag: (tag) => Buffer.concat([tag, Buffer.of(0)]) }))
  })

  it('ENC-02: refuses EnvelopedData, which has no integrity, and says why', async () => {
    const error = await expectCodeAsync('ERR_CMS_TYPE_UNSUPPORTED', () =>
      decryptData(build({ type: OID.envelopedData }), reader),
    )
    expect(error.hint).toContain('changed unnoticed')
  })

  it('ENC-04: refuses nonces of other lengths, and parameters that are missing or no parameters', async () => {
    await refused('ERR_LIMIT_EXCEEDED', build({ parametersDer: gcmParameters(new Uint8Array(1_000_000), 16) }))
    for (const octets of [0, 1, 11, 13, 16, 60_000]) {
      await malformed(build({ parametersDer: gcmParameters(new Uint8Array(octets), 16) }))
    }
    for (const parametersDer of [
      'absent' as const,
      encodeNull(),
      encodeOctetString(NONCE),
      encodeSequence(),
      encodeSequence(encodeInteger(16)),
      encodeSequence(encodeOctetString(NONCE), encodeInteger(16), encodeInteger(16)),
      gcmParameters(NONCE, 0),
      gcmParameters(NONCE, 11),
      gcmParameters(NONCE, 17),
    ]) {
      await malformed(build({ parametersDer }))
    }
  })

  it('ENC-05: refuses a document without content, version, recipients or tag', async () => {
    await malformed(build({ encryptedDer: 'absent' }))
    await malformed(build({ version: 1 }))
    await malformed(build({ recipients: [] }))
    await malformed(build({ recipients: [encodeSequence()] }))
    await malformed(build({ recipients: [encodeContext(5, encodeInteger(0))] }))
  })

  it('ENC-06: what was encrypted is bound to its cipher: no other is read, and the tag covers every octet', async () => {
    await refused(
      'ERR_ALGORITHM_NOT_ALLOWED',
      build({ cipher: OID.aes256Cbc, parametersDer: encodeOctetString(NONCE) }),
    )
    const other = encodeContextPrimitive(0, new Uint8Array(content.length))
    await refused('ERR_CMS_DECRYPT', build({ encryptedDer: other }))
    await refused('ERR_CMS_DECRYPT', build({ parametersDer: gcmParameters(NONCE.with(0, 0), 16) }))
  })

  it('ENC-06: authenticates attributes, and the type of content that is not plain data', async () => {
    const type = (oid: string): Uint8Array => algorithm(OID.contentType, encodeSetOf(encodeObjectIdentifier(oid)))
    const der = build({ contentType: OID.signedData, authAttributes: [type(OID.signedData)] })
    expect(await decryptData(der, reader)).toMatchObject({ contentType: OID.signedData })
    await malformed(build({ contentType: OID.signedData }))
    await malformed(build({ contentType: OID.signedData, authAttributes: [] }))
    await malformed(build({ contentType: OID.signedData, authAttributes: [type(OID.data)] }))
    const stripped = Buffer.from(der)
    const at = stripped.indexOf(Buffer.from(encodeObjectIdentifier(OID.contentType)))
    stripped[at + 4] = (stripped[at + 4] ?? 0) ^ 1
    expect(await decryptData(stripped, reader).catch((error: unknown) => isSignetError(error))).toBe(true)
  })

  it('ENC-07: takes a new key, nonce and ephemeral key each time', () => {
    const recipients = validated([reader, rsaReader])
    const seen = new Set<string>()
    for (let count = 0; count < 200; count++) {
      const document = parseAuthEnvelopedData(encryptData(content, recipients))
      const [agreement] = document.recipients.filter((info) => info.kind === 'keyAgreement')
      const { nonce, sealed } = document
      for (const octets of [nonce, sealed.encrypted, sealed.tag, agreement?.encryptedKey, agreement?.ephemeral.point]) {
        seen.add(Buffer.from(octets ?? []).toString('hex'))
      }
    }
    expect(seen.size).toBe(1000)
  })

  it('ENC-08: hands out nothing where the tag is wrong, wherever it was changed', async () => {
    for (let index = 0; index < 16; index++) {
      const der = build({ tag: (tag) => tag.map((octet, at) => (at === index ? octet ^ 0x80 : octet)) })
      await refused('ERR_CMS_DECRYPT', der)
    }
  })

  it('ENC-09: refuses CompressedData, also inside: nothing is unpacked', async () => {
    const compressed = '1.2.840.113549.1.9.16.1.9'
    await refused('ERR_CMS_TYPE_UNSUPPORTED', build({ type: compressed }))
    // Inside, it is handed out as it is: octets of a type that no reader of messages takes.
    const type = algorithm(OID.contentType, encodeSetOf(encodeObjectIdentifier(compressed)))
    const inside = await decryptData(build({ contentType: compressed, authAttributes: [type] }), reader)
    expect([inside.contentType, Buffer.from(inside.content)]).toEqual([compressed, content])
  })
})

describe('recipients', () => {
  it('ENC-03: refuses PKCS #1 v1.5, and OAEP with another digest, mask or label', async () => {
    const oaep = (parts: Parameters<typeof oaepParameters>[0]): Uint8Array =>
      algorithm(OID.rsaesOaep, oaepParameters(parts))
    const label = (oid: string, octets: Uint8Array): Uint8Array => algorithm(oid, encodeOctetString(octets))
    const good = { hash: SHA256, mask: MGF1 }
    for (const algorithmDer of [
      algorithm(OID.rsaEncryption, encodeNull()),
      algorithm(OID.rsaEncryption),
      oaep({}),
      oaep({ mask: MGF1 }),
      oaep({ hash: SHA256 }),
      oaep({ ...good, hash: SHA1 }),
      oaep({ ...good, mask: algorithm(OID.mgf1, SHA1) }),
      oaep({ ...good, mask: algorithm('1.2.3', SHA256) }),
      oaep({ ...good, label: label(OID.pSpecified, Buffer.from('label')) }),
      oaep({ ...good, label: label('1.2.3', Buffer.alloc(0)) }),
    ]) {
      await refused('ERR_ALGORITHM_NOT_ALLOWED', transported({ algorithmDer }), rsaReader)
    }
    const stated = transported({ algorithmDer: oaep({ ...good, label: label(OID.pSpecified, Buffer.alloc(0)) }) })
    expect(Buffer.from((await decryptData(stated, rsaReader)).content)).toEqual(content)
  })

  it('ENC-03: has one refusal, word for word, for everything that depends on secrets', async () => {
    const flipped = (octets: Uint8Array): Uint8Array => octets.with(0, (octets[0] ?? 0) ^ 1)
    const short = new Uint8Array(16).fill(0x4b)
    const other = keyAgreement(stranger.certificate)
    const cases: readonly (readonly [string, Uint8Array, Sender])[] = [
      ['not a recipient', build({ recipients: [other] }), reader],
      ['a wrong tag', build({ tag: flipped }), reader],
      ['another content key', agreed({ contentKey: new Uint8Array(32) }), reader],
      ['a content key of another length', agreed({ contentKey: short }), reader],
      ['a wrapped key that was changed', agreed({ wrapped: flipped }), reader],
      ['a wrapped key of another length', agreed({ wrapped: (octets) => octets.subarray(8) }), reader],
      ['no wrapped key', agreed({ wrapped: () => new Uint8Array() }), reader],
      ['a key derived with another digest', agreed({ digest: 'sha384' }), reader],
      ['a point off the curve', agreed({ point: (octets) => flipped(octets.slice().reverse()).with(0, 4) }), reader],
      ['a point of zeros', agreed({ point: () => new Uint8Array(65) }), reader],
      ['the point at infinity', agreed({ point: () => Uint8Array.of(0) }), reader],
      ['a compressed point', agreed({ point: (octets) => octets.subarray(0, 33).with(0, 2) }), reader],
      ['another curve', agreed({ originatorParametersDer: encodeObjectIdentifier(OID.secp384r1) }), reader],
      ['RSA for an EC key', build({ recipients: [keyTransport(reader.certificate)] }), reader],
      ['a padding that was changed', transported({ encryptedKey: flipped }), rsaReader],
      ['another length of RSA', transported({ encryptedKey: (octets) => octets.subarray(1) }), rsaReader],
      ['no key by RSA', transported({ encryptedKey: () => new Uint8Array() }), rsaReader],
      ['another content key by RSA', transported({ contentKey: new Uint8Array(32) }), rsaReader],
      ['a content key of another length by RSA', transported({ contentKey: short }), rsaReader],
    ]
    const told = new Map<string, string>()
    for (const [what, der, by] of cases) {
      const error = await expectCodeAsync('ERR_CMS_DECRYPT', () => decryptData(der, by))
      told.set(what, JSON.stringify([error.toJSON(), error.cause === undefined]))
    }
    expect(new Set(told.values()).size, [...told].join('\n')).toBe(1)
  })

  it('ENC-03: does not try other recipients after the first that is for this key', async () => {
    const opened = new Set<boolean>()
    for (let count = 0; count < 40; count++) {
      const good = keyAgreement(reader.certificate)
      const bad = keyAgreement(reader.certificate, { contentKey: new Uint8Array(32) })
      const isGoodFirst = Buffer.compare(good, bad) < 0
      opened.add(isGoodFirst)
      const der = build({ recipients: [good, bad] })
      if (isGoodFirst) expect(Buffer.from((await decryptData(der, reader)).content)).toEqual(content)
      else await refused('ERR_CMS_DECRYPT', der)
    }
    expect(opened.size).toBe(2)
  })

  it('ENC-05: refuses recipients whose parameters are missing', async () => {
    await malformed(agreed({ wrapDer: 'absent' }))
    await malformed(agreed({ wrapDer: encodeNull() }))
    await malformed(agreed({ wrapDer: algorithm(OID.aes256Wrap, encodeNull()) }))
    await malformed(transported({ algorithmDer: algorithm(OID.rsaesOaep) }), rsaReader)
    await malformed(transported({ algorithmDer: algorithm(OID.rsaesOaep, encodeNull()) }), rsaReader)
    const maskOnly = algorithm(OID.rsaesOaep, oaepParameters({ hash: SHA256, mask: algorithm(OID.mgf1) }))
    await refused('ERR_ALGORITHM_NOT_ALLOWED', transported({ algorithmDer: maskOnly }), rsaReader)
    const bareLabel = oaepParameters({ hash: SHA256, mask: MGF1, label: algorithm(OID.pSpecified) })
    await refused('ERR_ALGORITHM_NOT_ALLOWED', transported({ algorithmDer: algorithm(OID.rsaesOaep, bareLabel) }))
    for (const version of [0, 1, 2, 4]) await malformed(agreed({ version }))
    for (const version of [0, 1, 3]) await malformed(transported({ version }), rsaReader)
    await malformed(agreed({ count: 0 }))
  })

  it('ENC-05: passes over recipients of kinds that nobody knows, and counts them', async () => {
    const unknown = (number: number): Uint8Array => encodeContext(4, encodeObjectIdentifier(`1.2.${number}`))
    const recipients = [unknown(1), keyAgreement(reader.certificate), unknown(2)]
    expect(Buffer.from((await decryptData(build({ recipients }), reader)).content)).toEqual(content)
    await refused('ERR_CMS_DECRYPT', build({ recipients: [unknown(1)] }))
    const many = Array.from({ length: 10_000 }, (_, index) => unknown(index))
    await refused('ERR_LIMIT_EXCEEDED', build({ recipients: many }))
    await refused('ERR_LIMIT_EXCEEDED', agreed({ count: 10_000 }))
    await refused('ERR_LIMIT_EXCEEDED', agreed({ ukm: new Uint8Array(65) }))
  })

  it('ENC-11: refuses passwords, keys known before, old wraps and derivations, static keys of senders', async () => {
    const password = encodeContext(3, encodeInteger(0), encodeOctetString(new Uint8Array(40)))
    const known = encodeContext(2, encodeInteger(4), encodeOctetString(new Uint8Array(40)))
    for (const other of [password, known]) {
      // The content is no safer than its weakest recipient, whoever that is.
      await refused('ERR_ALGORITHM_NOT_ALLOWED', build({ recipients: [keyAgreement(reader.certificate), other] }))
    }
    const wraps = ['1.2.840.113549.1.9.16.3.6', '1.2.840.113549.1.9.16.3.7', '2.16.840.1.101.3.4.1.5']
    for (const oid of wraps) {
      await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ wrapDer: algorithm(oid) }))
      await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ wrapDer: algorithm(oid, encodeNull()) }))
    }
    const sha1Kdf = '1.3.133.16.840.63.0.2'
    for (const scheme of [sha1Kdf, '1.3.132.1.11.0', '1.3.132.1.11.3', '1.3.132.1.14.1', '1.2.840.113549.1.9.16.3.5']) {
      await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ scheme }))
    }
    const staticKey = encodeContextPrimitive(0, new Uint8Array(20))
    for (const originatorDer of [staticKey, issuerAndSerial(stranger.certificate)]) {
      await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ originatorDer }))
    }
    const x25519 = encodeContext(1, algorithm('1.3.101.110'), Uint8Array.of(3, 2, 0, 1))
    await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ originatorDer: x25519 }))
    await refused('ERR_ALGORITHM_NOT_ALLOWED', agreed({ originatorParametersDer: encodeSequence() }))
  })

  it('are in ascending order in DER; others come through BER', async () => {
    const recipients = [keyAgreement(stranger.certificate), keyTransport(rsaReader.certificate)]
    const der = build({ recipients })
    expect(parseAuthEnvelopedData(der).recipients).toHaveLength(2)
    const [first, second] = recipients
    if (first === undefined || second === undefined) throw new Error('there are two')
    const turned = Buffer.from(der)
    const at = turned.indexOf(second)
    Buffer.concat([first, second]).copy(turned, at)
    expectCode('ERR_CMS_MALFORMED', () => parseAuthEnvelopedData(turned))
    expect(Buffer.from((await decryptData(turned, rsaReader)).content)).toEqual(content)
  })

  it('refuses content in pieces in what must be DER', () => {
    const der = build({ encryptedDer: encodeContext(0, encodeOctetString(new Uint8Array(3))) })
    expectCode('ERR_CMS_MALFORMED', () => parseAuthEnvelopedData(der))
    expect(parseForeignAuthEnvelopedData(der).sealed.encrypted).toHaveLength(3)
  })
})

function request(changes: Partial<ValidateRecipientsRequest> = {}): ValidateRecipientsRequest {
  return {
    anchors: [world.root.certificate],
    certificates: [world.issuing.certificate],
    purpose: 'message-encryption',
    revocation: { crls: world.crls },
    at: NOW,
    ...changes,
  }
}

function validated(readers: readonly Sender[], changes: Partial<ValidateRecipientsRequest> = {}) {
  return validateRecipients(
    readers.map(({ certificate }) => certificate),
    request(changes),
  )
}

describe('validateRecipients', () => {
  it('ENC-10: refuses nobody, somebody twice, and more than there may be', () => {
    expectCode('ERR_CMS_RECIPIENT', () => validated([]))
    expectCode('ERR_CMS_RECIPIENT', () => validated([reader, rsaReader, reader]))
    expectCode('ERR_CMS_RECIPIENT', () => validated(Array.from({ length: 257 }, () => reader)))
  })

  it('ENC-10: refuses certificates that ended, are revoked, unknown, of strangers, or about which nothing is known', async () => {
    expectCode('ERR_PATH_EXPIRED', () => validated([reader], { at: addSeconds(NOT_AFTER, 1) }))
    expectCode('ERR_PATH_NOT_YET_VALID', () => validated([reader], { at: addSeconds(NOW, -30 * 86_400) }))
    const serial = reader.certificate.serialNumber
    const crl = await makeCrl({ issuer: world.issuing, revoked: [revoked(serial, 'keyCompromise')] })
    const [rootCrl] = world.crls
    expectCode('ERR_REVOKED', () =>
      validated([rsaReader, reader], { revocation: { crls: [...(rootCrl === undefined ? [] : [rootCrl]), crl] } }),
    )
    expectCode('ERR_REVOCATION_UNKNOWN', () => validated([reader], { revocation: { crls: [] } }))
    const elsewhere = makeReader(await makeWorld('second'), { node: 'elsewhere' })
    expectCode('ERR_PATH_NOT_FOUND', () => validated([elsewhere]))
    expectCode('ERR_PATH_NOT_FOUND', () => validated([reader], { certificates: [] }))
  })

  it('ENC-10: refuses certificates and keys for anything else', () => {
    const signer = makeSender(world, { node: 'signer' })
    expectCode('ERR_PATH_PURPOSE', () => validated([reader, signer]))
    expectCode('ERR_PATH_KEY_USAGE', () => validated([signer], { purpose: 'email-encryption' }))
    expectCode('ERR_CMS_RECIPIENT', () => validated([signer], { purpose: 'allow-any' }))
    expectCode('ERR_PATH_PURPOSE', () => validateRecipients([world.issuing.certificate], request()))
    expectCode('ERR_CMS_RECIPIENT', () =>
      validateRecipients([world.issuing.certificate], request({ purpose: 'allow-any' })),
    )
    const onlyRsaUsage = makeReader(world, { node: 'other-usage', keyUsage: ['keyEncipherment'] })
    expectCode('ERR_CMS_RECIPIENT', () => validated([onlyRsaUsage]))
    const cannot = makeReader(world, { node: 'ed25519', algorithm: 'ed25519' })
    expectCode('ERR_CMS_RECIPIENT', () => validated([cannot]))
    expectCode('ERR_TRUST_NO_ANCHOR', () => validated([reader], { anchors: [] }))
  })
})
