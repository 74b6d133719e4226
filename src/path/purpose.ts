/**
 * What a certificate is validated for: its extended key purpose and the key usage that goes with it.
 *
 * @module path/purpose (floor 4)
 */
import { OID } from '../asn1/index.js'
import { UsageError } from '../errors/index.js'
import type { Certificate, KeyUsage } from '../x509/index.js'
import { refusal } from './rules.js'
import type { Strictness } from './strictness.js'

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
  'message-encryption': {
    holder: 'end-entity',
    keyPurposeId: OID.signetKpMessageEncryption,
    keyUsage: ['keyAgreement', 'keyEncipherment'],
  },
  'trust-directory': { holder: 'end-entity', keyPurposeId: OID.signetKpTrustDirectory, keyUsage: ['digitalSignature'] },
  email: { holder: 'any', keyPurposeId: OID.kpEmailProtection, keyUsage: ['digitalSignature', 'nonRepudiation'] },
  'email-encryption': {
    holder: 'any',
    keyPurposeId: OID.kpEmailProtection,
    keyUsage: ['keyAgreement', 'keyEncipherment'],
  },
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
 * The end entity must name the purpose, or be silent where that is allowed; a CA of the path that names purposes must
 * name it too, or any. For purposes of our own nothing is allowed.
 *
 * @throws {@link TrustError} `ERR_PATH_PURPOSE`, `ERR_PATH_KEY_USAGE`
 */
export function checkPurpose(
  target: Certificate,
  authorities: readonly Certificate[],
  purpose: PurposeName,
  strictness: Pick<Strictness, 'extKeyUsage' | 'anyExtendedKeyUsage'>,
): void {
  const rule: PurposeRule = PURPOSES[purpose]
  if (!names(rule, target.extKeyUsage, strictness)) {
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
    const message = `the key usage of the certificate excludes ${purpose}`
    throw refusal('ERR_PATH_KEY_USAGE', 'purpose', target, message, { details: { purpose } })
  }
}

function names(
  rule: PurposeRule,
  purposes: ReadonlySet<string> | undefined,
  { extKeyUsage, anyExtendedKeyUsage }: Pick<Strictness, 'extKeyUsage' | 'anyExtendedKeyUsage'>,
): boolean {
  if (purposes?.has(rule.keyPurposeId) === true) return true
  if (rule.holder === 'end-entity') return false
  if (purposes === undefined) return extKeyUsage === 'allow-absent'
  return anyExtendedKeyUsage === 'allow' && purposes.has(OID.anyExtendedKeyUsage)
}

function notFor(certificate: Certificate, purpose: string, reason: string): Error {
  const hint = 'use a certificate of the profile that fits'
  return refusal('ERR_PATH_PURPOSE', 'purpose', certificate, `${reason}: ${purpose}`, { details: { purpose }, hint })
}
