import { describe, expect, it } from 'vitest'
import {
  encodeBitString,
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeOctetString,
  encodeSequence,
  encodeValue,
  OID,
  TAG,
} from '../../src/asn1/index.js'
import type { ErrorCode } from '../../src/errors/index.js'
import { certIdOf, encodeGeneralName, encodeOcspRequest, NONCE_OCTETS, parseOcspRequest } from '../../src/x509/index.js'
import { MAX_NONCE_OCTETS, MAX_OCSP_QUESTIONS, MIN_NONCE_OCTETS } from '../../src/x509/ocsp-request.js'
import { makeCertificate } from '../support/certificates.js'
import { type DerPath, editContent, editDer, elementAt, nested } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, unknownExtension } from '../support/hierarchy.js'
import { outcomeOf } from '../support/only-signet-errors.js'

const issuer = makeCertificate({ subject: 'Issuing', ca: true })
const idOf = (serialNumber: string) => certIdOf(issuer.certificate, serialNumber)
const NONCE = Buffer.alloc(NONCE_OCTETS, 7)
const good = encodeOcspRequest([idOf('01'), idOf('80')], NONCE)

/** Where the fields of this request are. */
const AT = {
  tbs: [0],
  questions: [0, 0],
  question: [0, 0, 0],
  id: [0, 0, 0, 0],
  explicitExtensions: [0, 1],
  extensions: [0, 1, 0],
  nonce: [0, 1, 0, 0],
  nonceOid: [0, 1, 0, 0, 0],
  nonceValue: [0, 1, 0, 0, 1],
} as const satisfies Record<string, DerPath>

const edit = (path: DerPath, replace: (element: Uint8Array) => Uint8Array | readonly Uint8Array[]): Uint8Array =>
  editDer(good, path, replace)
/** The request with this before the list of questions. */
const preceded = (...elements: readonly Uint8Array[]): Uint8Array => edit(AT.questions, (list) => [...elements, list])
const withExtensions = (...extensions: readonly Uint8Array[]): Uint8Array =>
  edit(AT.extensions, () => encodeSequence(...extensions))
const withQuestionExtensions = (...extensions: readonly Uint8Array[]): Uint8Array =>
  editDer(good, AT.question, (question) =>
    encodeSequence(elementAt(question, [0]), encodeContext(0, encodeSequence(...extensions))),
  )
/** A nonce extension around any value. */
const nonceOf = (valueDer: Uint8Array, critical = false): Uint8Array => extensionDer(OID.ocspNonce, critical, valueDer)

describe('encodeOcspRequest', () => {
  it('asks about one or several certificates, with and without a nonce, and reads back', () => {
    for (const serials of [['01'], ['01', '80', 'ff00ff']]) {
      for (const nonce of [undefined, NONCE]) {
        const questions = serials.map(idOf)
        const request = parseOcspRequest(encodeOcspRequest(questions, nonce))
        expect(request.questions).toEqual(questions)
        expect(request.nonce).toEqual(nonce === undefined ? undefined : new Uint8Array(nonce))
        expect(request.unknownCritical).toBe(false)
      }
    }
  })

  it('without a nonce writes no extensions, and never a version', () => {
    expect(encodeOcspRequest([idOf('01')])).toEqual(
      encodeSequence(encodeSequence(encodeSequence(encodeSequence(idOf('01').der)))),
    )
  })

  it('puts the nonce into an OCTET STRING of its own (RFC 9654 §2.1)', () => {
    expect(elementAt(good, AT.nonceValue)).toEqual(encodeOctetString(encodeOctetString(NONCE)))
  })

  it('asks about something', () => {
    expectCode('ERR_OCSP_MALFORMED', () => encodeOcspRequest([]))
  })
})

describe('nonces: 1 to 128 octets (RFC 9654 §2.1)', () => {
  it.each([0, MAX_NONCE_OCTETS + 1, 1000])('REV-03: neither writes nor reads one of %i octets', (octets) => {
    const nonce = new Uint8Array(octets)
    const error = expectCode('ERR_OCSP_MALFORMED', () => encodeOcspRequest([idOf('01')], nonce))
    expect(error.details).toEqual({ octets: String(octets) })
    expectCode('ERR_OCSP_MALFORMED', () => parseOcspRequest(withExtensions(nonceOf(encodeOctetString(nonce)))))
  })

  it.each([MIN_NONCE_OCTETS, 16, 32, MAX_NONCE_OCTETS])('REV-03: writes and reads one of %i octets', (octets) => {
    const nonce = new Uint8Array(octets).fill(9)
    expect(parseOcspRequest(encodeOcspRequest([idOf('01')], nonce)).nonce).toEqual(nonce)
    expect(parseOcspRequest(withExtensions(nonceOf(encodeOctetString(nonce)))).nonce).toEqual(nonce)
  })

  it('the limits are those of the standard', () => {
    expect([MIN_NONCE_OCTETS, MAX_NONCE_OCTETS]).toEqual([1, 128])
  })

  it.each([
    ['bare octets', Buffer.alloc(16, 7)],
    ['an INTEGER', encodeInteger(7)],
    ['two values', Buffer.concat([encodeOctetString(NONCE), encodeNull()])],
    ['nothing', new Uint8Array()],
    ['half of one', encodeOctetString(NONCE).subarray(0, 10)],
  ])('a nonce that is %s is malformed', (_, value) => {
    expectCode('ERR_EXTENSION_MALFORMED', () => parseOcspRequest(withExtensions(nonceOf(value))))
  })
})

describe('parseOcspRequest', () => {
  it('reads the version where it is written although it is the default', () => {
    expect(parseOcspRequest(preceded(encodeContext(0, encodeInteger(0)))).questions).toHaveLength(2)
  })

  it('passes over who asks, and a signature: it does not matter who asks', () => {
    const name = encodeContext(1, encodeGeneralName({ kind: 'dns', value: 'client.example' }))
    expect(parseOcspRequest(preceded(name)).questions).toHaveLength(2)
    expect(parseOcspRequest(preceded(encodeContext(0, encodeInteger(0)), name)).questions).toHaveLength(2)
    const signature = encodeContext(0, encodeSequence(encodeSequence(), encodeBitString(Buffer.alloc(4))))
    const signed = edit(AT.tbs, (tbs) => [tbs, signature])
    expect(parseOcspRequest(signed).questions).toHaveLength(2)
  })

  it('knows a nonce and the kinds of responses that are understood, even if they are critical', () => {
    const kinds = extensionDer(OID.ocspResponse, true, encodeSequence(encodeObjectIdentifier(OID.ocspBasic)))
    const request = parseOcspRequest(withExtensions(nonceOf(encodeOctetString(NONCE), true), kinds))
    expect(request.unknownCritical).toBe(false)
    expect(request.nonce).toEqual(new Uint8Array(NONCE))
  })

  it('says where something is critical and not understood: in the whole, or in a question', () => {
    expect(parseOcspRequest(withExtensions(unknownExtension(true))).unknownCritical).toBe(true)
    expect(parseOcspRequest(withExtensions(unknownExtension(false))).unknownCritical).toBe(false)
    expect(parseOcspRequest(withQuestionExtensions(unknownExtension(true))).unknownCritical).toBe(true)
    expect(parseOcspRequest(withQuestionExtensions(unknownExtension(false))).unknownCritical).toBe(false)
    // What is known of the whole is not known of a question.
    const nonce = nonceOf(encodeOctetString(NONCE), true)
    expect(parseOcspRequest(withQuestionExtensions(nonce)).unknownCritical).toBe(true)
  })

  it('keeps questions in their order, and one that is asked twice', () => {
    const questions = [idOf('03'), idOf('01'), idOf('03')]
    expect(parseOcspRequest(encodeOcspRequest(questions)).questions).toEqual(questions)
  })

  const malformed: readonly (readonly [claim: string, der: Uint8Array, code: ErrorCode])[] = [
    ['nothing', new Uint8Array(), 'ERR_INPUT_EMPTY'],
    ['half of one', good.subarray(0, good.length / 2), 'ERR_DER_TRUNCATED'],
    ['a certificate', issuer.certificate.der, 'ERR_DER_TRAILING_DATA'],
    ['a SET', encodeValue(TAG.set, good.subarray(2)), 'ERR_OCSP_MALFORMED'],
    ['no request inside', encodeSequence(), 'ERR_DER_TRUNCATED'],
    ['version 2', preceded(encodeContext(0, encodeInteger(1))), 'ERR_OCSP_MALFORMED'],
    ['a negative version', preceded(encodeContext(0, encodeValue(TAG.integer, Buffer.of(255)))), 'ERR_OCSP_MALFORMED'],
    ['a version without number', preceded(encodeContext(0)), 'ERR_DER_TRUNCATED'],
    ['two versions', preceded(encodeContext(0, encodeInteger(0), encodeInteger(0))), 'ERR_DER_TRAILING_DATA'],
    ['a version in implicit form', preceded(encodeContextPrimitive(0, Buffer.of(0))), 'ERR_OCSP_MALFORMED'],
    [
      'name and version in the wrong order',
      preceded(encodeContext(1, encodeNull()), encodeContext(0, encodeInteger(0))),
      'ERR_OCSP_MALFORMED',
    ],
    ['an empty list of questions', edit(AT.questions, () => encodeSequence()), 'ERR_OCSP_MALFORMED'],
    ['no list of questions', edit(AT.questions, () => []), 'ERR_OCSP_MALFORMED'],
    ['an empty question', edit(AT.question, () => encodeSequence()), 'ERR_DER_TRUNCATED'],
    ['a question that is a CertID alone', edit(AT.question, (one) => elementAt(one, [0])), 'ERR_OCSP_MALFORMED'],
    ['more in a question', edit(AT.id, (id) => [id, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    ['a serial number that is zero', edit([...AT.id, 3], () => encodeInteger(0)), 'ERR_SERIAL_MALFORMED'],
    ['an empty list of extensions', withExtensions(), 'ERR_EXTENSION_MALFORMED'],
    ['an empty list of extensions of a question', withQuestionExtensions(), 'ERR_EXTENSION_MALFORMED'],
    ['a tag of extensions with nothing in it', edit(AT.extensions, () => []), 'ERR_DER_TRUNCATED'],
    ['two lists of extensions', edit(AT.extensions, (list) => [list, list]), 'ERR_DER_TRAILING_DATA'],
    ['two nonces', edit(AT.nonce, (one) => [one, one]), 'ERR_EXTENSION_DUPLICATE'],
    [
      'an extension of a question twice',
      withQuestionExtensions(unknownExtension(false), unknownExtension(false)),
      'ERR_EXTENSION_DUPLICATE',
    ],
    [
      'extensions under another tag',
      edit(AT.explicitExtensions, (one) => encodeValue(0xa3, one)),
      'ERR_DER_TRAILING_DATA',
    ],
    ['more after the extensions', edit(AT.explicitExtensions, (one) => [one, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    ['more after the request', edit(AT.tbs, (tbs) => [tbs, encodeNull()]), 'ERR_DER_TRAILING_DATA'],
    ['octets after it', Buffer.concat([good, Buffer.of(0)]), 'ERR_DER_TRAILING_DATA'],
    ['two signatures', edit(AT.tbs, (tbs) => [tbs, encodeContext(0), encodeContext(0)]), 'ERR_DER_TRAILING_DATA'],
  ]

  it.each(malformed)('REV-11: refuses %s', (_, der, code) => {
    expectCode(code, () => parseOcspRequest(der))
  })

  it('names what an error is about', () => {
    const error = expectCode('ERR_OCSP_MALFORMED', () => parseOcspRequest(edit(AT.questions, () => encodeNull())))
    expect(error.message).toMatch(/^an OCSP request is malformed: /)
    expect(error.details).toMatchObject({ found: 'ERR_DER_TAG' })
  })

  it('REV-11: is asked about at most a hundred certificates at once', () => {
    const asking = (count: number): Uint8Array => encodeOcspRequest(Array.from({ length: count }, () => idOf('2a')))
    expect(parseOcspRequest(asking(MAX_OCSP_QUESTIONS)).questions).toHaveLength(100)
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspRequest(asking(MAX_OCSP_QUESTIONS + 1)))
  })

  it('REV-11: is no longer, and no deeper, than anything of that size may be', () => {
    expectCode('ERR_LIMIT_EXCEEDED', () => parseOcspRequest(new Uint8Array(256 * 1024 + 1)))
    for (const levels of [100, 3000, 60_000]) {
      for (const path of [[], ...Object.values(AT)]) {
        const { cpuMilliseconds } = outcomeOf(() => parseOcspRequest(edit(path, () => nested(0x30, levels))))
        expect(cpuMilliseconds).toBeLessThan(300)
      }
    }
  })

  it('REV-11: whatever octet is changed, cut or added, a typed error or a request comes of it', () => {
    for (let offset = 0; offset < good.length; offset++) {
      for (const change of [1, 0x20, 0x80, 0xff]) {
        outcomeOf(() => parseOcspRequest(good.with(offset, (good[offset] ?? 0) ^ change)))
      }
      expect(outcomeOf(() => parseOcspRequest(good.subarray(0, offset))).code).not.toBe('accepted')
      outcomeOf(() => parseOcspRequest(Buffer.concat([good.subarray(0, offset), Buffer.of(0), good.subarray(offset)])))
    }
    expect(outcomeOf(() => parseOcspRequest(editContent(good, AT.nonceValue, (value) => value))).code).toBe('accepted')
  })
})
