import { describe, expect, it } from 'vitest'
import { encodeOctetString, OID } from '../../src/asn1/index.js'
import type { ErrorCode, SignetError } from '../../src/errors/index.js'
import { type RevocationSources, type ValidatedPath, verifyOcspResponse } from '../../src/path/index.js'
import { addSeconds, DAY, HOUR } from '../../src/time/index.js'
import {
  type CertIdDigest,
  certIdOf,
  createOcspError,
  createOcspResponse,
  type Crl,
  encodeOcspNoCheck,
  type OcspResponse,
  type OcspStatus,
  parseOcspResponse,
} from '../../src/x509/index.js'
import {
  type CertificateOptions,
  type Holder,
  keyFor,
  makeCertificate,
  makeCrl,
  NOT_AFTER,
  NOT_BEFORE,
  NOW,
  revoked,
} from '../support/certificates.js'
import { editDer } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, hierarchy, rawCrl, unknownExtension, validate } from '../support/hierarchy.js'
import {
  type AnswerParts,
  answerDer,
  byKey,
  byName,
  makeOcsp,
  makeResponder,
  type OcspParts,
  revokedStatus,
  UNKNOWN,
} from '../support/ocsp.js'

const whole = hierarchy()
const { root, issuing, node } = whole
const { serialNumber } = node.certificate
const DIGESTS: readonly CertIdDigest[] = ['sha1', 'sha256', 'sha384', 'sha512']

const rootCrl = await makeCrl({ issuer: root, thisUpdate: NOW })
const goodCrl = await makeCrl({ issuer: issuing })
const listing = await makeCrl({ issuer: issuing, revoked: [revoked(serialNumber, 'keyCompromise')] })
const responder = makeResponder(issuing)

/** The answer about the node, with these parts instead of its own. */
const about = (parts: AnswerParts = {}): Uint8Array => answerDer(issuing.certificate, serialNumber, parts)
const revokedAnswer = (parts: AnswerParts = {}): Uint8Array => about({ status: revokedStatus(), ...parts })
/** A response of the CA itself about the node. */
const response = (parts: Partial<OcspParts> = {}): OcspResponse =>
  makeOcsp({ signer: issuing, answers: [about()], certificates: [], ...parts })

type Sources = Partial<RevocationSources>

/** Validate the node by these responses, where the CRL of the root speaks for the issuing CA. */
const check = (responses: readonly OcspResponse[], sources: Sources = {}): ValidatedPath =>
  validate(whole, { revocation: { crls: [rootCrl], ocspResponses: responses, ...sources } })
const unknown = (responses: readonly OcspResponse[], sources: Sources = {}): SignetError =>
  expectCode('ERR_REVOCATION_UNKNOWN', () => check(responses, sources))
const isRevoked = (responses: readonly OcspResponse[], sources: Sources = {}): SignetError =>
  expectCode('ERR_REVOKED', () => check(responses, sources))

describe('OCSP: the answer (RFC 6960 §3.2)', () => {
  it('accepts a certificate that its CA calls good, and says that revocation was checked', () => {
    expect(check([response()]).revocation).toBe('checked')
  })

  it('refuses one that is revoked, and says since when and why', () => {
    const { details } = isRevoked([response({ answers: [revokedAnswer({ status: revokedStatus(NOT_BEFORE, 1) })] })])
    expect(details).toMatchObject({
      serialNumber,
      subject: 'CN=node',
      reason: 'keyCompromise',
      revocationDate: NOT_BEFORE.toISOString(),
    })
  })

  it('refuses one that the responder does not know', () => {
    expect(unknown([response({ answers: [about({ status: UNKNOWN })] })]).message).toContain('does not know it')
  })

  it('asks about every certificate below the anchor: the issuing CA, too', () => {
    const ofRoot = (status?: Uint8Array): OcspResponse =>
      makeOcsp({
        signer: root,
        certificates: [],
        answers: [
          answerDer(root.certificate, issuing.certificate.serialNumber, status === undefined ? {} : { status }),
        ],
      })
    check([response(), ofRoot()], { crls: [] })
    unknown([response()], { crls: [] })
    unknown([ofRoot()], { crls: [] })
    isRevoked([response(), ofRoot(revokedStatus())], { crls: [] })
  })
})

describe('OCSP: bound to the certificate and its issuer', () => {
  it.each(DIGESTS)('REV-01: accepts a CertID with %s', (digest) => {
    check([response({ answers: [about({ digest })] })])
    isRevoked([response({ answers: [revokedAnswer({ digest })] })])
  })

  it.each(DIGESTS)('REV-01: does not accept one with %s of another name or another key', (digest) => {
    const namesake = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: keyFor('another Issuing') })
    const samekey = makeCertificate({ subject: 'Other', issuer: root, ca: true, key: issuing.key })
    for (const { certificate } of [namesake, samekey, root, node]) {
      unknown([response({ answers: [answerDer(certificate, serialNumber, { digest })] })])
      // Nor is it revoked by what is said of others.
      check([
        response({ answers: [answerDer(certificate, serialNumber, { digest, status: revokedStatus() })] }),
        response(),
      ])
    }
  })

  it('REV-01: does not accept a digest that is not known, or one under the name of another', () => {
    const { der } = certIdOf(issuing.certificate, serialNumber)
    const algorithm = (oidDer: string): Uint8Array =>
      editDer(der, [0, 0], () => new Uint8Array(Buffer.from(oidDer, 'hex')))
    // MD5, and SHA-256 over the digests of SHA-1.
    for (const oidDer of ['06082a864886f70d0205', '0609608648016503040201']) {
      unknown([response({ answers: [about({ idDer: algorithm(oidDer) })] })])
    }
  })

  it('REV-01: a good answer about another serial number says nothing, however alike', () => {
    const others = ['01', serialNumber.slice(2), `${serialNumber.slice(0, -2)}00`, `01${serialNumber.slice(2)}`]
    for (const other of others) {
      unknown([response({ answers: [answerDer(issuing.certificate, other)] })])
      check([response({ answers: [answerDer(issuing.certificate, other, { status: revokedStatus() }), about()] })])
    }
  })

  it('REV-01: of two answers in either order, the one about the certificate counts', () => {
    const other = answerDer(issuing.certificate, '77')
    for (const answers of [
      [other, revokedAnswer()],
      [revokedAnswer(), other],
      [about({ digest: 'sha256' }), revokedAnswer()],
      [revokedAnswer({ digest: 'sha512' }), about()],
      [about(), revokedAnswer()],
      [revokedAnswer(), about()],
    ]) {
      isRevoked([response({ answers })])
    }
    check([response({ answers: [answerDer(issuing.certificate, '77', { status: revokedStatus() }), about()] })])
  })

  it('REV-01: an answer that does not know, beside a good one, is in doubt', () => {
    for (const answers of [
      [about(), about({ status: UNKNOWN })],
      [about({ status: UNKNOWN }), about()],
    ]) {
      unknown([response({ answers })])
    }
  })

  it('REV-01: a response without answers says nothing', () => {
    unknown([response({ answers: [] })])
    unknown([])
  })

  it('of several responses one that revokes is enough, in any order; else one that is good', () => {
    const good = response()
    const bad = response({ answers: [revokedAnswer()] })
    const silent = response({ answers: [about({ status: UNKNOWN })] })
    for (const responses of [
      [good, bad],
      [bad, good],
      [silent, bad],
      [good, silent, bad],
    ]) {
      isRevoked(responses)
    }
    check([silent, good])
    check([good, silent])
  })
})

describe('OCSP: who may answer (RFC 6960 §4.2.2.2)', () => {
  const by = (signer: Holder, parts: Partial<OcspParts> = {}): OcspResponse =>
    makeOcsp({ signer, answers: [about()], ...parts })

  it.each([
    ['by its key', byKey],
    ['by its name', byName],
  ])('REV-02: the CA itself, which the response names %s', (_, name) => {
    check([by(issuing, { responder: name(issuing.certificate), certificates: [] })])
    check([by(issuing, { responder: name(issuing.certificate) })])
  })

  it.each([
    ['by its key', byKey],
    ['by its name', byName],
  ])('REV-02: a responder that the CA authorised, which the response names %s', (_, name) => {
    check([by(responder, { responder: name(responder.certificate) })])
    isRevoked([by(responder, { responder: name(responder.certificate), answers: [revokedAnswer()] })])
  })

  it('REV-02: a responder of any allowed kind of key', () => {
    for (const algorithm of ['p384', 'ed25519', 'rsa2048', 'ml-dsa-44'] as const) {
      check([by(makeResponder(issuing, { algorithm }))])
    }
  })

  const other = makeCertificate({ subject: 'Other', issuer: root, ca: true })
  const namesake = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, key: keyFor('another Issuing') })
  const strangers: readonly (readonly [claim: string, signer: Holder, why: RegExp])[] = [
    ['a sibling without any purpose', makeResponder(issuing, { purposes: [] }), /not for this purpose/],
    ['a server of the same CA', makeResponder(issuing, { purposes: [OID.kpServerAuth] }), /not for this purpose/],
    ['a sibling for any purpose', makeResponder(issuing, { purposes: [OID.anyExtendedKeyUsage] }), /this purpose/],
    ['a sibling that is a CA', makeResponder(issuing, { ca: true }), /CA certificate is not for this purpose/],
    ['one without key usage', makeResponder(issuing, { keyUsage: [] }), /key usage/],
    ['one whose key may not sign', makeResponder(issuing, { keyUsage: ['keyEncipherment'] }), /key usage/],
    ['a responder of another CA', makeResponder(other), /not authorised by the CA/],
    ['a responder of the root', makeResponder(root), /not authorised by the CA/],
    ['a responder of a CA of the same name', makeResponder(namesake), /not authorised by the CA/],
    [
      'a responder whose certificate has our signature under another name',
      makeResponder({ certificate: other.certificate, key: issuing.key }),
      /not authorised by the CA/,
    ],
    ['another CA', other, /not authorised by the CA/],
    ['the root', root, /./],
    ['a CA of the same name', namesake, /./],
    ['the node itself', node, /not for this purpose/],
    ['one whose life is over', makeResponder(issuing, { notAfter: addSeconds(NOW, -1) }), /not valid now/],
    ['one whose life has not begun', makeResponder(issuing, { notBefore: addSeconds(NOW, 1) }), /not valid now/],
    [
      'one with a critical extension that is not known',
      makeResponder(issuing, { moreExtensionsDer: [encodeOcspNoCheck(), unknownExtension(true)] }),
      /unknown critical extension/,
    ],
  ]

  it.each(strangers)('REV-02: not %s', (_, signer, why) => {
    for (const name of [byKey, byName]) {
      const one = by(signer, { responder: name(signer.certificate) })
      expect(unknown([one]).message).toMatch(why)
      // It does not revoke either, and takes nothing from one that is authorised.
      const slander = by(signer, { responder: name(signer.certificate), answers: [revokedAnswer()] })
      check([one, slander, response()])
      const error = expectCode('ERR_OCSP_RESPONDER', () =>
        verifyOcspResponse(one, { issuer: issuing.certificate, at: NOW }),
      )
      expect(error.message).toMatch(why)
    }
  })

  it('REV-02: a self-signed certificate with the name of the CA and the purpose authorises nobody', () => {
    const self = makeCertificate({
      subject: 'Issuing',
      key: keyFor('thief'),
      purposes: [OID.kpOcspSigning],
      moreExtensionsDer: [encodeOcspNoCheck()],
    })
    unknown([by(self)])
    unknown([by(self, { responder: byName(issuing.certificate) })])
    unknown([by(makeResponder({ certificate: issuing.certificate, key: keyFor('thief') }))])
  })

  it('REV-02: the key of the CA in another certificate is the CA only by the name of the CA', () => {
    // The key hash fits the CA, and so does the signature: it is the CA that signed.
    const alias = makeCertificate({ subject: 'alias', issuer: issuing, key: issuing.key })
    check([by(alias, { responder: byKey(alias.certificate) })])
    unknown([by(alias, { responder: byName(alias.certificate) })])
  })

  it('REV-02: a key hash that fits is not a signature', () => {
    const forged = by(
      { certificate: responder.certificate, key: keyFor('thief') },
      { responder: byKey(responder.certificate) },
    )
    expect(unknown([forged]).message).toContain('its signature does not verify')
    const asCa = by(
      { certificate: issuing.certificate, key: keyFor('thief') },
      { responder: byKey(issuing.certificate), certificates: [] },
    )
    expect(unknown([asCa]).message).toContain('its signature does not verify')
  })

  it('REV-02: the certificate of the responder must be the one that is named', () => {
    const second = makeResponder(issuing, { subject: 'second' })
    for (const name of [byKey, byName]) {
      expect(unknown([by(responder, { responder: name(second.certificate) })]).message).toContain('is not there')
    }
    expect(unknown([by(responder, { certificates: [] })]).message).toContain('is not there')
    unknown([by(responder, { certificates: [second.certificate] })])
  })

  it('REV-02: strangers among the certificates do not matter, wherever they stand', () => {
    const crowd = strangers.map(([, { certificate }]) => certificate).slice(0, 12)
    check([by(responder, { certificates: [...crowd, responder.certificate] })])
    check([by(responder, { certificates: [responder.certificate, ...crowd] })])
    // Certificates that have the name and are not authorised stand before the one that is.
    const impostors = ['a', 'b', 'c'].map(
      (owner) => makeResponder(issuing, { key: keyFor(owner), purposes: [] }).certificate,
    )
    check([
      by(responder, {
        responder: byName(responder.certificate),
        certificates: [...impostors, responder.certificate],
      }),
    ])
  })

  it('REV-02: of two certificates for one key, the authorised one counts, in either order', () => {
    const plain = makeResponder(issuing, { purposes: [OID.kpClientAuth], key: responder.key }).certificate
    check([by(responder, { certificates: [plain, responder.certificate] })])
    check([by(responder, { certificates: [responder.certificate, plain] })])
    unknown([by(responder, { certificates: [plain] })])
  })

  it('REV-02: an altered response is nobody’s', () => {
    const { der } = by(responder)
    for (const offset of [1, 80, 150]) {
      const broken = Uint8Array.from(der, (octet, index) => (index === der.length - offset ? octet ^ 1 : octet))
      let parsed: OcspResponse
      try {
        parsed = parseOcspResponse(broken)
      } catch {
        continue
      }
      unknown([parsed])
    }
  })
})

describe('OCSP: whether the responder is revoked (RFC 6960 §4.2.2.2.1)', () => {
  const asked = makeResponder(issuing, { noCheck: false })
  const exempt = makeResponder(issuing, { subject: 'exempt' })
  const by = (signer: Holder): OcspResponse => makeOcsp({ signer, answers: [about()] })
  const listingOf = (...holders: readonly Holder[]): Promise<Crl> =>
    makeCrl({ issuer: issuing, revoked: holders.map(({ certificate }) => revoked(certificate.serialNumber)) })

  it('REV-02: without nocheck a CRL has to say that it is not', async () => {
    const verify = (...crls: readonly Crl[]): unknown =>
      verifyOcspResponse(by(asked), { issuer: issuing.certificate, at: NOW, crls })
    expect(unknown([by(asked)]).message).toContain('whether its responder is revoked is not known')
    const error = expectCode('ERR_OCSP_RESPONDER', () => verify())
    expect(error.details['issuer']).toBe('CN=Issuing')
    expectCode('ERR_OCSP_RESPONDER', () => verify(rootCrl))
    verify(goodCrl)
    verify(await listingOf(exempt))
    check([by(asked)], { crls: [rootCrl, goodCrl] })
  })

  it('REV-02: a revoked one answers no more; with nocheck nobody asks', async () => {
    const crls = [await listingOf(asked, exempt)]
    const verify = (signer: Holder): unknown =>
      verifyOcspResponse(by(signer), { issuer: issuing.certificate, at: NOW, crls })
    expect(expectCode('ERR_OCSP_RESPONDER', () => verify(asked)).message).toMatch(/believed: its responder is revoked$/)
    verify(exempt)
    // That it is revoked is not unknown, whatever is allowed where something is.
    const slander = makeOcsp({ signer: asked, answers: [revokedAnswer()] })
    check([slander], { crls: [rootCrl, ...crls], unknownStatus: 'allow' })
  })

  it('REV-02: an old CRL that revokes it still does; one that does not list it says nothing', async () => {
    const old = { thisUpdate: addSeconds(NOW, -2 * DAY), nextUpdate: addSeconds(NOW, -DAY) }
    const verify = (crl: Crl): unknown =>
      verifyOcspResponse(by(asked), { issuer: issuing.certificate, at: NOW, crls: [crl] })
    const entries = [revoked(asked.certificate.serialNumber)]
    expect(
      expectCode('ERR_OCSP_RESPONDER', () =>
        verify(rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, ...old })),
      ).message,
    ).toContain('is not known')
    const crl = await makeCrl({ issuer: issuing, revoked: entries, ...old })
    expect(expectCode('ERR_OCSP_RESPONDER', () => verify(crl)).message).toContain('its responder is revoked')
  })

  it('REV-02: its own response does not speak for it', () => {
    const own = makeOcsp({
      signer: asked,
      answers: [about(), answerDer(issuing.certificate, asked.certificate.serialNumber)],
    })
    unknown([own])
  })

  it('where it is spelt out that unknown status is allowed, that of the responder is, too', () => {
    check([by(asked)], { unknownStatus: 'allow' })
  })
})

describe('OCSP: freshness (RFC 6960 §4.2.2.1, §4.4.4)', () => {
  const at = (answer: AnswerParts, parts: Partial<OcspParts> = {}): readonly OcspResponse[] => [
    response({ answers: [about(answer)], ...parts }),
  ]

  it('REV-03: a good answer of the future is none; a revoked one of the future revokes only then', () => {
    const future = { thisUpdate: addSeconds(NOW, 1) }
    expect(unknown(at(future)).message).toContain('begins only at')
    unknown(at({ ...future, status: revokedStatus() }))
    check(at({ thisUpdate: NOW }))
    isRevoked(at({ thisUpdate: NOW, status: revokedStatus() }))
  })

  it('REV-03: a good answer ends with nextUpdate; that it is revoked does not', () => {
    const past = { nextUpdate: addSeconds(NOW, -1) }
    expect(unknown(at(past)).message).toContain('ended at')
    check(at({ nextUpdate: NOW }))
    isRevoked(at({ ...past, status: revokedStatus() }))
    isRevoked([...at({ ...past, status: revokedStatus() }), response()])
  })

  it('REV-03: an end before the beginning is never now', () => {
    unknown(at({ thisUpdate: NOW, nextUpdate: addSeconds(NOW, -HOUR) }))
    unknown(at({ thisUpdate: addSeconds(NOW, HOUR), nextUpdate: addSeconds(NOW, -HOUR) }))
  })

  it('REV-03: without nextUpdate it is current only for who says for how long', () => {
    const open = { nextUpdate: 'absent', thisUpdate: addSeconds(NOW, -HOUR) } as const
    expect(unknown(at(open)).message).toContain('does not say when it ends')
    check(at(open), { maxAgeSeconds: HOUR })
    expect(unknown(at(open), { maxAgeSeconds: HOUR - 1 }).message).toContain('older than allowed')
    isRevoked(at({ ...open, status: revokedStatus() }))
  })

  it('REV-03: whoever says for how long is not outdone by nextUpdate', () => {
    const parts = { thisUpdate: addSeconds(NOW, -DAY), nextUpdate: addSeconds(NOW, DAY) }
    check(at(parts))
    check(at(parts), { maxAgeSeconds: DAY, crls: [rootCrl] })
    unknown(at(parts), { maxAgeSeconds: DAY - 1, crls: [rootCrl] })
    unknown(at({ ...parts, nextUpdate: addSeconds(NOW, -1) }), { maxAgeSeconds: 10 * DAY })
  })

  it('REV-03: one that was made before or after the life of the certificate is not about it', () => {
    check(at({}, { producedAt: NOT_BEFORE }))
    check(at({}, { producedAt: NOT_AFTER }))
    for (const producedAt of [addSeconds(NOT_BEFORE, -1), addSeconds(NOT_AFTER, 1)]) {
      expect(unknown(at({}, { producedAt })).message).toContain('before or after its life')
      unknown(at({ status: revokedStatus() }, { producedAt }))
    }
  })

  it('REV-03: a good answer kept across a revocation gives way to the newer one, and to a CRL', () => {
    const kept = response({ producedAt: addSeconds(NOW, -HOUR) })
    check([kept])
    isRevoked([kept, response({ answers: [revokedAnswer()] })])
    isRevoked([kept], { crls: [rootCrl, listing] })
    check([kept])
  })

  it('an instant that is none makes nothing current', () => {
    const never = new Date(Number.NaN)
    expect(() => validate(whole, { at: never, revocation: { crls: [rootCrl], ocspResponses: [response()] } })).toThrow()
    expectCode('ERR_OCSP_RESPONDER', () =>
      verifyOcspResponse(makeOcsp({ signer: responder, answers: [about()] }), {
        issuer: issuing.certificate,
        at: never,
      }),
    )
  })
})

describe('OCSP: the nonce (RFC 9654)', () => {
  const nonce = Buffer.alloc(32, 7)
  const others: readonly (readonly [claim: string, nonce: Uint8Array | undefined])[] = [
    ['missing', undefined],
    ['another', Buffer.alloc(32, 8)],
    ['shorter', nonce.subarray(1)],
    ['longer', Buffer.concat([nonce, Buffer.of(7)])],
  ]

  it('REV-03: is repeated where one was sent', () => {
    check([response({ nonce })], { ocspNonce: nonce })
    verifyOcspResponse(response({ nonce }), { issuer: issuing.certificate, at: NOW, nonce })
  })

  it.each(others)('REV-03: one that is %s answers another question', (_, found) => {
    const replayed = response(found === undefined ? {} : { nonce: found })
    expect(unknown([replayed], { ocspNonce: nonce }).message).toContain('nonce')
    check([replayed, response({ nonce })], { ocspNonce: nonce })
    // A revocation in it is not believed either: it may be about somebody else's question; nor is it a good one.
    unknown([response({ answers: [revokedAnswer()], ...(found === undefined ? {} : { nonce: found }) })], {
      ocspNonce: nonce,
    })
    expectCode('ERR_OCSP_NONCE', () => verifyOcspResponse(replayed, { issuer: issuing.certificate, at: NOW, nonce }))
  })

  it('does not matter where none was sent', () => {
    check([response({ nonce })])
    verifyOcspResponse(response({ nonce }), { issuer: issuing.certificate, at: NOW })
  })
})

describe('OCSP: what is not understood', () => {
  it('a critical extension of the response, or of the answer, makes it unusable; one that is not critical does not', () => {
    const inResponse = (critical: boolean): OcspResponse => response({ extensions: [unknownExtension(critical)] })
    const inAnswer = (critical: boolean): OcspResponse =>
      response({ answers: [about({ extensions: [unknownExtension(critical)] })] })
    for (const make of [inResponse, inAnswer]) {
      expect(unknown([make(true)]).message).toContain('critical extension')
      check([make(false)])
      check([make(true), response()])
    }
    unknown([response({ answers: [about(), about({ extensions: [unknownExtension(true)] })] })])
    // A revocation that it qualifies in a way that is not understood is not known either.
    unknown([response({ answers: [revokedAnswer({ extensions: [unknownExtension(true)] })] })])
  })

  it('a nonce may be critical in a response, and nothing else may', () => {
    const critical = response({
      extensions: [extensionDer(OID.ocspNonce, true, encodeOctetString(Buffer.alloc(8, 1)))],
    })
    check([critical])
  })
})

describe('OCSP: errors instead of answers (RFC 6960 §2.3)', () => {
  const statuses = [
    'malformedRequest',
    'internalError',
    'tryLater',
    'sigRequired',
    'unauthorized',
  ] as const satisfies readonly OcspStatus[]

  it.each(statuses)('REV-02: %s answers nothing', (status) => {
    const failed = createOcspError(status)
    expect(unknown([failed]).message).toContain(`the OCSP responder said ${status}`)
    check([failed, response()])
    check([response(), failed])
    isRevoked([failed, response({ answers: [revokedAnswer()] })])
    const error = expectCode('ERR_OCSP_NO_ANSWER', () =>
      verifyOcspResponse(failed, { issuer: issuing.certificate, at: NOW }),
    )
    expect(error.details).toEqual({ status })
  })
})

describe('OCSP and CRLs together', () => {
  const good = response()
  const bad = response({ answers: [revokedAnswer()] })
  const silent = response({ answers: [about({ status: UNKNOWN })] })

  it('whoever says that it is revoked is believed over who says that it is good', () => {
    isRevoked([good], { crls: [rootCrl, listing] })
    isRevoked([bad], { crls: [rootCrl, goodCrl] })
    isRevoked([silent], { crls: [rootCrl, listing] })
  })

  it('either alone is enough', () => {
    check([], { crls: [rootCrl, goodCrl] })
    check([good])
    check([silent], { crls: [rootCrl, goodCrl] })
    const old = rawCrl({
      issuer: issuing.certificate.subject,
      key: issuing.key,
      nextUpdate: addSeconds(NOW, -1),
    })
    check([good], { crls: [rootCrl, old] })
  })

  it('where neither answers, both say why', () => {
    const { message } = unknown([silent])
    expect(message).toMatch(/there is no CRL of its issuer, and the OCSP responder does not know it$/)
    expect(unknown([]).message).toMatch(/there is no CRL of its issuer$/)
  })

  it('unknown status is allowed only by who says so, and then the path does not count as checked', () => {
    const allow = { unknownStatus: 'allow' } as const
    expect(check([silent], allow).revocation).toBe('not checked')
    expect(check([], { ...allow, crls: [] }).revocation).toBe('not checked')
    isRevoked([bad], allow)
    isRevoked([], { ...allow, crls: [rootCrl, listing] })
    unknown([silent], { unknownStatus: 'refuse' })
  })
})

describe('verifyOcspResponse', () => {
  const delegated = makeOcsp({ signer: responder, answers: [about()] })

  it('hands out the certificate of who signed', () => {
    const request = { issuer: issuing.certificate, at: NOW }
    expect(verifyOcspResponse(response(), request)).toBe(issuing.certificate)
    expect(verifyOcspResponse(delegated, request).der).toEqual(responder.certificate.der)
  })

  it('says nothing about what is answered, or when: that is for the path', () => {
    const old = about({ nextUpdate: addSeconds(NOW, -DAY), status: revokedStatus() })
    verifyOcspResponse(response({ answers: [old] }), { issuer: issuing.certificate, at: NOW })
    verifyOcspResponse(response({ answers: [] }), { issuer: issuing.certificate, at: NOW })
  })

  it.each([
    ['ERR_OCSP_NO_ANSWER', createOcspError('tryLater')],
    ['ERR_OCSP_NONCE', delegated],
    ['ERR_OCSP_RESPONDER', makeOcsp({ signer: node, answers: [about()], nonce: Buffer.alloc(32, 7) })],
  ] as const satisfies readonly (readonly [ErrorCode, OcspResponse])[])('refuses with %s', (code, refused) => {
    const error = expectCode(code, () =>
      verifyOcspResponse(refused, { issuer: issuing.certificate, at: NOW, nonce: Buffer.alloc(32, 7) }),
    )
    expect(error.exitCode).toBe(4)
  })

  it('another CA, and another key of the same name, did not authorise it', () => {
    for (const change of [{ subject: 'Other' }, { key: keyFor('another Issuing') }] as readonly CertificateOptions[]) {
      const { certificate } = makeCertificate({ subject: 'Issuing', issuer: root, ca: true, ...change })
      for (const one of [response(), delegated]) {
        expectCode('ERR_OCSP_RESPONDER', () => verifyOcspResponse(one, { issuer: certificate, at: NOW }))
      }
    }
  })

  it('makes no more signatures than a budget allows, however many certificates are sent along', () => {
    const many = Array.from({ length: 16 }, (_, index) => makeResponder(issuing, { key: keyFor(`many ${index}`) }))
    const crowded = makeOcsp({
      signer: { certificate: responder.certificate, key: keyFor('thief') },
      responder: byName(responder.certificate),
      answers: [about()],
      certificates: many.map(({ certificate }) => certificate),
    })
    expectCode('ERR_OCSP_RESPONDER', () => verifyOcspResponse(crowded, { issuer: issuing.certificate, at: NOW }))
    const twenty = Array.from({ length: 20 }, () => parseOcspResponse(crowded.der))
    expectCode('ERR_LIMIT_EXCEEDED', () => check(twenty))
  })
})

describe('OCSP: made by the library', () => {
  it('a response of createOcspResponse is believed, signed by the CA or by its responder', async () => {
    const id = certIdOf(issuing.certificate, serialNumber)
    const nonce = Buffer.alloc(16, 3)
    for (const { certificate, key } of [issuing, responder]) {
      const answers = [{ id, status: { kind: 'good' }, thisUpdate: NOW, nextUpdate: addSeconds(NOW, HOUR) }] as const
      const template = { signer: certificate, producedAt: NOW, nonce, answers, certificates: [certificate] }
      const made = await createOcspResponse(template, key)
      check([made], { ocspNonce: nonce })
      unknown([made], { ocspNonce: Buffer.alloc(16, 4) })
    }
  })
})
