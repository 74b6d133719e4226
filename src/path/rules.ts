/**
 * The rules that a certification path is held to, each with its place in the standards; and the refusal that names the
 * rule and the certificate.
 *
 * @module path/rules (floor 4)
 */
import { TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'

export const RULES = {
  issuer: { section: 'RFC 5280 §6.1.3 (a)(4)', text: 'its issuer is the subject of the certificate above' },
  signature: { section: 'RFC 5280 §6.1.3 (a)(1)', text: 'signed with the key of the certificate above' },
  validity: { section: 'RFC 5280 §6.1.3 (a)(2)', text: 'valid at this instant' },
  revocation: { section: 'RFC 5280 §6.1.3 (a)(3)', text: 'not revoked' },
  'name-constraints': { section: 'RFC 5280 §6.1.3 (b), (c)', text: 'its names are within the name constraints' },
  policies: { section: 'RFC 5280 §6.1.3 (d) to (f)', text: 'valid for an acceptable certificate policy' },
  'critical-extensions': { section: 'RFC 5280 §6.1.4 (o), §6.1.5 (f)', text: 'every critical extension is understood' },
  key: { section: 'RFC 5280 §6.1.4 (d) to (f)', text: 'its key is of an allowed kind and size' },
  form: { section: 'RFC 5280 §4', text: 'in the form that conforming CAs give' },
  authority: { section: 'RFC 5280 §6.1.4 (k)', text: 'a CA' },
  'path-length': { section: 'RFC 5280 §6.1.4 (l), (m)', text: 'not more CAs than are allowed below' },
  'key-usage': { section: 'RFC 5280 §6.1.4 (n)', text: 'its key may sign certificates' },
  purpose: { section: 'RFC 5280 §4.2.1.12', text: 'for the purpose that is wanted' },
  'host-name': { section: 'RFC 9525 §6', text: 'for the host that is meant' },
  uri: { section: 'RFC 5280 §7.4', text: 'for the URI that is meant' },
  email: { section: 'RFC 5280 §7.5', text: 'for the mailbox that is meant' },
} as const satisfies Record<string, { section: string; text: string }>

export type RuleName = keyof typeof RULES

/**
 * Apply one rule to one certificate: run the check and let it throw; or, who explains, remember what it throws and go on.
 */
export type Judge = (rule: RuleName, certificate: Certificate, check: () => void) => void

/** The judge of every decision: what is thrown, stays thrown. */
export const strictly: Judge = (_rule, _certificate, check) => {
  check()
}

interface RefusalOptions {
  readonly details?: Readonly<Record<string, string>>
  readonly hint?: string
}

/** The error that says which certificate breaks which rule. */
export function refusal(
  code: ConstructorParameters<typeof TrustError>[0],
  rule: RuleName,
  certificate: Certificate,
  message: string,
  { details, hint }: RefusalOptions = {},
): TrustError {
  return new TrustError(code, message, {
    details: {
      subject: certificate.subject.toString(),
      serialNumber: certificate.serialNumber,
      rule,
      section: RULES[rule].section,
      ...details,
    },
    ...(hint === undefined ? {} : { hint }),
  })
}
