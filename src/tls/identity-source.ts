/**
 * From validated certificates to identities: by a mapping and a registry, or by the trust directory.
 *
 * @module tls/identity-source (floor 7)
 */
import { DeniedError, isSignetError } from '../errors/index.js'
import { type EntityLookup, type Identity, identityUriOf, type Mapping, resolveIdentity } from '../identity/index.js'
import type { ValidatedPath } from '../path/index.js'
import { TrustDirectory } from '../trust/index.js'

/**
 * Who says who is who.
 *
 * - A mapping with a registry: `registryOf(store)`, or `entitiesOfDocument(document, …)` where there is no store. As a
 *   function it is asked each time, so that changes are seen.
 * - A trust directory, or how to get the newest: an entity is who signs messages under the same identity URI. Its anchors
 *   take the place of those in the credential directory, and its CRLs count besides.
 * - `'allow-unregistered'`: the identity URI of the certificate, with no roles. That an entity was quarantined or retired
 *   is not noticed unless its certificates are revoked.
 */
export type IdentitySource =
  | { readonly mapping: Mapping; readonly entities: EntityLookup | (() => EntityLookup) }
  | { readonly trust: TrustDirectory | (() => TrustDirectory) }
  | 'allow-unregistered'

/**
 * The newest trust directory, where there is one.
 *
 * @throws {@link StaleError} `ERR_TRUST_DIRECTORY_EXPIRED`, `ERR_TRUST_DIRECTORY_FROM_FUTURE`, and what a cache throws
 */
export function directoryOf(source: IdentitySource, at: Date): TrustDirectory | undefined {
  if (source === 'allow-unregistered' || !('trust' in source)) return undefined
  const directory = typeof source.trust === 'function' ? source.trust() : source.trust
  directory.requireCurrent(at)
  return directory
}

/**
 * Identify the end entity of a path.
 *
 * @param directory - What {@link directoryOf} of the same source yields.
 * @throws {@link DeniedError} `ERR_IDENTITY_UNMAPPED`, `ERR_IDENTITY_INVALID`, `ERR_ENTITY_INACTIVE`
 */
export async function identify(
  path: ValidatedPath,
  source: IdentitySource,
  directory: TrustDirectory | undefined,
): Promise<Identity> {
  if (directory !== undefined) return listed(path, directory)
  if (source === 'allow-unregistered' || !('mapping' in source)) return stated(path)
  const { mapping, entities } = source
  try {
    return await resolveIdentity(path, mapping, typeof entities === 'function' ? entities() : entities)
  } catch (cause) {
    if (isSignetError(cause)) throw cause
    // A registry that cannot be asked knows nobody.
    const subject = path.target.subject.toString()
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw new DeniedError('ERR_IDENTITY_UNMAPPED', `the registry cannot be asked about ${subject}: ${reason}`, {
      cause,
    })
  }
}

/** What the certificate says of itself; its CA has checked that. */
function stated(path: ValidatedPath): Identity {
  const { text, scope, service, node } = identityUriOf(path.target)
  return { entity: `${service}/${node}`, uri: text, scope, service, node, roles: [], grants: [], groups: [] }
}

const indexes = new WeakMap<TrustDirectory, ReadonlyMap<string, Identity>>()

function listed(path: ValidatedPath, directory: TrustDirectory): Identity {
  const { text: uri, trustDomain } = identityUriOf(path.target)
  let index = indexes.get(directory)
  if (index === undefined) indexes.set(directory, (index = indexOf(directory)))
  const identity = trustDomain === directory.trustDomain ? index.get(uri) : undefined
  if (identity !== undefined) return identity
  throw new DeniedError('ERR_IDENTITY_UNMAPPED', `nobody is in the trust directory as ${uri}`, {
    details: { uri, sequence: String(directory.sequence) },
    hint: 'an entity is in it that has a certificate of the profile signer; get the newest directory',
  })
}

/** Of several certificates of one entity, each says the same. */
function indexOf(directory: TrustDirectory): ReadonlyMap<string, Identity> {
  const index = new Map<string, Identity>()
  for (const signer of directory.signers) {
    try {
      index.set(signer.identity.uri, signer.identity)
    } catch (error) {
      // Who is granted what is no grant is nobody, and hinders nobody else.
      if (!isSignetError(error)) throw error
    }
  }
  return index
}
