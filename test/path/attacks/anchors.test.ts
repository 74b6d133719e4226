/** What is believed from the start: named attacks on anchors and pinned certificates. */
import crypto from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeBitString, encodeUnsigned, OID } from '../../../src/asn1/index.js'
import type { ErrorCode } from '../../../src/errors/index.js'
import { type PathRequest, STRICTNESS, validatePath } from '../../../src/path/index.js'
import { addSeconds } from '../../../src/time/index.js'
import { type Certificate, parseCertificate } from '../../../src/x509/index.js'
import { keyFor, makeCertificate, NOT_AFTER, NOW } from '../../support/certificates.js'
import { editDer, elementAt } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { extensionDer, hierarchy, nodeExtensions, validate } from '../../support/hierarchy.js'
import { dns, verdictOf } from './forge.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const { root, issuing, node } = whole

describe('PATH-07: no anchors', () => {
  const request = (anchors: unknown): PathRequest => ({
    anchors: anchors as readonly Certificate[],
    intermediates: [issuing.certificate, root.certificate],
    at: NOW,
    purpose: 'server',
    revocation: 'allow-unchecked',
  })

  it('PATH-07: an empty list is a refusal, whatever the sender brought along', () => {
    expect(validatePath(node.certificate, request([root.certificate])).anchor).toBe(root.certificate)
    expectCode('ERR_TRUST_NO_ANCHOR', () => validatePath(node.certificate, request([])))
    expectCode('ERR_TRUST_NO_ANCHOR', () => validatePath(root.certificate, request([])))
  })

  it.each([undefined, null, '', 0, 'false', false, {}, [undefined], [null], ['']])(
    'PATH-07: %j instead of a list is never taken for everybody',
    (anchors) => {
      for (const { certificate } of [node, issuing, root]) {
        expect(() => validatePath(certificate, request(anchors))).toThrow()
      }
    },
  )

  it.each([undefined, null, '', 0, 'false', false, 'unchecked', {}, []])(
    'PATH-07: %j instead of a revocation policy is never taken for leave not to look',
    (revocation) => {
      const wrong = { ...request([root.certificate]), revocation } as unknown as PathRequest
      expect(() => validatePath(node.certificate, wrong)).toThrow()
    },
  )

  it.each([undefined, null, '', 0, false, 'any', 'constructor', '__proto__', {}])(
    'PATH-07: %j instead of a purpose is never taken for any',
    (purpose) => {
      const wrong = { ...request([root.certificate]), purpose } as unknown as PathRequest
      expect(() => validatePath(node.certificate, wrong)).toThrow()
    },
  )

  it('PATH-07: an anchor that has expired anchors nothing, alone or before a good one', () => {
    const old = hierarchy({ root: { notAfter: addSeconds(NOW, -1) } }).root
    expectCode('ERR_PATH_EXPIRED', () => validate(whole, { anchors: [old.certificate] }))
    const path = validate(whole, { anchors: [old.certificate, root.certificate] })
    expect(path.anchor).toBe(root.certificate)
  })
})

describe('PATH-08: a pinned certificate is matched by all of its octets', () => {
  const pinned = makeCertificate({ subject: 'pinned', issuer: issuing, purposes, serialNumber: '2a' })
  const check = (certificate: Certificate): ErrorCode | 'accepted' =>
    verdictOf(() =>
      validatePath(certificate, {
        anchors: [pinned.certificate],
        at: NOW,
        purpose: 'server',
        revocation: 'allow-unchecked',
      }),
    ) as ErrorCode | 'accepted'
  const identifier = pinned.certificate.subjectKeyIdentifier ?? new Uint8Array()
  const thief = keyFor('thief')

  it('PATH-08: the certificate itself, and a copy of its octets, are believed', () => {
    expect(check(pinned.certificate)).toBe('accepted')
    expect(check(parseCertificate(Uint8Array.from(pinned.certificate.der)))).toBe('accepted')
  })

  it('PATH-08: one that has its subject, issuer, serial number and key identifier, and another key, is not', () => {
    const claims = [
      ...nodeExtensions(),
      extensionDer(OID.subjectKeyIdentifier, false, Buffer.concat([Buffer.of(4, identifier.length), identifier])),
    ]
    const forger = { certificate: issuing.certificate, key: thief }
    const forged = makeCertificate({
      subject: 'pinned',
      issuer: forger,
      key: thief,
      serialNumber: '2a',
      extensionsDer: claims,
    })
    expect(forged.certificate.subjectKeyIdentifier).toEqual(identifier)
    expect(forged.certificate.serialNumber).toBe(pinned.certificate.serialNumber)
    expect(forged.certificate.issuer.equals(pinned.certificate.issuer)).toBe(true)
    expect(check(forged.certificate)).toBe('ERR_PATH_NOT_FOUND')
    // Signed by itself and by the pinned name: that name is no CA.
    const own = makeCertificate({ subject: 'pinned', key: thief, serialNumber: '2a', extensionsDer: claims })
    expect(check(own.certificate)).not.toBe('accepted')
    const below = makeCertificate({ subject: 'below', issuer: pinned, purposes })
    expect(check(below.certificate)).toBe('ERR_PATH_NOT_CA')
  })

  it('PATH-08: it issues nothing, unless anchors are taken for a name and a key alone', () => {
    const below = makeCertificate({ subject: 'below', issuer: pinned, purposes })
    for (const [name, strictness] of Object.entries(STRICTNESS)) {
      const ask = (certificate: Certificate): string =>
        verdictOf(() =>
          validatePath(certificate, {
            anchors: [pinned.certificate],
            at: NOW,
            purpose: 'server',
            revocation: 'allow-unchecked',
            strictness,
          }),
        )
      expect([name, ask(pinned.certificate)]).toEqual([name, 'accepted'])
      // RFC 5280 §6.1.1 (d), which is why it is not the default.
      const expected = strictness.anchorConstraints === 'allow-ignored' ? 'accepted' : 'ERR_PATH_NOT_CA'
      expect([name, ask(below.certificate)]).toEqual([name, expected])
    }
  })

  it('PATH-08: one with the same signed octets and its signature in another form is not', () => {
    // An ECDSA signature (r, s) has a twin (r, n - s), which verifies as well.
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const signature = pinned.certificate.signatureValue
    const s = BigInt(`0x${Buffer.from(elementAt(signature, [1]).subarray(2)).toString('hex')}`)
    const twinS = encodeUnsigned(Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'))
    const twin = editDer(pinned.certificate.der, [2], () => encodeBitString(editDer(signature, [1], () => twinS)))
    const other = parseCertificate(twin)
    expect(crypto.verify('sha256', other.tbsDer, issuing.key.publicKey.keyObject, other.signatureValue)).toBe(true)
    expect(check(other)).toBe('ERR_PATH_NOT_FOUND')
  })

  it.each([
    ['another end', { notAfter: addSeconds(NOT_AFTER, 1) }],
    ['a name more', { names: [dns('more.cloud.example')] }],
    ['another purpose beside', { purposes: [...purposes, OID.kpClientAuth] }],
    ['another serial number', { serialNumber: '2b' }],
  ])('PATH-08: one by the same CA for the same key with %s is not', (_claim, change) => {
    const other = makeCertificate({ subject: 'pinned', issuer: issuing, purposes, serialNumber: '2a', ...change })
    expect(check(other.certificate)).toBe('ERR_PATH_NOT_FOUND')
  })
})
