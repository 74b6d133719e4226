/**
 * The names in a certificate: those of the registry, where the issuer may certify them.
 *
 * @module authority/approve-names (floor 7)
 */
import { DeniedError } from '../errors/index.js'
import type { Identity } from '../identity/index.js'
import { NameConstraintState } from '../path/index.js'
import { type Certificate, formatGeneralName, type GeneralName, parseIpAddress } from '../x509/index.js'
import type { Profile } from './profiles.js'

/** Whom a certificate names. */
export interface Named {
  readonly profile: Profile
  readonly identity: Identity
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

/**
 * The alternative names that a profile puts into a certificate, the identity first.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_NAME`, `ERR_ISSUE_PROFILE`
 */
export function subjectNames({ profile, identity, dnsNames, ipAddresses }: Named): readonly GeneralName[] {
  const names: GeneralName[] = [{ kind: 'uri', value: identity.uri }]
  if (profile.names === 'hosts') {
    for (const value of dnsNames) names.push({ kind: 'dns', value })
    for (const address of ipAddresses) {
      const octets = parseIpAddress(address)
      if (octets === undefined) throw new DeniedError('ERR_ISSUE_NAME', `not an IP address: ${address}`)
      names.push({ kind: 'ip', octets })
    }
  }
  if (profile.needsHost && names.length === 1) {
    throw new DeniedError('ERR_ISSUE_PROFILE', `the profile ${profile.name} needs a host name or address`, {
      details: { entity: identity.entity, profile: profile.name },
      hint: 'register the entity with --dns or --ip',
    })
  }
  return names
}

/**
 * Each name by itself against the constraints of the issuer, as a verifier will.
 *
 * @throws {@link DeniedError} `ERR_ISSUE_NAME`
 */
export function checkNames(names: readonly GeneralName[], issuer: Certificate): void {
  nameChecker(issuer)(names)
}

/** As {@link checkNames}, for the names of many. */
export function nameChecker(issuer: Certificate): (names: readonly GeneralName[]) => void {
  const constraints = issuer.nameConstraints
  const all = new NameConstraintState()
  all.add(constraints)
  return (names) => {
    const state = all.fork()
    const stranger = names.find((name) => !state.allows(name))
    if (stranger === undefined) return
    const permitted = (constraints?.permitted ?? []).map(formatGeneralName).join(', ')
    throw new DeniedError('ERR_ISSUE_NAME', `this authority may not certify ${formatGeneralName(stranger)}`, {
      details: { name: formatGeneralName(stranger), permitted },
      hint: `it may certify ${permitted}`,
    })
  }
}
