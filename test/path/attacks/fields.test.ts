/** The fields of a certificate: named attacks on algorithms, serial numbers and versions. */
import { describe, expect, it } from 'vitest'
import {
  encodeContext,
  encodeContextPrimitive,
  encodeInteger,
  encodeNull,
  encodeObjectIdentifier,
  encodeSequence,
  OID,
} from '../../../src/asn1/index.js'
import type { ErrorCode } from '../../../src/errors/index.js'
import { PURPOSES, type PurposeName } from '../../../src/path/index.js'
import {
  buildName,
  encodeNameConstraints,
  generateSerial,
  parseCertificate,
  parseCrl,
} from '../../../src/x509/index.js'
import { type Holder, keyFor, makeCertificate, makeCrl, NOW, revoked } from '../../support/certificates.js'
import { editContent, editDer } from '../../support/der.js'
import { expectCode } from '../../support/expect-code.js'
import { hierarchy, validate } from '../../support/hierarchy.js'
import { dns, reissue, TBS, ocspGood, verdictOf } from './forge.js'

const purposes = [OID.kpServerAuth]
const whole = hierarchy()
const { root, issuing, node } = whole

describe('PATH-06: the signature algorithm outside is not the one inside', () => {
  const identifier = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
    encodeSequence(encodeObjectIdentifier(oid), ...parameters)
  const rsa = makeCertificate({ subject: 'RSA', algorithm: 'rsa2048', ca: true })

  it.each([
    ['another digest', node, identifier(OID.ecdsaWithSha384)],
    ['NULL where there was nothing', node, identifier(OID.ecdsaWithSha256, encodeNull())],
    ['nothing where there was NULL', rsa, identifier(OID.sha256WithRsa)],
    ['another digest of RSA', rsa, identifier(OID.sha512WithRsa, encodeNull())],
    ['SHA-1', rsa, identifier('1.2.840.113549.1.1.5', encodeNull())],
    ['an unknown algorithm', node, identifier('1.2.3.4')],
    ['parameters of another kind', rsa, identifier(OID.sha256WithRsa, encodeSequence())],
  ] as const)('PATH-06: in a certificate, outside or inside: %s', (_claim, { certificate }, other) => {
    expectCode('ERR_ALGORITHM_MISMATCH', () => parseCertificate(editDer(certificate.der, [1], () => other)))
    expectCode('ERR_ALGORITHM_MISMATCH', () =>
      parseCertificate(editDer(certificate.der, [0, ...TBS.algorithm], () => other)),
    )
  })

  it('PATH-06: in a CRL', async () => {
    const { der } = await makeCrl({ issuer: rsa, revoked: [revoked('09')] })
    expect(parseCrl(der).revokedCertificates).toHaveLength(1)
    for (const other of [identifier(OID.sha256WithRsa), identifier(OID.sha384WithRsa, encodeNull())]) {
      expectCode('ERR_ALGORITHM_MISMATCH', () => parseCrl(editDer(der, [1], () => other)))
      expectCode('ERR_ALGORITHM_MISMATCH', () => parseCrl(editDer(der, [0, 1], () => other)))
    }
  })

  it('PATH-06: an OCSP response, whose algorithm stands outside only, verifies by that one or not at all', async () => {
    const crls = [await makeCrl({ issuer: root })]
    const check = (algorithmDer: Uint8Array): string => {
      const ocspResponses = [ocspGood(issuing, node.certificate, { algorithmDer })]
      return verdictOf(() => validate(whole, { revocation: { crls, ocspResponses } }))
    }
    expect(check(identifier(OID.ecdsaWithSha256))).toBe('accepted')
    for (const other of [
      identifier(OID.ecdsaWithSha384),
      identifier(OID.ecdsaWithSha256, encodeNull()),
      identifier(OID.sha256WithRsa, encodeNull()),
      identifier('1.2.840.10045.4.1'),
      identifier('1.2.3.4'),
    ]) {
      expect(check(other)).toBe('ERR_REVOCATION_UNKNOWN')
    }
  })

  it('PATH-06: the key decides, too: an algorithm of another family is refused though both fields agree', () => {
    const other = identifier(OID.sha256WithRsa, encodeNull())
    const changed = editDer(
      editDer(node.certificate.der, [1], () => other),
      [0, ...TBS.algorithm],
      () => other,
    )
    expectCode('ERR_ALGORITHM_MISMATCH', () =>
      validate({ root, issuing, node: { key: node.key, certificate: parseCertificate(changed) } }),
    )
  })
})

describe('PATH-21: serial numbers that are none', () => {
  const rows: readonly (readonly [claim: string, content: Uint8Array, code: ErrorCode])[] = [
    ['zero', Uint8Array.of(0), 'ERR_SERIAL_MALFORMED'],
    ['negative', Uint8Array.of(0xff), 'ERR_SERIAL_MALFORMED'],
    ['negative and long', Uint8Array.of(0x80, ...new Uint8Array(19)), 'ERR_SERIAL_MALFORMED'],
    ['of 21 octets', Uint8Array.of(1, ...new Uint8Array(20)), 'ERR_SERIAL_MALFORMED'],
    ['of 21 octets, the first a sign', Uint8Array.of(0, 0xff, ...new Uint8Array(19)), 'ERR_SERIAL_MALFORMED'],
    ['of 4096 octets', new Uint8Array(4096).fill(1), 'ERR_SERIAL_MALFORMED'],
    ['with a leading zero', Uint8Array.of(0, 1), 'ERR_CERTIFICATE_MALFORMED'],
    ['empty', new Uint8Array(), 'ERR_CERTIFICATE_MALFORMED'],
  ]

  it.each(rows)('PATH-21: %s, in an end entity, a CA, a root', (_claim, content, code) => {
    const wrong = (holder: Holder, issuer: Holder): Holder =>
      reissue(holder, issuer, (tbs) => editContent(tbs, TBS.serial, () => content))
    expectCode(code, () => wrong(node, issuing))
    expectCode(code, () => wrong(issuing, root))
    expectCode(code, () => wrong(root, root))
  })

  it('PATH-21: none is issued, whatever the source of chance gives', () => {
    const sources = [0x00, 0xff, 0x80, 0x7f, 0x01].map((octet) => () => new Uint8Array(20).fill(octet))
    for (const source of sources) {
      let draws = 0
      // A source that is stuck at zero is asked again; the second answer ends it here.
      const serial = generateSerial(() => (draws++ === 0 ? source() : new Uint8Array(20).fill(0x41)))
      expect(serial).toHaveLength(20)
      expect(serial[0]).toBeGreaterThan(0)
      expect(serial[0]).toBeLessThan(0x80)
    }
  })
})

describe('PATH-28: versions and fields', () => {
  const versioned = (holder: Holder, issuer: Holder, version: number | undefined, keep: boolean): Holder =>
    reissue(holder, issuer, (tbs) => {
      const bare = keep ? tbs : editDer(tbs, TBS.explicitExtensions, () => [])
      return editDer(bare, TBS.version, () => (version === undefined ? [] : encodeContext(0, encodeInteger(version))))
    })

  it.each([
    ['version 1', undefined],
    ['version 2', 1],
  ] as const)('PATH-28: %s holds no purpose, issues nothing, and has no extensions', (_claim, version) => {
    const old = versioned(node, issuing, version, false)
    for (const purpose of Object.keys(PURPOSES) as PurposeName[]) {
      expectCode('ERR_PATH_PURPOSE', () => validate({ root, issuing, node: old }, { purpose }))
    }
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing: versioned(issuing, root, version, false), node }))
    expectCode('ERR_CERTIFICATE_MALFORMED', () => versioned(node, issuing, version, true))
  })

  it('PATH-28: version 3 without extensions holds no purpose and issues nothing', () => {
    expectCode('ERR_PATH_PURPOSE', () => validate({ root, issuing, node: versioned(node, issuing, 2, false) }))
    expectCode('ERR_PATH_NOT_CA', () => validate({ root, issuing: versioned(issuing, root, 2, false), node }))
  })

  it.each([0, 3, 4, 255])('PATH-28: the version field %i is malformed', (version) => {
    expectCode('ERR_CERTIFICATE_MALFORMED', () => versioned(node, issuing, version, true))
  })

  it('PATH-28: unique identifiers need version 2, and tell nobody apart', () => {
    const identifiers = [1, 2].map((number) => encodeContextPrimitive(number, Uint8Array.of(0, 7)))
    const marked = reissue(node, issuing, (tbs) => editDer(tbs, TBS.spki, (spki) => [spki, ...identifiers]))
    expect(validate({ root, issuing, node: marked }).certificates).toHaveLength(3)
    expectCode('ERR_CERTIFICATE_MALFORMED', () =>
      reissue(versioned(node, issuing, undefined, false), issuing, (tbs) =>
        // Without a version field every field stands one place further in front.
        editDer(tbs, [5], (spki) => [spki, ...identifiers]),
      ),
    )
  })

  it('PATH-28: a CRL without version 2 has no extensions, of its own or in an entry, whatever its serial numbers', async () => {
    for (const serialNumber of ['05', '0102030405', '40'.repeat(20)]) {
      for (const reason of ['unspecified', 'keyCompromise'] as const) {
        const entry = { ...revoked(serialNumber, reason), revocationDate: NOW }
        const { der } = await makeCrl({ issuer: issuing, revoked: [entry] })
        const bare = editDer(der, [0, 6], () => [])
        expect(parseCrl(bare).find(serialNumber)?.reason).toBe(reason)
        const old = editDer(bare, [0, 0], () => [])
        const verdict = verdictOf(() => parseCrl(old))
        const expected = reason === 'unspecified' ? 'accepted' : 'ERR_CRL_MALFORMED'
        expect([serialNumber, reason, verdict]).toEqual([serialNumber, reason, expected])
        expect(verdictOf(() => parseCrl(editDer(der, [0, 0], () => [])))).toBe('ERR_CRL_MALFORMED')
      }
    }
  })

  it('PATH-28: an issuer without a name, and a CA that has none', () => {
    const nameless = makeCertificate({ subject: buildName([]), key: keyFor('nameless'), ca: true })
    const leaf = makeCertificate({ subject: 'leaf', issuer: nameless, purposes })
    expectCode('ERR_PATH_FORM', () => validate({ root: nameless, issuing: nameless, node: leaf }))
    const between = makeCertificate({ subject: buildName([]), issuer: root, key: keyFor('nameless'), ca: true })
    expectCode('ERR_PATH_FORM', () => validate({ root, issuing: between, node: leaf }))
  })

  it('PATH-28: an end entity that constrains names, or whose key may sign certificates', () => {
    expectCode('ERR_PATH_FORM', () =>
      validate(
        hierarchy({
          node: { moreExtensionsDer: [encodeNameConstraints({ permitted: [dns('cloud.example')], excluded: [] })] },
        }),
      ),
    )
    expectCode('ERR_PATH_FORM', () => validate(hierarchy({ node: { keyUsage: ['digitalSignature', 'keyCertSign'] } })))
  })
})
