/**
 * How strict validation is, as data: RFC 5280 §6 leaves some of it to whoever validates.
 *
 * @module path/strictness (floor 4)
 */
import type { AlgorithmPolicy } from '../crypto/index.js'
import { UsageError } from '../errors/index.js'
import type { FormRule } from './forms.js'

export interface Strictness {
  /** Whether the trust anchor's certificate must be valid at the instant, too; §6.1.1 (d) takes only its name and key. */
  readonly anchorValidity: 'checked' | 'allow-any-time'
  /** Whether what the trust anchor's certificate says restricts what is below it (RFC 5937). */
  readonly anchorConstraints: 'checked' | 'allow-ignored'
  /** Whether the end entity must name the purpose. §4.2.1.12: without the extension it is for any. */
  readonly extKeyUsage: 'required' | 'allow-absent'
  /** Whether anyExtendedKeyUsage in the end entity stands for the purpose. In a CA it always does. */
  readonly anyExtendedKeyUsage: 'refused' | 'allow'
  readonly algorithms: AlgorithmPolicy
  /** Rules of RFC 5280 §4 that every certificate of the path must keep. */
  readonly forms: readonly FormRule[]
}

/** What no certificate of a deployment has a reason to break. */
const SAFE_FORMS = [
  'extensions-well-formed',
  'issuer-not-empty',
  'ca-subject-not-empty',
  'key-cert-sign-in-ca',
  'name-constraints-in-ca',
  'key-identifiers-not-critical',
  'information-access-not-critical',
] as const satisfies readonly FormRule[]

/** What RFC 5280 §4 says of all certificates of conforming CAs. */
const RFC5280_FORMS = [
  ...SAFE_FORMS,
  'authority-key-identifier',
  'subject-key-identifier-in-ca',
  'basic-constraints-critical-in-ca',
  'path-length-in-ca',
  'subject-alt-name-critical-without-subject',
  'policy-constraints-critical',
] as const satisfies readonly FormRule[]

export const STRICTNESS = frozen({
  /** The default: for a deployment's own hierarchy, whose anchors are certificates that say what they mean. */
  deployment: {
    anchorValidity: 'checked',
    anchorConstraints: 'checked',
    extKeyUsage: 'required',
    anyExtendedKeyUsage: 'refused',
    algorithms: 'listed',
    forms: SAFE_FORMS,
  },
  /** RFC 5280 §6 and nothing else. */
  rfc5280: {
    anchorValidity: 'allow-any-time',
    anchorConstraints: 'allow-ignored',
    extKeyUsage: 'allow-absent',
    anyExtendedKeyUsage: 'allow',
    algorithms: 'listed',
    forms: [],
  },
  /** As `deployment`, and every certificate has the form of RFC 5280 §4. */
  pedantic: {
    anchorValidity: 'checked',
    anchorConstraints: 'checked',
    extKeyUsage: 'required',
    anyExtendedKeyUsage: 'refused',
    algorithms: 'listed',
    forms: [...RFC5280_FORMS, 'name-constraints-critical'],
  },
  /** As `pedantic`, by the rules for public servers (CA/Browser Forum Baseline Requirements §7.1.2). */
  webpki: {
    anchorValidity: 'checked',
    anchorConstraints: 'checked',
    extKeyUsage: 'required',
    anyExtendedKeyUsage: 'refused',
    algorithms: 'listed',
    forms: [
      ...RFC5280_FORMS,
      'version-3',
      'end-entity-not-ca',
      'ext-key-usage-not-critical-in-end-entity',
      'ext-key-usage-not-any-in-end-entity',
      'key-identifiers-agree-in-root',
    ],
  },
} as const satisfies Record<string, Strictness>)

/** Nobody in the process makes it laxer for all others. */
function frozen<T extends Record<string, Strictness>>(table: T): T {
  for (const strictness of Object.values(table)) Object.freeze(Object.freeze(strictness).forms)
  return Object.freeze(table)
}

export type StrictnessName = keyof typeof STRICTNESS

export const DEFAULT_STRICTNESS: Strictness = STRICTNESS.deployment

/** @throws {@link UsageError} `ERR_CONFIG_INVALID` */
export function strictnessNamed(name: string): Strictness {
  if (!Object.hasOwn(STRICTNESS, name)) {
    throw new UsageError('ERR_CONFIG_INVALID', `there is no strictness ${JSON.stringify(name)}`, {
      hint: `choose one of ${Object.keys(STRICTNESS).join(', ')}`,
    })
  }
  return STRICTNESS[name as StrictnessName]
}
