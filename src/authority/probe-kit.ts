/**
 * Certificates that servers must refuse, and that only an authority can make: for trying whether they do.
 *
 * @module authority/probe-kit (floor 7)
 */
import type { KeyAlgorithmName } from '../crypto/index.js'
import { StateError } from '../errors/index.js'
import type { EntityRecord } from '../store/index.js'
import type { Authority } from './authority.js'
import { issueCertificates, type IssuedCertificate } from './issue.js'
import type { IssuingAuthority } from './plan.js'
import { PROFILES } from './profiles.js'
import { registerEntity } from './register.js'
import { revokeCertificates } from './revoke.js'

/** The entity to which a kit is issued. It has no roles, and must not be mapped to anything anywhere. */
export const PROBE_ENTITY = 'signet-probe'

/** Over as soon as it was delivered: a certificate lives for at least a second. */
const EXPIRED_SECONDS = 1

/** What is wrong with each. */
export interface ProbeKit {
  /** Ends a second after it was made. */
  readonly expired: IssuedCertificate
  /** To be revoked with {@link revokeOfKit} once it was delivered: nobody delivers what is revoked already. */
  readonly revoked: IssuedCertificate
  /** For TLS servers only. */
  readonly wrongPurpose: IssuedCertificate
  /** Nothing is wrong with it but that nobody knows its entity. */
  readonly unmapped: IssuedCertificate
}

/**
 * Issue a probe kit: recorded like every other certificate, to an entity that may do nothing.
 *
 * @param entity - To whom the expired and the revoked one are issued instead, so that a server which refuses them does not
 * do so for their names. Neither can be used for anything.
 * @throws {@link StateError} `ERR_ENTITY_EXISTS` where somebody else has the reserved name, `ERR_ENTITY_UNKNOWN`
 * @throws as {@link issueCertificates}
 */
export async function issueProbeKit(
  issuing: IssuingAuthority,
  algorithm: KeyAlgorithmName,
  entity: string = PROBE_ENTITY,
): Promise<ProbeKit> {
  await ensureProbeEntity(issuing.authority, issuing.at)
  const key = { kind: 'generate', algorithm } as const
  const { client, server } = PROFILES
  const [expired, revoked, wrongPurpose, unmapped] = await issueCertificates(issuing, [
    { entity, profile: client, key, validitySeconds: EXPIRED_SECONDS },
    { entity, profile: client, key },
    { entity: PROBE_ENTITY, profile: server, key },
    { entity: PROBE_ENTITY, profile: client, key },
  ])
  return { expired, revoked, wrongPurpose, unmapped } as ProbeKit
}

/** Revoke the one that is to be. Takes effect at servers with the next CRL that they get. */
export async function revokeOfKit(authority: Authority, { revoked }: ProbeKit, at: Date): Promise<void> {
  const { serialNumber } = revoked.certificate
  await revokeCertificates(authority, { kind: 'serialNumber', serialNumber }, 'superseded', at)
}

async function ensureProbeEntity(authority: Authority, at: Date): Promise<EntityRecord> {
  const { store, deployment } = authority
  const dnsNames = [`${PROBE_ENTITY}.${deployment.trustDomain}`]
  const known = await store.entity(PROBE_ENTITY)
  if (known === undefined) {
    return registerEntity(authority, { id: PROBE_ENTITY, kind: 'node', service: 'probe', dnsNames }, at)
  }
  if (known.service === 'probe' && known.roles.length === 0) return known
  throw new StateError('ERR_ENTITY_EXISTS', `the entity ${PROBE_ENTITY} is not the one that probes have`, {
    details: { entity: PROBE_ENTITY, service: known.service, roles: known.roles.join(' ') },
    hint: 'it must be of the service probe and have no roles: whoever has its certificates may do what it may',
  })
}
