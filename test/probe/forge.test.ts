import { describe, expect, it } from 'vitest'
import { foreignLike, selfSignedLike } from '../../src/probe/forge.js'
import { identityHeaders } from '../../src/probe/headers.js'
import { validatePath } from '../../src/path/index.js'
import { NOW } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'
import { clients, pki, trust } from './fakes.js'

const { good } = clients
const checks = { at: NOW, purpose: 'client', revocation: 'allow-unchecked' } as const

describe('foreignLike', () => {
  const foreign = foreignLike(good, [...trust.intermediates, ...trust.anchors])

  it('has every name, number and key identifier of the good client, and other keys', () => {
    const [leaf, ca] = [foreign.certificate, foreign.chain[0]]
    const issuing = pki.issuing.certificate
    for (const [forged, real] of [
      [leaf, good.certificate],
      [ca, issuing],
    ] as const) {
      expect(forged?.subject.toString()).toBe(real.subject.toString())
      expect(forged?.issuer.toString()).toBe(real.issuer.toString())
      expect(forged?.serialNumber).toBe(real.serialNumber)
      expect(forged?.subjectKeyIdentifier).toEqual(real.subjectKeyIdentifier)
      expect(forged?.authorityKeyIdentifier).toEqual(real.authorityKeyIdentifier)
      expect(forged?.spkiDer).not.toEqual(real.spkiDer)
    }
  })

  it('is signed by the forged CA, and leads to no anchor', () => {
    const { certificate, chain } = foreign
    const [ca] = chain
    if (ca === undefined) throw new Error('no chain')
    expect(validatePath(certificate, { ...checks, anchors: [ca] }).certificates).toHaveLength(2)
    const real = { ...checks, anchors: trust.anchors, intermediates: chain }
    expectCode('ERR_PATH_SIGNATURE', () => validatePath(certificate, real))
  })
})

describe('selfSignedLike', () => {
  it('is its own issuer under the names of the good client', () => {
    const { certificate, chain } = selfSignedLike(good)
    expect(certificate.issuer.equals(certificate.subject)).toBe(true)
    expect(certificate.subject.equals(good.certificate.subject)).toBe(true)
    expect(certificate.subjectAltName).toEqual(good.certificate.subjectAltName)
    expect(chain).toEqual([])
    expect(validatePath(certificate, { ...checks, anchors: [certificate] }).certificates).toHaveLength(1)
  })
})

describe('identityHeaders', () => {
  it('says nothing that would end a header, and no more in one request than servers take', () => {
    const requests = identityHeaders(good)
    expect(requests.length).toBeGreaterThan(5)
    for (const headers of requests) {
      const text = headers.map((header) => header.join(': '))
      expect(text.join('\r\n').length).toBeLessThan(8000)
      for (const line of text) expect(line).toMatch(/^[\x20-\x7e]+$/)
    }
  })
})
