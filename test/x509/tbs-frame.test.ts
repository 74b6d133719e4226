import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithmName } from '../../src/crypto/index.js'
import { buildName, encodeTbsCertificate, TbsFrame } from '../../src/x509/index.js'
import { toHex } from '../support/der.js'

const octets = (most: number, least = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: least, maxLength: most })
const name = fc
  .array(fc.tuple(fc.constantFrom(OID.commonName, OID.organizationName, OID.userId), fc.string({ unit: 'grapheme' })), {
    maxLength: 4,
  })
  .map((attributes) => buildName(attributes))
/** Times on both sides of 2050, where their encoding changes. */
const time = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
const algorithm = fc
  .constantFrom(...(Object.keys(SIGNATURE_ALGORITHMS) as SignatureAlgorithmName[]))
  .map((key) => SIGNATURE_ALGORITHMS[key])

describe('TbsFrame', () => {
  it('CA-10: writes octet by octet what the general encoder writes', () => {
    const common = fc.record({ signatureAlgorithm: algorithm, issuer: name, notBefore: time, notAfter: time })
    const own = fc.record({
      serialNumberOctets: octets(21),
      subject: name,
      spkiDer: octets(300, 2),
      // Lengths around those at which the length of a length changes.
      extensionsDer: fc.array(fc.oneof(octets(64), octets(140, 120), octets(270, 250)), { maxLength: 8 }),
    })
    fc.assert(
      fc.property(common, fc.array(own, { minLength: 1, maxLength: 4 }), (shared, each) => {
        const frame = new TbsFrame(shared)
        // One frame writes many, and none leaves anything behind in it.
        for (const { subject, ...fields } of each) {
          const written = frame.encode({ ...fields, subjectDer: subject.der })
          expect(toHex(written)).toBe(toHex(encodeTbsCertificate({ ...shared, ...fields, subject })))
        }
      }),
      { numRuns: 300 },
    )
  })
})
