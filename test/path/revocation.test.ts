import { describe, expect, it } from 'vitest'
import { encodeContext, encodeEnumerated, encodeSequence, OID } from '../../src/asn1/index.js'
import { createCrlMemory } from '../../src/path/index.js'
import { addSeconds, DAY } from '../../src/time/index.js'
import { type Crl, parseCrl, REVOCATION_REASONS, type RevocationReason } from '../../src/x509/index.js'
import { keyFor, makeCertificate, makeCrl, NOW, revoked } from '../support/certificates.js'
import { editContent, fromHex } from '../support/der.js'
import { expectCode } from '../support/expect-code.js'
import { extensionDer, hierarchy, type RawCrl, rawCrl, unknownExtension, validate } from '../support/hierarchy.js'

const whole = hierarchy()
const { root, issuing, node } = whole
const { serialNumber, serialNumberOctets } = node.certificate
const rootCrl = await makeCrl({ issuer: root })
const good = await makeCrl({ issuer: issuing })
const listing = await makeCrl({ issuer: issuing, crlNumber: 2, revoked: [revoked(serialNumber, 'keyCompromise')] })

const check = (...crls: readonly Crl[]): unknown => validate(whole, { revocation: { crls } })
const raw = (options: Partial<RawCrl>): Crl =>
  rawCrl({ issuer: issuing.certificate.subject, key: issuing.key, ...options })
const entry = (...extensionsDer: readonly Uint8Array[]): NonNullable<RawCrl['entries']> => [
  { serialNumberOctets, extensionsDer },
]

describe('revocation: the answer of CRLs (RFC 5280 §6.3)', () => {
  it('accepts where a current CRL of every issuer does not list the certificate', () => {
    check(rootCrl, good)
    check(good, rootCrl)
  })

  it.each(Object.keys(REVOCATION_REASONS).filter((reason) => reason !== 'removeFromCRL') as RevocationReason[])(
    'refuses a certificate that is listed for the reason %s',
    async (reason) => {
      const crl = await makeCrl({ issuer: issuing, revoked: [revoked('77'), revoked(serialNumber, reason)] })
      const error = expectCode('ERR_REVOKED', () => check(rootCrl, crl))
      expect(error.details).toMatchObject({ serialNumber, reason, subject: 'CN=node' })
    },
  )

  it('refuses where the issuing CA is listed by the root', async () => {
    const crl = await makeCrl({ issuer: root, revoked: [revoked(issuing.certificate.serialNumber, 'cACompromise')] })
    expectCode('ERR_REVOKED', () => check(crl, good))
  })

  it('believes no full CRL that says removeFromCRL, which only a delta CRL may (§5.3.1)', () => {
    const odd = raw({ entries: entry(extensionDer(OID.reasonCode, false, encodeEnumerated(8))) })
    expectCode('ERR_REVOCATION_UNKNOWN', () => check(rootCrl, odd))
    check(rootCrl, odd, good)
  })

  it('does not take one serial number for another that begins or ends alike', async () => {
    const others = [serialNumber.slice(2), `${serialNumber.slice(0, -2)}00`, `01${serialNumber.slice(0, 36)}`]
    check(rootCrl, await makeCrl({ issuer: issuing, revoked: others.map((other) => revoked(other)) }))
  })

  it('does not take the same serial number of another issuer for this one', async () => {
    const other = makeCertificate({ subject: 'Other', ca: true })
    check(rootCrl, good, await makeCrl({ issuer: other, revoked: [revoked(serialNumber)] }))
  })
})

describe('revocation: no answer is a refusal', () => {
  it('REV-04: refuses without CRLs, and with those of others only', () => {
    expectCode('ERR_REVOCATION_UNKNOWN', () => check())
    expectCode('ERR_REVOCATION_UNKNOWN', () => check(rootCrl))
    expectCode('ERR_REVOCATION_UNKNOWN', () => check(good))
    const other = makeCertificate({ subject: 'Other', ca: true })
    const foreign = rawCrl({ issuer: other.certificate.subject, key: other.key })
    expectCode('ERR_REVOCATION_UNKNOWN', () => check(rootCrl, foreign))
  })

  const unusable: readonly (readonly [claim: string, crl: Crl])[] = [
    ['that ended a second ago', raw({ nextUpdate: addSeconds(NOW, -1) })],
    ['that begins in a second', raw({ thisUpdate: addSeconds(NOW, 1) })],
    ['by another key of the same name', raw({ key: keyFor('another Issuing') })],
    [
      'by another key that hides its identifier',
      raw({ key: keyFor('another Issuing'), authorityKeyIdentifier: false }),
    ],
    ['with an unknown critical extension', raw({ moreExtensionsDer: [unknownExtension(true)] })],
    [
      'that is about CA certificates only',
      raw({ moreExtensionsDer: [extensionDer(OID.issuingDistributionPoint, true, fromHex('30038201ff'))] }),
    ],
    ['that is a delta', raw({ moreExtensionsDer: [extensionDer(OID.deltaCrlIndicator, true, fromHex('020101'))] })],
    [
      'with an unknown critical entry extension',
      raw({ entries: [{ serialNumberOctets: Uint8Array.of(9), extensionsDer: [unknownExtension(true)] }] }),
    ],
    [
      'of which a bit was flipped',
      parseCrl(editContent(good.der, [2], (content) => content.with(-1, (content.at(-1) ?? 0) ^ 1))),
    ],
    ['by an algorithm that is not allowed', weak()],
  ]

  it.each(unusable)('refuses with a CRL %s', (_claim, crl) => {
    expectCode('ERR_REVOCATION_UNKNOWN', () => check(rootCrl, crl))
    // A good one beside it is enough.
    check(rootCrl, crl, good)
    check(good, crl, rootCrl)
  })

  it('accepts a CRL that ends, or begins, this very second', () => {
    check(rootCrl, raw({ nextUpdate: NOW }))
    check(rootCrl, raw({ thisUpdate: NOW }))
  })

  it('accepts unknown extensions that are not critical', () => {
    check(
      rootCrl,
      raw({
        moreExtensionsDer: [unknownExtension(false)],
        entries: [{ serialNumberOctets: Uint8Array.of(9), extensionsDer: [unknownExtension(false)] }],
      }),
    )
  })

  it('accepts a CRL without key identifier that the issuer signed', () => {
    check(rootCrl, raw({ authorityKeyIdentifier: false }))
  })

  it('refuses CRLs of an issuer that may not sign them', async () => {
    const mute = hierarchy({ issuing: { keyUsage: ['keyCertSign'] } })
    const crls = [rootCrl, await makeCrl({ issuer: mute.issuing })]
    const error = expectCode('ERR_REVOCATION_UNKNOWN', () => validate(mute, { revocation: { crls } }))
    expect(error.message).toContain('may not sign CRLs')
  })

  it('accepts CRLs of an issuer without keyUsage', async () => {
    const plain = hierarchy({ issuing: { keyUsage: [] } })
    const crls = [rootCrl, await makeCrl({ issuer: plain.issuing })]
    expect(validate(plain, { revocation: { crls } }).revocation).toBe('checked')
  })
})

describe('revocation: once revoked, whatever else is at hand', () => {
  it('REV-05: a CRL that has ended still revokes', () => {
    const old = raw({ entries: entry(), nextUpdate: addSeconds(NOW, -DAY) })
    expectCode('ERR_REVOKED', () => check(rootCrl, old))
    expectCode('ERR_REVOKED', () => check(rootCrl, good, old))
  })

  it('REV-05: an older CRL beside the newest one does not bring a certificate back', () => {
    expectCode('ERR_REVOKED', () => check(rootCrl, good, listing))
    expectCode('ERR_REVOKED', () => check(rootCrl, listing, good))
  })

  it('a CRL of tomorrow revokes today', () => {
    expectCode('ERR_REVOKED', () => check(rootCrl, good, raw({ entries: entry(), thisUpdate: addSeconds(NOW, DAY) })))
  })

  it('a CRL that is not to be believed revokes nobody', () => {
    check(rootCrl, good, raw({ entries: entry(), key: keyFor('another Issuing') }))
  })

  it('a CRL that lists the certificate and cannot be used for another reason leaves the answer open', () => {
    expectCode('ERR_REVOCATION_UNKNOWN', () =>
      check(rootCrl, raw({ entries: entry(), moreExtensionsDer: [unknownExtension(true)] })),
    )
    expectCode('ERR_REVOCATION_UNKNOWN', () =>
      check(
        rootCrl,
        raw({
          entries: entry(
            extensionDer(OID.certificateIssuer, true, encodeSequence(encodeContext(4, root.certificate.subject.der))),
          ),
        }),
      ),
    )
  })

  it('PATH-27: the verdict on a CRL is kept for its issuer alone', () => {
    check(rootCrl, good)
    const stranger = hierarchy({ issuing: { key: keyFor('rekeyed Issuing') } })
    expectCode('ERR_REVOCATION_UNKNOWN', () => validate(stranger, { revocation: { crls: [rootCrl, good] } }))
    check(rootCrl, good)
  })

  it('is not asked where it is spelt out that it is not', () => {
    expect(validate(whole, { revocation: 'allow-unchecked' }).revocation).toBe('not checked')
  })
})

/** ecdsa-with-SHA256 → ecdsa-with-SHA224, inside and outside. */
function weak(): Crl {
  return parseCrl(fromHex(Buffer.from(good.der).toString('hex').replaceAll('2a8648ce3d040302', '2a8648ce3d040301')))
}

describe('revocation: what was seen before', () => {
  it('REV-05: a CRL with a lower number than one that was believed is refused, by who remembers', async () => {
    const crlMemory = createCrlMemory()
    const checkRemembering = (...crls: readonly Crl[]): unknown => validate(whole, { revocation: { crls, crlMemory } })
    const newer = await makeCrl({ issuer: issuing, crlNumber: 7 })
    checkRemembering(rootCrl, good)
    checkRemembering(rootCrl, newer)
    checkRemembering(rootCrl, newer)
    expectCode('ERR_REVOCATION_UNKNOWN', () => checkRemembering(rootCrl, good))
    check(rootCrl, good)
  })

  it('REV-05: nobody raises the number of a CRL that others must follow', async () => {
    const crlMemory = createCrlMemory()
    const forged = await makeCrl({ issuer: { ...issuing, key: keyFor('forger') }, crlNumber: 99 })
    const ask = (...crls: readonly Crl[]): unknown => validate(whole, { revocation: { crls, crlMemory } })
    ask(rootCrl, good, forged)
    ask(rootCrl, good)
  })
})
