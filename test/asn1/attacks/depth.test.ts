/** Small inputs that ask for much: named attacks on nesting and on stated lengths. */
import { describe, expect, it, vi } from 'vitest'
import {
  CERTIFICATE_LIMITS,
  concatBytes,
  DerReader,
  encodeContext,
  encodeObjectIdentifier,
  encodeSequence,
  normalizeBer,
  OID,
  TAG,
} from '../../../src/asn1/index.js'
import { compareCmsSecondOpinion, parseForeignSignedData } from '../../../src/cms/index.js'
import { compareSecondOpinion } from '../../../src/x509/index.js'
import { makeCertificate } from '../../support/certificates.js'
import { attribute, buildSignedData, buildSigner } from '../../support/cms-builder.js'
import { runCli } from '../../support/deployment.js'
import { allPaths, editDer, nested } from '../../support/der.js'
import { expectCode, expectCodeAsync } from '../../support/expect-code.js'
import { extensionDer, hierarchy, validate } from '../../support/hierarchy.js'
import { CHEAP_KINDS, verdictOf } from './documents.js'

vi.setConfig({ testTimeout: 120_000 })

const REFUSED = /^ERR_/
const { root, issuing, node } = hierarchy()
const many = (count: number, make: (index: number) => Uint8Array): Uint8Array =>
  concatBytes(...Array.from({ length: count }, (_, index) => make(index)))

/** Octets of memory outside of the heap that some work leaves behind or held at its end. */
function growth(work: () => void): number {
  const before = process.memoryUsage().arrayBuffers
  work()
  return process.memoryUsage().arrayBuffers - before
}

describe.each(CHEAP_KINDS)('DER-01: nesting in %s', (_kind, { der, read }) => {
  it.each([100, 3000, 100_000])('DER-01: of %i levels, as the whole and in the place of every value', (levels) => {
    expect(verdictOf(() => read(der))).toBe('accepted')
    for (const tag of [TAG.sequence, TAG.set, 0xa0, 0x24]) {
      const bomb = nested(tag, levels)
      expect(verdictOf(() => read(bomb))).toMatch(REFUSED)
      for (const path of allPaths(der).slice(1)) {
        // What is kept whole and unread, as the parameters of an algorithm, may be anything; never a range error.
        verdictOf(() => read(editDer(der, path, () => bomb)))
      }
    }
  })
})

describe('DER-01: nesting that is read late, or by others', () => {
  const deep = (levels: number): Uint8Array => nested(0xa0, levels, encodeObjectIdentifier('1.2.3'))

  it.each([
    OID.basicConstraints,
    OID.keyUsage,
    OID.extKeyUsage,
    OID.subjectKeyIdentifier,
    OID.authorityKeyIdentifier,
    OID.subjectAltName,
    OID.nameConstraints,
    OID.crlDistributionPoints,
    OID.authorityInfoAccess,
    OID.certificatePolicies,
    OID.policyMappings,
    OID.policyConstraints,
    OID.inhibitAnyPolicy,
  ])('DER-01: in the value of the extension %s', (oid) => {
    for (const levels of [100, 3000, 30_000]) {
      for (const tag of [TAG.sequence, TAG.set, 0xa0, 0x24]) {
        const extension = extensionDer(oid, false, encodeSequence(nested(tag, levels)))
        const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, extensionsDer: [extension] })
        expect(verdictOf(() => validate({ root, issuing, node: leaf }, { purpose: 'allow-any' }))).toMatch(
          // An otherName, and the qualifier of a policy, are kept whole.
          /^(ERR_EXTENSION_MALFORMED|accepted)$/,
        )
      }
    }
  })

  it.each([100, 3000, 30_000])('DER-01: of %i levels for the second reader of certificates', async (levels) => {
    const hostile = [
      extensionDer(
        OID.subjectAltName,
        false,
        encodeSequence(encodeContext(0, encodeObjectIdentifier('1.2.3'), deep(levels))),
      ),
      extensionDer('1.2.3.4', false, nested(TAG.sequence, levels)),
      extensionDer(OID.issuerAltName, false, encodeSequence(nested(0xa4, levels))),
    ]
    for (const extension of hostile) {
      const leaf = makeCertificate({ subject: 'leaf', issuer: issuing, moreExtensionsDer: [extension] })
      const outcome = await compareSecondOpinion(leaf.certificate, issuing.certificate).then(
        () => 'accepted',
        (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
      )
      expect(['accepted', 'ERR_SECOND_OPINION']).toContain(outcome)
    }
  })

  it.each([100, 3000, 30_000])('DER-01: of %i levels in BER, and for the second reader of CMS', async (levels) => {
    for (const tag of [TAG.sequence, 0xa0, 0x24]) {
      expectCode('ERR_DER_DEPTH', () => normalizeBer(nested(tag, levels)))
      const open = concatBytes(
        many(levels, () => Uint8Array.of(tag, 0x80)),
        many(levels, () => Uint8Array.of(0, 0)),
      )
      expectCode('ERR_DER_DEPTH', () => normalizeBer(open))
      expect(verdictOf(() => parseForeignSignedData(open))).toMatch(REFUSED)
    }
    const content = Buffer.from('content')
    const extra = attribute('1.2.3.4', nested(TAG.sequence, levels))
    const der = buildSignedData({
      eContent: content,
      signers: [buildSigner({ content, holder: node, moreAttributes: [extra] })],
    })
    await expectCodeAsync('ERR_SECOND_OPINION', () => compareCmsSecondOpinion(der, content, 0, node.certificate))
  })
})

describe('DER-02: lengths of what is not there', () => {
  const LENGTHS = {
    '2^31 - 1': [0x84, 0x7f, 0xff, 0xff, 0xff],
    '2^31': [0x84, 0x80, 0, 0, 0],
    '2^32 - 1': [0x84, 0xff, 0xff, 0xff, 0xff],
    '2^32': [0x85, 1, 0, 0, 0, 0],
    '2^53': [0x87, 0x20, 0, 0, 0, 0, 0, 0],
    '2^64': [0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    'of 126 octets': [0xfe, ...new Array<number>(126).fill(0xff)],
    'of 127 octets, which is reserved': [0xff, ...new Array<number>(127).fill(0xff)],
    'one too many': [0x82, 0xff, 0xff],
  } as const

  it.each(Object.entries(LENGTHS))('DER-02: %s, in the place of every length of every document', (_name, length) => {
    const grown = growth(() => {
      for (const [kind, { der, read }] of CHEAP_KINDS) {
        for (const path of allPaths(der)) {
          const hostile = editDer(der, path, (element) => Uint8Array.of(element[0] ?? 0, ...length, 1, 2, 3))
          const verdict = verdictOf(() => read(hostile))
          expect(`${kind} ${path.join('.')}: ${verdict}`).toMatch(/: ERR_/)
        }
      }
    })
    expect(grown).toBeLessThan(32 << 20)
  })

  it('DER-02: nothing is allocated for a length that the input does not have', () => {
    const limits = { ...CERTIFICATE_LIMITS, maxBytes: 2 ** 40 }
    for (const length of [LENGTHS['2^31 - 1'], LENGTHS['2^31'], LENGTHS['2^32 - 1']]) {
      const grown = growth(() => {
        for (let round = 0; round < 100; round++) {
          const reader = DerReader.over(Uint8Array.of(TAG.octetString, ...length, 0), limits)
          expectCode('ERR_DER_TRUNCATED', () => reader.octetString())
        }
      })
      expect(grown).toBeLessThan(1 << 20)
    }
  })

  it('DER-02: from standard input, a stream that ends early is a document that is cut off', async () => {
    for (const length of Object.values(LENGTHS)) {
      const { code, stdout } = await runCli('cert show -', { stdin: Uint8Array.of(TAG.sequence, ...length, 1) })
      expect([code, stdout]).toEqual([3, ''])
    }
  })
})
