/**
 * Certificate policies along a path (RFC 5280 §6.1.2 to §6.1.5) on the policy graph of RFC 9618, whose size is linear in
 * what the certificates say, where the older tree can grow exponentially.
 *
 * @module path/policies (floor 4)
 */
import { OID } from '../asn1/index.js'
import type { TrustError } from '../errors/index.js'
import type { Certificate } from '../x509/index.js'
import { refusal } from './rules.js'

/** What a relying party demands of policies (RFC 5280 §6.1.1 (c), (e), (f), (g)). */
export interface PolicyInputs {
  /** Policies that are acceptable: OIDs. Default: any. */
  readonly userInitialPolicySet?: readonly string[]
  /** `'required'`: the path must be valid for at least one acceptable policy. Default `'not-required'`. */
  readonly initialExplicitPolicy?: 'required' | 'not-required'
  /** Default `'allowed'`. */
  readonly initialPolicyMapping?: 'allowed' | 'inhibited'
  /** Default `'allowed'`. */
  readonly initialAnyPolicy?: 'allowed' | 'inhibited'
}

/** A policy at one depth. */
interface PolicyNode {
  /** Policies one depth up that lead here; none means that anyPolicy does. */
  readonly parents: Set<string>
  /** Whether the certificate maps it to others, so that it goes on only under their names. */
  mapped: boolean
}

/** All policies that are valid at one depth. */
interface Level {
  anyPolicy: boolean
  readonly nodes: Map<string, PolicyNode>
}

function copyOf({ anyPolicy, nodes }: Level): Level {
  const copies = [...nodes].map(
    ([policy, { parents, mapped }]) => [policy, { parents: new Set(parents), mapped }] as const,
  )
  return { anyPolicy, nodes: new Map(copies) }
}

/** The policy part of one validation: hand in the certificates below the anchor, in order, then ask. */
export class PolicyState {
  readonly #levels: Level[] = []
  #acceptable: ReadonlySet<string>
  #next: Level = { anyPolicy: true, nodes: new Map() }
  #explicitPolicy: number
  #policyMapping: number
  #inhibitAnyPolicy: number

  /** @param pathLength - Number of certificates below the anchor. */
  constructor(inputs: PolicyInputs, pathLength: number) {
    this.#acceptable = new Set(inputs.userInitialPolicySet ?? [OID.anyPolicy])
    this.#explicitPolicy = inputs.initialExplicitPolicy === 'required' ? 0 : pathLength + 1
    this.#policyMapping = inputs.initialPolicyMapping === 'inhibited' ? 0 : pathLength + 1
    this.#inhibitAnyPolicy = inputs.initialAnyPolicy === 'inhibited' ? 0 : pathLength + 1
  }

  /** The same state, to go on from by itself: what is handed in to one, the other does not see. */
  fork(): PolicyState {
    const fork = new PolicyState({}, 0)
    fork.#acceptable = this.#acceptable
    fork.#levels.push(...this.#levels.map(copyOf))
    fork.#next = copyOf(this.#next)
    fork.#explicitPolicy = this.#explicitPolicy
    fork.#policyMapping = this.#policyMapping
    fork.#inhibitAnyPolicy = this.#inhibitAnyPolicy
    return fork
  }

  /** Take the constraints of an anchor that carries some, where they count. */
  constrainByAnchor(anchor: Certificate): void {
    this.#applyConstraints(anchor)
  }

  /**
   * Process one certificate (§6.1.3 (d) to (f), and §6.1.4 or §6.1.5 for its policies).
   *
   * @throws {@link TrustError} `ERR_PATH_POLICY`
   */
  process(certificate: Certificate, isLast: boolean): void {
    const level = this.#next
    const anyPolicyCounts = this.#inhibitAnyPolicy > 0 || (!isLast && certificate.isSelfIssued)
    applyPolicies(level, certificate.certificatePolicies?.policies, anyPolicyCounts)
    this.#levels.push(level)
    if (this.#explicitPolicy === 0 && isEmpty(level)) throw noPolicy(certificate)
    if (isLast) {
      // §6.1.5 (a), (b).
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1)
      if (certificate.policyConstraints?.requireExplicitPolicy === 0) this.#explicitPolicy = 0
      if (this.#explicitPolicy === 0 && !this.#isAcceptable()) throw noPolicy(certificate)
      return
    }
    this.#next = applyMappings(level, certificate, this.#policyMapping > 0)
    // §6.1.4 (h): self-issued certificates do not count.
    if (!certificate.isSelfIssued) {
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1)
      this.#policyMapping = Math.max(0, this.#policyMapping - 1)
      this.#inhibitAnyPolicy = Math.max(0, this.#inhibitAnyPolicy - 1)
    }
    this.#applyConstraints(certificate)
  }

  /** §6.1.4 (i), (j). */
  #applyConstraints(certificate: Certificate): void {
    const { requireExplicitPolicy, inhibitPolicyMapping } = certificate.policyConstraints ?? {}
    this.#explicitPolicy = Math.min(this.#explicitPolicy, requireExplicitPolicy ?? Infinity)
    this.#policyMapping = Math.min(this.#policyMapping, inhibitPolicyMapping ?? Infinity)
    this.#inhibitAnyPolicy = Math.min(this.#inhibitAnyPolicy, certificate.inhibitAnyPolicy ?? Infinity)
  }

  /** Whether the path is valid for an acceptable policy. */
  #isAcceptable(): boolean {
    const last = this.#levels.at(-1)
    if (last === undefined || isEmpty(last)) return false
    if (this.#acceptable.has(OID.anyPolicy)) return true
    return this.userConstrainedPolicies().size > 0
  }

  /**
   * The user-constrained-policy-set (§6.1.5 (g)): walk up from the end entity's policies to where each began, in the
   * domain of the relying party. Ask when all certificates are processed.
   *
   * anyPolicy alone names no policy: where the end entity asserts just that, these are the policies that the relying
   * party asked for, or none.
   */
  userConstrainedPolicies(): ReadonlySet<string> {
    const isAny = this.#acceptable.has(OID.anyPolicy)
    const last = this.#levels.at(-1)
    const found = new Set<string>(last?.anyPolicy === true && !isAny ? this.#acceptable : [])
    let reachable: ReadonlySet<string> = new Set(last?.nodes.keys())
    for (const level of this.#levels.toReversed()) {
      const above = new Set<string>()
      for (const policy of reachable) {
        const node = level.nodes.get(policy)
        if (node === undefined) continue
        if (node.parents.size === 0 && (isAny || this.#acceptable.has(policy))) found.add(policy)
        for (const parent of node.parents) above.add(parent)
      }
      reachable = above
    }
    return found
  }
}

function isEmpty({ anyPolicy, nodes }: Level): boolean {
  return !anyPolicy && nodes.size === 0
}

/** §6.1.3 (d), (e): what goes on is what the certificate asserts, too. */
function applyPolicies(level: Level, policies: ReadonlySet<string> | undefined, anyPolicyCounts: boolean): void {
  const cameWithAnyPolicy = level.anyPolicy
  if (policies?.has(OID.anyPolicy) !== true || !anyPolicyCounts) {
    for (const policy of level.nodes.keys()) if (policies?.has(policy) !== true) level.nodes.delete(policy)
    level.anyPolicy = false
  }
  if (!cameWithAnyPolicy) return
  for (const policy of policies ?? []) {
    if (policy !== OID.anyPolicy && !level.nodes.has(policy))
      level.nodes.set(policy, { parents: new Set(), mapped: false })
  }
}

/** §6.1.4 (a), (b): the policies under which the next certificate may go on. */
function applyMappings(level: Level, certificate: Certificate, mappingAllowed: boolean): Level {
  const next: Level = { anyPolicy: level.anyPolicy, nodes: new Map() }
  const lead = (from: string, to: string): void => {
    const node = next.nodes.get(to) ?? { parents: new Set(), mapped: false }
    node.parents.add(from)
    next.nodes.set(to, node)
  }
  for (const { issuerDomainPolicy, subjectDomainPolicy } of certificate.policyMappings ?? []) {
    if (issuerDomainPolicy === OID.anyPolicy || subjectDomainPolicy === OID.anyPolicy) {
      throw refusal('ERR_PATH_POLICY', 'policies', certificate, 'anyPolicy is mapped')
    }
    if (!mappingAllowed) {
      level.nodes.delete(issuerDomainPolicy)
      continue
    }
    if (level.anyPolicy && !level.nodes.has(issuerDomainPolicy)) {
      level.nodes.set(issuerDomainPolicy, { parents: new Set(), mapped: false })
    }
    const node = level.nodes.get(issuerDomainPolicy)
    if (node === undefined) continue
    node.mapped = true
    lead(issuerDomainPolicy, subjectDomainPolicy)
  }
  for (const [policy, node] of level.nodes) if (!node.mapped) lead(policy, policy)
  return next
}

function noPolicy(certificate: Certificate): TrustError {
  const message = 'the path is not valid for any acceptable certificate policy'
  return refusal('ERR_PATH_POLICY', 'policies', certificate, message)
}
