/**
 * The extensions of certificate policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14).
 *
 * @module x509/policy-extensions (floor 3)
 */
import { contextPrimitive, type DerReader, OID, TAG } from '../asn1/index.js'
import { LimitError } from '../errors/index.js'

const MAX_POLICIES = 1000

export interface PolicyMapping {
  readonly issuerDomainPolicy: string
  readonly subjectDomainPolicy: string
}

export interface PolicyConstraints {
  readonly requireExplicitPolicy: number | undefined
  readonly inhibitPolicyMapping: number | undefined
}

const CPS_QUALIFIER = '1.3.6.1.5.5.7.2.1'
const USER_NOTICE_QUALIFIER = '1.3.6.1.5.5.7.2.2'

export interface CertificatePolicies {
  /** Each once. */
  readonly policies: ReadonlySet<string>
  /** Whether a qualifier is none of the two that RFC 5280 defines: if the extension is critical, it must be. */
  readonly hasUnknownQualifier: boolean
}

/** The policies of a certificate (§4.2.1.4). Qualifiers are read for their form and not kept. */
export function readCertificatePolicies(reader: DerReader): CertificatePolicies {
  const sequence = reader.sequence()
  const policies = new Set<string>()
  let hasUnknownQualifier = false
  while (!sequence.atEnd) {
    if (policies.size === MAX_POLICIES)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `there are more than ${MAX_POLICIES} policies`)
    const fields = sequence.sequence()
    const policy = fields.oid()
    if (fields.peek() === TAG.sequence)
      hasUnknownQualifier = readQualifiers(fields.sequence(), policy === OID.anyPolicy) || hasUnknownQualifier
    fields.finish()
    if (policies.has(policy)) throw reader.error('ERR_EXTENSION_MALFORMED', 'a policy occurs twice')
    policies.add(policy)
  }
  if (policies.size === 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'a list of policies is empty')
  return { policies, hasUnknownQualifier }
}

/** Whether one is unknown. */
function readQualifiers(sequence: DerReader, isAnyPolicy: boolean): boolean {
  let count = 0
  let hasUnknown = false
  while (!sequence.atEnd) {
    count++
    const fields = sequence.sequence()
    const qualifier = fields.oid()
    fields.element()
    fields.finish()
    const isKnown = qualifier === CPS_QUALIFIER || qualifier === USER_NOTICE_QUALIFIER
    hasUnknown ||= !isKnown
    // §4.2.1.4: with anyPolicy, only the two qualifiers that RFC 5280 defines.
    if (isAnyPolicy && !isKnown) {
      throw sequence.error('ERR_EXTENSION_MALFORMED', 'anyPolicy has a qualifier of its own')
    }
  }
  if (count === 0) throw sequence.error('ERR_EXTENSION_MALFORMED', 'a list of policy qualifiers is empty')
  return hasUnknown
}

/** §4.2.1.5: neither side may be anyPolicy. */
export function readPolicyMappings(reader: DerReader): readonly PolicyMapping[] {
  const sequence = reader.sequence()
  const mappings: PolicyMapping[] = []
  while (!sequence.atEnd) {
    if (mappings.length === MAX_POLICIES)
      throw new LimitError('ERR_LIMIT_EXCEEDED', `there are more than ${MAX_POLICIES} policy mappings`)
    const fields = sequence.sequence()
    mappings.push({ issuerDomainPolicy: fields.oid(), subjectDomainPolicy: fields.oid() })
    fields.finish()
  }
  if (mappings.length === 0) throw reader.error('ERR_EXTENSION_MALFORMED', 'a list of policy mappings is empty')
  return mappings
}

/** §4.2.1.11: at least one of the two. */
export function readPolicyConstraints(reader: DerReader): PolicyConstraints {
  const fields = reader.sequence()
  const skip = (number: number): number | undefined =>
    fields.peek() === contextPrimitive(number) ? fields.smallInteger(2 ** 31 - 1, contextPrimitive(number)) : undefined
  const requireExplicitPolicy = skip(0)
  const inhibitPolicyMapping = skip(1)
  fields.finish()
  if (requireExplicitPolicy === undefined && inhibitPolicyMapping === undefined) {
    throw reader.error('ERR_EXTENSION_MALFORMED', 'policyConstraints constrains nothing')
  }
  return { requireExplicitPolicy, inhibitPolicyMapping }
}

/** §4.2.1.14: SkipCerts. */
export function readInhibitAnyPolicy(reader: DerReader): number {
  return reader.smallInteger(2 ** 31 - 1)
}
