import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeEnumerated,
  encodeGeneralizedTime,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeString,
  encodeTime,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import { signatureAlgorithmOf, verifySignature } from '../../src/crypto/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import {
  type BasicOcspResponse,
  certIdOf,
  type CertStatus,
  createOcspError,
  createOcspResponse,
  isResponder,
  type OcspStatus,
  parseOcspResponse,
  REVOCATION_REASONS,
  type RevocationReason,
} from '../../src/x509/index.js'
import { keyFor, makeCertificate, NOT_BEFORE, NOW } from '../support/certificates.js'
import { childrenOf, contentOf, type DerPath, editDer, elementAt, fromHex, nested, toHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, unknownExtension } from '../support/hierarchy.js'
import { answerDer, byName, GOOD, makeOcsp, makeResponder, wrapBasic } from '../support/ocsp.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const issuer = makeCertificate({ subject: 'Issuing', ca: true })
const responder = makeResponder(issuer)
const NONCE = Buffer.alloc(32, 7)
const id = certIdOf(issuer.certificate, '80')
const revoked: CertStatus = { kind: 'revoked', revocationDate: NOT_BEFORE, reason: 'keyCompromise' }
const ANSWERS = [
  { id, status: revoked, thisUpdate: NOW, nextUpdate: addSeconds(NOW, DAY) },
  {
    id: certIdOf(issuer.certificate, '01', 'sha256'),
    status: { kind: 'good' },
    thisUpdate: NOW,
    nextUpdate: undefined,
  },
  { id: certIdOf(issuer.certificate, '02'), status: { kind: 'unknown' }, thisUpdate: NOW, nextUpdate: undefined },
] as const
const made = await createOcspResponse(
  {
    signer: responder.certificate,
    producedAt: NOW,
    nonce: NONCE,
    answers: ANSWERS,
    certificates: [responder.certificate],
  },
  responder.key,
)
const good = made.der

/** The content of the OCTET STRING of a response: BasicOCSPResponse. */
const basicDer = contentOf(elementAt(good, [1, 0, 1]))

/** Where the fields of this BasicOCSPResponse are. */
const AT = {
  tbs: [0],
  responder: [0, 0],
  producedAt: [0, 1],
  answers: [0, 2],
  answer: [0, 2, 0],
  id: [0, 2, 0, 0],
  status: [0, 2, 0, 1],
  revocationTime: [0, 2, 0, 1, 0],
  reason: [0, 2, 0, 1, 1],
  thisUpdate: [0, 2, 0, 2],
  nextUpdate: [0, 2, 0, 3],
  explicitExtensions: [0, 3],
  extensions: [0, 3, 0],
  nonce: [0, 3, 0, 0],
  algorithm: [1],
  signature: [2],
  explicitCertificates: [3],
  certificates: [3, 0],
  certificate: [3, 0, 0],
} as const satisfies Record<string, DerPath>

const edit = (path: DerPath, replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[]): Uint8Array =>
  wrapBasic(editDer(basicDer, path, replace))
const remove = (path: DerPath): Uint8Array => edit(path, () => [])
const doubled = (path: DerPath): Uint8Array => edit(path, (one) => [one, one])
const basicOf = (der: Uint8Array): BasicOcspResponse => {
  const { basic } = parseOcspResponse(der)
  if (basic === undefined) throw new Error('there is no answer')
  return basic
}

describe('createOcspResponse', () => {
  it('makes a response that reads back as it was meant', () => {
    expect(made.status).toBe('successful')
    const basic = basicOf(good)
    expect(basic.answers).toEqual(ANSWERS.map((answer) => ({ ...answer, hasUnknownCritical: false })))
    expect(basic.producedAt).toEqual(NOW)
    expect(toHex(basic.nonce ?? new Uint8Array())).toBe(toHex(NONCE))
    expect(basic.hasUnknownCritical).toBe(false)
    expect(basic.certificates.map(({ fingerprint }) => fingerprint)).toEqual([responder.certificate.fingerprint])
    expect(basic.responder).toEqual({ kind: 'key', keyHash: new Uint8Array(hash('sha1', spkiPoint(), 'buffer')) })
    const algorithm = signatureAlgorithmOf(basic.signatureAlgorithm)
    expect(verifySignature(algorithm, responder.certificate.publicKey, basic.tbsDer, basic.signatureValue)).toBe(true)
  })

  it('leaves out what is not given: nonce, certificates, nextUpdate, an unspecified reason', async () => {
    const status: CertStatus = { kind: 'revoked', revocationDate: NOT_BEFORE, reason: 'unspecified' }
    const { basic, der } = await createOcspResponse(
      {
        signer: issuer.certificate,
        producedAt: NOW,
        answers: [{ id, status, thisUpdate: NOW, nextUpdate: undefined }],
        certificates: [],
      },
      issuer.key,
    )
    expect(basic?.nonce).toBeUndefined()
    expect(basic?.certificates).toEqual([])
    expect(basic?.answers[0]).toMatchObject({ status, nextUpdate: undefined })
    const answer = elementAt(contentOf(elementAt(der, [1, 0, 1])), AT.answer)
    expect(childrenOf(answer)).toHaveLength(3)
    expect(childrenOf(elementAt(answer, [1]))).toEqual([encodeGeneralizedTime(NOT_BEFORE)])
  })

  it.each(Object.keys(REVOCATION_REASONS) as RevocationReason[])('writes and reads the reason %s', async (reason) => {
    const status: CertStatus = { kind: 'revoked', revocationDate: NOT_BEFORE, reason }
    const answers = [{ id, status, thisUpdate: NOW, nextUpdate: undefined }]
    const template = { signer: issuer.certificate, producedAt: NOW, answers, certificates: [] }
    expect((await createOcspResponse(template, issuer.key)).basic?.answers[0]?.status).toEqual(status)
  })

  it.each([0, 129])('REV-03: repeats no nonce of %i octets', async (octets) => {
    const template = { signer: issuer.certificate, producedAt: NOW, answers: [], certificates: [] }
    await expect(createOcspResponse({ ...template, nonce: new Uint8Array(octets) }, issuer.key)).rejects.toMatchObject({
      code: 'ERR_OCSP_MALFORMED',
    })
  })

  it.each(['p384', 'ed25519', 'rsa2048', 'ml-dsa-65'] as const)('signs with a %s key', async (algorithm) => {
    const signer = makeResponder(issuer, { algorithm })
    const template = {
      signer: signer.certificate,
      producedAt: NOW,
      answers: ANSWERS,
      certificates: [signer.certificate],
    }
    const { basic } = await createOcspResponse(template, signer.key)
    expect(basic?.signatureAlgorithm.der).toEqual(signer.key.signatureAlgorithm.identifierDer)
  })
})

/** The octets of the responder's BIT STRING: a P-256 point. */
function spkiPoint(): Uint8Array {
  return responder.certificate.spkiDer.subarray(26)
}

describe('createOcspError', () => {
  const statuses: readonly (readonly [Exclude<OcspStatus, 'successful'>, number])[] = [
    ['malformedRequest', 1],
    ['internalError', 2],
    ['tryLater', 3],
    ['sigRequired', 5],
    ['unauthorized', 6],
  ]

  it.each(statuses)('%s is the number %i, and nothing else', (status, number) => {
    const response = createOcspError(status)
    expect(toHex(response.der)).toBe(`30030a010${number}`)
    expect(response).toMatchObject({ status, basic: undefined })
    expect(parseOcspResponse(response.der).status).toBe(status)
  })
})

describe('parseOcspResponse', () => {
  it('reads who answers by name, too', () => {
    const named = makeOcsp({ signer: responder, responder: byName(responder.certificate), answers: [] })
    expect(named.basic?.responder.kind).toBe('name')
    expect(named.basic?.answers).toEqual([])
  })

  it('reads the version where it is written although it is the default', () => {
    expect(basicOf(edit(AT.responder, (one) => [encodeContext(0, encodeInteger(0)), one])).producedAt).toEqual(NOW)
  })

  it('reads a nonce of 1 to 128 octets, and none', () => {
    expect(basicOf(remove(AT.explicitExtensions)).nonce).toBeUndefined()
    for (const octets of [1, 128]) {
      const nonce = extensionDer(OID.ocspNonce, false, encodeOctetString(new Uint8Array(octets)))
      expect(basicOf(edit(AT.nonce, () => nonce)).nonce).toHaveLength(octets)
    }
  })

  it('says where something is critical and not understood', () => {
    const inWhole = (critical: boolean) => basicOf(edit(AT.nonce, (one) => [one, unknownExtension(critical)]))
    expect([inWhole(true).hasUnknownCritical, inWhole(false).hasUnknownCritical]).toEqual([true, false])
    const nonce = extensionDer(OID.ocspNonce, true, encodeOctetString(NONCE))
    expect(basicOf(edit(AT.nonce, () => nonce)).hasUnknownCritical).toBe(false)
    const inAnswer = (extension: Uint8Array) =>
      basicOf(edit(AT.nextUpdate, (one) => [one, encodeContext(1, encodeSequence(extension))])).answers[0]
    expect(inAnswer(unknownExtension(true))?.hasUnknownCritical).toBe(true)
    expect(inAnswer(unknownExtension(false))?.hasUnknownCritical).toBe(false)
    expect(inAnswer(nonce)?.hasUnknownCritical).toBe(true)
  })

  it('reads an empty list of certificates, and up to 16', () => {
    expect(basicOf(edit(AT.certificates, () => encodeSequence())).certificates).toEqual([])
    const many = (count: number): Uint8Array =>
      edit(AT.certificate, () => Array.from({ length: count }, () => issuer.certificate.der))
    expect(basicOf(many(16)).certificates).toHaveLength(16)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspResponse(many(17)))
  })

  it('REV-11: has at most a thousand answers', () => {
    const many = (count: number): Uint8Array => {
      const one = answerDer(issuer.certificate, '01', { nextUpdate: 'absent' })
      return edit(AT.answers, () => encodeSequence(Buffer.concat(Array.from({ length: count }, () => one))))
    }
    expect(basicOf(many(1000)).answers).toHaveLength(1000)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspResponse(many(1001)))
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspResponse(many(3000)))
  })

  const outer = (status: Uint8Array, ...rest: readonly Uint8Array[]): Uint8Array => encodeSequence(status, ...rest)
  const bytes = elementAt(good, [1])
  const typed = (oid: string, ...content: readonly Uint8Array[]): Uint8Array =>
    outer(encodeEnumerated(0), encodeContext(0, encodeSequence(encodeObjectIdentifier(oid), ...content)))
  const malformed: readonly (readonly [claim: string, der: Uint8Array, code: ErrorCode])[] = [
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['half of one', good.subarray(0, good.length / 2), 'ERR_DER_TRUNCATED'],
    ['a certificate', issuer.certificate.der, 'ERR_OCSP_MALFORMED'],
    ['a sequence of nothing', encodeSequence(), 'ERR_DER_TRUNCATED'],
    ['status 4, which is not used', outer(encodeEnumerated(4)), 'ERR_OCSP_MALFORMED'],
    ['status 7', outer(encodeEnumerated(7)), 'ERR_OCSP_MALFORMED'],
    ['a status that is an INTEGER', outer(encodeInteger(1)), 'ERR_OCSP_MALFORMED'],
    ['a negative status', outer(encodeValue(TAG.enumerated, Buffer.of(255))), 'ERR_OCSP_MALFORMED'],
    ['a padded status', outer(encodeValue(TAG.enumerated, Buffer.of(0, 1))), 'ERR_OCSP_MALFORMED'],
    ['success without an answer', outer(encodeEnumerated(0)), 'ERR_OCSP_MALFORMED'],
    ['an error with an answer', outer(encodeEnumerated(3), bytes), 'ERR_OCSP_MALFORMED'],
    ['two answers', outer(encodeEnumerated(0), bytes, bytes), 'ERR_DER_TRAILING_DATA'],
    [
      'an answer under another tag',
      outer(encodeEnumerated(0), encodeContext(1, contentOf(bytes))),
      'ERR_DER_TRAILING_DATA',
    ],
    ['an answer of another type', typed('1.2.3', encodeOctetString(basicDer)), 'ERR_OCSP_MALFORMED'],
    ['an answer that is no OCTET STRING', typed(OID.ocspBasic, basicDer), 'ERR_OCSP_MALFORMED'],
    ['an empty answer', typed(OID.ocspBasic, encodeOctetString(new Uint8Array())), 'ERR_INPUT_EMPTY'],
    ['an answer cut short', typed(OID.ocspBasic, encodeOctetString(basicDer.subarray(0, -1))), 'ERR_DER_TRUNCATED'],
    [
      'an answer with more behind it',
      typed(OID.ocspBasic, encodeOctetString(Buffer.concat([basicDer, encodeNull()]))),
      'ERR_DER_TRAILING_DATA',
    ],
    [
      'an answer of two strings',
      typed(OID.ocspBasic, encodeOctetString(basicDer), encodeNull()),
      'ERR_DER_TRAILING_DATA',
    ],
    ['octets after it', Buffer.concat([good, Buffer.of(0)]), 'ERR_DER_TRAILING_DATA'],
    ['version 2', edit(AT.responder, (one) => [encodeContext(0, encodeInteger(1)), one]), 'ERR_OCSP_MALFORMED'],
    ['no responder', remove(AT.responder), 'ERR_OCSP_MALFORMED'],
    [
      'a responder under another tag',
      edit(AT.responder, (one) => encodeValue(0xa3, contentOf(one))),
      'ERR_OCSP_MALFORMED',
    ],
    ['a responder of two keys', edit([...AT.responder, 0], (one) => [one, one]), 'ERR_DER_TRAILING_DATA'],
    [
      'a responder by name that is none',
      edit(AT.responder, () => encodeContext(1, encodeOctetString(NONCE))),
      'ERR_OCSP_MALFORMED',
    ],
    ['two responders', doubled(AT.responder), 'ERR_OCSP_MALFORMED'],
    ['producedAt in UTCTime', edit(AT.producedAt, () => encodeTime(NOW)), 'ERR_OCSP_MALFORMED'],
    [
      'producedAt without seconds',
      edit(AT.producedAt, () => encodeString('202701010000Z', 0x18)),
      'ERR_OCSP_MALFORMED',
    ],
    [
      'producedAt in fractions',
      edit(AT.producedAt, () => encodeString('20270101000000.5Z', 0x18)),
      'ERR_OCSP_MALFORMED',
    ],
    [
      'producedAt with an offset',
      edit(AT.producedAt, () => encodeString('20270101000000+0100', 0x18)),
      'ERR_OCSP_MALFORMED',
    ],
    ['no producedAt', remove(AT.producedAt), 'ERR_OCSP_MALFORMED'],
    ['no list of answers', remove(AT.answers), 'ERR_OCSP_MALFORMED'],
    ['an answer that is empty', edit(AT.answer, () => encodeSequence()), 'ERR_DER_TRUNCATED'],
    ['an answer about nobody', remove(AT.id), 'ERR_OCSP_MALFORMED'],
    ['an answer without status', remove(AT.status), 'ERR_OCSP_MALFORMED'],
    ['a status of four', edit(AT.status, () => encodeContextPrimitive(3, new Uint8Array())), 'ERR_OCSP_MALFORMED'],
    ['good with content', edit(AT.status, () => encodeContextPrimitive(0, Buffer.of(0))), 'ERR_OCSP_MALFORMED'],
    ['good in constructed form', edit(AT.status, () => encodeContext(0)), 'ERR_OCSP_MALFORMED'],
    ['good as a NULL', edit(AT.status, () => encodeNull()), 'ERR_OCSP_MALFORMED'],
    ['unknown with content', edit(AT.status, () => encodeContextPrimitive(2, encodeNull())), 'ERR_OCSP_MALFORMED'],
    ['two states', edit(AT.status, (one) => [GOOD, one]), 'ERR_OCSP_MALFORMED'],
    ['revoked without a date', remove(AT.revocationTime), 'ERR_OCSP_MALFORMED'],
    ['revoked and nothing more', edit(AT.status, () => encodeContext(1)), 'ERR_DER_TRUNCATED'],
    [
      'revoked in primitive form',
      edit(AT.status, () => encodeContextPrimitive(1, new Uint8Array())),
      'ERR_OCSP_MALFORMED',
    ],
    ['revoked at a UTCTime', edit(AT.revocationTime, () => encodeTime(NOW)), 'ERR_OCSP_MALFORMED'],
    ['revoked for two reasons', doubled(AT.reason), 'ERR_DER_TRAILING_DATA'],
    [
      'REV-13: reason 7, which is not used',
      edit(AT.reason, () => encodeContext(0, encodeEnumerated(7))),
      'ERR_OCSP_MALFORMED',
    ],
    ['reason 11', edit(AT.reason, () => encodeContext(0, encodeEnumerated(11))), 'ERR_OCSP_MALFORMED'],
    ['a reason that is an INTEGER', edit(AT.reason, () => encodeContext(0, encodeInteger(1))), 'ERR_OCSP_MALFORMED'],
    [
      'a reason in implicit form',
      edit(AT.reason, () => encodeContextPrimitive(0, Buffer.of(1))),
      'ERR_DER_TRAILING_DATA',
    ],
    ['no thisUpdate', remove(AT.thisUpdate), 'ERR_OCSP_MALFORMED'],
    [
      'thisUpdate of the 30th of February',
      edit(AT.thisUpdate, () => encodeString('20270230000000Z', 0x18)),
      'ERR_OCSP_MALFORMED',
    ],
    ['nextUpdate in UTCTime', edit([...AT.nextUpdate, 0], () => encodeTime(NOW)), 'ERR_OCSP_MALFORMED'],
    ['nextUpdate that is bare', edit(AT.nextUpdate, () => encodeGeneralizedTime(NOW)), 'ERR_DER_TRAILING_DATA'],
    ['nextUpdate of two times', edit([...AT.nextUpdate, 0], (one) => [one, one]), 'ERR_DER_TRAILING_DATA'],
    ['two nextUpdates', doubled(AT.nextUpdate), 'ERR_DER_TRAILING_DATA'],
    ['more in an answer', edit(AT.nextUpdate, (one) => [one, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    [
      'empty extensions of an answer',
      edit(AT.nextUpdate, (one) => [one, encodeContext(1, encodeSequence())]),
      'ERR_EXTENSION_MALFORMED',
    ],
    [
      'an extension of an answer twice',
      edit(AT.nextUpdate, (one) => [
        one,
        encodeContext(1, encodeSequence(unknownExtension(false), unknownExtension(true))),
      ]),
      'ERR_EXTENSION_DUPLICATE',
    ],
    ['empty extensions', edit(AT.extensions, () => encodeSequence()), 'ERR_EXTENSION_MALFORMED'],
    ['two nonces', doubled(AT.nonce), 'ERR_EXTENSION_DUPLICATE'],
    [
      'REV-03: a nonce of no octets',
      edit(AT.nonce, () => extensionDer(OID.ocspNonce, false, encodeOctetString(new Uint8Array()))),
      'ERR_OCSP_MALFORMED',
    ],
    [
      'REV-03: a nonce of 129 octets',
      edit(AT.nonce, () => extensionDer(OID.ocspNonce, false, encodeOctetString(new Uint8Array(129)))),
      'ERR_OCSP_MALFORMED',
    ],
    [
      'a nonce without its own string',
      edit(AT.nonce, () => extensionDer(OID.ocspNonce, false, NONCE)),
      'ERR_EXTENSION_MALFORMED',
    ],
    ['two lists of extensions', doubled(AT.explicitExtensions), 'ERR_DER_TRAILING_DATA'],
    ['more after the extensions', edit(AT.explicitExtensions, (one) => [one, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    ['no algorithm', remove(AT.algorithm), 'ERR_OCSP_MALFORMED'],
    ['no signature', remove(AT.signature), 'ERR_OCSP_MALFORMED'],
    [
      'a signature with unused bits',
      edit(AT.signature, () => encodeValue(TAG.bitString, fromHex('0480'))),
      'ERR_OCSP_MALFORMED',
    ],
    ['two lists of certificates', doubled(AT.explicitCertificates), 'ERR_DER_TRAILING_DATA'],
    [
      'certificates that are a SET',
      edit(AT.certificates, (one) => encodeValue(TAG.set, contentOf(one))),
      'ERR_OCSP_MALFORMED',
    ],
    ['a certificate that is none', edit(AT.certificate, () => encodeSequence(encodeNull())), 'ERR_OCSP_MALFORMED'],
    ['a certificate cut short', edit(AT.certificate, (one) => one.subarray(0, -1)), 'ERR_DER_TRUNCATED'],
    [
      'more after the certificates',
      edit(AT.explicitCertificates, (one) => [one, encodeNull()]),
      'ERR_DER_TRAILING_DATA',
    ],
    [
      'a certificate of two algorithms',
      edit([...AT.certificate, 1], () => encodeSequence(encodeObjectIdentifier(OID.ecdsaWithSha384))),
      'ERR_ALGORITHM_MISMATCH',
    ],
  ]

  it.each(malformed)('REV-11: refuses %s', (_, der, code) => {
    expectCode(code, () => parseOcspResponse(der))
  })

  it('names what an error is about', () => {
    const error = expectCode('ERR_OCSP_MALFORMED', () => parseOcspResponse(remove(AT.producedAt)))
    expect(error.message).toMatch(/^an OCSP response is malformed: /)
    expect(error.details).toMatchObject({ found: 'ERR_DER_TAG' })
  })

  it('REV-11: is no longer, and no deeper, than anything of that size may be', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspResponse(new Uint8Array(256 * 1024 + 1)))
    for (const levels of [100, 3000, 60_000]) {
      for (const path of [[], ...Object.values(AT)]) {
        const { cpuMilliseconds } = outcomeOf(() => parseOcspResponse(edit(path, () => nested(0x30, levels))))
        expect(cpuMilliseconds).toBeLessThan(300)
      }
    }
  })

  it('REV-11: whatever octet is changed or cut, a typed error or a response comes of it', () => {
    for (let offset = 0; offset < good.length; offset++) {
      for (const change of [1, 0x20, 0xff]) {
        outcomeOf(() => parseOcspResponse(good.with(offset, (good[offset] ?? 0) ^ change)))
      }
      expect(outcomeOf(() => parseOcspResponse(good.subarray(0, offset))).code).not.toBe('accepted')
    }
  })

  it('keeps what was signed as it stands, whatever the signature is', () => {
    const basic = basicOf(edit(AT.signature, () => encodeBitString(Buffer.of(1))))
    expect(toHex(basic.tbsDer)).toBe(toHex(elementAt(basicDer, AT.tbs)))
    expect(toHex(basic.signatureValue)).toBe('01')
  })
})

describe('isResponder', () => {
  const { certificate } = responder

  it('by name: a name that is equal, whoever has it', () => {
    const named = { kind: 'name', name: certificate.subject } as const
    expect(isResponder(certificate, named)).toBe(true)
    expect(isResponder(makeResponder(issuer, { key: keyFor('other') }).certificate, named)).toBe(true)
    expect(isResponder(issuer.certificate, named)).toBe(false)
  })

  it('by key: the SHA-1 of all octets of the BIT STRING', () => {
    const keyHash = new Uint8Array(hash('sha1', spkiPoint(), 'buffer'))
    expect(isResponder(certificate, { kind: 'key', keyHash })).toBe(true)
    expect(isResponder(issuer.certificate, { kind: 'key', keyHash })).toBe(false)
    for (const other of [keyHash.subarray(1), new Uint8Array(), Buffer.concat([keyHash, Buffer.of(0)])]) {
      expect(isResponder(certificate, { kind: 'key', keyHash: other })).toBe(false)
    }
    const sha256 = new Uint8Array(hash('sha256', spkiPoint(), 'buffer'))
    expect(isResponder(certificate, { kind: 'key', keyHash: sha256 })).toBe(false)
    expect(
      isResponder(certificate, { kind: 'key', keyHash: certificate.subjectKeyIdentifier ?? new Uint8Array() }),
    ).toBe(false)
  })
})
