import { describe, expect, it } from 'vitest'
import { Budget } from '../../src/path/budget.js'
import { isSignedBy, verifyAhead } from '../../src/path/signature.js'
import { atOnce } from '../../src/time/index.js'
import { type Certificate, parseCertificate } from '../../src/x509/index.js'
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

describe('verifyAhead', () => {
  it('verifies one signature in a step, and leaves none to who asks afterwards', () => {
    const issued = ['a', 'b', 'c'].map((subject) => makeCertificate({ subject, issuer }).certificate)
    const signers = [...others, issuer.certificate]
    expect([...verifyAhead(issued, signers, 'listed')]).toHaveLength(issued.length)
    const budget = new Counting()
    for (const one of issued) expect(isSignedBy(one, issuer.certificate, 'listed', budget)).toBe(true)
    expect(budget.count).toBe(0)
  })

  it('says nothing of what is not signed, or not in a way that is allowed: the answer is the same for who asks', () => {
    const { certificate } = makeCertificate({ issuer })
    const { signatureValue } = issuer.certificate
    const wrong = { ...fieldsOf(certificate), signatureValue }
    const odd = { ...fieldsOf(certificate), signatureAlgorithm: { ...certificate.signatureAlgorithm, oid: '1.2.3' } }
    atOnce(verifyAhead([wrong, odd], [issuer.certificate], 'listed'))
    expect(isSignedBy(wrong, issuer.certificate, 'listed', new Budget())).toBe(false)
    expectCode('ERR_ALGORITHM_NOT_ALLOWED', () => isSignedBy(odd, issuer.certificate, 'listed', new Budget()))
  })

  it('asks nobody for a signature over itself', () => {
    expect([...verifyAhead([issuer.certificate], [issuer.certificate], 'listed')]).toEqual([])
  })

  it('leaves what is more than some for who asks', () => {
    const issued = Array.from({ length: 40 }, () => makeCertificate({ issuer }).certificate)
    expect([...verifyAhead(issued, [issuer.certificate], 'listed')]).toHaveLength(32)
    const pairs = [
      ...verifyAhead(
        issued.slice(0, 10),
        Array.from({ length: 10 }, () => issuer.certificate),
        'listed',
      ),
    ]
    expect(pairs).toHaveLength(32)
  })
})

function fieldsOf({ tbsDer, signatureAlgorithm, signatureValue, issuer: name }: Certificate) {
  return { tbsDer, signatureAlgorithm, signatureValue, issuer: name }
}
