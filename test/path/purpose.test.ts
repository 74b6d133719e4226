import { describe, it } from 'vitest'
import { OID } from '../../src/asn1/index.js'
import { purposeNamed, PURPOSES, STRICTNESS } from '../../src/path/index.js'
import { checkPurpose } from '../../src/path/purpose.js'
import { makeCertificate } from '../support/certificates.js'
import { expectCode } from '../support/expect-code.js'

const purposes = [...Object.values(PURPOSES).map((rule) => rule.keyPurposeId), OID.anyExtendedKeyUsage]

describe('checkPurpose: who may hold a purpose', () => {
  const keyUsage = ['digitalSignature', 'keyAgreement'] as const
  const { certificate: node } = makeCertificate({ subject: 'node', purposes, keyUsage })
  const { certificate: ca } = makeCertificate({ subject: 'CA', ca: true, purposes, keyUsage })

  it.each(Object.keys(PURPOSES))('an end entity may hold %s', (name) => {
    checkPurpose(node, [], purposeNamed(name), STRICTNESS.deployment)
  })

  it.each(['message-signing', 'message-encryption', 'trust-directory', 'ocsp-signing'])(
    'a CA never holds %s',
    (name) => {
      expectCode('ERR_PATH_PURPOSE', () => checkPurpose(ca, [], purposeNamed(name), STRICTNESS.deployment))
    },
  )

  it.each(['server', 'client', 'email', 'email-encryption'])('a CA that says so may hold %s', (name) => {
    checkPurpose(ca, [], purposeNamed(name), STRICTNESS.deployment)
  })
})
