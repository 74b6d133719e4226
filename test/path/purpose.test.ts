import { describe, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { purposeNamed, PURPOSES, STRICTNESS } from '../../src/path/index.js'
import { checkPurpose } from '../../src/path/purpose.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const purposes = [...Object.values(PURPOSES).map((rule) => rule.keyPurposeId), OID.anyExtendedKeyUsage]

describe('checkPurpose: who may hold a purpose', () => {
  const { certificate: node } = makeCertificate({ subject: 'node', purposes, keyUsage: ['digitalSignature'] })
  const { certificate: ca } = makeCertificate({ subject: 'CA', ca: true, purposes, keyUsage: ['digitalSignature'] })

  it.each(Object.keys(PURPOSES))('an end entity may hold %s', (name) => {
    checkPurpose(node, [], purposeNamed(name), STRICTNESS.deployment)
  })

  it.each(['message-signing', 'trust-directory', 'ocsp-signing'])('a CA never holds %s', (name) => {
    expectCode('ERR_PATH_PURPOSE', () => checkPurpose(ca, [], purposeNamed(name), STRICTNESS.deployment))
  })

  it.each(['server', 'client', 'email'])('a CA that says so may hold %s', (name) => {
    checkPurpose(ca, [], purposeNamed(name), STRICTNESS.deployment)
  })
})
