/** The example certificates of RFC 9881. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  decodePrivateKey,
  publicKeyOf,
  samePublicKey,
  signatureAlgorithmOf,
  verifySignature,
} from '../../src/crypto/index.js'
import { parseCertificates } from '../../src/x509/index.js'
import { CORPORA, corporaAvailable } from '../support/corpora.js'

const folder = join(CORPORA, 'ml-dsa', 'examples')

describe.skipIf(!corporaAvailable())('ML-DSA certificates of RFC 9881', () => {
  it.each(['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'])(
    '%s parses, verifies with its own key, and belongs to its private keys',
    (name) => {
      const [certificate, second] = parseCertificates(readFileSync(join(folder, `${name}.crt`)))
      expect(second).toBeUndefined()
      if (certificate === undefined) return
      expect(certificate.isSelfIssued).toBe(true)
      expect(certificate.publicKey.name).toBe(name.toLowerCase())
      const algorithm = signatureAlgorithmOf(certificate.signatureAlgorithm)
      expect(verifySignature(algorithm, certificate.publicKey, certificate.tbsDer, certificate.signatureValue)).toBe(
        true,
      )
      for (const form of ['both', 'expanded', 'seed']) {
        const privateKey = decodePrivateKey(readFileSync(join(folder, `${name}-${form}.priv`), 'utf8'))
        expect(samePublicKey(publicKeyOf(privateKey), certificate.publicKey)).toBe(true)
      }
    },
  )
})
