/** Keystone's own reading of client certificates: the attributes of OAuth2 with mutual TLS, and its thumbprint. */
import { describe, expect, it } from 'vitest'
import { isSignetError } from '../../../src/errors/index.js'
import { attributesAsKeystone, keystoneThumbprint } from '../../../src/keystone/index.js'
import type { Certificate } from '../../../src/x509/index.js'
import { keystonePython } from '../programs.js'
import { oddCertificates } from './certificates.js'
import { ask } from './engine.js'

function ours(certificate: Certificate): unknown {
  try {
    return { attributes: attributesAsKeystone(certificate, 'oauth2'), thumbprint: keystoneThumbprint(certificate) }
  } catch (error) {
    if (!isSignetError(error)) throw error
    return { error: error.details['keystone'] }
  }
}

const python = keystonePython()

describe.skipIf(python === undefined)("Keystone's reading of a certificate", () => {
  it('is what we say that it is', { timeout: 60_000 }, () => {
    const certificates = oddCertificates()
    const answers = ask(
      python ?? '',
      certificates.map((certificate) => ({ pem: certificate.toPem() })),
    )
    expect(certificates.map(ours)).toEqual(answers)
    expect(answers.filter((answer) => 'error' in (answer as object)).length).toBeGreaterThan(0)
  })
})
