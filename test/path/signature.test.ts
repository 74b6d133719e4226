import { describe, expect, it } from 'vitest'
import { Budget } from '../../src/path/budget.js'
import { isSignedBy } from '../../src/path/signature.js'
import { parseCertificate } from '../../src/x509/index.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

/** Counts the signatures that are verified. */
class Counting extends Budget {
  count = 0

  override signature(): void {
    this.count++
  }
}

const issuer = makeCertificate({ subject: 'issuer', ca: true })
const others = ['a', 'b', 'c'].map((subject) => makeCertificate({ subject, ca: true }).certificate)

describe('isSignedBy', () => {
  it('verifies each pair of certificates once, whoever was asked about first', () => {
    for (const signers of [
      [issuer.certificate, ...others],
      [...others, issuer.certificate],
    ]) {
      const { certificate } = makeCertificate({ issuer })
      const budget = new Counting()
      for (let round = 0; round < 2; round++) {
        for (const signer of signers) {
          expect(isSignedBy(certificate, signer, 'listed', budget)).toBe(signer === issuer.certificate)
        }
        expect(budget.count).toBe(signers.length)
      }
    }
  })

  it('keeps answers for objects, not for what they say', () => {
    const { certificate } = makeCertificate({ issuer })
    const budget = new Counting()
    for (const signer of [issuer.certificate, parseCertificate(issuer.certificate.der)]) {
      for (const signed of [certificate, parseCertificate(certificate.der)]) {
        expect(isSignedBy(signed, signer, 'listed', budget)).toBe(true)
      }
    }
    expect(budget.count).toBe(4)
  })

  it('asks each time whether the algorithm is allowed', () => {
    const { tbsDer, signatureAlgorithm, signatureValue } = makeCertificate({ issuer }).certificate
    const signed = { tbsDer, signatureAlgorithm, signatureValue }
    const budget = new Counting()
    expect(isSignedBy(signed, issuer.certificate, 'listed', budget)).toBe(true)
    signed.signatureAlgorithm = { oid: '1.2.3', parametersDer: undefined, der: new Uint8Array() }
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => isSignedBy(signed, issuer.certificate, 'listed', budget))
  })
})
