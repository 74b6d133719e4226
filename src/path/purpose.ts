/**
 * What a certificate is validated for: its extended key purpose and the key usage that goes with it.
 *
 * @module path/purpose (floor 4)
 */
import { OID } from '../asn1/index.js'
import { TrustError, UsageError } from '../errors/index.js'
import type { Certificate, KeyUsage } from '../x509/index.js'

interface PurposeRule {
  /** KeyPurposeId that the end entity must have, anyExtendedKeyUsage not sufficing. */
  readonly keyPurposeId: string
  /** At least one of these. keyUsage may be absent where any holder will do. */
  readonly keyUsage: readonly KeyUsage[]
  /** Whether a CA may hold it: never for purposes of our own. */
  readonly holder: 'any' | 'end-entity'
}

export const PURPOSES = {
  server: {
    holder: 'any',
    keyPurposeId: OID.kpServerAuth,
    keyUsage: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
  },
  client: { holder: 'any', keyPurposeId: OID.kpClientAuth, keyUsage: ['digitalSignature', 'keyAgreement'] },
  'message-signing': { holder: 'end-entity', keyPurposeId: OID.signetKpMessageSigning, keyUsage: ['digitalSignature'] },
  'trust-directory': { holder: 'end-entity', keyPurposeId: OID.signetKpTrustDirectory, keyUsage: ['digitalSignature'] },
  email: { holder: 'any', keyPurposeId: OID.kpEmailProtection, keyUsage: ['digitalSignature', 'nonRepudiation'] },
  'ocsp-signing': { holder: 'end-entity', keyPurposeId: OID.kpOcspSigning, keyUsage: ['digitalSignature'] },
} as const satisfies Record<string, PurposeRule>

export type PurposeName = keyof typeof PURPOSES
/** A purpose, or, spelt out, that any purpose will do. */
export type Purpose = PurposeName | 'allow-any'

export function purposeNamed(name: string): PurposeName {
  if (!Object.hasOwn(PURPOSES, name)) {
    throw new UsageError('ERR_CONFIG_INVALID', `there is no purpose ${JSON.stringify(name)}`, {
      hint: `choose one of ${Object.keys(PURPOSES).join(', ')}`,
    })
  }
  return name as PurposeName
}

/**
 * Check extended key usage and key usage along a path (RFC 5280 §4.2.1.12, §4.2.1.3).
 *
 * The end entity must name the purpose; a CA of the path that names purposes must name it too, or any.
 *
 * @throws {@link TrustError} `ERR_PATH_PURPOSE`, `ERR_PATH_KEY_USAGE`
 */
export function checkPurpose(target: Certificate, authorities: readonly Certificate[], purpose: Purpose): void {
  if (purpose === 'allow-any') return
  const rule: PurposeRule = PURPOSES[purpose]
  if (target.extKeyUsage?.has(rule.keyPurposeId) !== true) {
    throw notFor(target, purpose, 'the certificate is not for this purpose')
  }
  if (rule.holder === 'end-entity' && target.basicConstraints?.ca === true) {
    throw notFor(target, purpose, 'a CA certificate is not for this purpose')
  }
  for (const authority of authorities) {
    const purposes = authority.extKeyUsage
    if (purposes !== undefined && !purposes.has(rule.keyPurposeId) && !purposes.has(OID.anyExtendedKeyUsage)) {
      throw notFor(authority, purpose, 'its CA may not issue for this purpose')
    }
  }
  const { keyUsage } = target
  // RFC 5280 §4.2.1.3 lets keyUsage be absent; for our own purposes it says what the key is for.
  const fits = keyUsage === undefined ? rule.holder === 'any' : rule.keyUsage.some((usage) => keyUsage.has(usage))
  if (!fits) {
    throw new TrustError('ERR_PATH_KEY_USAGE', `the key usage of the certificate excludes ${purpose}`, {
      details: { subject: target.subject.toString(), purpose },
    })
  }
}

function notFor(certificate: Certificate, purpose: string, reason: string): TrustError {
  return new TrustError('ERR_PATH_PURPOSE', `${reason}: ${purpose}`, {
    details: { subject: certificate.subject.toString(), purpose },
    hint: 'use a certificate of the profile that fits',
  })
}
